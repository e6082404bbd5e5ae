"""The parent's end of a session: the Repl (seams.py) over one child process.

Covered: starting, the order of questions and answers, time limits, and the child's death, of which it tells and from
which it does not recover (the engine opens a fresh session and replays). Not covered: what the walls are (confine.py),
what a frame may hold (messages.py), who answers the questions (engine/).
"""

import time
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path

from rlm_cli.confinement import Level
from rlm_cli.context import Context
from rlm_cli.errors import CellTimedOut, ProtocolBroken, ReplDied, SandboxError
from rlm_cli.sandbox.messages import Inbox, answers, frames_of, hello, read_ready
from rlm_cli.sandbox.process import WORKER, Child
from rlm_cli.sandbox.protocol import encode
from rlm_cli.seams import Cell, CellFinished, FromRepl, ReplFacts, ToRepl, refusal
from rlm_cli.strength import refuse_less
from rlm_cli.types import Limits, ModelSpec
from rlm_cli.windows import Window, window_of

START_SECONDS = 60.0
"""For the child to be ready; a gigabyte of context is decoded in two."""
WRITE_SECONDS = 10.0
"""For the child to take what it is sent, a batch of replies as one."""
GRACE_SECONDS = 2.0
"""Between interrupting a cell and killing the child."""
_INTERRUPTS = 4
"""Spread over the grace: one can come before the cell has begun, or be caught by an `except` that cleans up."""


def open_repl(
    context: Context,
    limits: Limits,
    now: float | None = None,
    require: Level | None = None,
    windows: Mapping[str, Window] | None = None,
) -> "ChildRepl":
    """Start a session over `context`; raises SandboxError. Call from the thread that will outlive the session.

    `now`: seconds since 1970 at which the session's clock starts; a replay has to give the same. None: the moment at
    which this process first asked. `require`: how much of a sandbox there must be; None: whatever the system has.
    `windows`: what a call takes, by the model's name; None: as where nothing is known.
    """
    repl = ChildRepl(context, limits, _first_asked() if now is None else now, windows=windows)
    try:
        if require is not None:
            refuse_less(require, "code", repl.facts.walls, repl.facts.walls_missing)
    except SandboxError:
        repl.close()
        raise
    return repl


@cache
def _first_asked() -> float:
    return float(int(time.time()))


class ChildRepl:
    """One session. Not for several threads at once."""

    def __init__(
        self,
        context: Context,
        limits: Limits,
        now: float,
        program: Path = WORKER,
        windows: Mapping[str, Window] | None = None,
    ) -> None:
        """`program` is what the child runs; tests give it one that lies."""
        self.write_seconds = WRITE_SECONDS
        self._inbox: Inbox | None = None
        """Of the running cell; None between cells."""
        self._question: FromRepl | None = None
        """What the child waits to have answered."""
        self._dead: str | None = None
        self._child = Child(context.descriptor, program)
        deadline = time.monotonic() + START_SECONDS
        try:
            for frame in hello(context, limits, now, windows or {"sub": window_of(ModelSpec(""))}):
                self._child.channel.send(frame, deadline)
            self._facts = read_ready(self._child.channel.receive(deadline))
        except (OSError, EOFError, ValueError) as error:
            ending = self._child.ending(patience=1.0)
            self._child.kill()
            reason = str(error) or "it was not ready in time"
            raise SandboxError(
                f"the sandbox could not be started: {reason} (its process: {ending})",
                "it needs RestrictedPython 9 beside rlm, and the right to start a process",
            ) from error
        except BaseException:
            self._child.kill()
            raise

    @property
    def facts(self) -> ReplFacts:
        return self._facts

    @property
    def pid(self) -> int:
        """The child's process id."""
        return self._child.pid

    def send(self, cell: Cell) -> None:
        """Start a cell; the one before must have finished."""
        self._must_live()
        if self._inbox is not None:
            raise RuntimeError("a cell is still running")
        try:
            spoke = self._child.channel.waiting()
        except EOFError as error:
            raise self._died(self._child.ending(patience=1.0)) from error
        if spoke:
            raise self._died("it spoke without being asked", ProtocolBroken)
        self._inbox = Inbox(cell.number)
        self._child.go_on()
        cell_frame = encode({"tag": "cell", "number": cell.number, "blocks": list(cell.blocks)})
        self._write([cell_frame], time.monotonic() + self.write_seconds)

    def receive(self, timeout: float) -> FromRepl:
        """Return what the cell asks next, or how it ended (seams.Repl.receive)."""
        self._must_live()
        if self._inbox is None or self._question is not None:
            raise RuntimeError("no cell is running, or its question is not answered")
        message = self._next(time.monotonic() + max(0.0, timeout)) or self._interrupted()
        if isinstance(message, CellFinished):
            self._inbox = None
            if "pdeathsig" in self._facts.walls:  # else one that is paused would outlive us
                self._child.pause()
        else:
            self._question = message
        return message

    def answer(self, answer: ToRepl) -> None:
        """Answer the question that `receive` returned last."""
        self._must_live()
        if not answers(self._question, answer):
            raise RuntimeError(f"{type(answer).__name__} does not answer {type(self._question).__name__}")
        self._question = None
        self._write(frames_of(answer), time.monotonic() + self.write_seconds)

    def close(self) -> None:
        """End the session and its process; may be called twice."""
        self._dead = self._dead or "the session is closed"
        self._child.kill()

    # --- the child -----------------------------------------------------------------------------------------------

    def _next(self, deadline: float) -> FromRepl | None:
        """Return what the child says next; None when the deadline passes first."""
        assert self._inbox is not None
        try:
            while True:
                message = self._inbox.take(self._child.channel.receive(deadline))
                if message is not None:
                    return message
        except TimeoutError:
            return None
        except ValueError as error:
            raise self._died(f"it broke the protocol: {error}", ProtocolBroken) from error
        except (EOFError, OSError) as error:
            raise self._died(self._child.ending(patience=1.0)) from error

    def _interrupted(self) -> CellFinished:
        """End the cell: softly first, so that its variables are kept, then with the child."""
        started = time.monotonic()
        for number in range(1, _INTERRUPTS + 1):
            self._child.interrupt()
            deadline = started + GRACE_SECONDS * number / _INTERRUPTS
            while (message := self._next(deadline)) is not None:
                if isinstance(message, CellFinished):
                    return message
                # The question and the interrupt crossed; refused, the code meets the interrupt next.
                self._write(frames_of(refusal(message, "the cell's time is over")), started + GRACE_SECONDS)
        self._dead = "the cell did not stop"
        self._child.kill()
        raise CellTimedOut(
            f"the code did not stop within {GRACE_SECONDS:g} s after its time limit; its process was killed",
            "a loop within one call cannot be interrupted (a sum over a huge range, a pattern with nested "
            "quantifiers): work on slices, keep partial results, catch Exception rather than everything",
        )

    def _write(self, frames: Iterable[bytes], deadline: float) -> None:
        try:
            for frame in frames:
                self._child.channel.send_encoded(frame, deadline)
        except TimeoutError as error:
            raise self._died("it does not take what it is sent") from error
        except (EOFError, OSError) as error:
            raise self._died(self._child.ending(patience=1.0)) from error

    def _must_live(self) -> None:
        if self._dead is not None:
            raise ReplDied(f"the sandbox's process is gone: {self._dead}")

    def _died(self, reason: str, kind: type[ReplDied] = ReplDied) -> ReplDied:
        self._dead = reason
        self._child.kill()
        return kind(
            f"the sandbox's process is gone: {reason}",
            "out of memory, perhaps, or something nested too deeply: work on smaller pieces",
        )
