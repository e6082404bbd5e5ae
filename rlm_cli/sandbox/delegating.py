"""rlm_query and rlm_query_batched: a question and a text of its own become a child run of the parent's.

Covered: what may be handed over, and where a text stands in the context, so that evidence leads back to it. They are
closures, as in asking.py.
"""

from collections.abc import Callable
from typing import Any

from rlm_cli.sandbox.asking import Parent, text_of
from rlm_cli.sandbox.protocol import BATCH_LIMIT, PROMPTS_LIMIT
from rlm_cli.sandbox.values import FailedReply, Reply, SubCallError

_Task = tuple[str, str, int | None]


def child_runs(parent: Parent, context: str, show: Callable[[str], None]) -> dict[str, Callable[..., Any]]:
    """Return rlm_query and its batched form; `show` prints a line."""

    def task(question: Any, text: Any, what: str) -> _Task:
        asked = text_of(question, f"the question{what}")
        if text is None:
            raise TypeError(
                f"rlm_query takes a question and the text to ask it about: the context{what} is missing; without a "
                "text of its own use llm_query"
            )
        if not isinstance(text, (str, FailedReply)):
            hint = " (a document's text is its .text; join a list of texts)"
            raise TypeError(f"the context{what} must be a str, not {type(text).__name__!r}{hint}")
        given = text_of(text, f"the context{what}", BATCH_LIMIT)
        for value, name in ((asked, "question"), (given, "context")):
            if not value.strip():
                raise ValueError(f"the {name}{what} is empty")
        place = context.find(given)
        return asked, given, place if place >= 0 else None

    def rlm_query(question: str, context: str | None = None) -> str:
        """Have a child run answer a question about a text; returns its answer, with .evidence and .doubt.

        Raises SubCallError when it does not come to its end; .partial of that is what it had then.
        """
        [reply], _ = parent.delegate([task(question, context, "")], False)
        if isinstance(reply, FailedReply):
            raise SubCallError(reply.error, reply.partial)
        return reply

    def rlm_query_batched(pairs: list[tuple[str, str]]) -> list[Reply | FailedReply]:
        """Have child runs answer (question, context) pairs side by side; returns answers in the order of the pairs.

        One that has failed has .ok False, and .partial.
        """
        if isinstance(pairs, (str, dict)):
            raise TypeError("rlm_query_batched takes a list of (question, context) pairs; for one use rlm_query")
        tasks = []
        for index, pair in enumerate(pairs):
            if index == PROMPTS_LIMIT:
                raise ValueError(f"a batch takes at most {PROMPTS_LIMIT:,} pairs")
            tasks.append(task(*_pair(pair, index), f" of pair {index}"))
        if not tasks:
            return []
        replies, summary = parent.delegate(tasks, True)
        if summary:
            show(summary)
        return replies

    return {"rlm_query": rlm_query, "rlm_query_batched": rlm_query_batched}


def _pair(given: Any, index: int) -> tuple[Any, Any]:
    if isinstance(given, dict):
        missing = [name for name in ("question", "context") if name not in given]
        if missing:
            raise TypeError(f"pair {index} is a dict without {' and '.join(map(repr, missing))}")
        return given["question"], given["context"]
    if isinstance(given, (tuple, list)) and len(given) == 2:
        return given[0], given[1]
    kind = f"{type(given).__name__} of {len(given)}" if isinstance(given, (tuple, list)) else type(given).__name__
    raise TypeError(
        f"rlm_query_batched takes (question, context) pairs, and pair {index} is a {kind}: write "
        "[(question, text) for text in texts]; for prompts without a text of their own use llm_query_batched"
    )
