"""What events say was used, added up where they pass; and counted only once they have been heard.

A run that is abandoned goes on in its thread until it notices, and nobody hears its events any more: what they say must
then not be in the account, or account and events would disagree. A stream that nobody hears is closed. An event comes
through several threads until it is heard; whoever hears it counts it at once, before anything else can happen.
"""

from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from threading import Lock, local
from typing import TypeVar

from rlm_cli.events import Event, HistoryCompacted, ModelReplied, SubcallFailed, SubcallFinished
from rlm_cli.types import Usage

SPENDING = ModelReplied | SubcallFinished | SubcallFailed | HistoryCompacted

T = TypeVar("T")


class Once:
    """A count that is made once, by whoever comes first."""

    def __init__(self, count: Callable[[bool], None]) -> None:
        self._count: Callable[[bool], None] | None = count
        self._lock = Lock()

    def __call__(self, heard: bool) -> None:
        with self._lock:
            count, self._count = self._count, None
        if count is not None:
            count(heard)


class _Waiting(local):
    count: Once | None = None


_waiting = _Waiting()
"""Of the event that this thread hands on."""


def count_waiting() -> Once | None:
    """Return the count that waits for the event which has just come, and take it over."""
    count, _waiting.count = _waiting.count, None
    return count


def counted(event: Event, count: Callable[[bool], None] | None) -> Generator[Event, None, None]:
    """Yield an event, and `count` it: True as soon as it is heard, False when it never will be."""
    once = _waiting.count = count if count is None or isinstance(count, Once) else Once(count)
    heard = True
    try:
        yield event
    except GeneratorExit:
        heard = False
        raise
    finally:
        if once is not None:
            once(heard)


def watched(stream: Generator[Event, None, T], watch: Callable[[Event], None]) -> Generator[Event, None, T]:
    """Pass a stream on, and what is thrown into it; `watch` sees each event before it goes on."""
    step = stream.__next__
    while True:
        try:
            event = step()
        except StopIteration as end:
            value: T = end.value
            return value
        watch(event)
        try:
            yield event
        except GeneratorExit:
            stream.close()
            raise
        except BaseException as thrown:  # noqa: BLE001 - it is handed on, not handled
            step = _throwing(stream, thrown)
        else:
            step = stream.__next__


def _throwing(stream: Generator[Event, None, T], thrown: BaseException) -> Callable[[], Event]:
    return lambda: stream.throw(thrown)


@dataclass(slots=True)
class Tally:
    """The sum of what has passed."""

    usage: Usage = field(default_factory=Usage)

    def of(self, stream: Generator[Event, None, T]) -> Generator[Event, None, T]:
        """Pass a stream on, and add up what it says."""
        return watched(stream, self._add)

    def _add(self, event: Event) -> None:
        if isinstance(event, SPENDING):
            self.usage += event.usage
