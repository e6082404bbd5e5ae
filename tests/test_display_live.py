"""The live display on a terminal: what stays is what a record shows, nothing is left over, whatever ends it."""

import fcntl
import io
import os
import re
import select
import signal
import struct
import termios
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyte
import pytest
from rich.console import Console
from rich.text import Text
from support.command import rlm, start
from support.openai_server import OpenAIServer, Scripted
from support.profiles import profile
from support.screens import MOMENTS, above, state_of, written

from rlm_cli.display.live import LiveDisplay
from rlm_cli.display.screen import block, status


class Terminal(io.StringIO):
    """A terminal's screen and what has scrolled off it."""

    def __init__(self, width: int, height: int) -> None:
        super().__init__()
        self.screen = pyte.HistoryScreen(width, height, history=5_000, ratio=1)
        self._stream = pyte.Stream(self.screen)

    def isatty(self) -> bool:
        return True

    def write(self, text: str) -> int:
        self._stream.feed(text.replace("\n", "\r\n"))
        return len(text)

    def resize(self, width: int) -> None:
        """Break the lines anew, as most terminals do; the cursor stays behind the last one."""
        lines, height = self.lines, self.screen.lines
        self.screen = pyte.HistoryScreen(width, height, history=5_000, ratio=1)
        self._stream = pyte.Stream(self.screen)
        self.write("\n".join(lines))

    @property
    def lines(self) -> list[str]:
        """Everything from the first line ever written on, without the empty end."""
        gone = ["".join(row[column].data for column in range(self.screen.columns)) for row in self.screen.history.top]
        return "\n".join(line.rstrip() for line in (*gone, *self.screen.display)).rstrip().split("\n")

    @property
    def shows_its_cursor(self) -> bool:
        return not self.screen.cursor.hidden


def console_on(terminal: Terminal) -> Console:
    screen = terminal.screen
    return Console(
        file=terminal, force_terminal=True, width=screen.columns, height=screen.lines, color_system="standard"
    )


def live(console: Console) -> LiveDisplay:
    """Return a display that redraws only when it is told to, and whose time stands still."""
    return LiveDisplay(console, clock=lambda: 0.0, pause=3_600)


def plain(lines: Any) -> list[str]:
    return "\n".join(line.plain for line in lines).rstrip().split("\n")


@pytest.mark.parametrize("width", [80, 140])
@pytest.mark.parametrize("name", ["forty-subcalls", "interrupted", "partial"])
def test_what_stays_is_what_a_record_shows(name: str, width: int) -> None:
    terminal = Terminal(width, 24)
    with live(console_on(terminal)) as display:
        for event in written(name):
            display.show(event)
            display.refresh()
        assert not terminal.shows_its_cursor
    assert terminal.lines == plain(above(state_of(name), width))
    assert terminal.shows_its_cursor


@pytest.mark.parametrize("height", [2, 5, 12, 24, 60])
@pytest.mark.parametrize("moment", [each for each, (name, _) in MOMENTS.items() if name == "forty-subcalls"])
def test_what_is_redrawn_fits_and_ends_with_the_status(moment: str, height: int) -> None:
    name, count = MOMENTS[moment]
    terminal = Terminal(80, height)
    with live(console_on(terminal)) as display:
        for event in written(name, count):
            display.show(event)
        display.refresh()
        state = state_of(name, count)
        if state.finished is None:
            assert len(display.lines(77, height - 1)) < height
            below = plain(status(state, 77, state.at))
            assert terminal.lines[-min(2, height - 1) :] == below[-min(2, height - 1) :]
        over = plain(above(state, 80))
        assert terminal.lines[: len(over)] == over


@pytest.mark.parametrize(("before", "after"), [(140, 60), (140, 139), (80, 61), (60, 140)])
def test_a_resized_terminal_keeps_nothing_of_what_was_redrawn(before: int, after: int) -> None:
    terminal = Terminal(before, 40)
    console = console_on(terminal)
    with live(console) as display:
        for event in written("forty-subcalls", 60):
            display.show(event)
        display.refresh()
        terminal.resize(after)
        console.width = after
        display.refresh()
        state = state_of("forty-subcalls", 60)
        cells = after - 3
        redrawn = plain([*block(state.run.iterations[-1], cells, state.at), Text(), *status(state, cells, state.at)])
        assert terminal.lines[-len(redrawn) :] == redrawn
        for once in ("iteration 3  ", "iteration 3/50", "sub-calls ━"):
            assert len([line for line in terminal.lines if once in line]) == 1


