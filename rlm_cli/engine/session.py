"""The REPL of one run and the memory of what it was asked, so that a lost child can be replaced.

Recovery is replay: a fresh child runs the earlier cells again and is given the answers that were given then, so nothing
is paid twice. Knows nothing of models: the loop answers the questions, this keeps the answers.
"""

import hashlib
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import astuple, dataclass, field
from typing import Any

from rlm_cli.context import Context
from rlm_cli.errors import CellTimedOut, ProtocolBroken, ReplDied
from rlm_cli.seams import Cell, CellFinished, FromRepl, Repl, ReplFacts, ToRepl


@dataclass(slots=True)
class _PastCell:
    cell: Cell
    exchanged: list[tuple[bytes, ToRepl]] = field(default_factory=list)
    """What it asked, by its digest, and was answered, in order: prompts may be large, and many."""
    failed: bool = False
    seconds: float = 0.0
    """What it computed for."""


class Session:
    """One REPL over one context, replaced when it must be. Use as a context manager."""

    def __init__(self, open_repl: Callable[[Context], Repl], context: Context, cell_timeout: float) -> None:
        self._open_repl = open_repl
        self._context = context
        self._cell_timeout = cell_timeout
        self._seconds_left: Callable[[], float] = lambda: cell_timeout
        self._past: list[_PastCell] = []
        self._current = _PastCell(Cell(0, ()))
        self._asked: FromRepl | None = None
        self._variables: tuple[str, ...] = ()
        self._breaches = 0
        """How often the protocol was broken since a cell finished last."""
        self.seconds = 0.0
        """What the running or latest cell has computed for."""
        self._repl = open_repl(context)

    def __enter__(self) -> "Session":
        return self

    def __exit__(self, *_: object) -> None:
        self._repl.close()

    @property
    def facts(self) -> ReplFacts:
        return self._repl.facts

    def send(self, cell: Cell, seconds_left: Callable[[], float]) -> None:
        """Start a cell; `seconds_left` is the run's time, which bounds it beside the cell timeout."""
        self._current = _PastCell(cell)
        self._seconds_left = seconds_left
        self.seconds = 0.0
        with self._breaches_noted():
            self._repl.send(cell)

    def receive(self) -> FromRepl:
        """Return the cell's next question, or its end. Only the child's own time counts; see `Repl.receive`."""
        started = time.monotonic()
        allowed = max(0.0, min(self._cell_timeout - self.seconds, self._seconds_left()))
        with self.counted():
            message = self._repl.receive(allowed)
        took = time.monotonic() - started
        if not isinstance(message, CellFinished):
            self._asked = message
            return message
        self._breaches = 0
        self._current.failed = message.error is not None
        self._current.seconds = self.seconds
        self._variables = message.variables
        # A cell that was interrupted would only run into its limit again: it is not replayed.
        if took < allowed or message.error is None:
            self._past.append(self._current)
        return message

    def answer(self, answer: ToRepl) -> None:
        """Answer the question that `receive` returned last."""
        assert self._asked is not None
        self._current.exchanged.append((_digest(self._asked), answer))
        with self.counted():
            self._repl.answer(answer)

    @contextmanager
    def counted(self) -> Iterator[None]:
        """Count the time spent in it as the cell's own: the child can make us work, and take its time to listen."""
        started = time.monotonic()
        try:
            yield
        finally:
            self.seconds += time.monotonic() - started

    def recover(self, seconds_left: Callable[[], float]) -> str:
        """Replace the child and run the earlier cells again. Return what the root model has to know about it.

        A cell that does not run as it did is left out, with all that stood on it; so is the last one, when the child
        spoke before it was asked twice in a row: that cell may have made it to. Raises SandboxError when no child can
        be started.
        """
        self._repl.close()
        self._seconds_left = seconds_left
        unrepeatable: str | None = None
        if self._breaches > 1 and self._past:
            self._breaches = 0
            unrepeatable = f"iteration {self._past.pop().cell.number}, after which it spoke without being asked"
        while True:
            self._repl = self._open_repl(self._context)
            rebuilt: tuple[str, ...] = ()
            repeated: list[_PastCell] = []
            try:
                for past in self._past:
                    rebuilt = self._replay(past)
                    repeated.append(past)
                break
            except (CellTimedOut, ReplDied):
                self._repl.close()
                number = self._past[len(repeated)].cell.number
                unrepeatable = f"iteration {number}, whose code did otherwise when it was run again"
                self._past = repeated
        lost = [name for name in self._variables if name not in rebuilt]
        self._variables = rebuilt
        return _told(unrepeatable, lost, bool(self._past))

    @contextmanager
    def _breaches_noted(self) -> Iterator[None]:
        try:
            yield
        except ProtocolBroken:
            self._breaches += 1
            raise

    def _replay(self, past: _PastCell) -> tuple[str, ...]:
        """Run a cell again with the answers it was given; return the variables there are then."""
        self._repl.send(past.cell)
        answers = iter(past.exchanged)
        # It may be slower now than it was, on a machine that has more to do.
        deadline = time.monotonic() + min(max(2 * past.seconds, self._cell_timeout), self._seconds_left())
        while True:
            message = self._repl.receive(max(0.0, deadline - time.monotonic()))
            if isinstance(message, CellFinished):
                if (message.error is not None) != past.failed:
                    raise ReplDied(f"iteration {past.cell.number} ended otherwise when it was run again")
                return message.variables
            asked, answer = next(answers, (None, None))
            if answer is None or asked != _digest(message):
                raise ReplDied(f"iteration {past.cell.number} asked something else when it was run again")
            self._repl.answer(answer)


def _digest(question: FromRepl) -> bytes:
    digest = hashlib.sha256(type(question).__name__.encode())
    for part in astuple(question):
        for each in _flat(part):
            # Its kind and its length before it, so that no two lists of parts look alike.
            shown = each if isinstance(each, str) else repr(each)
            digest.update(f"\n{type(each).__name__} {len(shown)}\n".encode())
            digest.update(shown.encode("utf-8", "surrogatepass"))
    return digest.digest()


def _flat(part: Any) -> Iterator[Any]:
    if isinstance(part, tuple):
        yield len(part)
        for each in part:
            yield from _flat(each)
    else:
        yield part


def _told(unrepeatable: str | None, lost: list[str], rebuilt: bool) -> str:
    """Say what is left. `unrepeatable`: from where on, and why; `lost`: variables; `rebuilt`: something is left."""
    if unrepeatable is not None and not rebuilt:
        return "The session was restarted and could not be rebuilt: all variables are lost."
    named = ", ".join(lost[:20]) + (f" and {len(lost) - 20} more" if len(lost) > 20 else "")
    but = f"what this cell had set{f' and for {named}' if named else ''}"
    if unrepeatable is not None:
        return f"The session was restarted and rebuilt up to {unrepeatable}: everything is kept but for {but}."
    if lost:
        return f"The session was restarted and rebuilt, but for {but}."
    return "The session was restarted and rebuilt: variables of earlier iterations are kept, this cell's are lost."
