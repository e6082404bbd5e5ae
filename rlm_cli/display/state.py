"""The state of a run as a display needs it: a pure fold over its events."""

from dataclasses import dataclass, field, replace

from rlm_cli.events import (
    Event,
    HistoryCompacted,
    IterationStarted,
    ModelReplied,
    RunStarted,
    SubcallFailed,
    SubcallFinished,
    SubcallStarted,
)
from rlm_cli.types import Usage


@dataclass(frozen=True, slots=True)
class State:
    """What has happened so far."""

    root_model: str = ""
    sub_model: str = ""
    max_cost: float | None = None
    timeout: float = 0.0
    iteration: int = 0
    max_iterations: int = 0
    running: int = 0
    """Sub-calls under way."""
    finished: int = 0
    cached: int = 0
    failed: int = 0
    usage: Usage = field(default_factory=Usage)
    at: float = 0.0
    """Seconds since the start, of the latest event."""


def fold(state: State, event: Event) -> State:
    """Return the state after `event`."""
    state = replace(state, at=event.at)
    if isinstance(event, RunStarted) and event.path.depth == 0:
        return replace(
            state,
            root_model=event.root_model,
            sub_model=event.sub_model,
            max_cost=event.limits["max_cost"],
            timeout=float(event.limits["timeout"] or 0),
            max_iterations=int(event.limits["max_iterations"] or 0),
        )
    if isinstance(event, IterationStarted) and event.path.depth == 0:
        return replace(state, iteration=event.number)
    if isinstance(event, SubcallStarted):
        return replace(state, running=state.running + 1)
    if isinstance(event, ModelReplied | SubcallFinished | SubcallFailed | HistoryCompacted):
        state = replace(state, usage=state.usage + event.usage)
    if isinstance(event, SubcallFinished):
        return replace(
            state, running=state.running - 1, finished=state.finished + 1, cached=state.cached + event.cached
        )
    if isinstance(event, SubcallFailed):
        return replace(state, running=state.running - 1, failed=state.failed + 1)
    return state
