"""Answers rlm_query and rlm_query_batched: each question, over a text of its own, is a run within the run.

Covered: what may be opened, the count, children side by side in threads, what becomes of them when time is up or the
user interrupts, what of theirs belongs to the run that asked. What a child does is the loop's business: it is the same.
"""

import functools
import hashlib
import threading
import time
from collections.abc import Callable, Generator
from contextlib import closing
from dataclasses import dataclass, field

from rlm_cli.amounts import counted
from rlm_cli.engine.batch_summary import failed, kind, used
from rlm_cli.engine.child_context import given
from rlm_cli.engine.depth import Nested, child_task, opens
from rlm_cli.engine.fan_out import fan_out
from rlm_cli.engine.open_ends import OpenEnds
from rlm_cli.engine.subcalls import Numbers, Subcalls
from rlm_cli.engine.tally import Tally, watched
from rlm_cli.errors import InputError, LimitReached, RlmError
from rlm_cli.events import CallPath, Event, SubcallFailed, SubcallFinished, SubcallStarted
from rlm_cli.results import Result
from rlm_cli.seams import Asked, Delegated, SubAnswer, SubAnswers
from rlm_cli.task import Task
from rlm_cli.types import Usage

_HEAD = 200
"""Characters of a question that its event shows."""
RunTask = Callable[[Task, CallPath, Nested], Generator[Event, None, Result]]


@dataclass(slots=True)
class Beside:
    """How many children run side by side, in all runs together: each has a process of its own.

    One child at a time anybody may open, or runs that wait for their children would wait for each other.
    """

    most: int
    _taken: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def take(self, wanted: int) -> int:
        """Take up to `wanted` places beside the one that everybody has."""
        with self._lock:
            got = max(0, min(wanted, self.most - 1 - self._taken))
            self._taken += got
            return got

    def give(self, number: int) -> None:
        with self._lock:
            self._taken -= number


@dataclass(frozen=True, slots=True)
class _Opening:
    """A child to be."""

    path: CallPath
    question: str
    text: str
    place: int | None

    @property
    def key(self) -> str:
        """Name what is asked, and of what (hex)."""
        digest = hashlib.sha256(f"{len(self.question)} {self.question}".encode())
        digest.update(self.text.encode())
        return digest.hexdigest()


@dataclass(frozen=True, slots=True)
class _Came:
    answer: SubAnswer
    result: Result | None = None
    """None: no child was opened."""


