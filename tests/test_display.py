"""What a person sees: harmless, one line an event, and a status that is a pure fold of the stream."""

import io
import unicodedata
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from rlm_cli import analyze
from rlm_cli.display.safe import safe, safe_line
from rlm_cli.display.state import State, fold
from rlm_cli.display.status import StatusDisplay
from rlm_cli.display.wording import cost, line
from rlm_cli.events import EVENTS, Event, RunFinished

HOSTILE = "\x1b[2J\x9b31m\u202eevil\u2069\x00\ud800\r\x07"


@given(st.text(max_size=200))
def test_nothing_that_steers_a_terminal_comes_through(text: str) -> None:
    shown = safe(text + HOSTILE)
    assert all(unicodedata.category(char) not in ("Cc", "Cs") for char in shown if char not in "\n\t")
    assert not set(shown) & set("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
    shown.encode("utf-8")


def test_ordinary_text_of_any_script_stays_as_it_is() -> None:
    text = "naïve 日本語 עברית 👩‍👩‍👧 — \tx\n"
    assert safe(text) == text
    assert safe_line("a\n b\tc") == "a b c"


def test_an_unknown_cost_does_not_look_free() -> None:
    assert [cost(None), cost(0.0), cost(0.00012), cost(1.5)] == ["cost unknown", "$0.00", "$0.0001", "$1.50"]


def recorded(folder: Path) -> list[Event]:
    (folder / "in.txt").write_text("The tenant pays.\n" * 50 + HOSTILE.replace("\x00", "").replace("\ud800", ""))
    events: list[Event] = []
    analyze(folder / "in.txt", question="who pays? " + HOSTILE[:4], profile="offline", watch=events.append)
    return events


def test_every_event_of_a_run_is_one_harmless_line(tmp_path: Path) -> None:
    events = recorded(tmp_path)
    assert {event.type for event in events} >= set(EVENTS) - {"history_compacted", "limit_reached", "subcall_failed"}
    for event in events:
        shown = line(event)
        assert len(shown.splitlines()) == 1
        assert shown == safe(shown)


def test_the_state_is_a_fold_of_the_stream_and_ends_with_its_sums(tmp_path: Path) -> None:
    events = recorded(tmp_path)
    state = State()
    for event in events:
        state = fold(state, event)
    started = [event for event in events if event.type == "subcall_started"]
    assert (state.running, state.finished, state.failed) == (0, len(started), 0)
    [finished] = [event for event in events if isinstance(event, RunFinished)]
    assert state.usage == finished.usage
    assert state.iteration == max(getattr(event, "number", 0) for event in events)


def test_the_status_fits_its_terminal_and_leaves_nothing_behind(tmp_path: Path) -> None:
    out = io.StringIO()
    console = Console(file=out, force_terminal=True, width=40, color_system=None)
    with StatusDisplay(console) as display:
        for event in recorded(tmp_path):
            display.show(event)
            rendered = display.render()
            assert all(len(each) < 40 for each in rendered.plain.splitlines())
    assert "\x1b[?25h" in out.getvalue()  # the cursor is shown again
