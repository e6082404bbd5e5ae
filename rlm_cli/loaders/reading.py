"""One file -> one document of the context: told by its first bytes, read by what knows its kind.

Covered: which kind a file is, reading it once or twice (again where it turns out not to be UTF-8), its
parts. Not covered: which files there are (sources.py), the readers of each kind, what the user
is told of it (remarks.py).
"""

import os
from collections.abc import Iterator, Sequence
from itertools import accumulate

from rlm_cli.context import shown_path
from rlm_cli.context_writer import ContextWriter
from rlm_cli.loaders.archive_kinds import archive_kind
from rlm_cli.loaders.decoding import (
    ARCHIVE,
    HEAD,
    PIECE,
    UTF_8,
    Encoding,
    damaged,
    encoding_of,
    guess,
    pieces_of,
    utf_8,
)
from rlm_cli.loaders.marks import mark_of
from rlm_cli.loaders.naming import Names, kind_of
from rlm_cli.loaders.notebook import MOST as MOST_NOTEBOOK
from rlm_cli.loaders.notebook import NotANotebook, cells_of
from rlm_cli.loaders.office import OfficeReader, is_office
from rlm_cli.loaders.options import LoadOptions
from rlm_cli.loaders.papers import FEWEST, keys_of, title_of
from rlm_cli.loaders.pdf import MOST_TEXT, PdfReader, is_pdf
from rlm_cli.loaders.records import NotRecords, may_have_records, record_starts
from rlm_cli.loaders.remarks import Noticed, Scanned
from rlm_cli.loaders.tree import Unloadable


