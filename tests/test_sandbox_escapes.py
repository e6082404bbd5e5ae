"""Hostile code in the sandbox: every known way out ends in a clean error, or in a value that is of no use.

Each attempt tries to bring `loot` to something with reach: a module, a frame, a code object, a dict with the real
built-ins, an unguarded function. What no attempt here thinks of, test_sandbox_canary.py walks for.
"""

# ruff: noqa: E501 - an attempt is easier to judge in one line

from collections.abc import Iterator

import pytest
from support.repl import Session, session_over


@pytest.fixture(scope="module")
def session() -> Iterator[Session]:
    with session_over() as opened:
        yield opened


# What must not even compile, or must raise.
REFUSED = {
    "breakpoint": "breakpoint()",
    "private of the table": "loot = documents._rows",
    "relative": "from . import session",
    "submodule of a package": "from urllib import request",
    "submodule not listed": "import urllib.request",
    "pathlib's parser": "import pathlib\nloot = pathlib.PurePath.parser.genericpath.os",
    "pathlib's parser by getattr": "import pathlib\nloot = getattr(pathlib.PurePath('a'), 'parser')\nloot.genericpath",
    "namedtuple field": "from collections import namedtuple\nnamedtuple('A', ['x=1) : import os #'])",
    "namedtuple name": "from collections import namedtuple\nnamedtuple('A(): import os #', 'x')",
    "NamedTuple field": "from typing import NamedTuple\nNamedTuple('A', [('x y', int)])",
    "dataclass over TypedDict": (
        "from typing import TypedDict\nfrom dataclasses import dataclass\n"
        "loot = dataclass(TypedDict('T', {'x=print(1)': int}))"
    ),
    "dataclass under TypedDict": (
        "from typing import TypedDict\nfrom dataclasses import dataclass\n"
        "@dataclass\nclass A(TypedDict('T', {'x=print(1)': int})): pass"
    ),
    "field from a field's class": (
        "from dataclasses import dataclass, fields\n@dataclass\nclass A:\n x: int = 0\n"
        "class F(type(fields(A)[0])): pass\nf = F(default=1)"
    ),
    "total_ordering of a foreign class": "from functools import total_ordering\ntotal_ordering(type(documents[0]))",
    "annotated error": (
        "from typing import Annotated\nimport re\ntry:\n re.nothing\nexcept AttributeError as e:\n held = e\n"
        "loot = Annotated[held, 1].obj"
    ),
    "frozen by vars": "class A: pass\nloot = vars(A())._held",
    "field in look-alike letters": (
        "from typing import TypedDict\nfrom dataclasses import dataclass\nT = TypedDict('T', {'_\uff3fclass_\uff3f': int})\n"
        "@dataclass\nclass A(T): pass"
    ),
    "input": "input()",
    "print to a file": "class W:\n def write(self, s): pass\nprint('x', file=W())",
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_way_out_is_closed(session: Session, name: str) -> None:
    session.error(REFUSED[name])
    assert session.value("print(2 + 2, 'loot' in SHOW_VARS.__name__)") == "4 False"


# What runs, and must yield nothing of use: the printed value is all that comes of it.
HARMLESS = {
    "type of a function": ("t = type(lambda: 0)\nprint(t.__name__, isinstance(print, t))", "function True"),
    "type of a traceback": (
        "class M:\n def __enter__(self): return self\n def __exit__(self, k, v, t):\n  self.t = type(t)\n  return True\n"
        "with M() as m: 1/0\nprint(m.t.__name__, len(dir(m.t)))",
        "traceback 0",
    ),
    "format with plain fields": ("print('{0[1]} {1.real}'.format([1, 2], 3))", "2 3"),
    "dir of a frame holder": ("g = (x for x in [1])\nprint([n for n in dir(g) if n == 'gi_frame'])", "['gi_frame']"),
    "hasattr of a dunder": ("print(hasattr(print, '__globals__'))", "False"),
    "getattr of a dunder with a default": ("print(getattr(print, '__globals__', 'none'))", "none"),
    "getattr rebound": ("getattr = lambda o, n: 'mine'\nprint(getattr(1, 'x'))\ndel getattr", "mine"),
    "wraps leaves foreign classes alone": (
        "from functools import wraps\nclass Fake: pass\nwraps(Fake)(type(documents))\nprint(type(documents).__name__)",
        "Documents",
    ),
    "copies of methods": ("import copy\nprint(callable(copy.deepcopy(llm_query)))", "True"),
    "memo of deepcopy": (
        "import copy\nclass A: pass\na = A(); a.x = 1\nprint(vars(copy.deepcopy(a, {id('x'): '__new__'})))",
        "{'x': 1}",
    ),
    "memo of an own deepcopy": (
        "import copy\nclass A: pass\nclass E:\n def __deepcopy__(self, memo):\n  memo[id('x')] = '__new__'\n  return self\n"
        "a = A(); a.x = 1\nprint(vars(copy.deepcopy([E(), a])[1]))",
        "{'x': 1}",
    ),
    "memo that forges a document": (
        "import copy\nclass A: pass\nclass S: __slots__ = ('b',)\na = A(); a.x = lambda *_: type(documents[0])\n"
        "holder = copy.deepcopy(a, {id('x'): '__new__'})\ns = S(); s.b = 'FORGED'\n"
        "copy.deepcopy(s, {id(S): holder, id('b'): 'text', id(s.b): s.b})\nprint(documents[0].text[:5])",
        "alpha",
    ),
    "fields that an object brings": (
        "from dataclasses import dataclass, fields, replace\n@dataclass\nclass A:\n x: int = 0\na = A()\n"
        "try: a.__dict__['__dataclass_fields__'] = {}\nexcept AttributeError: pass\nprint(replace(a, x=2), len(fields(a)))",
        "A(x=2) 1",
    ),
    "a class is checked before it is made": (
        "import string\nseen = []\ntry:\n class T(string.Template):\n  __slots__ = ('__reduce_ex__',)\n  @classmethod\n"
        "  @property\n  def delimiter(cls): seen.append(cls); return '$'\nexcept TypeError: pass\nprint(seen)",
        "[]",
    ),
    "a docstring is no signature": (
        'class B:\n """B(x=sys.executable)\n--\n\n"""\nfrom dataclasses import dataclass\n'
        "@dataclass(init=False)\nclass C(B): pass\nprint(C.__doc__)",
        "C",
    ),
    "an enum's module": ("from enum import Enum\nE = Enum('E', 'A', module='os')\nprint(E.A)", "E.A"),
    "copied tables": ("import tokenize\ntokenize.tok_name[1] = 'X'\nprint(tokenize.tok_name[1])", "NAME"),
    "type of what cannot be named": (
        "print(type(list[int]).__name__, isinstance(list[str], type(list[int])), type(documents).__name__, len(dir(type(print))))",
        "GenericAlias True Documents 0",
    ),
    "own copies of methods": (
        "import copy\nprint(copy.copy(print) is print, copy.deepcopy([grep])[0] is grep)",
        "True True",
    ),
    "own format method": ("class A:\n def format(self): return 'mine'\nprint(A().format())", "mine"),
    "own today": ("class A:\n today = 5\nprint(A.today, A().today)", "5 5"),
    "singletons of the policy": ("print(sorted(n for n in dir() if n.startswith('<')))", "[]"),
    "mangled names": ("class _:\n def f(self):\n  self.__x = 1\n  return self.__x\nprint(_().f())", "1"),
    "exit is an error": ("try:\n raise SystemExit\nexcept SystemExit:\n print('caught')", "caught"),
    "the exception's arguments": (
        "try:\n getattr(print, '__globals__')\nexcept AttributeError as e:\n print(len(e.args), type(e.args[0]).__name__)",
        "1 str",
    ),
}


@pytest.mark.parametrize("name", HARMLESS)
def test_what_is_allowed_gives_nothing_away(session: Session, name: str) -> None:
    source, expected = HARMLESS[name]
    assert session.value(source) == expected


def test_hooks_cannot_be_reached_by_the_names_they_have(session: Session) -> None:
    assert "NameError" in session.error("_getattr_")
    assert "KeyError" in session.error("vars_of = {}\nvars_of['<read>']")
