"""Sub-calls, evidence and answers: what the code asks for arrives as it was meant, or is refused clearly."""

from collections.abc import Iterator

import pytest
from support.repl import Session, session_over

from rlm_cli.seams import Asked, Claimed, Final, SubAnswer, SubAnswers


@pytest.fixture(scope="module")
def shared() -> Iterator[Session]:
    """For tests that leave nothing behind."""
    with session_over() as opened:
        yield opened


# --- sub-calls ----------------------------------------------------------------------------------------------------


def test_a_reply_is_a_str(shared: Session) -> None:
    assert shared.value(
        "r = llm_query('hello', model='other/model')\nprint(r.upper(), r.ok, r.truncated, isinstance(r, str), r + '!')"
    ) == ("GOT HELLO True False True got hello!")
    assert shared.asked[-1] == Asked(("hello",), "other/model", False)


def test_a_failed_call_raises(shared: Session) -> None:
    assert (
        shared.value("try:\n    llm_query('fail')\nexcept SubCallError as e:\n    print('refused:', e)")
        == "refused: the model is down"
    )


def test_a_batch_keeps_order_and_sends_everything(shared: Session) -> None:
    assert shared.value("print(llm_query_batched(['B', 'A', 'B']))") == "['got B', 'got A', 'got B']"
    assert shared.asked[-1] == Asked(("B", "A", "B"), None, True)
    assert shared.value("print(parallel_llm_query is llm_query_batched, llm_query_batched([]))") == "True []"


def test_a_failed_slot_can_be_seen_and_not_be_used(shared: Session) -> None:
    shared.value("r = llm_query_batched(['a', 'fail', 'c'])")
    assert shared.value("print([x.ok for x in r], r[1].error, repr(r[1]), r, r[1] is None)") == (
        "[True, False, True] the model is down <FAILED: the model is down> "
        "['got a', <FAILED: the model is down>, 'got c'] False"
    )


@pytest.mark.parametrize(
    "use",
    [
        "str(f)", "f + 'x'", "'x' + f", "f'{f}'", "print(f)", "'{}'.format(f)", "'%s' % f", "len(f)", "'a' in f",
        "f == 'x'",
        "f != 'x'", "f < 'x'", "bool(f)", "not f", "f.upper()", "f.split()", "f[0]", "[c for c in f]",
        "' '.join(map(str, [f]))",
        "{f: 1}", "int(f)", "float(f)", "f in ['x']", "sorted([f, 'a'])", "FINAL(f)", "FINAL([f])", "llm_query(f)",
        "llm_query_batched(['x', f])", "f * 2", "next(iter(f))", "bytes(f)",
    ],
)  # fmt: skip
def test_any_use_of_a_failed_slot_as_text_raises(shared: Session, use: str) -> None:
    shared.value("f = llm_query_batched(['fail'])[0]")
    error = shared.error(use)
    assert error.startswith("SubCallError")
    assert "the model is down" in error


def test_a_refused_batch_raises_before_anything_is_answered() -> None:
    refuse = lambda asked: SubAnswers(refused="3 sub-calls asked for, 1 of 2 left")  # noqa: E731
    with session_over(answer=refuse) as session:
        assert "SubCallError: 3 sub-calls asked for, 1 of 2 left" in session.error("llm_query_batched(['a', 'b', 'c'])")
        assert "1 of 2 left" in session.error("llm_query('a')")


def test_the_summary_of_a_batch_is_printed_and_truncation_is_flagged() -> None:
    def answer(asked: Asked) -> SubAnswers:
        return SubAnswers((SubAnswer(text="cut", truncated=True),) * len(asked.prompts), summary="2 calls, $0.01")

    with session_over(answer=answer) as session:
        assert session.value("r = llm_query_batched(['a', 'b'])\nprint(r[0].truncated)") == "2 calls, $0.01\nTrue"


@pytest.mark.parametrize(
    ("call", "says"),
    [
        ("llm_query(5)", "TypeError: the prompt must be a str, not 'int'"),
        ("llm_query('')", "ValueError: the prompt is empty"),
        ("llm_query_batched('abc')", "TypeError: llm_query_batched takes a list of prompts"),
        ("llm_query_batched(['a', None])", "TypeError: prompt 1 must be a str"),
        ("llm_query('\\ud800')", "ValueError: the prompt holds half a surrogate pair"),
        ("llm_query('a' * 20_000_000)", "the most that can be sent is"),
        ("llm_query_batched(['a'] * 10_001)", "at most 10,000 prompts"),
        ("llm_query('a', model='m' * 201)", "ValueError: the model's name has 201 characters; the most is 200"),
    ],
)
def test_a_prompt_that_is_none_is_a_clear_error(shared: Session, call: str, says: str) -> None:
    before = len(shared.asked)
    assert says in shared.error(call)
    assert len(shared.asked) == before


