"""What has begun and not ended in the stream of child runs, so that each start gets an end when they are abandoned."""

import time
from collections.abc import Generator
from dataclasses import dataclass, field

from rlm_cli.engine.tally import SPENDING
from rlm_cli.events import (
    CallPath,
    CodeFinished,
    CodeStarted,
    Event,
    RunFinished,
    RunStarted,
    SubcallFailed,
    SubcallFinished,
    SubcallStarted,
)
from rlm_cli.results import Status, StopReason
from rlm_cli.types import Usage

_Start = RunStarted | CodeStarted | SubcallStarted
_ENDS = {
    RunFinished: RunStarted,
    CodeFinished: CodeStarted,
    SubcallFinished: SubcallStarted,
    SubcallFailed: SubcallStarted,
}


@dataclass(slots=True)
class OpenEnds:
    """Sees all events of some child runs, in the order in which they are heard."""

    begun: set[CallPath] = field(default_factory=set)
    """The sub-calls that have begun, of whatever depth."""
    _open: dict[tuple[type[Event], CallPath], float] = field(default_factory=dict)
    """(kind of the start, path) -> when it was, the latest last."""
    _used: dict[CallPath, Usage] = field(default_factory=dict)
    """By the runs that are open."""

    def see(self, event: Event) -> None:
        """Note what begins and what ends."""
        if isinstance(event, _Start):
            self._open[type(event), event.path] = time.monotonic()
            if isinstance(event, RunStarted):
                self._used[event.path] = Usage()
            elif isinstance(event, SubcallStarted):
                self.begun.add(event.path)
        elif (start := _ENDS.get(type(event))) is not None:
            self._open.pop((start, event.path), None)
            if start is RunStarted:
                self._used.pop(event.path, None)
        if isinstance(event, SPENDING):
            for path in self._used:
                if event.path.startswith(f"{path}/"):
                    self._used[path] += event.usage

    def close(self, why: str, status: Status, stop_reason: StopReason) -> Generator[Event, None, None]:
        """Yield the ends of all that is open, the innermost first."""
        while self._open:
            (kind, path), since = self._open.popitem()
            seconds = time.monotonic() - since
            if kind is SubcallStarted:
                yield SubcallFailed(path=path, error=f"abandoned: {why}", seconds=seconds, usage=Usage())
            elif kind is CodeStarted:
                yield CodeFinished(path=path, output="", error=why, seconds=seconds)
            else:
                yield RunFinished(
                    path=path, status=status, stop_reason=stop_reason, answer="", usage=self._used[path], error=why
                )
