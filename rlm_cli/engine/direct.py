"""One request that holds the whole text, and one reply that answers it: for a text that a model can read at once.

Covered: what the request holds, and how large it is. No code is run, so no sandbox is opened. Not covered: when this is
the way to answer (strategies.py), what becomes of the reply (answering.py).
"""

from collections.abc import Generator
from dataclasses import replace

from rlm_cli.engine import reading
from rlm_cli.engine.answering import Answering
from rlm_cli.engine.history import History
from rlm_cli.engine.opening import context_loaded
from rlm_cli.engine.shown import reading_rule, shown, whole
from rlm_cli.events import Event
from rlm_cli.results import Status, StopReason
from rlm_cli.task import Task


def answer_directly(answering: Answering) -> Generator[Event, None, tuple[Status, StopReason]]:
    """Answer a run's question by one request."""
    task = answering.task
    yield context_loaded(task.context, answering.path, None)
    return (yield from answering.answer(_history(task)))


def request_tokens(task: Task) -> int:
    """Return the tokens of the whole request, by our own count."""
    return _history(replace(task, strategy="direct")).tokens()


def _history(task: Task) -> History:
    documents = task.context.documents
    rule = [reading_rule(documents), *reading.lacking(task)]
    text = shown(task.context, [whole(each) for each in documents])
    return History(reading.SYSTEM, "\n".join(["# Text", "", *rule, "", text, "", reading.asked(task)]))
