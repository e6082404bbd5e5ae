"""The host outlives whatever its child does, tells what happened, and leaves nothing behind."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from support.repl import NOW, context_of, session_over

from rlm_cli.confinement import MEANINGS
from rlm_cli.context import Context
from rlm_cli.errors import CellTimedOut, ReplDied, SandboxError
from rlm_cli.sandbox import ChildRepl, open_repl
from rlm_cli.sandbox.protocol import Channel
from rlm_cli.seams import Asked, BudgetAsked, BudgetTold, Cell, CellFinished, Repl, SubAnswer, SubAnswers
from rlm_cli.types import Limits

LIAR = Path(__file__).parent / "support" / "lying_child.py"
BREAKS = [
    "exits", "unknown_tag", "no_tag", "no_object", "no_json", "deep_json", "long_integer", "length_too_large",
    "half_a_frame_then_exit", "wrong_cell", "number_is_true", "output_is_a_list", "output_too_long", "half_a_surrogate",
    "answer_after_an_error", "answer_is_no_text", "too_many_variables", "missing_field", "too_many_prompts",
    "negative_prompts", "several_in_a_single_call", "end_in_place_of_a_prompt", "place_is_a_float", "place_too_long",
    "quote_too_long", "final_is_no_bool", "answer_is_blank", "tampered_is_no_name", "variable_is_no_name",
    "too_many_parts", "model_too_long", "batch_without_end", "too_many_tasks", "several_tasks_in_a_single_call",
    "end_in_place_of_a_task", "prompt_in_place_of_a_piece", "more_text_than_announced", "empty_pieces",
    "text_without_end", "size_too_large", "place_before_the_context", "place_is_true", "question_is_a_list",
]  # fmt: skip


@pytest.fixture
def context() -> Iterator[Context]:
    made = context_of({"a.txt": "alpha\n"})
    yield made
    made.close()


def open_descriptors() -> int:
    return len(os.listdir("/proc/self/fd")) if Path("/proc/self/fd").is_dir() else 0  # noqa: PTH208


@contextmanager
def liar(lie: str, context: Context, folder: Path) -> Iterator[ChildRepl]:
    program = folder / f"{lie}.py"
    shutil.copy(LIAR, program)
    repl = ChildRepl(context, Limits(), NOW, program)
    try:
        yield repl
    finally:
        repl.close()


def eventually(holds: Callable[[], bool]) -> None:
    for _ in range(6000):
        if holds():
            return
        time.sleep(0.01)
    raise AssertionError("it never came to that")


def gone(pid: int) -> bool:
    """True when the process is dead and reaped."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


@pytest.mark.parametrize("lie", BREAKS)
def test_a_child_that_breaks_the_protocol_is_killed_and_named(lie: str, context: Context, tmp_path: Path) -> None:
    before = open_descriptors()
    with liar(lie, context, tmp_path) as repl:
        repl.send(Cell(1, ("pass",)))
        with pytest.raises(ReplDied, match="process is gone"):
            repl.receive(20)
        assert gone(repl.pid)
        with pytest.raises(ReplDied):
            repl.send(Cell(2, ("pass",)))
    assert open_descriptors() == before


def test_a_child_that_speaks_out_of_turn_is_killed(context: Context, tmp_path: Path) -> None:
    with (
        liar("speaks_unasked", context, tmp_path) as repl,
        pytest.raises(ReplDied, match=r"without being asked|another cell"),
    ):
        # The frame may still be on its way when the first cell is sent; then it is found before the second.
        repl.send(Cell(2, ("pass",)))
        repl.receive(20)


@pytest.mark.parametrize("lie", ["exits_at_once", "ready_with_nonsense"])
def test_a_child_that_cannot_start_is_a_sandbox_error(lie: str, context: Context, tmp_path: Path) -> None:
    before = open_descriptors()
    with pytest.raises(SandboxError, match="could not be started"), liar(lie, context, tmp_path):
        pass
    assert open_descriptors() == before


def test_a_silent_child_is_interrupted_then_killed(context: Context, tmp_path: Path) -> None:
    with liar("silent", context, tmp_path) as repl:
        repl.send(Cell(1, ("pass",)))
        # This child does not survive SIGINT; a real one that ignores it is in test_sandbox_contain.py.
        with pytest.raises((CellTimedOut, ReplDied)):
            repl.receive(0.1)
        assert gone(repl.pid)


def test_a_child_that_asks_for_ever_is_killed_when_its_time_is_over(context: Context, tmp_path: Path) -> None:
    with liar("asks_for_ever", context, tmp_path) as repl:
        repl.send(Cell(1, ("pass",)))
        for _ in range(100):
            assert isinstance(repl.receive(20), BudgetAsked)
            repl.answer(BudgetTold("x"))
        with pytest.raises((CellTimedOut, ReplDied)):
            while True:
                repl.receive(0)
                repl.answer(BudgetTold("x"))
        assert gone(repl.pid)


