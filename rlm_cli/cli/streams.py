"""The three streams of the process: all there, and an end to each that is no accident.

Knows nothing of what is written. Shells start programs with streams closed (`2>&-`), Python then has None for them and
the next file that is opened gets their number; disks fill up; readers leave early, and terminals go away.
"""

import io
import os
import sys
from typing import Any

from rlm_cli.errors import UsageError


def open_streams() -> None:
    """Put the null device where a stream is closed, and let stdout and stderr end as `_Outlet` says."""
    for descriptor in range(3):
        try:
            os.fstat(descriptor)
        except OSError:
            # The lowest free number, which is this one; children are to have it too.
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)
    if sys.stdin is None:
        sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115 - for as long as the process lives
    # Whoever has put a stream of their own there keeps it.
    if sys.stdout is sys.__stdout__:
        sys.stdout = _text_to(1, "stdout")
    if sys.stderr is sys.__stderr__:
        sys.stderr = _text_to(2, None)


def _text_to(descriptor: int, name: str | None) -> io.TextIOWrapper:
    buffer = io.BufferedWriter(_Outlet(descriptor, name))
    lines = name is None or os.isatty(descriptor)
    return io.TextIOWrapper(buffer, encoding="utf-8", errors="backslashreplace", line_buffering=lines)


class _Outlet(io.FileIO):
    """Writes until the other end takes no more; then nothing is heard of what follows.

    A reader that has left is no failure. Another failure is told once where the stream has a `name` to tell it by;
    stderr has none, as there is no other place to say so.
    """

    def __init__(self, descriptor: int, name: str | None) -> None:
        super().__init__(descriptor, "w", closefd=False)
        self._told_by = name

    def write(self, data: Any) -> int:
        """Write all or a part. Raises UsageError."""
        try:
            return super().write(data)
        except OSError as error:
            null = os.open(os.devnull, os.O_WRONLY)
            os.dup2(null, self.fileno())
            os.close(null)
            if self._told_by is None or isinstance(error, BrokenPipeError):
                return len(data)
            raise UsageError(f"cannot write to {self._told_by}: {error.strerror}") from error
