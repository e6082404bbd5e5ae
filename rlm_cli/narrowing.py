"""Makes a smaller context of some of another's documents, whose paths, lines, pages and parts stay what they were.

Covered: copying the text, moving what is counted from the beginning of the context. Not covered: which documents.
"""

from array import array
from collections.abc import Collection, Iterator
from dataclasses import replace

from rlm_cli.context import Context
from rlm_cli.context_writer import ContextWriter
from rlm_cli.types import Document, Parts

_PIECE = 1 << 20
"""Characters copied at once."""


def narrowed(context: Context, paths: Collection[str]) -> Context:
    """Return a context of the documents at `paths`, in their order. Raises ValueError where there is none of them."""
    kept = [each for each in context.documents if each.path in paths]
    if not kept:
        raise ValueError("none of these documents is in the context")
    writer = ContextWriter(several=len(kept) > 1)
    try:
        for document in kept:
            before = writer.characters
            writer.add(document.path, _pieces(context, document), document.kind, paged=bool(document.pages))
            start = writer.characters - (document.span.end - document.span.start)
            assert start >= before
            _describe(writer, document, start - document.span.start)
        tokens = [document.tokens for document in kept]
        return writer.finish(context.inputs, (), sum(tokens), context.tokens_exact, tokens, context.base)
    finally:
        writer.discard()


def _pieces(context: Context, document: Document) -> Iterator[bytes]:
    for start in range(document.span.start, document.span.end, _PIECE):
        yield context.text(start, min(document.span.end, start + _PIECE)).encode("utf-8")


def _describe(writer: ContextWriter, document: Document, moved: int) -> None:
    """Say of the document added last what is known of the one that it is a copy of, `moved` so many characters."""
    parts = document.parts
    writer.amend(
        pages=tuple(replace(page, start=page.start + moved) for page in document.pages),
        parts=None if parts is None else Parts(parts.kind, array("Q", (start + moved for start in parts.starts))),
        title=document.title,
        unreadable=document.unreadable,
        encoding=document.encoding,
        mark=document.mark,
        changed=document.changed,
        key=document.key,
    )
