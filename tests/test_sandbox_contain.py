"""What code can do to its own process stays there: loops, floods, bombs and lies end as errors, or end the child."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.repl import Session, session_over

from rlm_cli.errors import CellTimedOut, ReplDied, SandboxError
from rlm_cli.types import Limits


@pytest.fixture(scope="module")
def session() -> Iterator[Session]:
    with session_over() as opened:
        yield opened


LOOPS = {
    "python loop": "while True: pass",
    "loop behind except Exception": "while True:\n    try:\n        x = 1\n    except Exception:\n        pass",
    "regular expression": "import re\nre.match('(a+)+$', 'a' * 40 + 'b')",
    "loop in finally": "def spin():\n    while True: pass\ntry: spin()\nfinally: spin()",
    "generator": "sum(1 for _ in iter(int, 1))",
    "printing": "while True: print('x' * 1000)",
    "sleep is no loop but waiting is": "import time\nend = time.time() + 10**9\nwhile time.time() < end: pass",
    "str method": "class A:\n    def __str__(self):\n        while True: pass\nprint(A())",
    "message of an exception": "class A(Exception):\n    def __str__(self):\n        while True: pass\nraise A",
}


@pytest.mark.parametrize("name", LOOPS)
def test_an_endless_loop_is_interrupted_and_variables_are_kept(session: Session, name: str) -> None:
    finished = session.run("before = 41 + 1\n" + LOOPS[name], timeout=0.3)
    assert finished.error is not None
    assert "CellTimeout" in finished.error
    assert session.value("print(before)") == "42"


SPIN = "def spin():\n    while True: pass\n"
KILLED = {
    "loop that swallows the interrupt": SPIN + "while True:\n    try: spin()\n    except BaseException: pass",
    "loop in C": "sum(range(10**13))",
}


@pytest.mark.parametrize("name", KILLED)
def test_what_cannot_be_interrupted_is_killed(name: str) -> None:
    with session_over() as session:
        with pytest.raises(CellTimedOut):
            session.run(KILLED[name], timeout=0.3)
        with pytest.raises(ReplDied):
            session.run("pass")


def test_an_interrupt_that_crosses_a_question_refuses_it(session: Session) -> None:
    finished = session.run("while True: budget()", timeout=0.0)
    assert finished.error is not None
    assert session.value("print('alive')") == "alive"


SURVIVED = {
    "deep recursion": ("def f(): return f()\nf()", "RecursionError"),
    "list bomb": ("x = [0]\nwhile True: x += x", "MemoryError"),
    "text bomb": ("x = 'a'\nwhile True: x += x", "MemoryError"),
    "one large block": ("x = bytes(10**12)", "MemoryError"),
    "huge integer shown": ("str(10 ** 10000)", "ValueError"),
    "huge format width": ("f'{1:>{10**12}}'", ""),
    "huge percent width": ("'%1000000000000d' % 1", ""),
    "repeated text": ("'a' * 10**13", "MemoryError"),
    "repeated list": ("[0] * 10**13", ""),
    "deep nesting shown": ("x = []\nfor _ in range(100_000): x = [x]\nprint(x)", "RecursionError"),
    "deep nesting as JSON": ("import json\njson.loads('[' * 100_000)", "RecursionError"),
    "deep nesting parsed": ("import ast\nast.literal_eval('(' * 10_000)", ""),
    "answer too long": ("FINAL('a' * 3_000_000)", "the limit is 1,000,000"),
    "answer of control characters": ("FINAL('\\x01' * 900_000)", "the limit is 4,000,000"),
    "doubt of control characters": ("FINAL('x', doubt='\\x01' * 900_000)", "the doubt takes 5,400,002 bytes"),
    "answer of half surrogate pairs": ("FINAL('\\ud800' * 400_000)", "the answer has 2,400,000 characters"),
    "copy of deep nesting": ("import copy\nx = []\nfor _ in range(10**5): x = [x]\ncopy.deepcopy(x)", "RecursionError"),
    "repr that lies": ("class A:\n    def __repr__(self): return 5\nprint(A())", "TypeError"),
    "comparison that raises": (
        "class A:\n    def __eq__(self, o): 1 / 0\n    __hash__ = None\n[A()].index(A())",
        "ZeroDivisionError",
    ),
}


@pytest.mark.parametrize("name", SURVIVED)
def test_a_bomb_is_an_error_and_the_session_goes_on(session: Session, name: str) -> None:
    source, kind = SURVIVED[name]
    error = session.error(source)
    assert kind in error
    assert session.value("x = None\nprint('alive')") == "alive"


def test_a_flood_of_output_keeps_head_and_tail_and_says_what_is_gone(session: Session) -> None:
    finished = session.run("print('HEAD')\nfor i in range(3000): print('x' * 1000)\nprint('TAIL')")
    assert finished.error is None
    assert finished.output_characters == 3_003_000 + 10
    assert len(finished.output) < 1_000_200
    assert finished.output.startswith("HEAD\n")
    assert finished.output.endswith("TAIL\n")
    assert "[... 2,003,010 of 3,003,010 characters are gone here ...]" in finished.output
    assert session.value("print(len(out[len(out)]) > 10**6)") == "True"


def test_the_largest_answer_doubt_and_output_travel_in_one_frame(session: Session) -> None:
    source = "print('\\ud800' * 2_000_000)\n"
    source += "FINAL('\U0001f600' * 999_000, doubt='\\x01' * 666_000)"
    finished = session.run(source)
    assert finished.error is None
    assert finished.final is not None
    assert len(finished.final.answer) == 999_000
    assert len(finished.final.doubt or "") == 666_000


def test_a_clean_up_that_never_ends_costs_its_cell_no_more_than_its_time(session: Session) -> None:
    source = "def late():\n    try: yield\n    finally:\n        while True: pass\nbudget = late(); next(budget)"
    assert session.run(source).tampered == ("budget",)
    session.run("pass", timeout=0.3)
    assert session.value("print('alive')") == "alive"


def test_a_time_limit_met_in_a_long_block_names_a_line_of_it(session: Session) -> None:
    lines = "\n".join(f"v = {n}" for n in range(20_000))
    finished = session.run(lines + "\nwhile True: pass", timeout=0.2)
    assert finished.error is not None
    assert "line 0" not in finished.error


def test_output_of_just_the_limit_is_whole(session: Session) -> None:
    finished = session.run("print('x' * 999_999)")
    assert finished.output == "x" * 999_999 + "\n"


def test_output_that_is_no_text_is_spelled_out(session: Session) -> None:
    assert session.value("print('a\\ud800b')") == "a\\ud800b"


def test_thousands_of_variables_are_reported_up_to_a_thousand() -> None:
    with session_over() as session:
        source = "\n".join(f"v{n} = {n}" for n in range(3000))
        assert len(session.run(source).variables) == 1000


def test_a_child_killed_from_outside_is_reported() -> None:
    with session_over() as session:
        os.kill(session.repl.pid, 9)
        with pytest.raises(ReplDied, match=r"SIGKILL|ended|asked|gone"):
            session.run("pass")


def test_memory_grows_with_the_context() -> None:
    with session_over({"a.txt": "x" * 100_000_000}) as session:
        assert session.value("y = context.upper()\nz = context[1:]\nprint(len(y), len(z))") == "100000000 99999999"


def test_memory_is_given_back_after_a_bomb(session: Session) -> None:
    for _ in range(3):
        assert "MemoryError" in session.error("big = [bytes(10**8) for _ in range(100)]")
        assert session.value("ok = bytes(5 * 10**8)\nprint(len(ok))\ndel ok") == "500000000"


# --- the walls ----------------------------------------------------------------------------------------------------

linux = pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads /proc")


def status(pid: int) -> dict[str, str]:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return {key: value.strip() for key, _, value in (line.partition(":") for line in lines)}


@linux
@pytest.mark.skipif(os.geteuid() != 0, reason="the child is not traceable: /proc shows these to root only")
def test_the_child_has_no_environment_but_the_seed_no_folder_and_no_files(session: Session) -> None:
    child = Path(f"/proc/{session.repl.pid}")
    assert (child / "environ").read_bytes() == b"PYTHONHASHSEED=0\0"
    assert (child / "cwd").readlink() == Path("/")
    targets = {int(each.name): str(each.readlink()) for each in (child / "fd").iterdir()}
    assert [targets[number] for number in (0, 1, 2)] == ["/dev/null"] * 3
    assert len(targets) == 4
    assert sum(target.startswith("socket:") for target in targets.values()) == 1


@linux
def test_the_child_is_limited_unprivileged_and_gains_nothing(session: Session) -> None:
    told = status(session.repl.pid)
    assert told["NoNewPrivs"] == "1"
    if os.geteuid() == 0:
        assert told["Uid"].split() == ["65534"] * 4
        assert told["Groups"] == ""
    rows = Path(f"/proc/{session.repl.pid}/limits").read_text().splitlines()
    hard = {row[:26].strip(): row[26:].split()[1] for row in rows[1:]}
    for name in ("Max processes", "Max file size", "Max core file size"):
        assert hard[name] == "0"
    assert hard["Max open files"] == "0"
    assert hard["Max address space"].isdecimal()
    assert hard["Max cpu time"].isdecimal()


@linux
def test_the_child_leads_a_group_of_its_own(session: Session) -> None:
    assert os.getpgid(session.repl.pid) == session.repl.pid
    assert os.getsid(session.repl.pid) == session.repl.pid


def test_the_time_limit_is_told_in_the_error() -> None:
    with session_over(limits=Limits(cell_timeout=7)) as session:
        finished = session.run("while True: pass", timeout=0.2)
        assert finished.error is not None
        assert "may compute for 7 s, less when" in finished.error


def test_a_child_that_cannot_be_started_is_a_sandbox_error() -> None:
    assert issubclass(ReplDied, SandboxError)
