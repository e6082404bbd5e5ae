"""GitLab's code quality report: a list of findings, which its merge requests show at their lines.

Covered: what is reported, and one more entry for a run that is not complete. The format has no place for what is known,
refuted or withheld, and a complete run without findings is the empty list.
"""

import hashlib
import json
from typing import Any

from rlm_cli.finding_words import check_words, coverage_words, incomplete_words
from rlm_cli.places import has_own_lines, place_name
from rlm_cli.report import Report
from rlm_cli.results import Finding
from rlm_cli.safe_text import safe, safe_line
from rlm_cli.types import Severity

_SEVERITIES: dict[Severity, str] = {
    "critical": "blocker",
    "high": "critical",
    "medium": "major",
    "low": "minor",
    "info": "info",
}
_INCOMPLETE = "rlm-incomplete"


def render_gitlab(report: Report) -> str:
    """Return one JSON list, ASCII only."""
    entries = [_entry(report, each) for each in report.sifted.reported]
    incomplete = incomplete_words(report.result)
    if incomplete is not None:
        entries.insert(0, _said_of_the_run(report, incomplete))
    return json.dumps(entries, ensure_ascii=True, indent=1) + "\n"


def _entry(report: Report, finding: Finding) -> dict[str, Any]:
    own = has_own_lines(report.task.context.document(finding.path))
    place = "" if own else f" ({safe_line(place_name(finding.place))})"
    return {
        "description": f"{safe_line(finding.title)}{place}: {check_words(finding)}",
        "check_name": finding.rule_id,
        "fingerprint": finding.fingerprint,
        "severity": _SEVERITIES[finding.severity],
        "location": {
            "path": finding.path,
            "lines": {"begin": finding.line, "end": finding.end_line} if own else {"begin": 1},
        },
        "content": {"body": safe(finding.message)},
        "categories": ["Security" if finding.cwe else "Bug Risk"],
    }


def _said_of_the_run(report: Report, incomplete: str) -> dict[str, Any]:
    coverage = report.result.coverage
    words = incomplete if coverage is None else f"{incomplete}; {coverage_words(coverage)}"
    return {
        "description": f"rlm: {safe_line(words)}",
        "check_name": _INCOMPLETE,
        "fingerprint": hashlib.sha256(_INCOMPLETE.encode()).hexdigest()[:32],
        "severity": "critical",
        "location": {"path": ".", "lines": {"begin": 1}},
    }
