"""The read-only tables of the REPL: documents, files, and the outputs of earlier iterations."""

import bisect
import contextlib
import difflib
import json
import re
from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, overload

from rlm_cli.sandbox.nearest import question

_ROWS = 20
_PAGE = re.compile(r"(.{1,1000}?)[ ,:]+(?:pp?\.|pages?) ?(\d{1,9})$")
"""A document's path with a page behind it."""


class Document:
    """One document: where it lies in the context and how large it is. `.text` is cut out when it is asked for."""

    __slots__ = (
        "_context", "_labels", "_page_starts", "_part_starts", "cells", "changed", "end", "key", "kind", "lines",
        "mark", "pages", "path", "records", "start", "title", "tokens",
    )  # fmt: skip

    def __init__(
        self,
        context: str,
        labels: Sequence[str | None],
        path: str,
        start: int,
        end: int,
        lines: int,
        tokens: int,
        kind: str,
        pages: int,
        part: str | None,
        parts: int,
        mark: str | None,
        changed: Sequence[Sequence[int]] | None,
        title: str | None,
        key: str | None,
    ) -> None:
        self._context = context
        self.path = path
        self.start = start
        self.end = end
        self.lines = lines
        self.tokens = tokens
        self.kind = kind
        self.pages = pages
        self.cells = parts if part == "cell" else 0
        self.records = parts if part == "record" else 0
        self.mark = mark
        self.changed = None if changed is None else tuple(map(tuple, changed))
        self.title = title
        self.key = key
        self._labels = tuple(labels)
        self._page_starts: list[int] | None = None
        self._part_starts = array("Q")

    @property
    def text(self) -> str:
        return self._context[self.start : self.end]

    def page(self, number: int) -> str:
        """Return the text of a page, from 1."""
        self._check(number, "page")
        starts = [*self._starts(), self.end + 1]
        return self._context[starts[number - 1] : starts[number] - 1].removeprefix("\n").removesuffix("\f")

    def printed(self, number: int) -> str | None:
        """Return what is printed on a page as its number; None where the document numbers as we do or does not say."""
        self._check(number, "printed")
        return self._labels[number - 1] if self._labels else None

    def page_of(self, offset: int) -> int | None:
        """Return the number of the page on which an offset of the context lies; None where there are no pages."""
        self._check_offset(offset, "page_of")
        return max(1, bisect.bisect_right(self._starts(), offset)) if self.pages else None

    def cell(self, number: int) -> str:
        """Return the text of a notebook's cell, from 1, with its outputs."""
        return self._part(number, "cell", self.cells)

    def cell_of(self, offset: int) -> int | None:
        """Return the number of the cell in which an offset of the context lies; None where there are none."""
        return self._part_of(offset, "cell_of") if self.cells else None

    def record(self, number: int) -> str:
        """Return the text of a record, from 1: what json.loads takes, or a row."""
        text = self._part(number, "record", self.records)
        if self.kind in ("csv", "tsv"):
            return text.removesuffix("\n").removesuffix("\r")
        # Behind the last one there may be anything: the end of what holds the records.
        with contextlib.suppress(ValueError, RecursionError):
            return text[: json.JSONDecoder().raw_decode(text)[1]]
        return text.rstrip(", \t\r\n")

    def record_of(self, offset: int) -> int | None:
        """Return the number of the record in which an offset of the context lies; None where it lies in none."""
        return self._part_of(offset, "record_of") if self.records else None

    def lacks_starts(self) -> bool:
        """Say whether it is not yet known where all cells or records begin."""
        return len(self._part_starts) < self.cells + self.records

    def take_starts(self, starts: Sequence[int]) -> None:
        self._part_starts.extend(starts)

    def _part(self, number: int, what: str, count: int) -> str:
        if not count:
            raise ValueError(f"{self.path} has no {what}s")
        if not isinstance(number, int):
            raise TypeError(f"{what} takes a number from 1 to {count:,}, not {number!r:.50}")
        if not 1 <= number <= count:
            raise ValueError(f"{self.path} has the {what}s 1 to {count:,}, not {number}")
        end = self._part_starts[number] if number < count else self.end
        return self._context[self._part_starts[number - 1] : end]

    def _part_of(self, offset: int, asked: str) -> int | None:
        self._check_offset(offset, asked)
        return bisect.bisect_right(self._part_starts, offset) or None

    def _check_offset(self, offset: int, asked: str) -> None:
        if not isinstance(offset, int):
            raise TypeError(f"{asked} takes an offset into context, not {type(offset).__name__!r}")
        if not self.start <= offset <= self.end:
            raise ValueError(
                f"offset {offset} is not in {self.path} ({self.start} to {self.end}); an offset in .text needs + .start"
            )

    def _check(self, number: int, asked: str) -> None:
        if not self.pages:
            raise ValueError(f"{self.path} has no pages")
        if not isinstance(number, int):
            raise TypeError(f"{asked} takes a number from 1 to {self.pages:,}, not {number!r:.50}")
        if not 1 <= number <= self.pages:
            raise ValueError(f"{self.path} has the pages 1 to {self.pages:,}, not {number}")

    def _starts(self) -> list[int]:
        """Return where the pages start: behind form feeds, but for the first."""
        if self._page_starts is None:
            starts = [self.start]
            while len(starts) < self.pages:
                starts.append(self._context.index("\f", starts[-1], self.end) + 1)
            self._page_starts = starts
        return self._page_starts

    def __repr__(self) -> str:
        size = f"{self.end - self.start:,} characters, {self.lines:,} lines, ~{self.tokens:,} tokens"
        for number, what in ((self.pages, "pages"), (self.cells, "cells"), (self.records, "records")):
            if number:
                size += f", {number:,} {what}"
        size += f", {self.mark}" if self.mark else ""
        return f"<{self.path}: {self.kind}, {self.start}:{self.end}, {size}>"


