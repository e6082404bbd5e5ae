"""A run that is killed with SIGKILL at some moment and resumed: what is asked twice, and is the answer the same?"""

import os
import signal
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from support.command import Ran
from support.openai_server import Scripted
from support.quick_start import QuickStart, until
from support.sittings import Sittings, answered, cell

WIDTH = 8
ROOT: list[str | Scripted] = [
    cell("first = llm_query_batched([f'first {n}' for n in range(24)])\nprint(len(first), budget())"),
    cell("second = [llm_query(f'second {n}') for n in range(4)]\nprint(second)"),
    cell("third = llm_query_batched([f'third {n}' for n in range(24)])\nprint(len(third))"),
    cell("FINAL('; '.join([*first, *second, *third]), evidence=[('input.txt', 'pays 500')])"),
]
REQUESTS = 4 + 24 + 4 + 24


def sub(prompt: str) -> Scripted:
    return Scripted(f"re {prompt}", delay=0.01)


def sittings(folder: Path, **limits: Any) -> Sittings:
    return Sittings(folder, ROOT, sub, concurrency=WIDTH, **limits)


@dataclass(frozen=True, slots=True)
class Killed:
    """What became of a run that was killed after so many requests."""

    ended_first: bool
    """It was over before it could be killed."""
    on_record: int
    """Requests whose reply was on record when the run was dead."""
    asked_before: int
    """Requests at the server by then."""
    repeated: int
    """Requests whose reply was on record and that were made again all the same."""
    asked_again: int
    """Requests that had been made, without a reply on record, and were made again."""
    resumed: Ran


def kill_and_resume(run: Sittings, quick: QuickStart, folder: Path, requests: int, pause: float) -> Killed:
    """Kill a run `pause` seconds after the server has had so many requests; resume it."""
    run.server.forget()
    process = quick.start(
        ["analyze", str(run.input), "who pays?", "-p", run.profile, "--no-cache", "-q"], folder / "out", folder / "err"
    )
    until(lambda: len(run.server.requests) >= requests)
    time.sleep(pause)
    os.kill(process, signal.SIGKILL)
    code = quick.wait()
    before = run.asked()
    record = run.record().read_bytes()
    had = answered(record)
    run.server.forget()
    resumed = run.resume(run.run_id, "-q")
    again = run.asked()
    return Killed(
        ended_first=code != -signal.SIGKILL,
        on_record=len(had),
        asked_before=before.total(),
        repeated=sum(count for asked, count in again.items() if asked in had),
        asked_again=sum(count for asked, count in again.items() if asked in before and asked not in had),
        resumed=resumed,
    )
