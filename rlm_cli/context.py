"""The context: the whole input as UTF-8 in one anonymous file, and the one way from text to place.

Covered: reading any part of it, offset -> path, line and page, finding a document and a quote.
Not covered: writing it (context_writer.py), where text comes from (loaders/), what the model sees of it (engine/).

The text is never held as one `str` here. It lies in a sealed memory file (Linux) or an unlinked temporary one, which
the sandbox's child maps and decodes once; this side reads the bytes it needs. Offsets are characters, as the model
counts them; every 64 KiB or so a mark remembers which byte and which line a character offset is.
"""

import bisect
import hashlib
import mmap
import os
from array import array
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from rlm_cli.errors import InputError
from rlm_cli.quotes import wanted_quote
from rlm_cli.types import Document, Skipped

STRIDE = 1 << 16
"""Bytes between two marks, about."""
_NEAR, _STEPS = 2_000, 2_000
"""Characters in which a quote is looked for first, back from a place; how many times at most it is found on the way."""


def header(path: str) -> str:
    """Return the line that precedes a document when there are several. Paths hold no newline (see `shown_path`)."""
    return f"===== {path} =====\n"


def shown_path(path: str) -> str:
    """Escape what could end a header line or move a terminal's cursor; names that need none come back as they are."""
    if path.isprintable():
        return path
    return "".join(
        char if char.isprintable() else char.encode("unicode_escape", "backslashreplace").decode() for char in path
    )


def _last_part(path: str) -> str:
    return path.rsplit("/", 1)[-1]


class Marks:
    """Places, in rising order, where character, byte and line are all known; the first is the text's beginning."""

    __slots__ = ("bytes", "characters", "lines")

    def __init__(self) -> None:
        self.characters = array("Q", [0])
        self.bytes = array("Q", [0])
        self.lines = array("Q", [0])
        """Newlines before."""

    def add(self, character: int, byte: int, line: int) -> None:
        self.characters.append(character)
        self.bytes.append(byte)
        self.lines.append(line)

    def cut(self, number: int) -> None:
        """Forget all but the first `number`."""
        del self.characters[number:], self.bytes[number:], self.lines[number:]

    def __len__(self) -> int:
        return len(self.bytes)


@dataclass(frozen=True, slots=True)
class Found:
    """Where a quote stands."""

    path: str
    line: int
    end_line: int
    offset: int
    """Of its first character."""
    end: int
    """Behind its last one."""


