"""GitHub's workflow commands: lines on stdout that become annotations at lines of a pull request.

The worst comes first: GitHub shows ten of each level for a step. Covered: what is reported, that a run is not complete,
coverage. Model text is one property or one message each, and cannot begin a command of its own.
"""

from rlm_cli.finding_words import check_words, count_words, coverage_words, incomplete_words
from rlm_cli.places import has_own_lines, place_name
from rlm_cli.report import Report
from rlm_cli.results import Finding
from rlm_cli.safe_text import safe, safe_line
from rlm_cli.types import Severity

_COMMANDS: dict[Severity, str] = {
    "critical": "error",
    "high": "error",
    "medium": "warning",
    "low": "notice",
    "info": "notice",
}


def render_github(report: Report) -> str:
    """Return the commands, one a line."""
    incomplete = incomplete_words(report.result)
    lines = [_command("warning", {"title": "rlm"}, incomplete)] if incomplete is not None else []
    lines += [_annotation(report, each) for each in report.sifted.reported]
    words = count_words(report.sifted, report.result.rejected_findings)
    coverage = report.result.coverage
    if coverage is not None:
        words += f"; {coverage_words(coverage)}"
    lines.append(_command("notice", {"title": "rlm"}, words))
    return "\n".join(lines) + "\n"


def _annotation(report: Report, finding: Finding) -> str:
    properties = {"file": finding.path}
    message = f"{safe(finding.message).strip() or safe_line(finding.title)}\n{_about(finding)}"
    if has_own_lines(report.task.context.document(finding.path)):
        properties |= {"line": str(finding.line), "endLine": str(finding.end_line)}
        if finding.line == finding.end_line:  # GitHub takes columns within one line alone
            properties |= {"col": str(finding.column), "endColumn": str(finding.end_column)}
    else:
        message = f"{place_name(finding.place)}: {message}"
    properties["title"] = safe_line(finding.title)
    name = _COMMANDS[finding.severity]
    if name == "error" and report.task.verify and finding.verdict != "confirmed":
        name = "warning"  # it fails nothing
    return _command(name, properties, message)


def _about(finding: Finding) -> str:
    return f"{finding.severity}, {finding.rule_id}, {check_words(finding)}"


def _command(name: str, properties: dict[str, str], message: str) -> str:
    given = ",".join(f"{key}={_property(value)}" for key, value in properties.items())
    return f"::{name} {given}::{_escaped(safe(message))}"


def _escaped(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _escaped(safe(text)).replace(":", "%3A").replace(",", "%2C")
