"""Where replies of earlier runs lie, and that nobody else can read them.

Covered: the folder, and what may lie where the file and its companions belong: ours, plain, private, or not used. Not
covered: what is in the file (cache_file.py). A file that is there is looked at by its name and never opened: closing it
would drop the locks that SQLite holds on it for this process.
"""

import errno
import os
import stat
from pathlib import Path
from typing import Literal

import platformdirs

COMPANIONS = ("-wal", "-shm")
"""What SQLite puts beside its file, with the same rights as that."""
ASIDE = ".damaged"
CAP = 500_000_000
"""Bytes of the file, about; its log takes a few million more."""

PATIENCE = 5.0
"""Seconds to wait for another process that is writing."""

Scope = Literal["reply", "file", "access"]


class CacheFailed(Exception):
    """Something is wrong with one reply, with the whole file, or with the way to it."""

    def __init__(self, reason: str, scope: Scope = "access", inode: int = 0, busy: bool = False) -> None:
        """`inode`: of the file in which it was found, where one was; `busy`: another process has it."""
        super().__init__(reason)
        self.scope = scope
        self.inode = inode
        self.busy = busy


def cache_folder() -> Path:
    """Return the folder; it need not exist."""
    return Path(platformdirs.user_cache_dir("rlm", appauthor=False))


def cache_path() -> Path:
    """Return the file of replies; it need not exist."""
    return cache_folder() / "replies.sqlite3"


def beside(path: Path, suffix: str) -> Path:
    return path.with_name(path.name + suffix)


def make_folder(path: Path) -> None:
    """Make the file's folder, private. Raises OSError, also where it is somebody else's."""
    folder = path.parent
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    found = folder.stat()
    _check_owner(found, folder)
    if found.st_mode & 0o077:
        folder.chmod(0o700)


def check_file(path: Path) -> int | None:
    """Make what lies there private, and return the file's inode; None where there is no file.

    Raises OSError for what is no plain file of this user's.
    """
    inode = None
    for each in (path, *(beside(path, suffix) for suffix in COMPANIONS)):
        try:
            found = each.lstat()
        except FileNotFoundError:
            continue
        if stat.S_ISLNK(found.st_mode):
            raise OSError(errno.ELOOP, f"{each.name} is a link")
        if not stat.S_ISREG(found.st_mode):
            raise OSError(errno.EINVAL, f"{each.name} is not a regular file")
        _check_owner(found, each)
        # The companions have the rights that the file had when they were made, which may have been less.
        mode = stat.S_IMODE(found.st_mode)
        if mode & 0o077 or (each != path and mode != 0o600):
            each.chmod(0o600)
        if each == path:
            inode = found.st_ino
    return inode


def put_aside(path: Path, inode: int) -> None:
    """Take a damaged file out of the way, if it is still that file. Raises OSError.

    Its companions first: a new file would take an old log for its own.
    """
    if check_file(path) != inode:
        return  # another process has begun a new one
    for suffix in COMPANIONS:
        beside(path, suffix).unlink(missing_ok=True)
    path.replace(beside(path, ASIDE))


def remove(path: Path) -> None:
    """Remove the file and all that belongs to it. Raises OSError, also for what is not this user's."""
    check_file(path)
    for suffix in (*COMPANIONS, ""):
        beside(path, suffix).unlink(missing_ok=True)
    remove_leftovers(path)


def remove_leftovers(path: Path) -> None:
    """Remove what was put aside, and what a process that was killed had begun. Raises OSError."""
    for each in (beside(path, ASIDE), *path.parent.glob(f"{path.name}.*.new*")):
        each.unlink(missing_ok=True)


def _check_owner(found: os.stat_result, path: Path) -> None:
    if found.st_uid != os.geteuid():
        raise OSError(errno.EPERM, f"{path.name} belongs to another user")
