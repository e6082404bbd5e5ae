"""The one account of a run, for every call of every depth: the only code that says no.

`admit` reserves the worst case of a call, `settle` replaces it by the truth; between the two the money is spoken for,
so that calls side by side cannot overdraw together. An amount for the last word is kept back throughout. Knows nothing
of models or events; the engine asks it before each call and tells it after.
"""

import math
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from rlm_cli.errors import LimitReached
from rlm_cli.tokens import prompt_tokens
from rlm_cli.types import Limits, Message, ModelSpec, Price, Request, Role, Usage

_TOKENIZER_MARGIN = 1.3
"""Tokenizers of other vendors need up to about this much more than the one that counts here."""
_MESSAGE_TOKENS = 8
_LAST_WORD_SHARE = 0.15
_LAST_WORD_SECONDS = 60.0
_STORING_SHARE = 0.33
"""Of the last word's time: for the cell that was waiting when the calls were abandoned."""


@dataclass(frozen=True, slots=True)
class Worst:
    """The most that a call can come to."""

    input_tokens: int
    output_tokens: int
    cost_usd: float
    """0 when the price is unknown: a cap then refuses to go on as soon as the first cost is."""

    @property
    def tokens(self) -> int:
        return self.input_tokens + self.output_tokens


NOTHING = Worst(0, 0, 0.0)


@dataclass(eq=False, slots=True)
class Reservation:
    """What one admitted call holds until it is settled."""

    role: Role
    model: str
    expected_input: int
    """Input tokens by our own count and margin."""
    worst: Worst


