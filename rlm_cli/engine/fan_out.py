"""Runs jobs side by side and merges their events into one stream.

Each job is a generator of events with a return value, run in a daemon thread; the caller's thread yields what they
yield, in the order in which it arrives. Knows nothing of models or budgets.
"""

import queue
import threading
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from rlm_cli.events import Event

_LOOK_UP = 3600.0
"""Seconds of one wait: a lock cannot be waited for as long as a user may ask."""

T = TypeVar("T")
Job = Callable[[], Generator[Event, None, T]]


@dataclass(frozen=True, slots=True)
class _Done(Generic[T]):
    index: int
    value: T | None
    error: BaseException | None


def fan_out(
    jobs: Sequence[Job[T]], width: int, seconds_left: Callable[[], float]
) -> Generator[Event, None, list[T | None]]:
    """Run `jobs`, at most `width` at once; return their values in order.

    When `seconds_left()` runs out, jobs that are still open are abandoned: their value is None and whatever they do
    later reaches nobody. An exception in a job ends the others likewise and is raised here.
    """
    merged: queue.SimpleQueue[Event | _Done[T]] = queue.SimpleQueue()
    waiting = iter(enumerate(jobs))
    abandoned = threading.Event()
    taking = threading.Lock()

    def work() -> None:
        while not abandoned.is_set():
            with taking:
                index, job = next(waiting, (-1, None))
            if job is None:
                return
            try:
                merged.put(_Done(index, drain(job()), None))
            except BaseException as error:  # noqa: BLE001 - nothing is swallowed: the caller's thread raises it
                merged.put(_Done(index, None, error))

    def drain(stream: Generator[Event, None, T]) -> T:
        while True:
            try:
                merged.put(next(stream))
            except StopIteration as end:
                value: T = end.value
                return value

    for _ in range(min(width, len(jobs))):
        threading.Thread(target=work, name="rlm-call", daemon=True).start()
    values: list[T | None] = [None] * len(jobs)
    open_jobs = len(jobs)
    try:
        while open_jobs:
            try:
                item = merged.get(timeout=min(max(0.0, seconds_left()), _LOOK_UP))
            except queue.Empty:
                if seconds_left() <= 0:
                    break
                continue
            if isinstance(item, _Done):
                if item.error is not None:
                    raise item.error
                values[item.index] = item.value
                open_jobs -= 1
            else:
                yield item
    finally:
        abandoned.set()
    return values
