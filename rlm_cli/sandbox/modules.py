"""What the code may import: for each module the names it gets, and nothing that hangs on them.

A module is a proxy that holds the listed names. Modules inside modules are dropped: json.codecs.open, re.enum.bltns,
statistics.sys and contextlib.os are ways out that were really walked. Left out are also: operator.methodcaller,
string.Formatter, functools.update_wrapper and singledispatch, typing.get_type_hints, make_dataclass,
HtmlDiff, collections.UserString, SystemRandom, tokenize.open: each reads attributes or evaluates text that the code
names. Where a name needs a stand-in it comes from doors.py or clock.py.
"""

import importlib
import sys
import types
from collections.abc import Callable
from typing import Any

from rlm_cli.sandbox import doors
from rlm_cli.sandbox.clock import Clock
from rlm_cli.sandbox.guards import Guards
from rlm_cli.sandbox.nearest import did_you_mean
from rlm_cli.sandbox.records import record_functions
from rlm_cli.sandbox.variables import Namespace

ALL = "*"
"""Every public name of the module, but for those listed after it."""

LISTED = {
    "__future__": "annotations",
    "abc": "ABC",
    "ast": f"{ALL} main PyCF_ONLY_AST PyCF_TYPE_COMMENTS PyCF_ALLOW_TOP_LEVEL_AWAIT PyCF_OPTIMIZED_AST IntEnum auto "
    "contextmanager nullcontext",
    "base64": "b16decode b16encode b32decode b32encode b64decode b64encode b85decode b85encode "
    "urlsafe_b64decode urlsafe_b64encode",
    "binascii": "Error crc32 hexlify unhexlify",
    "bisect": "bisect bisect_left bisect_right insort insort_left insort_right",
    "calendar": "day_abbr day_name isleap month_abbr month_name monthcalendar monthrange timegm weekday",
    "cmath": ALL,
    "collections": "ChainMap Counter OrderedDict UserDict UserList defaultdict deque namedtuple",
    "collections.abc": "Callable Collection Container Generator Hashable ItemsView Iterable Iterator KeysView Mapping "
    "MutableMapping MutableSequence MutableSet Reversible Sequence Set Sized ValuesView",
    "colorsys": "hls_to_rgb rgb_to_hls",
    "contextlib": "AbstractContextManager ExitStack closing contextmanager nullcontext suppress",
    "copy": "copy deepcopy",
    "csv": "DictReader DictWriter Dialect Error QUOTE_ALL QUOTE_MINIMAL QUOTE_NONE QUOTE_NONNUMERIC Sniffer excel "
    "excel_tab field_size_limit reader unix_dialect writer",
    "dataclasses": "FrozenInstanceError InitVar KW_ONLY MISSING field",
    "datetime": "MAXYEAR MINYEAR UTC date datetime time timedelta timezone tzinfo",
    "decimal": "Decimal DecimalException DivisionByZero InvalidOperation ROUND_CEILING ROUND_DOWN ROUND_FLOOR "
    "ROUND_HALF_DOWN ROUND_HALF_EVEN ROUND_HALF_UP ROUND_UP getcontext localcontext",
    "difflib": f"{ALL} HtmlDiff",
    "enum": "Enum Flag IntEnum IntFlag StrEnum auto unique",
    "fnmatch": "filter fnmatch fnmatchcase translate",
    "fractions": "Fraction",
    "functools": "cache cached_property cmp_to_key lru_cache partial reduce",
    "graphlib": "CycleError TopologicalSorter",
    "hashlib": "blake2b blake2s md5 sha1 sha224 sha256 sha384 sha3_256 sha3_512 sha512",
    "heapq": "heapify heappop heappush heappushpop heapreplace merge nlargest nsmallest",
    "html": "escape unescape",
    "io": "BytesIO SEEK_CUR SEEK_END SEEK_SET StringIO",
    "itertools": ALL,
    "json": "JSONDecodeError JSONDecoder JSONEncoder dump dumps load loads",
    "keyword": "iskeyword issoftkeyword kwlist",
    "math": ALL,
    "numbers": "Complex Integral Number Rational Real",
    "operator": "abs add and_ concat contains countOf delitem eq floordiv ge getitem gt index indexOf inv invert is_ "
    "is_not itemgetter le lshift lt matmul mod mul ne neg not_ or_ pos pow rshift setitem sub truediv truth xor",
    "pathlib": "PurePath PurePosixPath PureWindowsPath",
    "posixpath": "basename commonpath commonprefix dirname isabs join normpath relpath sep split splitext",
    "pprint": "pformat",
    "random": "",
    "re": f"{ALL} Scanner template",
    "shlex": "join quote split",
    "statistics": ALL,
    "string": f"{ALL} Formatter",
    "struct": "calcsize error iter_unpack pack unpack unpack_from",
    "textwrap": ALL,
    "time": "",
    "tokenize": "COMMENT DEDENT ENCODING ENDMARKER ERRORTOKEN INDENT NAME NEWLINE NL NUMBER OP STRING TokenError "
    "TokenInfo generate_tokens tok_name tokenize untokenize",
    "types": "",
    "typing": "AbstractSet Annotated Any AnyStr Awaitable BinaryIO Callable ChainMap ClassVar Collection Concatenate "
    "Container ContextManager Counter DefaultDict Deque Dict Final FrozenSet Generator Generic Hashable IO ItemsView "
    "Iterable Iterator KeysView List Literal LiteralString Mapping Match MutableMapping MutableSequence MutableSet "
    "NamedTuple Never NewType NoReturn NotRequired Optional OrderedDict ParamSpec Pattern Protocol Required Reversible "
    "Self Sequence Set Sized SupportsFloat SupportsIndex SupportsInt Text TextIO Tuple Type TYPE_CHECKING TypeAlias "
    "TypeGuard TypedDict TypeVar Union ValuesView assert_never cast get_args overload",
    "unicodedata": ALL,
    "urllib.parse": "ParseResult SplitResult parse_qs parse_qsl quote quote_plus unquote unquote_plus urldefrag "
    "urlencode urljoin urlparse urlsplit urlunparse urlunsplit",
    "zlib": "adler32 compress crc32 decompress error",
}

