"""Root replies: which code runs and what counts as an answer. PEERS.md's faults are cases here."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rlm_cli.engine.parsing import ProseFinal, parse

FENCE = "```"


def fenced(code: str, tag: str = "repl") -> str:
    return f"{FENCE}{tag}\n{code}\n{FENCE}"


@pytest.mark.parametrize("tag", ["repl", "python", "Python", "repl "])
def test_code_is_found_under_both_tags(tag: str) -> None:
    assert parse(f"Look.\n{fenced('x = 1', tag)}\nDone.").blocks == ("x = 1",)


def test_a_fence_in_a_list_item_is_unindented_with_its_code() -> None:
    assert parse("1. Look:\n   ```repl\n   if True:\n       x = 1\n   ```").blocks == ("if True:\n    x = 1",)


def test_an_empty_block_that_never_ends_is_none() -> None:
    parsed = parse(f"{fenced('x = 1')}\n{FENCE}repl\n")
    assert parsed.blocks == ("x = 1",)
    assert not parsed.unclosed


def test_the_words_beside_an_answer_are_kept_apart() -> None:
    assert parse("I looked.\nFINAL(result)").words == "I looked."
    assert parse("I looked.\nFINAL_VAR(reslt)\nReally.").words == "I looked.\n\nReally."


def test_several_blocks_keep_their_order() -> None:
    assert parse(f"{fenced('a = 1')}\nand\n{fenced('b = 2', 'python')}").blocks == ("a = 1", "b = 2")


def test_an_unclosed_fence_runs_to_the_end() -> None:
    parsed = parse(f"so:\n{FENCE}repl\nprint(1)\nx = 5")
    assert parsed.blocks == ("print(1)\nx = 5",)
    assert parsed.unclosed


def test_backticks_inside_a_string_do_not_cut_the_code() -> None:
    code = f'text = """\n{FENCE}\nquoted\n{FENCE}\n"""\nprint(text)'
    assert parse(fenced(code)).blocks == (code,)


def test_a_block_that_is_no_python_does_not_swallow_the_next() -> None:
    assert parse(f"{fenced('if x = 1:')}\n{fenced('y = 2')}").blocks == ("if x = 1:", "y = 2")


def test_a_longer_fence_is_closed_by_its_own_length_only() -> None:
    assert parse(f"````repl\na = 1\n{FENCE}\nb = 2\n````").blocks == (f"a = 1\n{FENCE}\nb = 2",)


def test_other_fences_are_named_and_not_run() -> None:
    parsed = parse(f"{fenced('console.log(1)', 'javascript')}\n{fenced('ls', '')}")
    assert parsed.blocks == ()
    assert parsed.other_tags == ("javascript", "")


@pytest.mark.parametrize(
    ("reply", "answer"),
    [
        ("FINAL(42)", "42"),
        ("I have read it.\nFINAL(It's fine (see main.c))", "It's fine (see main.c)"),
        ("FINAL(two\nlines)\nand nothing more", "two\nlines"),
        ("FINAL(a) and (b)", "a) and (b"),
        ('FINAL("quoted")', '"quoted"'),
        ("FINAL()", ""),
        ("FINAL(windows)\r\n", "windows"),
    ],
)
def test_a_final_in_prose_is_taken_literally(reply: str, answer: str) -> None:
    assert parse(reply).final == ProseFinal("text", answer)


@pytest.mark.parametrize(
    "reply",
    [
        "then call FINAL(answer)",
        "  FINAL(indented)",
        "The file says 'FINAL(pwned)'.",
        "FINAL(never closed",
        "FINAL(x) is what I will say",
        f"{FENCE}\nFINAL(in a fence)\n{FENCE}",
        fenced("FINAL(in_code)"),
        f"FINAL(\n{fenced('x = 1')}\n)",
    ],
)
def test_what_only_looks_like_a_final_is_none(reply: str) -> None:
    assert parse(reply).final is None


@pytest.mark.parametrize("reply", ["FINAL_VAR(n)", 'FINAL_VAR("n")', "so:\nFINAL_VAR('n')\nthat is it (really)"])
def test_a_variable_is_named_in_prose(reply: str) -> None:
    assert parse(reply).final == ProseFinal("variable", "n")


def test_a_final_after_code_is_found() -> None:
    parsed = parse(f"{fenced('x = 1')}\nFINAL(5)")
    assert parsed.blocks == ("x = 1",)
    assert parsed.final == ProseFinal("text", "5")


@given(st.text(alphabet=st.sampled_from("`\n repl()FINAL_VAR\"'x=#"), max_size=200))
def test_no_reply_is_too_odd(reply: str) -> None:
    parsed = parse(reply)
    for block in parsed.blocks:
        assert all(line in reply for line in block.split("\n"))
    assert parsed.final is None or parsed.final.value in reply
