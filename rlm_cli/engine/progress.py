"""What one run has come to so far, and how that becomes its Result."""

from collections import Counter
from collections.abc import Generator, Iterator
from dataclasses import dataclass, field

from rlm_cli.budget import Budget
from rlm_cli.context import Context
from rlm_cli.engine.coverage import Seen, coverage
from rlm_cli.engine.found import FINDINGS, Found
from rlm_cli.errors import LimitReached, RlmError
from rlm_cli.events import CallPath, Event
from rlm_cli.events import LimitReached as LimitEvent
from rlm_cli.references import references
from rlm_cli.results import Citation, Failure, Result, Status, StopReason
from rlm_cli.types import ModelSpec, Reply


@dataclass(frozen=True, slots=True)
class FirstAnswer:
    """What a first pass came to."""

    answer: str
    doubt: str | None
    citations: dict[Citation, None]


@dataclass(slots=True)
class Progress:
    """The changing state of a run beside its history and its REPL."""

    budget: Budget | None = None
    """That hears of a limit which ends all runs, of whatever depth."""
    iterations: int = 0
    depth: int = 0
    """The deepest that was reached: 1 once a sub-call was made."""
    citations: dict[Citation, None] = field(default_factory=dict)
    """Evidence in the order given, each once."""
    found: Found = field(default_factory=Found)
    seen: Seen | None = None
    """What the models were shown; None: nobody asks."""
    variables: tuple[str, ...] = ()
    """What the model's code has stored."""
    sizes: tuple[str, ...] = ()
    """Type and size of each of them, in the same order."""
    failed: Counter[str] = field(default_factory=Counter)
    """Error -> number of sub-calls that failed with it."""
    limits: dict[str, None] = field(default_factory=dict)
    """Limits met, in order."""
    ending: LimitReached | None = None
    """The limit that ends the run; from then on nothing is admitted but the last word."""
    warnings: dict[str, None] = field(default_factory=dict)
    answer: str = ""
    doubt: str | None = None
    unrefined: bool = False
    """The answer is a first pass's, and a second one is to follow."""

    def meet(self, limit: LimitReached, path: CallPath, ends: bool) -> Generator[Event, None, None]:
        """Note a limit; yields its event the first time. A limit on iterations ends nothing but this run."""
        if ends and self.ending is None:
            self.ending = limit
        if ends and limit.limit != "max_iterations" and self.budget is not None:
            self.budget.end(limit)
        if limit.limit not in self.limits:
            self.limits[limit.limit] = None
            yield LimitEvent(path=path, limit=limit.limit, message=str(limit))

    def put_by(self) -> "FirstAnswer":
        """Make room for a second pass; return the answer of the first."""
        first = FirstAnswer(self.answer, self.doubt, self.citations)
        self.answer, self.doubt, self.citations, self.variables, self.unrefined = "", None, {}, (), False
        return first

    def fall_back_on(self, first: "FirstAnswer") -> None:
        """Take the first pass's answer where the second gave none."""
        if not self.answer:
            self.answer, self.doubt, self.citations = first.answer, first.doubt, {**first.citations, **self.citations}
            self.warnings["the second pass gave no answer: this is the one of the first"] = None

    def note_seen(self, text: str) -> None:
        """Note a text that a model has replied to."""
        if self.seen is not None:
            self.seen.add(text)

    def note_stand_in(self, spec: ModelSpec, reply: Reply) -> None:
        """Warn of a reply that a fallback gave."""
        if reply.model is not None:
            self.warnings[f"{spec.model} failed, {reply.model} stood in for it"] = None

    def result(
        self,
        status: Status,
        stop_reason: StopReason,
        context: Context,
        budget: Budget,
        error: RlmError | None = None,
        nested: bool = False,
    ) -> Result:
        """Return the state as a Result; references in the answer's text become citations here. `nested`: what the
        models were shown is measured elsewhere.
        """
        evidence = list(self.citations)
        covered = {place for each in evidence for place in _places(each)}
        named = [each for each in references(context, self.answer) if next(_places(each)) not in covered]
        if self.found.left_out:
            beyond = f"{self.found.left_out:,} findings were reported beyond the {FINDINGS:,} that one run can have"
            self.warnings[f"{beyond}: they are left out"] = None
        return Result(
            status=status,
            stop_reason=stop_reason,
            answer=self.answer,
            doubt=self.doubt,
            citations=(*evidence, *named),
            limits_reached=tuple(self.limits),
            iterations=self.iterations,
            subcalls=budget.subcalls,
            max_depth_reached=self.depth,
            usage_root=budget.usage("root"),
            usage_sub=budget.usage("sub"),
            elapsed_seconds=budget.elapsed(),
            failed_subcalls=tuple(self.failed.items()),
            warnings=tuple(self.warnings),
            error=Failure(str(error), error.hint, error.exit_code) if error is not None else None,
            findings=self.found.all(),
            rejected_findings=self.found.rejected,
            coverage=coverage(context, self.seen) if self.seen is not None and not nested else None,
        )


def _places(citation: Citation) -> Iterator[tuple[str, str, int | None]]:
    """Yield the places that a citation is at: its line first, if it has any, then its page, cell or record."""
    parts = {"line": citation.line, "page": citation.page, "cell": citation.cell, "record": citation.record}
    named: list[tuple[str, str, int | None]]
    named = [(citation.path, unit, number) for unit, number in parts.items() if number is not None]
    yield from named or [(citation.path, "line", None)]
