"""The context of a child run: made of the text that it was given, and named so that its places mean something.

Covered: whether the text stands in the context of whoever asked, where, and how evidence leads back there. Where it
stands is the asker's word, which is checked here.
"""

import re
from contextlib import suppress
from dataclasses import dataclass

from rlm_cli.context import Context
from rlm_cli.context_writer import ContextWriter
from rlm_cli.quotes import TooManyPlaces
from rlm_cli.results import Result
from rlm_cli.tokens import estimate_tokens
from rlm_cli.types import Document

_HEADER = re.compile(r"^===== (.{1,4000}) =====\n", re.MULTILINE)
_COMPARED = 1 << 20
"""Characters that are compared at once."""


@dataclass(frozen=True, slots=True)
class Given:
    """A child run's context, and where it comes from."""

    context: Context
    asker: Context
    start: int | None
    """Where its text begins in the context of whoever asked; None: it does not stand there as one."""

    def evidence(self, result: Result) -> tuple[tuple[int, str], ...]:
        """Return what the child has quoted as (offset into the context of whoever asked, quote).

        A quote that does not stand there, of a text that was made up, is left out.
        """
        pairs = []
        for each in result.citations:
            if each.quote is not None and each.verified:
                near = self.context.offset_of(each.path, each.line) if each.line is not None else None
                with suppress(TooManyPlaces):
                    found = self.context.find(each.quote, each.path, near)
                    if found is not None:
                        offset = self._offset(each.quote, each.path, found.offset)
                        pairs += [(offset, each.quote)] if offset is not None else []
        return tuple(pairs)

    def _offset(self, quote: str, path: str, offset: int) -> int | None:
        if self.start is not None:
            return self.start + offset
        there = self.asker.document(path)
        found = self.asker.find(quote, path if there is not None else None)
        return found.offset if found is not None else None


def given(asker: Context, text: str, place: int | None) -> Given:
    """Return the context of a child run over `text`, which may stand at `place` in the asker's. Raises InputError."""
    start = place if place is not None and _stands_at(asker, text, place) else None
    parts = _documents(asker, text) if start is None or not _within_one(asker, start, len(text)) else []
    path, kind, paged = _named(asker, start, len(text))
    encoded = text.encode("utf-8")
    tokens = estimate_tokens(lambda at, size: encoded[at : at + size], len(encoded))
    writer = ContextWriter(several=len(parts) > 1)
    try:
        for document, piece in parts:
            writer.add(document.path, [piece.encode("utf-8")], document.kind)
        if not parts:
            writer.add(path, [encoded], kind, paged)
        # Of documents that were put together again the places are told by their paths, not by one beginning.
        return Given(writer.finish(writer.paths[:1], [], tokens), asker, None if parts else start)
    finally:
        writer.discard()


def _documents(asker: Context, text: str) -> list[tuple[Document, str]]:
    """Take a text apart that is documents of the asker's under their header lines; [] where it is anything else.

    A header is believed only where what stands below it is a beginning of that document, or all of it: a text may
    imitate one.
    """
    pieces = _HEADER.split(text)
    if len(pieces) < 3 or pieces[0].strip():
        return []
    found: list[tuple[Document, str]] = []
    for path, piece in zip(pieces[1::2], pieces[2::2], strict=True):
        document = asker.document(path)
        if document is None or any(document is each for each, _ in found):
            return []
        size = document.span.end - document.span.start
        body = piece if len(piece) <= size and _stands_at(asker, piece, document.span.start) else piece.rstrip("\n")
        if not body or len(body) > size or not _stands_at(asker, body, document.span.start):
            return []
        found.append((document, body))
    return found


def _within_one(asker: Context, start: int, length: int) -> bool:
    document = asker.document(asker.locate(start)[0])
    return document is not None and document.span.start <= start and start + length <= document.span.end


def _stands_at(asker: Context, text: str, place: int) -> bool:
    if place + len(text) > asker.characters:
        return False
    pieces = ((at, text[at : at + _COMPARED]) for at in range(0, len(text), _COMPARED))
    return all(asker.text(place + at, place + at + len(piece)) == piece for at, piece in pieces)


def _named(asker: Context, start: int | None, length: int) -> tuple[str, str, bool]:
    """Return path, kind and whether it has pages. A piece is called so, as its lines count from 1 again."""
    if start is None:
        return "text", "text", False
    document = asker.document(asker.locate(start)[0])
    if document is None or not _within_one(asker, start, length):
        return "text", "text", False
    if start == document.span.start and start + length == document.span.end:
        return document.path, document.kind, bool(document.pages)
    first, last = asker.locate(start)[1], asker.locate(start + length - 1)[1]
    lines = f"line {first}" if first == last else f"lines {first}-{last}"
    return f"{document.path} ({lines})", document.kind, False
