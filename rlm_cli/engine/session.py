"""The REPL of one run and the memory of what it was asked, so that a lost child can be replaced.

Recovery is replay: a fresh child runs the earlier cells again and is given the answers that were given then, so nothing
is paid twice. Knows nothing of models: the loop answers the questions, this keeps the answers.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from rlm_cli.context import Context
from rlm_cli.errors import CellTimedOut, ReplDied
from rlm_cli.seams import Cell, CellFinished, FromRepl, Repl, ReplFacts, ToRepl


@dataclass(slots=True)
class _PastCell:
    cell: Cell
    exchanged: list[tuple[FromRepl, ToRepl]] = field(default_factory=list)
    """What it asked and was answered, in order."""


class Session:
    """One REPL over one context, restarted when it must be. Use as a context manager."""

    def __init__(self, open_repl: Callable[[Context], Repl], context: Context, cell_timeout: float) -> None:
        self._open_repl = open_repl
        self._context = context
        self._cell_timeout = cell_timeout
        self._past: list[_PastCell] = []
        self._current = _PastCell(Cell(0, ()))
        self._asked: FromRepl | None = None
        self._allowed = self.seconds = 0.0
        self._repl = open_repl(context)

    def __enter__(self) -> "Session":
        return self

    def __exit__(self, *_: object) -> None:
        self._repl.close()

    @property
    def facts(self) -> ReplFacts:
        return self._repl.facts

    def send(self, cell: Cell, seconds_left: float) -> None:
        """Start a cell; it may compute for `seconds_left` seconds at most, and no longer than the cell timeout."""
        self._current = _PastCell(cell)
        self._allowed = min(self._cell_timeout, max(0.0, seconds_left))
        self.seconds = 0.0
        self._repl.send(cell)

    def receive(self) -> FromRepl:
        """Return the cell's next question, or its end. Only the child's own time counts; see `Repl.receive`."""
        started = time.monotonic()
        try:
            message = self._repl.receive(max(0.0, self._allowed - self.seconds))
        finally:
            self.seconds += time.monotonic() - started
        if isinstance(message, CellFinished):
            # A cell that was interrupted would only run into its limit again: it is not replayed.
            if self.seconds < self._allowed:
                self._past.append(self._current)
        else:
            self._asked = message
        return message

    def answer(self, answer: ToRepl) -> None:
        """Answer the question that `receive` returned last."""
        assert self._asked is not None
        self._current.exchanged.append((self._asked, answer))
        self._repl.answer(answer)

    def recover(self) -> str:
        """Replace the child and run the earlier cells again. Return what the root model has to know about it.

        Raises SandboxError when no child can be started at all.
        """
        self._repl.close()
        self._repl = self._open_repl(self._context)
        try:
            for past in self._past:
                self._replay(past)
        except (CellTimedOut, ReplDied):
            self._repl.close()
            self._repl = self._open_repl(self._context)
            self._past = []
            return "The session was restarted and could not be rebuilt: all variables are lost."
        if not self._past:
            return "The session was restarted. What this cell had set is lost."
        return "The session was restarted and rebuilt: variables of earlier iterations are kept, this cell's are lost."

    def _replay(self, past: _PastCell) -> None:
        self._repl.send(past.cell)
        answers = iter(past.exchanged)
        while not isinstance(question := self._repl.receive(self._cell_timeout), CellFinished):
            asked, answer = next(answers, (None, None))
            if answer is None or asked != question:
                raise ReplDied(f"iteration {past.cell.number} asked something else when it was run again")
            self._repl.answer(answer)