_FILES = "there are no files and no network here; the text is in `context`, single documents in `files`"
_PARALLEL = "llm_query_batched runs prompts in parallel"
_COLLECTED = "print is collected; build strings instead"
INSTEAD = {
    **dict.fromkeys(
        ("shutil", "glob", "tempfile", "subprocess", "socket", "requests", "httpx", "urllib", "mmap", "signal"), _FILES
    ),
    "os": f"{_FILES}; for os.path use posixpath",
    **dict.fromkeys(("sqlite3", "pickle", "gzip", "zipfile", "tarfile", "http", "ssl"), _FILES),
    **dict.fromkeys(("asyncio", "threading", "concurrent", "multiprocessing"), _PARALLEL),
    "queue": "use collections.deque or heapq",
    "os.path": "use posixpath or pathlib.PurePosixPath for names of files; " + _FILES,
    "sys": "the Python version is in the first message; print in place of sys.stdout, math.inf in place of maxsize",
    **dict.fromkeys(("platform", "gc", "ctypes", "importlib", "builtins"), "nothing of the interpreter is in reach"),
    "inspect": "to look at source text use ast",
    "traceback": "an uncaught error shows its line; in a handler print the exception",
    "logging": "use print",
    "warnings": "warnings are not shown here; use print",
    "argparse": "there is no command line; set variables",
    "uuid": "for an id use a counter or hashlib.sha256(text.encode()).hexdigest()",
    "secrets": "use random",
    "ipaddress": "take addresses apart with re, or split on '.' and use int",
    "html.parser": "for markup use re and html.unescape",
    "xml": "for markup use re and html.unescape",
    "lxml": "for markup use re and html.unescape",
    "weakref": "keep ordinary references",
    "locale": "use format specifications such as {:,.2f}",
    **dict.fromkeys(("numpy", "pandas", "scipy"), "only the standard library is here: statistics, csv, collections"),
    "yaml": "only the standard library is here: json, csv, re",
    "bs4": "only the standard library is here: re, html",
}


