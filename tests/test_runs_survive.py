"""A run outlives its model's code: whatever a cell does to its process, the run goes on with what was paid for.

Behind the fence, as users have it; and without the fence, where the code is any Python at all and only the wall and the
host are left.
"""

import json
import os
import re
import signal
import tempfile
from pathlib import Path

import pytest
from support.hostile import CHILDREN
from support.openai_server import Scripted
from support.repl import context_of
from support.runs import Run, cell

from rlm_cli import analysis
from rlm_cli.context import Context
from rlm_cli.engine.cells import CITATIONS, QUESTIONS
from rlm_cli.engine.session import Session
from rlm_cli.errors import ReplDied
from rlm_cli.events import SubcallFinished, SubcallStarted
from rlm_cli.profiles import find, load
from rlm_cli.sandbox import ChildRepl, open_repl
from rlm_cli.seams import Cell, CellFinished, refusal
from rlm_cli.types import Limits

SPIN = "def spin():\n    while True: pass\n"
FENCED = {
    "endless loop": ("while True: pass", "CellTimeout"),
    "endless loop that catches everything": (
        SPIN + "while True:\n    try: spin()\n    except BaseException: pass",
        "killed",
    ),
    "loop within C": ("sum(range(10**13))", "killed"),
    "catastrophic pattern": ("import re\nre.match('(a|a)*$', 'a' * 60 + 'b')", "CellTimeout"),
    "memory bomb": ("x = [0]\nwhile True: x += x", "MemoryError|CellTimeout"),
    "one giant value": ("x = 'a' * 10**13", "MemoryError"),
    "giant value shown": ("x = 'a' * 10**7\nprint(x)\n1 / 0", "ZeroDivisionError"),
    "huge integer": ("9 ** 9 ** 9", "stop"),
    "flood of output": ("while True: print('x' * 10_000)", "CellTimeout"),
    "deep recursion": ("def f(n): return f(n + 1)\nf(0)", "RecursionError"),
    "deep recursion in C": ("x = ()\nfor _ in range(10**6): x = (x,)\nhash(x)", ""),
    "text that never ends": ("class A:\n    def __str__(self):\n        while True: pass\nprint(A())", "CellTimeout"),
    "comparison that never ends": (
        "class A:\n    def __eq__(self, other):\n        while True: pass\nA() == A()",
        "CellTimeout",
    ),
    "hash that never ends": ("class A:\n    def __hash__(self):\n        while True: pass\n{A(): 1}", "CellTimeout"),
    "error that never ends": (
        "class E(Exception):\n    def __str__(self):\n        while True: pass\nraise E",
        "CellTimeout",
    ),
    "leaving": ("raise SystemExit(3)", "SystemExit"),
    "answer beyond the limit": ("FINAL('a' * 3_000_000)", "the limit is 1,000,000"),
}
UNFENCED = {
    "fork bomb": ("import os\nwhile True: os.fork()", "Operation not permitted"),
    "memory bomb by mapping": ("import mmap\nx = []\nwhile True: x.append(mmap.mmap(-1, 10**8))", "Cannot allocate"),
    "leaving at once": ("import os\nos._exit(3)", "ended with status 3"),
    "fault of memory": ("import ctypes\nctypes.string_at(0)", "SIGSEGV"),
    "stack that overflows": (
        "import sys\nsys.setrecursionlimit(10**9)\ndef f(x): return max([1], key=f)\nf(1)", "SIGSEGV|RecursionError",
    ),
    "signal ignored": ("import signal\nsignal.signal(2, signal.SIG_IGN)\nwhile True: pass", "killed"),
    "finaliser that never ends": (
        "class A:\n    def __del__(self):\n        while True:\n            try:\n                while True: pass\n"
        "            except BaseException: pass\na = A()\ndel a", "",
    ),
    "end of the conversation": (
        "import gc, socket\nfor each in gc.get_objects():\n    if isinstance(each, socket.socket): each.close()\n"
        "while True: pass", "is gone",
    ),
    "nonsense to the host": (
        "import os\nfor n in range(3, 300):\n    try: os.write(n, b'\\x00\\x00\\x00\\x05hello')\n"
        "    except OSError: pass\n"
        "while True: pass", "broke the protocol",
    ),
    "flood to the host": (
        "import os\nwhile True:\n    for n in range(3, 300):\n        try: os.write(n, b'\\xff' * 1000)\n"
        "        except OSError: pass", "broke the protocol",
    ),
    "asking and never reading": (
        "import json, os, struct\nbody = json.dumps({'tag': 'budget'}).encode()\n"
        "while True:\n    for n in range(3, 300):\n        try: os.write(n, struct.pack('>I', len(body)) + body)\n"
        "        except OSError: pass", "",
    ),
    "a forged end, then another": (
        "import json, os, struct\n"
        "body = json.dumps({'tag': 'finished', 'number': 2, 'output': 'forged', 'characters': 6, 'error': None,\n"
        "    'final': None, 'variables': [], 'sizes': [], 'tampered': []}).encode()\n"
        "for n in range(3, 300):\n    try: os.write(n, 2 * (struct.pack('>I', len(body)) + body))\n"
        "    except OSError: pass\n"
        "while True: pass", "it spoke without being asked",
    ),
}  # fmt: skip


