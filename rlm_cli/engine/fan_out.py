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

    When `seconds_left()` runs out, jobs that are still open are abandoned: they are not resumed, their value is None,
    and nothing of theirs arrives after what has been yielded here. An exception in a job ends the others likewise and
    is raised here; so does one that is thrown in.
    """
    merged: queue.SimpleQueue[Event | _Done[T]] = queue.SimpleQueue()
    waiting = iter(enumerate(jobs))
    lock = threading.Lock()
    abandoned = False

    def take() -> tuple[int, Job[T]] | None:
        with lock:
            return None if abandoned else next(waiting, None)

    def put(item: Event | _Done[T]) -> bool:
        """Hand an item over; False: nobody listens any more, so stop."""
        with lock:
            if not abandoned:
                merged.put(item)
            return not abandoned

    def work() -> None:
        while (taken := take()) is not None:
            index, job = taken
            try:
                stream = job()
                while put(next(stream)):
                    pass
                return
            except StopIteration as end:
                put(_Done(index, end.value, None))
            except BaseException as error:  # noqa: BLE001 - nothing is swallowed: the caller's thread raises it
                put(_Done(index, None, error))

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
        with lock:
            abandoned = True
    return values