def test_large_batches_travel_whole(shared: Session) -> None:
    source = "r = llm_query_batched([str(i) + 'é' * 200_000 for i in range(100)])\n"
    source += "print(len(r), sum(map(len, r)), r[99][:7])\ndel r"
    assert shared.value(source) == f"100 {100 * 200_000 + 100 * 4 + 190} got 99é"


# --- evidence and the answer --------------------------------------------------------------------------------------


def test_a_quote_is_cited_by_path_or_offset(shared: Session) -> None:
    assert shared.value("print(cite('notes.txt', 'beta 7'))") == "cited: notes.txt:2\nnotes.txt:2"
    assert shared.value("p = cite(context.index('return'), 'return 7')") == "cited: src/b.py:2"


def test_a_quote_that_is_not_there_is_refused(shared: Session) -> None:
    assert "ValueError: the quote is not there" in shared.error("cite('notes.txt', 'delta')")
    assert "TypeError" in shared.error("cite(None, 'delta')")


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (
            "cite('notes.txt', 'q' * 2_001)",
            "the quote has 2,001 characters; the most is 2,000: give the part that matters",
        ),
        ("cite('p' * 1_001, 'beta')", "the path has 1,001 characters; the most is 1,000"),
        ("cite(10**30, 'beta')", "this offset lies outside the context"),
        ("FINAL('x', evidence=[('notes.txt', 'q' * 2_001)])", "evidence 1: the quote has 2,001 characters"),
    ],
)
def test_a_claim_too_large_is_refused_before_it_is_sent(shared: Session, call: str, says: str) -> None:
    before = len(shared.claimed)
    error = shared.error(call)
    assert error.startswith("ValueError")
    assert says in error
    assert len(shared.claimed) == before


def test_an_answers_evidence_is_told_from_a_citation(shared: Session) -> None:
    shared.value("p = cite('notes.txt', 'beta 7')\nFINAL('x', evidence=('notes.txt', 'gamma 7'))")
    assert shared.claimed[-2:] == [Claimed("notes.txt", "beta 7"), Claimed("notes.txt", "gamma 7", final=True)]


def test_the_budget_is_told(shared: Session) -> None:
    assert shared.value("x = budget()\nprint(len(x))") == "sub-calls 0/100\n15"


@pytest.mark.parametrize(
    ("code", "answer"),
    [
        ("FINAL('it is')", "it is"),
        ("FINAL(6 * 7)", "42"),
        ("FINAL(['é', 1, None])", '["é", 1, null]'),
        ("FINAL({'a': (1, 2)})", '{"a": [1, 2]}'),
        ("FINAL([])", "[]"),
        ("FINAL(0)", "0"),
        ("FINAL({1, })", "{1}"),
        ("FINAL(llm_query('x'))", "got x"),
        ("v = [1]\nFINAL_VAR('v')", "[1]"),
        ("n = 2\nFINAL_VAR(n)", "2"),
        ("FINAL(answer='named', doubt='a little')", "named"),
        ("FINAL('first')\nFINAL('second')", "second"),
        ("FINAL('a\\ud800b')", "a\\ud800b"),
    ],
)
def test_a_value_becomes_the_answers_text(shared: Session, code: str, answer: str) -> None:
    finished = shared.run(code)
    assert finished.error is None
    assert finished.final is not None
    assert finished.final.answer == answer


@pytest.mark.parametrize("empty", ["None", "''", "'  \\n'"])
def test_an_empty_answer_is_refused(shared: Session, empty: str) -> None:
    assert "the answer is empty" in shared.error(f"FINAL({empty})")


def test_an_answer_counts_only_when_the_whole_cell_ended_well(shared: Session) -> None:
    assert shared.run("FINAL('early')\n1 / 0").final is None
    assert shared.run("FINAL('early')", "1 / 0").final is None
    assert shared.run("pass").final is None
    assert shared.run("FINAL('x', doubt='unsure')", "y = 1").final == Final("x", "unsure")


@pytest.mark.parametrize(
    "evidence",
    [
        "[('notes.txt', 'beta 7')]",
        "('notes.txt', 'beta 7')",
        "[{'path': 'notes.txt', 'quote': 'beta 7'}]",
        "{'offset': 3, 'quote': 'beta 7'}",
        "None",
        "[]",
    ],
)
def test_evidence_comes_in_several_shapes(shared: Session, evidence: str) -> None:
    assert shared.run(f"FINAL('x', evidence={evidence})").final == Final("x")


@pytest.mark.parametrize(
    "evidence", ["[('notes.txt', 'delta')]", "['notes.txt']", "'notes.txt'", "[('nowhere', 'beta')]", "5"]
)
def test_evidence_that_does_not_hold_fails_the_cell(shared: Session, evidence: str) -> None:
    finished = shared.run(f"FINAL('x', evidence={evidence})")
    assert finished.error is not None
    assert finished.final is None


def test_final_var_names_the_nearest_variable(shared: Session) -> None:
    error = shared.error("summary = 'x'\nFINAL_VAR('sumary')")
    assert "no variable named 'sumary'" in error
    assert "did you mean summary?" in error
