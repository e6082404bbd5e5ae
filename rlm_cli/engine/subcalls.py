"""Answers llm_query and llm_query_batched: from questions of the REPL to calls of the sub-model, and back.

Covered: which model, equal prompts once, replies already known, prompts too large for the window, the count of
sub-calls, the batch side by side, its summary line. Every call passes through the Budget; nothing here retries.
"""

import functools
import time
from collections.abc import Generator, Iterator
from dataclasses import dataclass, replace

from rlm_cli.budget import Budget
from rlm_cli.engine.fan_out import fan_out
from rlm_cli.engine.progress import Progress
from rlm_cli.errors import CallTimedOut, LimitReached, ModelError
from rlm_cli.events import CallPath, Event, SubcallFailed, SubcallFinished, SubcallStarted
from rlm_cli.seams import Asked, ModelClient, SubAnswer, SubAnswers
from rlm_cli.tokens import prompt_tokens
from rlm_cli.types import Message, ModelSpec, Profile, Reply, Request, Usage

_HEAD = 200
"""Characters of a prompt that its event shows."""


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
            text=reply.text,
            truncated=reply.truncated,
            cached=reply.cached,
            seconds=seconds,
            usage=reply.usage,
        )

    def failed(self, error: str, seconds: float, usage: Usage | None = None) -> SubcallFailed:
        return SubcallFailed(path=self.path, error=error, seconds=seconds, usage=usage or Usage())


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
        requests = {prompt: Request("sub", spec, (Message("user", prompt),), spec.timeout) for prompt in asked.prompts}
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
            self.budget.count_cached("sub")
            yield calls[prompt].started()
            yield calls[prompt].finished(reply, 0.0)
            answers[prompt] = SubAnswer(reply.text, truncated=reply.truncated, cached=True)
        made = yield from self._call_all([calls[prompt] for prompt in fresh])
        answers |= zip(fresh, made, strict=True)
        summary = None
        if asked.batched:
            summary = _summary(answers, asked.prompts, before, self.budget.usage(), time.monotonic() - started)
        return SubAnswers(tuple(answers[prompt] for prompt in asked.prompts), summary=summary)

    def _spec(self, model: str | None) -> ModelSpec | None:
        if model is None or model in ("sub", self.profile.sub.model):
            return self.profile.sub
        return self.profile.root if model in ("root", self.profile.root.model) else None

    def _call_all(self, calls: list[_Call]) -> Generator[Event, None, list[SubAnswer]]:
        """Make calls side by side, as far as the limits allow. Each start that was yielded gets exactly one end."""
        jobs = [functools.partial(self._call, call) for call in calls]
        stream = fan_out(jobs, self.budget.limits.concurrency, self.budget.seconds_left)
        started: dict[CallPath, float] = {}
        try:
            values = yield from _watch(stream, started)
        except KeyboardInterrupt:
            yield from self._abandon(calls, started, "interrupted")
            raise
        if None in values:
            limit = self.budget.time_is_up()
            yield from self.progress.meet(limit, calls[0].path, ends=True)
            yield from self._abandon(calls, started, str(limit))
        return [value or SubAnswer(error=f"abandoned: {self.progress.ending}") for value in values]

    def _abandon(self, calls: list[_Call], started: dict[CallPath, float], why: str) -> Generator[Event, None, None]:
        """Give up the calls that are still open: whatever becomes of them reaches nobody."""
        self.budget.write_off_open()
        for call in calls:
            if call.path in started:
                yield call.failed(f"abandoned: {why}", time.monotonic() - started[call.path])

    def _call(self, call: _Call) -> Generator[Event, None, SubAnswer]:
        try:
            if self.progress.ending is not None:
                raise self.progress.ending
            reservation = self.budget.admit(call.request)
        except LimitReached as refusal:
            self.budget.return_subcalls(1)
            yield from self.progress.meet(refusal, call.path, ends=True)
            return SubAnswer(error=f"not sent: {refusal}")
        self.progress.depth = max(self.progress.depth, call.path.depth)
        yield call.started()
        begun = time.monotonic()
        request = replace(call.request, timeout=min(call.request.timeout, self.budget.seconds_left()))
        try:
            reply = self.client.complete(request)
        except ModelError as error:
            if isinstance(error, CallTimedOut) and request.timeout < call.request.timeout:
                # It was the run's time that was too short, not the model's.
                yield from self.progress.meet(self.budget.time_is_up(), call.path, ends=True)
            used = error.usage or (Usage() if error.outcome_known else None)
            self.budget.settle(reservation, used)
            self.progress.failed[str(error)] += 1
            yield call.failed(str(error), time.monotonic() - begun, error.usage)
            return SubAnswer(error=str(error))
        self.budget.settle(reservation, reply.usage)
        yield call.finished(reply, time.monotonic() - begun)
        return SubAnswer(reply.text, truncated=reply.truncated)


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


def _watch(
    stream: Generator[Event, None, list[SubAnswer | None]], started: dict[CallPath, float]
) -> Generator[Event, None, list[SubAnswer | None]]:
    """Pass a stream on, keeping in `started` the sub-calls that have begun and not ended."""
    while True:
        try:
            event = next(stream)
        except StopIteration as end:
            values: list[SubAnswer | None] = end.value
            return values
        if isinstance(event, SubcallStarted):
            started[event.path] = time.monotonic()
        elif isinstance(event, SubcallFinished | SubcallFailed):
            started.pop(event.path, None)
        yield event


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
