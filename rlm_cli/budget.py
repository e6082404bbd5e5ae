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
from rlm_cli.types import Limits, Message, ModelSpec, Request, Role, Usage
from rlm_cli.worst_case import NOTHING, UNTAUGHT, Lesson, Worst, expected_input, form_tokens

_LAST_WORD_SHARE = 0.15
_LAST_WORD_SECONDS = 60.0
_STORING_SHARE = 0.33
"""Of the last word's time: for the cell that was waiting when the calls were abandoned."""


@dataclass(eq=False, slots=True)
class Reservation:
    """What one admitted call holds until it is settled."""

    role: Role
    spec: ModelSpec
    expected_input: int
    """Input tokens by our own count and margin."""
    worst: Worst
    last_word: bool = False
    written_off: int = 0
    """Attempts at this call that nobody knows the end of, and that are held apart from it by now."""
    settled: bool = False


class Budget:
    """The running account; every method may be called from any thread.

    What is promised: what is used, what open calls may still use, what calls of unknown end may have used, and what is
    kept back for the last word are together never more than `max_cost` and `max_tokens`. It rests on this: no call is
    billed for more input than 1.3 times (what o200k counts of it, plus 8 tokens a message) plus 100, for more output
    than its `max_output_tokens`, or dearer than its price says.

    A provider that breaks this is believed from the first reply that shows it: from then on every call of that model,
    those under way included, is held at the highest excess seen, of input as a rate and as an amount. So all that can
    go beyond a limit is what the calls in flight at that moment, at most `concurrency` of them, are billed above their
    reservations; and again only when a later reply exceeds even that. What goes beyond is in the account, and ends the
    run.

    A reply without usage figures is counted by us, without the margin.
    """

    def __init__(self, limits: Limits, clock: Callable[[], float] = time.monotonic, resumed: bool = False) -> None:
        """`resumed`: time stands still, but for what `count_spent` says, until `go_live`."""
        self.limits = limits
        self._clock = clock
        self._started = clock()
        self._replayed_to: float | None = 0.0 if resumed else None
        """Seconds into the run; None: it is live."""
        self._changed = threading.Condition()
        self._usage: dict[Role, Usage] = {"root": Usage(), "sub": Usage()}
        self._admitted: set[Reservation] = set()
        """Not settled yet."""
        self._open: set[Reservation] = set()
        """Of those, the ones that hold their worst case: all but those that wait to be let through once more."""
        self._held = NOTHING
        """By the open ones."""
        self._written_off = NOTHING
        self._last_word: Reservation | None = None
        """Not a call yet, but what is kept back for it."""
        self._lessons: dict[str, Lesson] = {}
        self._subcalls = 0
        self._ended: LimitReached | None = None
        """The limit that ends the run, once one has been met at whatever depth."""

    # --- time ----------------------------------------------------------------------------------------------------

    def elapsed(self) -> float:
        """Seconds since the run began; those between two sittings of a resumed run are none of its own."""
        return self._clock() - self._started if self._replayed_to is None else self._replayed_to

    def seconds_left(self, last_word: bool = False) -> float:
        """Seconds until calls are abandoned; the last word's own share is left out unless `last_word`."""
        kept_back = 0.0 if last_word else self._last_word_seconds
        return self.limits.timeout - kept_back - self._used_up()

    def seconds_left_for_children(self) -> float:
        """Seconds until child runs are abandoned that have not come to their end, as they should when time is up."""
        return self.seconds_left() + self._last_word_seconds * _STORING_SHARE / 2

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

    @property
    def ended(self) -> LimitReached | None:
        """The limit that ends the run."""
        return self._ended

    def end(self, limit: LimitReached) -> None:
        """Admit nothing new any more but the last word: this limit was met. Calls in flight go on."""
        with self._changed:
            self._ended = self._ended or limit
            self._changed.notify_all()

    # --- calls ---------------------------------------------------------------------------------------------------

    def admit(self, request: Request, last_word: bool = False) -> Reservation:
        """Reserve the worst case of a call.

        Raises LimitReached when time, tokens or money do not allow it. While other calls are open, what they will
        give back may be enough: then this waits for them.
        """
        expected = expected_input(request.messages, form_tokens(request.schema))
        reservation = Reservation(request.role, request.spec, expected, NOTHING, last_word)
        with self._changed:
            refusal = self._reserve(reservation)
            if refusal is not None:
                raise refusal
            self._admitted.add(reservation)
        return reservation

    def admit_again(self, reservation: Reservation) -> bool:
        """Reserve another attempt at an open call, the last of which may be billed though it brought nothing.

        That one stays held. False: there is no room for another, or the call has been given up.
        """
        with self._changed:
            if reservation not in self._open:
                return False
            self._release(reservation)
            self._written_off += reservation.worst
            reservation.written_off += 1
            self._changed.notify_all()
            return self._reserve(reservation) is None

    def _reserve(self, reservation: Reservation) -> LimitReached | None:
        """Wait until there is room for it, and take that; return why there will be none."""
        while (refusal := self._refusal(reservation)) is not None:
            if not self._open or refusal.limit == "timeout" or refusal is self._ended:
                return refusal
            self._changed.wait(timeout=max(0.0, self.seconds_left(reservation.last_word)))
            if reservation.settled:
                return refusal
        self._open.add(reservation)
        self._held += reservation.worst
        return None

    def _release(self, reservation: Reservation) -> None:
        if reservation in self._open:
            self._open.remove(reservation)
            # From nothing again where it can be: sums of fractions drift.
            self._held = self._held - reservation.worst if self._open else NOTHING

    def settle(self, reservation: Reservation, usage: Usage | None, lost: int = 0) -> None:
        """Replace a reservation by what the call used; `lost` attempts before it ended nobody knows how.

        None: the outcome is unknown (abandoned, timed out); it may be billed, so the worst case stays held against
        the limits, though it is not reported as spent. A reservation that is settled already is left as it is.
        """
        with self._changed:
            if reservation.settled:
                return
            if usage is not None and not is_possible(usage):
                usage = None
            if usage is not None:
                self.learn(reservation, usage)
                self._usage[reservation.role] += usage
            for _ in range(lost + (usage is None) - reservation.written_off):
                self._written_off += reservation.worst
            reservation.settled = True
            self._admitted.discard(reservation)
            self._release(reservation)
            self._changed.notify_all()

    def learn(self, reservation: Reservation, usage: Usage) -> None:
        """Expect of the model what a reply has shown; to be told at once, before the next call is admitted."""
        if not usage.calls or not is_possible(usage):
            return
        model, worst = reservation.spec.model, reservation.worst
        given, taken = (math.ceil(each / usage.calls) for each in (usage.input_tokens, usage.output_tokens))
        if given <= worst.input_tokens and taken <= worst.output_tokens:
            return
        with self._changed:
            known = self._lessons.get(model, UNTAUGHT)
            lesson = known.with_reply(reservation.expected_input, given, taken)
            if lesson != known:
                self._lessons[model] = lesson
                for each in (*self._open, *([self._last_word] if self._last_word else [])):
                    each.worst = self._worst(each.spec, each.expected_input)
                self._held = sum((each.worst for each in self._open), NOTHING)

    def write_off_open(self) -> None:
        """Settle every open call as unknown: the run no longer waits for any."""
        with self._changed:
            for reservation in tuple(self._admitted):
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

    def keep_back(self, spec: ModelSpec, messages: tuple[Message, ...], further_tokens: int = 0) -> None:
        """Hold from now on what a last word costs whose prompt has that many tokens more than `messages`."""
        expected = expected_input(messages, further_tokens)
        with self._changed:
            self._last_word = Reservation("root", spec, expected, self._worst(spec, expected), last_word=True)

    def affords_last_word(self, spec: ModelSpec, messages: tuple[Message, ...]) -> bool:
        """Tell whether a last word with this prompt would be let through now."""
        with self._changed:
            return self._refusal(Reservation("root", spec, expected_input(messages), NOTHING, last_word=True)) is None

    def worst_case(self, spec: ModelSpec, messages: tuple[Message, ...], further_tokens: int = 0) -> Worst:
        """Return the most a call can use: its prompt with a margin for other tokenizers, and a whole reply."""
        return self._worst(spec, expected_input(messages, further_tokens))

    def _worst(self, spec: ModelSpec, expected: int) -> Worst:
        return Worst.of_call(spec, expected, self._lessons.get(spec.model, UNTAUGHT))

    # --- a resumed run -------------------------------------------------------------------------------------------

    def count_spent(self, request: Request, usage: Usage, lost: int, at: float) -> None:
        """Count a call of an earlier sitting, which ended `at` seconds into the run; `lost` as for `settle`."""
        worst = self.worst_case(request.spec, request.messages) if lost else NOTHING
        with self._changed:
            self._usage[request.role] += usage
            for _ in range(lost):
                self._written_off += worst
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
                self._written_off += worst
            self._started = self._clock() - max(at, self._replayed_to or 0.0)
            self._replayed_to = None

    # --- the account ---------------------------------------------------------------------------------------------

    def usage(self, role: Role | None = None) -> Usage:
        """Return what settled calls have used, of one role or of both."""
        with self._changed:
            return self._usage[role] if role else self._usage["root"] + self._usage["sub"]

    @property
    def written_off(self) -> Worst:
        """What calls of unknown end may have used: held against the limits, and not in `usage`."""
        return self._written_off

    @property
    def subcalls(self) -> int:
        """Sub-calls counted so far."""
        return self._subcalls

    def _refusal(self, reservation: Reservation) -> LimitReached | None:
        limits = self.limits
        if self.seconds_left(reservation.last_word) <= 0:
            return self.time_is_up()
        if self._ended is not None and not reservation.last_word and reservation not in self._admitted:
            return self._ended
        worst = reservation.worst = self._worst(reservation.spec, reservation.expected_input)
        kept_back = NOTHING if self._last_word is None or reservation.last_word else self._last_word.worst
        held = self._held + self._written_off + kept_back
        used = self._usage["root"] + self._usage["sub"]
        beside = ""
        if self._written_off.tokens:
            off = self._written_off
            beside = f", {off.tokens:,} tokens and ${off.cost_usd:.4f} held for calls of unknown end"
        if limits.max_tokens is not None and used.tokens + held.tokens + worst.tokens > limits.max_tokens:
            return LimitReached(
                "max_tokens",
                f"the token limit of {limits.max_tokens:,} does not allow another call: {used.tokens:,} used, "
                f"up to {worst.tokens:,} needed, {kept_back.tokens:,} kept back for the last word{beside}",
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
                f"up to ${worst.cost_usd:.4f} needed, ${kept_back.cost_usd:.4f} kept back for the last word{beside}",
            )
        return None


def is_possible(usage: Usage) -> bool:
    """Tell whether an account can hold it: a sum with less than nothing, or with nan, would lift every cap."""
    cost = usage.cost_usd
    counts = (usage.calls, usage.input_tokens, usage.cached_input_tokens, usage.output_tokens)
    return min(counts) >= 0 and (cost is None or (math.isfinite(cost) and cost >= 0))
