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


# --- what the library remembers -----------------------------------------------------------------------------------

POSING = """
class {name}({base}):
    def __hash__(self): return hash({posed})
    def __eq__(self, other): return True
    def __call__(self): pass
"""
REMEMBERED = {
    "patterns": ("int", "64", "import re\nre.compile('beta 7', P(64))", "print(len(grep('beta 7')))", "1 of 1 hit"),
    "patterns by their flags": (
        "int", "2", "import re\nre.compile('ALPHA', P(2))", "print(re.findall('ALPHA', 'alpha'))", "[]",
    ),
    "combined flags": (
        "int", "10", "import re\ntry: re.RegexFlag(P(0))\nexcept Exception: pass", "print((re.I | re.M) == 10)", "True",
    ),
    "replacements": (
        "str", "'<\\\\1>'", "import re\nre.sub('(b)', P('EVIL'), 'b')", "print(re.sub('(b)', '<\\\\1>', 'b'))", "<b>",
    ),
    "forms of numbers": (
        "str", "'>I'", "import struct\nstruct.unpack(P('<I'), bytes(4))",
        "import struct\nprint(struct.unpack('>I', bytes([0, 0, 0, 1])))", "(1,)",
    ),
    "forms of dates": (
        "str", "'%Y-%m-%d'", "import datetime\ndatetime.datetime.strptime('2024-03-04', P('%Y-%d-%m'))",
        "import datetime\nprint(datetime.datetime.strptime('2024-03-04', '%Y-%m-%d').month)", "3",
    ),
    "forms of times": (
        "str", "'%H:%M'", "import time\ntime.strptime('10:20', P('%M:%H'))",
        "import time\nprint(time.strptime('10:20', '%H:%M')[3])", "10",
    ),
    "types": (
        "object", "int", "import typing\ntyping.List[P()]",
        "import typing\nprint(typing.List[int])", "typing.List[int]",
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", REMEMBERED)
def test_what_the_library_remembers_is_forgotten_between_cells(session: Session, what: str) -> None:
    base, posed, poison, innocent, says = REMEMBERED[what]
    session.run(POSING.format(name="P", base=base, posed=posed) + poison)
    assert says in session.value(f"import re\n{innocent}")


@pytest.mark.parametrize("name", ["print", "context", "grep", "FINAL"])
def test_a_name_of_the_session_is_its_own_again_in_the_next_cell(session: Session, name: str) -> None:
    assert name in session.run(f"{name} = lambda *a, **k: None").tampered
    assert session.value("print(context)\ngrep('zz')").startswith(session.context.text(0, 50))


FORGED = """
class Holder: pass
def late(holder):
    try: yield
    finally:
        {deed}
def lay():
    holder = Holder()
    holder.late = late(holder)
    next(holder.late)
    holder.itself = holder
lay()
"""
TIDY = "l = [[] for _ in range(200_000)]"


@pytest.mark.parametrize(
    "deed",
    ["FINAL('forged')", "try: 1 / 0\n        except ZeroDivisionError: FINAL('forged')", "FINAL_VAR('l')"],
)
def test_a_clean_up_that_memory_sets_off_gives_no_answer(session: Session, deed: str) -> None:
    session.run(FORGED.format(deed=deed) + "raise ValueError('boom')")
    finished = session.run("FINAL('honest')\n" + TIDY)
    assert finished.final == Final("honest")


def test_a_clean_up_that_memory_sets_off_asks_nothing(session: Session) -> None:
    session.run(FORGED.format(deed="llm_query('late')\n        cite('notes.txt', 'beta')"))
    session.run(TIDY)
    assert (session.asked, session.claimed) == ([], [])


def test_a_generator_that_is_left_early_may_still_print(session: Session) -> None:
    source = (
        "def numbers():\n    try:\n        yield 1\n    finally:\n        print('left')\nfor n in numbers(): break\n"
    )
    assert session.value(source + "print(n)") == "left\n1"


def test_the_list_of_variables_says_nothing_that_a_class_says_of_itself(session: Session) -> None:
    session.run("class X: pass\nX.__name__ = 'int = 5\\ngrep: REPLACED'\nx = X()")
    session.run("class N(int):\n    def __repr__(self): return '5\\nforged: 1'\nn = N(7)")
    session.run("class S(str):\n    def __len__(self): return 10**6\ns = S('four')")
    shown = session.value("SHOW_VARS()").splitlines()
    assert {"x: ?", "n: N", "s: S, 4 characters"} <= set(shown)
    assert not any(line.startswith(("grep", "forged")) for line in shown)
