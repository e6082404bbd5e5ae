"""Names of places, as a model writes them, and what they mean: `src/main.c:12`, `a.pdf p. 3`, `b.jsonl record 7`.

Covered: documents by path or ending, lines, pages by number and by what is printed on them, cells, records; how a
place is written. Not covered: whether a quote stands there (findings.py).
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from rlm_cli.context import Context
from rlm_cli.results import Citation
from rlm_cli.types import Document, Unit

# Bounded everywhere: an answer may be a million characters that a hostile text has dictated. A number is not the start
# of a longer one: `p. 3,000` is not page 3.
_NUMBER = r"(?:\d{1,9}|[ivxlcdm]{1,12}|[IVXLCDM]{1,12})(?!\w|[,.'\u2019\u200b-\u200d\u2009\u202f]\d)"
_TO = r"(?:--?|[\u2010-\u2015\u2212]|to|through)"
PAGE = (
    r"(?<![\w.])(?P<printed>[Pp]rinted[ \u00a0]{1,2})?(?:[Pp]p?\.|[Pp]ages?)[ \u00a0]{0,2}"
    rf"(?P<page>{_NUMBER})(?: ?{_TO} ?(?P<last>{_NUMBER}))?(?P<print>[ \u00a0]{{0,2}}\(printed\))?"
)
"""`p. 3`, `pages 3-4`, `p. iii`; where what is printed on the page is meant, `printed p. 3` and `p. 3 (printed)`."""
PART = (
    r"(?<![\w.])(?P<part>[Cc]ell|[Rr]ecord)(?P<plural>s?)[ \u00a0]{1,2}#?(?P<number>\d{1,9})(?!\w|[,.'\u2019]\d)"
    rf"(?: ?{_TO} ?(?P<until>\d{{1,9}})(?!\w|[,.'\u2019]\d))?"
)
"""`cell 3`, `records 3-4`."""
_WITH_UNIT = re.compile(f"{PAGE}|{PART}")
_WITH_LINE = re.compile(r"(?P<path>.+?):(?P<line>\d{1,9})(?:[-:]\d{1,9})?$")
_LONGEST_PLACE = 1_000
"""Characters."""
_CONVERTED = frozenset("pdf docx docm pptx pptm xlsx xlsm xls epub msg doc ppt".split())
_PAGED_TEXT = ("text", "txt")
AROUND_NAMES = " ,;:(['\"*_`|-\u2013\u2014"


@dataclass(frozen=True, slots=True)
class Place:
    """What a name leads to: a document, and what else it says."""

    document: Document | None
    line: int | None = None
    unit: Unit | None = None
    """What it names beside the document."""
    number: int | None = None
    """The first page, cell or record; None: no page of the document is called so."""
    last: int | None = None
    called: str = ""
    """How the page is called: `3`, `iii`."""


def resolve(context: Context, named: str) -> Place:
    """Resolve a document's path, or its unique ending, alone or with a line (`a.py:3`), a page (`a.pdf p. 3`),
    a cell or a record (`a.jsonl record 3`).
    """
    named = named[:_LONGEST_PLACE].strip()
    whole = context.document_called(named)
    if whole is not None:
        return Place(whole)
    line = _WITH_LINE.match(named)
    if line is not None:
        return Place(context.document_called(line["path"]), line=int(line["line"]))
    place = Place(None)
    for match in _WITH_UNIT.finditer(named):
        document = context.document_called(named[: match.start()].strip(AROUND_NAMES))
        if match["page"]:
            number, last = pages_of(document, match, labels_of(document))
            place = Place(document, None, "page", number, last, match["page"])
        else:
            unit, number, last = part_named(match)
            place = Place(document, None, unit, number, last, match["number"])
        if document is not None:
            break
    return place


def part_named(match: re.Match[str]) -> tuple[Unit, int, int]:
    """Return what a match of PART names: the unit, the first and the last."""
    unit: Unit = "cell" if match["part"].lower() == "cell" else "record"
    return unit, int(match["number"]), int(match["until"] or match["number"])


def starts_of(document: Document, unit: Unit) -> Sequence[int]:
    """Return where a document's pages, cells or records begin: characters into the context; empty: it has none."""
    if unit == "page":
        return [page.start for page in document.pages]
    return document.parts.starts if document.parts is not None and document.parts.kind == unit else ()


def place_name(place: Citation) -> str:
    """Return how a place is written: path:line, `path p. 3` with what is printed there instead, `path record 3`."""
    if place.page is not None:
        printed = place.page_label not in (None, str(place.page))
        return f"{place.path} p. {place.page}" + (f" (printed {place.page_label})" if printed else "")
    if place.cell is not None:
        return f"{place.path} cell {place.cell}"
    if place.record is not None:
        return f"{place.path} record {place.record}" + (f" (line {place.line})" if place.line is not None else "")
    if place.line is None:
        return place.path
    if place.end_line is None or place.end_line == place.line:
        return f"{place.path}:{place.line}"
    return f"{place.path}:{place.line}-{place.end_line}"


def placed(context: Context, citation: Citation, offset: int) -> Citation:
    """Say on which page, in which cell or record a citation is whose text begins at an offset."""
    page, label = context.page_of(citation.path, offset)
    cell, record = context.part_of(citation.path, offset)
    return replace(citation, page=page, page_label=label, cell=cell, record=record)


def numbered(citation: Citation, unit: Unit | None, number: int | None) -> Citation:
    """Say of a citation which page, cell or record it names."""
    if unit == "page":
        return replace(citation, page=number)
    if unit == "cell":
        return replace(citation, cell=number)
    return replace(citation, record=number) if unit == "record" else citation


def labels_of(document: Document | None) -> dict[str, int]:
    """Return what is printed on a document's pages -> the first page that bears it."""
    pages = document.pages if document is not None else ()
    return {page.label: number for number, page in reversed([*enumerate(pages, 1)]) if page.label}


def pages_of(document: Document | None, match: re.Match[str], labels: dict[str, int]) -> tuple[int | None, int | None]:
    """Return the first and last page that a match of PAGE names; None for what is no page's number at all.

    A number counts the pages, unless none has it or the word `printed` stands beside it: then it is what is printed.
    """
    printed = bool(match["printed"] or match["print"])

    def page(number: str) -> int | None:
        counted = int(number) if number.isdecimal() else None
        exists = document is not None and counted is not None and 1 <= counted <= len(document.pages)
        return counted if exists and not printed else labels.get(number, counted)

    return page(match["page"]), page(match["last"] or match["page"])


def labels_differ(document: Document) -> bool:
    """Say whether any page is printed with another number than the one that counts."""
    return any(page.label not in (None, str(number)) for number, page in enumerate(document.pages, 1))


def has_own_lines(document: Document | None) -> bool:
    """Tell whether a document's lines are those of its file; the text of a PDF, say, was made from it."""
    if document is None:
        return False
    has_cells = document.parts is not None and document.parts.kind == "cell"
    has_slides = bool(document.pages) and document.kind not in _PAGED_TEXT
    return not (has_cells or has_slides or document.kind in _CONVERTED)
