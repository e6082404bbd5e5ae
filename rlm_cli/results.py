"""What a run comes to: its Result, with the citations and findings that stand in the text.

Values without behaviour. Not covered: which findings count (gate/), how they are shown (reports/, display/).
"""

from dataclasses import dataclass
from enum import IntEnum
from typing import Literal

from rlm_cli.types import Severity, Usage

Status = Literal["complete", "partial", "failed", "interrupted"]
StopReason = Literal["final", "max_cost", "max_tokens", "max_iterations", "timeout", "refused", "error", "interrupted"]
Verdict = Literal["confirmed", "refuted", "unsure", "unchecked"]


class ExitCode(IntEnum):
    """What the process returns; the README's table is tested against this."""

    COMPLETE = 0
    FINDINGS = 1
    USAGE = 2
    INCOMPLETE = 3
    MODEL = 4
    SANDBOX = 5
    DEFECT = 70
    INTERRUPTED = 130


@dataclass(frozen=True, slots=True)
class Citation:
    """A place in the context that an answer rests on."""

    path: str
    line: int | None = None
    """First line, from 1."""
    end_line: int | None = None
    quote: str | None = None
    """None: a reference found in the answer's text."""
    verified: bool = False
    """The quote stands at that place; for a reference without a quote: the place exists."""
    page: int | None = None
    """From 1; where the quote begins."""
    page_label: str | None = None
    """What is printed on that page, where the PDF says so."""
    cell: int | None = None
    record: int | None = None


@dataclass(frozen=True, slots=True)
class Finding:
    """A claim that a rule is broken at a place, whose quote stands there."""

    rule_id: str
    """One of the catalogue or of the profile."""
    severity: Severity
    title: str
    """One line."""
    message: str
    path: str
    line: int
    """First line, from 1; this and what follows was set by program."""
    end_line: int
    column: int
    """Of the first character of the quote in its line: characters, from 1."""
    end_column: int
    """Behind its last character, in `end_line`."""
    quote: str
    """As it stands in the text."""
    confidence: float
    """0 to 1, the root model's own until it is checked."""
    cwe: str | None = None
    """As in `CWE-89`."""
    verified: bool = True
    """The quote stands at that place: without that there is no finding."""
    verdict: Verdict = "unchecked"
    reason: str | None = None
    """What the check said, or why there was none."""
    fingerprint: str = ""
    """The same for the same rule, path and quote in another run, wherever the lines have moved (hex)."""
    page: int | None = None
    page_label: str | None = None
    cell: int | None = None
    record: int | None = None

    @property
    def place(self) -> Citation:
        """The place alone, to be named."""
        return Citation(
            self.path, self.line, self.end_line, None, True, self.page, self.page_label, self.cell, self.record
        )


@dataclass(frozen=True, slots=True)
class Coverage:
    """How much of the text the models saw."""

    offered: int
    """Documents that were loaded."""
    looked_at: int
    """Documents of whose text at least a line of their own reached a model."""
    unseen: tuple[str, ...] = ()
    """Paths of the others, in the order of the context."""


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a run failed, as a person reads it."""

    message: str
    hint: str | None
    exit_code: ExitCode


@dataclass(frozen=True, slots=True)
class Result:
    """How a run ended and what it found. A partial answer is a Result, not an exception."""

    status: Status
    stop_reason: StopReason
    answer: str
    """Empty when the run ended before there was one."""
    doubt: str | None
    citations: tuple[Citation, ...]
    limits_reached: tuple[str, ...]
    iterations: int
    subcalls: int
    """Paid sub-calls: repeated ones, served from memory, do not count."""
    max_depth_reached: int
    usage_root: Usage
    usage_sub: Usage
    elapsed_seconds: float
    failed_subcalls: tuple[tuple[str, int], ...] = ()
    """(error, how many sub-calls failed with it)."""
    warnings: tuple[str, ...] = ()
    """What a reader of the answer should know: names that were tampered with, a child that had to be replaced."""
    error: Failure | None = None
    findings: tuple[Finding, ...] = ()
    """All whose quote stands, whatever their verdict; the most severe first."""
    rejected_findings: int = 0
    """Claims whose quote was not found: they are in no report."""
    coverage: Coverage | None = None
    """None: no findings were asked for, and it was not measured."""
    redacted: tuple[tuple[str, int], ...] = ()
    """(kind, how many different secrets of it were hidden from models), the most frequent kind first."""

    @property
    def usage(self) -> Usage:
        return self.usage_root + self.usage_sub


# --- which findings count -----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Withheld:
    """A finding that is not reported as one, and why."""

    finding: Finding
    why: Literal["ignored", "suppressed", "unchanged", "unlikely"]
    """A comment in the text or an entry of the suppressions file says so; it touches no line that changed since the
    base; its confidence is below what was asked for."""
    reason: str
    """In the words of whoever said so; "" where nobody did."""


@dataclass(frozen=True, slots=True)
class Sifted:
    """The findings of a run, each in one of these."""

    reported: tuple[Finding, ...] = ()
    known: tuple[Finding, ...] = ()
    """Those that the baseline has too."""
    refuted: tuple[Finding, ...] = ()
    withheld: tuple[Withheld, ...] = ()
    against_baseline: bool = False
    """There is a baseline: what is reported is new."""
