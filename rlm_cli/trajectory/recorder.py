"""Records a run's events as JSON lines in the user's state folder, readable by the user alone.

A record holds what models said and what code printed, so it is as private as the input. A home that cannot be written
is a warning, never the end of a run.
"""

import os
from pathlib import Path
from typing import BinaryIO

import platformdirs

from rlm_cli.event_lines import write_event
from rlm_cli.events import Event


def runs_folder() -> Path:
    """Return the folder of recorded runs; it need not exist."""
    return Path(platformdirs.user_state_dir("rlm", appauthor=False)) / "runs"


class Recorder:
    """Appends events to one run's file until the run, or the disk, ends."""

    def __init__(self, run_id: str) -> None:
        self.path = runs_folder() / f"{run_id}.jsonl"
        self.warning: str | None = None
        """Why nothing is recorded (any more); None while all is well."""
        self._file: BinaryIO | None = None
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            descriptor = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            # Unbuffered: a line that the disk refuses is known at once, and nothing is left to fail at the end.
            self._file = os.fdopen(descriptor, "wb", buffering=0)
        except OSError as error:
            self._give_up(error)

    def record(self, event: Event) -> None:
        """Append one event; after a failed write nothing more is written."""
        if self._file is None:
            return
        try:
            write_event(event, self._file)
        except OSError as error:
            self._give_up(error)

    def close(self) -> None:
        """Close the file; may be called twice."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def _give_up(self, error: OSError) -> None:
        self.warning = f"the run is not recorded: {self.path}: {error.strerror}"
        self.close()
