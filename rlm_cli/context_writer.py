"""Writes a Context, piece by piece: documents in, one sealed text out.

Covered: headers, spans, marks, lines, pages, parts, the digest, the file. Not covered: reading (context.py), what
is worth loading and how it is decoded (loaders/).
"""

import codecs
import fcntl
import hashlib
import os
import re
from array import array
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, TypeVar

from rlm_cli.anonymous import anonymous_file
from rlm_cli.context import STRIDE, Context, Marks, header
from rlm_cli.errors import InputError
from rlm_cli.types import Document, Page, Parts, Skipped, Span

_Text = TypeVar("_Text", str, bytes)

MOST_PAGES = 200_000
"""Pages of one document. A text with more form feeds than that is not parted by them."""
_PAGED = ("text", "txt")
"""Kinds in which form feeds, where there are any, part pages; source files hold them as ornaments."""
_NARROW, _NOT_WIDEST = bytes(range(0xC4)), bytes(range(0xF0))
"""Bytes of UTF-8 that no character beyond Latin-1, and beyond U+FFFF, begins with."""
_WIDE, _WIDEST = re.compile("[\u0100-\uffff]"), re.compile("[\U00010000-\U0010ffff]")
_CONTINUING = bytes(range(0x80, 0xC0))
"""What bytes of UTF-8 other than a character's first look like."""


@dataclass(slots=True)
class _Position:
    """How far a writer has come."""

    character: int = 0
    byte: int = 0
    newlines: int = 0
    line_length: int = 0
    """Characters since the last newline."""
    longest_line: int = 0
    ends_a_line: bool = True
    """The last character written is a newline, or there is none."""
    width: int = 1
    """Bytes that Python takes for each character, if all of it is one str: the widest character decides."""
    widest: int | None = None
    """The first character that is as wide; None: all are ASCII or Latin-1."""

    def copied(self) -> "_Position":
        # Ten times as quick as copy.copy, and there may be 100,000 documents.
        return _Position(
            self.character, self.byte, self.newlines, self.line_length, self.longest_line, self.ends_a_line, self.width,
            self.widest,
        )  # fmt: skip


