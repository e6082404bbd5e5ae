"""What the root model is told of pages: how many, what is printed on them, which hold no text. All of it is bounded.

Knows documents and their text, and nothing of the rest of the message.
"""

import itertools
import re
from collections import Counter
from collections.abc import Iterator, Sequence

from rlm_cli.context import Context
from rlm_cli.places import labels_differ
from rlm_cli.types import Document

_TITLE = 200
_LABEL = 20
_RUNS = 5
_NAMED = 5
_TOGETHER = 100
"""Pages that are read at a time: to find where one begins costs more than to read it."""
_ROMAN = {"i": 1, "v": 5, "x": 10, "l": 50, "c": 100, "d": 500, "m": 1000}
_ENDS_IN_NUMBER = re.compile(r"(.*?)(\d{1,9})$|(.*(?<![^\W_]))([ivxlcdm]{1,12}|[IVXLCDM]{1,12})$")


def number_of_pages(document: Document) -> str:
    """Return what a document with pages is: `PDF of 3 pages titled 'Lease'`."""
    title = document.title or ""
    titled = f" titled {title if len(title) <= _TITLE else title[:_TITLE] + '...'!r}" if title else ""
    form = "Text" if document.kind in ("text", "txt") else document.kind.upper()
    part = {"pptx": " (slides)", "xlsx": " (sheets)", "xls": " (sheets)"}.get(document.kind, "")
    return f"{form} of {counted(len(document.pages), 'page')}{part}{titled}"


def counted(number: int, what: str) -> str:
    """Return `1 page`, `2 pages`."""
    return f"{number:,} {what}{'s' * (number != 1)}"


def about_pages(context: Context) -> Iterator[str]:
    """Yield lines about the pages of those documents that have any."""
    paged = [document for document in context.documents if document.pages]
    if not paged:
        return
    differing = [document for document in paged if labels_differ(document)]
    alone = len(context.documents) == 1
    if not alone:
        pages = sum(len(document.pages) for document in paged)
        most = Counter({document.path: len(document.pages) for document in paged}).most_common(2 * _NAMED)
        shown = ", ".join(f"{path} {number:,}" for path, number in most)
        more = f", {len(paged) - len(most):,} more" if len(paged) > len(most) else ""
        have = "has" if len(paged) == 1 else "have"
        yield f"{counted(len(paged), 'document')} {have} pages, {pages:,} together: {shown}{more}"
    what = "the PDF's pages" if all(document.kind == "pdf" for document in paged) else "pages"
    if differing and alone:
        yield f"Printed numbers differ: {_printed(differing[0])} (.printed(n))."
    elif differing:
        yield f"{len(differing):,} of them print{'s' * (len(differing) == 1)} other numbers (.printed(n))."
    both = "; the reader is shown both" if differing else ""
    yield f"`p. 12` counts {what} from 1, never the printed numbers{both}."
    yield (
        f"Form feeds part the pages. Of {'documents[0]' if alone else 'a row'}: .pages (how many), .page(n) (the text "
        "of page n), .page_of(offset into context, as hit.offset); a grep hit has .page"
    )
    if any(document.kind == "pdf" for document in paged):
        yield "Lines are printed lines, heads and feet of pages among them: join them before you search for phrases."
    yield from _without_text(context, paged)


def _printed(document: Document) -> str:
    """Describe what is printed on pages by runs: `pages 1-12 are i-xii, 13-385 are 1-373`."""
    runs: list[tuple[int, int]] = []
    labels = [page.label for page in document.pages]
    for index, label in enumerate(labels):
        if index and _follows(labels[index - 1], label):
            runs[-1] = runs[-1][0], index
        else:
            runs.append((index, index))
    parts = []
    for first, last in runs[:_RUNS]:
        pages = _range(first + 1, last + 1)
        shown = list(dict.fromkeys(_shown(labels[index]) for index in (first, last)))
        to = " to " if "-" in shown[0] else "-"
        parts.append(f"{pages} {'is' if first == last else 'are'} {to.join(shown)}")
    more = f", {len(runs) - _RUNS:,} runs more" if len(runs) > _RUNS else ""
    return f"{'page' if runs[0][0] == runs[0][1] else 'pages'} {', '.join(parts)}{more}"


def _follows(one: str | None, other: str | None) -> bool:
    if one is None or other is None:
        return one is other
    before, after = _value(one), _value(other)
    if before is None or after is None:
        return False
    return before[0] == after[0] and before[1] + 1 == after[1]


def _value(label: str) -> tuple[str, int] | None:
    """Return what stands before a label's number and, with how it is written, the number; None where it has none."""
    match = _ENDS_IN_NUMBER.match(label)
    if match is None:
        return None
    if match[2]:
        return match[1], int(match[2])
    digits = [_ROMAN[letter] for letter in match[4].lower()]
    value = sum(-each if each < max(digits[place:]) else each for place, each in enumerate(digits))
    return match[3] + ("I" if match[4].isupper() else "i"), value


def _shown(label: str | None) -> str:
    if label is None:
        return "without"
    return label if re.fullmatch(r"[\w.\-]{1,20}", label) else repr(label[:_LABEL])


def _without_text(context: Context, paged: Sequence[Document]) -> Iterator[str]:
    empty = {document.path: numbers for document in paged if (numbers := _empty(context, document))}
    if empty:
        shown = "; ".join(f"{path} {_ranges(numbers)}" for path, numbers in [*empty.items()][:_NAMED])
        more = f"; and of {counted(len(empty) - _NAMED, 'more document')}" if len(empty) > _NAMED else ""
        yield (
            f"Pages without text (scans?): {shown}{more}. Nothing on them can be found: say so in doubt when it "
            "matters."
        )


def _empty(context: Context, document: Document) -> list[int]:
    edges = [*(page.start for page in document.pages), document.span.end]
    empty = []
    for first in range(0, len(document.pages), _TOGETHER):
        some = edges[first : first + _TOGETHER + 1]
        text = context.text(some[0], some[-1])
        pages = enumerate(itertools.pairwise(some), first + 1)
        empty += [number for number, (start, end) in pages if not text[start - some[0] : end - some[0]].strip()]
    return empty


def _ranges(numbers: Sequence[int]) -> str:
    """Return numbers as `4, 7-9`, and how many more there are."""
    runs: list[list[int]] = []
    for number in numbers:
        if runs and number == runs[-1][1] + 1:
            runs[-1][1] = number
        else:
            runs.append([number, number])
    more = sum(last - first + 1 for first, last in runs[_RUNS:])
    return ", ".join(_range(*run) for run in runs[:_RUNS]) + (f" and {more:,} more" if more else "")


def _range(first: int, last: int) -> str:
    return str(first) if first == last else f"{first}-{last}"