@dataclass(frozen=True, slots=True)
class Children:
    """Opens the child runs of one run."""

    run: RunTask
    task: Task
    path: CallPath
    nested: Nested | None
    """None: of the root run."""
    subcalls: Subcalls
    beside: Beside

    def answer(self, delegated: Delegated, here: CallPath, numbers: Numbers) -> Generator[Event, None, SubAnswers]:
        """Open the children of one rlm_query or batch in the iteration `here`."""
        if not opens(self.task.profile.limits, self.path):
            prompts = tuple(f"{question}\n\n{text}" for question, text in delegated.tasks)
            return (yield from self.subcalls.answer(Asked(prompts, None, delegated.batched), here, numbers))
        progress = self.subcalls.progress
        if progress.ending is not None:
            return SubAnswers(refused=f"{progress.ending}. The run is ending: no child run is opened any more")
        numbers.asked += 1
        places = delegated.places or (None,) * len(delegated.tasks)
        pairs = dict(zip(delegated.tasks, places, strict=True))
        openings = {
            pair: _Opening(here.subcall(number), *pair, place)
            for number, (pair, place) in enumerate(pairs.items(), numbers.next)
        }
        if (why := (yield from self._take(len(openings), here, numbers))) is not None:
            return SubAnswers(refused=why)
        numbers.next += len(openings)
        since, spent = time.monotonic(), Tally()
        came = yield from spent.of(self._open(list(openings.values()), here))
        answers = dict(zip(openings, came, strict=True))
        slots = tuple(answers[pair] for pair in delegated.tasks)
        summary = None
        if delegated.batched:
            parts = [f"{counted(len(slots), 'question')}", f"{counted(len(openings), 'child run')}", *used(spent.usage)]
            summary = f"[batch: {', '.join([*parts, f'{time.monotonic() - since:.1f} s', failed(slots)])}]"
            summary = self.subcalls.replay.told(f"{here} batch {numbers.asked}", summary)
        return SubAnswers(slots, summary=summary)

    def _take(self, number: int, here: CallPath, numbers: Numbers) -> Generator[Event, None, str | None]:
        """Count the children as sub-calls, as they were counted if they are on record. Returns why they may not be."""
        replay, progress, budget = self.subcalls.replay, self.subcalls.progress, self.subcalls.budget
        refusing, opening = f"{here} refused {numbers.asked}", f"{here} opened {numbers.asked}"
        before = replay.told_before(refusing)
        if before is None and replay.told_before(opening) is not None:
            budget.count_subcalls(number)
            return None
        try:
            if before is not None:
                raise LimitReached("max_subcalls", before)
            budget.take_subcalls(number)
        except LimitReached as refusal:
            yield from progress.meet(refusal, here, ends=False)
            return replay.told(refusing, str(refusal))
        replay.told(opening, str(number))
        return None

    def _open(self, openings: list[_Opening], here: CallPath) -> Generator[Event, None, list[SubAnswer]]:
        """Run the children side by side. Each start that was yielded gets exactly one end."""
        budget, progress = self.subcalls.budget, self.subcalls.progress
        ends, others = OpenEnds(), self.beside.take(len(openings) - 1)
        jobs = [functools.partial(self._child, each) for each in openings]
        # Each child sees for itself when time is up, and has a moment to come to its end then.
        stream = fan_out(jobs, 1 + others, budget.seconds_left_for_children, in_step=True)
        try:
            values = yield from watched(stream, ends.see)
        except KeyboardInterrupt:
            budget.write_off_open()
            yield from ends.close("interrupted", "interrupted", "interrupted")
            raise
        except RlmError as error:
            yield from ends.close(str(error), "failed", "error")
            raise
        finally:
            self.beside.give(others)
            budget.return_subcalls(sum(each.path not in ends.begun for each in openings))
            progress.depth = max([progress.depth, *(path.depth for path in ends.begun)])
        if None in values:
            limit = budget.time_is_up()
            yield from progress.meet(limit, here, ends=True)
            yield from ends.close(str(limit), "partial", "timeout")
        answers = []
        for opening, value in zip(openings, values, strict=True):
            if value is None:
                how = "abandoned" if opening.path in ends.begun else "not opened"
                value = _Came(SubAnswer(error=f"{how}: {budget.time_is_up()}"))
            yield from self._take_over(opening.path, value, here)
            answers.append(value.answer)
        if budget.ended is not None and progress.ending is None:
            yield from progress.meet(budget.ended, here, ends=True)
        return answers

    def _child(self, opening: _Opening) -> Generator[Event, None, _Came]:
        """Open one child and run it to its end. Runs in a thread of its own, which the child's session needs."""
        budget, since = self.subcalls.budget, time.monotonic()
        if budget.ended is not None:
            return _Came(SubAnswer(error=f"not opened: {budget.ended}"))
        path, profile = opening.path, self.task.profile
        yield SubcallStarted(
            path=path,
            model=profile.sub.model,
            key=opening.key,
            prompt_characters=len(opening.question) + len(opening.text),
            prompt_head=opening.question[:_HEAD],
        )
        try:
            text = given(self.task.context, opening.text, opening.place)
            with closing(text.context):
                nested = Nested(self.subcalls.replay.of_child(opening.key, {}), self.subcalls.progress.seen)
                task = child_task(self.task, opening.question, text.context)
                result = yield from self.run(task, path, nested)
                answer = _answer(result, text.evidence(result) if result.status == "complete" else ())
        except RlmError as error:
            yield SubcallFailed(path=path, error=str(error), seconds=time.monotonic() - since, usage=Usage())
            if isinstance(error, InputError):  # there is no room for its text
                return _Came(SubAnswer(error=str(error)))
            raise
        seconds = time.monotonic() - since
        if answer.error is not None:
            yield SubcallFailed(path=path, error=answer.error, seconds=seconds, usage=Usage())
        else:
            yield SubcallFinished(
                path=path,
                model=profile.sub.model,
                text=answer.text or "",
                truncated=False,
                cached=False,
                seconds=seconds,
                usage=Usage(),
            )
        return _Came(answer, result)

    def _take_over(self, path: CallPath, came: _Came, here: CallPath) -> Generator[Event, None, None]:
        """Note of a child what the result of the whole run has to say."""
        progress = self.subcalls.progress
        if came.answer.error is not None:
            progress.failed[kind(came.answer.error)] += 1
        if came.result is None:
            return
        progress.failed.update(dict(came.result.failed_subcalls))
        progress.warnings.update(dict.fromkeys(f"child run {path}: {each}" for each in came.result.warnings))
        if "max_subcalls" in came.result.limits_reached:
            reached = LimitReached("max_subcalls", "the child run met the limit on sub-calls")
            yield from progress.meet(reached, here, ends=False)


def _answer(result: Result, evidence: tuple[tuple[int, str], ...]) -> SubAnswer:
    """Return what a child's result is to whoever asked."""
    if result.status == "complete":
        return SubAnswer(result.answer, evidence=evidence, doubt=result.doubt)
    partial = result.answer or None
    if result.error is not None:
        why = f"the child run failed: {result.error.message}"
    elif result.stop_reason == "max_iterations":
        why = f"the child run used all its {result.iterations} iterations without FINAL"
    else:
        why = f"the child run was ended: {result.stop_reason} is reached"
    return SubAnswer(error=f"{why}; .partial has its last word" if partial else why, partial=partial)
