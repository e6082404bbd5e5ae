"""What has been found in a folder."""

import os
from dataclasses import dataclass, field

from rlm_cli.loaders.tree import Unloadable


@dataclass(slots=True)
class Listing:
    """What was found; all paths relative to the folder."""

    files: list[str] = field(default_factory=list)
    """In the byte order of their parts."""
    skipped: dict[str, Unloadable] = field(default_factory=dict)
    """A skipped folder counts as one and ends in `/`."""
    warnings: list[str] = field(default_factory=list)
    listed_by_git: bool = False
    """What is listed and not there has been deleted, not lost."""


def order(path: str) -> bytes:
    """Return what paths are sorted by: the bytes of their parts."""
    return os.fsencode(path).replace(b"/", b"\0")