_MISSING = {
    "os.environ": "nothing of the user's environment is in reach",
    "os.path": "use posixpath",
    "sys.exit": "a block ends at its last line",
    "sys.argv": "there is no command line; set variables",
    "contextlib.redirect_stdout": _COLLECTED,
    "contextlib.redirect_stderr": _COLLECTED,
    "operator.methodcaller": "write a lambda",
    "functools.singledispatch": "use isinstance or match",
    "typing.get_type_hints": "use dataclasses.fields(x)",
}
"""What to write in place of a name that a module has not."""


_KINDS = "BuiltinFunctionType FunctionType GeneratorType LambdaType MappingProxyType MethodType NoneType".split()
"""Names of types that are good for isinstance, and stood in for by something good for nothing else."""


def import_of(name: str) -> str | None:
    """Return the import statement that binds a name, where there is one module that must be meant."""
    if name in LISTED:
        return f"import {name}"
    homes = [module for module, words in LISTED.items() if name in words.split() and not module.startswith("_")]
    first = [module for module in homes if module not in ("typing", "collections.abc")] or homes
    return f"from {first[0]} import {name}" if len(first) == 1 else None


class Module:
    """What `import` hands out."""

    def __init__(self, title: str, names: dict[str, Any]) -> None:
        # What could be changed from here would be changed for all cells to come.
        shared = {name: value for name, value in names.items() if isinstance(value, dict)}
        frozen = {name: tuple(value) if isinstance(value, list) else value for name, value in names.items()}
        self.__dict__.update({name: value for name, value in frozen.items() if name not in shared})
        self.__dict__.update(
            {"<title>": title, "<copied>": lambda name: dict(shared[name]) if name in shared else None}
        )

    def __getattr__(self, name: str) -> Any:
        # Only for names that are missing, or copied each time.
        if (copied := self.__dict__["<copied>"](name)) is not None:
            return copied
        title = self.__dict__["<title>"]
        held = [each for each in self.__dict__ if each.isidentifier()]
        instead = (
            _MISSING.get(f"{title}.{name}")
            or INSTEAD.get(title)
            or did_you_mean(name, held)
            or f"it has: {', '.join(sorted(held)[:40])}"
        )
        raise AttributeError(f"module {title!r} has no {name!r} here; {instead}")

    def __repr__(self) -> str:
        return f"<module {self.__dict__['<title>']!r}>"


class Modules:
    """All proxies, and the `__import__` that hands them out."""

    def __init__(self, guards: Guards, clock: Clock, show: Callable[[str], None]) -> None:
        """`show` prints a line: pprint.pprint does."""
        self._held = {name: Module(name, _listed(name, words.split())) for name, words in LISTED.items()}
        for name, names in _stand_ins(guards, clock, show).items():
            vars(self._held[name]).update(names)
        self._held |= _hollow()
        vars(self._held["os"])["path"] = self._held["os.path"] = self._held["posixpath"]
        vars(self._held["collections"])["abc"] = self._held["collections.abc"]
        self._held["urllib"] = Module("urllib", {"parse": self._held["urllib.parse"]})
        for module in self._held.values():
            guards.classes.show(vars(module).values())

    @property
    def names(self) -> tuple[str, ...]:
        """The modules that can be imported, sorted."""
        return tuple(sorted(name for name in LISTED if not name.startswith("_")))

    def import_(
        self, name: str, _globals: Any = None, _locals: Any = None, fromlist: Any = (), level: int = 0
    ) -> Module | None:
        """Do what an import statement asks for; raises ImportError with what to write instead."""
        if type(fromlist) is list and name in sys.modules:
            # The interpreter's own: C code, such as datetime.strptime, imports through the code's built-ins. It looks
            # up the module itself afterwards. An import statement passes a tuple or None.
            return None
        if level or name not in self._held:
            raise ModuleNotFoundError(self._refusal(name, level), name=name)
        module = self._held[name]
        for each in fromlist or ():
            try:
                getattr(module, each)
            except AttributeError as error:
                raise ImportError(str(error)) from None
        return module if fromlist else self._held[name.partition(".")[0]]

    def _refusal(self, name: str, level: int) -> str:
        if level:
            return "there are no packages here; each block lies in one namespace"
        others = "only standard modules for text, structure, dates and mathematics are here"
        instead = INSTEAD.get(name) or INSTEAD.get(name.partition(".")[0]) or others
        return f"module {name!r} is not available: {instead}"