@pytest.mark.parametrize("event", ["after the run began", "in the middle"])
def test_an_exception_leaves_the_terminal_as_it_was(event: str) -> None:
    terminal = Terminal(80, 24)
    count = 2 if event == "after the run began" else 60
    with pytest.raises(KeyboardInterrupt), live(console_on(terminal)) as display:
        for each in written("forty-subcalls", count):
            display.show(each)
        display.refresh()
        raise KeyboardInterrupt
    assert terminal.lines == plain(above(state_of("forty-subcalls", count), 80))
    assert terminal.shows_its_cursor


# --- whole processes ----------------------------------------------------------------------------------------------


def _own_terminal(nohup: bool) -> None:
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)
    if nohup:
        signal.signal(signal.SIGHUP, signal.SIG_IGN)


class Session:
    """A process of `rlm` on a terminal of its own."""

    def __init__(
        self, *arguments: str, width: int = 80, height: int = 24, stderr: Any = None, nohup: bool = False, **env: str
    ) -> None:
        self.terminal = Terminal(width, height)
        self._ours, theirs = os.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", height, width, 0, 0))
        self.process = start(
            *arguments,
            env={"TERM": "xterm-256color", **env},
            stdin=theirs,
            stdout=theirs,
            stderr=theirs if stderr is None else stderr,
            start_new_session=True,
            preexec_fn=lambda: _own_terminal(nohup),
        )
        os.close(theirs)
        self._stream = pyte.ByteStream(self.terminal.screen)
        self.raw = b""

    def hang_up(self) -> None:
        os.close(self._ours)

    def type(self, keys: bytes) -> None:
        os.write(self._ours, keys)

    def wait_for(self, words: str) -> None:
        """Read until `words` are on the screen."""
        for _ in self._reading():
            if any(words in line for line in self.terminal.screen.display):
                return
        raise AssertionError(f"{words!r} never came:\n" + "\n".join(self.terminal.lines))

    def finish(self) -> int:
        for _ in self._reading():
            pass
        os.close(self._ours)
        return self.process.wait(timeout=60)

    def _reading(self) -> Iterator[None]:
        while select.select([self._ours], [], [], 60)[0]:
            try:
                read = os.read(self._ours, 65_536)
            except OSError:  # how Linux says that the other end is closed
                return
            if not read:
                return
            self.raw += read
            self._stream.feed(read)
            yield
        self.process.kill()
        raise AssertionError("a minute without a word:\n" + "\n".join(self.terminal.lines))


CALLS = "Ask.\n```repl\nprint(llm_query_batched(['a', 'b']))\n```"


@pytest.fixture
def waiting(tmp_path: Path) -> Iterator[str]:
    """Yield a profile whose root model asks sub-calls that take a minute."""

    def reply(body: dict[str, Any]) -> Scripted:
        return Scripted(CALLS) if body["model"] == "root" else Scripted("late", delay=60)

    with OpenAIServer(reply) as server:
        yield profile(tmp_path, server.url)


@pytest.mark.parametrize("end", [b"\x03", signal.SIGTERM])
def test_an_interrupted_run_leaves_a_clean_terminal(text: str, waiting: str, end: bytes | signal.Signals) -> None:
    session = Session("analyze", text, "who pays?", "-p", waiting)
    session.wait_for("2 running")
    if isinstance(end, bytes):
        session.type(end)
    else:
        session.process.send_signal(end)
    assert session.finish() == 130
    lines = session.terminal.lines
    assert session.terminal.shows_its_cursor
    assert not [line for line in lines if "running" in line or "^C" in line or "of 300 s" in line]
    assert "interrupted: " in "\n".join(lines[-2:])
    assert "  sub-calls ×× 2 failed" in "\n".join(lines)


