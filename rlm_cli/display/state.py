"""The state of a run as a screen needs it, child runs nested in the iterations that opened them.

Keeps counts, sums and the heads of texts (the answer alone is kept whole), so that thousands of sub-calls stay small.
Knows nothing of terminals, and of events only what folding.py makes of them; what it holds is as hostile as its source.
"""

from dataclasses import dataclass, field

from rlm_cli.events import ContextLoaded, RunFinished, RunStarted
from rlm_cli.results import Result
from rlm_cli.types import Usage

CODE, NOTE, OUTPUT, FOUND = 8, 2, 4, 8
"""Lines that are kept of a cell's code, of what the model says beside it, of the output, and of what was found."""
LINE = 500
"""Characters that are kept of a line."""


@dataclass(frozen=True, slots=True)
class Head:
    """The first lines of a text."""

    lines: tuple[str, ...] = ()
    hidden: int = 0
    """How many lines follow."""


@dataclass(frozen=True, slots=True)
class Subcalls:
    """How many there are of each kind, in an iteration or in the whole run."""

    running: int = 0
    done: int = 0
    cached: int = 0
    """Answered from memory: neither paid for nor counted against the limit."""
    failed: int = 0
    started: float = 0.0
    """When the first one began."""
    ended: float = 0.0
    """When the latest one ended."""
    errors: tuple[tuple[str, int], ...] = ()
    """(error, how many failed with it), the first few."""

    @property
    def total(self) -> int:
        return self.running + self.done + self.cached + self.failed

    @property
    def paid(self) -> int:
        return self.total - self.cached


@dataclass(frozen=True, slots=True)
class Iteration:
    """One root reply and what came of it."""

    number: int
    """0: the last word."""
    started: float
    ended: float | None = None
    """None: under way."""
    replied: bool = False
    note: Head = field(default_factory=Head)
    """What the model says before its code."""
    code: Head = field(default_factory=Head)
    running: bool = False
    """Its code is."""
    output: Head = field(default_factory=Head)
    error: str | None = None
    subcalls: Subcalls = field(default_factory=Subcalls)
    asked: tuple[str, ...] = ()
    """The models that its sub-calls were to be answered by."""
    children: tuple["Run", ...] = ()
    more_children: int = 0
    """Child runs beyond those that are kept."""
    found: Head = field(default_factory=Head)
    """A line for each finding that was reported in it, or judged."""
    remarks: tuple[str, ...] = ()
    """What happened besides: a limit met, a cut reply."""
    usage: Usage = field(default_factory=Usage)
    """Its sub-calls and child runs included."""


@dataclass(frozen=True, slots=True)
class Run:
    """The root run, or a child run."""

    number: int = 0
    """Of the sub-call that opened it."""
    root_model: str = ""
    question: Head = field(default_factory=Head)
    iterations: tuple[Iteration, ...] = ()
    answer: Head = field(default_factory=Head)
    usage: Usage = field(default_factory=Usage)
    status: str = ""
    """Empty: under way."""
    stop_reason: str = ""
    error: str | None = None


@dataclass(frozen=True, slots=True)
class State:
    """What has happened so far."""

    run: Run = field(default_factory=Run)
    started: RunStarted | None = None
    loaded: ContextLoaded | None = None
    finished: RunFinished | None = None
    doubt: str | None = None
    limits_reached: tuple[str, ...] = ()
    subcalls: Subcalls = field(default_factory=Subcalls)
    """Of all depths."""
    depth: int = 0
    usage_root: Usage = field(default_factory=Usage)
    usage_sub: Usage = field(default_factory=Usage)
    at: float = 0.0
    """Seconds since the start, of the latest event."""

    @property
    def usage(self) -> Usage:
        return self.usage_root + self.usage_sub

    @property
    def iteration(self) -> int:
        """The number of the latest iteration; the last word is none."""
        return max((each.number for each in self.run.iterations), default=0)

    def result(self, finished: RunFinished) -> Result:
        """Return what the run came to."""
        return Result(
            status=finished.status,
            stop_reason=finished.stop_reason,
            answer=finished.answer,
            doubt=self.doubt,
            citations=finished.citations,
            limits_reached=self.limits_reached,
            iterations=self.iteration,
            subcalls=self.subcalls.paid,
            max_depth_reached=self.depth,
            usage_root=self.usage_root,
            usage_sub=self.usage_sub,
            elapsed_seconds=finished.at,
            failed_subcalls=finished.failed_subcalls,
            warnings=finished.warnings,
            findings=finished.findings,
            rejected_findings=finished.rejected_findings,
            coverage=finished.coverage,
        )


def head(text: str, limit: int) -> Head:
    """Return the first `limit` lines of `text`, each bounded; empty lines around it do not count."""
    lines = text.strip("\n").split("\n", limit) if text.strip() else []
    hidden = lines.pop().count("\n") + 1 if len(lines) > limit else 0
    return Head(tuple(f"{each[:LINE]}…" if len(each) > LINE else each.rstrip() for each in lines), hidden)
