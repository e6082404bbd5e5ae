"""Findings on a terminal: each with its place, the code there in its lines, and what was checked.

The same as the plain report says (reports/finding_text.py), in colour and cut to the screen.
"""

from collections.abc import Iterator, Sequence

from rich.cells import cell_len
from rich.text import Text

from rlm_cli.display.lines import behind, cut, wrapped
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
from rlm_cli.safe_text import safe_line
from rlm_cli.types import Severity

_STYLES: dict[Severity, str] = {
    "critical": "bold red",
    "high": "red",
    "medium": "yellow",
    "low": "cyan",
    "info": "dim",
}
_MESSAGE = 100
"""Lines of a message that are shown."""
_LISTED = 10
"""Findings that are named of those that are not reported, of each kind."""


def recorded_lines(findings: Sequence[Finding], width: int) -> list[Text]:
    """Return a line for each finding of a recorded run, whose text is not at hand."""
    if not findings:
        return []
    lines = [Text("Findings", "bold")]
    for each in findings:
        said = safe_line(f"{each.verdict}  {place_name(each.place)}  {each.title} [{rule_words(each)}]")
        lines += behind(Text(f"  {each.severity:<8}  ", _STYLES[each.severity]), wrapped(said, width - 12, 3))
    return lines


def finding_lines(report: Report, width: int) -> list[Text]:
    """Return the section on findings; no lines where none were asked for."""
    result, sifted = report.result, report.sifted
    if not asked_for_findings(result, sifted):
        return []
    counts = count_words(sifted, result.rejected_findings, headed=True)
    lines = list(behind(Text("Findings  ", "bold"), wrapped(counts, width - 10, 10)))
    for each in sifted.reported:
        lines += [Text(), *_finding(report, each, width)]
    lists = {
        "Known": [(each, "") for each in sifted.known],
        "Refuted": [(each, each.reason or "") for each in sifted.refuted],
        "Not reported": [(each.finding, withheld_words(each)) for each in sifted.withheld],
    }
    for title, those in lists.items():
        if those:
            lines += [Text(), Text(title, "bold"), *_list(those, width)]
    if result.coverage is not None:
        words = wrapped(coverage_words(result.coverage), width - 10, 5)
        lines += [Text(), *behind(Text("Coverage  ", "bold"), words)]
    incomplete = incomplete_words(result)
    if incomplete is not None:
        lines += [Text(), *wrapped(incomplete.capitalize(), width, 5, "bold red")]
    return lines


def _finding(report: Report, finding: Finding, width: int) -> Iterator[Text]:
    head = Text(f"{finding.severity}  ", _STYLES[finding.severity])
    yield from behind(head, wrapped(finding.title, width - head.cell_len, 3, "bold"))
    yield cut(Text(f"  {safe_line(place_name(finding.place))}  {rule_words(finding)}", "dim"), width)
    excerpt = excerpt_of(report, finding)
    digits = max((len(str(row.number)) for row in excerpt.rows if row.number is not None), default=0)
    for row in excerpt.rows:
        yield from _row(row, digits, width, _STYLES[finding.severity])
    if excerpt.hidden:
        yield Text(f"    {'':>{digits}} │ ... {excerpt.hidden:,} more lines", "dim")
    if finding.message.strip() != finding.title.strip():
        for line in finding.message.strip().splitlines():
            yield from behind(Text("  "), wrapped(line, width - 2, _MESSAGE))
    check = check_words(finding) + (f": {finding.reason}" if finding.reason else "")
    yield from behind(Text("  "), wrapped(check, width - 2, _MESSAGE, "dim"))


def _row(row: Row, digits: int, width: int, style: str) -> Iterator[Text]:
    number = "" if row.number is None else str(row.number)
    margin = f"  {'>' if row.marked else ' '} {number:>{digits}} │ "
    line = Text.assemble((margin, "dim"), row.before, (row.marked, "bold"), (row.after, "" if row.marked else "dim"))
    line.rstrip()
    yield cut(line, width)
    if row.marked:
        below = Text.assemble(
            (f"    {'':>{digits}} │ ", "dim"),
            " " * cell_len(row.before),
            ("^" * max(1, cell_len(row.marked)), style),
        )
        yield cut(below, width)


def _list(findings: Sequence[tuple[Finding, str]], width: int) -> Iterator[Text]:
    for finding, why in findings[:_LISTED]:
        place = safe_line(place_name(finding.place))
        line = Text.assemble(
            (f"  {finding.severity}  ", _STYLES[finding.severity]), f"{place}  {safe_line(finding.title)}"
        )
        yield cut(line, width)
        if why:
            yield from behind(Text("    "), wrapped(why, width - 4, 2, "dim"))
    if len(findings) > _LISTED:
        yield Text(f"  and {len(findings) - _LISTED:,} more", "dim")