def test_a_terminal_that_goes_away_ends_no_run(text: str, tmp_path: Path) -> None:
    answer = tmp_path / "answer.txt"
    released = threading.Event()

    def reply(body: dict[str, Any]) -> str:
        released.wait(60)
        return "FINAL(the tenant)"

    with OpenAIServer(reply) as server:
        session = Session("analyze", text, "q", "-p", profile(tmp_path, server.url), "-o", str(answer), nohup=True)
        session.wait_for("asking the root model")
        session.hang_up()
        released.set()
        assert session.process.wait(timeout=60) == 0
    assert answer.read_text() == "the tenant\n"


def test_the_screen_of_a_run_is_that_of_its_record(text: str) -> None:
    ran = Session("analyze", text, "who pays?", "-p", "offline")
    assert ran.finish() == 0
    shown = Session("runs", "show")
    assert shown.finish() == 0
    live_lines, recorded = ran.terminal.lines, shown.terminal.lines
    first = next(number for number, line in enumerate(live_lines) if line.startswith("run  "))
    last = next(number for number, line in enumerate(live_lines) if line.startswith("record: "))
    last_shown = next(number for number, line in enumerate(recorded) if line.startswith("complete: "))
    assert live_lines[first:last] == recorded[:last_shown]
    assert recorded[-1].split("; ")[-1] == live_lines[-1].split("; ")[-1]


def test_what_is_said_breaks_between_words_on_a_terminal_and_nowhere_in_a_pipe(text: str) -> None:
    arguments = ("analyze", text, "who pays?", "-p", "offline")
    session = Session(*arguments, width=40)
    assert session.finish() == 0
    lines = session.terminal.lines
    assert lines[:3] == ["profile offline: no language model, a", "fixed search policy; nothing leaves this", "machine"]
    shown = Session("runs", "show", width=40)
    assert shown.finish() == 0
    for each in (lines, shown.terminal.lines):
        end = each[max(number for number, line in enumerate(each) if line.startswith("complete: ")) :]
        assert len(end) > 1
        assert re.fullmatch(
            r"complete: \$0\.00, [\d,]+ tokens in, [\d,]+ out, 3 iterations, 1 sub-call, [\d.]+ s; "
            r"1 document read, 1 of 1 quotes verified",
            " ".join(end),
        )
    assert "profile offline: no language model, a fixed search policy; nothing" in rlm(*arguments).err


def test_colours_come_on_a_terminal_unless_they_are_not_wanted(text: str) -> None:
    arguments = ("analyze", text, "who pays?", "-p", "offline")
    sessions = [Session(*arguments), Session(*arguments, NO_COLOR="1"), Session(*arguments, TERM="dumb")]
    assert [session.finish() for session in sessions] == [0, 0, 0]
    coloured, plain_, dumb = (session.raw for session in sessions)
    assert b"\x1b[35m" in coloured, "keywords"
    assert b"\x1b[3" not in plain_
    assert b"\x1b" not in dumb
    assert b"0/1       iteration 1" in dumb


def test_in_ci_even_a_terminal_gets_plain_lines(text: str) -> None:
    session = Session("analyze", text, "who pays?", "-p", "offline", width=140, CI="true")
    assert session.finish() == 0
    assert any("0/1       iteration 1" in line for line in session.terminal.lines)
    assert b"\x1b[?25l" not in session.raw


def test_quiet_leaves_the_answer_alone(text: str) -> None:
    session = Session("analyze", text, "who pays?", "-p", "offline", "-q")
    assert session.finish() == 0
    assert session.terminal.lines[0] == "Answer"
    assert not [line for line in session.terminal.lines if line.startswith(("run ", "iteration", "record", "complete"))]


def test_each_stream_decides_for_itself(text: str, tmp_path: Path) -> None:
    arguments = ("analyze", text, "who pays?", "-p", "offline")
    answer = tmp_path / "answer.txt"
    to_a_file = Session(*arguments, "-o", str(answer))
    assert to_a_file.finish() == 0
    assert b"\x1b[?25l" in to_a_file.raw
    piped = rlm(*arguments)
    assert answer.read_text() == piped.out
    assert "\x1b" not in piped.out + piped.err
    with (tmp_path / "stderr").open("wb") as stderr:
        alone = Session(*arguments, stderr=stderr)
        assert alone.finish() == 0
    assert alone.terminal.lines[0] == "Answer"
    assert "iteration 1" in (tmp_path / "stderr").read_text()
    assert "\x1b" not in (tmp_path / "stderr").read_text()
