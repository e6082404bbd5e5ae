"""The seams of the engine, and the values that cross them.

The engine knows models only as `ModelClient`, the sandbox only as `Repl`, and the record of a run only as `Journal`;
analysis.py puts the real ones in. Everything that comes out of a Repl was written by hostile code: its types are
checked by whoever makes these values, its contents by whoever uses them.
"""

from dataclasses import dataclass
from typing import Protocol

from rlm_cli.errors import ModelError
from rlm_cli.types import Message, Reply, Request, Role, Usage


class ModelClient(Protocol):
    """Calls models. Any number of threads may call at once."""

    def complete(self, request: Request) -> Reply:
        """Make the call and return its reply within `request.timeout` seconds, or raise a ModelError."""
        ...

    def recall(self, request: Request) -> Reply | None:
        """Return the reply to an equal request made earlier, marked `cached`; None when there was none."""
        ...

    def close(self) -> None:
        """Give up every call under way, so that its thread ends and its provider stops, and make none any more.

        `complete` raises a ModelError from then on. May be called twice.
        """
        ...


# --- the record of a run ------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Recorded:
    """What a call came to in an earlier sitting of the run."""

    outcome: Reply | ModelError
    """Its usage has what earlier attempts at the call cost, too."""
    lost: int
    """Attempts, in all sittings, whose end nobody knows, and which may be billed."""
    seconds: float
    """How long it took."""
    at: float
    """Seconds since the start of the run, all sittings together, when it ended."""
    counted: bool = False
    """What was paid for it is in the account already: usage and `lost` are without that."""

    @property
    def usage(self) -> Usage:
        return self.outcome.usage or Usage()


@dataclass(frozen=True, slots=True)
class Unanswered:
    """A call that was sent in an earlier sitting and whose end nobody knows: it may be billed."""

    role: Role
    model: str
    messages: tuple[Message, ...]


@dataclass(frozen=True, slots=True)
class Rest:
    """What earlier sittings spent and a resumed run has not come by when it leaves the record behind."""

    usage: dict[Role, Usage]
    unanswered: tuple[Unanswered, ...]
    subcalls: int
    """Sub-calls among it that were paid for."""
    repeated: int
    """Calls on record that the run has come by so far."""
    at: float
    """Seconds that the earlier sittings took together."""


class Journal(Protocol):
    """What has to come back the same when a run is resumed. Any number of threads may use it at once.

    A resumed run is the same run again with what is on record in place of calls, until something is asked for that is
    not on record; then `leave` is called, once, and whoever asked looks nothing up by place any more. Child runs beside
    it go on repeating what is theirs: that is counted by then, and so comes for nothing.
    """

    def replayed(self, request: Request) -> Recorded | None:
        """Return what this very call, at this very path, came to; None when that is not on record."""
        ...

    def told(self, place: str) -> str | None:
        """Return what was said to the model at a place; None when that is not on record."""
        ...

    def note(self, place: str, text: str) -> None:
        """Put on record what is said to the model at a place, where that would not come out the same again."""
        ...

    def leave(self) -> Rest | None:
        """Count what is left of the record as spent. Returns it; None where that has been done, or there was none."""
        ...

    def unfit(self) -> int:
        """Return how many replies on record the run did not ask for again: it went otherwise than it had."""
        ...


# --- from the engine to the REPL ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Cell:
    """The code of one reply: blocks that run in order, in one namespace, until one fails."""

    number: int
    """The iteration; its output is kept as out[number]. 0: the last word."""
    blocks: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SubAnswer:
    """What one prompt of `Asked`, or one question of `Delegated`, came to: `text`, or `error`."""

    text: str | None = None
    error: str | None = None
    truncated: bool = False
    cached: bool = False
    partial: str | None = None
    """Beside an error: the answer of a child run that did not come to its end."""
    evidence: tuple[tuple[int, str], ...] = ()
    """Of a child run: (offset into the context of whoever asked, quote), checked; what stands elsewhere is left out."""
    doubt: str | None = None
    """Of a child run: what it could not settle."""


@dataclass(frozen=True, slots=True)
class SubAnswers:
    """Answers `Asked` and `Delegated`: one for each prompt, in order, or `refused` for the whole."""

    answers: tuple[SubAnswer, ...] = ()
    refused: str | None = None
    """Why nothing was sent at all."""
    summary: str | None = None
    """One line about a batch (calls, tokens, cost, failures), which the REPL prints."""