def test_a_child_that_stops_reading_is_killed(context: Context, tmp_path: Path) -> None:
    with liar("reads_no_answer", context, tmp_path) as repl:
        repl.send(Cell(1, ("pass",)))
        assert isinstance(repl.receive(20), Asked)
        os.kill(repl.pid, signal.SIGSTOP)
        repl.write_seconds = 0.5
        with pytest.raises(ReplDied, match="does not take"):
            repl.answer(SubAnswers((SubAnswer(text="x" * 8_000_000),)))
        assert gone(repl.pid)


def test_what_was_sent_ahead_moves_no_deadline() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        Channel(theirs).send({"tag": "budget"})
        channel = Channel(ours)
        with pytest.raises(TimeoutError):
            channel.receive(time.monotonic() - 1)
        assert channel.receive(time.monotonic() + 60) == {"tag": "budget"}


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads /proc")
def test_between_cells_the_child_does_nothing(context: Context) -> None:
    repl = open_repl(context, Limits())
    try:
        for number in (1, 2):
            repl.send(Cell(number, ("print(1)",)))
            assert isinstance(repl.receive(20), CellFinished)
            eventually(lambda: "State:\tT" in Path(f"/proc/{repl.pid}/status").read_text())
    finally:
        repl.close()
    assert gone(repl.pid)


def gone_or_dead(pid: int) -> bool:
    """True when the process is dead, reaped or not: its parent is not us."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return True


HOST = f"""
import sys, time
sys.path.insert(0, {str(Path(__file__).parent)!r})
from support.repl import session_over
from rlm_cli.seams import Cell
with session_over() as session:
    print(session.value("print('ready')"), session.repl.pid, flush=True)
    if sys.argv[1] == "running":
        session.repl.send(Cell(2, ("while True: pass",)))
        print("running", flush=True)
    time.sleep(600)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="Linux's death signal")
@pytest.mark.parametrize("doing", ["running", "waiting"])
def test_a_child_dies_with_a_host_that_is_killed(doing: str) -> None:
    host = subprocess.Popen([sys.executable, "-c", HOST, doing], stdout=subprocess.PIPE, text=True)
    assert host.stdout is not None
    child = int(host.stdout.readline().split()[1])
    if doing == "running":
        host.stdout.readline()
    host.kill()
    host.communicate()
    eventually(lambda: gone_or_dead(child))


def test_closing_twice_leaves_no_process_and_no_descriptor(context: Context) -> None:
    before = open_descriptors()
    repl = open_repl(context, Limits())
    repl.close()
    repl.close()
    assert gone(repl.pid)
    assert open_descriptors() == before
    with pytest.raises(ReplDied, match="closed"):
        repl.send(Cell(1, ("pass",)))


def test_closing_while_a_cell_runs_ends_it(context: Context) -> None:
    repl = open_repl(context, Limits())
    repl.send(Cell(1, ("while True: pass",)))
    repl.close()
    assert gone(repl.pid)


def test_the_order_of_the_conversation_is_kept_by_the_caller_too(context: Context) -> None:
    repl = open_repl(context, Limits())
    try:
        with pytest.raises(RuntimeError, match="no cell is running"):
            repl.receive(1)
        repl.send(Cell(1, ("budget()",)))
        with pytest.raises(RuntimeError, match="still running"):
            repl.send(Cell(2, ("pass",)))
        assert isinstance(repl.receive(20), BudgetAsked)
        with pytest.raises(RuntimeError, match="does not answer"):
            repl.answer(SubAnswers())
        repl.answer(BudgetTold("much"))
        finished = repl.receive(20)
        assert isinstance(finished, CellFinished)
        assert finished.output == "much\n"
    finally:
        repl.close()


def test_a_session_is_what_the_engine_knows_as_a_repl(context: Context) -> None:
    repl: Repl = open_repl(context, Limits())
    assert repl.facts.modules
    repl.close()


def test_two_sessions_live_side_by_side(context: Context) -> None:
    with session_over({"a.txt": "one"}) as one, session_over({"a.txt": "two"}) as two:
        one.value("x = 1")
        assert "NameError" in two.error("x")
        assert one.value("print(context, x)") == "one 1"


def test_the_facts_say_what_a_session_is_like() -> None:
    with session_over() as session:
        facts = session.repl.facts
    assert facts.python.count(".") == 2
    assert {"re", "json", "ast", "collections"} <= set(facts.modules)
    assert "os" not in facts.modules
    assert facts.walls[:2] == ("policy", "process")
    named = {*facts.walls, *(each.partition(":")[0] for each in facts.walls_missing)}
    assert named - {"policy", "process", "uid"} == set(MEANINGS) - {"uid"}


def test_a_reply_too_large_for_a_frame_fails_that_call_alone() -> None:
    def answer(asked: Asked) -> SubAnswers:
        return SubAnswers((SubAnswer(text="x" * 17_000_000), SubAnswer(text="fine")))

    with session_over(answer=answer) as session:
        source = "r = llm_query_batched(['a', 'b'])\nprint(r[0].ok, r[0].error, r[1])"
        assert session.value(source) == "False the reply is too large fine"
