"""SARIF 2.1.0 as GitHub's code scanning takes it, and as other trackers do.

Covered: what GitHub requires of rules, results, places and fingerprints, and its limits; cost, limits, coverage and
what was not read, under `invocations`. Not covered: findings that are refuted or withheld, which are counted alone.
"""

import gzip
import json
from collections import defaultdict
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from rlm_cli import __version__
from rlm_cli.finding_words import check_words, incomplete_words, unread
from rlm_cli.places import has_own_lines, place_name
from rlm_cli.report import Report
from rlm_cli.reports.line_hash import line_hashes
from rlm_cli.reports.sarif_rules import LEVELS, rule_object
from rlm_cli.reports.summary import remarks
from rlm_cli.reports.words import shortened
from rlm_cli.results import Finding
from rlm_cli.rules import OTHER, rules_of
from rlm_cli.safe_text import safe, safe_line
from rlm_cli.types import SEVERITIES

_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
_ABOUT = "https://arxiv.org/abs/2512.24601"
_MOST_RESULTS = 25_000
_MOST_BYTES = 9_000_000
"""Of the compressed report; GitHub takes 10 MB."""
_MOST_MESSAGE, _MOST_SNIPPET = 2_000, 2_000
"""Characters of one."""
_MOST_PATHS = 200
"""Paths that are named of those that no model saw."""
_ROOT = "%SRCROOT%"


def render_sarif(report: Report) -> str:
    """Return one log with one run, ASCII only."""
    keep = _MOST_RESULTS
    while True:
        text = json.dumps(_log(report, keep), ensure_ascii=True, indent=1) + "\n"
        size = len(gzip.compress(text.encode(), 1)) if len(text) > _MOST_BYTES else 0
        if size <= _MOST_BYTES:
            return text
        results = min(keep, len(report.sifted.reported) + len(report.sifted.known))
        keep = results * _MOST_BYTES // size * 9 // 10


