"""Answers llm_query and llm_query_batched: from questions of the REPL to calls of the sub-model, and back.

Covered: which model, equal prompts once unless each is to be asked, replies already known, prompts too large for the
window, the count of sub-calls, the batch side by side, its summary line. Every call passes through the Budget;
nothing here retries.
"""

import functools
import time
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field, replace

from rlm_cli.budget import Budget, Reservation
from rlm_cli.engine.batch_summary import kind, summary_of
from rlm_cli.engine.fan_out import fan_out
from rlm_cli.engine.frugality import Frugality
from rlm_cli.engine.in_form import Conversation, bring_into_form, conversation
from rlm_cli.engine.progress import Progress
from rlm_cli.engine.replay import Replay
from rlm_cli.engine.tally import Tally, counted
from rlm_cli.errors import CallTimedOut, LimitReached, ModelError
from rlm_cli.events import CallPath, Event, SubcallFailed, SubcallFinished, SubcallStarted
from rlm_cli.seams import Asked, ModelClient, Recorded, SubAnswer, SubAnswers
from rlm_cli.tokens import prompt_tokens
from rlm_cli.types import ModelSpec, Profile, Reply, Request, Usage

_HEAD = 200
"""Characters of a prompt that its event shows, and of a reply that was known already."""


_BEYOND = 1.0
"""Seconds that a call has more than the run: so it is the run that ends calls then, all in one way."""


@dataclass(slots=True)
class Numbers:
    """Of the sub-calls of one iteration."""

    next: int = 1
    asked: int = 0
    """How often its code has asked: what is refused as a whole, or holds nothing to send, takes none of the others."""


@dataclass(frozen=True, slots=True)
class _Call:
    path: CallPath
    request: Request

    @property
    def prompt(self) -> str:
        return self.request.messages[-1].text

    def started(self) -> SubcallStarted:
        prompt = self.prompt
        return SubcallStarted(
            path=self.path,
            model=self.request.spec.model,
            key=self.request.key(),
            prompt_characters=len(prompt),
            prompt_head=prompt[:_HEAD],
            fresh=self.request.fresh,
        )

    def finished(self, reply: Reply, seconds: float) -> SubcallFinished:
        return SubcallFinished(
            path=self.path,
            model=reply.model or self.request.spec.model,
            text=reply.text,
            truncated=reply.truncated,
            cached=reply.cached,
            seconds=seconds,
            usage=reply.usage,
        )

    def failed(self, error: str, seconds: float, usage: Usage | None = None) -> SubcallFailed:
        return SubcallFailed(path=self.path, error=error, seconds=seconds, usage=usage or Usage())


@dataclass(slots=True)
class _Open:
    """A call under way; what it used is written when it ends."""

    reservation: Reservation
    since: float = field(default_factory=time.monotonic)
    used: Usage | None = None
    """None: nobody knows."""
    lost: int = 0


@dataclass(frozen=True, slots=True)
class _Made:
    """What a call came to, and the limit that it ran into."""

    answer: SubAnswer
    met: LimitReached | None = None
    reply: Reply | None = None