class Reading:
    """Documents in the making. What is not read raises Unloadable, and leaves nothing behind."""

    def __init__(self, writer: ContextWriter, options: LoadOptions, noticed: Noticed) -> None:
        self._writer = writer
        self._options = options
        self._noticed = noticed
        self._names = Names()
        self._pdfs = PdfReader(options.passwords, require=options.require_sandbox)
        self._offices = OfficeReader(require=options.require_sandbox)
        self._papers: dict[int, str | None] = {}
        """Number of the document -> the title that it gives itself."""
        self.blank = True
        """There has been white space at most."""

    def close(self) -> None:
        self._pdfs.close()
        self._offices.close()

    def mark_changes(self, ranges: Sequence[tuple[int, int]], wholly: bool) -> None:
        """Say which lines of the last document changed; `wholly`: all that it has, since nobody can tell which."""
        lines = self._writer.lines
        self._writer.amend(changed=((1, lines),) if wholly and lines else tuple(ranges))

    def name_papers(self) -> None:
        """Give those of several papers a key each, and a title where it has none."""
        if len(self._papers) < FEWEST:
            return
        paths = self._writer.paths
        for number, key in zip(self._papers, keys_of([paths[number] for number in self._papers]), strict=True):
            title = title_of(self._papers[number], self._writer.beginning(number))
            self._writer.amend(number, key=key, title=title)

    def add(self, path: str, descriptor: int, limit: int | None, typed: str | None) -> None:
        """Append one document. `limit`: most bytes; `typed` is what leads to it in a shell. Raises OSError, too."""
        first = os.pread(descriptor, PIECE, 0)
        if not first:
            raise Unloadable("empty")
        mark = mark_of(path, first[:HEAD])
        if mark is not None and not self._options.generated and limit is not None:
            raise Unloadable(mark)
        self._add(path, descriptor, limit, typed, first)
        if mark is not None:
            self._writer.amend(mark=mark)

    def _add(self, path: str, descriptor: int, limit: int | None, typed: str | None, first: bytes) -> None:
        kind = kind_of(shown_path(path))
        if is_pdf(first[:1024], path):
            self._add_pdf(path, descriptor, limit, typed)
            return
        if is_office(first[:HEAD], path):
            self._add_office(path, kind, descriptor, limit)
            return
        if archive_kind(first[:512], path) is not None:
            raise Unloadable(ARCHIVE)
        encoding = encoding_of(first[:HEAD])
        if kind != "ipynb" or not self._add_notebook(path, pieces_of(descriptor, encoding, limit, first)):
            self._add_text(path, kind, encoding, descriptor, limit, first)

    def _add_notebook(self, path: str, pieces: Iterator[bytes]) -> bool:
        """Append a notebook by its cells; False for what is none, which is JSON at best."""
        content = bytearray()
        try:
            for piece in pieces:
                content += piece
                if len(content) > MOST_NOTEBOOK:
                    raise NotANotebook(f"more than {MOST_NOTEBOOK >> 20} MB")
            cells = cells_of(content)
        except NotANotebook as why:
            self._noticed.no_notebooks.append((shown_path(path), str(why)))
            return False
        name, texts = self._names.give(path), [utf_8(cell.text) for cell in cells]
        self._write(name, "ipynb", iter(texts))
        self._writer.part("cell", [0, *accumulate(map(len, texts))][: len(texts)])
        pictures = sum(cell.pictures for cell in cells)
        if pictures:
            self._noticed.pictures.append((name, pictures))
        return True

    def _add_text(
        self, path: str, kind: str, encoding: Encoding, descriptor: int, limit: int | None, first: bytes
    ) -> None:
        name = self._names.give(path)
        try:
            self._write(name, kind, pieces_of(descriptor, encoding, limit, first))
        except UnicodeDecodeError:
            encoding = guess(descriptor) if encoding is UTF_8 else damaged(descriptor, encoding)
            if encoding.guessed:
                self._noticed.guessed.append((name, encoding.name))
            if encoding.damaged:
                self._noticed.damaged_text.append((name, encoding.name))
            self._write(name, kind, pieces_of(descriptor, encoding, limit, first))
        if encoding is not UTF_8:
            self._writer.amend(encoding=encoding.name)
        if not may_have_records(kind, first[encoding.start : HEAD]):
            return
        try:
            starts = record_starts(kind, self._writer.read_last)
        except NotRecords:
            self._noticed.no_records.append(name)
        else:
            if starts is not None:
                self._writer.part("record", starts)

    def _add_pdf(self, path: str, descriptor: int, limit: int | None, typed: str | None) -> None:
        pdf = self._pdfs.open(descriptor)
        name = self._names.give(path)
        try:
            self._write(name, "pdf", map(utf_8, self._pdfs.pieces(pdf, limit or MOST_TEXT)), paged=True)
        finally:
            if pdf.without_text:
                self._noticed.scanned.append(Scanned(name, typed, pdf.count, pdf.without_text))
        self._writer.name_pages(pdf.labels)
        self._writer.amend(title=pdf.title, unreadable=tuple(pdf.unreadable))
        self._papers[len(self._writer.paths) - 1] = pdf.title
        if pdf.attachments:
            self._noticed.attachments.append((name, pdf.attachments))
        if pdf.unreadable:
            self._noticed.damaged_pages.append((name, pdf.unreadable))

    def _add_office(self, path: str, kind: str, descriptor: int, limit: int | None) -> None:
        office = self._offices.open(descriptor)
        name = self._names.give(path)
        pieces = map(utf_8, self._offices.pieces(office, limit or MOST_TEXT))
        self._write(name, kind, pieces, paged=office.count > 0)
        if office.count:
            self._writer.name_pages(office.labels)
        self._writer.amend(title=office.title, unreadable=tuple(office.unreadable))
        self._papers[len(self._writer.paths) - 1] = office.title
        if office.images:
            self._noticed.pictures.append((name, office.images))
        if office.attachments:
            self._noticed.attachments.append((name, office.attachments))
        if office.unreadable:
            self._noticed.damaged_pages.append((name, office.unreadable))

    def _write(self, name: str, kind: str, pieces: Iterator[bytes], paged: bool = False) -> None:
        if not self.blank:
            self._writer.add(name, pieces, kind, paged)
            return
        blank = True

        def watched() -> Iterator[bytes]:
            nonlocal blank
            for piece in pieces:
                blank = blank and not piece.decode("utf-8", "replace").strip()
                yield piece

        self._writer.add(name, watched(), kind, paged)
        self.blank = blank
