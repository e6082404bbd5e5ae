"""Reads what was found into one Context, and keeps the account of what was skipped.

Covered: reading each file once or twice (again as Latin-1 where UTF-8 fails), token counts, the message when there is
no text. Not covered: finding (sources.py, listing.py), decoding (decoding.py, pdf.py), what is said about what was not
read (remarks.py), the Context itself.
"""

import errno
import os
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import BinaryIO

from rlm_cli.context import Context, header, shown_path
from rlm_cli.context_writer import ContextWriter
from rlm_cli.errors import InputError
from rlm_cli.loaders import remarks
from rlm_cli.loaders.decoding import LATIN_1, decoded, encoding_of, head_of
from rlm_cli.loaders.naming import Named, Names, kind_of, prefixes
from rlm_cli.loaders.options import LoadOptions
from rlm_cli.loaders.pdf import MOST_TEXT, PdfReader, is_pdf
from rlm_cli.loaders.sources import Source, find_source, without_duplicates
from rlm_cli.loaders.tree import Tree, Unloadable
from rlm_cli.tokens import count_tokens, estimate_tokens
from rlm_cli.types import Skipped

_DEFAULT = LoadOptions()


@dataclass(frozen=True, slots=True)
class Loaded:
    """What came of the inputs."""

    context: Context
    warnings: tuple[str, ...]
    """What the user should know, one line each, safe to print."""


def load(inputs: Sequence[str], options: LoadOptions = _DEFAULT, stdin: BinaryIO | None = None) -> Loaded:
    """Load files, folders and streams (`-`: `stdin`) into one Context.

    Raises InputError when an input does not exist, cannot be read or is no text, and when all together hold none;
    UsageError for a pattern that can match nothing, SandboxError where the reader of PDFs has less than is required.
    """
    with ExitStack() as closing:
        sources = []
        for typed in inputs:
            sources.append(find_source(typed, options, stdin))
            closing.callback(sources[-1].close)
        without_duplicates(sources)
        reading = _Reading(options, several=sum(len(source.files) for source in sources) > 1)
        closing.callback(reading.close)
        fronts = prefixes([Named(source.base, [*map(source.path, source.files)]) for source in sources])
        for source, front in zip(sources, fronts, strict=True):
            reading.read(source, front)
        return reading.loaded(inputs, [warning for source in sources for warning in source.warnings])


