"""The loop: ask the root model, run its code, tell it what came of it, until it answers or a limit ends the run.

A plain generator of events whose return value is the Result: it prints nothing and knows no file, no provider and no
terminal. What a limit or a failure leaves is a Result too; the only thing that is raised is a defect.
"""

from collections.abc import Callable, Generator
from contextlib import suppress
from dataclasses import dataclass, field

from rlm_cli.budget import Budget
from rlm_cli.context import Context
from rlm_cli.engine import prompts
from rlm_cli.engine.answer_form import fitted, refused, taken_anyway
from rlm_cli.engine.answering import Answering
from rlm_cli.engine.cells import Cells
from rlm_cli.engine.children import Beside, Children
from rlm_cli.engine.compaction import Compaction
from rlm_cli.engine.conclusion import STOP_REASONS, Conclusion
from rlm_cli.engine.coverage import Seen
from rlm_cli.engine.depth import Nested
from rlm_cli.engine.families import system_prompt
from rlm_cli.engine.history import History
from rlm_cli.engine.opening import context_loaded, refinement_started, run_started
from rlm_cli.engine.parsing import ProseFinal, parse
from rlm_cli.engine.progress import Progress
from rlm_cli.engine.readings import READINGS
from rlm_cli.engine.refining import cited, second_task
from rlm_cli.engine.replay import NoJournal, Replay
from rlm_cli.engine.root_model import RootModel
from rlm_cli.engine.session import Session
from rlm_cli.engine.subcalls import Subcalls
from rlm_cli.engine.tally import Tally
from rlm_cli.errors import LimitReached, ModelError, Refused, RlmError, SandboxError
from rlm_cli.events import (
    ROOT,
    AnswerGiven,
    CallPath,
    Event,
    IterationStarted,
    RunFinished,
)
from rlm_cli.results import Result, Status, StopReason
from rlm_cli.rules import rules_of
from rlm_cli.seams import Cell, CellFinished, Final, Journal, ModelClient, Repl
from rlm_cli.task import Task
from rlm_cli.types import Reply

_REPL_VALUES = ("context", "documents", "files", "out")
"""Names of the REPL that hold values: FINAL(context) in prose does not mean the word."""


@dataclass(frozen=True, slots=True)
class _Outcome:
    """What one root reply came to."""

    cell: CellFinished | None
    notes: list[str]
    final: Final | None


@dataclass(frozen=True, slots=True)
class Engine:
    """Answers questions with a root model, a sub-model and a REPL, within one budget."""

    client: ModelClient
    open_repl: Callable[[Context], Repl]
    budget: Budget
    journal: Journal = field(default_factory=NoJournal)
    beside: Beside = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "beside", Beside(self.budget.limits.concurrency))

    def run(self, task: Task, path: CallPath = ROOT, nested: Nested | None = None) -> Generator[Event, None, Result]:
        """Answer `task`; every transition is yielded, the last event is RunFinished.

        `nested`: it is a run within one, at the path of a sub-call. That shares the budget; its SandboxError is raised,
        since it ends all runs.
        """
        run = _Run(self, task, path, nested)
        error: RlmError | None = None
        try:
            yield run_started(task, path)
            status, stop_reason = yield from run.spent.of(self.passes(run))
        except KeyboardInterrupt:
            status, stop_reason = "interrupted", "interrupted"
        except Refused as refused:
            status, stop_reason, error = "partial", "refused", refused
        except RlmError as failure:
            status, stop_reason, error = "failed", "error", failure
        if task.verify and (error is not None or status == "interrupted"):
            run.conclusion.leave_unchecked(str(error or "the run was interrupted"))
        with suppress(KeyboardInterrupt):  # nothing is begun any more
            if nested is None:
                yield from run.replay.finish(path)
        if not task.context.is_intact():
            status, stop_reason = "failed", "error"
            error = SandboxError("the context was changed during the run: its answer cannot be trusted", "run it again")
        result = run.progress.result(status, stop_reason, task.context, self.budget, error, nested is not None)
        with suppress(KeyboardInterrupt):  # it comes too late: the run is over
            yield RunFinished(
                path=path,
                status=status,
                stop_reason=stop_reason,
                answer=result.answer,
                error=str(error) if error else None,
                hint=error.hint if error else None,
                warnings=result.warnings,
                failed_subcalls=result.failed_subcalls,
                citations=result.citations,
                findings=result.findings,
                rejected_findings=result.rejected_findings,
                coverage=result.coverage,
                usage=result.usage if nested is None else run.spent.usage,
            )
        if nested is not None and isinstance(error, SandboxError):
            raise error
        return result

    def passes(self, first: "_Run") -> Generator[Event, None, tuple[Status, StopReason]]:
        """Answer, and where the profile says so have stronger models answer again, with what the first pass came to.

        When they give no answer, the first one holds.
        """
        task, progress = first.task, first.progress
        ended = yield from first.answer()
        if not progress.unrefined:
            return ended
        evidence, findings = tuple(progress.citations), progress.found.all()
        second = second_task(task, progress.answer, progress.doubt, evidence, findings)
        yield refinement_started(second, first.path, len(cited(task.context, progress.answer, evidence, findings)))
        before = progress.put_by()
        try:
            return (yield from _Run(self, second, first.path, first=first).answer())
        finally:
            progress.fall_back_on(before)


