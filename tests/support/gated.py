"""Findings for tests of what becomes of them: made by the program's own check, over files that are loaded."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from support.repositories import grow

from rlm_cli.context import Context
from rlm_cli.finding_claims import check_finding
from rlm_cli.findings import Refusal
from rlm_cli.loaders import LoadOptions, load
from rlm_cli.results import Finding
from rlm_cli.seams import Reported
from rlm_cli.types import Rule

RULES = {
    name: Rule(name, name.capitalize(), "high", None, "It is wrong.", "Do not.")
    for name in ("sql-injection", "xss", "other", "dead-code")
}


def loaded(folder: Path, files: Mapping[str, str], options: LoadOptions | None = None) -> Context:
    grow(folder, **files)
    return load([str(folder)], options or LoadOptions()).context


def found(context: Context, path: str, quote: str, line: int | None = None, **changes: Any) -> Finding:
    """Return a confirmed finding, where the quote stands nearest to the line."""
    rule = changes.pop("rule", "sql-injection")
    claim = Reported(rule, "A title", "A message", path, quote, changes.pop("severity", None), None, 0.9, line)
    checked = check_finding(context, RULES, claim)
    assert not isinstance(checked, Refusal), checked
    changes.setdefault("verdict", "confirmed")
    return replace(checked[0], **changes)


def as_result(reported: Sequence[Finding], **more: Any) -> bytes:
    """Return the JSON of a run that reported these."""
    plain = {
        "schema_version": 1,
        "status": "complete",
        "findings": [{**asdict(each), "known": False} for each in reported],
    }
    return json.dumps({**plain, **more}).encode()
