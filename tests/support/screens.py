"""Screens of written runs: tests/screens/*.jsonl are events, *.txt what is on the screen at one moment of them.

`PYTHONPATH=tests python -m support.screens` draws the text files anew; read what has changed before you keep it.
"""

import functools
import io
from pathlib import Path

from rich.console import Console
from rich.text import Text

from rlm_cli.display.answer import THEME, Evidence, answer_view
from rlm_cli.display.folding import fold
from rlm_cli.display.lines import joined
from rlm_cli.display.screen import block, header, status, unfinished
from rlm_cli.display.state import State
from rlm_cli.event_lines import read_events
from rlm_cli.events import Event
from rlm_cli.places import place_name
from rlm_cli.reports import no_answer

FOLDER = Path(__file__).parent.parent / "screens"
WIDTHS = (80, 140)
MOMENTS = {
    "forty-subcalls": ("forty-subcalls", None),
    "forty-subcalls-asking": ("forty-subcalls", 13),
    "forty-subcalls-running": ("forty-subcalls", 60),
    "forty-subcalls-in-a-child-run": ("forty-subcalls", 106),
    "interrupted": ("interrupted", None),
    "partial": ("partial", None),
    "unfinished": ("partial", 9),
    "wide-characters": ("wide-characters", None),
}
"""Name of the screen -> the events, and how many of them have happened; None: all."""


def written(name: str, count: int | None = None) -> list[Event]:
    """Return the first `count` events of a written run."""
    return list(read_events((FOLDER / f"{name}.jsonl").read_bytes().splitlines(keepends=True)))[:count]


def state_of(name: str, count: int | None = None) -> State:
    return functools.reduce(fold, written(name, count), State())


def above(state: State, width: int) -> list[Text]:
    """Return the lines of what is over, as the live display leaves them."""
    over = [block(each, width, state.at) for each in state.run.iterations if each.ended is not None]
    return [line for lines in (header(state, width), *over) for line in (*lines, Text())]


def drawn(moment: str, width: int) -> str:
    """Return a whole screen: what is over, what is under way, the answer."""
    state = state_of(*MOMENTS[moment])
    out = io.StringIO()
    console = Console(file=out, width=width, theme=THEME, highlight=False)
    console.print(joined(above(state, width)), soft_wrap=True)
    if state.finished is not None:
        result = state.result(state.finished)
        evidence = [Evidence(place_name(each), each.quote, each.verified) for each in result.citations]
        console.print(answer_view(result.answer or no_answer(result), result.doubt, evidence, width), width=width)
    else:
        under_way = block(state.run.iterations[-1], width, state.at)
        last = unfinished(state.run, width) if moment == "unfinished" else status(state, width, state.at)
        console.print(joined([*under_way, Text(), *last]), soft_wrap=True)
    return out.getvalue()


if __name__ == "__main__":
    for each in MOMENTS:
        for cells in WIDTHS:
            (FOLDER / f"{each}.{cells}.txt").write_text(drawn(each, cells))
