"""Child runs on the screen, as plain lines and in `rlm runs show`: nested, and counted once."""

import re
from functools import reduce
from pathlib import Path

import pytest
from support.command import rlm
from support.openai_server import Scripted
from support.runs import Run, cell
from support.sittings import Sittings
from test_children import asked

from rlm_cli.display.folding import fold
from rlm_cli.display.plain import PlainLines
from rlm_cli.display.screen import block
from rlm_cli.display.state import State

CODE = "r = rlm_query_batched([(q, context) for q in ['one?', 'two?', 'endless?']])\nprint(r[0], r[2].partial)"


def child(first: str, given: int) -> str:
    if asked(first) == "endless?":
        return "FINAL(never)" if given == 15 else cell("print('again')")
    return [
        cell(f"n = len(context)\nr = llm_query('is it {asked(first)}')"),
        cell(f"FINAL('answer to {asked(first)}')"),
    ][given]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    folder = tmp_path_factory.mktemp("shown")
    return Run(folder, [cell(CODE), cell("print('second')"), cell("FINAL(r[1])")], child=child)


def test_what_is_shown_of_a_run_with_children_is_what_it_came_to(run: Run) -> None:
    run.check()
    state = reduce(fold, run.events, State())
    assert state.finished is not None
    shown, result = state.result(state.finished), run.result
    for field in ("iterations", "max_depth_reached", "subcalls", "limits_reached", "usage_root", "usage_sub", "answer"):
        assert getattr(shown, field) == getattr(result, field), field
    assert (shown.iterations, shown.limits_reached, shown.max_depth_reached) == (3, (), 2)


def test_children_stand_in_the_iteration_that_opened_them_with_iterations_of_their_own(run: Run) -> None:
    state = reduce(fold, run.events, State())
    assert [each.number for each in state.run.iterations] == [1, 2, 3]
    children = {each.question.lines[0]: each for each in state.run.iterations[0].children}
    assert {question: each.number for question, each in children.items()} == {"one?": 1, "two?": 2, "endless?": 3}
    assert [each.number for each in children["two?"].iterations] == [1, 2]
    assert [each.number for each in children["endless?"].iterations] == [*range(1, 16), 0]
    assert (children["one?"].status, children["endless?"].status) == ("complete", "partial")
    assert state.run.iterations[0].usage.calls == 1 + 2 * 3 + 16
    text = "\n".join(line.plain for line in block(state.run.iterations[0], 100, state.at))
    assert re.search(r"  ┃ child run  two\?\n  ┃ iteration 1 ", text)
    assert "  ┃ answer  answer to two?" in text
    assert "partial: max_iterations" in text
    assert "sub-calls ━━× 2 done, 1 failed" in text


def test_plain_lines_tell_children_from_the_run_that_asked(run: Run) -> None:
    lines = PlainLines()
    said = [lines.line(event).partition(" s  ")[2] for event in run.events]
    of_first = [each for each in said if each.startswith(("0/1.1 ", "0/1.1/"))]
    for line, expected in zip(
        of_first,
        [
            r"0/1.1     sub-call, \d+ characters: one\?",
            r"0/1.1     child run on openai/sub: one\?",
            r"0/1.1     context: 10 characters, ~\d tokens",
            r"0/1.1/1   iteration 1",
            r"0/1.1/1   child's model replied in .*",
            r"0/1.1/1   running 2 lines of code",
            r"0/1.1/1.1  sub-call, 10 characters: is it one\?",
            r"0/1.1/1.1  sub-call done, .*: re is it one\?",
            r"0/1.1/1   code done in .*",
            r"0/1.1/2   iteration 2",
            r"0/1.1/2   child's model replied in .*",
            r"0/1.1/2   running 1 line of code",
            r"0/1.1/2   code done in .*",
            r"0/1.1     answer, 14 characters",
            r"0/1.1     child run finished: complete \(final\)",
            r"0/1.1     sub-call done, .*: answer to one\?",
        ],
        strict=True,
    ):
        assert re.fullmatch(expected, line), line
    assert len([each for each in said if re.match(r"0 +run finished: complete", each)]) == 1


def test_a_recorded_run_is_shown_with_its_children(tmp_path: Path) -> None:
    root: list[str | Scripted] = [cell("FINAL(rlm_query('what?', context))")]
    with Sittings(tmp_path, root, child=lambda question, given: f"FINAL({question} this)") as sittings:
        assert sittings.begin().out.splitlines()[0] == "what? this"
        listed, shown = rlm("runs", "list"), rlm("runs", "show", sittings.run_id)
    assert shown.code == 0
    assert "child run  what?" in shown.out
    assert "answer  what? this" in shown.out
    assert re.search(r"\bcomplete\b", listed.out)
