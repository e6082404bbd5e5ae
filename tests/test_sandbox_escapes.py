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
    # attributes
    "class to subclasses": "().__class__.__base__.__subclasses__()",
    "bases": "loot = str.__bases__",
    "mro": "loot = str.mro()",
    "mro of an own class": "class A: pass\nloot = A.mro()",
    "function globals": "loot = (lambda: 0).__globals__",
    "function code": "loot = (lambda: 0).__code__",
    "function closure": "loot = llm_query.__closure__",
    "builtins by name": "loot = __builtins__",
    "import function": "loot = __import__('os')",
    "loader": "loot = __loader__",
    "spec": "loot = __spec__",
    "method self": "loot = print.__self__",
    "method function": "class A:\n def f(self): pass\nloot = A().f.__func__",
    "getattr dunder": "loot = getattr('', '__class__').__base__",
    "getattr by parts": "loot = getattr((lambda: 0), '__glo' + 'bals__')",
    "getattr with default": "loot = getattr((lambda: 0), '__globals__')",
    "getattr with a str subclass": (
        "class S(str):\n def __eq__(self, o): return True\n __hash__ = str.upper\nloot = getattr(print, S('__globals__'))"
    ),
    "setattr dunder": "class A: pass\nsetattr(A, '__getattr__', 1)",
    "setattr on a module": "import json\njson.dumps = 1",
    "setattr on a repl function": "llm_query.model = 1",
    "setattr on a foreign class": "import json\njson.JSONEncoder.default = 1",
    "setattr on the table's class": "type(documents).text = 1",
    "delattr on a foreign class": "import json\ndelattr(json.JSONEncoder, 'default')",
    "augmented foreign private": "from enum import Enum\nclass C(Enum): pass\nclass T:\n def __radd__(self, o): return o\nC._convert_ += T()",
    "augmented str.format": "class S(str): pass\nclass T:\n def __radd__(self, o): return o\nS.format += T()",
    "enum convert": "from enum import Enum\nclass C(Enum): pass\nloot = C._convert_('X', 'os', lambda n: True)",
    "enum convert by getattr": "from enum import Enum\nclass C(Enum): pass\nloot = getattr(C, '_convert_')",
    "vars of a module": "import re\nloot = vars(re)",
    "vars of a function": "loot = vars(grep)",
    "dict of the table": "loot = documents.__dict__",
    "private of the table": "loot = documents._rows",
    "private via an own subclass": "class F(type(files)): pass\nloot = F(documents)._by_path",
    "traceback": "try:\n 1/0\nexcept Exception as e:\n loot = e.__traceback__",
    "traceback frame": "class M:\n def __enter__(self): return self\n def __exit__(self, k, v, t):\n  self.loot = t.tb_frame\nwith M() as m: 1/0",
    "traceback frame by getattr": (
        "class M:\n def __enter__(self): return self\n def __exit__(self, k, v, t):\n  self.t = t\n  return True\n"
        "with M() as m: 1/0\nloot = getattr(m.t, 'tb_frame')"
    ),
    "generator frame": "g = (x for x in [1])\nloot = g.gi_frame",
    "generator frame by getattr": "g = (x for x in [1])\nloot = getattr(g, 'gi_frame')",
    "generator code": "g = (x for x in [1])\nloot = g.gi_code",
    "attribute error's object": "import re\ntry:\n re.nothing\nexcept AttributeError as e:\n loot = e.obj",
    # format strings
    "format attribute": "loot = '{0.__class__.__mro__}'.format('')",
    "format nested attribute": "loot = '{:{0.__init__}}'.format('')",
    "format_map attribute": "loot = '{a.__init__}'.format_map({'a': 1})",
    "map of str.format": "loot = list(map(str.format, ['{0.__init__}'], ['']))",
    "getattr format": "loot = getattr('{0.__init__}', 'format')('')",
    "super format": "class S(str):\n def go(self, x): return super().format(x)\nloot = S('{0.__init__}').go('')",
    "super with arguments": "class S(str): pass\nloot = super(S, S('{0.__init__}')).format('')",
    "unbound via subclass": "class S(str): pass\nloot = S.format('{0.__init__}', '')",
    "partial of format": "from functools import partial\nloot = partial(str.format, '{0.__init__}')('')",
    "format through an enum": "from enum import Enum\nclass E(str, Enum):\n A = '{0.__init__}'\nloot = E.A.format('')",
    "formatter": "import string\nloot = string.Formatter().format('{0.__init__}', '')",
    "format into a frame": "g = (x for x in [1])\nloot = '{0.gi_frame.f_globals}'.format(g)",
    "UserString": "from collections import UserString\nloot = UserString('{0.__init__}').format('')",
    # patterns
    "class pattern": "match (lambda: 0):\n case object(__globals__=loot): pass",
    "match args": "class A:\n __match_args__ = ('__class__',)",
    "positional class pattern": "class A: pass\nmatch A():\n case A(loot): pass",
    "frame pattern": "match (x for x in [1]):\n case object(gi_frame=loot): pass",
    "format pattern": "match '{0.__init__}':\n case object(format=loot): pass",
    # hooks and names
    "rebinding super": "super = print",
    "super as an argument": "def f(super): return super().__init__",
    "super by import": "import json as super",
    "super by except": "try:\n 1/0\nexcept Exception as super: pass",
    "super by capture": "match 1:\n case super: pass",
    "super by walrus": "(super := 1)",
    "super in a comprehension": "[super for super in [1]]",
    "builtins by assignment": "__builtins__ = {}",
    "builtins by global": "def f():\n global __builtins__\n __builtins__ = {}\nf()",
    "builtins by del": "del __builtins__",
    "builtins by import": "import json as __builtins__",
    "build class": "def __build_class__(*a): return a",
    "class by name": "class A:\n def f(self): return __class__\nloot = A().f()",
    # definitions
    "getattribute": "class A:\n def __getattribute__(self, n): return n",
    "getattr by lambda": "class A:\n __getattr__ = lambda s, n: n",
    "reduce": "class A:\n def __reduce__(self): return (print, ('x',))",
    "reduce_ex": "class A:\n def __reduce_ex__(self, p): return (print, ('x',))",
    "del": "class A:\n def __del__(self): pass",
    "new": "class A:\n def __new__(cls): return print",
    "metaclass": "class A(metaclass=type): pass",
    "init_subclass": "class A:\n def __init_subclass__(cls): pass",
    "set_name": "class A:\n def __set_name__(self, o, n): pass",
    "class_getitem": "class A:\n def __class_getitem__(cls, i): pass",
    "class keyword": "class A(x=1): pass",
    "class in class body": "class A:\n __class__ = str",
    "type with three arguments": "loot = type('X', (), {'__getattr__': print})",
    "type of type": "loot = type(type(1))('X', (), {})",
    "metaclass by inheritance": "class M(type): pass\nloot = M('X', (), {})",
    "dunder slots": "class A:\n __slots__ = ('__reduce_ex__',)",
    "property over class": "class A:\n @property\n def __class__(self): return str",
    # modules
    "os": "import os",
    "os as": "import os.path as p",
    "from os": "from os import system",
    "sys": "import sys",
    "builtins": "import builtins",
    "private module": "import _io",
    "private module from": "from _io import open",
    "importlib": "import importlib",
    "ctypes": "import ctypes",
    "subprocess": "import subprocess",
    "pickle": "import pickle",
    "gc": "import gc",
    "inspect": "import inspect",
    "relative": "from . import session",
    "own package": "import rlm_cli.sandbox",
    "star": "from json import *",
    "submodule of a package": "from urllib import request",
    "submodule not listed": "import urllib.request",
    "json's codecs": "import json\nloot = json.codecs",
    "json.decoder": "from json import decoder",
    "re.enum": "import re\nloot = re.enum",
    "statistics.sys": "import statistics\nloot = statistics.sys",
    "contextlib.os": "import contextlib\nloot = contextlib.os",
    "datetime.sys": "import datetime\nloot = datetime.sys",
    "fnmatch.os": "import fnmatch\nloot = fnmatch.os",
    "random's os": "import random\nloot = random._os",
    "ast.sys": "import ast\nloot = ast.sys",
    "tokenize.open": "import tokenize\nloot = tokenize.open('/etc/passwd')",
    "tokenize's builtins": "import tokenize\nloot = tokenize._builtin_open",
    "io.open": "import io\nloot = io.open('/etc/passwd')",
    "io.FileIO": "from io import FileIO",
    "pathlib's parser": "import pathlib\nloot = pathlib.PurePath.parser.genericpath.os",
    "pathlib's parser by getattr": "import pathlib\nloot = getattr(pathlib.PurePath('a'), 'parser')\nloot.genericpath",
    "pathlib reads": "import pathlib\nloot = pathlib.Path('/etc/passwd').read_text()",
    "attrgetter by steps": "from operator import attrgetter\nloot = attrgetter('__class__.__base__')('')",
    "attrgetter into a frame": "from operator import attrgetter\nloot = attrgetter('gi_frame.f_globals')(x for x in [1])",
    "methodcaller": "from operator import methodcaller",
    "update_wrapper": "from functools import update_wrapper",
    "singledispatch": "from functools import singledispatch",
    "get_type_hints": "from typing import get_type_hints",
    "make_dataclass": "from dataclasses import make_dataclass",
    "HtmlDiff": "from difflib import HtmlDiff",
    "SystemRandom": "from random import SystemRandom",
    "module's class": "import re\nloot = type(re)('x', {})",
    "strptime's module": "import _strptime",
    # code that is written by the library
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
    "dataclass of a foreign class": "from dataclasses import dataclass\ndataclass(type(documents))",
    "field from a field's class": (
        "from dataclasses import dataclass, fields\n@dataclass\nclass A:\n x: int = 0\n"
        "class F(type(fields(A)[0])): pass\nf = F(default=1)"
    ),
    "dunder field": "from dataclasses import dataclass\n@dataclass\nclass A:\n __class__: int = 0",
    "functional enum": "from enum import Enum\nEnum('E', {'__reduce_ex__': print})",
    "functional enum by pairs": "from enum import Enum\nEnum('E', [('__getattr__', print)])",
    "functional enum on an own base": "from enum import Enum\nclass B(Enum): pass\nB('E', {'__del__': print})",
    "functional enum that changes its mind": (
        "from enum import Enum\nclass P:\n n = 0\n"
        " def __getitem__(self, i): return 'a'\n def __iter__(self): return iter(('__getattr__', print))\n"
        "Enum('E', [P()])"
    ),
    # what the library does with an object's own words
    "iter_fields of a function": "import ast\ndef f(): pass\nf._fields = ('__globals__',)\nloot = dict(ast.iter_fields(f))",
    "visiting a function": (
        "import ast\nclass V(ast.NodeVisitor): pass\ndef f(): pass\nf._fields = ('__globals__',)\nloot = V().generic_visit(f)"
    ),
    "iter_fields of a method": (
        "import ast\nclass N:\n def m(self): pass\n m._fields = ('__globals__',)\nloot = dict(ast.iter_fields(N().m))"
    ),
    "node with own fields": "import ast\nloot = dict(ast.iter_fields(ast.Name(_fields=('__class__',))))",
    "node with its own reduce": "import ast, copy\nloot = copy.copy(ast.Name(**{'__reduce_ex__': lambda p: (print, ())}))",
    "writing a node's fields": "import ast\nn = ast.Name('a')\nn._fields = ('__class__',)",
    "namespace with its own reduce": (
        "import copy, types\nloot = copy.copy(types.SimpleNamespace(**{'__reduce_ex__': lambda p: (print, ())}))"
    ),
    "wraps with updated": "from functools import wraps\nloot = wraps(print)(lambda: 0, updated=('__globals__',))",
    "property of the table": "loot = type(documents[0]).text.fget.__globals__",
    "lru_cache's function": "from functools import lru_cache\nloot = lru_cache(print).__wrapped__",
    "wrapper of contextmanager": "from contextlib import contextmanager\n@contextmanager\ndef f(): yield\nloot = f.__wrapped__",
    "total_ordering of a foreign class": "from functools import total_ordering\ntotal_ordering(type(documents[0]))",
    # objects that pass names on to another object
    "alias of an object": "A = type(list[int])\nloot = A(documents, int)._rows",
    "class of aliases": "class A(type(list[int])): pass\nloot = A(documents, int)._rows",
    "class of callable aliases": "import collections.abc as c\nclass A(type(c.Callable[[int], str])): pass",
    "evaluating a reference": "from typing import List, get_args\nloot = get_args(List['1 + 1'])[0]._evaluate",
    "annotated table": "from typing import Annotated\nloot = Annotated[documents, 1]._rows",
    "annotated document": "from typing import Annotated\nloot = getattr(Annotated[documents[0], 1], '_context')",
    "annotated error": (
        "from typing import Annotated\nimport re\ntry:\n re.nothing\nexcept AttributeError as e:\n held = e\n"
        "loot = Annotated[held, 1].obj"
    ),
    "mro of an alias": "from typing import List\nloot = List[int].mro()",
    "now of an alias": "from typing import Annotated\nfrom datetime import datetime\nloot = Annotated[datetime, 1].now()",
    "enum convert by an alias": (
        "from enum import Enum\nfrom typing import Annotated\nclass C(Enum): pass\n"
        "loot = Annotated[C, 1]._convert_('X', 'os', lambda n: n == 'system')"
    ),
    # what the library has put into an own class
    "enum's table of members": "from enum import Enum\nclass C(Enum):\n A = 1\nloot = C._member_map_",
    "enum's maker": "from enum import Enum\nclass C(Enum):\n A = 1\nloot = C.A._new_member_",
    "writing enum's table": "from enum import Enum\nclass C(Enum):\n A = 1\nC._member_map_ = {}",
    "abc's register": "from abc import ABC\nclass A(ABC): pass\nloot = A._abc_impl",
    # foreign classes to build on
    "own cached_property": "from functools import cached_property\nclass C(cached_property): pass",
    "own super": "class S(super): pass",
    "own property": "class P(property): pass",
    "own classmethod": "class P(classmethod): pass",
    "own partial": "from functools import partial\nclass P(partial): pass",
    "own syntax node": "import ast\nclass N(ast.AST): _fields = ('__dict__', '__init__')",
    "enum on a foreign class": "from enum import Enum\nfrom functools import cached_property\nEnum('E', 'A', type=cached_property)",
    "protocol made checkable for all": "from typing import Protocol, runtime_checkable\nruntime_checkable(Protocol)",
    "slots that change their mind": (
        "class P:\n n = 0\n def __iter__(self):\n  P.n += 1\n  return iter(['a'] if P.n > 1 else ['__reduce_ex__'])\n"
        "class A: __slots__ = P()"
    ),
    # variables of objects
    "dunder by vars": "class A: pass\nvars(A())['__class__'] = str",
    "dunder by update": "class A: pass\nA().__dict__.update({'__reduce_ex__': print})",
    "dunder by a str subclass": "class S(str): pass\nclass A: pass\nvars(A())[S('x')] = 1",
    "frozen by vars": "class A: pass\nloot = vars(A())._held",
    # look-alike letters, which Python reads as others
    "field in look-alike letters": (
        "from typing import TypedDict\nfrom dataclasses import dataclass\nT = TypedDict('T', {'_\uff3fclass_\uff3f': int})\n"
        "@dataclass\nclass A(T): pass"
    ),
    "member in look-alike letters": "from enum import Enum\nEnum('E', {'_\uff3fdel_\uff3f': print})",
    # what would be changed for all cells to come
    "registering with a foreign class": "import collections.abc\ncollections.abc.Mapping.register(int)",
    "registering with a child of one": "from collections.abc import Mapping\nclass M(Mapping): pass\nM.register(int)",
    "table of keywords": "import keyword\nkeyword.kwlist.append('x')",
    "table of a class": "import textwrap\ntextwrap.TextWrapper.unicode_whitespace_trans[97] = 98",
    # syntax
    "async": "async def f(): pass",
    "async comprehension": "[x async for x in y]",
    "await": "await f()",
    "except star": "try:\n pass\nexcept* ValueError:\n pass",
    "eval": "eval('1')",
    "exec": "exec('1')",
    "compile": "compile('1', '', 'eval')",
    "open": "open('/etc/passwd')",
    "input": "input()",
    "globals": "globals()",
    "locals": "locals()",
    "breakpoint": "breakpoint()",
    "memoryview": "memoryview(b'')",
    "look-alike letters": "loot = (lambda: 0).__ｇlobals__",
    "print to a file": "class W:\n def write(self, s): pass\nprint('x', file=W())",
    "exception groups": "ExceptionGroup('x', [ValueError()])",
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
