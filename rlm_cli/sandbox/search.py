"""Looking at text: grep and peek."""

import fnmatch
import re
import reprlib
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any

from rlm_cli.sandbox.tables import Document, Documents

_COUNT_LIMIT = 1_000_000
_PHRASE = re.compile(r"\w+(?:[ _-]\w+)+")
"""A pattern that is nothing but words."""


class Hit:
    """One place where a pattern matches."""

    __slots__ = ("cell", "line", "match", "offset", "page", "path", "record", "text")

    def __init__(self, document: Document, line: int, offset: int, text: str, match: str) -> None:
        self.path = document.path
        self.line = line
        self.offset = offset
        self.text = text
        self.match = match
        self.page = document.page_of(offset)
        self.cell = document.cell_of(offset)
        self.record = document.record_of(offset)

    def __repr__(self) -> str:
        units = (("p.", self.page), ("cell", self.cell), ("record", self.record))
        where = "".join(f" ({unit} {number})" for unit, number in units if number is not None)
        return f"{self.path}:{self.line}{where}: {self.text}"


class Hits(list[Hit]):
    """The hits that were shown; `total` and `documents` count all."""

    total = 0
    documents = 0


def grep_over(context: str, documents: Documents, show: Callable[[str], None]) -> Callable[..., Hits]:
    """Return grep; `show` prints a line."""

    def grep(
        pattern: Any,
        width: int = 200,
        limit: int | None = 20,
        ignore_case: bool = False,
        path: Any = None,
        flags: int = 0,
    ) -> Hits:
        """Search the context by a regular expression; prints and returns the hits. limit=None: all of them.

        ^ and $ match at lines. `path`: a document's path, a folder's, a pattern such as "src/*.py", or several of them.
        """
        if isinstance(width, bool) or not isinstance(width, int):
            raise TypeError("grep searches the whole context, or path='...' of it; width is a number of characters")
        compiled = _compiled(pattern, int(flags) | (re.IGNORECASE if ignore_case else 0), show)
        inside = documents if path is None else chosen(documents, path)
        hits = Hits()
        seen_last: Document | None = None
        text, shown_to = "", -1
        for document, line, found in _matches(context, inside, compiled, lambda: limit is None or len(hits) < limit):
            hits.total += 1
            if document is not seen_last:
                hits.documents += 1
                seen_last = document
            if limit is None or len(hits) < limit:
                # What has been shown already, around a hit on the same line, is not shown again.
                if found.end() > shown_to:
                    text = excerpt(context, document, *found.span(), width)
                    shown_to = bounds(context, document, *found.span(), width)[1]
                hits.append(Hit(document, line, found.start(), text, found.group()))
            if hits.total >= _COUNT_LIMIT and limit is not None:
                break
        where = "" if path is None else f" in {len(inside):,} of {len(documents):,} documents"
        hint = "" if hits.total else where + _instead(context, inside, compiled)
        _show_hits(hits, compiled.pattern, hint, show)
        return hits

    return grep


def _instead(context: str, documents: Any, pattern: re.Pattern[str]) -> str:
    """Return what would have been found by a pattern that is wider than one without hits."""
    for other, how in _wider(pattern):
        count = sum(1 for _ in islice(_matches(context, documents, other, lambda: False), _COUNT_LIMIT))
        if count:
            return f"; {count:,} {how}"
    return ""


def _wider(pattern: re.Pattern[str]) -> Iterator[tuple[re.Pattern[str], str]]:
    if not pattern.flags & re.IGNORECASE:
        yield re.compile(pattern.pattern, pattern.flags | re.IGNORECASE), "with ignore_case=True"
    if _PHRASE.fullmatch(pattern.pattern):
        # Other marks between the words, or a line end.
        free = r"[\W_]{1,5}".join(re.split("[ _-]", pattern.pattern))
        yield re.compile(free, pattern.flags | re.IGNORECASE), f"for {free!r} with ignore_case=True"


def _compiled(pattern: Any, flags: int, show: Callable[[str], None]) -> re.Pattern[str]:
    if isinstance(pattern, re.Pattern):
        return re.compile(pattern.pattern, pattern.flags | flags) if flags else pattern
    if not isinstance(pattern, str):
        raise TypeError(f"grep takes a regular expression as str or re.compile(...), not {type(pattern).__name__!r}")
    try:
        return re.compile(pattern, flags | re.MULTILINE)
    except re.error as error:
        show(f"{pattern!r:.100} is not a regular expression ({error}): searched for as literal text")
        return re.compile(re.escape(pattern), flags | re.MULTILINE)