class _Reading:
    """One context in the making."""

    def __init__(self, options: LoadOptions, several: bool) -> None:
        self._options = options
        self._writer = ContextWriter(several)
        self._names = Names()
        self._skipped: list[Skipped] = []
        self._loaded: list[str] = []
        self._latin_1: list[str] = []
        self._pdfs = PdfReader(options.passwords, require=options.require_sandbox)
        self._attachments: list[tuple[str, int]] = []
        self._scanned: list[remarks.Scanned] = []
        self._damaged: list[tuple[str, list[int]]] = []
        self._tokens: list[int] = []
        """Of each document, when they are to be exact."""
        self._blank = True

    def close(self) -> None:
        """Give the text back unless it has become a Context."""
        self._pdfs.close()
        self._writer.discard()

    def read(self, source: Source, front: str) -> None:
        """Read all files of an input. `front` stands before their paths."""
        for path, why in source.skipped.items():
            self._skip(front + source.path(path), why)
        if source.folder is not None:
            with Tree(source.folder) as tree:
                for file in source.files:
                    self._read_found(tree, file, front + source.path(file), source)
            return
        for file in source.files:
            self._read_named(source, front + source.path(file))

    def _read_found(self, tree: Tree, file: str, path: str, source: Source) -> None:
        try:
            descriptor = tree.open(file)
            try:
                if os.fstat(descriptor).st_size > self._options.max_file_size:
                    raise Unloadable("too large")
                typed = os.path.join(source.typed, file)  # noqa: PTH118 - Path("./-a") would be "-a"
                self._add(path, descriptor, self._options.max_file_size, typed)
            finally:
                os.close(descriptor)
        except Unloadable as why:
            self._skip(path, why)
        except OSError as error:
            gone = isinstance(error, FileNotFoundError | NotADirectoryError) or error.errno == errno.ELOOP
            deleted = gone and source.listed_by_git
            self._skip(path, Unloadable("deleted") if deleted else Unloadable("unreadable", failed=True))

    def _read_named(self, source: Source, path: str) -> None:
        shown = "standard input" if source.typed == "-" else shown_path(source.typed)
        try:
            if source.stream is not None:
                self._add(path, source.stream, None, None)
            elif source.single is not None:
                with source.single.open("rb") as file:
                    self._add(path, file.fileno(), None, source.typed)
        except Unloadable as why:
            refusal = remarks.refusal(shown, why.reason, source.typed if source.stream is None else None)
            if refusal is not None:
                raise refusal from None
            self._skip(path, why)
        except OSError as error:
            raise InputError(f"{shown} cannot be read: {error.strerror}") from None

    def _skip(self, path: str, why: Unloadable) -> None:
        self._skipped.append(Skipped(shown_path(path), why.reason, why.failed))

    def _add(self, path: str, descriptor: int, limit: int | None, typed: str | None) -> None:
        """Append one document; `typed` is what leads to it in a shell. Raises Unloadable, OSError when unreadable."""
        head = head_of(descriptor)
        if is_pdf(head[:1024], path):
            self._add_pdf(path, descriptor, limit, typed)
            return
        encoding = encoding_of(head)
        name, kind = self._names.give(path), kind_of(shown_path(path))
        try:
            self._write(name, kind, decoded(descriptor, encoding, limit))
        except UnicodeDecodeError:
            if encoding.marked:
                raise Unloadable("not decodable", failed=True) from None
            self._write(name, kind, decoded(descriptor, LATIN_1, limit))
            self._latin_1.append(name)

    def _add_pdf(self, path: str, descriptor: int, limit: int | None, typed: str | None) -> None:
        pdf = self._pdfs.open(descriptor)
        name = self._names.give(path)
        try:
            self._write(name, "pdf", self._pdfs.pieces(pdf, MOST_TEXT if limit is None else limit))
        finally:
            if pdf.without_text:
                self._scanned.append(remarks.Scanned(name, typed, pdf.count, pdf.without_text))
        self._writer.name_pages(pdf.labels, pdf.title, pdf.unreadable)
        if pdf.attachments:
            self._attachments.append((name, pdf.attachments))
        if pdf.unreadable:
            self._damaged.append((name, pdf.unreadable))

    def _write(self, name: str, kind: str, pieces: Iterator[str]) -> None:
        tokens, blank = 0, True

        def watched() -> Iterator[str]:
            nonlocal tokens, blank
            for piece in pieces:
                blank = blank and (not piece or piece.isspace())
                if self._options.exact_tokens:
                    tokens += count_tokens(piece)
                yield piece

        self._writer.add(name, watched(), kind)
        self._blank = self._blank and blank
        self._loaded.append(name)
        self._tokens.append(tokens)

    def loaded(self, inputs: Sequence[str], warnings: list[str]) -> Loaded:
        """Make the Context. Raises InputError when there is no text."""
        if self._blank:
            raise self._without_text()
        told = [*remarks.on_unread(self._skipped), *remarks.on_damaged_pages(self._damaged)]
        told += [*remarks.on_encodings(self._latin_1), *remarks.on_pages(self._scanned)]
        told += remarks.on_attachments(self._attachments)
        return Loaded(self._finished(inputs), (*warnings, *told))

    def _finished(self, inputs: Sequence[str]) -> Context:
        writer = self._writer
        if not self._options.exact_tokens:
            return writer.finish(inputs, self._skipped, estimate_tokens(writer.read, writer.size))
        headers = count_tokens("".join(map(header, self._loaded))) if len(self._loaded) > 1 else 0
        tokens = headers + sum(self._tokens)
        return writer.finish(inputs, self._skipped, tokens, tokens_exact=True, document_tokens=self._tokens)

    def _without_text(self) -> InputError:
        reasons = Counter(each.reason for each in self._skipped).most_common()
        listed = ", ".join(f"{count:,} {reason}" for reason, count in reasons)
        hints = [remarks.HINTS[reason] for reason, _ in reasons if reason in remarks.HINTS]
        return InputError(
            f"the inputs hold no text; skipped: {listed}" if listed else "the inputs hold no text",
            hints[0] if hints else None,
        )
