"""How a run comes to its end, whichever way it was answered: the answer is given, the findings are checked.

Covered: what makes a run with an answer incomplete. Not covered: how it came to the answer (loop.py, direct.py).
"""

from collections import Counter
from collections.abc import Generator, Mapping
from dataclasses import dataclass

from rlm_cli.amounts import counted
from rlm_cli.context import Context
from rlm_cli.engine.progress import Progress
from rlm_cli.engine.subcalls import Subcalls
from rlm_cli.engine.verification import left_unchecked, verify
from rlm_cli.errors import LimitReached
from rlm_cli.events import AnswerGiven, CallPath, Event, FindingReported
from rlm_cli.results import Status, StopReason
from rlm_cli.seams import Final
from rlm_cli.task import Task
from rlm_cli.types import Rule

STOP_REASONS: dict[str, StopReason] = {
    "max_cost": "max_cost",
    "max_tokens": "max_tokens",
    "max_iterations": "max_iterations",
    "timeout": "timeout",
}


@dataclass(frozen=True, slots=True)
class Conclusion:
    """The end of one run."""

    task: Task
    path: CallPath
    progress: Progress
    rules: Mapping[str, Rule]

    def finish(
        self, final: Final, subcalls: Subcalls, told: str | None = None, lacking: bool = False
    ) -> Generator[Event, None, tuple[Status, StopReason]]:
        """Accept the answer, and have the findings checked. A run that met a limit, could not read all its inputs, or
        could not keep or check all its findings, is not complete.

        `told`: the reply in which findings are named, where that is more than the answer; `lacking`: something else
        is, and a warning says what.
        """
        self.progress.answer, self.progress.doubt = final.answer, final.doubt
        yield AnswerGiven(path=self.path, answer=final.answer, doubt=final.doubt)
        if self._second_pass_follows():
            yield from self._take_named(told)
            self.progress.unrefined = True
            return "complete", "final"  # what was found is judged after it
        unchecked = yield from self.check_findings(subcalls, told)
        if self.task.profile.refine is not None and self.progress.ending is None:
            why = "no iteration was left for the second pass: this is the answer of the first"
            yield from self.progress.meet(LimitReached("max_iterations", why), self.path, ends=True)
            self.progress.warnings[why] = None
        lacking = bool(lacking or unchecked or self.progress.found.left_out)
        if self.progress.ending is not None:
            return "partial", STOP_REASONS[self.progress.ending.limit]
        unread = _unread(self.task.context)
        if unread:
            self.progress.warnings[f"not everything could be read: {unread}"] = None
        return ("partial" if unread or lacking else "complete"), "final"

    def check_findings(self, subcalls: Subcalls, told: str | None = None) -> Generator[Event, None, int]:
        """Have each finding, those that only the answer names too, judged by a sub-call of its own. Returns how many
        could not be.
        """
        here = self.path.iteration(0)  # after all iterations, as the last word
        yield from self._take_named(told)
        findings = self.progress.found.all()
        if not findings or not self.task.verify:
            return 0
        yield from verify(findings, self.task.context, self.rules, subcalls, here, self.progress.found.judge)
        unchecked = [each for each in self.progress.found.all() if each.verdict == "unchecked"]
        if unchecked:
            why = unchecked[0].reason
            self.progress.warnings[f"{counted(len(unchecked), 'finding')} could not be checked: {why}"] = None
        return len(unchecked)

    def _take_named(self, told: str | None) -> Generator[Event, None, None]:
        if self.task.findings:
            text = self.progress.answer if told is None else told
            for finding in self.progress.found.take_named(self.task.context, self.rules, text):
                yield FindingReported(path=self.path.iteration(0), finding=finding)

    def _second_pass_follows(self) -> bool:
        if self.task.profile.refine is None or self.progress.ending is not None:
            return False
        return self.progress.iterations < self.task.profile.limits.max_iterations

    def leave_unchecked(self, why: str) -> None:
        """Say of the findings that nobody has come to judge that it is so, and why."""
        for each in self.progress.found.all():
            if each.verdict == "unchecked" and each.reason is None:
                self.progress.found.judge(left_unchecked(each, why))


def _unread(context: Context) -> str:
    """Return what should have been read and could not be, counted by reason; "" when there is nothing."""
    reasons = Counter(each.reason for each in context.skipped if each.failed)
    named = [f"{number:,} {reason}" for reason, number in reasons.most_common()]
    pages = sum(len(each.unreadable) for each in context.documents)
    return ", ".join([*named, *([f"{pages:,} damaged page{'s' * (pages != 1)}"] if pages else [])])
