"""An earlier run's findings, so that only new ones count: a JSON result of rlm, or SARIF of rlm or any other tool.

Covered: which findings are the same, with moved lines too, and a second one in an equal place, which is new. What was
reported then is known, whether it was new then or not; what was refuted or withheld then is not: what cleared it then
may not hold any more. Damaged and hostile files. Not covered: reading SARIF (sarif.py), whether the file may be used
(files.py). A finding under another rule or path, or with another text, is a new one.
"""

import json
import re
from collections import Counter, defaultdict
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Any

from rlm_cli.amounts import counted
from rlm_cli.errors import InputError
from rlm_cli.gate.same import Known, normalised
from rlm_cli.gate.sarif import entries_of
from rlm_cli.json_structure import structure
from rlm_cli.results import Finding
from rlm_cli.types import SEVERITIES

LARGEST = 64_000_000
"""Bytes: some 40,000 findings."""
_MOST_STRUCTURE = 32_000_000
_MADE_BY = "make one with: rlm analyze INPUT... QUESTION -f json -o FILE"
_FINGERPRINT = re.compile(r"[0-9a-f]{32}")


@dataclass(frozen=True, slots=True)
class Baseline:
    """What an earlier run reported."""

    entries: tuple[Known, ...]
    warnings: tuple[str, ...] = ()

    def has(self, findings: Sequence[Finding]) -> list[bool]:
        """Say of each finding of a run whether it is known. Each entry makes one finding known, not several."""
        # A text that stands there several times: what is left as new is the gravest.
        order = sorted(
            range(len(findings)), key=lambda at: (SEVERITIES.index(findings[at].severity), findings[at].line)
        )
        known = [False] * len(findings)
        left: Sequence[Known] = self.entries
        for key in (_both, _by_fingerprint, _by_place):
            waiting: dict[Hashable, list[Known]] = defaultdict(list)
            for entry in left:
                waiting[key(entry)].append(entry)
            for number in order:
                name = None if known[number] else key(_as_known(findings[number]))
                if name is not None and waiting.get(name):
                    waiting[name].pop()
                    known[number] = True
            left = [entry for entries in waiting.values() for entry in entries]
        return known


def _as_known(finding: Finding) -> Known:
    return Known(finding.fingerprint, (finding.rule_id, finding.path, normalised(finding.quote)))


def _both(each: Known) -> Hashable:
    return (each.fingerprint, each.place) if each.fingerprint and each.place else None


def _by_fingerprint(each: Known) -> Hashable:
    return each.fingerprint or None


def _by_place(each: Known) -> Hashable:
    return each.place


def read_baseline(content: bytes, name: str) -> Baseline:
    """Return what a baseline file holds. Raises InputError for what is neither a result of rlm nor SARIF."""
    plain = _parsed(content, name)
    if isinstance(plain.get("runs"), list):
        return _from_sarif(plain["runs"], name)
    if "schema_version" in plain and "findings" in plain:
        return _from_result(plain, name)
    raise InputError(f"the baseline {name} is neither a JSON result of rlm nor SARIF", _MADE_BY)


def _parsed(content: bytes, name: str) -> dict[str, Any]:
    if not content.strip():
        raise InputError(f"the baseline {name} is empty", _MADE_BY)
    if structure(content, _MOST_STRUCTURE) > _MOST_STRUCTURE:
        raise InputError(f"the baseline {name} holds more brackets and numbers than any result", _MADE_BY)
    try:
        plain = json.loads(content.decode("utf-8-sig"), object_pairs_hook=_once, parse_constant=_refuse)
    except (ValueError, RecursionError) as error:
        why = "nested too deeply" if isinstance(error, RecursionError) else _why(error)
        raise InputError(f"the baseline {name} is no JSON: {why}", _MADE_BY) from None
    if not isinstance(plain, dict):
        raise InputError(f"the baseline {name} is neither a JSON result of rlm nor SARIF", _MADE_BY)
    return plain


def _why(error: Exception) -> str:
    if isinstance(error, UnicodeDecodeError):
        return "it is not UTF-8"
    return str(error)[:200]


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        twice = next(key for key, times in Counter(key for key, _ in pairs).items() if times > 1)
        raise ValueError(f"{twice[:40]!r} stands twice in one object")
    return found


def _refuse(constant: str) -> Any:
    raise ValueError(f"{constant} is no number")


def _from_result(plain: dict[str, Any], name: str) -> Baseline:
    if plain["schema_version"] != 1:
        raise InputError(f"the baseline {name} has schema_version {str(plain['schema_version'])[:20]}, not 1", _MADE_BY)
    findings = plain["findings"]
    if not isinstance(findings, list):
        raise _damaged(name, "findings is no list")
    entries = [_entry(each, number, name) for number, each in enumerate(findings, 1)]
    return _baseline(entries, name, complete=plain.get("status") == "complete")


def _entry(plain: Any, number: int, name: str) -> Known:
    if not isinstance(plain, dict):
        raise _damaged(name, f"finding {number:,} is no object")
    for key in ("rule_id", "path", "quote"):
        if not isinstance(plain.get(key), str):
            raise _damaged(name, f"finding {number:,} has no {key}")
    fingerprint = plain.get("fingerprint", "")
    if not isinstance(fingerprint, str) or not (fingerprint == "" or _FINGERPRINT.fullmatch(fingerprint)):
        raise _damaged(name, f"the fingerprint of finding {number:,} is none")
    return Known(fingerprint, (plain["rule_id"], plain["path"], normalised(plain["quote"])))


def _damaged(name: str, what: str) -> InputError:
    return InputError(f"the baseline {name} is damaged: {what}", _MADE_BY)


def _from_sarif(runs: list[Any], name: str) -> Baseline:
    try:
        found = entries_of(runs)
    except ValueError as error:
        raise _damaged(name, str(error)) from None
    warnings = []
    if found.nameless:
        results = counted(found.nameless, "result")
        warnings.append(f"the baseline {name} makes nothing known by {results} without a rule, a file or its text")
    return _baseline(found.entries, name, found.complete, warnings)


def _baseline(entries: Sequence[Known], name: str, complete: bool, warnings: Sequence[str] = ()) -> Baseline:
    doubt = (
        () if complete else (f"the baseline {name} is of a run that was not complete: what it missed counts as new",)
    )
    # Runs that stand in one file twice are the same findings, not twice as many.
    once = {(each.fingerprint, each.place) if each.fingerprint else number: each for number, each in enumerate(entries)}
    return Baseline(tuple(once.values()), (*doubt, *warnings))
