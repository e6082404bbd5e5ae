"""Events as JSON lines in a file: `--events` and the recorded run are the same format."""

import json
from typing import BinaryIO

from rlm_cli.events import Event


def write_event(event: Event, file: BinaryIO) -> None:
    """Append one line to an unbuffered file. Raises OSError when it takes no more."""
    line = memoryview((json.dumps(event.to_json(), ensure_ascii=True) + "\n").encode())
    while line:
        line = line[file.write(line) :]
