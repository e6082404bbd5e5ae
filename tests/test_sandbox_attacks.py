"""Attacks that once got out, or once kept something: each is a whole session, and each must end with nothing gained."""

from collections.abc import Iterator

import pytest
from support.repl import Session, session_over


@pytest.fixture
def session() -> Iterator[Session]:
    with session_over() as opened:
        yield opened


def printed(session: Session, source: str) -> str:
    """Run a cell, which may fail; return what it printed."""
    return session.run(source).output


ALIAS = """
GA = type(list[int])
class A(GA): pass
"""
EVALUATED = """
from typing import List, get_args
reference = get_args(List['__import__("os")'])[0]
try:
    os = A(reference, int)._evaluate({}, {}, frozenset())
except TypeError:
    os = A(reference, int)._evaluate({}, {}, frozenset(), recursive_guard=frozenset())
print('OUT', os.getpid())
"""


@pytest.mark.parametrize(
    "theft",
    [
        EVALUATED,
        "print('OUT', A(documents, int)._rows)",
        "print('OUT', A(out, int)._texts)",
        "import enum\nclass C(enum.Enum): pass\nprint('OUT', A(C, int)._convert_('X', 'os', lambda n: n == 'getpid'))",
        "try: [].nothing\nexcept AttributeError as e: print('OUT', GA(e, int).obj)",
    ],
)
def test_an_alias_forwards_nothing_private(session: Session, theft: str) -> None:
    assert "OUT" not in printed(session, ALIAS + theft)
    assert "OUT" not in printed(session, "GA = type(list[int])\nA = GA\n" + theft)


POKE = """
import copy
class Own: pass
class S: __slots__ = ("b",)
def poke(target, name, value):
    o = Own(); o.a = lambda *a: target
    made = copy.deepcopy(o, {id("a"): "__new__"})
    s = S(); s.b = value
    copy.deepcopy(s, {id(S): made, id("b"): name, id(value): value})
"""
OWN_DEEPCOPY = """
import copy
class Own:
    pass
class Lying(Own):
    def __deepcopy__(self, memo):
        memo[id("a")] = "__new__"
        return self
o = Own(); o.first = Lying(); o.a = lambda *a: type(documents[0])
print(vars(copy.deepcopy(o)).keys())
"""


def test_copies_set_no_attribute_of_anything_else(session: Session) -> None:
    before = session.value("print(documents[0].text == files[documents[0].path])")
    assert before == "True"
    printed(session, POKE + "poke(type(documents[0]), 'text', 'FORGED')\npoke(llm_query, '__defaults__', ('evil',))")
    printed(
        session, POKE + "class V: pass\npoke(V, '__getattr__', lambda self, n: 'got ' + n)\nprint('OUT', V().nothing)"
    )
    assert "FORGED" not in session.value("print(documents[0].text)")
    assert session.value("print(documents[0].text == files[documents[0].path])") == "True"
    assert "__new__" not in printed(session, OWN_DEEPCOPY)


def test_an_annotation_is_never_code(session: Session) -> None:
    source = """
from dataclasses import dataclass
class Lying(dict):
    def __iter__(self): return iter(())
    def items(self): return [("x: __import__('os')", int)]
    def keys(self): return ["x"]
class D:
    __annotations__ = Lying()
D2 = dataclass(D)
print('OUT', D2() == D2())
"""
    assert "OUT" not in printed(session, source)


@pytest.mark.parametrize(
    "base",
    [
        "functools.cached_property", "functools.partial", "super", "property", "classmethod", "staticmethod",
        "type(list[int])", "type(len)", "type(lambda: 0)", "functools.singledispatchmethod",
    ],
)  # fmt: skip
def test_classes_that_read_names_of_their_own_choosing_are_no_bases(session: Session, base: str) -> None:
    assert "OUT" not in printed(session, f"import functools\nclass X({base}): pass\nprint('OUT', X)")


def test_fields_are_read_from_the_class_and_not_from_what_an_object_says(session: Session) -> None:
    source = """
from dataclasses import dataclass, replace, asdict, fields
class F: pass
f = F(); f.init = True; f.name = '__class__'; f._field_type = None
@dataclass
class S:
    a: int = 1
s = S()
try:
    s.__dataclass_fields__ = {'f': f}
except Exception as e:
    print(type(e).__name__)
vars(s)['__dataclass_fields__'] = {'f': f}
print(asdict(s), [field.name for field in fields(s)])
"""
    assert "__class__" not in printed(session, source)


def test_what_a_finaliser_does_after_a_cell_is_undone_before_the_next(session: Session) -> None:
    source = """
def g():
    global context
    try:
        yield
    finally:
        context = 'evil'
budget = g()
next(budget)
"""
    finished = session.run(source)
    assert "budget" in finished.tampered
    assert "evil" not in session.value("print(context[:20])")


def test_a_finaliser_gives_no_answer(session: Session) -> None:
    source = """
class Late:
    def __init__(self): self.g = self.late()
    def late(self):
        try:
            yield
        finally:
            FINAL('from the grave')
late = Late()
next(late.g)
budget = late.g
del late
"""
    assert session.run(source).final is None
    assert session.run("x = 1").final is None


@pytest.mark.parametrize(
    "source",
    [
        "llm_query('x', model='m' * 600)",
        "FINAL('\\x01' * 3_000_000, doubt='\\x01' * 3_000_000)",
        "FINAL('\\ud800' * 900_000)",
        "class N(str):\n def __getitem__(self, i): raise ValueError\nraise AttributeError('x', name=N('abc'), obj=1)",
        "cite('a' * 100_000, 'x')",
        "cite('notes.txt', 'x' * 100_000)",
        "class E(Exception):\n    def __str__(self): raise SystemExit\nraise E",
    ],
)
def test_what_is_too_long_or_too_odd_costs_the_cell_and_not_the_session(session: Session, source: str) -> None:
    session.value("kept = 1")
    assert session.run(source).error is not None
    assert session.value("print(kept)") == "1"
