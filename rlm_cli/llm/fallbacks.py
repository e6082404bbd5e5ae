"""A model that is overloaded or cannot be reached, and those that stand in for it.

Covered: which model is asked, for how long, and how long one that failed is left alone by all calls. Not covered:
trying the same model again (retrying.py). A refusal, a rejected request and a wrong key are no reason to ask somebody
else: the first two would be answered alike, the last is for the user to mend.
"""

import threading
import time
from collections.abc import Callable
from dataclasses import replace

from rlm_cli.errors import ModelError
from rlm_cli.seams import ModelClient
from rlm_cli.tokens import prompt_tokens
from rlm_cli.types import ModelSpec, Reply, Request, Usage

REST_SECONDS = 60.0
"""How long a model that failed is asked only when all others have failed too."""


class FallingBack:
    """Asks a model's fallbacks, in order, when it has failed for good. A ModelClient around another.

    The request's timeout covers all of them, each for its own `timeout`; where the run has less time left than that, it
    is shared out evenly among the models still to ask, so that one that hangs does not use it all up. `clock` is in
    seconds.
    """

    def __init__(self, inner: ModelClient, clock: Callable[[], float] = time.monotonic) -> None:
        self._inner = inner
        self._clock = clock
        self._rested_at: dict[tuple[str, str | None], float] = {}
        self._lock = threading.Lock()

    def recall(self, request: Request) -> Reply | None:
        return self._inner.recall(request)

    def close(self) -> None:
        self._inner.close()

    def complete(self, request: Request) -> Reply:
        if not request.spec.fallbacks:
            return self._inner.complete(request)
        deadline = self._clock() + request.timeout
        asked = self._in_order(request)
        failures: list[ModelError] = []
        for number, spec in enumerate(asked):
            share = (deadline - self._clock()) / (len(asked) - number)
            try:
                reply = self._inner.complete(replace(request, spec=spec, timeout=min(spec.timeout, share)))
            except ModelError as error:
                failures.append(error)
                another = error.retryable and number < len(asked) - 1
                if not (another and (not error.unknown or request.again())):
                    raise _of_all(failures) from error
                self._rest(spec)
            else:
                stood_in = None if _place(spec) == _place(request.spec) else spec.model
                usage = sum((each.usage for each in failures if each.usage), reply.usage)
                return replace(reply, usage=usage, model=stood_in, lost=reply.lost + _lost(failures))
        raise AssertionError("the last model returns or raises")

    def _in_order(self, request: Request) -> list[ModelSpec]:
        """Return the models whose window takes the request, those that have failed lately last."""
        first, *others = (replace(spec, fallbacks=()) for spec in request.spec.candidates)
        tokens = sum(prompt_tokens(message.text) for message in request.messages)
        fitting = [first, *(spec for spec in others if _takes(spec, tokens))]
        with self._lock:
            now = self._clock()
            resting = [spec for spec in fitting if self._rested_at.get(_place(spec), now) > now]
        return [spec for spec in fitting if spec not in resting] + resting

    def _rest(self, spec: ModelSpec) -> None:
        with self._lock:
            self._rested_at[_place(spec)] = self._clock() + REST_SECONDS


def _place(spec: ModelSpec) -> tuple[str, str | None]:
    return spec.model, spec.api_base


def _takes(spec: ModelSpec, tokens: int) -> bool:
    return spec.context_window is None or tokens + spec.max_output_tokens <= spec.context_window


def _lost(failures: list[ModelError]) -> int:
    return sum(each.lost + each.unknown for each in failures)


def _of_all(failures: list[ModelError]) -> ModelError:
    """Return the last failure, saying that it was not the only one."""
    *earlier, last = failures
    if not earlier:
        return last
    told = type(last)(
        f"{last}; before that {'; '.join(map(str, earlier))}",
        last.hint,
        last.retry_after,
        sum((each.usage for each in failures if each.usage), Usage()) if any(each.usage for each in failures) else None,
    )
    told.lost = _lost(failures) - told.unknown  # whether its last attempt is lost, it says itself
    return told
