"""Runs jobs side by side and merges their events into one stream.

Each job is a generator of events with a return value, run in a daemon thread; the caller's thread yields what they
yield, in the order in which it arrives. Knows nothing of models or budgets.
"""

import queue
import threading
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from rlm_cli.engine.tally import Once, count_waiting, counted
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


@dataclass(eq=False, slots=True)
class _Told:
    event: Event
    count: Once | None
    heard: bool = False


def fan_out(
    jobs: Sequence[Job[T]], width: int, seconds_left: Callable[[], float], in_step: bool = False
) -> Generator[Event, None, list[T | None]]:
    """Run `jobs`, at most `width` at once; return their values in order.

    When `seconds_left()` runs out, jobs that are still open are abandoned: they are not resumed, their value is None,
    and nothing of theirs arrives after what has been yielded here. An exception in a job ends the others likewise and
    is raised here; so does one that is thrown in.

    `in_step`: a job goes on only when its event has been heard, all the way up; one whose event nobody hears any more
    is closed. So what a job does after an event is done only for events that were heard.
    """
    merged: queue.SimpleQueue[_Told | _Done[T]] = queue.SimpleQueue()
    waiting = iter(enumerate(jobs))
    lock = threading.Condition()
    abandoned = False

    def take() -> tuple[int, Job[T]] | None:
        with lock:
            return None if abandoned else next(waiting, None)

    def put(item: _Told | _Done[T]) -> bool:
        """Hand an item over; False: nobody listens any more, so stop."""
        with lock:
            if abandoned:
                return False
            merged.put(item)
            if not in_step or isinstance(item, _Done):
                return True
            lock.wait_for(lambda: item.heard or abandoned)
            return item.heard

    def tell(item: _Told) -> Generator[Event, None, None]:
        heard = True
        try:
            yield from counted(item.event, item.count)
        except GeneratorExit:
            heard = False
            raise
        finally:
            with lock:
                item.heard = heard
                lock.notify_all()

    def work() -> None:
        while (taken := take()) is not None:
            index, job = taken
            try:
                stream = job()
                while put(_Told(next(stream), count_waiting())):
                    pass
                stream.close()
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
                yield from tell(item)
    finally:
        with lock:
            abandoned = True
            lock.notify_all()
    return values
