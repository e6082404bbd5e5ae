"""A status of a few lines on a terminal, redrawn in place and gone when the run is over."""

from time import monotonic

from rich.console import Console
from rich.live import Live
from rich.text import Text

from rlm_cli.display.safe import safe_line
from rlm_cli.display.state import State, fold
from rlm_cli.display.wording import cost, line
from rlm_cli.events import Event, LimitReached, SubcallFailed

_KEPT = (LimitReached, SubcallFailed)
"""Events whose line stays on the screen when the status is gone."""


class StatusDisplay:
    """Shows where a run is. Use as a context manager; leaves the terminal as it was."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._state = State()
        self._latest = ""
        self._seen = monotonic()
        self._live = Live(get_renderable=self.render, console=console, refresh_per_second=8, transient=True)

    def __enter__(self) -> "StatusDisplay":
        self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._live.stop()

    def show(self, event: Event) -> None:
        self._state = fold(self._state, event)
        if isinstance(event, _KEPT):
            self._console.print(Text(line(event)))
        self._latest = line(event)
        self._seen = monotonic()

    def render(self) -> Text:
        """Return what is on the screen now: two lines at most, cut to its width."""
        state = self._state
        elapsed = state.at + monotonic() - self._seen
        parts = [
            f"iteration {state.iteration}/{state.max_iterations}",
            f"sub-calls {state.finished} done"
            + (f", {state.running} running" if state.running else "")
            + (f", {state.failed} failed" if state.failed else ""),
            f"{state.usage.tokens:,} tokens",
            cost(state.usage.cost_usd) + (f" of ${state.max_cost:g}" if state.max_cost is not None else ""),
            f"{elapsed:.0f} of {state.timeout:.0f} s",
        ]
        width = self._console.width - 1
        return Text("\n".join(_cut(safe_line(each), width) for each in (" | ".join(parts), self._latest)), style="dim")


def _cut(text: str, width: int) -> str:
    cut = Text(text)
    cut.truncate(max(1, width), overflow="ellipsis")
    return cut.plain
