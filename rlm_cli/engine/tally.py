"""What events say was used, added up where they pass; and counted only once they have been heard.

A run that is abandoned goes on in its thread until it notices, and nobody hears its events any more: what they say must
then not be in the account, or account and events would disagree. A stream that nobody hears is closed.
"""

from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from typing import TypeVar

from rlm_cli.events import Event, HistoryCompacted, ModelReplied, SubcallFailed, SubcallFinished
from rlm_cli.types import Usage

SPENDING = ModelReplied | SubcallFinished | SubcallFailed | HistoryCompacted

T = TypeVar("T")


def counted(event: Event, count: Callable[[bool], None]) -> Generator[Event, None, None]:
    """Yield an event, then `count` it: True where it was heard."""
    heard = True
    try:
        yield event
    except GeneratorExit:
        heard = False
        raise
    finally:
        count(heard)


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