@dataclass(frozen=True, slots=True)
class ClaimChecked:
    """Answers `Claimed` and `Reported`: the place where the quote stands, as it is written, or `refused`."""

    place: str = ""
    refused: str | None = None
    note: str | None = None
    """What else the model should know: as what a finding was filed."""


@dataclass(frozen=True, slots=True)
class BudgetTold:
    """Answers `BudgetAsked`: what is left, one line."""

    text: str


# --- from the REPL to the engine ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Asked:
    """llm_query or llm_query_batched was called."""

    prompts: tuple[str, ...]
    model: str | None
    batched: bool
    fresh: bool = False
    """Each prompt gets a reply of its own, equal ones too; no reply that is known is given."""
    schema: str | None = None
    """A JSON schema, as JSON: each reply has to fit it."""


@dataclass(frozen=True, slots=True)
class Delegated:
    """rlm_query or rlm_query_batched was called: each question, over a text of its own, is a child run."""

    tasks: tuple[tuple[str, str], ...]
    """(question, context)"""
    batched: bool
    places: tuple[int | None, ...] = ()
    """Where each text begins in the asker's own context, by its word; None, or none at all: nowhere in it."""


@dataclass(frozen=True, slots=True)
class Claimed:
    """cite(place, quote) was called: `place` is a document's path or an offset into the context."""

    place: str | int
    quote: str
    final: bool = False
    """Part of FINAL's evidence: recorded only when the cell ends with that answer."""


@dataclass(frozen=True, slots=True)
class Reported:
    """report_finding(...) was called: a claim that a rule is broken where a quote stands."""

    rule: str
    title: str
    message: str
    path: str
    """A document's path, which may have a line, a page, a cell or a record behind it."""
    quote: str
    severity: str | None
    """None: as the rule has it."""
    cwe: str | None
    """None: as the rule has it."""
    confidence: float
    """0 to 1."""
    line: int | None
    """Where the quote stands several times, the place nearest to this line is meant."""


@dataclass(frozen=True, slots=True)
class BudgetAsked:
    """budget() was called."""


@dataclass(frozen=True, slots=True)
class Final:
    """FINAL or FINAL_VAR was called: the answer as text, as DESIGN.md 1.3 makes it of any value."""

    answer: str
    doubt: str | None = None


@dataclass(frozen=True, slots=True)
class CellFinished:
    """The cell is over; `final` is set only when it ended without an error."""

    output: str
    """What was printed: whole up to 1 MB, else head and tail."""
    output_characters: int
    """How much was printed in all."""
    error: str | None
    """The whole message for the root model: type, message, line number, the line, what is kept, what to do."""
    final: Final | None
    variables: tuple[str, ...]
    """Names that the model's code has set so far (at most 1,000 of them)."""
    tampered: tuple[str, ...] = ()
    """REPL names that the code had overwritten; they are restored."""
    sizes: tuple[str, ...] = ()
    """Type and size of each of `variables`, in their order."""


FromRepl = Asked | Delegated | Claimed | Reported | BudgetAsked | CellFinished
ToRepl = SubAnswers | ClaimChecked | BudgetTold


def refusal(question: FromRepl, why: str) -> ToRepl:
    """Return the answer to a question that is not gone into."""
    if isinstance(question, Asked | Delegated):
        return SubAnswers(refused=why)
    if isinstance(question, Claimed | Reported):
        return ClaimChecked(refused=why)
    return BudgetTold(why)


@dataclass(frozen=True, slots=True)
class ReplFacts:
    """What a session is like; the root model and the user are told."""

    python: str
    """Version, as in "3.12.4"."""
    modules: tuple[str, ...]
    """What the code may import."""
    walls: tuple[str, ...]
    """The layers in force around the code, in the order in which they were put up."""
    walls_missing: tuple[str, ...] = ()
    """The layers that could not be put up, each as `name: why`."""


class Repl(Protocol):
    """One sandboxed Python session over one context."""

    @property
    def facts(self) -> ReplFacts: ...

    def send(self, cell: Cell) -> None:
        """Start the cell."""
        ...

    def receive(self, timeout: float) -> FromRepl:
        """Return what the cell asks next, or how it ended.

        When nothing has come after `timeout` seconds the cell is interrupted, which ends it with an error and keeps
        its variables; raises CellTimedOut when even that does not end it (the session is then dead) and ReplDied when
        the child is gone or breaks the protocol.
        """
        ...

    def answer(self, answer: ToRepl) -> None:
        """Answer the question that `receive` returned last."""
        ...

    def close(self) -> None:
        """End the session and its process; may be called twice."""
        ...
