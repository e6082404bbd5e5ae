"""An error tells the root model where, why, what is kept and what to write instead."""

from collections.abc import Iterator

import pytest
from support.repl import Session, session_over


@pytest.fixture(scope="module")
def session() -> Iterator[Session]:
    with session_over() as opened:
        yield opened


def test_an_error_names_type_line_and_what_is_kept(session: Session) -> None:
    assert session.error("a = 1\nb = a / 0\nc = 3") == (
        "ZeroDivisionError: division by zero\nline 2: b = a / 0\nVariables set before line 2 are kept: "
        "send again only what follows, corrected."
    )
    assert session.value("print(a)") == "1"


def test_the_first_block_that_fails_ends_the_cell(session: Session) -> None:
    finished = session.run("x1 = 1", "x2 = 2\nraise ValueError('no')", "x3 = 3")
    assert finished.error == (
        "ValueError: no\nblock 2, line 2: raise ValueError('no')\nVariables set before block 2, line 2 are kept: "
        "send again only what follows, corrected.\n"
        "The 1 block after it did not run."
    )
    assert {"x1", "x2"} <= set(finished.variables)
    assert "x3" not in finished.variables


def test_an_error_inside_a_function_names_the_calling_line_and_the_inner_one(session: Session) -> None:
    session.value("def inner(v):\n    return 1 / v\ndef outer(v):\n    return inner(v)")
    error = session.error("k = 1\nouter(0)")
    assert "line 2: outer(0)" in error
    assert "in inner, iteration " in error
    assert "line 2: return 1 / v" in error
    same_cell = session.error("def g():\n    raise KeyError('k')\ng()")
    assert "line 3: g()\nin g, line 2: raise KeyError('k')" in same_cell


def test_an_error_inside_the_library_points_at_the_codes_own_line_and_shows_no_path(session: Session) -> None:
    error = session.error("import json\njson.loads('{')")
    assert "JSONDecodeError" in error
    assert "line 2: json.loads('{')" in error
    assert "/" not in error
    assert "<run" not in error


@pytest.mark.parametrize(
    ("code", "says"),
    [
        ("reslts = 1\nresults", "did you mean reslts?"),
        ("prnt(1)", "did you mean print?"),
        ("documents[0].txt", "did you mean text?"),
        ("{}['k']", "KeyError: 'k'"),
        ("open('x')", "the text is in `context`"),
        ("import os\nos.remove('x')", "there are no files and no network here; the text is in `context`"),
        ("import numpy as np", "only the standard library"),
        ("import asyncio", "llm_query_batched runs prompts in parallel"),
        ("import nonsense", "only standard modules for text, structure, dates"),
        ("Counter('ab')", "it was not imported: from collections import Counter"),
        ("re.compile('a')", "it was not imported: import re"),
        ("import pathlib\npathlib.Path('x').read_text()", "there are no files"),
        ("vars()", "SHOW_VARS() lists the variables"),
        ("import xml.etree.ElementTree as ET", "use re and html.unescape"),
        ("import argparse", "set variables"),
        ("import uuid", "hashlib.sha256"),
        ("from contextlib import redirect_stdout", "print is collected; build strings instead"),
        ("if 'x' not in globals(): x = 1", "try: x, except NameError"),
        ("iter([1]).__next__()", "write next(x)"),
        ("class P(property): pass", "keep one in an attribute"),
        ("from json import dmps", "did you mean dumps or dump?"),
        ("eval('1')", "ast.literal_eval"),
        ("input()", "nobody is there to type"),
        ("async def f(): pass", "async code is not available"),
        ("x.__dict__.__class__.__mro__", "'__mro__' is not available here"),
        ("class A(metaclass=B): pass", "abc.ABC"),
        ("exit()", "a block ends at its last line"),
        ("class A: pass\nmatch 1:\n    case A(x): pass", "write case Point(x=a, y=b)"),
    ],
)
def test_what_is_missing_comes_with_what_to_write_instead(session: Session, code: str, says: str) -> None:
    assert says in session.error(code)


def test_a_syntax_error_shows_its_line_and_that_nothing_ran(session: Session) -> None:
    error = session.error("kept = 1\nif kept\n    print(1)")
    assert error.startswith("SyntaxError: expected ':'\nline 2: if kept\n")
    assert "Nothing of this block has run" in error
    assert "NameError" in session.error("kept")


@pytest.mark.parametrize(
    "code", ["\0", "x = '\ud800'", "(" * 5000, "-" * 100_000 + "1", "x = " + "[" * 300 + "]" * 300]
)
def test_source_that_is_no_source_is_an_error_like_any_other(session: Session, code: str) -> None:
    session.run(code)
    assert session.value("print('alive')") == "alive"


def test_long_messages_are_cut_in_the_middle(session: Session) -> None:
    error = session.error("raise ValueError('head' + 'x' * 10**6 + 'tail')")
    assert len(error) < 2000
    assert "head" in error
    assert "tail" in error
    assert "characters ...]" in error


@pytest.mark.parametrize(
    "method",
    [
        "__str__(self): 1 / 0",
        "__str__(self): return 5",
        "__str__(self): raise SystemExit",
        "__repr__(self): return self.x",
    ],
)
def test_an_exception_that_cannot_be_shown_is_still_an_error(session: Session, method: str) -> None:
    error = session.error(f"class Odd(Exception):\n    def {method}\nraise Odd('x')")
    assert error.startswith("Odd")
    assert "line 3: raise Odd('x')" in error


@pytest.mark.parametrize(
    "raised", ["SystemExit", "KeyboardInterrupt", "GeneratorExit", "BaseException", "StopIteration(3)"]
)
def test_no_exception_ends_the_session(session: Session, raised: str) -> None:
    assert session.error(f"raise {raised}").startswith(raised.partition("(")[0])


def test_a_missing_attribute_of_a_module_names_what_is_there(session: Session) -> None:
    error = session.error("import math\nmath.sqroot(2)")
    assert "module 'math' has no 'sqroot' here; did you mean sqrt or isqrt?\nline 2" in error
    assert error.count("did you mean") == 1


def test_a_private_name_in_a_pattern_is_refused_with_its_line(session: Session) -> None:
    error = session.error("class A:\n    def f(self, v):\n        match v:\n            case self._X: return 1")
    assert "write `case x if x == self._X`" in error
    assert "line 4: case self._X" in error


HOSTILE = {
    "name of a missing attribute": (
        "class N(str):\n    def __getitem__(self, i): raise ValueError\nraise AttributeError('x', name=N('ab'), obj=1)",
        "AttributeError: x",
    ),
    "name of a missing variable": (
        "class N(str):\n    def __hash__(self): raise ValueError\nraise NameError('x', name=N('ab'))",
        "NameError: x",
    ),
    "name that changes its mind": (
        "class E(NameError):\n    n = 0\n    @property\n    def name(self):\n        E.n += 1\n"
        "        return 'a' if E.n < 2 else []\nraise E('x')",
        "E: ",
    ),
    "name of the class": (
        "class N(str):\n    def __len__(self): raise SystemExit\nclass E(Exception): pass\n"
        "E.__name__ = N('F')\nraise E('x')",
        "F: x",
    ),
}


@pytest.mark.parametrize("what", HOSTILE)
def test_an_error_that_lies_about_its_names_is_still_an_error(session: Session, what: str) -> None:
    source, expected = HOSTILE[what]
    assert session.error(source).startswith(expected)
    assert session.value("print('alive')") == "alive"
