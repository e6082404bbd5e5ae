"""The context: the whole input as UTF-8 in one anonymous file, and the one way from text to place.

Covered: reading any part of it, offset -> path and line, finding a quote.
Not covered: writing it (context_writer.py), where text comes from (loaders/), what the model sees of it (engine/).

The text is never held as one `str` here. It lies in a sealed memory file (Linux) or an unlinked temporary one, which
the sandbox's child maps and decodes once; this side reads the bytes it needs. Offsets are characters, as the model
counts them; every 64 KiB or so a mark remembers which byte and which line a character offset is.
"""

import bisect
import hashlib
import mmap
import os
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from rlm_cli.errors import InputError
from rlm_cli.types import Document, Skipped

_MOST_PLACES = 200_000
STRIDE = 1 << 16
"""Bytes between two marks, about."""

_WHITE_SPACE = (
    rb"(?:[\x09-\x0d\x1c-\x20]|\xc2[\x85\xa0]|\xe1\x9a\x80|\xe2\x80[\x80-\x8a\xa8\xa9\xaf]|\xe2\x81\x9f|\xe3\x80\x80)+"
)
"""What `str.split` takes for white space, in UTF-8."""


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


@dataclass(frozen=True, slots=True)
class Mark:
    """One place where character, byte and line are all known."""

    character: int
    byte: int
    line: int
    """Newlines before this character."""


class TooManyPlaces(Exception):
    """More of the text begins like the quote than can be looked through."""


@dataclass(frozen=True, slots=True)
class _Quote:
    """What is looked for: as it is, and with its white space free."""

    exact: bytes
    first_word: bytes
    pattern: re.Pattern[bytes]

    def search(self, text: mmap.mmap, start: int, end: int) -> tuple[int, int] | None:
        """Return the bytes from and up to which the quote stands, the exact form preferred.

        The pattern is tried at places that begin like it, and at a bounded number of those: on text made for it, a
        search by the pattern alone takes hours.
        """
        found = text.find(self.exact, start, end)
        if found >= 0:
            return found, found + len(self.exact)
        place = start
        for _ in range(_MOST_PLACES):
            place = text.find(self.first_word, place, end)
            if place < 0:
                return None
            match = self.pattern.match(text, place, end)
            if match is not None:
                return match.span()
            place += 1
        raise TooManyPlaces


class Context:
    """One read-only text with its documents. Made by `context_writer.ContextWriter`."""

    def __init__(
        self,
        descriptor: int,
        marks: Sequence[Mark],
        documents: tuple[Document, ...],
        skipped: tuple[Skipped, ...],
        inputs: tuple[str, ...],
        sha256: str,
        longest_line: int,
        tokens: int,
        tokens_exact: bool,
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
        self._marks = marks
        self._mark_characters = [mark.character for mark in marks]
        self._by_path = {document.path: document for document in documents}
        self._starts = [document.span.start for document in documents]

    @property
    def characters(self) -> int:
        return self._marks[-1].character

    @property
    def size(self) -> int:
        """Bytes of UTF-8."""
        return self._marks[-1].byte

    @property
    def lines(self) -> int:
        """Newlines, plus one for a last line that lacks its own."""
        return self._marks[-1].line + (self._bytes(self.size - 1, self.size) != b"\n" if self.size else 0)

    @property
    def ascii(self) -> bool:
        return self.characters == self.size

    def document(self, path: str) -> Document | None:
        return self._by_path.get(path)

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

    def find(self, quote: str, path: str | None = None, near: int | None = None) -> tuple[str, int, int] | None:
        """Return (path, first line, last line) of a place where `quote` stands, or None.

        Searches one document, or all; with `near` (a character offset) first the place at or after it. Runs of white
        space match each other, so that a quote may be re-wrapped; nothing else is forgiven. Raises TooManyPlaces.
        """
        try:
            words = [word.encode("utf-8") for word in quote.split()]
        except UnicodeEncodeError:
            return None  # half a surrogate pair, which no text holds
        if not words or not self.size:
            return None
        wanted = _Quote(quote.strip().encode("utf-8"), words[0], re.compile(_WHITE_SPACE.join(map(re.escape, words))))
        documents = self.documents if path is None else [d for d in self.documents if d.path == path]
        if near is not None:
            documents = sorted(documents, key=lambda document: not document.span.start <= near <= document.span.end)
        # Private: before Linux 6.7 a file sealed against writing could not be mapped shared, not even to be read.
        with mmap.mmap(self.descriptor, self.size, flags=mmap.MAP_PRIVATE, prot=mmap.PROT_READ) as text:
            for document in documents:
                first, last = self._byte_of(document.span.start), self._byte_of(document.span.end)
                hit = None
                if near is not None and document.span.start <= near <= document.span.end:
                    hit = wanted.search(text, self._byte_of(near), last)
                hit = hit or wanted.search(text, first, last)
                if hit is not None:
                    start, end = hit
                    base = self._newlines_before(document.span.start)
                    line = self._newlines_before_byte(start) - base + 1
                    return document.path, line, line + text[start:end].count(b"\n")
        return None

    def offset_of(self, path: str, line: int) -> int:
        """Return the character offset at which a line of a document starts; past its end, the document's end.

        Raises KeyError for an unknown path.
        """
        document = self._by_path[path]
        byte = self._byte_of_line(self._newlines_before(document.span.start) + line - 1, document)
        mark = self._marks[bisect.bisect_right(self._marks, byte, key=lambda mark: mark.byte) - 1]
        return mark.character + len(self._bytes(mark.byte, byte).decode("utf-8"))

    def is_intact(self) -> bool:
        """Tell whether the bytes still are those that were written."""
        digest = hashlib.sha256()
        for start in range(0, self.size, 16 * STRIDE):
            digest.update(self._bytes(start, min(self.size, start + 16 * STRIDE)))
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

    def _mark_before(self, character: int) -> Mark:
        return self._marks[bisect.bisect_right(self._mark_characters, character) - 1]

    def _byte_of(self, character: int) -> int:
        if self.ascii:
            return character
        mark = self._mark_before(character)
        missing = character - mark.character
        if not missing:
            return mark.byte
        # A character is four bytes at most; what the slice cuts in half at its end is not among those counted.
        piece = self._bytes(mark.byte, min(self.size, mark.byte + 4 * missing)).decode("utf-8", "ignore")
        return mark.byte + len(piece[:missing].encode("utf-8"))

    def _newlines_before(self, character: int) -> int:
        mark = self._mark_before(character)
        return mark.line + self._bytes(mark.byte, self._byte_of(character)).count(b"\n")

    def _newlines_before_byte(self, byte: int) -> int:
        index = bisect.bisect_right(self._marks, byte, key=lambda mark: mark.byte) - 1
        mark = self._marks[index]
        return mark.line + self._bytes(mark.byte, byte).count(b"\n")

    def _byte_of_line(self, newlines: int, document: Document) -> int:
        """Return where the line after `newlines` newlines (of the whole text) starts, clamped to the document."""
        floor, end = self._byte_of(document.span.start), self._byte_of(document.span.end)
        index = max(0, bisect.bisect_left(self._marks, newlines, key=lambda mark: mark.line) - 1)
        position, count = self._marks[index].byte, self._marks[index].line
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
