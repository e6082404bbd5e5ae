"""A text as a model is shown it that reads it whole: each line behind a number, by which its place can be named.

Covered: documents with lines, pages, records and cells, parts of documents, text that imitates all this. Not covered:
how much of it makes a request (direct.py, pieces.py).

Every line of the text stands behind a number and `|`, and nothing else does: so no document can pass for a header, for
the end of the text, or for words of ours.
"""

import bisect
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from rlm_cli.context import Context, header
from rlm_cli.types import Document

_BREAKS = re.compile("[\r\v\f\x1c-\x1e\x85\u2028\u2029]")
"""What a reader may take for the end of a line, and we do not."""
_PLACES = {"line": "`{}:12`", "page": "`{} p. 12`", "record": "`{} record 12`", "cell": "`{} cell 12`"}


@dataclass(frozen=True, slots=True)
class Stretch:
    """Characters `start` up to `end` of the context, which lie in one document."""

    document: Document
    start: int
    end: int

    @property
    def is_whole(self) -> bool:
        return (self.start, self.end) == (self.document.span.start, self.document.span.end)


def whole(document: Document) -> Stretch:
    return Stretch(document, document.span.start, document.span.end)


def shown(context: Context, stretches: Sequence[Stretch]) -> str:
    """Return the text of some stretches, each after the name of its document."""
    return "\n".join(line for each in stretches for line in _lines(context, each))


def reading_rule(documents: Sequence[Document]) -> str:
    """Return how `shown` is to be read, and how places are written."""
    named = {_unit(each): each.path for each in reversed(documents)}
    units = [unit for unit in _PLACES if unit in named]
    places = [_PLACES[unit].format(named[unit]) for unit in units]
    if len(units) > 1:
        places = [f"{place} where they are {unit}s" for place, unit in zip(places, units, strict=True)]
    return (
        "A line `===== path ===== unit` begins a document, or a part of one; the number before `|` in each line behind "
        f"it is its {' or '.join(units)}. Write places as {', or '.join(places)}."
    )


def _unit(document: Document) -> str:
    if document.pages:
        return "page"
    return document.parts.kind if document.parts is not None else "line"


def _lines(context: Context, stretch: Stretch) -> Iterator[str]:
    document = stretch.document
    part = "" if stretch.is_whole else ", a part"
    yield f"{header(document.path).rstrip()} {_unit(document)}s{part}{_changed(document)}"
    if _unit(document) == "line":
        _, first = context.locate(stretch.start)
        for number, line in enumerate(_split(context.text(stretch.start, stretch.end)), first):
            yield _behind(number, line)
        return
    starts = [page.start for page in document.pages] or list(document.parts.starts if document.parts else ())
    first = bisect.bisect_right(starts, stretch.start)
    edges = [stretch.start, *(each for each in starts[first:] if each < stretch.end), stretch.end]
    for number, (start, end) in enumerate(pairwise(edges), first):
        # What lies before the first record, a header say, belongs to none.
        yield from (_behind(number, line) for line in _split(context.text(start, end).removeprefix("\n")))


def _behind(number: int, line: str) -> str:
    return f"{number or ''}| {line}" if line else f"{number or ''}|"


def _changed(document: Document) -> str:
    if document.changed is None:
        return ""
    ranges = [f"{first}-{last}" if first != last else str(first) for first, last in document.changed]
    return f"; changed lines: {', '.join(ranges) or 'none'}"


def _split(text: str) -> list[str]:
    """Return the lines of a text; a line with signs in it that break lines elsewhere has spaces for them, which a quote
    may have too.
    """
    return [_BREAKS.sub(" ", line).rstrip(" ") for line in text.removesuffix("\f").removesuffix("\n").split("\n")]
