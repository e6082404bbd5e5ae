"""The lines in which texts differ, by git's diff outside any repository.

Covered: line ranges of the new text, texts that are much alike under two names. The texts lie in temporary folders
under numbers for names, and git is told of no repository, configuration or attributes, of the user's neither: nothing
names a program to it. Not covered: which texts to compare (changes.py).
"""

import os
import re
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from rlm_cli.errors import InputError
from rlm_cli.loaders.git import DEADLINE, GitRefused, run

Ranges = tuple[tuple[int, int], ...]
"""First and last line, from 1, inclusive; ascending and apart."""

MOST_AT_ONCE = 64_000_000
"""Bytes of one call, on either side; one text may be larger."""
_MOST_FILES = 5000
MOST_ALIKE = 400
"""Texts on either side among which git looks for those that are alike: it compares each with each."""
_LINE = re.compile(
    rb"^(?:diff --git old/([0-9]+) new/([0-9]+)$|@@ -[0-9,]+ \+([0-9]+)(?:,([0-9]+))? @@)",
    re.MULTILINE,
)
"""Lines of the texts follow a `+`, a `-` or a `\\`: none can pass for one of these."""


_OPTIONS = ("--no-index", "-U0", "--text", "--no-ext-diff", "--no-textconv", "--no-color", "--no-prefix")


def whole(text: bytes) -> Ranges:
    """Return all lines of a text."""
    lines = text.count(b"\n") + (not text.endswith(b"\n") and text != b"")
    return ((1, lines),) if lines else ()


def changed_lines(pairs: Iterable[tuple[bytes, bytes]]) -> Iterator[Ranges]:
    """Yield for each (old text, new text) the lines of the new one that are new or stand where some were.

    Where lines were only taken out, that is the line before them, or line 1. Raises GitRefused.
    """
    for batch in _batches(pairs):
        found: list[list[tuple[int, int]]] = [[] for _ in batch]
        olds = {number: old for number, (old, _) in enumerate(batch)}
        news = {number: new for number, (_, new) in enumerate(batch)}
        for _, number, ranges in _differences(olds, news, "--no-renames"):
            found[number] = ranges
        yield from (joined(ranges, new) for ranges, (_, new) in zip(found, batch, strict=True))


def alike(olds: Mapping[int, bytes], news: Mapping[int, bytes]) -> dict[int, tuple[int, Ranges]]:
    """Return for new texts that are old ones but for few lines: number -> (number of the old one, changed lines).

    No number may be on both sides. Among more than MOST_ALIKE on a side, nothing is found. Raises GitRefused.
    """
    found = _differences(olds, news, "-M50%", f"-l{MOST_ALIKE}", "--diff-filter=R")
    return {new: (old, joined(ranges, news[new])) for old, new, ranges in found}


def _batches(pairs: Iterable[tuple[bytes, bytes]]) -> Iterator[list[tuple[bytes, bytes]]]:
    batch: list[tuple[bytes, bytes]] = []
    size = 0
    for pair in pairs:
        size += max(map(len, pair))
        if batch and (size > MOST_AT_ONCE or len(batch) >= _MOST_FILES):
            yield batch
            batch, size = [], max(map(len, pair))
        batch.append(pair)
    if batch:
        yield batch


def _differences(
    olds: Mapping[int, bytes], news: Mapping[int, bytes], *options: str
) -> list[tuple[int, int, list[tuple[int, int]]]]:
    """Return (old number, new number, ranges as git gives them) of each pair that git finds."""
    with tempfile.TemporaryDirectory(prefix="rlm-", ignore_cleanup_errors=True) as folder:
        try:
            for side, texts in (("old", olds), ("new", news)):
                Path(folder, side).mkdir()
                for number, text in texts.items():
                    Path(folder, side, str(number)).write_bytes(text)
        except OSError as error:
            raise InputError(
                f"cannot keep texts to compare in temporary files: {error.strerror}",
                "free some space, or point TMPDIR at a folder that has it",
            ) from None
        words = ["git", "--no-pager", "-c", "core.attributesFile=/dev/null", "diff", *_OPTIONS, *options]
        words += ["--", "old", "new"]
        status, output, complaints = run(words, _environment(folder), DEADLINE, folder=folder)
    if status > 1:
        raise GitRefused(complaints.partition("\n")[0] or f"git ended with status {status}")
    found: list[tuple[int, int, list[tuple[int, int]]]] = []
    for line in _LINE.finditer(output):
        if line[1] is not None:
            found.append((int(line[1]), int(line[2]), []))
        else:
            first, count = int(line[3]), 1 if line[4] is None else int(line[4])
            found[-1][2].append((max(first, 1), max(first + count - 1, first, 1)))
    return found


def _environment(folder: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    return kept | {
        "GIT_DIR": "/dev/null",
        "GIT_CEILING_DIRECTORIES": str(Path(folder).parent),
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": "/dev/null",
        "GIT_ATTR_NOSYSTEM": "1",
        "HOME": folder,  # an older git knows no GIT_CONFIG_GLOBAL
        "XDG_CONFIG_HOME": folder,
        "LC_ALL": "C",
    }


def joined(ranges: Sequence[tuple[int, int]], text: bytes) -> Ranges:
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
