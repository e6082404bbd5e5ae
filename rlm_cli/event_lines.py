"""Events as JSON lines in a file: `--events` and the recorded run are the same format."""

import json
from collections.abc import Iterable, Iterator
from typing import BinaryIO

from rlm_cli.events import Event, event_from


def write_event(event: Event, file: BinaryIO) -> None:
    """Append one line to an unbuffered file. Raises OSError when it takes no more."""
    line = memoryview((json.dumps(event.to_json(), ensure_ascii=True) + "\n").encode())
    while line:
        line = line[file.write(line) :]


def read_events(lines: Iterable[bytes], first: int = 1) -> Iterator[Event]:
    """Yield the events of a file's lines; a last line that was cut off, as by a full disk, is passed over.

    Raises ValueError, naming the line (the first one is number `first`), for what is no event.
    """
    for number, line in enumerate(lines, first):
        if not line.endswith(b"\n"):
            return
        try:
            yield read_event(line)
        except ValueError as error:
            raise ValueError(f"line {number}: {error}") from error


def read_event(line: bytes) -> Event:
    """Return the event of one line. Raises ValueError for what is no event."""
    try:
        return event_from(json.loads(line))
    except RecursionError as error:
        raise ValueError("nested too deeply") from error
