"""Ordinary Python, as models write it, runs in the sandbox unchanged."""

from collections.abc import Iterator

import pytest
from support.repl import Session, session_over


@pytest.fixture(scope="module")
def session() -> Iterator[Session]:
    with session_over() as opened:
        yield opened


EVERYDAY = {
    "class with dunder methods": (
        """
class Stack:
    limit = 10
    def __init__(self, *items):
        self._items = list(items)
        self.__secret = 41
    def __len__(self): return len(self._items)
    def __iter__(self): return iter(self._items)
    def __getitem__(self, i): return self._items[i]
    def __repr__(self): return f"{self.__class__.__name__}({self._items})"
    def __eq__(self, other): return isinstance(other, Stack) and self._items == other._items
    __hash__ = None
    __str__ = __repr__
    @property
    def secret(self):
        self.__secret += 1
        return self.__secret
    @classmethod
    def of(cls, items): return cls(*items)
    @staticmethod
    def two(): return 2
s = Stack.of([1, 2]); s._items.append(3); s.extra = 5; s.extra += 1
print(s, len(s), s[0], s.secret, s.extra, Stack.two(), s == Stack(1, 2, 3), type(s).__name__)
""",
        "Stack([1, 2, 3]) 3 1 42 6 2 True Stack",
    ),
    "inheritance and super": (
        """
class A:
    def __init__(self, x): self.x = x
    def _hidden(self): return "hidden"
    def show(self): return f"A{self.x}"
class B(A):
    def __init__(self, x, y):
        super().__init__(x)
        self.y = y
    def _hidden(self): return super()._hidden() + "!"
    def show(self): return super().show() + f"B{self.y}" + self._hidden()
class D(dict):
    def __setitem__(self, k, v): super().__setitem__(k, v * 2)
    def __missing__(self, k): return "none"
d = D(); d["a"] = 2
print(B(1, 2).show(), d, d["b"], issubclass(B, A))
""",
        "A1B2hidden! {'a': 4} none True",
    ),
    "dataclasses": (
        """
from dataclasses import dataclass, field, asdict, replace, fields
@dataclass
class Point:
    x: int
    y: int = 0
    tags: list = field(default_factory=list)
    def __post_init__(self): self.tags.append("p")
@dataclass(frozen=True, order=True, slots=True)
class Key:
    name: str
p = Point(1); p.y += 4
try:
    Key("a").name = "b"
except Exception as e:
    print(type(e).__name__)
print(p, asdict(p), replace(p, x=9), [f.name for f in fields(p)], sorted([Key("b"), Key("a")]))
""",
        "FrozenInstanceError\nPoint(x=1, y=4, tags=['p', 'p']) {'x': 1, 'y': 4, 'tags': ['p']} "
        "Point(x=9, y=4, tags=['p', 'p']) ['x', 'y', 'tags'] [Key(name='a'), Key(name='b')]",
    ),
    "dataclass under future annotations": (
        """
from __future__ import annotations
from dataclasses import dataclass
from typing import ClassVar, Optional
@dataclass
class N:
    value: int
    next: Optional[N] = None
    count: ClassVar[int] = 0
print(N(1, N(2)))
""",
        "N(value=1, next=N(value=2, next=None))",
    ),
    "match": (
        """
class P:
    def __init__(self, x): self.x = x
def what(v):
    match v:
        case int(n) if n > 5: return f"big {n}"
        case int() | float(): return "number"
        case str(_): return "text"
        case [first, *rest]: return f"list {first} {len(rest)}"
        case {"k": value, **others}: return f"dict {value} {others}"
        case P(x=3): return "P3"
        case None: return "none"
        case _: return "other"
print([what(v) for v in (7, 1.5, "a", [1, 2, 3], {"k": 1, "z": 2}, P(3), None, {1})])
""",
        "['big 7', 'number', 'text', 'list 1 2', \"dict 1 {'z': 2}\", 'P3', 'none', 'other']",
    ),
    "with, try, finally, else": (
        """
from contextlib import contextmanager, suppress
log = []
@contextmanager
def opened(name):
    log.append("in " + name)
    try:
        yield name
    finally:
        log.append("out " + name)
class M:
    def __enter__(self): return (1, 2)
    def __exit__(self, kind, value, trace): return kind is ValueError
with opened("a") as a, M() as (x, y):
    raise ValueError("swallowed")
with suppress(KeyError):
    {}["k"]
for i in range(3):
    try:
        if i == 1: continue
        if i == 2: raise KeyError(i)
    except (KeyError, IndexError) as error:
        log.append(repr(error))
    else:
        log.append("else")
    finally:
        log.append(i)
print(log, x, y)
""",
        "['in a', 'out a', 'else', 0, 1, 'KeyError(2)', 2] 1 2",
    ),
    "closures, nonlocal, global, decorators": (
        """
import functools
total = 0
def counter():
    n = 0
    def step(by=1, /, *args, key=None, **rest):
        nonlocal n
        global total
        n += by; total += by
        return n
    return step
def logged(fn):
    @functools.wraps(fn)
    def wrapper(*args, **kwargs):
        wrapper.calls += 1
        return fn(*args, **kwargs)
    wrapper.calls = 0
    return wrapper
@logged
def double(x):
    "Doubles."
    return x * 2
c = counter(); c(); c(2)
@functools.lru_cache(maxsize=None)
def fib(n): return n if n < 2 else fib(n - 1) + fib(n - 2)
print(total, double(4), double.calls, double.__name__, double.__doc__, fib(80), functools.reduce(lambda a, b: a * b, [1, 2, 3]))
""",
        "3 8 1 double Doubles. 23416728348467685 6",
    ),
    "comprehensions, unpacking, walrus, slices": (
        """
first, *middle, last = [1, 2, 3, 4]
(a, b), c = (1, 2), 3
squares = {n: n ** 2 for n in range(4) if n % 2}
flat = [y for x in [[1], [2, 3]] for y in x]
if (n := len(flat)) > 2: flat[1:2] = [9, 9]
flat[-1] += 1
x = y = []
x += [1]
m = {**squares, "z": (*middle, 0)}
del m[1]
print(first, middle, last, a + b + c, flat, y, m, sum(i for i in range(5)), "abc"[::-1])
""",
        "1 [2, 3] 4 6 [1, 9, 9, 4] [1] {3: 9, 'z': (2, 3, 0)} 10 cba",
    ),
    "f-strings and formats": (
        """
v, w = 3.14159, 8
who = {"name": "ann"}
print(f"{v:.2f} {v!r:>{w}} {w=} {'nested ' + f'{w:03d}'} {who['name']:^7}|")
print("{0:>5}|{a:.1f}|{0!r}".format("x", a=v), "{name}".format_map(who), "{0[name]} {1.real}".format(who, 5), "%s %d" % ("a", 3))
print(list(map("<{}>".format, [1, 2])), format(1234.5, ",.1f"), "{:,}".format(12345), "{{}}".format())
""",
        "3.14  3.14159 w=8 nested 008   ann  |\n    x|3.1|'x' ann ann 5 a 3\n['<1>', '<2>'] 1,234.5 12,345 {}",
    ),
    "generators": (
        """
def numbers(n):
    for i in range(n):
        got = yield i
        if got: yield got
def chained():
    yield from numbers(2)
    return
g = numbers(3)
print(next(g), g.send("x"), list(g), list(chained()), next(iter([]), "end"))
""",
        "0 x [1, 2] [0, 1] end",
    ),
    "collections": (
        """
from collections import Counter, defaultdict, namedtuple, OrderedDict, deque
import collections.abc, collections
P = namedtuple("P", "x y", defaults=[0])
d = defaultdict(list); d["a"].append(1); d["a"] += [2]
c = Counter("abca"); c["z"] += 2; c.update("z")
q = deque([1, 2], maxlen=2); q.append(3)
print(P(1)._replace(y=5), P(1)._asdict(), P._fields, dict(d), c.most_common(1), q, isinstance({}, collections.abc.Mapping))
""",
        "P(x=1, y=5) {'x': 1, 'y': 0} ('x', 'y') {'a': [1, 2]} [('z', 3)] deque([2, 3], maxlen=2) True",
    ),
    "enum and typing": (
        """
from enum import Enum, IntEnum, auto, Flag
from typing import NamedTuple, TypedDict, Optional, List, Dict, Generic, TypeVar, Protocol
class Color(Enum):
    RED = "r"
    BLUE = auto()
    def describe(self): return f"{self.name}={self.value}"
    @classmethod
    def _missing_(cls, value): return cls.RED
class Level(IntEnum):
    LOW = 1
    HIGH = 2
Shape = Enum("Shape", "CIRCLE SQUARE")
class Row(NamedTuple):
    name: str
    n: int = 0
class T(TypedDict, total=False):
    a: int
V = TypeVar("V")
class Box(Generic[V]):
    def __init__(self, v: V): self.v: V = v
def f(a: int, b: Optional[List[Dict[str, int]]] = None) -> str: return "ok"
x: int = 5
t: T = {"a": 1}
print(Color.RED.describe(), Color("zzz"), Level.HIGH > Level.LOW, list(Shape)[1].name, Row("a"), Row("a")._asdict(), Box[int](3).v, f(1), x, t, [c.name for c in Color])
""",
        "RED=r Color.RED True SQUARE Row(name='a', n=0) {'name': 'a', 'n': 0} 3 ok 5 {'a': 1} ['RED', 'BLUE']",
    ),
    "regular expressions": (
        """
import re
p = re.compile(r"(?P<k>\\w+)=(?P<v>\\d+)", re.I | re.M)
m = p.search("a=1 b=22")
print(m.group("k"), m.groupdict(), m.span(), p.findall("a=1 b=22"), re.sub(r"\\d+", lambda m: str(int(m.group()) * 2), "a1b2"))
print(re.split(r"[,;]\\s*", "a, b;c"), [x.start() for x in re.finditer("a", "banana")], bool(re.match("^b", "abc")), re.escape("a.b"))
try:
    re.compile("(")
except re.error as e:
    print("bad pattern:", e)
""",
        "a {'k': 'a', 'v': '1'} (0, 3) [('a', '1'), ('b', '22')] a2b4\n['a', 'b', 'c'] [1, 3, 5] False a\\.b\n"
        "bad pattern: missing ), unterminated subpattern at position 0",
    ),
    "json, csv, io": (
        """
import json, csv, io
text = json.dumps({"a": [1, 2.5, None], "é": True}, ensure_ascii=False, indent=None, sort_keys=True)
try:
    json.loads("{bad")
except json.JSONDecodeError as e:
    print("JSON", e.lineno, e.msg)
buffer = io.StringIO()
w = csv.DictWriter(buffer, fieldnames=["a", "b"]); w.writeheader(); w.writerow({"a": 1, "b": "x,y"})
print(text, list(csv.DictReader(io.StringIO(buffer.getvalue()))), list(csv.reader(["1;2"], delimiter=";")))
print("to a buffer", file=buffer); print(buffer.getvalue().splitlines()[-1], "a", "b", sep="-", end="!\\n")
""",
        "JSON 1 Expecting property name enclosed in double quotes\n"
        "{\"a\": [1, 2.5, null], \"é\": true} [{'a': '1', 'b': 'x,y'}] [['1', '2']]\nto a buffer-a-b!",
    ),
    "dates and times": (
        """
from datetime import datetime, timedelta, date, timezone
import time, calendar
d = datetime.strptime("2024-02-28 10:30", "%Y-%m-%d %H:%M") + timedelta(days=2)
print(d.isoformat(), d.strftime("%d %B %Y"), (date(2024, 3, 1) - date(2024, 2, 1)).days, d.date() < date.max, calendar.monthrange(2024, 2))
print(datetime.now().year, date.today(), datetime.now(timezone.utc).tzinfo, isinstance(datetime.now(), date), datetime.fromisoformat("2024-01-02"))
start = time.time(); time.sleep(5); print(round(time.time() - start), time.strftime("%Y", time.gmtime(0)), time.perf_counter() < time.perf_counter())
""",
        "2024-03-01T10:30:00 01 March 2024 29 True (3, 29)\n2023 2023-11-14 UTC True 2024-01-02 00:00:00\n5 1970 True",
    ),
    "ast": (
        """
import ast
src = "import os\\ndef f(a, b=1):\\n    return g(a)\\nclass K: pass\\n"
tree = ast.parse(src)
class Calls(ast.NodeVisitor):
    def __init__(self): self.names = []
    def visit_Call(self, node):
        self.names.append(node.func.id)
        self.generic_visit(node)
class Rename(ast.NodeTransformer):
    def visit_Name(self, node):
        node.id = node.id.upper()
        return ast.copy_location(ast.Name(id=node.id, ctx=node.ctx), node)
calls = Calls(); calls.visit(tree)
functions = [n.name for n in ast.walk(tree) if isinstance(n, (ast.FunctionDef, ast.ClassDef))]
print(calls.names, functions, [type(n).__name__ for n in tree.body], ast.unparse(ast.fix_missing_locations(Rename().visit(ast.parse("a + b")))))
print(ast.literal_eval("[1, {'a': (2,)}]"), ast.dump(ast.parse("1", mode="eval")), [k for k, v in ast.iter_fields(tree.body[1])][:2])
""",
        "['g'] ['f', 'K'] ['Import', 'FunctionDef', 'ClassDef'] A + B\n"
        "[1, {'a': (2,)}] Expression(body=Constant(value=1)) ['name', 'args']",
    ),
    "numbers": (
        """
import math, statistics, random, itertools, operator, heapq, bisect
from fractions import Fraction
from decimal import Decimal, getcontext
getcontext().prec = 6
random.seed(3); a = random.random(); random.seed(3)
print(math.isclose(a, random.random()), statistics.mean([1, 2, 6]), statistics.median([3, 1, 2]), Fraction(1, 3) + 1, Decimal(1) / 3)
print(list(itertools.islice(itertools.chain([1], itertools.count(5)), 3)), sorted([(2, "b"), (1, "c")], key=operator.itemgetter(1)), heapq.nlargest(2, [1, 9, 5]), bisect.bisect([1, 3], 2))
print([(k, len(list(g))) for k, g in itertools.groupby("aab")], divmod(7, 2), round(2.675, 2), 10 ** 30, 7 // 2, -7 % 3, 0x1F, 1_000)
""",
        "True 3 2 4/3 0.333333\n[1, 5, 6] [(2, 'b'), (1, 'c')] [9, 5] 1\n"
        "[('a', 2), ('b', 1)] (3, 1) 2.67 1000000000000000000000000000000 3 2 31 1000",
    ),
    "text tools": (
        """
import textwrap, difflib, hashlib, string, unicodedata, html, base64, tokenize, io
from urllib.parse import urlparse, parse_qs
from pathlib import PurePosixPath, Path
import posixpath, fnmatch, copy, pprint, types
print(textwrap.shorten("hello big world", 12), difflib.get_close_matches("appel", ["apple", "pear"]), hashlib.sha256(b"a").hexdigest()[:8], string.ascii_letters[:3])
print(unicodedata.name("é"), html.unescape("&amp;"), base64.b64encode(b"hi"), urlparse("http://a/b?q=1").path, parse_qs("q=1"), Path("a/b.tar.gz").suffix, posixpath.splitext("a/b.py"))
print([t.string for t in tokenize.generate_tokens(io.StringIO("a = 1").readline)][:3], string.Template("$a!").substitute(a=1), copy.deepcopy({"a": [1]}), types.SimpleNamespace(a=1).a)
pprint.pprint({"b": 1, "a": 2})
print(difflib.SequenceMatcher(None, "abc", "abd").ratio() > 0.6, "é".encode("latin-1"), b"\\xe9".decode("cp1252"), "ab".encode("utf-16-le"), fnmatch.fnmatch("a.py", "*.py"))
""",
        "hello [...] ['apple'] ca978112 abc\nLATIN SMALL LETTER E WITH ACUTE & b'aGk=' /b {'q': ['1']} .gz ('a/b', '.py')\n"
        "['a', '=', '1'] 1! {'a': [1]} 1\n{'a': 2, 'b': 1}\nTrue b'\\xe9' é b'a\\x00b\\x00' True",
    ),
    "introspection of own objects": (
        """
class C:
    kind = "k"
    def __init__(self): self.a = 1; self._b = 2
    def go(self): return "went"
c = C()
setattr(c, "d", 4); c.__doc__
print(vars(c), getattr(c, "_b"), getattr(c, "nope", "default"), hasattr(c, "a"), getattr(c, "go")(), [n for n in dir(c) if not n.startswith("_")])
delattr(c, "d")
print(isinstance(c, C), type(c) is C, type(1) == int, isinstance(C, type), type(c).__name__, C.__name__, callable(c.go), c.__dict__, type(len).__name__, type(C) is type)
""",
        "{'a': 1, '_b': 2, 'd': 4} 2 default True went ['a', 'd', 'go', 'kind']\n"
        "True True True True C C True {'a': 1, '_b': 2} builtin_function_or_method True",
    ),
    "abstract classes and ordering": (
        """
from abc import ABC, abstractmethod
from functools import total_ordering, partial, cached_property
@total_ordering
class Shape(ABC):
    @abstractmethod
    def area(self): ...
    def __lt__(self, other): return self.area() < other.area()
    def __eq__(self, other): return self.area() == other.area()
class Sq(Shape):
    def __init__(self, a): self.a = a
    @cached_property
    def big(self): return self.a * 100
    def area(self): return self.a ** 2
try:
    Shape()
except TypeError as e:
    print("abstract")
print(max(Sq(1), Sq(3)).a, Sq(1) >= Sq(2), partial(pow, 2)(5), Sq(2).big)
""",
        "abstract\n3 False 32 200",
    ),
    "main guard and exceptions of one's own": (
        """
class Problem(ValueError):
    def __init__(self, message, code):
        super().__init__(message)
        self.code = code
def main():
    try:
        raise Problem("bad", 7) from KeyError("inner")
    except Problem as p:
        print(p, p.code, p.args, type(p).__name__)
    assert True, "never"
if __name__ == "__main__":
    main()
""",
        "bad 7 ('bad',) Problem",
    ),
}


@pytest.mark.parametrize("name", EVERYDAY)
def test_everyday_python_runs_unchanged(session: Session, name: str) -> None:
    source, expected = EVERYDAY[name]
    assert session.value(source) == expected


def test_names_last_from_cell_to_cell_and_functions_see_later_values(session: Session) -> None:
    session.value("lab = 1\ndef seen(): return lab")
    assert session.value("lab = 2\nprint(seen())") == "2"


def test_shadowing_a_built_in_is_the_codes_own_affair(session: Session) -> None:
    assert session.value("list = [1]\nid = 5\ninput = 'x'\nprint(list, id, input)\ndel list, id, input\nprint(list('ab'))") == (
        "[1] 5 x\n['a', 'b']"
    )