def survived(folder: Path, bomb: str, program: Path | None) -> Run:
    """Run a bomb between a paid reply and an answer that needs it."""
    replies: list[str | Scripted] = [
        cell("paid = llm_query('once')\nprint('paid')"),
        cell(bomb),
        cell("again = llm_query('once')\nFINAL([paid, again])"),
    ]
    run = Run(folder, replies, program=program, cell_timeout=0.5)
    assert (run.result.status, run.result.error) == ("complete", None), (run.result, run.told(3))
    assert json.loads(run.result.answer) == ["re once", "re once"]
    assert run.sub_prompts() == ["once"]
    assert run.result.subcalls == 1
    return run


@pytest.mark.parametrize("name", FENCED)
def test_a_run_survives_what_code_may_do(name: str, tmp_path: Path) -> None:
    bomb, told = FENCED[name]
    assert re.search(told, survived(tmp_path, bomb, None).told(2))


@pytest.mark.parametrize("name", UNFENCED)
def test_a_run_survives_what_a_process_may_do(name: str, tmp_path: Path) -> None:
    bomb, told = UNFENCED[name]
    run = survived(tmp_path, bomb, CHILDREN / "wall_only.py")
    assert re.search(told, "".join(run.told(number) for number in range(2, run.result.iterations)))


BOMBS = [
    "import os\nwhile True:\n    os.fork()",
    "hoard = []\nwhile True:\n    hoard.append(bytearray(10**7))",
    "while True:\n    pass",
    "sum(range(10**13))",
]


@pytest.mark.parametrize("program", [None, CHILDREN / "wall_only.py"], ids=["fenced", "unfenced"])
def test_bombs_in_turn_leave_the_right_answer_and_every_paid_reply(program: Path | None, tmp_path: Path) -> None:
    replies: list[str | Scripted] = []
    for number, bomb in enumerate(BOMBS):
        replies += [cell(f"r{number} = llm_query('part {number}')"), cell(bomb)]
    replies += [cell("hoard = None\nFINAL([r0, r1, r2, r3, sum(len(r) for r in [r0, r1, r2, r3])])")]
    run = Run(tmp_path, replies, program=program, cell_timeout=1)
    assert json.loads(run.result.answer) == [*(f"re part {number}" for number in range(4)), 36]
    assert sorted(run.sub_prompts()) == [f"part {number}" for number in range(4)]
    assert run.result.status == "complete"


# --- floods of questions ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "question",
    [
        "llm_query('once')",
        "budget()",
        "cite('input.txt', 'some')",
        "llm_query(str(number))",
        "llm_query_batched(['once'] * 50)",
        "llm_query_batched(['once'] * 50 + [str(number)])",
    ],
)
def test_a_flood_of_questions_is_refused_then_stopped(question: str, tmp_path: Path) -> None:
    flood = f"number = 0\nwhile True:\n    number += 1\n    try: {question}\n    except Exception: pass"
    run = Run(tmp_path, [cell("paid = llm_query('once')"), cell(flood), cell("FINAL(paid)")], max_subcalls=20)
    assert run.result.answer == "re once"
    assert f"asked more than {QUESTIONS:,} questions" in run.told(2)
    assert len(run.of(SubcallStarted)) <= QUESTIONS + 2
    assert all(len(event.text) <= 200 for event in run.of(SubcallFinished) if event.cached)
    assert run.result.subcalls <= 20


def test_what_was_asked_is_remembered_by_its_digest(tmp_path: Path) -> None:
    """A child could ask for what it may not have, with 16 MB each time, until the host has no memory left."""
    context = context_of({"a.txt": "alpha"})
    with Session(lambda context: open_repl(context, Limits()), context, 30.0) as session:
        ask = "for n in range(5):\n    try: llm_query('x' * 1_000_000)\n    except SubCallError: pass"
        session.send(Cell(1, (ask,)), lambda: 60.0)
        while not isinstance(message := session.receive(), CellFinished):
            session.answer(refusal(message, "no"))
        asked = [digest for digest, _ in session._current.exchanged]
    context.close()
    assert [len(digest) for digest in asked] == [32] * 5