class ContextWriter:
    """Collects documents into a Context without ever holding more than a piece of text."""

    def __init__(self, several: bool) -> None:
        """`several` is what the caller expects: with more than one document each gets a header."""
        self._several = several
        self._file = anonymous_file("rlm-context")
        self._pending: list[bytes] = []
        """Written, and not yet in the file."""
        self._pending_bytes = 0
        self._marks = Marks()
        self._at = _Position()
        self._documents: list[dict[str, Any]] = []
        """Fields of each Document; its tokens are known at the end."""
        self._starts, self._ends = array("Q"), array("Q")
        """Bytes at which each document's text begins and ends."""

    @property
    def characters(self) -> int:
        return self._at.character

    @property
    def size(self) -> int:
        """Bytes written."""
        return self._at.byte

    @property
    def lines(self) -> int:
        """Of the last document."""
        lines: int = self._documents[-1]["lines"]
        return lines

    @property
    def paths(self) -> list[str]:
        """Of the documents so far."""
        return [each["path"] for each in self._documents]

    def read(self, start: int, size: int) -> bytes:
        """Return up to `size` bytes from byte `start` of what was written: what a token estimate samples."""
        self._flush()
        return os.pread(self._file, size, start)

    def read_last(self, start: int, size: int) -> bytes:
        """Return up to `size` bytes from byte `start` of the last document's text."""
        place = self._starts[-1] + start
        return self.read(place, min(size, self._ends[-1] - place))

    def texts(self) -> Iterator[tuple[int, str]]:
        """Yield (number of the document from 0, text), in pieces of a MiB at most."""
        for number, (start, end) in enumerate(zip(self._starts, self._ends, strict=True)):
            decoder = codecs.getincrementaldecoder("utf-8")()
            for place in range(start, end, 16 * STRIDE):
                yield number, decoder.decode(self.read(place, min(16 * STRIDE, end - place)))

    def add(self, path: str, pieces: Iterable[bytes], kind: str = "text", paged: bool = False) -> None:
        """Append one document, in pieces of UTF-8 that may be cut anywhere. `paged`: it has pages, if only one.

        Raises UnicodeDecodeError where they are not UTF-8. Whatever is raised, what the document had written is taken
        back.
        """
        if self._documents and not self._several:
            raise ValueError("a second document for a context announced to hold one")
        before, marks = self._at.copied(), len(self._marks)
        try:
            if self._several:
                self._write((b"" if before.ends_a_line else b"\n") + header(path).encode("utf-8"))
            at = self._at
            self._marks.add(at.character, at.byte, at.newlines)
            start, first_byte, newlines = at.character, at.byte, at.newlines
            page_starts = array("Q", [start]) if paged or kind in _PAGED else None
            cut = b""
            for piece in pieces:
                cut = self._write(cut + piece if cut else piece, page_starts)
            if cut:
                cut.decode("utf-8")
        except BaseException:
            self._flush()
            self._at = before
            self._marks.cut(marks)
            os.ftruncate(self._file, before.byte)
            os.lseek(self._file, before.byte, os.SEEK_SET)
            raise
        open_line = not at.ends_a_line and at.character > start
        span, lines = Span(start, at.character), at.newlines - newlines + open_line
        pages = () if page_starts is None else _pages(paged, page_starts, span.end)
        self._starts.append(first_byte)
        self._ends.append(at.byte)
        self._documents.append({"path": path, "span": span, "lines": lines, "kind": kind, "pages": pages})

    def amend(self, number: int = -1, **changes: Any) -> None:
        """Say more of a document, the last or that number from 0: fields of Document."""
        self._documents[number].update(changes)

    def beginning(self, number: int) -> str:
        """Return the first 8 KiB of a document's text."""
        start = self._starts[number]
        return self.read(start, min(8192, self._ends[number] - start)).decode("utf-8", "ignore")

    def name_pages(self, labels: Sequence[str | None]) -> None:
        """Say what is printed on the pages of the last document."""
        pages = zip(self._documents[-1]["pages"], labels, strict=True)
        self.amend(pages=tuple(Page(page.start, label) for page, label in pages))

    def part(self, kind: Literal["cell", "record"], starts: Iterable[int]) -> None:
        """Say where the parts of the last document begin: bytes into its text, rising."""
        span = self._documents[-1]["span"]
        if span.end - span.start == self._ends[-1] - self._starts[-1]:
            self.amend(parts=Parts(kind, array("Q", (span.start + each for each in starts))))
            return
        characters, byte, character = array("Q"), 0, span.start
        window, first = b"", 0
        for each in starts:
            while byte < each:
                if not first <= byte < first + len(window):
                    window, first = self.read_last(byte, 16 * STRIDE), byte
                between = window[byte - first : each - first]
                character += len(between.translate(None, _CONTINUING))
                byte += len(between)
            characters.append(character)
        self.amend(parts=Parts(kind, characters))

    def finish(
        self,
        inputs: Sequence[str],
        skipped: Sequence[Skipped],
        tokens: int,
        tokens_exact: bool = False,
        document_tokens: Sequence[int] | None = None,
        base: str | None = None,
    ) -> Context:
        """Seal the text and hand it over.

        Where `document_tokens` are not given, each document's are its share, by characters, of `tokens`.
        """
        if self._several and len(self._documents) == 1:
            return self._without_header().finish(inputs, skipped, tokens, tokens_exact, document_tokens, base)
        at = self._at
        self._marks.add(at.character, at.byte, at.newlines)
        if document_tokens is None:
            density = tokens / at.character if at.character else 0.0
            spans = (each["span"] for each in self._documents)
            document_tokens = [round((span.end - span.start) * density) for span in spans]
        drafts = zip(self._documents, document_tokens, strict=True)
        documents = tuple(Document(**draft, tokens=its_tokens) for draft, its_tokens in drafts)
        digest = hashlib.sha256()
        for piece in self._pieces(0):
            digest.update(piece)
        descriptor, self._file = _sealed(self._file), -1
        return Context(
            descriptor=descriptor,
            marks=self._marks,
            documents=documents,
            skipped=tuple(skipped),
            inputs=tuple(inputs),
            sha256=digest.hexdigest(),
            longest_line=max(at.longest_line, at.line_length),
            tokens=tokens,
            tokens_exact=tokens_exact,
            width=at.width,
            widest=at.widest,
            base=base,
        )

    def discard(self) -> None:
        """Give the file back without making a Context of it; after `finish` there is none to give back."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    def _without_header(self) -> "ContextWriter":
        [only] = self._documents
        alone = ContextWriter(several=False)
        alone.add(only["path"], self._pieces(self._starts[0]), only["kind"], paged=bool(only["pages"]))
        [draft], back = alone._documents, only["span"].start
        pages = tuple(replace(page, start=page.start - back) for page in only["pages"])
        draft.update(only | {"span": draft["span"], "pages": pages})
        if only.get("parts") is not None:
            starts = array("Q", (start - back for start in only["parts"].starts))
            draft["parts"] = Parts(only["parts"].kind, starts)
        self.discard()
        return alone

    def _pieces(self, byte: int) -> Iterator[bytes]:
        while piece := self.read(byte, 16 * STRIDE):
            byte += len(piece)
            yield piece

    def _write(self, piece: bytes, page_starts: "array[int] | None" = None) -> bytes:
        """Take in UTF-8; return what of a cut character is left at its end."""
        cut = b""
        for start in range(0, len(piece), STRIDE):
            part = cut + piece[start : start + STRIDE]
            if part.isascii():
                self._take(part, part, b"\n", b"\f", page_starts)
                cut = b""
            else:
                text, used = codecs.utf_8_decode(part, "strict", False)
                self._look_at_width(part, text)
                self._take(part[:used], text, "\n", "\f", page_starts)
                cut = part[used:]
        return cut

    def _look_at_width(self, encoded: bytes, text: str) -> None:
        at = self._at
        wide = encoded.translate(None, _NARROW) if at.width < 4 else b""
        if not wide or (at.width == 2 and not wide.translate(None, _NOT_WIDEST)):
            return
        first = _WIDEST.search(text)
        at.width = 4 if first else 2
        first = first or _WIDE.search(text)
        at.widest = at.character + first.start() if first else None

    def _take(
        self, encoded: bytes, text: _Text, newline: _Text, form_feed: _Text, page_starts: "array[int] | None"
    ) -> None:
        """Take in whole characters; where they are ASCII, `text` may be the bytes themselves."""
        at = self._at
        if page_starts is not None and len(page_starts) <= MOST_PAGES:
            found = text.find(form_feed)
            while found >= 0:
                page_starts.append(at.character + found + 1)
                found = text.find(form_feed, found + 1)
        newlines = encoded.count(b"\n")
        if newlines:
            at.longest_line, at.line_length = _longest_line(text, newline, at.line_length, at.longest_line)
        else:
            at.line_length += len(text)
        at.ends_a_line = not at.line_length
        at.character += len(text)
        at.byte += len(encoded)
        at.newlines += newlines
        if at.byte - self._marks.bytes[-1] >= STRIDE:
            self._marks.add(at.character, at.byte, at.newlines)
        self._pending.append(encoded)
        self._pending_bytes += len(encoded)
        if self._pending_bytes >= 16 * STRIDE:
            self._flush()

    def _flush(self) -> None:
        view = memoryview(b"".join(self._pending))
        self._pending.clear()
        self._pending_bytes = 0
        while view:
            try:
                written = os.write(self._file, view)
            except OSError as error:
                raise InputError(
                    f"cannot keep the input in a temporary file: {error.strerror}",
                    "free some space, or point TMPDIR at a folder that has it",
                ) from error
            view = view[written:]


def _longest_line(text: _Text, newline: _Text, begun: int, longest: int) -> tuple[int, int]:
    """Return the longest line so far, and how long the last one is; the first continues one of length `begun`.

    Looks backwards from where a longer line would have to reach: few steps, however many lines there are.
    """
    end = text.find(newline)
    longest = max(longest, begun + end)
    start, last = end + 1, text.rfind(newline) + 1
    while start < last:
        end = text.rfind(newline, start, min(last, start + longest + 1))
        if end < 0:
            end = text.find(newline, start)
            longest = end - start
        start = end + 1
    return longest, len(text) - last


def _pages(paged: bool, starts: "array[int]", end: int) -> tuple[Page, ...]:
    if not paged and not 1 < len(starts) <= MOST_PAGES:
        return ()
    # Programs that write text by pages end the last one, too.
    last = len(starts) - (len(starts) > 1 and starts[-1] == end)
    return tuple(map(Page, starts[:last]))


def _sealed(descriptor: int) -> int:
    """Make the file unchangeable where the system can; the child's copy of the descriptor is as harmless as ours."""
    seals = getattr(fcntl, "F_ADD_SEALS", None)
    if seals is not None:
        fcntl.fcntl(descriptor, seals, fcntl.F_SEAL_WRITE | fcntl.F_SEAL_GROW | fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_SEAL)
    return descriptor
