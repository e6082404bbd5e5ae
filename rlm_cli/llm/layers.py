"""What stands around a client: a width limit, a memory. Each layer is a ModelClient around another.

    Remembering(Cached(FallingBack(Retrying(Throttled(Redacting(client))))))
                                        cached.py, fallbacks.py, retrying.py, redacting.py

The throttle is so far in, so that a place is held during the HTTP call only: never while a call waits to be tried
again, and never while a child run works.
"""

import threading
import time
from collections.abc import Callable
from dataclasses import replace

from rlm_cli.errors import CallAbandoned, CallTimedOut, ModelError
from rlm_cli.seams import ModelClient
from rlm_cli.types import Reply, Request, Usage

_LOOK_UP = 3600.0
"""Seconds of one wait: a lock cannot be waited for as long as a user may ask."""


class Remembering:
    """Keeps every reply of the run, truncated ones too: the same prompt under the same cap would be cut again. Not
    those of fresh calls: what is asked several times for a vote is no answer to whoever asks once.

    Equal calls in flight at once are not merged; the engine asks each prompt of a batch once.
    """

    def __init__(self, inner: ModelClient) -> None:
        self._inner = inner
        self._replies: dict[str, Reply] = {}

    def complete(self, request: Request) -> Reply:
        reply = self._inner.complete(request)
        if not request.fresh:
            self._replies[request.key()] = reply
        return reply

    def recall(self, request: Request) -> Reply | None:
        if request.fresh:
            return None
        reply = self._replies.get(request.key())
        if reply is None:
            found = self._inner.recall(request)
            if found is not None:  # what it saved is saved once
                self._replies[request.key()] = found
            return found
        return replace(reply, usage=Usage(cached_calls=1), cached=True)

    def close(self) -> None:
        self._inner.close()


class Throttled:
    """Lets `width` calls through at once. Waiting for a place counts into the request's time."""

    def __init__(self, inner: ModelClient, width: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._inner = inner
        self._width = width
        self._clock = clock
        self._changed = threading.Condition()
        self._inside = 0
        self._closed = False

    def complete(self, request: Request) -> Reply:
        started = self._clock()
        self._enter(request, started + request.timeout)
        try:
            return self._inner.complete(replace(request, timeout=request.timeout - (self._clock() - started)))
        finally:
            with self._changed:
                self._inside -= 1
                self._changed.notify()

    def recall(self, request: Request) -> Reply | None:
        return self._inner.recall(request)

    def close(self) -> None:
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        self._inner.close()

    def _enter(self, request: Request, deadline: float) -> None:
        with self._changed:
            while self._inside >= self._width and not self._closed:
                if (left := deadline - self._clock()) <= 0:
                    raise CallTimedOut(
                        f"{request.spec.model} was not asked: {self._width} other calls took all "
                        f"{request.timeout:.3g} s",
                        "raise `concurrency:` or `timeout:`",
                        usage=Usage(),
                    )
                self._changed.wait(min(left, _LOOK_UP))
            if self._closed:
                raise _over(request)
            self._inside += 1


def _over(request: Request) -> ModelError:
    return CallAbandoned(f"{request.spec.model} was not asked: the run is over", usage=Usage())
