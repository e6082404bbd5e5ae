"""Answers llm_query and llm_query_batched: from questions of the REPL to calls of the sub-model, and back.

Covered: which model, equal prompts once, replies already known, prompts too large for the window, the count of
sub-calls, the batch side by side, its summary line. Every call passes through the Budget; nothing here retries.
"""

import functools
import time
from collections.abc import Generator, Iterator
from dataclasses import dataclass, field, replace

from rlm_cli.budget import Budget, Reservation
from rlm_cli.engine.fan_out import fan_out
from rlm_cli.engine.progress import Progress
from rlm_cli.errors import CallTimedOut, LimitReached, ModelError
from rlm_cli.events import CallPath, Event, SubcallFailed, SubcallFinished, SubcallStarted
from rlm_cli.seams import Asked, ModelClient, SubAnswer, SubAnswers
from rlm_cli.tokens import prompt_tokens
from rlm_cli.types import Message, ModelSpec, Profile, Reply, Request, Usage

_HEAD = 200
"""Characters of a prompt that its event shows, and of a reply that was known already."""


_BEYOND = 1.0
"""Seconds that a call has more than the run: so it is the run that ends calls then, all in one way."""


@dataclass(frozen=True, slots=True)
class _Call:
    path: CallPath
    request: Request

    def started(self) -> SubcallStarted:
        prompt = self.request.messages[-1].text
        return SubcallStarted(
            path=self.path,
            model=self.request.spec.model,
            key=self.request.key(),
            prompt_characters=len(prompt),
            prompt_head=prompt[:_HEAD],
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

    def answer(self, asked: Asked, here: CallPath, numbers: Iterator[int]) -> Generator[Event, None, SubAnswers]:
        """Make the calls of one llm_query or batch; `numbers` counts the sub-calls of the iteration `here`."""
        if self.progress.ending is not None:
            return SubAnswers(refused=f"{self.progress.ending}. The run is ending: no sub-call is made any more")
        spec = self._spec(asked.model)
        if spec is None:
            there = f"{self.profile.sub.model!r} (the default) and {self.profile.root.model!r}"
            return SubAnswers(refused=f"this run has no model {asked.model!r}; it has {there}")
        started, before = time.monotonic(), self.budget.usage()
        requests = {prompt: Request("sub", spec, (Message("user", prompt),), spec.patience) for prompt in asked.prompts}
        answers = {prompt: refusal for prompt in requests if (refusal := _too_large(spec, prompt)) is not None}
        sendable = [prompt for prompt in requests if prompt not in answers]
        known = {prompt: reply for prompt in sendable if (reply := self.client.recall(requests[prompt])) is not None}
        fresh = [prompt for prompt in sendable if prompt not in known]
        try:
            self.budget.take_subcalls(len(fresh))
        except LimitReached as refusal:
            yield from self.progress.meet(refusal, here, ends=False)
            return SubAnswers(refused=str(refusal))
        calls = {prompt: _Call(here.subcall(next(numbers)), requests[prompt]) for prompt in sendable}
        for prompt, reply in known.items():
            yield from self._recall(calls[prompt], reply)
            answers[prompt] = SubAnswer(reply.text, truncated=reply.truncated, cached=True)
        made = yield from self._call_all([calls[prompt] for prompt in fresh])
        answers |= zip(fresh, made, strict=True)
        self.progress.failed.update(_kind(answer.error) for answer in answers.values() if answer.error is not None)
        summary = None
        if asked.batched:
            summary = _summary(answers, asked.prompts, before, self.budget.usage(), time.monotonic() - started)
        return SubAnswers(tuple(answers[prompt] for prompt in asked.prompts), summary=summary)

    def _spec(self, model: str | None) -> ModelSpec | None:
        if model is None or model in ("sub", self.profile.sub.model):
            return self.profile.sub
        return self.profile.root if model in ("root", self.profile.root.model) else None

    def _recall(self, call: _Call, reply: Reply) -> Generator[Event, None, None]:
        """Its events have the beginning of the reply: the whole stands in those of the call that was paid for."""
        self.budget.count_cached("sub")
        beginning = replace(reply, text=reply.text[:_HEAD])
        try:
            yield call.started()
        except KeyboardInterrupt:
            yield call.finished(beginning, 0.0)
            raise
        yield call.finished(beginning, 0.0)

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
            yield from self._abandon(calls, open_calls, begun, "interrupted")
            raise
        finally:
            self.budget.return_subcalls(sum(call.path not in begun for call in calls))
            if begun:
                self.progress.depth = max(self.progress.depth, calls[0].path.depth)
        for call, value in zip(calls, values, strict=True):
            if value is not None and value.reply is not None:
                self.progress.note_stand_in(call.request.spec, value.reply)
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
        yield call.started()
        request = replace(
            call.request,
            timeout=min(call.request.timeout, self.budget.seconds_left() + _BEYOND),
            again=functools.partial(self.budget.admit_again, mine.reservation),
        )
        try:
            reply = self.client.complete(request)
        except ModelError as error:
            mine.used = error.usage or (Usage() if error.outcome_known else None)
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
                ended = open_calls.pop(event.path)
                self.budget.settle(ended.reservation, ended.used, ended.lost)
            yield event

    def _abandon(
        self, calls: list[_Call], open_calls: dict[CallPath, _Open], begun: set[CallPath], why: str
    ) -> Generator[Event, None, None]:
        """Give up the calls that are still open: whatever becomes of them reaches nobody."""
        self.budget.write_off_open()
        for call in calls:
            left = open_calls.get(call.path)
            if left is not None and call.path in begun:
                yield call.failed(f"abandoned: {why}", time.monotonic() - left.since)


def _too_large(spec: ModelSpec, prompt: str) -> SubAnswer | None:
    # Hardly any text has more than two tokens a character, so short prompts need no counting.
    if spec.context_window is None or 2 * len(prompt) < spec.context_window - spec.max_output_tokens:
        return None
    room = spec.context_window - spec.max_output_tokens
    tokens = prompt_tokens(prompt)
    if tokens <= room:
        return None
    return SubAnswer(
        error=f"the prompt has about {tokens:,} tokens ({len(prompt):,} characters); the window of {spec.model} takes "
        f"{room:,} besides the reply. Nothing was sent: cut it with smart_chunk"
    )


def _kind(error: str) -> str:
    """Return what failures are counted by: what is the same for all of a kind."""
    return error.partition(":")[0] if error.startswith(("not sent:", "abandoned:")) else error


def _summary(
    answers: dict[str, SubAnswer], prompts: tuple[str, ...], before: Usage, after: Usage, seconds: float
) -> str:
    """Return the line that the REPL prints after a batch."""
    cost = "cost unknown"
    if after.cost_usd is not None and before.cost_usd is not None:
        cost = f"${after.cost_usd - before.cost_usd:.4f}"
    parts = [
        f"{len(prompts)} prompts",
        f"{after.calls - before.calls} calls",
        f"{(after.input_tokens - before.input_tokens) / 1000:.1f}k in",
        f"{(after.output_tokens - before.output_tokens) / 1000:.1f}k out",
        cost,
        f"{seconds:.1f} s",
    ]
    if cached := sum(answer.cached for answer in answers.values()):
        parts.append(f"{cached} known already")
    if truncated := sum(answer.truncated for answer in answers.values()):
        parts.append(f"{truncated} cut at the output limit")
    failures = [(number, answers[prompt].error) for number, prompt in enumerate(prompts) if answers[prompt].error]
    parts.append(f"{len(failures)} failed" + (f" (#{failures[0][0]}: {failures[0][1]})" if failures else ""))
    return f"[batch: {', '.join(parts)}]"