class Context:
    """One read-only text with its documents. Made by `context_writer.ContextWriter`."""

    def __init__(
        self,
        descriptor: int,
        marks: Marks,
        documents: tuple[Document, ...],
        skipped: tuple[Skipped, ...],
        inputs: tuple[str, ...],
        sha256: str,
        longest_line: int,
        tokens: int,
        tokens_exact: bool,
        width: int = 1,
        widest: int | None = None,
        base: str | None = None,
    ) -> None:
        self.descriptor = descriptor
        """Open for reading, position irrelevant; the sandbox's child gets a duplicate."""
        self.documents = documents
        self.skipped = skipped
        self.inputs = inputs
        """What the user named, as it was typed."""
        self.sha256 = sha256
        """Of the UTF-8 bytes, headers included; hex."""
        self.longest_line = longest_line
        """Characters."""
        self.tokens = tokens
        self.tokens_exact = tokens_exact
        self.width = width
        """Bytes a character takes where the whole is one str: 1, 2 or 4."""
        self.widest = widest
        """The first character that needs as many; None: none needs more than one."""
        self.base = base
        """What the documents' changes count from, as a person would say it; None: they are not known."""
        self._marks = marks
        self._by_path = {document.path: document for document in documents}
        self._starts = [document.span.start for document in documents]
        self._by_key = {document.key: document for document in documents if document.key is not None}

    @property
    def characters(self) -> int:
        return self._marks.characters[-1]

    @property
    def size(self) -> int:
        """Bytes of UTF-8."""
        return self._marks.bytes[-1]

    @property
    def lines(self) -> int:
        """Newlines, plus one for a last line that lacks its own."""
        return self._marks.lines[-1] + (self._bytes(self.size - 1, self.size) != b"\n" if self.size else 0)

    @property
    def ascii(self) -> bool:
        return self.characters == self.size

    def document(self, path: str) -> Document | None:
        return self._by_path.get(path)

    def document_called(self, name: str) -> Document | None:
        """Return the document with this path or key or, where only one path ends in `name`, that one."""
        whole = self._by_path.get(name) or self._by_key.get(name)
        if whole is not None:
            return whole
        ending = "/" + name.removeprefix("./").lstrip("/")
        same = [each for each in self._by_name.get(_last_part(name), ()) if ("/" + each.path).endswith(ending)]
        return same[0] if len(same) == 1 else None

    @cached_property
    def _by_name(self) -> dict[str, list[Document]]:
        """The documents by the last part of their paths."""
        named = defaultdict(list)
        for document in self.documents:
            named[_last_part(document.path)].append(document)
        return named

    def bytes_of(self, document: Document) -> int:
        """Return how many bytes of UTF-8 a document has."""
        return self._byte_of(document.span.end) - self._byte_of(document.span.start)

    def skipped_by_reason(self) -> dict[str, int]:
        """Return reason -> number of files, most frequent first."""
        return dict(Counter(each.reason for each in self.skipped).most_common())

    def text(self, start: int, end: int) -> str:
        """Return the characters from `start` up to `end`, clamped to the text."""
        start, end = max(0, start), min(end, self.characters)
        if start >= end:
            return ""
        first, last = self._byte_of(start), self._byte_of(end)
        return self._bytes(first, last).decode("utf-8")

    def locate(self, offset: int) -> tuple[str, int]:
        """Return (path, line from 1) of a character offset.

        An offset in a header counts to the document that follows it; one past the end raises ValueError.
        """
        if not 0 <= offset <= self.characters:
            raise ValueError(f"offset {offset} is outside the context (0 to {self.characters})")
        index = max(0, bisect.bisect_right(self._starts, offset) - 1)
        if offset >= self.documents[index].span.end and index + 1 < len(self.documents):
            index += 1
        document = self.documents[index]
        inside = min(max(offset, document.span.start), document.span.end)
        return document.path, self._newlines_before(inside) - self._newlines_before(document.span.start) + 1

    def page_of(self, path: str, offset: int) -> tuple[int | None, str | None]:
        """Return (page from 1, what is printed on it) of an offset in a document; Nones where it has no pages.

        Raises KeyError for an unknown path.
        """
        pages = self._by_path[path].pages
        if not pages:
            return None, None
        number = max(1, bisect.bisect_right(pages, offset, key=lambda page: page.start))
        return number, pages[number - 1].label

    def part_of(self, path: str, offset: int) -> tuple[int | None, int | None]:
        """Return (cell, record), from 1, of an offset in a document; Nones where it has none, or lies before the first.

        Raises KeyError for an unknown path.
        """
        parts = self._by_path[path].parts
        if parts is None:
            return None, None
        number = bisect.bisect_right(parts.starts, offset) or None
        return (number, None) if parts.kind == "cell" else (None, number)

    def lines_of(self, path: str, first: int, last: int) -> str:
        """Return lines `first` to `last` (from 1, both included) of a document; "" where there are none.

        Raises KeyError for an unknown path.
        """
        document = self._by_path[path]
        if last < first or first < 1 or first > document.lines:
            return ""
        base = self._newlines_before(document.span.start)
        start = self._byte_of_line(base + first - 1, document)
        end = self._byte_of_line(base + last, document)
        return self._bytes(start, end).decode("utf-8")

    def find(
        self, quote: str, path: str | None = None, near: int | None = None, until: int | None = None
    ) -> Found | None:
        """Return a place where `quote` stands, or None.

        Searches one document, or all; with `near` (a character offset) first the place at or after it; with `until`
        too, only what lies between the two. Runs of white space match each other, so that a quote may be re-wrapped; in
        records, a character also matches its escaped form; nothing else is forgiven. Raises TooManyPlaces.
        """
        wanted = wanted_quote(quote)
        if wanted is None or not self.size:
            return None
        documents = self.documents if path is None else [d for d in self.documents if d.path == path]
        if near is not None:
            documents = sorted(documents, key=lambda document: not document.span.start <= near <= document.span.end)
        # Private: before Linux 6.7 a file sealed against writing could not be mapped shared, not even to be read.
        with mmap.mmap(self.descriptor, self.size, flags=mmap.MAP_PRIVATE, prot=mmap.PROT_READ) as text:
            for document in documents:
                first, last = self._byte_of(document.span.start), self._byte_of(document.span.end)
                stretches = [(first, last)] if until is None else []
                if near is not None and document.span.start <= near <= document.span.end:
                    stretches.insert(0, (self._byte_of(near), last if until is None else self._byte_of(until)))
                has_records = document.parts is not None and document.parts.kind == "record"
                searches = [wanted.search, *([wanted.search_escaped] if has_records else [])]
                hits = (search(text, *stretch) for search in searches for stretch in stretches)
                hit = next(filter(None, hits), None)
                if hit is not None:
                    start, end = hit
                    base = self._newlines_before(document.span.start)
                    line = self._newlines_before_byte(start) - base + 1
                    end_line = line + text[start:end].count(b"\n")
                    return Found(document.path, line, end_line, self._character_of(start), self._character_of(end))
        return None

    def nearest(self, quote: str, path: str, near: int) -> Found | None:
        """Return the place of a quote whose line is nearest to the one at `near`: the next one, or the last one in the
        64 Ki characters before. None where there is neither. Raises KeyError for an unknown path, TooManyPlaces.
        """
        document = self._by_path[path]
        before = self._last_before(quote, document, near, _NEAR) or self._last_before(quote, document, near, STRIDE)
        behind = self.find(quote, path, near, until=document.span.end)
        if before is None or behind is None:
            return before or behind
        _, line = self.locate(near)
        return before if line - before.line < behind.line - line else behind

    def _last_before(self, quote: str, document: Document, near: int, within: int) -> Found | None:
        """Return the last place of a quote that begins at most `within` characters before `near`."""
        last, start = None, max(document.span.start, near - within)
        until = min(near + 2 * len(quote), document.span.end)
        for _ in range(_STEPS):
            found = self.find(quote, document.path, start, until) if start < near else None
            if found is None or found.offset >= near:
                break
            last, start = found, found.offset + 1
        return last

    def offset_of(self, path: str, line: int) -> int:
        """Return the character offset at which a line of a document starts; past its end, the document's end.

        Raises KeyError for an unknown path.
        """
        document = self._by_path[path]
        return self._character_of(self._byte_of_line(self._newlines_before(document.span.start) + line - 1, document))

    def occurrences(self, text: str) -> Iterator[int]:
        """Yield the character offsets at which `text` stands as it is, in order."""
        wanted = text.encode("utf-8")
        with mmap.mmap(self.descriptor, self.size, flags=mmap.MAP_PRIVATE, prot=mmap.PROT_READ) as mapped:
            at = mapped.find(wanted)
            while at >= 0:
                yield self._character_of(at)
                at = mapped.find(wanted, at + len(wanted))

    def count(self, text: str, start: int, end: int) -> int:
        """Return how often `text` stands, as it is, in the characters from `start` up to `end`."""
        wanted, first, last = text.encode("utf-8"), self._byte_of(start), self._byte_of(end)
        if not wanted or last - first < len(wanted):
            return 0
        found, overlap = 0, len(wanted) - 1
        for at in range(first, last, 16 * STRIDE):
            found += self._bytes(at, min(last, at + 16 * STRIDE + overlap)).count(wanted)
        return found

    def pieces(self) -> Iterator[bytes]:
        """Yield all of the text as UTF-8, a MiB at a time, cut anywhere."""
        for start in range(0, self.size, 16 * STRIDE):
            yield self._bytes(start, min(self.size, start + 16 * STRIDE))

    def locate_byte(self, byte: int) -> tuple[str, int]:
        """Return (path, line from 1) of a byte of the text, at which a character begins."""
        return self.locate(self._character_of(byte))

    def is_intact(self) -> bool:
        """Tell whether the bytes still are those that were written."""
        digest = hashlib.sha256()
        for piece in self.pieces():
            digest.update(piece)
        return digest.hexdigest() == self.sha256

    def close(self) -> None:
        """Give the memory back; the context is unusable afterwards."""
        if self.descriptor >= 0:
            os.close(self.descriptor)
            self.descriptor = -1

    # --- bytes ---------------------------------------------------------------------------------------------------

    def _bytes(self, start: int, end: int) -> bytes:
        pieces = []
        while start < end:
            piece = os.pread(self.descriptor, end - start, start)
            if not piece:
                raise InputError("the context's temporary file has become shorter", "was it truncated from outside?")
            pieces.append(piece)
            start += len(piece)
        return b"".join(pieces)

    def _mark_before(self, character: int) -> int:
        """Return the number of the last mark at or before a character."""
        return bisect.bisect_right(self._marks.characters, character) - 1

    def _byte_of(self, character: int) -> int:
        if self.ascii:
            return character
        mark = self._mark_before(character)
        byte, missing = self._marks.bytes[mark], character - self._marks.characters[mark]
        if not missing:
            return byte
        # A character is four bytes at most; what the slice cuts in half at its end is not among those counted.
        piece = self._bytes(byte, min(self.size, byte + 4 * missing)).decode("utf-8", "ignore")
        return byte + len(piece[:missing].encode("utf-8"))

    def _character_of(self, byte: int) -> int:
        mark = bisect.bisect_right(self._marks.bytes, byte) - 1
        return self._marks.characters[mark] + len(self._bytes(self._marks.bytes[mark], byte).decode("utf-8"))

    def _newlines_before(self, character: int) -> int:
        mark = self._mark_before(character)
        before = self._bytes(self._marks.bytes[mark], self._byte_of(character)).count(b"\n")
        return self._marks.lines[mark] + before

    def _newlines_before_byte(self, byte: int) -> int:
        mark = bisect.bisect_right(self._marks.bytes, byte) - 1
        return self._marks.lines[mark] + self._bytes(self._marks.bytes[mark], byte).count(b"\n")

    def _byte_of_line(self, newlines: int, document: Document) -> int:
        """Return where the line after `newlines` newlines (of the whole text) starts, clamped to the document."""
        floor, end = self._byte_of(document.span.start), self._byte_of(document.span.end)
        mark = max(0, bisect.bisect_left(self._marks.lines, newlines) - 1)
        position, count = self._marks.bytes[mark], self._marks.lines[mark]
        while count < newlines and position < end:
            piece = self._bytes(position, min(end, position + STRIDE))
            if count + piece.count(b"\n") < newlines:
                count += piece.count(b"\n")
                position += len(piece)
                continue
            step = 0
            for _ in range(newlines - count):
                step = piece.index(b"\n", step) + 1
            position += step
            break
        return min(max(position, floor), end)
