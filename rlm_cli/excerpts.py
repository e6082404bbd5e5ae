"""The lines around a finding, harmless to print, with what it quotes set apart so that carets can be drawn under it.

Covered: a few lines before and behind, long lines cut around the quote, secrets hidden (they shift columns, and may
merge lines). Not covered: how it is drawn (reports/, display/).
"""

from dataclasses import dataclass, replace

from rlm_cli.places import has_own_lines
from rlm_cli.report import Report
from rlm_cli.results import Finding
from rlm_cli.safe_text import safe

_AROUND = 2
"""Lines before and behind the quote."""
_MOST = 8
"""Lines of a quote that are shown."""
_WIDTH = 160
"""Characters of a line that are shown."""
_BEFORE = 40
"""Characters that stay before the quote in a line that is cut."""
_CUT = "…"
_TAB = "    "


@dataclass(frozen=True, slots=True)
class Row:
    """One line of an excerpt: its text is `before`, `marked` and `after`."""

    number: int | None
    """From 1; None where the file has no such lines, or secrets that were hidden have merged them."""
    before: str
    marked: str
    """What the finding quotes of this line; "" for a line around it."""
    after: str

    @property
    def text(self) -> str:
        return self.before + self.marked + self.after


@dataclass(frozen=True, slots=True)
class Excerpt:
    """The place of a finding."""

    rows: tuple[Row, ...]
    hidden: int
    """Lines of the quote that are not shown."""


def excerpt_of(report: Report, finding: Finding) -> Excerpt:
    """Return the lines that a finding quotes, and a few around them."""
    document = report.task.context.document(finding.path)
    if document is None:
        return _of_the_quote(finding)
    last_shown = min(finding.end_line, finding.line + _MOST - 1)
    hidden = finding.end_line - last_shown
    first, last = max(1, finding.line - _AROUND), last_shown if hidden else last_shown + _AROUND
    # The whole quote, though less is shown: half a secret is not told from other text.
    plain = _lines(report.task.context.lines_of(finding.path, first, max(last, finding.end_line)))
    shown = _lines(report.lines(finding.path, first, max(last, finding.end_line)))
    if len(plain) != len(shown):
        return _of_the_quote(finding)
    quoted = finding.quote.split("\n")
    rows = []
    for number, (there, seen) in enumerate(zip(plain, shown, strict=True), first):
        if number > last:
            break
        start, end = _span(finding, number, len(there))
        if there != seen and start < end:
            words = quoted[number - finding.line] if number - finding.line < len(quoted) else ""
            start = seen.find(words) if words else -1
            start, end = (start, start + len(words)) if start >= 0 else (0, len(seen))
        rows.append(_row(number, seen, start, end))
    if not has_own_lines(document):
        rows = [replace(each, number=None) for each in rows]
    around = _around(shown[: len(rows)], finding.line - first, last_shown - first)
    return Excerpt(tuple(rows[around]), hidden)


def _around(lines: list[str], first: int, last: int) -> slice:
    """Return which lines to show: `first` to `last`, and those around them on the same page, no blank one outside."""
    start, end = first, last + 1
    while start > 0 and "\f" not in lines[start - 1]:
        start -= 1
    while end < len(lines) and "\f" not in lines[end]:
        end += 1
    while start < first and not lines[start].strip():
        start += 1
    while end > last + 1 and not lines[end - 1].strip():
        end -= 1
    return slice(start, end)


def _lines(text: str) -> list[str]:
    return text.removesuffix("\n").split("\n") if text else []


def _span(finding: Finding, number: int, length: int) -> tuple[int, int]:
    """Return from which character of a line up to which the quote stands; the same twice: none of it does."""
    if not finding.line <= number <= finding.end_line:
        return 0, 0
    start = finding.column - 1 if number == finding.line else 0
    end = finding.end_column - 1 if number == finding.end_line else length
    return min(start, length), min(end, length)


def _row(number: int | None, line: str, start: int, end: int) -> Row:
    line = line.rstrip("\r")
    # Blanks that indent a further line of the quote are no part of what it says.
    marked = line[start:end]
    start += len(marked) - len(marked.lstrip())
    end = max(start, start + len(marked.strip()))
    left, right = 0, len(line)
    if len(line) > _WIDTH:
        left = max(0, min(start - _BEFORE, len(line) - _WIDTH)) if end > _WIDTH else 0
        right = left + _WIDTH
    parts = (line[left:start], line[start : min(end, right)], line[min(end, right) : right])
    before, quoted, after = (safe(each.replace("\t", _TAB)) for each in parts)
    return Row(number, (_CUT if left else "") + before, quoted, after + (_CUT if right < len(line) else ""))


def _of_the_quote(finding: Finding) -> Excerpt:
    lines = _lines(finding.quote)
    rows = tuple(_row(None, each, 0, len(each)) for each in lines[:_MOST])
    return Excerpt(rows, max(0, len(lines) - _MOST))