@dataclass(frozen=True, slots=True)
class Subcalls:
    """Makes the sub-calls of one run."""

    client: ModelClient
    profile: Profile
    budget: Budget
    progress: Progress
    replay: Replay
    _told: set[str] = field(default_factory=set)
    """Keys of the replies that stand whole in an event."""
    _frugality: Frugality = field(default_factory=Frugality)

    def answer(self, asked: Asked, here: CallPath, numbers: Numbers) -> Generator[Event, None, SubAnswers]:
        """Make the calls of one llm_query or batch in the iteration `here`."""
        if self.progress.ending is not None:
            return SubAnswers(refused=f"{self.progress.ending}. The run is ending: no sub-call is made any more")
        spec = self._spec(asked.model)
        if spec is None:
            there = f"{self.profile.sub.model!r} (the default) and {self.profile.root.model!r}"
            return SubAnswers(refused=f"this run has no model {asked.model!r}; it has {there}")
        started, spent = time.monotonic(), Tally()
        numbers.asked += 1
        prompts = asked.prompts if asked.fresh else tuple(dict.fromkeys(asked.prompts))
        said = {prompt: conversation(prompt, asked.schema) for prompt in set(prompts)}
        large = {prompt: refusal for prompt in said if (refusal := _too_large(spec, said[prompt])) is not None}
        answers = {number: large[prompt] for number, prompt in enumerate(prompts) if prompt in large}
        sendable = [number for number in range(len(prompts)) if number not in answers]
        calls = {
            number: _call(spec, said[prompts[number]], here.subcall(place), asked.fresh, asked.schema)
            for place, number in enumerate(sendable, numbers.next)
        }
        if (why := (yield from spent.of(self._make(calls, answers, here, numbers)))) is not None:
            return SubAnswers(refused=why)
        if asked.schema is not None:
            first = {number: call.request.messages for number, call in calls.items()}
            again = functools.partial(self._ask_again, spec, here, numbers, asked)
            yield from spent.of(bring_into_form(asked.schema, first, answers, again))
        for number, call in calls.items():
            if answers[number].error is None:
                self.progress.note_seen(call.prompt)
        self.progress.failed.update(kind(answer.error) for answer in answers.values() if answer.error is not None)
        places = {prompt: number for number, prompt in enumerate(prompts)}
        slots = range(len(prompts)) if asked.fresh else [places[prompt] for prompt in asked.prompts]
        given = tuple(answers[number] for number in slots)
        summary = None
        if asked.batched:
            seconds = time.monotonic() - started
            summary = summary_of(list(answers.values()), given, spent.usage, seconds)
            summary = self.replay.told(f"{here} batch {numbers.asked}", summary)
        if not asked.fresh:
            sent = [call.prompt for number, call in calls.items() if not answers[number].cached]
            note = self._frugality.note(sent, asked.batched, spec, here)
            summary = note if summary is None else f"{summary}\n{note}" if note is not None else summary
        return SubAnswers(given, summary=summary)

    def _make(
        self, calls: dict[int, _Call], answers: dict[int, SubAnswer], here: CallPath, numbers: Numbers
    ) -> Generator[Event, None, str | None]:
        """Add the answers of all `calls`: from the record, from what is known, or made. Returns why none is, if so."""
        refusing = f"{here} refused {numbers.asked}"
        if (before := self.replay.told_before(refusing)) is not None:
            yield from self.progress.meet(LimitReached("max_subcalls", before), here, ends=False)
            return before
        for number, call in calls.items():
            if (recorded := self.replay.find(call.request)) is not None:
                answers[number] = yield from self._repeat(call, recorded)
        known = {
            number: reply
            for number, call in calls.items()
            if number not in answers and (reply := self.client.recall(call.request)) is not None
        }
        unknown = [number for number in calls if number not in answers and number not in known]
        if unknown:
            yield from self.replay.go_live(here)
        try:
            self.budget.take_subcalls(len(unknown))
        except LimitReached as refusal:
            yield from self.progress.meet(refusal, here, ends=False)
            return self.replay.told(refusing, str(refusal))
        numbers.next += len(calls)
        for number, reply in known.items():
            yield from self._recall(calls[number], reply)
            answers[number] = SubAnswer(reply.text, truncated=reply.truncated, cached=True)
        made = yield from self._call_all([calls[number] for number in unknown])
        answers |= zip(unknown, made, strict=True)
        return None

    def _ask_again(
        self,
        spec: ModelSpec,
        here: CallPath,
        numbers: Numbers,
        asked: Asked,
        said: Mapping[int, Conversation],
    ) -> Generator[Event, None, dict[int, SubAnswer] | str]:
        """Go on with conversations. Returns what their last messages were answered, or why none was sent."""
        numbers.asked += 1
        answers = {number: large for number, each in said.items() if (large := _too_large(spec, each)) is not None}
        calls = {
            number: _call(spec, said[number], here.subcall(place), asked.fresh, asked.schema)
            for place, number in enumerate((each for each in said if each not in answers), numbers.next)
        }
        why = yield from self._make(calls, answers, here, numbers)
        return answers if why is None else why

    def _spec(self, model: str | None) -> ModelSpec | None:
        if model is None or model in ("sub", self.profile.sub.model):
            return self.profile.sub
        if model in ("root", self.profile.root.model):
            # Whoever answers it, it is a sub-call.
            return replace(self.profile.root, cache=self.profile.sub.cache)
        return None

    def _repeat(self, call: _Call, recorded: Recorded) -> Generator[Event, None, SubAnswer]:
        """Tell of a call of an earlier sitting as of one that is made now."""
        came = recorded.outcome
        if isinstance(came, Reply):
            ended: SubcallFinished | SubcallFailed = call.finished(came, recorded.seconds)
            answer = SubAnswer(came.text, truncated=came.truncated, cached=came.cached)
            self.progress.note_stand_in(call.request.spec, came)
            self._told.add(call.request.key())
        else:
            ended = call.failed(str(came), recorded.seconds, came.usage)
            answer = SubAnswer(error=str(came))
        if not answer.cached and not recorded.counted:
            self.budget.count_subcalls(1)
        self.progress.depth = max(self.progress.depth, call.path.depth)
        yield from _begun_and(call, ended, functools.partial(self.replay.count, call.request, recorded))
        return answer

    def _recall(self, call: _Call, reply: Reply) -> Generator[Event, None, None]:
        """Yield its events: with the reply whole the first time that it is used, then with its beginning."""
        key = call.request.key()
        shown = replace(reply, text=reply.text[:_HEAD]) if key in self._told else reply
        self._told.add(key)
        count = functools.partial(self.budget.count_cached, "sub", reply.usage)
        yield from _begun_and(call, call.finished(shown, 0.0), count)

    def _call_all(self, calls: list[_Call]) -> Generator[Event, None, list[SubAnswer]]:
        """Make calls side by side, as far as the limits allow. Each start that was yielded gets exactly one end.

        What a call used is settled here, where its end is seen: so events, account and result agree even when the
        rest is abandoned.
        """
        open_calls: dict[CallPath, _Open] = {}
        jobs = [functools.partial(self._call, call, open_calls) for call in calls]
        begun: set[CallPath] = set()
        try:
            values = yield from self._settled(
                fan_out(jobs, self.budget.limits.concurrency, self.budget.seconds_left), open_calls, begun
            )
        except KeyboardInterrupt:
            self.budget.write_off_open()
            yield from self._abandon(calls, open_calls, begun, "interrupted")
            raise
        except GeneratorExit:  # the run that these calls are of has been abandoned
            self._write_off(open_calls)
            raise
        finally:
            self.budget.return_subcalls(sum(call.path not in begun for call in calls))
            if begun:
                self.progress.depth = max(self.progress.depth, calls[0].path.depth)
        for call, value in zip(calls, values, strict=True):
            if value is not None and value.reply is not None:
                self.progress.note_stand_in(call.request.spec, value.reply)
                if not call.request.fresh:
                    self._told.add(call.request.key())
            if value is not None and value.met is not None:
                yield from self.progress.meet(value.met, calls[0].path, ends=True)
        if None in values:
            limit = self.budget.time_is_up()
            yield from self.progress.meet(limit, calls[0].path, ends=True)
            yield from self._abandon(calls, open_calls, begun, str(limit))
        return [
            value.answer
            if value is not None
            else SubAnswer(error=f"{'abandoned' if call.path in begun else 'not sent'}: {self.progress.ending}")
            for call, value in zip(calls, values, strict=True)
        ]

    def _call(self, call: _Call, open_calls: dict[CallPath, _Open]) -> Generator[Event, None, _Made]:
        """Make one call. Runs in a thread of its own and changes nothing but its own entry in `open_calls`."""
        try:
            mine = open_calls[call.path] = _Open(self.budget.admit(call.request))
        except LimitReached as refusal:
            return _Made(SubAnswer(error=f"not sent: {refusal}"), met=refusal)
        try:
            yield call.started()
        except GeneratorExit:  # nobody has heard of it, and nothing was sent
            self.budget.settle(mine.reservation, Usage())
            raise
        request = replace(
            call.request,
            timeout=min(call.request.timeout, self.budget.seconds_left() + _BEYOND),
            again=functools.partial(self.budget.admit_again, mine.reservation),
        )
        try:
            reply = self.client.complete(request)
        except ModelError as error:
            mine.used = error.usage or (None if error.unknown else Usage())
            mine.lost = error.lost
            yield call.failed(str(error), time.monotonic() - mine.since, error.usage)
            # When it was the run's time that was too short, not the model's, the run is over.
            too_short = isinstance(error, CallTimedOut) and request.timeout < call.request.timeout
            return _Made(SubAnswer(error=str(error)), met=self.budget.time_is_up() if too_short else None)
        self.budget.learn(mine.reservation, reply.usage)
        mine.used, mine.lost = reply.usage, reply.lost
        yield call.finished(reply, time.monotonic() - mine.since)
        return _Made(SubAnswer(reply.text, truncated=reply.truncated), reply=reply)

    def _settled(
        self,
        stream: Generator[Event, None, list[_Made | None]],
        open_calls: dict[CallPath, _Open],
        begun: set[CallPath],
    ) -> Generator[Event, None, list[_Made | None]]:
        """Pass a stream on, noting which calls have begun and settling those that end."""
        while True:
            try:
                event = next(stream)
            except StopIteration as end:
                values: list[_Made | None] = end.value
                return values
            if isinstance(event, SubcallStarted):
                begun.add(event.path)
            elif isinstance(event, SubcallFinished | SubcallFailed):
                yield from counted(event, functools.partial(self._settle, open_calls.pop(event.path)))
                continue
            yield event

    def _settle(self, ended: _Open, heard: bool) -> None:
        self.budget.settle(ended.reservation, ended.used if heard else None, ended.lost)

    def _abandon(
        self, calls: list[_Call], open_calls: dict[CallPath, _Open], begun: set[CallPath], why: str
    ) -> Generator[Event, None, None]:
        """Give up the calls that are still open: whatever becomes of them reaches nobody."""
        self._write_off(open_calls)
        for call in calls:
            left = open_calls.get(call.path)
            if left is not None and call.path in begun:
                yield call.failed(f"abandoned: {why}", time.monotonic() - left.since)

    def _write_off(self, open_calls: dict[CallPath, _Open]) -> None:
        for each in tuple(open_calls.values()):
            self.budget.settle(each.reservation, None)


