"""Opens files below one folder, whatever the tree turns into meanwhile.

Covered: no link is followed, in no part of a path; nothing but a regular file is opened; nothing waits for a writer.
Not covered: which files are wanted (listing.py), what is in them (decoding.py).
"""

import errno
import os
import stat
from pathlib import Path

DEEPEST = 128
"""Folders within folders; each holds a descriptor open while its contents are read."""

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC


class Unloadable(Exception):
    """A file that is not loaded; `reason` as in `Skipped`."""

    def __init__(self, reason: str, failed: bool = False) -> None:
        super().__init__(reason)
        self.reason = reason
        self.failed = failed


class Tree:
    """One folder, held open. Paths are relative to it, with `/` between parts; "" is the folder itself."""

    def __init__(self, folder: str) -> None:
        """Open the folder (free of links). Raises OSError."""
        self.folder = folder
        self._open = [os.open(folder, _FOLDER)]
        self._names: list[str] = []
        """Of the folders in `_open` after the first, each inside the one before."""
        self._at = ""
        """The folder that `_open` ends with."""

    def __enter__(self) -> "Tree":
        return self

    def __exit__(self, *_: object) -> None:
        while self._open:
            os.close(self._open.pop())

    def descend(self, path: str) -> int:
        """Return a descriptor of the folder `path`, good until the next call.

        Raises OSError when it is gone or a link, Unloadable when it lies too deep.
        """
        if path == self._at:
            return self._open[-1]
        names = path.split("/") if path else []
        if len(names) > DEEPEST:
            raise Unloadable("nested too deeply", failed=True)
        common = 0
        while common < min(len(names), len(self._names)) and names[common] == self._names[common]:
            common += 1
        while len(self._names) > common:
            self._names.pop()
            os.close(self._open.pop())
        self._at = "/".join(self._names)
        for name in names[common:]:
            self._open.append(os.open(name, _FOLDER, dir_fd=self._open[-1]))
            self._names.append(name)
            self._at = f"{self._at}/{name}" if self._at else name
        return self._open[-1]

    def open(self, path: str, limit: int | None = None) -> int:
        """Return a descriptor of the regular file `path`.

        Raises OSError, and Unloadable for all that is none, or has more than `limit` bytes.
        """
        parent, _, name = path.rpartition("/")
        folder = self.descend(parent)
        # Looked at first, since opening a device can set it off; looked at again, since it may be another file now.
        self._check(os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode, path)
        try:
            descriptor = os.open(name, _FILE, dir_fd=folder)
        except OSError as error:
            if error.errno in (errno.ELOOP, errno.ENXIO):
                raise Unloadable("not a regular file") from None
            raise
        try:
            status = os.fstat(descriptor)
            self._check(status.st_mode, path)
            if limit is not None and status.st_size > limit:
                raise Unloadable("too large")
        except Unloadable:
            os.close(descriptor)
            raise
        return descriptor

    def _check(self, mode: int, path: str) -> None:
        if stat.S_ISREG(mode):
            return
        if stat.S_ISLNK(mode):
            raise Unloadable(self._link(path))
        if stat.S_ISDIR(mode):
            raise Unloadable("submodule")
        raise Unloadable("not a regular file")

    def _link(self, path: str) -> str:
        target = Path(os.path.realpath(f"{self.folder}/{path}"))
        if not target.exists():
            return "broken link"
        return "link" if target.is_relative_to(self.folder) else "link out of the tree"
