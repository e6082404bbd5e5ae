"""Workbooks -> names and rows of their sheets, as lines of Markdown tables; loaded by its place, in a child.

Covered: values as they are, the newer kind row by row, so that a million of them need no memory. markitdown's own way
would write NaN for the text `NA` and for cells without content, and 0.0 for 1e-9, and takes more than a millisecond
and 20 KB for each row. Not covered: formats of numbers, notes on cells, charts, macros.
"""

import datetime
import io
from collections.abc import Iterable, Iterator
from typing import Any

import xlrd
from openpyxl import load_workbook
from openpyxl.worksheet._reader import FORMULA_TAG, ROW_TAG, VALUE_TAG, WorkSheetParser
from openpyxl.xml.functions import iterparse

Sheet = tuple[str, Iterator[str]]
"""Its name, and the lines of its tables."""


class Encrypted(Exception):
    """A workbook that is locked."""


def sheets_of(file: Any) -> tuple[int, Iterator[Sheet]]:
    """Return how many sheets a workbook has, and each of them."""
    book = load_workbook(file, read_only=True, data_only=True, keep_links=False)
    return len(book.worksheets), ((sheet.title, _table(_rows(book, sheet))) for sheet in book.worksheets)


def older_sheets_of(file: Any) -> tuple[int, Iterator[Sheet]]:
    """Do the same with a workbook of the older kind. Raises Encrypted."""
    try:
        book = xlrd.open_workbook(file_contents=file.read(), logfile=io.StringIO(), on_demand=True)
    except xlrd.XLRDError as error:
        if "encrypted" in str(error):
            raise Encrypted from None
        raise
    return book.nsheets, map(_older_sheet, [book] * book.nsheets, range(book.nsheets))


def _older_sheet(book: Any, index: int) -> Sheet:
    sheet = book.sheet_by_index(index)
    book.unload_sheet(index)  # the book's hold on it
    return sheet.name, _table(_older_rows(book, sheet))


def _table(rows: Iterable[list[Any]]) -> Iterator[str]:
    """Yield Markdown tables, a line each: one for every run of rows that no row without content parts."""
    inside = begun = False
    for row in rows:
        cells = [_cell(value) for value in row]
        while cells and not cells[-1]:
            cells.pop()
        if not cells:
            inside = False
            continue
        if begun and not inside:
            yield "\n"
        yield f"| {' | '.join(cells)} |\n"
        if not inside:
            yield "|" + " --- |" * len(cells) + "\n"
        inside = begun = True


def _cell(value: Any) -> str:
    """Return a value as a sheet shows it where no format says more."""
    match value:
        case None:
            return ""
        case bool():
            return str(value).upper()
        case float():
            return str(int(value)) if value.is_integer() and abs(value) < 1e16 else f"{value:.15g}"
        case datetime.datetime():
            return value.isoformat(" ").removesuffix(" 00:00:00")
        case datetime.date() | datetime.time():
            return value.isoformat()
    return "<br>".join(str(value).split("\n")).replace("\r", "").replace("|", "\\|").strip()


class _Parser(WorkSheetParser):  # type: ignore[misc]
    """openpyxl's, looking at nothing but rows.

    A formula whose value was never computed is shown itself, and so is what stands in a cell that cannot be right.
    """

    def parse_cell(self, element: Any) -> dict[str, Any]:
        try:
            cell: dict[str, Any] = super().parse_cell(element)
        except (ValueError, IndexError):
            cell = {"column": self.col_counter, "value": element.findtext(VALUE_TAG)}
        if cell["value"] is None:
            formula = element.find(FORMULA_TAG)
            if formula is not None:
                cell["value"] = f"={formula.text or ''}"
        return cell

    def parse_rows(self) -> Iterator[tuple[int, list[dict[str, Any]]]]:
        for _, element in iterparse(self.source):
            if element.tag == ROW_TAG:
                yield self.parse_row(element)
                element.clear()


def _rows(book: Any, sheet: Any) -> Iterator[list[Any]]:
    formats = book._date_formats, book._timedelta_formats
    with sheet._get_source() as source:
        before = 0
        for number, cells in _Parser(source, sheet._shared_strings, True, book.epoch, *formats).parse_rows():
            if number > before + 1:
                yield []
            before = number
            yield _in_columns(cells)


def _in_columns(cells: list[dict[str, Any]]) -> list[Any]:
    row: list[Any] = []
    for cell in cells:
        place = cell["column"] - 1
        if cell["value"] is not None:
            row += [None] * (place + 1 - len(row))
            row[place] = cell["value"]
    return row


def _older_rows(book: Any, sheet: Any) -> Iterator[list[Any]]:
    for number in range(sheet.nrows):
        yield [_older_value(book, cell) for cell in sheet.row(number)]


def _older_value(book: Any, cell: Any) -> Any:
    match cell.ctype:
        case xlrd.XL_CELL_DATE:
            try:
                return xlrd.xldate_as_datetime(cell.value, book.datemode)
            except (xlrd.xldate.XLDateError, OverflowError, ValueError):
                return cell.value
        case xlrd.XL_CELL_BOOLEAN:
            return bool(cell.value)
        case xlrd.XL_CELL_ERROR:
            return xlrd.error_text_from_code.get(cell.value, "#ERROR")
    return cell.value
