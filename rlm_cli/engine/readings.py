"""The ways to answer that need no session: by strategy."""

from collections.abc import Callable, Generator, Mapping

from rlm_cli.engine.answering import Answering
from rlm_cli.engine.direct import answer_directly
from rlm_cli.engine.map_reduce import answer_from_notes
from rlm_cli.events import Event
from rlm_cli.results import Status, StopReason

READINGS: Mapping[str, Callable[[Answering], Generator[Event, None, tuple[Status, StopReason]]]] = {
    "direct": answer_directly,
    "map-reduce": answer_from_notes,
}