def _log(report: Report, keep: int) -> dict[str, Any]:
    rules = list(rules_of(report.task.profile).values())
    index = {each.id: number for number, each in enumerate(rules)}
    chosen, left_out = _chosen(report, keep)
    hashes = _hashes(report, [finding for finding, _ in chosen])
    driver = {
        "name": "rlm",
        "version": __version__,
        "semanticVersion": __version__,
        "informationUri": _ABOUT,
        "rules": [rule_object(each) for each in rules],
    }
    run = {
        "tool": {"driver": driver},
        "automationDetails": {"id": "rlm-diff/" if report.task.context.base is not None else "rlm/"},
        "originalUriBaseIds": {_ROOT: {"description": {"text": "The folder that was analyzed."}}},
        "columnKind": "unicodeCodePoints",
        "invocations": [_invocation(report, left_out)],
        "results": [_result(report, each, state, index, hashes) for each, state in chosen],
        "properties": {"runId": report.task.run_id, "profile": report.task.profile.name},
    }
    return {"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}


def _chosen(report: Report, keep: int) -> tuple[list[tuple[Finding, str | None]], int]:
    """Return the findings to tell, with their state against the baseline, and how many are left out: the mildest."""
    sifted = report.sifted
    new = "new" if sifted.against_baseline else None
    every = [*((each, new) for each in sifted.reported), *((each, "unchanged") for each in sifted.known)]
    if len(every) <= keep:
        return every, 0
    every.sort(key=lambda each: -SEVERITIES.index(each[0].severity))  # stable: else in the order they came
    return every[:keep], len(every) - keep


def _hashes(report: Report, findings: list[Finding]) -> dict[tuple[str, int], str]:
    """Return (path, line) -> hash. Each file is read once."""
    context = report.task.context
    lines = defaultdict(set)
    for each in findings:
        lines[each.path].add(each.line)
    hashes = {}
    for path, those in lines.items():
        document = context.document(path)
        if document is not None:
            text = context.text(document.span.start, document.span.end)
            hashes.update({(path, line): value for line, value in line_hashes(text, those).items()})
    return hashes


def _result(
    report: Report, finding: Finding, state: str | None, index: dict[str, int], hashes: dict[tuple[str, int], str]
) -> dict[str, Any]:
    rule = finding.rule_id if finding.rule_id in index else OTHER.id
    line_hash = hashes.get((finding.path, finding.line))
    result: dict[str, Any] = {
        "ruleId": rule,
        "ruleIndex": index[rule],
        "level": LEVELS[finding.severity],
        "message": {"text": _message(report, finding)},
        "locations": [_location(report, finding)],
        "partialFingerprints": {
            **({"primaryLocationLineHash": line_hash} if line_hash else {}),
            "rlmFinding/v1": finding.fingerprint,
        },
        "rank": round(100 * min(1.0, max(0.0, finding.confidence)), 1),
        "properties": {
            "severity": finding.severity,
            "confidence": finding.confidence,
            "verdict": finding.verdict,
            **({"reason": safe(finding.reason)} if finding.reason else {}),
            **({"cwe": finding.cwe} if finding.cwe else {}),
        },
    }
    if state is not None:
        result["baselineState"] = state
    return result


def _message(report: Report, finding: Finding) -> str:
    title, message = safe_line(finding.title), safe(finding.message).strip()
    text = f"{title.rstrip('.')}. {message}" if message and message != title else title
    check = check_words(finding).capitalize()
    if not has_own_lines(report.task.context.document(finding.path)):
        check = f"At {safe_line(place_name(finding.place))}. {check}"
    text = f"{shortened(text, _MOST_MESSAGE)}\n\n{check}."
    # `[words](target)` would be a link, to wherever a model was told.
    return text.replace("](", "] (")


def _location(report: Report, finding: Finding) -> dict[str, Any]:
    place: dict[str, Any] = {
        "artifactLocation": {"uri": quote(finding.path, safe="/", errors="replace"), "uriBaseId": _ROOT}
    }
    if has_own_lines(report.task.context.document(finding.path)):
        place["region"] = {
            "startLine": finding.line,
            "startColumn": finding.column,
            "endLine": finding.end_line,
            "endColumn": finding.end_column,
            "snippet": {"text": shortened(safe(finding.quote), _MOST_SNIPPET)},
        }
        return {"physicalLocation": place}
    name = safe_line(place_name(finding.place))
    place["region"] = {"startLine": 1, "startColumn": 1, "endLine": 1, "endColumn": 1}
    text = shortened(safe(finding.quote), _MOST_SNIPPET)
    return {
        "physicalLocation": place,
        "logicalLocations": [{"fullyQualifiedName": name}],
        "message": {"text": f"{name}: {text}".replace("](", "] (")},
    }


# --- how the run went ---------------------------------------------------------------------------------------------


def _invocation(report: Report, left_out: int) -> dict[str, Any]:
    task, result, sifted = report.task, report.result, report.sifted
    notes = [_note("warning", each) for each in remarks(result)]
    incomplete = incomplete_words(result)
    if incomplete is not None:
        notes.insert(0, _note("error", incomplete))
    if left_out:
        notes.append(_note("warning", f"{left_out:,} of the mildest findings are left out: GitHub takes no more"))
    if result.error is not None:
        notes.append(_note("error", result.error.message))
    files, pages = unread(task.context)
    began = task.began
    return {
        "executionSuccessful": result.status == "complete",
        **({"startTimeUtc": _utc(began)} if began is not None else {}),
        "toolExecutionNotifications": notes,
        "properties": {
            "status": result.status,
            "stopReason": result.stop_reason,
            "limitsReached": list(result.limits_reached),
            "costUsd": None if result.usage.cost_usd is None else round(result.usage.cost_usd, 8),
            "inputTokens": result.usage.input_tokens,
            "outputTokens": result.usage.output_tokens,
            "iterations": result.iterations,
            "subcalls": result.subcalls,
            "elapsedSeconds": round(result.elapsed_seconds, 3),
            "coverage": _coverage(report),
            "unreadFiles": files,
            "unreadPages": pages,
            "skippedFiles": task.context.skipped_by_reason(),
            "reportedFindings": len(sifted.reported),
            "knownFindings": len(sifted.known),
            "refutedFindings": len(sifted.refuted),
            "withheldFindings": len(sifted.withheld),
            "rejectedFindings": result.rejected_findings,
            "findingsLeftOut": left_out,
        },
    }


def _coverage(report: Report) -> dict[str, Any] | None:
    coverage = report.result.coverage
    if coverage is None:
        return None
    return {
        "offered": coverage.offered,
        "lookedAt": coverage.looked_at,
        "unseen": len(coverage.unseen),
        "firstUnseen": list(coverage.unseen[:_MOST_PATHS]),
    }


def _note(level: str, text: str) -> dict[str, Any]:
    return {"level": level, "message": {"text": safe(text).replace("](", "] (")}}


def _utc(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