def _listed(name: str, words: list[str]) -> dict[str, Any]:
    module = importlib.import_module(name)
    if words[:1] == [ALL]:
        public = getattr(module, "__all__", None) or dir(module)
        words = [each for each in public if not each.startswith("_") and each not in words]
    found = {each: getattr(module, each) for each in words if hasattr(module, each)}
    return {each: value for each, value in found.items() if not isinstance(value, types.ModuleType)}


def _stand_ins(guards: Guards, clock: Clock, show: Callable[[str], None]) -> dict[str, dict[str, Any]]:
    from pprint import pformat

    def pprint(value: Any, stream: Any = None, **options: Any) -> None:
        text = pformat(value, **options)
        if stream is None:
            show(text)
        else:
            stream.write(text + "\n")

    def drawn(method: Callable[..., Any]) -> Callable[..., Any]:
        return lambda *args, **names: method(*args, **names)

    generator = doors.Random(0)
    draws = [each for each in dir(generator) if not each.startswith("_") and each not in ("VERSION", "gauss_next")]
    path = importlib.import_module("pathlib").PurePosixPath
    return {
        "abc": {"abstractmethod": doors.guarded_abstractmethod(guards.owns)},
        "dataclasses": record_functions(guards.classes),
        "functools": {
            "wraps": doors.guarded_wraps(guards.owns),
            "total_ordering": doors.guarded_total_ordering(guards.owns),
        },
        "operator": {"attrgetter": _attrgetter(guards)},
        "pathlib": {"Path": path},
        "pprint": {"pprint": pprint, "pp": pprint},
        "random": {"Random": doors.Random, **{each: drawn(getattr(generator, each)) for each in draws}},
        "time": clock.names(),
        "types": {
            "SimpleNamespace": Namespace,
            **{name: guards.classes.shown(getattr(types, name)) for name in _KINDS},
        },
        "typing": {
            "runtime_checkable": doors.guarded_runtime_checkable(guards.classes),
            "get_origin": doors.guarded_get_origin(guards.classes),
            "final": lambda decorated: decorated,  # the library's writes to whatever it is given
        },
    }


def _hollow() -> dict[str, Module]:
    """Return modules that code imports out of habit: the import costs nothing, using what is not there says why."""
    ignored = dict.fromkeys(("filterwarnings", "simplefilter", "warn"), lambda *_args, **_names: None)
    return {
        "os": Module("os", {"sep": "/", "linesep": "\n"}),
        "sys": Module(
            "sys",
            {
                "version": sys.version,
                "version_info": tuple(sys.version_info),
                "maxsize": sys.maxsize,
                "setrecursionlimit": lambda _limit: None,
            },
        ),
        "warnings": Module("warnings", ignored),
    }


def _attrgetter(guards: Guards) -> Callable[..., Any]:
    def attrgetter(*names: str) -> Callable[[Any], Any]:
        if not names or any(type(name) is not str for name in names):
            raise TypeError("attrgetter takes names of attributes")

        def reach(target: Any, name: str) -> Any:
            for part in name.split("."):
                target = guards.attribute(target, part)
            return target

        if len(names) == 1:
            return lambda target: reach(target, names[0])
        return lambda target: tuple(reach(target, name) for name in names)

    return attrgetter
