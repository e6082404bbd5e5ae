"""A run on a terminal while it goes on: what is over scrolls up and stays, what is under way is redrawn below it.

What stays on the screen is what `rlm runs show` prints of the record. How anything looks is screen.py's business.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Event as Flag
from threading import RLock, Thread
from time import monotonic

from rich.console import Console
from rich.control import Control
from rich.live import Live
from rich.segment import ControlType
from rich.text import Text

from rlm_cli.display.folding import fold
from rlm_cli.display.lines import joined
from rlm_cli.display.screen import block, header, status
from rlm_cli.display.state import State
from rlm_cli.events import Event

_MARGIN = 3
"""Cells that stay free at the right of what is redrawn: the `^C` that a terminal echoes must not break a line."""
_PAUSE = 0.2
"""Seconds between two redrawings."""


class LiveDisplay:
    """Shows where a run is. Use as a context manager; leaves the terminal as it was."""

    def __init__(self, console: Console, clock: Callable[[], float] = monotonic, pause: float = _PAUSE) -> None:
        self._console = console
        self._now = clock
        self._pause = pause
        self._lock = RLock()
        """Held whenever something is drawn: where the cursor is must be one thread's knowledge at a time."""
        self._over = Flag()
        self._ticker = Thread(target=self._tick, name="display", daemon=True)
        self._state = State()
        self._seen = clock()
        self._header_printed = False
        self._printed = 0
        """How many iterations stand above."""
        self._drawn: list[int] = []
        """The widths of the lines that are redrawn."""
        self._live = Live(
            get_renderable=self._redraw, console=console, auto_refresh=False, transient=True, redirect_stdout=False
        )

    def __enter__(self) -> "LiveDisplay":
        self._live.start()
        self._ticker.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._ticker.join()
        self._state = State()  # nothing is under way any more, however it ended
        with self._drawing():
            self._live.stop()

    def show(self, event: Event) -> None:
        """Take one event in; print what it has ended."""
        with self._lock:
            self._state = state = fold(self._state, event)
            self._seen = self._now()
            width = self._console.width
            if not self._header_printed and (state.loaded or state.finished):
                self._print(header(state, width))
                self._header_printed = True
            for iteration in state.run.iterations[self._printed :]:
                if iteration.ended is not None:
                    self._print(block(iteration, width, state.at))
                    self._printed += 1

    def lines(self, width: int, height: int) -> list[Text]:
        """Return what is redrawn: the iteration under way as far as there is room, and the status."""
        state = self._state
        now = state.at + self._now() - self._seen
        if state.started is None or state.finished is not None:
            return []
        below = status(state, width, now)
        if not state.run.iterations or state.run.iterations[-1].ended is not None:
            return below[:height]
        current = block(state.run.iterations[-1], width, now)
        room = max(0, height - len(below) - 1)
        if len(current) > room:
            # The title and what happened last.
            current = current[:1] + current[len(current) - room + 1 :] if room > 1 else current[:room]
        return [*current, *([Text()] if current else []), *below][-height:]

    def refresh(self) -> None:
        """Redraw what is under way."""
        with self._drawing():
            self._live.refresh()

    @contextmanager
    def _drawing(self) -> Iterator[None]:
        """Write at once what is drawn, one thread at a time; a terminal that is gone is no reason to end a run."""
        with self._lock:
            try:
                with self._console:
                    yield
            except OSError:
                self._console.quiet = True

    def _tick(self) -> None:
        while not self._over.wait(self._pause):
            self.refresh()

    def _print(self, lines: list[Text]) -> None:
        with self._drawing():
            self._live.refresh()
            self._console.print(joined([*lines, Text()]), soft_wrap=True)

    def _redraw(self) -> Text:
        self._follow_resizing()
        lines = self.lines(max(1, self._console.width - _MARGIN), max(1, self._console.height - 1))
        self._drawn = [each.cell_len for each in lines]
        return joined(lines)

    def _follow_resizing(self) -> None:
        """Climb the rows that lines drawn for a wider terminal take since it was narrowed: rich counts lines."""
        width = self._console.width
        rows = sum(max(0, each - 1) // width for each in self._drawn)
        if rows:
            climb = [(ControlType.ERASE_IN_LINE, 2), (ControlType.CURSOR_UP, 1)]
            self._console.control(Control(ControlType.CARRIAGE_RETURN, *climb * rows))
