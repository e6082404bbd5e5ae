"""Tables of an answer, to be read at any width and with no word cut.

Covered: rows with more cells than the header, which Markdown would hide; words longer than a column; terminals too
narrow for the columns, where each row becomes a list of its cells. Not covered: what stands in a cell (answer.py).
"""

import re
from collections.abc import Iterator, Sequence

from rich.box import SIMPLE_HEAD
from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.markdown import TableElement
from rich.table import Table
from rich.text import Text

_COLUMN = 12
"""Cells of the screen below which a column that has more to show is too narrow to be read."""
_BETWEEN = 3
_KEYS = 16
"""Cells of the screen, at most, for the names of columns where rows are lists."""
_LONG_ROW = 1_000
"""Characters of a row; in longer ones code is not looked for, which takes time by the square of them."""
_RULER = re.compile(r" {0,3}\|?[ \t]*:?-+:?[ \t]*(?:\|[ \t]*:?-+:?[ \t]*)*+\|?[ \t]*")
_FENCE = re.compile(r" {0,3}(```+|~~~+)")
_CODE = re.compile(r"(`+)(?!`)(.+?)(?<!`)\1(?!`)")
_BAR = re.compile(r"(?<!\\)\|")


class ReadableTable(TableElement):
    """A table as columns, or, where these would be too narrow, as a list of rows."""

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        names = [cell.content for cell in self.header.row.cells] if self.header and self.header.row else []
        rows = [[cell.content for cell in row.cells] for row in (self.body.rows if self.body else ())]
        yield (
            _listed(names, rows, options.max_width)
            if _too_narrow(names, rows, options.max_width)
            else _table(names, rows)
        )


def _too_narrow(names: Sequence[Text], rows: Sequence[Sequence[Text]], width: int) -> bool:
    if not rows:
        return False  # a list of no rows would not show the columns' names
    widest = [
        max([name.cell_len, *(row[column].cell_len for row in rows if column < len(row))])
        for column, name in enumerate(names)
    ]
    return sum(min(each, _COLUMN) for each in widest) + _BETWEEN * (len(names) - 1) > width


def _table(names: Sequence[Text], rows: Sequence[Sequence[Text]]) -> Table:
    table = Table(box=SIMPLE_HEAD, show_edge=False, pad_edge=False, border_style="dim")
    for name in names:
        table.add_column(name, overflow="fold")
    for row in rows:
        table.add_row(*row)
    return table


def _listed(names: Sequence[Text], rows: Sequence[Sequence[Text]], width: int) -> RenderableType:
    """Return the rows one below the other, each cell behind its column's name."""
    grid = Table.grid(padding=(0, 2, 0, 0))
    grid.add_column(style="dim", overflow="fold", max_width=min(_KEYS, width // 3))
    grid.add_column(overflow="fold")
    for number, row in enumerate(rows):
        if number:
            grid.add_row()
        for name, cell in zip(names, row, strict=False):
            grid.add_row(_at_the_left(name), _at_the_left(cell))
    return grid


def _at_the_left(text: Text) -> Text:
    copy = text.copy()
    copy.justify = "left"
    return copy


def with_every_cell(text: str) -> str:
    """Return Markdown whose rows have no more cells than their table has columns: Markdown shows no others.

    A bar within `code` becomes a part of the cell, and so does what stands behind the last column.
    """
    return "\n".join(_mended(text.split("\n")))


def _mended(lines: Sequence[str]) -> Iterator[str]:
    fence, columns = "", 0
    for number, line in enumerate(lines):
        marked = _FENCE.match(line)
        if fence:
            fence = "" if marked and marked[1].startswith(fence) else fence
        elif marked:
            fence, columns = marked[1], 0
        elif not line.strip():
            columns = 0
        elif columns:
            line = _of_columns(line, columns)
        elif number and "|" in lines[number - 1] and _RULER.fullmatch(line):
            columns = _cells(lines[number - 1]) if _cells(lines[number - 1]) == _cells(line) else 0
        yield line


def _of_columns(row: str, columns: int) -> str:
    if _cells(row) > columns and len(row) <= _LONG_ROW:
        row = _CODE.sub(lambda code: _BAR.sub(r"\\|", code[0]), row)
    if _cells(row) <= columns:
        return row
    row = row.rstrip()
    bars = [bar.start() for bar in _BAR.finditer(row)]
    last = bars[columns - 1 + row.lstrip().startswith("|")]
    end = bars[-1] if bars[-1] == len(row) - 1 else len(row)
    return row[:last] + _BAR.sub(r"\\|", row[last:end]) + row[end:]


def _cells(row: str) -> int:
    """Return how many cells a line has; a bar at either end divides nothing."""
    return len(_BAR.findall(row.strip().removeprefix("|").removesuffix("|"))) + 1