def chosen(documents: Documents, path: Any) -> list[Document]:
    """Return the documents that a path, a pattern, or several name; raises KeyError for a path that is not there."""
    if isinstance(path, Document):
        return [path]
    if not isinstance(path, str):
        return list(dict.fromkeys(row for each in path for row in chosen(documents, each)))
    folder, anywhere = path.rstrip("/") + "/", path.replace("**/", "")
    ways: tuple[Callable[[str], bool], ...] = (
        lambda other: other == path,
        lambda other: fnmatch.fnmatchcase(other, path) or fnmatch.fnmatchcase(other, anywhere),
        lambda other: other.startswith(folder),
        lambda other: other.endswith(f"/{path}"),
    )
    for fits in ways:
        if rows := [row for row in documents if fits(row.path)]:
            return rows
    # A pattern may fit nothing, as any search may; a path that is not there is a slip.
    return [] if any(each in path for each in "*?[") else [documents[path]]


def _matches(
    context: str, documents: Any, pattern: re.Pattern[str], lines_wanted: Callable[[], bool]
) -> Iterator[tuple[Document, int, re.Match[str]]]:
    """Yield (document, line, match); the line is 0 where nobody wants it any more. Empty matches are passed over."""
    for document in documents:
        line, counted = 1, document.start
        for found in pattern.finditer(context, document.start, document.end):
            if found.end() == found.start():
                continue
            if lines_wanted():
                line += context.count("\n", counted, found.start())
                counted = found.start()
                yield document, line, found
            else:
                yield document, 0, found


def excerpt(context: str, document: Document, start: int, end: int, width: int) -> str:
    """Return up to `width` characters around a place, cut at its line."""
    left, right = bounds(context, document, start, end, width)
    before = "..." if left > document.start and context[left - 1] != "\n" else ""
    after = "..." if right < document.end and context[right] != "\n" else ""
    return before + visible(context[left:right]) + after


def bounds(context: str, document: Document, start: int, end: int, width: int) -> tuple[int, int]:
    """Return where the excerpt around a place begins and ends."""
    end = min(end, start + width)
    spare = max(0, width - (end - start))
    left = max(document.start, start - spare // 2)
    line_start = context.rfind("\n", left, start) + 1
    left = max(left, line_start)
    right = min(document.end, end + spare - (start - left))
    # A match of several lines shows them; beyond it the line ends.
    line_end = context.find("\n", end, right)
    return left, right if line_end < 0 else line_end


def visible(text: str) -> str:
    """Return text with its control characters spelled out, so that it stays on one line."""
    if text.isprintable():
        return text
    return "".join(
        each if each.isprintable() else each.encode("unicode_escape").decode() for each in text.replace("\t", "    ")
    )


def _show_hits(hits: Hits, pattern: str, hint: str, show: Callable[[str], None]) -> None:
    for line in dict.fromkeys(map(repr, hits)):  # several hits on one line are one line
        show(line)
    more = " or more" if hits.total >= _COUNT_LIMIT else ""
    if not hits.total:
        show(f"no hits for {pattern!r}{hint}")
    else:
        places = f"{hits.documents:,} document{'s' * (hits.documents != 1)}"
        show(f"{len(hits):,} of {hits.total:,}{more} hits shown in {places}")


def peek_with(show: Callable[[str], None]) -> Callable[..., None]:
    """Return peek; `show` prints a line."""

    def peek(value: Any, size: int = 1000) -> None:
        """Print type, size, head and tail of anything."""
        for line in described(value, size):
            show(line)

    return peek


def described(value: Any, size: int) -> list[str]:
    """Return lines about a value: its type, its size, and about `size` characters of it."""
    name = str.__str__(type(value).__name__)
    half = max(1, size // 2)
    if isinstance(value, (str, bytes)):
        unit = "characters" if isinstance(value, str) else "bytes"
        title = f"{name}, {len(value):,} {unit}"
        if isinstance(value, str):
            title += f", {value.count(chr(10)) + 1:,} lines"
        if len(value) <= size:
            return [title, _plain(value)]
        head, tail, gap = value[:half], value[-half:], f"[... {len(value) - 2 * half:,} {unit} ...]"
        return [title, _plain(head), gap, _plain(tail)]
    bounded = reprlib.Repr()
    bounded.maxstring = bounded.maxother = bounded.maxlong = max(20, size // 6)
    bounded.maxlist = bounded.maxtuple = bounded.maxdict = bounded.maxset = bounded.maxdeque = 6
    try:
        title = f"{name}, {len(value):,} items"
    except TypeError:
        title = name
    if isinstance(value, (list, tuple)) and len(value) > 6:
        head = ", ".join(map(bounded.repr, value[:4]))
        tail = ", ".join(map(bounded.repr, value[-2:]))
        return [title, f"{head}, [... {len(value) - 6:,} items ...], {tail}"]
    return [title, bounded.repr(value)[: 2 * size]]


def _plain(value: str | bytes) -> str:
    return repr(value) if isinstance(value, bytes) else str.__str__(value)
