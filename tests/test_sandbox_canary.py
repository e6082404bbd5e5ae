"""A canary walks from everything that code is given along every attribute that it may read."""

# ruff: noqa: E501 - the objects to start from, side by side

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.repl import Session, session_over

import rlm_cli


@pytest.fixture(scope="module")
def session() -> Iterator[Session]:
    with session_over() as opened:
        yield opened


CANARY = """
found = []
def look(value, path, seen):
    if id(value) in seen or len(path) > 7: return
    seen.add(id(value))
    kind = type(value).__name__
    if kind in ("module", "frame", "code", "traceback", "socket", "Channel", "Session", "Guards", "TextIOWrapper"):
        found.append((path, kind))
    if kind == "builtin_function_or_method" and value.__name__ in ("open", "eval", "exec", "compile", "__import__"):
        found.append((path, value.__name__))
    for each in dir(value):
        try:
            held = getattr(value, each)
        except Exception:
            continue
        look(held, path + [each], seen)
    if isinstance(value, (list, tuple, set, frozenset)):
        for each in value: look(each, path + ["[]"], seen)
    if isinstance(value, dict):
        for key in value: look(value[key], path + ["[]"], seen)
"""

OBJECTS = """
io.StringIO("x"), io.BytesIO(b"x"), random.Random(1), re.compile("a(b)"), re.match("a", "a"), csv.reader(["a"]),
csv.DictReader(["a", "b"]), csv.writer(io.StringIO()), csv.Sniffer(), json.JSONDecoder(), json.JSONEncoder(),
decimal.getcontext(), datetime.datetime.now(), datetime.timezone.utc, string.Template("$a"), textwrap.TextWrapper(),
difflib.SequenceMatcher(None, "a", "b"), difflib.Differ(), contextlib.ExitStack(), contextlib.suppress(KeyError),
functools.partial(print), functools.lru_cache(print), property(print), staticmethod(print), fractions.Fraction(1, 2),
pathlib.PurePosixPath("a/b"), pathlib.PureWindowsPath("a"), graphlib.TopologicalSorter(), ast.NodeVisitor(),
ast.NodeTransformer(), ast.parse("a = b + 1"), hashlib.sha256(b"a"), collections.Counter("ab"), collections.deque(),
collections.ChainMap({}), collections.UserDict(), collections.namedtuple("P", "x")(1), itertools.count(), (x for x in "a"),
statistics.NormalDist(), struct.iter_unpack("b", b"a"), urllib.parse.urlparse("http://a/b"), types.SimpleNamespace(a=1),
tokenize.generate_tokens(io.StringIO("a").readline), enum.Enum("E", "A"), enum.auto(), typing.TypeVar("T"),
typing.List[int], typing.NewType("N", int), operator.itemgetter(1), calendar.month_name, super(str, "a"), list[int],
contextlib.contextmanager(lambda: (yield))(), dataclasses.field(), dataclasses.MISSING, time.gmtime(), unicodedata,
map(str, [1]), range(3), slice(1), iter([]), reversed([1]), enumerate([1]), zip([1]), memo, failing, type, type(1)
"""


def test_no_chain_of_allowed_attributes_leads_to_a_module_a_frame_or_the_channel(session: Session) -> None:
    session.value(CANARY)
    modules = [name for name in session.repl.facts.modules if "." not in name]
    session.value("import " + ", ".join(modules) + ", urllib.parse")
    session.value("@functools.lru_cache\ndef memo(x): return x\nfailing = llm_query_batched(['please fail'])[0]")
    names = (
        "grep, llm_query, documents, files, out, FINAL, FINAL_VAR, cite, budget, peek, SHOW_VARS, SubCallError, print"
    )
    source = f"""
errors = []
for code in (lambda: llm_query("please fail"), lambda: cite("x", "y"), lambda: 1 / 0, lambda: re.nothing, lambda: nope):
    try: code()
    except Exception as error: errors.append(error)
try: compile_me = ast.parse("(")
except SyntaxError as error: errors.append(error)
things = [{names}, getattr, dir, documents[0], errors, {", ".join(modules)}, {OBJECTS.strip()}]
for number, thing in enumerate(things):
    look(thing, [str(number)], set())
print(found)
"""
    assert session.value(source) == "[]"


HOST = """
told = []
def look(value, path, seen):
    if id(value) in seen or len(path) > 7: return
    seen.add(id(value))
    if isinstance(value, str) and any(place in value for place in PLACES): told.append((path, value[:200]))
    if isinstance(value, bytes) and any(place.encode() in value for place in PLACES): told.append((path, value[:200]))
    for each in dir(value):
        try: held = getattr(value, each)
        except Exception: continue
        look(held, path + [each], seen)
    for label in ("__doc__", "__name__", "__qualname__"):
        try: look(getattr(value, label), path + [label], seen)
        except Exception: pass
    if isinstance(value, (list, tuple, set, frozenset)):
        for each in value: look(each, path + ["[]"], seen)
    if isinstance(value, dict):
        for key in value: look(key, path + ["key"], seen); look(value[key], path + ["[]"], seen)
    for show in (str, repr):
        try: look(show(value), path + [show.__name__], seen)
        except Exception: pass
"""


def test_no_text_within_reach_names_a_place_of_the_host(session: Session) -> None:
    places = {sys.prefix, sys.base_prefix, str(Path.home()), str(Path(rlm_cli.__file__).parent), os.environ["PATH"]}
    session.value(f"PLACES = {[place.replace('/', 'SEP') for place in places if len(place) > 3]!r}")
    session.value("PLACES = [place.replace('SEP', chr(47)) for place in PLACES]\n" + HOST)
    modules = [name for name in session.repl.facts.modules if "." not in name]
    session.value("import " + ", ".join(modules) + ", urllib.parse")
    names = (
        "grep, llm_query, documents, files, out, FINAL, FINAL_VAR, cite, budget, peek, SHOW_VARS, SubCallError, print"
    )
    errors = """
errors = []
for code in (lambda: llm_query(5), lambda: cite("x", "y"), lambda: 1 / 0, lambda: re.nothing, lambda: nope, lambda: files["x"],
             lambda: json.loads("{"), lambda: ast.parse("("), lambda: re.compile("("), lambda: datetime.datetime.strptime("x", "%Y")):
    try: code()
    except Exception as error: errors += [error, *error.args]
"""
    walk = f"for thing in [{names}, getattr, dir, documents[0], errors, {', '.join(modules)}]: look(thing, [], set())\n"
    assert session.value(errors + walk + "print(told)") == "[]"
    # It finds what there is to find.
    assert session.value("look([{'a': 'in ' + PLACES[0]}], [], set())\nprint(told[0][0])") == "['[]', '[]']"


def test_the_canary_sees_what_it_looks_for() -> None:
    with session_over() as session:
        session.value(CANARY)
        source = (
            "class Trap: pass\nclass module: pass\nt = Trap()\nt.inner = [module()]\nlook(t, [], set())\nprint(found)"
        )
        assert session.value(source) == "[(['inner', '[]'], 'module')]"
