"""What SARIF says was found: rules, files and texts, by rlm's own reports or by those of other tools.

Covered: percent-encoded and absolute URIs, uriBaseId, rules and files by index, results that say that nothing is there.
Not covered: primaryLocationLineHash, which knows a line and no rule; tool extensions; externalized properties.
"""

import posixpath
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from rlm_cli.gate.same import Known, normalised

FINGERPRINT = "rlmFinding/v1"
"""The key of our fingerprint among a result's partialFingerprints."""
_FINGERPRINT = re.compile(r"[0-9a-f]{32}")
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:")
"""Of two characters at least: `C:` is a disk."""
_MOST_BASES = 20
_NO_FINDINGS = ("pass", "notApplicable", "informational")


@dataclass(frozen=True, slots=True)
class Read:
    """What the runs of a file hold."""

    entries: tuple[Known, ...]
    nameless: int
    """Results that nothing can be known by."""
    complete: bool
    """No run says of itself that it failed."""


def entries_of(runs: list[Any]) -> Read:
    """Return what the runs of a SARIF file found. Raises ValueError for what is no SARIF."""
    entries: list[Known] = []
    nameless, complete = 0, True
    for number, run in enumerate(runs, 1):
        run = _object(run, f"run {number:,}")
        complete = complete and all(each.get("executionSuccessful") is not False for each in _invocations(run))
        results = run.get("results")
        if not isinstance(results or [], list):
            raise ValueError(f"the results of run {number:,} are no list")
        files = _Files(run)
        for place, result in enumerate(results or [], 1):
            result = _object(result, f"result {place:,} of run {number:,}")
            if result.get("baselineState") == "absent" or result.get("kind") in _NO_FINDINGS:
                continue
            known = Known(_fingerprint(result), _place(run, result, files))
            if known.fingerprint or known.place is not None:
                entries.append(known)
            else:
                nameless += 1
    return Read(tuple(entries), nameless, complete)


def _object(value: Any, what: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ValueError(f"{what} is no object")
    return value


def _at(value: Any, *steps: str | int) -> Any:
    """Return what lies at the end of keys and indices; None where one leads nowhere."""
    for step in steps:
        if isinstance(step, str):
            value = value.get(step) if isinstance(value, dict) else None
        else:
            value = value[step] if isinstance(value, list) and 0 <= step < len(value) else None
    return value


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None


def _index(value: Any) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) else -1


def _invocations(run: dict[str, Any]) -> Iterator[dict[str, Any]]:
    found = run.get("invocations")
    yield from (each for each in (found if isinstance(found, list) else []) if isinstance(each, dict))


def _fingerprint(result: dict[str, Any]) -> str:
    found = _text(_at(result, "partialFingerprints", FINGERPRINT)) or _text(_at(result, "fingerprints", FINGERPRINT))
    return found if found and _FINGERPRINT.fullmatch(found) else ""


def _place(run: dict[str, Any], result: dict[str, Any], files: "_Files") -> tuple[str, str, str] | None:
    rule = _text(result.get("ruleId")) or _text(_at(result, "rule", "id"))
    if rule is None:
        number = max(_index(result.get("ruleIndex")), _index(_at(result, "rule", "index")))
        rule = _text(_at(run, "tool", "driver", "rules", number, "id"))
    location = _at(result, "locations", 0, "physicalLocation")
    path = files.path(_at(location, "artifactLocation"))
    text = normalised(_text(_at(location, "region", "snippet", "text")) or "")
    return (rule, path, text) if rule and path and text else None


class _Files:
    """Which file a result means: its path from the top of what was scanned."""

    def __init__(self, run: dict[str, Any]) -> None:
        self._run = run
        bases = _at(run, "originalUriBaseIds")
        tops = {self._base(each)[0] for each in (bases if isinstance(bases, dict) else ())}
        self._tops = sorted((unquote(each).rstrip("/") + "/" for each in tops if each), key=len, reverse=True)
        """Folders that paths count from, inner ones first."""

    def path(self, location: Any) -> str | None:
        """Return the path that an artifactLocation means; None for what lies elsewhere, or is not told."""
        if _text(_at(location, "uri")) is None:
            location = _at(self._run, "artifacts", _index(_at(location, "index")), "location")
        uri = _text(_at(location, "uri"))
        if uri is None:
            return None
        if _SCHEME.match(uri):
            path = unquote(uri)
            top = next((each for each in self._tops if path.startswith(each)), None)
            if top is None:
                return None
            path = path.removeprefix(top)
        else:
            path = unquote(self._base(_at(location, "uriBaseId"))[1] + uri)
        path = posixpath.normpath(path)
        return None if path.startswith(("/", "../")) or path in (".", "..") else path

    def _base(self, name: Any) -> tuple[str, str]:
        """Return the absolute URI that a base counts from, and the way from there; "" for what is not told."""
        inner = ""
        for _ in range(_MOST_BASES):
            base = _at(self._run, "originalUriBaseIds", name) if isinstance(name, str) else None
            uri = _text(_at(base, "uri")) or ""
            if _SCHEME.match(uri):
                return uri, inner
            inner = (uri if not uri or uri.endswith("/") else f"{uri}/") + inner
            name = _at(base, "uriBaseId")
            if name is None:
                break
        return "", inner
