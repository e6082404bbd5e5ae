"""Trying again what may succeed later, and what all calls to one model know together about when.

Covered: how often, how long to wait between, Retry-After, one pace for all calls of a model. Not covered: asking
another model (fallbacks.py), whether a further attempt can be paid for (the budget, by way of `Request.again`).
"""

import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from rlm_cli.errors import CallAbandoned, CallTimedOut, ConnectionLost, ModelError, RateLimited, Unreachable
from rlm_cli.seams import ModelClient
from rlm_cli.types import Reply, Request, Usage

ATTEMPTS = 10
UNHEARD_WAVES = 3
"""For an address that has never answered: a wrong port or a machine without network does not mend itself, and 1.5 s is
enough for a server that is just being restarted."""
ENOUGH_FAILING = 3
"""Different calls that fail with no success between them: then it is the address that fails, not they."""
_FIRST_PAUSE = 0.5
_LONGEST_PAUSE = 30.0
_LEAST = 0.2
"""Seconds that an attempt needs: with less it would end unheard, and count as one that may be billed."""
_FEW = 4
"""Calls that may go ahead at least, when an address is left alone no longer."""
_ANY_WIDTH = 1_000_000
_RAMP = 1.0
"""Seconds without a failure after which twice as many calls may be under way: replies take long, failures seldom do."""
_LOOK_UP = 3600.0
"""Seconds of one wait: a lock cannot be waited for as long as a user may ask."""

Wait = Callable[[threading.Condition, float], object]


@dataclass(slots=True)
class _Address:
    """What all calls to one model at one address know together."""

    heard: bool = False
    """It has answered at least once, if only with an error."""
    open_at: float = 0.0
    """Nothing is sent before this moment: a server that has asked one thread to wait has asked all."""
    out: int = 0
    """Calls under way."""
    width: int = _ANY_WIDTH
    """How many may be when it opens again."""
    failing: set[int] = field(default_factory=set)
    """The calls that have failed since the last success."""
    waves: int = 0
    """Failed with no success between. Calls under way together fail together: one wave, however many they are."""
    wave_out: int = 0
    """Calls under way when the last one broke."""
    wave_over: float = 0.0
    """When the pause after it ends: a failure of a call begun before that is nothing new."""
    error: ModelError | None = None
    """The last failure."""
    calls: int = 0
    """Under way, or waiting for another attempt."""

    def has_room(self, now: float) -> bool:
        return self.out < self.width << min(20, int((now - self.open_at) / _RAMP))


@dataclass(eq=False, slots=True)
class _Trying:
    """One call on its way through its attempts."""

    request: Request
    address: _Address
    deadline: float
    attempts: int = 0
    begun: float = 0.0
    not_before: float = 0.0
    error: ModelError | None = None
    lost: int = 0
    """Attempts whose end nobody knows, the last one left out."""

    @property
    def latest(self) -> float:
        """When an attempt has to begin."""
        return self.deadline - min(_LEAST, self.request.timeout / 2)