class _Run:
    """One run under way: its history, its REPL and its progress."""

    def __init__(
        self, engine: Engine, task: Task, path: CallPath, nested: Nested | None = None, first: "_Run | None" = None
    ) -> None:
        """`first`: the pass before this one, which goes on with what that has come to."""
        self.engine, self.task, self.path, self.nested = engine, task, path, nested
        self.budget, self.spent = engine.budget, Tally()
        self.rules = rules_of(task.profile)
        seen = nested.seen if nested is not None else Seen() if task.findings else None
        mine = Progress(engine.budget, warnings=dict.fromkeys(task.warnings), seen=seen)
        self.progress: Progress = first.progress if first is not None else mine
        note = prompts.changed(task.changed) if task.changed is not None else None
        live = Replay(engine.journal, engine.budget, task.profile, self.progress.warnings, note)
        before = first or nested
        self.replay: Replay = before.replay if before is not None else live
        self.conclusion = Conclusion(task, path, self.progress, self.rules)
        role = nested.role if nested is not None else "root"
        schema = task.schema if task.strategy != "rlm" else None
        self.root = RootModel(engine.client, task.profile.root, engine.budget, self.replay, role, schema)
        self.compaction = Compaction(self.root, self.progress)

    def answer(self) -> Generator[Event, None, tuple[Status, StopReason]]:
        """Come to an answer, by the task's strategy."""
        return (yield from (self.explore() if self.task.strategy == "rlm" else self.read()))

    def read(self) -> Generator[Event, None, tuple[Status, StopReason]]:
        """Answer without a session, by a model that reads the text or notes on it."""
        subcalls = Subcalls(self.engine.client, self.task.profile, self.budget, self.progress, self.replay)
        answering = Answering(self.task, self.path, self.progress, self.root, subcalls, self.conclusion)
        return (yield from READINGS[self.task.strategy](answering))

    def explore(self) -> Generator[Event, None, tuple[Status, StopReason]]:
        """Iterate until there is an answer; past a limit, give the root model its last word."""
        limits = self.task.profile.limits
        with Session(self.engine.open_repl, self.task.context, limits.cell_timeout) as session:
            yield context_loaded(self.task.context, self.path, session.facts)
            subcalls = Subcalls(self.engine.client, self.task.profile, self.budget, self.progress, self.replay)
            children = Children(self.engine.run, self.task, self.path, self.nested, subcalls, self.engine.beside)
            cells = Cells(
                session,
                subcalls,
                children,
                self.task.context,
                self.budget,
                self.progress,
                self.replay,
                self.rules,
                self.task.schema,
            )
            first = prompts.first_message(self.task, session.facts, self.path)
            begin = self.progress.iterations + 1
            closing = prompts.closing_line(begin, self.budget, limits.max_iterations)
            system = system_prompt(self.root.spec, self.task.profile.prompts, child=self.path.depth > 0)
            place = f"{self.path}{' second' * (begin > 1)}"
            history = History(system, self.replay.told(place, f"{first}\n\n{closing}"))
            for number in range(begin, limits.max_iterations + 1):
                here = self.path.iteration(number)
                try:
                    reply = yield from self.iterate(history, here, number)
                    outcome = yield from self.execute(cells, reply, here, number)
                except LimitReached as limit:
                    yield from self.progress.meet(limit, here, ends=True)
                    break
                if outcome.final is not None:
                    return (yield from self.conclusion.finish(outcome.final, subcalls))
                text = prompts.outcome(number, outcome.cell, outcome.notes)
                closing = prompts.closing_line(number + 1, self.budget, limits.max_iterations)
                closing = self.replay.told(here, closing)
                history.add(reply.text, f"{text}\n\n{closing}", f"{prompts.folded(number, outcome.cell)}\n\n{closing}")
                if self.progress.ending is not None:
                    break
            else:
                reached = LimitReached("max_iterations", f"all {limits.max_iterations} iterations are used")
                yield from self.progress.meet(reached, self.path, ends=True)
            if self.nested is not None and self.budget.ended is not None:
                return "partial", STOP_REASONS[self.budget.ended.limit]  # the root run alone has a last word then
            ended = yield from self.last_word(cells, history)
            yield from self.conclusion.check_findings(subcalls)
            return ended

    def iterate(self, history: History, here: CallPath, number: int) -> Generator[Event, None, Reply]:
        """Ask the root model for its next reply. Raises LimitReached when no further call is admitted."""
        yield from self.compaction.make_room(history, here)
        call = yield from self.root.admit(history, here)
        yield IterationStarted(path=here, number=number)
        self.progress.iterations = number
        reply = yield from self.root.reply(call, here)
        self.progress.note_seen(call.request.messages[-1].text)
        self.progress.note_stand_in(self.root.spec, reply)
        return reply

    def execute(
        self, cells: Cells, reply: Reply, here: CallPath, number: int, last_word: bool = False
    ) -> Generator[Event, None, _Outcome]:
        """Run the reply's code and find its answer, by the rules for FINAL in code and in prose."""
        parsed = parse(reply.text)
        blocks, notes = list(parsed.blocks), []
        if reply.truncated and parsed.unclosed:
            blocks.pop()
            notes.append(prompts.CUT_CODE)
        final: Final | None = None
        if parsed.final is not None:
            judged = self.judge(parsed.final, beside_code=bool(blocks), truncated=reply.truncated, last_word=last_word)
            if isinstance(judged, Final):
                final = judged
            elif isinstance(judged, ProseFinal):
                blocks.append(f"FINAL_VAR({judged.value!r})")
            else:
                notes.append(judged)
        if not blocks:
            if final is None and not notes:
                notes.append(prompts.no_code(parsed, reply.truncated))
            return _Outcome(None, notes, final)
        cell = yield from cells.run(Cell(number, tuple(blocks)), here, last_word)
        return _Outcome(cell, notes, cell.final or final)

    def judge(self, said: ProseFinal, beside_code: bool, truncated: bool, last_word: bool) -> Final | ProseFinal | str:
        """Decide about a FINAL outside code: the answer, a variable to be asked for in code, or why it is refused."""
        names_variable = said.value in (*self.progress.variables, *_REPL_VALUES)
        if said.kind == "variable" or (last_word and names_variable):
            return said
        if not said.value:
            return prompts.EMPTY_FINAL
        if last_word:
            return Final(said.value)
        if beside_code:
            return prompts.UNSEEN
        if truncated:
            return prompts.CUT_FINAL
        if names_variable:
            return prompts.names_a_variable(said.value)
        try:
            return fitted(Final(said.value), self.task.schema)
        except ValueError as why:
            return refused(why)

    def last_word(self, cells: Cells, history: History) -> Generator[Event, None, tuple[Status, StopReason]]:
        """Ask once more for what was found so far, paid from what was kept back; its code runs without sub-calls."""
        ending = self.progress.ending
        assert ending is not None
        history.append_to_last(prompts.last_word(str(ending)))
        here = self.path.iteration(0)
        yield from self.compaction.make_room(history, here, summarises=False)
        try:
            # A child has met its own limit alone: this is a call like any other.
            call = yield from self.root.admit(history, here, last_word=self.nested is None)
            reply = yield from self.root.reply(call, here)
        except (LimitReached, ModelError) as error:
            self.progress.warnings[f"no last word: {error}"] = None
            if self.nested is not None and isinstance(error, LimitReached):
                yield from self.progress.meet(error, here, ends=True)
        else:
            self.progress.note_seen(call.request.messages[-1].text)
            outcome = yield from self.execute(cells, reply, here, 0, last_word=True)
            if outcome.cell is not None and outcome.cell.error is not None:
                self.progress.warnings[f"the code of the last word failed: {outcome.cell.error}"] = None
            # Without FINAL what the model says outside code is the best there is.
            final = outcome.final or Final(parse(reply.text).words)
            if final.answer:
                try:
                    final = fitted(final, self.task.schema)
                except ValueError as why:
                    self.progress.warnings[taken_anyway(why)] = None
                    if self.task.earlier is not None:  # then the first pass's answer, which fits, is better
                        return "partial", STOP_REASONS[ending.limit]
                self.progress.answer, self.progress.doubt = final.answer, final.doubt
                yield AnswerGiven(path=here, answer=final.answer, doubt=final.doubt)
        return "partial", STOP_REASONS[ending.limit]
