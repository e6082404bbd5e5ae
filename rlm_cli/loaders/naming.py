"""The paths of documents: short, never absolute, and no two the same.

Covered: a name in front where several inputs collide, names that only look alike once they can be shown.
Not covered: what a path is relative to (loading.py says).
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from rlm_cli.context import shown_path


@dataclass(frozen=True, slots=True)
class Named:
    """The files of one input."""

    base: str
    """The folder that the paths count from, absolute; "" for a stream, which has none."""
    paths: Sequence[str]


def prefixes(inputs: Sequence[Named]) -> list[str]:
    """Return what to put in front of each input's paths: nothing, or as many of its base's last parts as it takes."""
    if len(inputs) == 1:
        return [""]
    parts = [[part for part in each.base.split("/") if part] for each in inputs]
    depths = [0] * len(inputs)
    while True:
        chosen = [
            "".join(f"{part}/" for part in own[len(own) - depth :]) for own, depth in zip(parts, depths, strict=True)
        ]
        users = defaultdict(set)
        for index, each in enumerate(inputs):
            for path in each.paths:
                users[chosen[index] + path].add(index)
        colliding = {index for those in users.values() if len(those) > 1 for index in those}
        deeper = [index for index in colliding if depths[index] < len(parts[index])]
        if not deeper:
            return chosen
        for index in deeper:
            depths[index] += 1


class Names:
    """Gives out paths, each once."""

    def __init__(self) -> None:
        self._taken: set[str] = set()

    def give(self, path: str) -> str:
        """Return the path as it can be shown; numbered, if another file's came out the same."""
        shown = name = shown_path(path)
        number = 1
        while name in self._taken:
            number += 1
            name = f"{shown} ({number})"
        self._taken.add(name)
        return name


def kind_of(path: str) -> str:
    """Return the lower-case extension without its dot, else `text`."""
    stem, dot, extension = path.rpartition("/")[2].rpartition(".")
    return extension.lower() if stem and dot and extension else "text"