def test_questions_beyond_the_limit_raise_and_the_next_cell_may_ask_again(tmp_path: Path) -> None:
    ask = f"for number in range({QUESTIONS + 5}):\n    llm_query('once')"
    run = Run(tmp_path, [cell(ask), cell("print(number)\nFINAL(llm_query('once'))")])
    assert "SubCallError: one cell may ask 10,000 questions; go on in the next" in run.told(1)
    assert run.result.answer == "re once"


def test_quotes_without_end_are_refused(tmp_path: Path) -> None:
    text = "".join(f"<{number}>" for number in range(CITATIONS + 10))
    code = f"for number in range({CITATIONS + 10}):\n    cite('input.txt', f'<{{number}}>')"
    run = Run(tmp_path, [cell(code), cell("FINAL(number)")], text=text)
    assert "2,000 quotes are recorded" in run.told(1)
    assert run.result.answer == str(CITATIONS)
    assert len(run.result.citations) == CITATIONS


def test_the_last_word_is_given_with_the_quotes_there_is_room_for(tmp_path: Path) -> None:
    text = "".join(f"<{number}>" for number in range(CITATIONS + 10))
    fill = f"for number in range({CITATIONS}):\n    cite('input.txt', f'<{{number}}>')"
    last = f"FINAL('found', evidence=[('input.txt', '<5>'), ('input.txt', '<{CITATIONS + 1}>')])"
    run = Run(tmp_path, [cell(fill), cell(last)], text=text, max_iterations=1)
    assert run.result.answer == "found"
    assert len(run.result.citations) == CITATIONS
    assert any("the others are left out" in warning for warning in run.result.warnings)


# --- what is kept -------------------------------------------------------------------------------------------------


def test_a_cell_that_hangs_until_the_run_s_time_is_over_costs_nothing_that_was_found(tmp_path: Path) -> None:
    replies: list[str | Scripted] = [
        cell("found = llm_query('once')"),
        cell("sum(range(10**13))"),
        cell("FINAL_VAR('found')"),
    ]
    run = Run(tmp_path, replies, timeout=30)
    assert (run.result.stop_reason, run.result.answer) == ("timeout", "re once")


def test_a_session_that_dies_between_cells_costs_no_other_cell(tmp_path: Path) -> None:
    context = context_of({"a.txt": "alpha"})
    opened: list[ChildRepl] = []

    def open_one(context: Context) -> ChildRepl:
        opened.append(open_repl(context, Limits()))
        return opened[-1]

    with Session(open_one, context, 30.0) as session:

        def run(number: int, code: str) -> CellFinished:
            session.send(Cell(number, (code,)), lambda: 60.0)
            message = session.receive()
            assert isinstance(message, CellFinished)
            return message

        run(1, "kept = 1")
        for number in (2, 3, 4):
            os.kill(opened[-1].pid, signal.SIGKILL)
            with pytest.raises(ReplDied, match="SIGKILL"):
                run(number, "pass")
            assert "variables of earlier iterations are kept" in session.recover(lambda: 60.0)
        assert run(5, "print(kept)").output == "1\n"
    context.close()


# --- integrity ----------------------------------------------------------------------------------------------------


def test_a_context_that_is_not_what_was_loaded_gives_no_answer_to_trust(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("the tenant pays 500 euros\n")
    profile = load(find("offline"))
    prepared = analysis.prepare([str(tmp_path / "a.txt")], "who pays?", profile)
    with tempfile.TemporaryFile() as other:
        other.write(b"the tenant pays 900 euros\n")
        other.flush()
        os.dup2(other.fileno(), prepared.task.context.descriptor)
        result = analysis.run(prepared.task, lambda event: None)
    prepared.task.context.close()
    assert (result.status, result.stop_reason) == ("failed", "error")
    assert result.error is not None
    assert result.error.exit_code == 5
    assert "the context was changed during the run" in result.error.message


def test_tampering_is_told_to_the_model_and_stands_in_the_event_and_in_the_result(tmp_path: Path) -> None:
    run = Run(tmp_path, [cell("context = 'mine'\ndel grep"), cell("FINAL(context)")])
    finished = [event for event in run.events if event.type == "code_finished"]
    assert [getattr(event, "tampered", None) for event in finished] == [("context", "grep"), ()]
    assert "Restored, because the code had overwritten them: context, grep." in run.told(1)
    assert run.result.answer == "some text\n"
    assert any("overwritten context" in warning for warning in run.result.warnings)
