"""Writes the record of a run as it goes on: a line at a time, each whole before the next, and nothing held back.

A record holds what models said and what code printed, so it is as private as the input. A disk that takes no more is a
warning, never the end of a run. While a run goes on, its record is locked: nobody else resumes or removes it.
"""

import errno
import fcntl
import os
import threading
import time
from pathlib import Path
from typing import Any, BinaryIO

from rlm_cli.errors import InputError, UsageError
from rlm_cli.event_lines import write_event
from rlm_cli.events import Event
from rlm_cli.plain_files import open_plain
from rlm_cli.trajectory.beginning import Beginning, write_beginning
from rlm_cli.trajectory.folders import CALLS, EVENTS, RESULT, private_file, run_folder
from rlm_cli.trajectory.past import Past
from rlm_cli.trajectory.sealed_lines import sealed

_LOOKS = 3


class Recorder:
    """The record of one run, open for writing. Any thread may `append`."""

    def __init__(self, run_id: str) -> None:
        self.run_id = run_id
        self.folder = run_folder(run_id)
        self.warning: str | None = None
        """Why nothing is recorded (any more); None while all is well."""
        self._unsaid: str | None = None
        self._lock = threading.Lock()
        self._calls: int | None = None
        self._events: BinaryIO | None = None

    @classmethod
    def begin(cls, beginning: Beginning) -> "Recorder":
        """Open the record of a new run."""
        recorder = cls(beginning.run_id)
        try:
            recorder.folder.mkdir(parents=True, mode=0o700)
            recorder._open(os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        except OSError as error:
            recorder._give_up(error)
        else:
            recorder.begin_with(beginning)
        return recorder

    @classmethod
    def resume(cls, run_id: str) -> tuple["Recorder", Past]:
        """Open the record of a run that has ended, and read what is there. Raises UsageError, InputError."""
        recorder = cls(run_id)
        path = recorder.folder / CALLS
        try:
            recorder._open(os.O_WRONLY | os.O_APPEND)
            past = Past(path)
            assert recorder._calls is not None
            # What was cut off in the middle must not become the beginning of the next line.
            os.ftruncate(recorder._calls, past.end)
        except BlockingIOError as error:
            recorder.close()
            raise UsageError(f"the run {run_id} is still going on") from error
        except OSError as error:
            recorder.close()
            raise InputError(f"cannot go on with the record {path}: {error.strerror}") from error
        return recorder, past

    def begin_with(self, beginning: Beginning) -> None:
        """Write how the run begins, in place of what stood there."""
        try:
            write_beginning(beginning)
        except OSError as error:
            self._give_up(error)

    def append(self, line: dict[str, Any]) -> None:
        """Add a line about a call; after a failed write nothing more is written."""
        content = sealed(line)
        with self._lock:
            if self._calls is None:
                return
            try:
                _write(self._calls, content)
            except OSError as error:
                self._give_up(error)

    def record(self, event: Event) -> None:
        """Add an event; the first one replaces what an earlier sitting has left, whose events come again."""
        with self._lock:
            if self._calls is None:
                return
            try:
                if self._events is None:
                    number = private_file(self.folder / EVENTS, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
                    (self.folder / RESULT).unlink(missing_ok=True)
                    # Unbuffered: a line that the disk refuses is known at once, and nothing is left to fail at the end.
                    self._events = os.fdopen(number, "wb", buffering=0)
                write_event(event, self._events)
            except OSError as error:
                self._give_up(error)

    def keep_result(self, report: str) -> None:
        """Write what the run came to."""
        with self._lock:
            if self._calls is None:
                return
            try:
                with os.fdopen(private_file(self.folder / RESULT, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), "wb") as file:
                    file.write(report.encode())
            except OSError as error:
                self._give_up(error)

    def news(self) -> str | None:
        """Return the warning, once."""
        with self._lock:
            unsaid, self._unsaid = self._unsaid, None
        return unsaid

    def close(self) -> None:
        """Close the files, and with them the lock; may be called twice."""
        with self._lock:
            self._close()

    def _open(self, flags: int) -> None:
        self._calls = private_file(self.folder / CALLS, flags)
        lock(self._calls)

    def _close(self) -> None:
        if self._calls is not None:
            os.close(self._calls)
        if self._events is not None:
            self._events.close()
        self._calls = self._events = None

    def _give_up(self, error: OSError) -> None:
        self.warning = f"the run is not recorded{' any more' if self._events else ''}: {self.folder}: {error.strerror}"
        self._unsaid = self.warning
        self._close()


def lock(descriptor: int) -> None:
    """Lock a file for this process, until it is closed. Raises BlockingIOError where another has."""
    for attempt in range(_LOOKS):
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            if attempt == _LOOKS - 1:
                raise
            time.sleep(0.02)  # it may be someone who only looks whether it is locked
        except OSError as error:
            if error.errno in (errno.ENOLCK, errno.ENOTSUP, errno.ENOSYS):  # a file system without locks
                return
            raise


def is_locked(path: Path) -> bool:
    """Tell whether a run goes on whose calls are written to this file."""
    try:
        with open_plain(path) as file:
            lock(file.fileno())
    except BlockingIOError:
        return True
    except OSError:
        return False  # it is not there, or is none of ours
    return False


def _write(descriptor: int, content: bytes) -> None:
    left = memoryview(content)
    while left:
        left = left[os.write(descriptor, left) :]
