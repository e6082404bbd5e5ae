"""Writes a Context, piece by piece: documents in, one sealed text out.

Covered: headers, spans, marks, lines, pages, the digest, the anonymous file. Not covered: reading (context.py), what
is worth loading and how it is decoded (loaders/).
"""

import codecs
import fcntl
import hashlib
import os
import re
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from rlm_cli.context import STRIDE, Context, Mark, header
from rlm_cli.errors import InputError
from rlm_cli.types import Document, Page, Skipped, Span

MOST_PAGES = 200_000
"""Pages of one document. A text with more form feeds than that is not parted by them."""
_PAGED = ("pdf", "text", "txt")
"""Kinds in which a form feed begins a page; source files hold them as ornaments."""


@dataclass(slots=True)
class _Position:
    """How far a writer has come."""

    character: int = 0
    byte: int = 0
    newlines: int = 0
    line_length: int = 0
    """Characters since the last newline."""
    longest_line: int = 0
    last: str = "\n"
    """The last character written."""


class ContextWriter:
    """Collects documents into a Context without ever holding more than one piece of text."""

    def __init__(self, several: bool) -> None:
        """`several` is what the caller expects: with more than one document each gets a header."""
        self._several = several
        self._file = _anonymous_file()
        self._hash = hashlib.sha256()
        self._marks = [Mark(0, 0, 0)]
        self._at = _Position()
        self._documents: list[Document] = []
        """Their tokens are filled in at the end."""

    @property
    def characters(self) -> int:
        return self._at.character

    @property
    def size(self) -> int:
        """Bytes written."""
        return self._at.byte

    @property
    def documents(self) -> int:
        return len(self._documents)

    def read(self, start: int, size: int) -> bytes:
        """Return up to `size` bytes from byte `start` of what was written: what a token estimate samples."""
        return os.pread(self._file, size, start)

    def add(self, path: str, pieces: Iterable[str], kind: str = "text") -> None:
        """Append one document. If `pieces` raises, what it had written is taken back and the error goes on."""
        if self._documents and not self._several:
            raise ValueError("a second document for a context announced to hold one")
        before, marks, digest = replace(self._at), len(self._marks), self._hash.copy()
        try:
            if self._several:
                self._write(("" if self._at.last == "\n" else "\n") + header(path))
            self._mark()
            start, newlines = self._at.character, self._at.newlines
            page_starts = [start]
            for piece in pieces:
                if kind in _PAGED and len(page_starts) <= MOST_PAGES:
                    page_starts += [self._at.character + found.end() for found in re.finditer("\f", piece)]
                self._write(piece)
            self._mark()
        except BaseException:
            self._at, self._hash = before, digest
            del self._marks[marks:]
            os.ftruncate(self._file, self._at.byte)
            os.lseek(self._file, self._at.byte, os.SEEK_SET)
            raise
        open_line = self._at.last != "\n" and self._at.character > start
        span, lines = Span(start, self._at.character), self._at.newlines - newlines + open_line
        self._documents.append(Document(path, span, lines, 0, kind, _pages(kind, page_starts, span.end)))

    def name_pages(self, labels: Sequence[str | None], title: str | None, unreadable: Sequence[int] = ()) -> None:
        """Say what is printed on the pages of the last document, what it calls itself, and which could not be read."""
        document = self._documents[-1]
        pages = tuple(Page(page.start, label) for page, label in zip(document.pages, labels, strict=True))
        self._documents[-1] = replace(document, pages=pages, title=title, unreadable=tuple(unreadable))

    def finish(
        self,
        inputs: Sequence[str],
        skipped: Sequence[Skipped],
        tokens: int,
        tokens_exact: bool = False,
        document_tokens: Sequence[int] | None = None,
    ) -> Context:
        """Seal the text and hand it over.

        Where `document_tokens` are not given, each document's are its share, by characters, of `tokens`.
        """
        if self._several and len(self._documents) == 1:
            return self._without_header().finish(inputs, skipped, tokens, tokens_exact, document_tokens)
        self._mark()
        if document_tokens is None:
            density = tokens / self._at.character if self._at.character else 0.0
            document_tokens = [round((each.span.end - each.span.start) * density) for each in self._documents]
        documents = tuple(
            replace(each, tokens=its_tokens) for each, its_tokens in zip(self._documents, document_tokens, strict=True)
        )
        descriptor, self._file = _sealed(self._file), -1
        return Context(
            descriptor=descriptor,
            marks=self._marks,
            documents=documents,
            skipped=tuple(skipped),
            inputs=tuple(inputs),
            sha256=self._hash.hexdigest(),
            longest_line=max(self._at.longest_line, self._at.line_length),
            tokens=tokens,
            tokens_exact=tokens_exact,
        )

    def discard(self) -> None:
        """Give the file back without making a Context of it; after `finish` there is none to give back."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    def _without_header(self) -> "ContextWriter":
        [only] = self._documents
        alone = ContextWriter(several=False)
        alone.add(only.path, self._pieces(len(header(only.path).encode("utf-8"))), only.kind)
        alone.name_pages([page.label for page in only.pages], only.title, only.unreadable)
        self.discard()
        return alone

    def _pieces(self, byte: int) -> Iterator[str]:
        decoder = codecs.getincrementaldecoder("utf-8")()
        while piece := os.pread(self._file, 16 * STRIDE, byte):
            byte += len(piece)
            yield decoder.decode(piece)

    def _write(self, piece: str) -> None:
        at = self._at
        for start in range(0, len(piece), STRIDE):
            part = piece[start : start + STRIDE]
            encoded = part.encode("utf-8")
            self._put(encoded)
            self._hash.update(encoded)
            at.character += len(part)
            at.byte += len(encoded)
            at.last = part[-1]
            newlines = part.count("\n")
            at.newlines += newlines
            if newlines:
                first, *middle, last = map(len, part.split("\n"))
                at.longest_line = max(at.longest_line, at.line_length + first, *middle)
                at.line_length = last
            else:
                at.line_length += len(part)
            if at.byte - self._marks[-1].byte >= STRIDE:
                self._mark()

    def _mark(self) -> None:
        self._marks.append(Mark(self._at.character, self._at.byte, self._at.newlines))

    def _put(self, encoded: bytes) -> None:
        view = memoryview(encoded)
        while view:
            try:
                written = os.write(self._file, view)
            except OSError as error:
                raise InputError(
                    f"cannot keep the input in a temporary file: {error.strerror}",
                    "free some space, or point TMPDIR at a folder that has it",
                ) from error
            view = view[written:]


def _pages(kind: str, starts: list[int], end: int) -> tuple[Page, ...]:
    if kind != "pdf" and not 1 < len(starts) <= MOST_PAGES:
        return ()
    # Programs that write text by pages end the last one, too.
    last = len(starts) - (len(starts) > 1 and starts[-1] == end)
    return tuple(map(Page, starts[:last]))


def _anonymous_file() -> int:
    """Open a file that has no name: nothing to clean up, nothing for others to read, no disk needed on Linux."""
    if hasattr(os, "memfd_create"):
        return os.memfd_create("rlm-context", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    with tempfile.TemporaryFile(prefix="rlm-") as file:
        return os.dup(file.fileno())


def _sealed(descriptor: int) -> int:
    """Make the file unchangeable where the system can; the child's copy of the descriptor is as harmless as ours."""
    seals = getattr(fcntl, "F_ADD_SEALS", None)
    if seals is not None:
        fcntl.fcntl(descriptor, seals, fcntl.F_SEAL_WRITE | fcntl.F_SEAL_GROW | fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_SEAL)
    return descriptor
