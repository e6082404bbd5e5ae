"""A line on a terminal that says what takes its time; nothing in a pipe, with `CI` set, or with -q."""

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rlm_cli.cli.terminal import is_terminal

if TYPE_CHECKING:
    from rlm_cli.loaders import Reached


def is_live(quiet: bool) -> bool:
    """Say whether stderr is a terminal that may be drawn on."""
    return not quiet and not os.environ.get("CI") and is_terminal(sys.stderr)


@contextmanager
def waiting(what: str, quiet: bool) -> "Iterator[Callable[[Reached], None]]":
    """Show `what` while something is under way; yields what a load is to be watched with."""
    if not is_live(quiet):
        yield lambda reached: None
        return
    from rich.console import Console

    with Console(stderr=True).status(what, spinner="line", spinner_style="dim") as status:
        yield lambda reached: status.update(
            f"{what}: {reached.files:,} of {reached.all_files:,} files, {reached.bytes / 1e6:,.0f} MB"
        )
