"""The context of a child run: made of the text that it was given, and named so that its places mean something.

Covered: whether the text stands in the context of whoever asked, where, and how evidence leads back there. Where it
stands is the asker's word, which is checked here.
"""

from dataclasses import dataclass

from rlm_cli.context import Context
from rlm_cli.context_writer import ContextWriter
from rlm_cli.quotes import TooManyPlaces
from rlm_cli.results import Result
from rlm_cli.tokens import estimate_tokens

_COMPARED = 1 << 20
"""Characters that are compared at once."""


@dataclass(frozen=True, slots=True)
class Given:
    """A child run's context, and where it comes from."""

    context: Context
    start: int | None
    """Where its text begins in the context of whoever asked; None: it does not stand there."""

    def evidence(self, result: Result) -> tuple[tuple[int, str], ...]:
        """Return what the child has quoted as (offset into the context of whoever asked, quote)."""
        if self.start is None:
            return ()
        pairs = []
        for each in result.citations:
            if each.quote is not None and each.verified:
                near = self.context.offset_of(each.path, each.line) if each.line is not None else None
                try:
                    found = self.context.find(each.quote, each.path, near)
                except TooManyPlaces:
                    continue
                if found is not None:
                    pairs.append((self.start + found.offset, each.quote))
        return tuple(pairs)


def given(asker: Context, text: str, place: int | None) -> Given:
    """Return the context of a child run over `text`, which may stand at `place` in the asker's. Raises InputError."""
    start = place if place is not None and _stands_at(asker, text, place) else None
    path, kind, paged = _named(asker, start, len(text))
    encoded = text.encode("utf-8")
    writer = ContextWriter(several=False)
    try:
        writer.add(path, [encoded], kind, paged)
        tokens = estimate_tokens(lambda at, size: encoded[at : at + size], len(encoded))
        return Given(writer.finish([path], [], tokens), start)
    finally:
        writer.discard()


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
    if document is None or start < document.span.start or start + length > document.span.end:
        return "text", "text", False
    if start == document.span.start and start + length == document.span.end:
        return document.path, document.kind, bool(document.pages)
    first, last = asker.locate(start)[1], asker.locate(start + length - 1)[1]
    lines = f"line {first}" if first == last else f"lines {first}-{last}"
    return f"{document.path} ({lines})", document.kind, False
