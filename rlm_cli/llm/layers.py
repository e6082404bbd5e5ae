"""What stands around a client: trying again, a width limit, a memory. Each layer is a ModelClient around another.

    Remembering(Cached(FallingBack(Retrying(Throttled(client)))))     Cached: cached.py, FallingBack: fallbacks.py

The throttle is innermost, so that a place is held during the HTTP call only: never while a call waits to be tried
again, and never while a child run works.
"""

import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from rlm_cli.errors import CallTimedOut, ConnectionLost, ModelError, RateLimited, Unreachable
from rlm_cli.seams import ModelClient
from rlm_cli.types import Reply, Request, Usage

ATTEMPTS = 10
ATTEMPTS_UNHEARD = 3
"""For an address that has never answered: a wrong port or a machine without network does not mend itself, and 1.5 s is
enough for a server that is just being restarted."""
_FIRST_PAUSE = 0.5
_LONGEST_PAUSE = 30.0
_SPREAD = 1.0
"""Seconds over which threads that waited for the same moment start again."""


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


class Throttled:
    """Lets `width` calls through at once. Waiting for a place counts into the request's time."""

    def __init__(self, inner: ModelClient, width: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._inner = inner
        self._width = width
        self._clock = clock
        self._places = threading.BoundedSemaphore(width)

    def complete(self, request: Request) -> Reply:
        started = self._clock()
        if not self._places.acquire(timeout=max(0.0, request.timeout)):
            raise CallTimedOut(
                f"{request.spec.model} was not asked: {self._width} other calls took all {request.timeout:.3g} s",
                "raise `concurrency:` or `timeout:`",
                usage=Usage(),
            )
        try:
            return self._inner.complete(replace(request, timeout=request.timeout - (self._clock() - started)))
        finally:
            self._places.release()

    def recall(self, request: Request) -> Reply | None:
        return self._inner.recall(request)


@dataclass(slots=True)
class _Address:
    """What all calls to one model at one address know together."""

    heard: bool = False
    """It has answered at least once, if only with an error."""
    open_at: float = 0.0
    """Nothing is sent before this moment: a server that has asked one thread to wait has asked all."""
    lock: threading.Lock = field(default_factory=threading.Lock)


class Retrying:
    """Tries again what may succeed later, up to 10 times, within the request's timeout in all.

    Retry-After is obeyed, and shared by all threads that call the same model. `clock` and `sleep` are in seconds,
    `chance` returns 0 to 1; tests bring their own.
    """

    def __init__(
        self,
        inner: ModelClient,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._inner = inner
        self._clock = clock
        self._sleep = sleep
        self._chance = chance
        self._addresses: dict[tuple[str, str | None], _Address] = {}
        self._lock = threading.Lock()

    def recall(self, request: Request) -> Reply | None:
        return self._inner.recall(request)

    def complete(self, request: Request) -> Reply:
        address = self._address(request)
        started = self._clock()
        deadline = started + request.timeout
        error: ModelError | None = None
        lost = 0
        for attempt in range(1, ATTEMPTS + 1):
            if not self._wait(address, deadline):
                raise _given_up(error or self._no_time(request, address), attempt - 1, lost)
            try:
                reply = self._inner.complete(replace(request, timeout=deadline - self._clock()))
            except ModelError as failed:
                error = failed
                unheard = isinstance(failed, Unreachable | CallTimedOut) and not isinstance(failed, ConnectionLost)
                address.heard |= not unheard
                pause = self._pause(failed, attempt)
                shared = isinstance(failed, RateLimited) or failed.retry_after is not None
                if shared:  # even if this call gives up: the others have been asked too
                    with address.lock:
                        address.open_at = max(address.open_at, self._clock() + pause)
                worth_it = self._worth_another(failed, attempt, pause, address, deadline)
                if not (worth_it and (failed.outcome_known or request.again())):
                    raise _given_up(failed, attempt, lost) from failed
                lost += not failed.outcome_known
                if not shared:
                    self._sleep(pause)
            else:
                address.heard = True
                return replace(reply, lost=lost)
        raise AssertionError("the last attempt returns or raises")

    def _address(self, request: Request) -> _Address:
        with self._lock:
            return self._addresses.setdefault((request.spec.model, request.spec.api_base), _Address())

    def _wait(self, address: _Address, deadline: float) -> bool:
        """Wait until the address may be called; say whether that is before the deadline."""
        waited = False
        while True:
            with address.lock:
                left = address.open_at - self._clock()
            if left <= 0:
                break
            if address.open_at >= deadline:
                return False
            waited = True
            self._sleep(left)
        if waited:  # not all at the same moment again
            self._sleep(max(0.0, min(self._chance() * _SPREAD, deadline - self._clock() - _SPREAD)))
        return self._clock() < deadline

    def _pause(self, error: ModelError, attempt: int) -> float:
        if error.retry_after is not None:
            return max(error.retry_after, _FIRST_PAUSE)
        return float(min(_LONGEST_PAUSE, _FIRST_PAUSE * 2 ** (attempt - 1)) * (0.5 + 0.5 * self._chance()))

    def _worth_another(self, error: ModelError, attempt: int, pause: float, address: _Address, deadline: float) -> bool:
        most = ATTEMPTS if address.heard or not isinstance(error, Unreachable) else ATTEMPTS_UNHEARD
        return error.retryable and attempt < most and self._clock() + pause < deadline

    def _no_time(self, request: Request, address: _Address) -> ModelError:
        if address.open_at > self._clock():
            return RateLimited(
                f"{request.spec.model} asks to wait longer than the {request.timeout:.3g} s that this call has",
                "lower `concurrency:`, or raise `timeout:`",
                usage=Usage(),
            )
        return CallTimedOut(f"no time was left to ask {request.spec.model}", "raise `--timeout`", usage=Usage())


def _given_up(error: ModelError, attempts: int, lost: int) -> ModelError:
    """Return the error with what was tried, where that was more than once."""
    if attempts < 2:
        return error
    # Without the time they took, so that equal failures can be counted together.
    told = type(error)(f"{error} (after {attempts} attempts)", error.hint, error.retry_after, error.usage)
    told.lost = lost
    return told
