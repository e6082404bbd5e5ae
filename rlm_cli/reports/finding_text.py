"""Findings as plain text: each with its place, the code there with carets under what it quotes, and what was checked.

Model text stands behind an indent, and no line of it is one of the report's own or a command to a CI runner (tame).
"""

from collections.abc import Iterator, Sequence

from rlm_cli.excerpts import Row, excerpt_of
from rlm_cli.finding_words import (
    asked_for_findings,
    check_words,
    count_words,
    coverage_words,
    incomplete_words,
    rule_words,
    withheld_words,
)
from rlm_cli.places import place_name
from rlm_cli.report import Report
from rlm_cli.results import Finding
from rlm_cli.safe_text import safe, safe_line

_LISTED = 10
"""Findings that are named of those that are not reported, of each kind."""


def findings_text(report: Report) -> str | None:
    """Return the section on findings; None where none were asked for."""
    result, sifted = report.result, report.sifted
    if not asked_for_findings(result, sifted):
        return None
    parts = [f"Findings: {count_words(sifted, result.rejected_findings, headed=True)}"]
    parts += ["\n".join(_finding(report, each)) for each in sifted.reported]
    lists = {
        "Known": [(each, "") for each in sifted.known],
        "Refuted": [(each, each.reason or "") for each in sifted.refuted],
        "Not reported": [(each.finding, withheld_words(each)) for each in sifted.withheld],
    }
    parts += ["\n".join(_list(title, those)) for title, those in lists.items() if those]
    last = [] if result.coverage is None else [f"Coverage: {safe_line(coverage_words(result.coverage))}"]
    incomplete = incomplete_words(result)
    if incomplete is not None:
        last.append(incomplete.capitalize())
    return "\n\n".join([*parts, *(["\n".join(last)] if last else [])])


def tame(text: str) -> str:
    """Return text of which no line is a command to a CI runner that reads along."""
    lines = text.replace("##[", "## [").replace("##vso[", "## vso[").splitlines(keepends=True)
    return "".join(f"> {line}" if line.lstrip().startswith("::") else line for line in lines)


def _finding(report: Report, finding: Finding) -> Iterator[str]:
    yield f"{finding.severity}: {tame(safe_line(finding.title))} [{rule_words(finding)}]"
    yield f"  {safe_line(place_name(finding.place))}, {check_words(finding)}"
    yield from (f"  {line}" for line in excerpt_lines(report, finding))
    message = safe(finding.message).strip()
    if message and message != safe_line(finding.title):
        yield from (f"    {line}".rstrip() for line in tame(message).splitlines())
    if finding.reason:
        yield f"    Check: {tame(safe_line(finding.reason))}"


def excerpt_lines(report: Report, finding: Finding) -> Iterator[str]:
    """Yield the code of a finding with line numbers, and carets below what it quotes."""
    excerpt = excerpt_of(report, finding)
    width = max((len(str(row.number)) for row in excerpt.rows if row.number is not None), default=0)
    for row in excerpt.rows:
        number = "" if row.number is None else str(row.number)
        yield tame(f"{'>' if row.marked else ' '} {number:>{width}} | {row.text}".rstrip())
        if row.marked:
            yield f"  {'':>{width}} | {carets(row)}"
    if excerpt.hidden:
        yield f"  {'':>{width}} | ... {excerpt.hidden:,} more lines"


def carets(row: Row) -> str:
    """Return the line below a row."""
    from rich.cells import cell_len  # here: not every command that reports has findings, and rich takes its time

    return " " * cell_len(row.before) + "^" * max(1, cell_len(row.marked))


def _list(title: str, findings: Sequence[tuple[Finding, str]]) -> Iterator[str]:
    yield f"{title}:"
    for finding, why in findings[:_LISTED]:
        line = f"  {finding.severity}: {tame(safe_line(finding.title))}, {safe_line(place_name(finding.place))}"
        yield line + (f" ({tame(safe_line(why))})" if why else "")
    if len(findings) > _LISTED:
        yield f"  and {len(findings) - _LISTED:,} more"
