"""Finds recorded runs and reads them back: which there are, what each came to, its events.

A record may end before its run (it was killed, or is still going on) and may be damaged; both are said, neither is
hidden.
"""

import difflib
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from rlm_cli.errors import InputError, UsageError
from rlm_cli.event_lines import read_event, read_events
from rlm_cli.events import ROOT, Event, RunFinished, RunStarted
from rlm_cli.plain_files import open_plain
from rlm_cli.trajectory.beginning import read_beginning
from rlm_cli.trajectory.folders import CALLS, EVENTS, run_folder, run_ids, runs_folder
from rlm_cli.trajectory.recorder import is_locked

_CHUNK = 65_536
_LONGEST = 64_000_000
"""Bytes of a line; no event is near it, and a longer line is not held in memory."""


@dataclass(frozen=True, slots=True)
class Record:
    """What the first and the last lines of a record say."""

    run_id: str
    started: RunStarted | None = None
    finished: RunFinished | None = None
    """None: the run was killed, or is still going on."""
    iterations: int = 0
    damage: str | None = None
    """Why the record cannot be read."""
    running: bool = False
    """It is still going on."""
    question: str = ""


def find_run(prefix: str | None) -> str:
    """Return the id that `prefix` begins, None being the latest run. Raises UsageError."""
    ids = run_ids()
    if not ids:
        raise UsageError(f"no runs recorded yet in {runs_folder()}")
    if prefix is None:
        return ids[0]
    if not prefix:
        raise UsageError("an empty id names no recorded run", "rlm runs list shows which there are")
    found = [each for each in ids if each == prefix] or [each for each in ids if each.startswith(prefix)]
    if len(found) == 1:
        return found[0]
    if found:
        raise UsageError(
            f"{prefix} could be any of {len(found):,} runs", f"type more of it, as in: rlm runs show {found[0]}"
        )
    near = difflib.get_close_matches(prefix, ids, n=1)
    raise UsageError(
        f"no recorded run {prefix}", f"did you mean {near[0]}?" if near else "rlm runs list shows which there are"
    )


def read_run(run_id: str) -> Iterator[Event]:
    """Yield the events of a record. Raises InputError where it cannot be read."""
    path = _path(run_id)
    try:
        with open_plain(path) as file:
            yield _beginning(file)
            yield from read_events(_lines(file), 2)
    except OSError as error:
        raise InputError(f"cannot read the record {path}: {error.strerror}") from error
    except ValueError as error:
        raise InputError(f"the record {path} is damaged: {error}") from error


def is_cut_off(run_id: str) -> bool:
    """Tell whether a record that has begun ends in the middle of a line. Raises InputError where it cannot be read."""
    path = _path(run_id)
    try:
        with open_plain(path) as file:
            file.seek(-1, os.SEEK_END)
            return file.read(1) != b"\n"
    except OSError as error:
        raise InputError(f"cannot read the record {path}: {error.strerror}") from error


def look_up(run_id: str) -> Record:
    """Return what a record's ends say, without reading what lies between them."""
    try:
        with open_plain(_path(run_id)) as file:
            started = _beginning(file)
    except FileNotFoundError as error:
        return _before_its_events(run_id, error)
    except OSError as error:
        return Record(run_id, damage=error.strerror)
    except ValueError as error:
        return Record(run_id, damage=str(error))
    try:
        with open_plain(_path(run_id)) as file:
            finished, iterations = _end_of(file)
    except OSError as error:
        return Record(run_id, started, damage=error.strerror)
    except ValueError as error:
        return Record(run_id, started, damage=f"at its end: {error}")
    running = finished is None and is_locked(run_folder(run_id) / CALLS)
    return Record(run_id, started, finished, iterations, running=running, question=started.question)


def _before_its_events(run_id: str, error: OSError) -> Record:
    """Return what is known of a run that has no event yet, or was killed before the first."""
    try:
        question = read_beginning(run_id).question
    except InputError:
        return Record(run_id, damage=error.strerror)
    return Record(run_id, question=question, running=is_locked(run_folder(run_id) / CALLS))


def _beginning(file: BinaryIO) -> RunStarted:
    """Return the first event of a record. Raises ValueError where that is no run's."""
    started = next(read_events(_lines(file)), None)
    if not isinstance(started, RunStarted):
        raise ValueError("it does not begin as a run does")
    return started


def _end_of(file: BinaryIO) -> tuple[RunFinished | None, int]:
    """Return how the run ended and how many iterations it had."""
    finished: RunFinished | None = None
    for line in _backwards(file):
        event = read_event(line)
        if isinstance(event, RunFinished) and event.path == ROOT:
            finished = event
        elif iteration := re.match(r"0/([1-9]\d*)", event.path):
            return finished, int(iteration[1])
    return finished, 0


def _lines(file: BinaryIO) -> Iterator[bytes]:
    while line := file.readline(_LONGEST + 1):
        _check_length(len(line))
        yield line


def _check_length(length: int) -> None:
    if length > _LONGEST:
        raise ValueError(f"a line of more than {_LONGEST:,} bytes")


def _backwards(file: BinaryIO) -> Iterator[bytes]:
    """Yield the whole lines of a file from its end; one that was cut off there is passed over."""
    position, last = file.seek(0, os.SEEK_END), True
    parts: list[bytes] = []  # of a line whose beginning is still to come, the last one first
    length = 0
    while position:
        start = max(0, position - _CHUNK)
        file.seek(start)
        first, *lines = file.read(position - start).split(b"\n")
        position = start
        if lines:
            parts.append(lines.pop())
            for line in (b"".join(reversed(parts)), *reversed(lines)):
                if not last:
                    yield line
                last = False
            parts, length = [], 0
        parts.append(first)
        length += len(first)
        _check_length(length)
    if parts and not last:
        yield b"".join(reversed(parts))


def _path(run_id: str) -> Path:
    return run_folder(run_id) / EVENTS
