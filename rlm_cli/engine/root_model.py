"""Asks the root model for one reply after another, within the budget.

Covered: what is kept back for the last word, a call that is abandoned when time is up, replies that are empty,
refused, or known from an earlier run. What a reply means is the loop's business.
"""

from collections.abc import Callable, Generator
from dataclasses import dataclass, replace
from functools import partial
from time import monotonic

from rlm_cli.budget import Budget, Reservation
from rlm_cli.engine.fan_out import fan_out
from rlm_cli.engine.history import History
from rlm_cli.engine.prompts import OUTCOME_TOKENS
from rlm_cli.engine.replay import Replay
from rlm_cli.engine.tally import counted
from rlm_cli.errors import BadReply, CallTimedOut, EmptyReply, ModelError
from rlm_cli.events import CallPath, Event, ModelReplied
from rlm_cli.seams import ModelClient, Recorded
from rlm_cli.types import Message, ModelSpec, Reply, Request, Role, Usage

Count = Callable[[bool], None]
"""Counts a call; True: the event that tells of it was heard."""
_EMPTY_REPLIES = 3
"""Empty replies in a row after which the run fails."""


@dataclass(frozen=True, slots=True)
class Admitted:
    """A call that the budget has let through, or one whose outcome is known: nothing is reserved for that."""

    request: Request
    reservation: Reservation | Recorded | Reply
    last_word: bool


@dataclass(slots=True)
class RootModel:
    """The root model of one run."""

    client: ModelClient
    spec: ModelSpec
    budget: Budget
    replay: Replay
    role: Role = "root"
    """Whose account its calls go to. What a last word costs is kept back for the root run's alone."""
    schema: str | None = None
    """That the reply has to fit; None: any text will do."""
    _empty: int = 0
    """Replies in a row that held nothing."""

    def admit(self, history: History, here: CallPath, last_word: bool = False) -> Generator[Event, None, Admitted]:
        """Reserve the next call, and beside it a last word. Raises LimitReached."""
        self._tell_news(history, here)
        if not last_word and not here.depth:
            # What the history may have grown to by then: this reply, and what comes of its code.
            growth = self.spec.max_output_tokens + OUTCOME_TOKENS
            self.budget.keep_back(self.spec, history.messages(), growth)
        request = Request(self.role, self.spec, history.messages(), 0.0, here, schema=self.schema)
        recorded = self.replay.find(request)
        if recorded is not None:
            return Admitted(request, recorded, last_word)
        if (yield from self.replay.go_live(here)):
            self._tell_news(history, here)
        return self._admit_live(history.messages(), here, last_word)

    def _admit_live(self, messages: tuple[Message, ...], here: CallPath, last_word: bool) -> Admitted:
        seconds = max(0.0, self.budget.seconds_left(last_word))
        patience = min(self.spec.patience, seconds)
        request = Request(self.role, self.spec, messages, patience, here, schema=self.schema)
        known = self.client.recall(request) if self.spec.cache and seconds > 0 else None
        if known is not None:
            return Admitted(request, known, last_word)
        reservation = self.budget.admit(request, last_word)
        again = partial(self.budget.admit_again, reservation)
        return Admitted(replace(request, again=again), reservation, last_word)

    def _tell_news(self, history: History, here: CallPath) -> None:
        if (news := self.replay.news(here)) is not None:
            history.append_to_last(news)

    def reply(self, call: Admitted, here: CallPath) -> Generator[Event, None, Reply]:
        """Make the call; an empty reply is returned as one with no text.

        Raises LimitReached when the run's time is over first, ModelError when the call fails, BadReply when too many
        replies in a row are empty.
        """
        return (yield from self._come(*(yield from self._made(call)), here))

    def ask_beside(
        self, messages: tuple[Message, ...], here: CallPath
    ) -> Generator[Event, None, tuple[Reply | ModelError, Count]]:
        """Ask for something that is no reply to iteration `here`; return what came, and what counts it once the event
        that tells of it has been heard. Raises LimitReached.
        """
        beside = here.subcall(0)  # a path of its own: the sub-calls of an iteration count from 1
        request = Request(self.role, self.spec, messages, 0.0, beside)
        recorded = self.replay.find(request)
        if recorded is not None:
            call = Admitted(request, recorded, last_word=False)
        else:
            yield from self.replay.go_live(here)
            call = self._admit_live(messages, beside, last_word=False)
        came, _, count = yield from self._made(call)
        return came, count

    def _made(self, call: Admitted) -> Generator[Event, None, tuple[Reply | ModelError, float, Count]]:
        """Make the call; returns what came, after how many seconds, and what counts it. Raises LimitReached."""

        def complete() -> Generator[Event, None, Reply | ModelError]:
            try:
                return self.client.complete(call.request)
            except ModelError as error:
                return error
            yield  # a job is a generator; this one has nothing to tell

        if isinstance(known := call.reservation, Reply):
            cached = partial(self.budget.count_cached, self.role, known.usage)
            return known, 0.0, lambda heard: cached() if heard else None
        if isinstance(known, Recorded):
            repeated = partial(self.replay.count, call.request, known)
            return known.outcome, known.seconds, lambda heard: repeated() if heard else None
        started = monotonic()
        [came] = yield from fan_out([complete], 1, lambda: self.budget.seconds_left(call.last_word))
        if came is None or (isinstance(came, CallTimedOut) and call.request.timeout < self.spec.patience):
            self.budget.settle(known, None, came.lost if came else 0)
            raise self.budget.time_is_up()
        usage = None if isinstance(came, ModelError) and came.unknown else came.usage or Usage()

        def settle(heard: bool) -> None:
            self.budget.settle(known, usage if heard else None, came.lost)

        return came, monotonic() - started, settle

    def _come(
        self, came: Reply | ModelError, seconds: float, count: Count, here: CallPath
    ) -> Generator[Event, None, Reply]:
        """Return the reply that has come, or raise the error that has."""
        error = came if isinstance(came, ModelError) else None
        if error is not None and error.usage is None:
            count(True)
            raise error
        # A refusal or an empty reply that was billed is a reply as far as the account goes.
        reply = came if isinstance(came, Reply) else _nothing(came)
        replied = ModelReplied(
            path=here,
            model=reply.model or self.spec.model,
            text=reply.text,
            truncated=reply.truncated,
            cached=reply.cached,
            seconds=seconds,
            usage=reply.usage,
        )
        yield from counted(replied, count)
        self._empty = self._empty + 1 if isinstance(error, EmptyReply) else 0
        if error is not None and self._empty == _EMPTY_REPLIES:
            raise BadReply(f"{error}, {_EMPTY_REPLIES} times in a row", error.hint)
        if error is not None and not isinstance(error, EmptyReply):
            raise error
        return reply


def _nothing(error: ModelError) -> Reply:
    """Return the reply that a billed failure amounts to."""
    return Reply("", error.usage or Usage(), truncated=isinstance(error, EmptyReply) and error.truncated)
