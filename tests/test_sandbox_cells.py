"""From cell to cell: the REPL's names are what they were, and a session can be repeated."""

from collections.abc import Iterator

import pytest
from support.repl import Session, session_over

from rlm_cli.seams import Final


@pytest.fixture
def session() -> Iterator[Session]:
    with session_over() as opened:
        yield opened


# --- tampering ----------------------------------------------------------------------------------------------------


def test_names_that_were_overwritten_are_restored_and_reported(session: Session) -> None:
    finished = session.run("context = 'mine'\ndef llm_query(p): return 'fake'\ndel grep\nprint(context, llm_query(''))")
    assert finished.output == "mine fake\n"
    assert set(finished.tampered) == {"context", "llm_query", "grep"}
    assert finished.variables == ()
    assert session.value("print(len(context) > 10, llm_query('x'), grep('zz'))").startswith("no hits")
    assert session.run("pass").tampered == ()


def test_global_statements_do_not_outlive_the_cell_either(session: Session) -> None:
    assert session.run("def f():\n    global FINAL\n    FINAL = print\nf()").tampered == ("FINAL",)
    assert session.run("FINAL('real')").final == Final("real")


GENERATOR = """
def late():
    global context
    try: yield
    finally:
        context = 'evil'
        {more}
"""


def test_what_a_clean_up_binds_after_its_cell_is_undone_before_the_next_and_reported(session: Session) -> None:
    session.run(GENERATOR.format(more="pass") + "budget = late(); next(budget)")
    finished = session.run("print(context[:5])")
    assert finished.output == "=====\n"
    assert finished.tampered == ("context",)
    assert session.run("print(context[:5])").tampered == ()


def test_a_clean_up_that_sets_itself_up_again_finds_every_cell_in_order(session: Session) -> None:
    again = "global budget; budget = late(); next(budget)"
    session.run(GENERATOR.format(more=again) + "budget = late(); next(budget)")
    for _ in range(3):
        assert session.run("print(context[:5])").output == "=====\n"


def test_a_clean_up_can_give_no_answer(session: Session) -> None:
    source = GENERATOR.format(more="FINAL('late')") + "budget = late(); next(budget)\n"
    assert session.run(source + "FINAL('early')").final == Final("early")
    assert session.run("pass").final is None
    assert session.run(source).final is None


def test_a_clean_up_cannot_ask_within_another_question(session: Session) -> None:
    source = """
class Holder: pass
def asks(holder):
    try: yield
    finally: llm_query('from a clean-up')
for _ in range(200):
    holder = Holder(); holder.it = asks(holder); next(holder.it)
    holder = None
    assert llm_query_batched(['a', 'b']) == ['got a', 'got b']
print('whole')
"""
    for _ in range(5):
        assert session.value(source) == "whole"


def test_what_a_cell_changes_in_the_library_is_set_back(session: Session) -> None:
    session.value("import decimal, csv\ndecimal.getcontext().prec = 3\nn = csv.field_size_limit(5)")
    assert session.value("print(len(str(decimal.Decimal(1) / 3)), csv.field_size_limit() > 10**6)") == "30 True"


# --- repeating ----------------------------------------------------------------------------------------------------


def test_two_sessions_of_the_same_start_run_alike() -> None:
    source = """
import random, time, datetime
print(random.random(), random.Random().random(), random.choice('abc'))
print(time.time(), datetime.datetime.now(), time.localtime())
random.seed(); print(random.random(), {'a', 'b', 'c', 'd'}, hash('a'), list(set('hello world')))
"""
    outputs = []
    for _ in range(2):
        with session_over() as session:
            outputs.append(session.value(source))
    assert outputs[0] == outputs[1]
