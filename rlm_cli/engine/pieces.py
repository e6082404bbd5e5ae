"""A context cut into pieces, each of which a sub-model can read at once, with the numbers by which places are named.

Covered: documents kept whole where they fit, small ones put together, large ones cut at records, pages, headings, blank
lines. Together the pieces hold all of the text. Not covered: what is asked about a piece (map_reduce.py).
"""

import bisect
from collections.abc import Iterator
from dataclasses import dataclass

from rlm_cli.chunks import best_cut
from rlm_cli.context import Context
from rlm_cli.engine.shown import Stretch, shown, whole
from rlm_cli.tokens import prompt_tokens

MOST = 100_000
"""Characters of a piece, numbers of lines included."""
_BEHIND = 200
"""Characters behind a cut that are looked at: whether a heading begins there."""
_NAMED = 3


@dataclass(frozen=True, slots=True)
class Piece:
    """Some documents, or a part of one."""

    stretches: tuple[Stretch, ...]
    text: str
    """As the model is shown it."""


def pieces(context: Context, room: int | None) -> Iterator[Piece]:
    """Yield the pieces, in order; `room`: tokens that one may have."""
    waiting: list[tuple[Stretch, str]] = []
    size = tokens = 0
    for document in context.documents:
        for stretch, text in _fitting(context, whole(document), room):
            more = prompt_tokens(text) if room is not None else 0
            if waiting and (size + len(text) > MOST or (room is not None and tokens + more > room)):
                yield _joined(waiting)
                waiting, size, tokens = [], 0, 0
            waiting.append((stretch, text))
            size, tokens = size + len(text) + 1, tokens + more + 1
    if waiting:
        yield _joined(waiting)


def named(context: Context, piece: Piece) -> str:
    """Return what a piece holds, as a person reads it."""
    names = []
    for each in piece.stretches[:_NAMED]:
        _, first = context.locate(each.start)
        _, last = context.locate(max(each.start, each.end - 1))
        names.append(each.document.path if each.is_whole else f"{each.document.path}:{first}-{last}")
    more = len(piece.stretches) - _NAMED
    return ", ".join(names) + (f" and {more:,} more" if more > 0 else "")


def _joined(waiting: list[tuple[Stretch, str]]) -> Piece:
    return Piece(tuple(stretch for stretch, _ in waiting), "\n".join(text for _, text in waiting))


def _fitting(context: Context, stretch: Stretch, room: int | None) -> Iterator[tuple[Stretch, str]]:
    """Yield a stretch as it is shown, or parts of it that are small enough."""
    length = stretch.end - stretch.start
    looked_at = min(length, MOST)
    text = shown(context, [Stretch(stretch.document, stretch.start, stretch.start + looked_at)])
    tokens = prompt_tokens(text) if room is not None else 0
    if length <= 1 or (length <= MOST and len(text) <= MOST and (room is None or tokens <= room)):
        yield stretch, text
        return
    # As much as fits if all of it is as dense; parts that are denser are cut again.
    share = min(MOST / len(text), room / tokens if room is not None else 1.0)
    size = max(1, min(int(looked_at * share * 0.95), length - 1, MOST))
    for part in _cut(context, stretch, size):
        yield from _fitting(context, part, room)


def _cut(context: Context, stretch: Stretch, size: int) -> Iterator[Stretch]:
    """Yield the stretch in parts of at most `size` characters."""
    document = stretch.document
    starts = [page.start for page in document.pages] or (document.parts.starts if document.parts else ())
    start = stretch.start
    while stretch.end - start > size:
        before = bisect.bisect_right(starts, start + size) - 1
        if before >= 0 and starts[before] > start:
            cut = starts[before]
        else:
            text = context.text(start, min(start + size + _BEHIND, stretch.end))
            cut = start + best_cut(text, max(1, size // 2), min(size, len(text)))
        yield Stretch(document, start, cut)
        start = cut
    yield Stretch(document, start, stretch.end)
