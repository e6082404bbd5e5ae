"""What a person asks of the cache: what it holds, and to be rid of it.

Raises CacheFailed for what is wrong with the file, OSError where it is not this user's.
"""

import contextlib
from pathlib import Path

from rlm_cli.llm.cache_file import CacheFile, Contents
from rlm_cli.llm.cache_place import PATIENCE, CacheFailed, check_file, remove, remove_leftovers


def look(path: Path) -> Contents | None:
    """Return what the file holds; None where there is none. Nothing is begun, and nothing put aside."""
    if check_file(path) is None:
        return None
    with contextlib.closing(CacheFile(path)) as file:
        return file.contents(path)


def clear(path: Path, older_than: float | None = None, patience: float = PATIENCE) -> int | None:
    """Remove all replies, or those stored more than `older_than` seconds ago; return how many there were.

    A file that cannot be read is removed whole, unless only a part was meant: -1. None where there is no file.
    """
    if check_file(path) is None:
        remove_leftovers(path)
        return None
    try:
        with contextlib.closing(CacheFile(path, patience=patience)) as file:
            removed = file.clear(older_than)
            if older_than is None:
                remove_leftovers(path)
            _shrink(file)
            return removed
    except CacheFailed as failed:
        if older_than is not None or failed.busy:
            raise
    remove(path)
    return -1


def _shrink(file: CacheFile) -> None:
    try:
        file.shrink()
    except CacheFailed as failed:
        why = f"the replies are removed, but their space could not be given back to the disk: {failed}"
        raise CacheFailed(why, busy=True) from failed