class Budget:
    """The running account; every method may be called from any thread."""

    def __init__(self, limits: Limits, clock: Callable[[], float] = time.monotonic, resumed: bool = False) -> None:
        """`resumed`: time stands still, but for what `count_spent` says, until `go_live`."""
        self.limits = limits
        self._clock = clock
        self._started = clock()
        self._replayed_to: float | None = 0.0 if resumed else None
        """Seconds into the run; None: it is live."""
        self._changed = threading.Condition()
        self._usage: dict[Role, Usage] = {"root": Usage(), "sub": Usage()}
        self._open: set[Reservation] = set()
        self._written_off = NOTHING
        self._kept_back = NOTHING
        self._excess: dict[str, int] = {}
        self._subcalls = 0

    # --- time ----------------------------------------------------------------------------------------------------

    def elapsed(self) -> float:
        """Seconds since the run began; those between two sittings of a resumed run are none of its own."""
        return self._clock() - self._started if self._replayed_to is None else self._replayed_to

    def seconds_left(self, last_word: bool = False) -> float:
        """Seconds until calls are abandoned; the last word's own share is left out unless `last_word`."""
        kept_back = 0.0 if last_word else self._last_word_seconds
        return self.limits.timeout - kept_back - self._used_up()

    def cell_seconds_left(self, last_word: bool = False) -> float:
        """Seconds until a cell is interrupted: it may store what its calls brought after these have been abandoned."""
        kept_back = 0.0 if last_word else self._last_word_seconds * (1 - _STORING_SHARE)
        return self.limits.timeout - kept_back - self._used_up()

    def _used_up(self) -> float:
        # What is repeated from the record was in time then, however slow or busy the machine is now.
        return self.elapsed() if self._replayed_to is None else 0.0

    @property
    def _last_word_seconds(self) -> float:
        return min(_LAST_WORD_SECONDS, self.limits.timeout * _LAST_WORD_SHARE)

    def time_is_up(self) -> LimitReached:
        """Return the refusal that a run gets whose time is over."""
        return LimitReached("timeout", f"the time limit of {self.limits.timeout:g} s is reached")

    # --- calls ---------------------------------------------------------------------------------------------------

    def admit(self, request: Request, last_word: bool = False) -> Reservation:
        """Reserve the worst case of a call.

        Raises LimitReached when time, tokens or money do not allow it. While other calls are open, what they will
        give back may be enough: then this waits for them.
        """
        expected = self._expected_input(request.messages)
        worst = self._worst(request.spec, expected)
        reservation = Reservation(request.role, request.spec.model, expected, worst)
        with self._changed:
            while (refusal := self._refusal(worst, last_word)) is not None:
                if not self._open or refusal.limit == "timeout":
                    raise refusal
                self._changed.wait(timeout=max(0.0, self.seconds_left()))
            self._open.add(reservation)
        return reservation

    def settle(self, reservation: Reservation, usage: Usage | None, lost: int = 0) -> None:
        """Replace a reservation by what the call used; `lost` attempts before it ended nobody knows how.

        None: the outcome is unknown (abandoned, timed out); it may be billed, so the worst case stays held against
        the limits, though it is not reported as spent. A reservation that is settled already is left as it is.
        """
        with self._changed:
            if reservation not in self._open:
                return
            self._open.remove(reservation)
            if usage is not None and not _possible(usage):
                usage = None
            for _ in range(lost + (usage is None)):
                self._written_off = _plus(self._written_off, reservation.worst)
            if usage is not None:
                self._usage[reservation.role] += usage
                beyond = usage.input_tokens - reservation.expected_input
                self._excess[reservation.model] = max(beyond, self._excess.get(reservation.model, 0))
            self._changed.notify_all()

    def write_off_open(self) -> None:
        """Settle every open call as unknown: the run no longer waits for any."""
        for reservation in tuple(self._open):
            self.settle(reservation, None)

    def count_cached(self, role: Role, usage: Usage) -> None:
        """Note a call that was answered from memory, or from an earlier run."""
        with self._changed:
            self._usage[role] += usage

    def take_subcalls(self, number: int) -> None:
        """Count `number` sub-calls, all or none. Raises LimitReached, naming what is left."""
        with self._changed:
            left = self.limits.max_subcalls - self._subcalls
            if number > left:
                raise LimitReached(
                    "max_subcalls",
                    f"{number} sub-call{'s' * (number != 1)} asked for, {left} of {self.limits.max_subcalls} left; "
                    "nothing was sent",
                )
            self._subcalls += number

    def return_subcalls(self, number: int) -> None:
        """Take back what was counted and not sent."""
        with self._changed:
            self._subcalls -= number

    def keep_back(self, worst: Worst) -> None:
        """Hold this much for the last word from now on."""
        with self._changed:
            self._kept_back = worst

    def worst_case(self, spec: ModelSpec, messages: tuple[Message, ...], further_tokens: int = 0) -> Worst:
        """Return the most a call can use: its prompt with a margin for other tokenizers, and a whole reply."""
        return self._worst(spec, self._expected_input(messages, further_tokens))

    def _expected_input(self, messages: tuple[Message, ...], further_tokens: int = 0) -> int:
        prompt = sum(prompt_tokens(message.text) + _MESSAGE_TOKENS for message in messages)
        return round((prompt + further_tokens) * _TOKENIZER_MARGIN)

    def _worst(self, spec: ModelSpec, expected_input: int) -> Worst:
        # A provider that has counted more than we did once will do so again.
        input_tokens = expected_input + self._excess.get(spec.model, 0)
        output_tokens = max(each.max_output_tokens for each in spec.candidates)
        cost = max(_cost(each.price, input_tokens, each.max_output_tokens) for each in spec.candidates)
        return Worst(input_tokens, output_tokens, cost)

    # --- a resumed run -------------------------------------------------------------------------------------------

    def count_spent(self, request: Request, usage: Usage, lost: int, at: float) -> None:
        """Count a call of an earlier sitting, which ended `at` seconds into the run; `lost` as for `settle`."""
        worst = self.worst_case(request.spec, request.messages) if lost else NOTHING
        with self._changed:
            self._usage[request.role] += usage
            for _ in range(lost):
                self._written_off = _plus(self._written_off, worst)
            if self._replayed_to is not None:
                self._replayed_to = max(self._replayed_to, at)

    def count_subcalls(self, number: int) -> None:
        """Count sub-calls that were made in an earlier sitting, whatever the limit is now."""
        with self._changed:
            self._subcalls += number

    def go_live(self, rest: Mapping[Role, Usage], unanswered: Iterable[Worst], at: float) -> None:
        """Start the clock again, `at` seconds into the run.

        `rest`: what else earlier sittings have spent; `unanswered`: calls of theirs whose end nobody knows.
        """
        with self._changed:
            for role, usage in rest.items():
                self._usage[role] += usage
            for worst in unanswered:
                self._written_off = _plus(self._written_off, worst)
            self._started = self._clock() - max(at, self._replayed_to or 0.0)
            self._replayed_to = None

    # --- the account ---------------------------------------------------------------------------------------------

    def usage(self, role: Role | None = None) -> Usage:
        """Return what settled calls have used, of one role or of both."""
        with self._changed:
            return self._usage[role] if role else self._usage["root"] + self._usage["sub"]

    @property
    def subcalls(self) -> int:
        """Sub-calls counted so far."""
        return self._subcalls

    def _refusal(self, worst: Worst, last_word: bool) -> LimitReached | None:
        limits = self.limits
        if self.seconds_left(last_word) <= 0:
            return self.time_is_up()
        held = self._written_off
        for reservation in self._open:
            held = _plus(held, reservation.worst)
        if not last_word:
            held = _plus(held, self._kept_back)
        used = self._usage["root"] + self._usage["sub"]
        if limits.max_tokens is not None and used.tokens + held.tokens + worst.tokens > limits.max_tokens:
            return LimitReached(
                "max_tokens",
                f"the token limit of {limits.max_tokens:,} does not allow another call: {used.tokens:,} used, "
                f"up to {worst.tokens:,} needed, {self._kept_back.tokens:,} kept back for the last word",
            )
        if limits.max_cost is None:
            return None
        if used.cost_usd is None:
            return LimitReached("max_cost", f"the cost of a call is unknown, so ${limits.max_cost:g} cannot be kept")
        spent = used.cost_usd
        if spent + held.cost_usd + worst.cost_usd > limits.max_cost + 1e-12:
            return LimitReached(
                "max_cost",
                f"the cost limit of ${limits.max_cost:g} does not allow another call: ${spent:.4f} spent, "
                f"up to ${worst.cost_usd:.4f} needed, ${self._kept_back.cost_usd:.4f} kept back for the last word",
            )
        return None


def _cost(price: Price | None, input_tokens: int, output_tokens: int) -> float:
    if price is None:
        return 0.0
    price = price.at(input_tokens)
    # Some providers write prompts to their cache unasked, so the dearer of the two holds for every call.
    dearest = max(price.input, price.cache_write or 0.0)
    return (input_tokens * dearest + output_tokens * price.output) / 1_000_000


def _possible(usage: Usage) -> bool:
    """Tell whether an account can hold it: a sum with less than nothing, or with nan, would lift every cap."""
    cost = usage.cost_usd
    counts = (usage.calls, usage.input_tokens, usage.cached_input_tokens, usage.output_tokens)
    return min(counts) >= 0 and (cost is None or (math.isfinite(cost) and cost >= 0))


def _plus(one: Worst, other: Worst) -> Worst:
    return Worst(
        one.input_tokens + other.input_tokens,
        one.output_tokens + other.output_tokens,
        one.cost_usd + other.cost_usd,
    )
