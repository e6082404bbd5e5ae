"""rlm_query and rlm_query_batched as the code sees them: what is handed over, what comes back, what is refused."""

from collections.abc import Iterator

import pytest
from support.repl import Session, session_over

from rlm_cli.sandbox.protocol import PIECE_LIMIT
from rlm_cli.seams import Delegated


@pytest.fixture(scope="module")
def shared() -> Iterator[Session]:
    """For tests that leave nothing behind."""
    with session_over() as opened:
        yield opened


def test_an_answer_is_a_str_with_evidence_that_final_takes(shared: Session) -> None:
    code = """
r = rlm_query("how many?", files["notes.txt"])
print(r, r.ok, r.evidence, r.doubt, isinstance(r, str), r.truncated, r.partial)
"""
    assert shared.value(code) == "how many? 21 22 True [(22, 'alpha')] a little True False None"
    assert shared.delegated[-1] == Delegated((("how many?", "alpha\nbeta 7\ngamma 7\n"),), False, (22,))
    finished = shared.run("FINAL(r, evidence=r.evidence)")
    assert finished.final is not None
    assert (finished.final.answer, shared.claimed[-1].place) == ("how many? 21 22", 22)


def test_a_text_that_is_not_in_the_context_has_no_place(shared: Session) -> None:
    assert shared.value("print(rlm_query('q', 'made up'))") == "q 7 None"


def test_a_failed_child_run_raises_with_what_it_had(shared: Session) -> None:
    code = "try:\n    rlm_query('fail', 'x')\nexcept SubCallError as e:\n    print(e, e.partial)"
    assert shared.value(code) == "the child run failed half"
    assert "SubCallError: the child run failed" in shared.error("rlm_query('fail', 'x')")


def test_a_batch_keeps_order_and_marks_what_failed(shared: Session) -> None:
    code = """
r = rlm_query_batched([("a", "xx"), ["fail", "y"], {"question": "c", "context": "zzz"}])
print([x.ok for x in r], r[0], r[1].error, r[1].partial, r[2], sep="|")
"""
    assert shared.value(code) == "3 questions\n[True, False, True]|a 2 None|the child run failed|half|c 3 None"
    assert "SubCallError" in shared.error("print(r[1])")
    assert shared.value("print(rlm_query_batched([]))") == "[]"


@pytest.mark.parametrize("unit", ["x" * 99 + "\n", "é\n", "\U0001f600\x00\n"])
def test_a_text_larger_than_a_frame_arrives_whole(unit: str) -> None:
    with session_over() as session:
        number = 3 * PIECE_LIMIT // len(unit)
        session.value(f"rlm_query_batched([('q', {unit!r} * {number}), ('q2', 'small')])")
        [(question, text), small] = session.delegated[-1].tasks
    assert (question, small) == ("q", ("q2", "small"))
    assert text == unit * number


@pytest.mark.parametrize(
    ("call", "says"),
    [
        ("rlm_query('q')", "TypeError: rlm_query takes a question and the text to ask it about"),
        ("rlm_query('q', documents[0])", "TypeError: the context must be a str, not 'Document' (a document's text is"),
        ("rlm_query('q', ['a', 'b'])", "TypeError: the context must be a str, not 'list'"),
        ("rlm_query(5, 'x')", "TypeError: the question must be a str, not 'int'"),
        ("rlm_query('', 'x')", "ValueError: the question is empty"),
        ("rlm_query('q', ' ')", "ValueError: the context is empty"),
        ("rlm_query('q', '\\ud800')", "ValueError: the context holds half a surrogate pair"),
        ("rlm_query('q', 'a' * 300_000_000)", "the most that can be sent is"),
        ("rlm_query_batched('abc')", "TypeError: rlm_query_batched takes a list of (question, context) pairs"),
        ("rlm_query_batched(['a', 'b'])", "pair 0 is a str: write [(question, text) for text in texts]"),
        ("rlm_query_batched([('a', 'b', 'c')])", "pair 0 is a tuple of 3"),
        ("rlm_query_batched([('a', 'b'), {'question': 'a'}])", "pair 1 is a dict without 'context'"),
        ("rlm_query_batched([('a', 'b'), ('a', '')])", "ValueError: the context of pair 1 is empty"),
        ("rlm_query_batched([('a', 'b')] * 10_001)", "at most 10,000 pairs"),
        ("rlm_query_batched([(llm_query_batched(['fail'])[0], 'b')])", "SubCallError: the question of pair 0"),
    ],
)
def test_what_is_no_task_is_a_clear_error(shared: Session, call: str, says: str) -> None:
    before = len(shared.delegated)
    assert says in shared.error(call)
    assert len(shared.delegated) == before


def test_texts_that_are_too_large_together_are_refused_before_anything_is_sent(shared: Session) -> None:
    assert "the texts take" in shared.error("rlm_query_batched([(str(n), 'a' * 90_000_000) for n in range(3)])")
