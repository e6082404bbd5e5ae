"""Where recorded runs lie: one folder a run in the user's state folder, for their owner's eyes alone.

runs/ID/run.json       what was asked, and of whom: written first, at once
runs/ID/events.jsonl   the events, as --events writes them
runs/ID/calls.jsonl    every request and reply, and what else a resumed run has to find again (journal.py)
runs/ID/result.json    what it came to, as -f json prints it
"""

import errno
import os
import re
import stat
from pathlib import Path

import platformdirs

from rlm_cli.errors import InputError

BEGINNING, EVENTS, CALLS, RESULT = "run.json", "events.jsonl", "calls.jsonl", "result.json"
FILES = (BEGINNING, EVENTS, CALLS, RESULT)
DRAFT = "run.new"
"""Of the first, until it is whole."""
_ID = re.compile(r"\d{8}-\d{6}-[0-9a-f]+")
"""Other things may lie in the folder; they are no records."""


def runs_folder() -> Path:
    """Return the folder of recorded runs; it need not exist."""
    return Path(platformdirs.user_state_dir("rlm", appauthor=False)) / "runs"


def run_folder(run_id: str) -> Path:
    """Return the folder of one run; it need not exist."""
    return runs_folder() / run_id


def run_ids() -> list[str]:
    """Return the ids of all recorded runs, the newest first: an id begins with the time. Raises InputError."""
    try:
        with os.scandir(runs_folder()) as entries:
            found = [each.name for each in entries if _ID.fullmatch(each.name) and each.is_dir(follow_symlinks=False)]
    except FileNotFoundError:
        return []
    except OSError as error:
        raise InputError(f"cannot read the recorded runs: {runs_folder()}: {error.strerror}") from error
    return sorted(found, reverse=True)


def private_file(path: Path, flags: int) -> int:
    """Open a file of a record for its owner alone; a link or a pipe in its place is refused. Raises OSError."""
    # Non-blocking: opening a pipe would wait for its other end.
    number = os.open(path, flags | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, 0o600)
    if not stat.S_ISREG(os.fstat(number).st_mode):
        os.close(number)
        raise OSError(errno.EINVAL, "it is not a regular file")
    return number