class Retrying:
    """Tries again what may succeed later, up to 10 times, within the request's timeout in all.

    Each call waits longer from failure to failure. What is learnt of an address is shared: when a server asks to wait
    (429, Retry-After), or several calls fail with no success between them, all wait. Then a quarter of the calls that
    were under way go ahead, and the more the longer nothing fails; if they fail as well, a few of them after twice the
    pause, and so on. `clock` is in seconds, `wait` waits for a condition so many, `chance` returns 0 to 1; tests bring
    theirs.
    """

    def __init__(
        self,
        inner: ModelClient,
        clock: Callable[[], float] = time.monotonic,
        wait: Wait = threading.Condition.wait,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._inner = inner
        self._clock = clock
        self._wait = wait
        self._chance = chance
        self._addresses: dict[tuple[str, str | None], _Address] = {}
        self._changed = threading.Condition()
        self._closed = False

    def recall(self, request: Request) -> Reply | None:
        return self._inner.recall(request)

    def close(self) -> None:
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        self._inner.close()

    def complete(self, request: Request) -> Reply:
        address = self._address(request)
        trying = _Trying(request, address, self._clock() + request.timeout)
        try:
            while True:
                self._begin(trying)
                try:
                    reply = self._inner.complete(replace(request, timeout=trying.deadline - self._clock()))
                except ModelError as error:
                    self._note(trying, error)
                    another = error.retryable and trying.attempts < ATTEMPTS
                    if not (another and (not error.unknown or request.again())):
                        raise _given_up(trying, error) from error
                else:
                    self._note(trying, None)
                    return replace(reply, lost=reply.lost + trying.lost)
        finally:
            with self._changed:
                address.calls -= 1

    def _address(self, request: Request) -> _Address:
        with self._changed:
            place = request.spec.model, request.spec.api_base
            address = self._addresses.setdefault(place, _Address())
            if not address.heard and not address.calls:  # nobody knows anything that would hold for later calls
                address = self._addresses[place] = _Address()
            address.calls += 1
            return address

    def _begin(self, trying: _Trying) -> None:
        """Wait until an attempt may be made; raises a ModelError when that is never."""
        address = trying.address
        with self._changed:
            while not self._closed:
                now = self._clock()
                opens = max(address.open_at, trying.not_before)
                hopeless = not address.heard and address.waves >= UNHEARD_WAVES
                if hopeless or max(now, opens) >= trying.latest:
                    error = trying.error or _unsent(trying, now)
                    raise _given_up(trying, error) from address.error
                if now >= opens and address.has_room(now):
                    address.out += 1
                    trying.lost += trying.error is not None and trying.error.unknown
                    trying.attempts, trying.begun = trying.attempts + 1, now
                    return
                until = opens if opens > now else min(now + _RAMP, trying.latest)
                self._wait(self._changed, min(until - now, _LOOK_UP))
            raise _over(trying.request)

    def _note(self, trying: _Trying, error: ModelError | None) -> None:
        """Note how an attempt ended, for this call and for all."""
        address = trying.address
        with self._changed:
            trying.error = error
            address.heard |= not isinstance(error, Unreachable | CallTimedOut) or isinstance(error, ConnectionLost)
            if error is None:
                address.failing.clear()
                address.width += 1
                address.waves = 0
            elif error.retryable and error.usage is None:  # with one it was never sent, and tells nothing
                self._slow_down(trying, error)
            address.out -= 1
            self._changed.notify_all()

    def _slow_down(self, trying: _Trying, error: ModelError) -> None:
        address, now = trying.address, self._clock()
        address.error = error
        address.failing.add(id(trying))
        if trying.begun >= address.wave_over:
            address.waves += 1
            address.wave_out = address.out
            address.wave_over = now + self._pause(address.waves, error, trying.deadline - now)
        else:  # while others succeed, a call that fails again and again is not held up long for it
            number = min(trying.attempts, address.waves + 1)
            trying.not_before = now + self._pause(number, error, trying.deadline - now)
        trying.not_before = max(trying.not_before, address.wave_over)
        if _asks_to_wait(error) or len(address.failing) >= ENOUGH_FAILING:
            address.open_at = max(address.open_at, address.wave_over)
            address.width = min(address.width, max(_FEW, address.wave_out // 4))
        if error.retry_after is not None:
            address.open_at = max(address.open_at, trying.not_before)

    def _pause(self, number: int, error: ModelError, left: float) -> float:
        """Return the seconds after the failure of that number: never so many that no time is left to try again."""
        if error.retry_after is not None:
            return max(error.retry_after, _FIRST_PAUSE)
        pause = min(_LONGEST_PAUSE, _FIRST_PAUSE * 2.0 ** (number - 1)) * (0.5 + 0.5 * self._chance())
        return min(pause, max(_FIRST_PAUSE, left / 2))


def _unsent(trying: _Trying, now: float) -> ModelError:
    """Return what a call ends in that was never sent."""
    model, address = trying.request.spec.model, trying.address
    failing = address.error if address.waves else None
    if failing is not None and not _asks_to_wait(failing):
        return type(failing)(str(failing), failing.hint, usage=Usage())  # what all others failed with
    if now >= trying.latest:
        return CallTimedOut(f"no time was left to ask {model}", "raise `--timeout`", usage=Usage())
    return RateLimited(
        f"{model} asks to wait longer than the {trying.request.timeout:.3g} s that this call has",
        "lower `concurrency:`, or raise `timeout:`",
        usage=Usage(),
    )


def _asks_to_wait(error: ModelError) -> bool:
    return isinstance(error, RateLimited) or error.retry_after is not None


def _over(request: Request) -> ModelError:
    return CallAbandoned(f"{request.spec.model} was not asked: the run is over", usage=Usage())


def _given_up(trying: _Trying, error: ModelError) -> ModelError:
    """Return the error with what was tried, where that was more than once."""
    if trying.attempts < 2:
        return error
    # Without the time they took, so that equal failures can be counted together.
    told = type(error)(f"{error} (after {trying.attempts} attempts)", error.hint, error.retry_after, error.usage)
    told.lost = trying.lost
    return told
