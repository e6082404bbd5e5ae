"""Runs one cell: the REPL computes and asks, this answers, until the cell is over.

Covered: sub-calls, claims, findings and budget() asked by code; a cell that hangs or kills its session. A failing block
is not an error here but what the cell came to.
"""

import functools
from collections.abc import Generator, Mapping
from dataclasses import dataclass, field, replace

from rlm_cli.budget import Budget
from rlm_cli.context import Context
from rlm_cli.engine import in_form
from rlm_cli.engine.answer_form import fitted, refused
from rlm_cli.engine.children import Children
from rlm_cli.engine.depth import NO_FINDINGS
from rlm_cli.engine.progress import Progress
from rlm_cli.engine.prompts import closing_line
from rlm_cli.engine.replay import Replay
from rlm_cli.engine.session import Session
from rlm_cli.engine.subcalls import Numbers, Subcalls
from rlm_cli.errors import CellTimedOut, ReplDied, RlmError
from rlm_cli.events import CallPath, CodeFinished, CodeStarted, Event, FindingReported
from rlm_cli.findings import Refusal, check_claim, unverified
from rlm_cli.places import place_name
from rlm_cli.results import Citation
from rlm_cli.seams import (
    Asked,
    BudgetTold,
    Cell,
    CellFinished,
    ClaimChecked,
    Claimed,
    Delegated,
    FromRepl,
    Reported,
    SubAnswers,
    ToRepl,
    refusal,
)
from rlm_cli.types import Rule

QUESTIONS = 10_000
"""That one cell may ask, those included that cost nothing: code may be made to fill our disk and memory with them."""
_INSISTENCE = 1_000
"""Refusals after which code that goes on asking is stopped with its session."""
CITATIONS = 2_000
"""That one run records."""


@dataclass(slots=True)
class _Running:
    """A cell under way."""

    here: CallPath
    last_word: bool
    numbers: Numbers = field(default_factory=Numbers)
    questions: int = 0
    """How many it has asked; a batch counts as many as it has prompts."""
    refusals: int = 0
    evidence: list[Citation] = field(default_factory=list)
    """What FINAL has given, until it is accepted."""


@dataclass(frozen=True, slots=True)
class Cells:
    """Runs the cells of one run."""

    session: Session
    subcalls: Subcalls
    children: Children
    context: Context
    budget: Budget
    progress: Progress
    replay: Replay
    rules: Mapping[str, Rule]
    schema: str | None = None
    """That the answer has to fit."""

    def run(self, cell: Cell, here: CallPath, last_word: bool = False) -> Generator[Event, None, CellFinished]:
        """Run `cell` and return what it came to, also when the session had to be replaced.

        Raises SandboxError when there is no session any more.
        """
        try:
            yield CodeStarted(path=here, blocks=cell.blocks)
            finished = yield from self._converse(cell, here, last_word)
        except (KeyboardInterrupt, RlmError) as error:
            why = str(error) or "interrupted"
            yield CodeFinished(path=here, output="", error=why, seconds=self.session.seconds)
            raise
        for name in finished.tampered:
            self.progress.warnings[f"the model's code had overwritten {name}; it was restored"] = None
        yield CodeFinished(
            path=here,
            output=finished.output,
            error=finished.error,
            seconds=self.session.seconds,
            tampered=finished.tampered,
        )
        return finished

    def _converse(self, cell: Cell, here: CallPath, last_word: bool) -> Generator[Event, None, CellFinished]:
        running = _Running(here, last_word)
        try:
            self.session.send(cell, functools.partial(self._seconds_left, last_word))
            while not isinstance(message := self.session.receive(), CellFinished):
                running.questions += _number(message)
                if running.questions > QUESTIONS:
                    running.refusals += 1
                    if running.refusals > _INSISTENCE:
                        raise ReplDied(f"its code asked more than {QUESTIONS:,} questions in one cell")
                    self.session.answer(
                        refusal(message, f"one cell may ask {QUESTIONS:,} questions; go on in the next")
                    )
                else:
                    self.session.answer((yield from self._answer(message, running)))
        except (CellTimedOut, ReplDied) as error:
            hint = f"\nHint: {error.hint}" if error.hint else ""
            if last_word:  # there is no cell after it
                return CellFinished("", 0, f"{error}{hint}", None, self.progress.variables)
            self.progress.warnings[f"iteration {cell.number}: {error}; the session was replaced"] = None
            # With the last word's time too: without what was found there is nothing to say in it.
            aftermath = self.session.recover(functools.partial(self._seconds_left, last_word=True))
            return CellFinished("", 0, f"{error}. {aftermath}{hint}", None, self.progress.variables)
        self.progress.variables, self.progress.sizes = message.variables, message.sizes
        if message.final is not None and not last_word:
            try:
                message = replace(message, final=fitted(message.final, self.schema))
            except ValueError as why:
                return replace(message, final=None, error=refused(why))
        if message.final is not None:
            self.progress.citations.update(dict.fromkeys(running.evidence))
        return message

    def _answer(self, question: FromRepl, running: _Running) -> Generator[Event, None, ToRepl]:
        if isinstance(question, Asked):
            with self.session.counted():
                why = in_form.refusal(question.schema)
            if why is not None:
                return SubAnswers(refused=why)
            return (yield from self.subcalls.answer(question, running.here, running.numbers))
        if isinstance(question, Delegated):
            return (yield from self.children.answer(question, running.here, running.numbers))
        if isinstance(question, Claimed):
            with self.session.counted():
                checked = self._check(question, running.last_word)
            if isinstance(checked, Refusal):
                return ClaimChecked(refused=checked.reason)
            known = checked in self.progress.citations
            if not known and len(self.progress.citations) + len(running.evidence) >= CITATIONS:
                if not running.last_word:
                    return ClaimChecked(refused=f"{CITATIONS:,} quotes are recorded; more than that nobody will check")
                self.progress.warnings[f"more than {CITATIONS:,} quotes were given; the others are left out"] = None
                return ClaimChecked(place_name(replace(checked, page_label=None)))
            if question.final:
                running.evidence.append(checked)
            else:
                self.progress.citations[checked] = None
            return ClaimChecked(place_name(replace(checked, page_label=None)))
        if isinstance(question, Reported):
            if running.here.depth:
                return ClaimChecked(refused=NO_FINDINGS)
            with self.session.counted():
                told, finding = self.progress.found.report(self.context, self.rules, question)
            if finding is not None:
                yield FindingReported(path=running.here, finding=finding)
            return told
        place = f"{running.here} budget {running.questions}"
        most = self.subcalls.profile.limits.max_iterations
        return BudgetTold(self.replay.told(place, closing_line(self.progress.iterations, self.budget, most)))

    def _seconds_left(self, last_word: bool) -> float:
        # A child has nothing to store for a last word: whoever asked it has, and waits.
        return self.budget.seconds_left() if self.children.nested else self.budget.cell_seconds_left(last_word)

    def _check(self, claim: Claimed, last_word: bool) -> Citation | Refusal:
        checked = check_claim(self.context, claim.place, claim.quote)
        if isinstance(checked, Refusal) and last_word:
            # It cannot be asked again: the answer goes out with this claim marked as not verified.
            return unverified(self.context, claim.place, claim.quote)
        return checked


def _number(question: FromRepl) -> int:
    """Return how many are asked at once."""
    if isinstance(question, Asked):
        return len(question.prompts)
    return len(question.tasks) if isinstance(question, Delegated) else 1
