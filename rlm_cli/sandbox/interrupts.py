"""The soft end of a cell: the parent's SIGINT becomes an exception inside the running code.

It is raised only while a cell runs, and never in the middle of a frame: there it waits until the exchange is over.
Code that catches it and goes on, or that never comes back from C, is killed from outside.
"""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class CellTimeout(BaseException):
    """The cell's time is over. No Exception, so that `except Exception` does not take it for its own."""


class Interrupts:
    """Decides whether an interrupt may be raised now."""

    def __init__(self) -> None:
        self._running = False
        self._shielded = False
        self._pending = False
        signal.signal(signal.SIGINT, self._arrived)

    @contextmanager
    def allowed(self) -> Iterator[None]:
        """Around a cell: an interrupt may be raised anywhere inside."""
        self._pending = False
        self._running = True
        try:
            yield
        finally:
            self._running = False

    @property
    def askable(self) -> bool:
        """Whether an exchange with the parent may begin: a cell runs, and none is under way."""
        return self._running and not self._shielded

    @contextmanager
    def shielded(self) -> Iterator[None]:
        """Around an exchange with the parent: what arrives inside is raised after it."""
        self._shielded = True
        try:
            yield
        finally:
            self._shielded = False
        if self._pending and self._running:
            self._pending = False
            raise CellTimeout

    def _arrived(self, _number: int, _frame: FrameType | None) -> None:
        if self._shielded:
            self._pending = True
        elif self._running:
            raise CellTimeout