def _call(spec: ModelSpec, said: Conversation, path: CallPath, fresh: bool, schema: str | None) -> _Call:
    return _Call(path, Request("sub", spec, said, spec.patience, path, fresh, schema))


def _begun_and(
    call: _Call, ended: SubcallFinished | SubcallFailed, count: Callable[[], None]
) -> Generator[Event, None, None]:
    """Yield the start and the end of a call that nothing lies between, and `count` it."""
    end = counted(ended, lambda heard: count() if heard else None)
    try:
        yield call.started()
    except KeyboardInterrupt:
        yield from end
        raise
    yield from end


def _too_large(spec: ModelSpec, said: Conversation) -> SubAnswer | None:
    # Hardly any text has more than two tokens a character, so short prompts need no counting.
    characters = sum(len(each.text) for each in said)
    if spec.context_window is None or 2 * characters < spec.context_window - spec.max_output_tokens:
        return None
    room = spec.context_window - spec.max_output_tokens
    tokens = sum(prompt_tokens(each.text) for each in said)
    if tokens <= room:
        return None
    return SubAnswer(
        error=f"the prompt has about {tokens:,} tokens ({characters:,} characters); the window of {spec.model} takes "
        f"{room:,} besides the reply. Nothing was sent: cut it with smart_chunk"
    )
