"""The one reply that answers: asked for, taken apart, checked, and asked for again where it holds no answer.

Covered: empty and cut replies, a schema that has to be kept, evidence, findings, what a limit leaves. Not covered: what
the request holds (direct.py, map_reduce.py).
"""

import re
from collections.abc import Generator
from dataclasses import dataclass

from rlm_cli.amounts import counted
from rlm_cli.engine import reading
from rlm_cli.engine.conclusion import STOP_REASONS, Conclusion
from rlm_cli.engine.evidence import Parted, cited, parted, without_thoughts
from rlm_cli.engine.history import History
from rlm_cli.engine.progress import Progress
from rlm_cli.engine.root_model import RootModel
from rlm_cli.engine.subcalls import Subcalls
from rlm_cli.errors import LimitReached
from rlm_cli.events import AnswerGiven, CallPath, Event, IterationStarted
from rlm_cli.results import Status, StopReason
from rlm_cli.schemas import canonical, parse
from rlm_cli.seams import Final
from rlm_cli.task import Task
from rlm_cli.types import Reply

_AGAIN = 2
"""Times that a reply is asked for again which does not fit the schema."""
_JSON_FENCE = re.compile(r"^[ \t]*```json[ \t]*$", re.MULTILINE | re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class _Misfit:
    """A reply that is not what was asked for."""

    told: str
    """What the model is told."""
    why: str
    """What the reader is, where nothing better comes."""


@dataclass(slots=True)
class Answering:
    """Gets the answer of one run from its root model. Each reply is an iteration."""

    task: Task
    path: CallPath
    progress: Progress
    root: RootModel
    subcalls: Subcalls
    conclusion: Conclusion

    def answer(
        self, history: History, lacking: bool = False, begun: bool = False
    ) -> Generator[Event, None, tuple[Status, StopReason]]:
        """Ask until there is an answer. `lacking`: the request does not hold all that it should, and a warning says so;
        `begun`: the iteration has been.
        """
        best, misfits = "", 0
        first = number = self.progress.iterations + (not begun)
        while True:
            here = self.path.iteration(number)
            try:
                reply = yield from self._ask(history, here, number, begun and number == first)
            except LimitReached as limit:
                yield from self.progress.meet(limit, here, ends=True)
                return (yield from self.leave(best))
            judged = self._judged(reply)
            if isinstance(judged, Parted):
                break
            misfits += bool(reply.text.strip())
            best = reply.text.strip() or best
            history.add(reply.text, judged.told, judged.told)
            if best and (misfits > _AGAIN or not self._fits(history)):
                self.progress.warnings[judged.why] = None
                judged, lacking = Parted(best), True
                break
            number += 1
        if reply.truncated:
            most = self.root.spec.max_output_tokens
            self.progress.warnings[f"the answer was cut at the output limit of {most:,} tokens: its end is missing"] = (
                None
            )
        self._cite(judged)
        answer = Final(judged.answer, judged.doubt)
        told = without_thoughts(reply.text) if self.task.findings else None
        return (yield from self.conclusion.finish(answer, self.subcalls, told, lacking or reply.truncated))

    def _ask(self, history: History, here: CallPath, number: int, begun: bool) -> Generator[Event, None, Reply]:
        most = self.subcalls.budget.limits.max_iterations
        if number > most:
            raise LimitReached("max_iterations", f"all {most} iterations are used")
        # There is no word after this one, so nothing is kept back for it.
        call = yield from self.root.admit(history, here, last_word=True)
        if not begun:
            yield IterationStarted(path=here, number=number)
            self.progress.iterations = number
        reply = yield from self.root.reply(call, here)
        self.progress.note_seen(call.request.messages[1].text)
        self.progress.note_stand_in(self.root.spec, reply)
        return reply

    def _judged(self, reply: Reply) -> Parted | _Misfit:
        text = without_thoughts(reply.text)
        if not text.strip():
            return _Misfit(reading.CUT_EMPTY if reply.truncated else reading.EMPTY, "the reply held no answer")
        if self.task.schema is not None:
            try:
                return Parted(canonical(parse(self.task.schema, text)))
            except ValueError as error:
                return _Misfit(
                    reading.misfit(str(error), reply.truncated), f"the answer does not fit the schema: {error}"
                )
        found = Parted(_summary(text)) if self.task.findings else parted(self.task.context, text, reply.truncated)
        return found if found.answer else _Misfit(reading.EMPTY, "the reply held evidence and no answer")

    def _cite(self, answer: Parted) -> None:
        """Record the evidence, and say how much of it does not stand in the text."""
        if answer.unread:
            self.progress.warnings["evidence stands in the middle of the reply: it was not checked"] = None
        evidence = list(cited(self.task.context, answer.claims))
        self.progress.citations.update(dict.fromkeys(evidence))
        if missing := sum(not each.verified for each in evidence):
            of = f"{missing:,} of {counted(len(evidence), 'quote')} given as evidence"
            self.progress.warnings[f"{of} cannot be found in the text"] = None
        if beyond := len(answer.claims) - len(evidence):
            self.progress.warnings[f"{counted(beyond, 'quote')} more were given as evidence: they are left out"] = None

    def _fits(self, history: History) -> bool:
        window = self.root.spec.context_window
        return window is None or history.tokens() + self.root.spec.max_output_tokens <= window

    def leave(self, best: str = "") -> Generator[Event, None, tuple[Status, StopReason]]:
        """End with what there is when a limit allows no further request."""
        ending = self.progress.ending
        assert ending is not None
        if best:
            self.progress.answer = best
            yield AnswerGiven(path=self.path, answer=best, doubt=None)
        yield from self.conclusion.check_findings(self.subcalls)
        return "partial", STOP_REASONS[ending.limit]


def _summary(reply: str) -> str:
    """Return a reply without the fence of findings that closes it; all of it where nothing else is in it."""
    last = next(reversed([*_JSON_FENCE.finditer(reply)]), None)
    if last is None:
        return reply.strip()
    _, _, tail = reply[last.end() :].partition("\n```")
    before = reply[: last.start()].strip()
    return before if before and not tail.strip() else reply.strip()