class Documents(Sequence[Document]):
    """All documents in the order in which they lie in the context; indexed by number or by path."""

    __slots__ = ("_by_path", "_rows")

    def __init__(self, rows: Iterable[Document]) -> None:
        self._rows = tuple(rows)
        self._by_path = {row.path: row for row in self._rows}

    @overload
    def __getitem__(self, index: int | str) -> Document: ...
    @overload
    def __getitem__(self, index: slice) -> "Documents": ...
    def __getitem__(self, index: Any) -> "Document | Documents":
        if isinstance(index, slice):
            return Documents(self._rows[index])
        if isinstance(index, str):
            return find(self._by_path, index)
        try:
            row: Document = self._rows[index]
        except IndexError:
            raise IndexError(f"there are {len(self._rows):,} documents, 0 to {len(self._rows) - 1}") from None
        return row

    def __len__(self) -> int:
        return len(self._rows)

    def __iter__(self) -> Iterator[Document]:
        return iter(self._rows)

    def __repr__(self) -> str:
        paged = any(row.pages for row in self._rows)
        columns = ["number", "start", "end", "lines", "~tokens", "kind", *(["pages"] if paged else []), "path"]
        lines = [f"{len(self):,} document{'s' * (len(self) != 1)}: {'  '.join(columns)}"]
        for number, row in enumerate(self._rows[:_ROWS]):
            pages = f"{row.pages}  " if paged else ""
            lines.append(f"{number}  {row.start}  {row.end}  {row.lines}  {row.tokens}  {row.kind}  {pages}{row.path}")
        if len(self) > _ROWS:
            lines.append(f"[... {len(self) - _ROWS:,} more: documents[{_ROWS}:] ...]")
        return "\n".join(lines)


class Files(Mapping[str, str]):
    """Path -> text; the text is cut out of the context when it is asked for."""

    __slots__ = ("_by_path",)

    def __init__(self, documents: Iterable[Document]) -> None:
        self._by_path = {row.path: row for row in documents}

    def __getitem__(self, path: str) -> str:
        return find(self._by_path, path).text

    def __iter__(self) -> Iterator[str]:
        return iter(self._by_path)

    def __len__(self) -> int:
        return len(self._by_path)

    def __repr__(self) -> str:
        names = ", ".join(map(repr, list(self._by_path)[:_ROWS]))
        more = f", ... {len(self) - _ROWS:,} more" if len(self) > _ROWS else ""
        return f"<files: {len(self):,} text{'s' * (len(self) != 1)} by path: {names}{more}>"


def find(by_path: Mapping[str, Document], path: str) -> Document:
    """Return the document of this path; raises KeyError with the nearest ones."""
    if path in by_path:
        return by_path[path]
    page = _PAGE.match(path) if isinstance(path, str) else None
    if page is not None and page[1] in by_path:
        raise KeyError(
            f"{path!r} names a page; this takes a document: search the page with re, "
            f"documents[{page[1]!r}].page({page[2]}) is its text"
        )
    near = difflib.get_close_matches(str(path)[:500], list(by_path)[:5000], n=3)
    near = near or [each for each in by_path if str(path) in each][:3]
    instead = question(near)
    raise KeyError(f"no document {path!r}" + (f"; {instead}" if instead else ""))


class Outputs(Mapping[int, str]):
    """The output of each iteration so far."""

    __slots__ = ("_texts",)

    def __init__(self, texts: dict[int, str]) -> None:
        self._texts = texts

    def __getitem__(self, number: int) -> str:
        try:
            return self._texts[number]
        except KeyError:
            there = f"there is {min(self._texts)} to {max(self._texts)}" if self._texts else "there is none yet"
            raise KeyError(f"no output of iteration {number!r}; {there}") from None

    def __iter__(self) -> Iterator[int]:
        return iter(self._texts)

    def __len__(self) -> int:
        return len(self._texts)

    def __repr__(self) -> str:
        sizes = ", ".join(f"{number}: {len(text):,} characters" for number, text in self._texts.items())
        return f"<out: {sizes or 'empty'}>"
