"""The lines in which texts differ, by git's diff in a repository of our own.

Covered: line ranges of the new text, texts that are much alike under two names. The texts are put into a repository
that lives as long as the question, under numbers for names: nothing there names a program (own_repository.py). Not
covered: which texts to compare (changes.py).
"""

import re
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence

from rlm_cli.loaders.git import DEADLINE, GitRefused
from rlm_cli.loaders.own_repository import OwnRepository

Ranges = tuple[tuple[int, int], ...]
"""First and last line, from 1, inclusive; ascending and apart."""

MOST_AT_ONCE = 64_000_000
"""Bytes of one question, on either side; one text may be larger."""
MOST_ALIKE = 400
"""Texts on either side among which git looks for those that are alike: it compares each with each."""
_PATIENCE = 3 * DEADLINE
"""Seconds for all questions: two texts can be made to take git long."""
_LARGE = 2_000_000
"""Bytes of a text that has a question of its own, so that none is lost with it."""
_LINE = re.compile(
    rb"^(?:diff --git old/([0-9]+) new/([0-9]+)$|@@ -[0-9,]+ \+([0-9]+)(?:,([0-9]+))? @@)",
    re.MULTILINE,
)
"""Lines of the texts follow a `+`, a `-` or a `\\`: none can pass for one of these."""
_IMPORT = ("-c", "core.compression=0", "-c", "fastimport.unpackLimit=1", "fast-import", "--quiet", "--depth=0")
_DIFF = (
    "diff-tree", "-r", "-p", "-U0", "--text", "--no-ext-diff", "--no-textconv", "--no-color", "--src-prefix=old/",
    "--dst-prefix=new/",
)  # fmt: skip

Pair = tuple[bytes, bytes]
"""Old text, new text."""


def whole(text: bytes) -> Ranges:
    """Return all lines of a text."""
    lines = text.count(b"\n") + (not text.endswith(b"\n") and text != b"")
    return ((1, lines),) if lines else ()


def changed_lines(pairs: Iterable[Pair], patience: float = _PATIENCE) -> Iterator[Ranges | None]:
    """Yield for each pair the lines of the new text that are new or stand where some were.

    Where lines were only taken out, that is the line before them, or line 1. None: git could not tell in time.
    """
    until = time.monotonic() + patience
    for batch in _batches(pairs):
        found: list[list[tuple[int, int]]] = [[] for _ in batch]
        olds = {number: old for number, (old, _) in enumerate(batch)}
        news = {number: new for number, (_, new) in enumerate(batch)}
        try:
            for _, number, ranges in _differences(olds, news, until - time.monotonic(), "--no-renames"):
                found[number] = ranges
        except GitRefused:
            yield from [None] * len(batch)
        else:
            yield from (_joined(ranges, new) for ranges, (_, new) in zip(found, batch, strict=True))


def alike(olds: Mapping[int, bytes], news: Mapping[int, bytes]) -> dict[int, tuple[int, Ranges]]:
    """Return for new texts that are old ones but for few lines: number -> (number of the old one, changed lines).

    No number may be on both sides. Among more than MOST_ALIKE on a side, or where it takes too long, none is found.
    """
    try:
        found = _differences(olds, news, DEADLINE, "-M50%", f"-l{MOST_ALIKE}", "--diff-filter=R")
    except GitRefused:
        return {}
    return {new: (old, _joined(ranges, news[new])) for old, new, ranges in found}


def _batches(pairs: Iterable[Pair]) -> Iterator[list[Pair]]:
    batch: list[Pair] = []
    size = 0
    for pair in pairs:
        larger = max(map(len, pair))
        if larger > _LARGE:
            # What came before goes first: answers come in the order of the pairs.
            if batch:
                yield batch
            yield [pair]
            batch, size = [], 0
            continue
        if size + larger > MOST_AT_ONCE:
            yield batch
            batch, size = [], 0
        batch.append(pair)
        size += larger
    if batch:
        yield batch


def _differences(
    olds: Mapping[int, bytes], news: Mapping[int, bytes], deadline: float, *options: str
) -> list[tuple[int, int, list[tuple[int, int]]]]:
    """Return (old number, new number, ranges as git gives them) of each pair that git finds. Raises GitRefused."""
    until = time.monotonic() + min(deadline, DEADLINE)
    with OwnRepository() as own:
        own.ask(*_IMPORT, said=_imported(olds, news), deadline=until - time.monotonic())
        output = own.ask(*_DIFF, *options, "refs/old", "refs/new", deadline=until - time.monotonic())
    found: list[tuple[int, int, list[tuple[int, int]]]] = []
    for line in _LINE.finditer(output):
        if line[1] is not None:
            found.append((int(line[1]), int(line[2]), []))
        else:
            first, count = int(line[3]), 1 if line[4] is None else int(line[4])
            found[-1][2].append((max(first, 1), max(first + count - 1, first, 1)))
    return found


def _imported(olds: Mapping[int, bytes], news: Mapping[int, bytes]) -> bytes:
    """Return what fast-import makes two commits of."""
    parts = []
    for side, texts in ((b"old", olds), (b"new", news)):
        parts.append(b"commit refs/%s\ncommitter x <x> 0 +0000\ndata 0\n" % side)
        for number, text in texts.items():
            parts += [b"M 100644 inline %d\ndata %d\n" % (number, len(text)), text, b"\n"]
    return b"".join(parts)


def _joined(ranges: Sequence[tuple[int, int]], text: bytes) -> Ranges:
    """Return ranges as one where they touch or overlap; none for a text without lines."""
    if not text:
        return ()
    runs: list[tuple[int, int]] = []
    for first, last in ranges:
        if runs and first <= runs[-1][1] + 1:
            runs[-1] = (runs[-1][0], max(last, runs[-1][1]))
        else:
            runs.append((first, last))
    return tuple(runs)
