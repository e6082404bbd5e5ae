"""The two seams of the engine, and the values that cross them.

The engine knows models only as `ModelClient` and the sandbox only as `Repl`; analysis.py puts the real ones in, a
replay puts others. Everything that comes out of a Repl was written by hostile code: its types are checked by whoever
makes these values, its contents by whoever uses them.
"""

from dataclasses import dataclass
from typing import Protocol

from rlm_cli.types import Reply, Request


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


# --- from the engine to the REPL ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Cell:
    """The code of one reply: blocks that run in order, in one namespace, until one fails."""

    number: int
    """The iteration; its output is kept as out[number]. 0: the last word."""
    blocks: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SubAnswer:
    """What one prompt of `Asked` came to: `text`, or `error`."""

    text: str | None = None
    error: str | None = None
    truncated: bool = False
    cached: bool = False


@dataclass(frozen=True, slots=True)
class SubAnswers:
    """Answers `Asked`: one for each prompt, in order, or `refused` for the whole."""

    answers: tuple[SubAnswer, ...] = ()
    refused: str | None = None
    """Why nothing was sent at all."""
    summary: str | None = None
    """One line about a batch (calls, tokens, cost, failures), which the REPL prints."""


@dataclass(frozen=True, slots=True)
class ClaimChecked:
    """Answers `Claimed`: the place where the quote stands, as it is written, or `refused`."""

    place: str = ""
    refused: str | None = None


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


@dataclass(frozen=True, slots=True)
class Claimed:
    """cite(place, quote) was called: `place` is a document's path or an offset into the context."""

    place: str | int
    quote: str
    final: bool = False
    """Part of FINAL's evidence: recorded only when the cell ends with that answer."""


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


FromRepl = Asked | Claimed | BudgetAsked | CellFinished
ToRepl = SubAnswers | ClaimChecked | BudgetTold


def refusal(question: FromRepl, why: str) -> ToRepl:
    """Return the answer to a question that is not gone into."""
    if isinstance(question, Asked):
        return SubAnswers(refused=why)
    if isinstance(question, Claimed):
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
