"""What source code may say: checked, and in a few places rewritten, before it runs.

Stands on RestrictedPython's transformer, which refuses every kind of syntax it does not know. Attribute NAMES are
constants in the source, so they are checked here and cost nothing when the code runs; a guard (guards.py) is compiled
in only where the object matters. Subscripts, loops, unpacking and assignment stay native.

The guards are globals whose names no source can spell: they hold characters that no identifier has. So they cannot be
rebound, deleted, captured or imported over, whatever the code does.

Not covered: faults of Python's own memory, of which each release has some that code like any other can set off. What is
got by them the wall must hold (confinement.py).
"""

import ast
import dis
import textwrap
from collections.abc import Callable, Container, Iterator
from types import CodeType
from typing import Any

from RestrictedPython.transformer import RestrictingNodeTransformer

from rlm_cli.sandbox.words import CLASS_NAMES, FORBIDDEN, LABELS, METHODS, is_dunder, is_watched, refusal

READ, LABEL, TYPE, VARS, OWN, OWN_NAMED = "<read>", "<label>", "<type>", "<vars>", "<own>", "<own named>"
INITIALISE, SET, PASSED_ON = "<initialise>", "<set>", "<passed on>"
"""The guards' names: reading a watched attribute, a label, a type, an instance's variables; writing; two calls; what
`yield from` takes."""
KIND, OWN_CLASSES, PLAIN_CLASSES, IT = "<kind>", "<own classes>", "<plain classes>", "<it>"
"""What compiled code looks at before it calls a guard, which is ten times as slow: type, two tables of classes, and the
variable that holds what is looked at."""
CAUGHT = {f"Unicode{deed}Error": f"<Unicode{deed}Error>" for deed in ("Decode", "Encode", "Translate")}
"""Exceptions that may be caught by name, and nothing else (classes.UNCHECKED); what a handler says in place of them."""

_SINGLE_CAPTURE = frozenset("bool bytes dict float frozenset int list set str tuple".split())
_READABLE_NAMES = frozenset({"__name__", "__debug__"})
_PLAIN_NAMES = frozenset({"__all__", "__author__", "__license__", "__version__"})
"""What scripts begin with; they mean nothing here."""
_OURSELVES = ("rlm", "rlm_cli")


class NotAllowed(Exception):
    """The code uses what the sandbox does not have. `line` is in the block, from 1."""

    def __init__(self, message: str, line: int) -> None:
        super().__init__(message)
        self.line = line


def compile_block(source: str, filename: str, note: Callable[[str], None] = lambda said: None) -> CodeType:
    """Compile one block of model-written code. `note` is told what in it was left out, because it means nothing here.

    Raises NotAllowed, or what Python raises for code that is none: SyntaxError, ValueError, RecursionError and others.
    """
    try:
        tree = ast.parse(source, filename)
    except IndentationError:  # perhaps all of it is indented, as code in a list is
        tree = ast.parse(textwrap.dedent(source), filename)
    policy = Policy()
    tree = policy.visit(tree)
    if policy.refusals:
        line, message = min(policy.refusals)
        others = len({text for _, text in policy.refusals} - {message})
        raise NotAllowed(message + (f" (and {others} more such places)" if others else ""), line)
    for said in dict.fromkeys(policy.notes):
        note(said)
    return compile(ast.fix_missing_locations(tree), filename, "exec", dont_inherit=True)


def globals_bound(code: CodeType, names: Container[str], within: bool = False) -> Iterator[str]:
    """Yield those of `names` that a block, or a function or class in it, may bind or delete, whenever it is called."""
    kinds = _BINDING[2:] if within else _BINDING
    if any(name in names for name in code.co_names):
        found = (each.argval for each in dis.get_instructions(code) if each.opname in kinds)
        yield from (name for name in found if name in names)
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from globals_bound(constant, names, within=True)


_BINDING = ("STORE_NAME", "DELETE_NAME", "STORE_GLOBAL", "DELETE_GLOBAL")


class Policy(RestrictingNodeTransformer):
    """One block's check; afterwards `refusals` holds (line, message) of everything refused."""

    def __init__(self) -> None:
        super().__init__()
        self.refusals: list[tuple[int, str]] = []
        self.notes: list[str] = []
        """What was left out of the code."""
        self._classes: list[str | None] = []
        """The classes and functions around this place, innermost last; None for a function."""
        self._comprehensions = 0
        """How many are around this place."""

    def error(self, node: ast.AST, info: str) -> None:
        self.refusals.append((getattr(node, "lineno", 0), info))

    def not_allowed(self, node: ast.AST) -> None:
        self.error(node, f"{type(node).__name__} is not available here")

    # --- names ---------------------------------------------------------------------------------------------------

    def check_name(self, node: Any, name: str | None, allow_magic_methods: bool = False) -> None:
        """Refuse to bind `name`."""
        if name is None:
            return
        if is_dunder(name) and name not in _PLAIN_NAMES and not (self._in_class_body and name in CLASS_NAMES):
            self.error(node, refusal(name))
        elif name == "super":
            self.error(node, "'super' cannot be rebound here")

    def visit_Name(self, node: ast.Name) -> ast.AST:
        if node.id.startswith("<"):  # put here by ourselves
            return node
        if not (isinstance(node.ctx, ast.Load) and (node.id in _READABLE_NAMES or node.id == "super")):
            self.check_name(node, node.id)
        if node.id in CAUGHT:
            self.error(node, f"{node.id!r} can only stand behind except; here use UnicodeError, or ValueError")
        return node

    @property
    def _in_function(self) -> bool:
        return bool(self._classes) and self._classes[-1] is None

    @property
    def _in_class_body(self) -> bool:
        return bool(self._classes) and self._classes[-1] is not None

    def _mangled(self, name: str) -> str:
        """Return what `__name` stands for in a class, as the compiler would; rewritten places escape its notice."""
        inside = next((each for each in reversed(self._classes) if each is not None), None)
        if inside is None or not name.startswith("__") or not inside.strip("_"):
            return name
        return f"_{inside.lstrip('_')}{name}"

    # --- attributes ----------------------------------------------------------------------------------------------

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        name = node.attr
        if name in FORBIDDEN:
            self.error(node, refusal(name))
            return node
        if isinstance(node.ctx, ast.Load):
            return self._read(node)
        if is_dunder(name) and name not in LABELS:
            self.error(node, refusal(name))
            return node
        node = self.node_contents_visit(node)
        if is_watched(name):
            mangled = ast.Constant(self._mangled(name))
            node.value = self._unless(
                PLAIN_CLASSES, node.value, lambda it: it, lambda it: _call(OWN_NAMED, it, mangled)
            )
        else:
            node.value = self._unless(OWN_CLASSES, node.value, lambda it: it, lambda it: _call(OWN, it))
        return node

    def _read(self, node: ast.Attribute) -> ast.AST:
        name = node.attr
        if name in METHODS and _is_plain_super(node.value):
            return node
        if is_dunder(name):
            guard = {"__class__": TYPE, "__dict__": VARS}.get(name, LABEL if name in LABELS else None)
            if guard is None:
                self.error(node, refusal(name))
                return node
            value = self.visit(node.value)
            rewritten = _call(LABEL, value, ast.Constant(name)) if guard == LABEL else _call(guard, value)
            return ast.copy_location(rewritten, node)
        node = self.node_contents_visit(node)
        if is_watched(name):
            mangled = ast.Constant(self._mangled(name))
            read = self._unless(
                PLAIN_CLASSES,
                node.value,
                lambda it: ast.copy_location(ast.Attribute(it, name, ast.Load()), node),
                lambda it: _call(READ, it, mangled),
            )
            return ast.copy_location(read, node)
        return node

    def _unless(
        self, classes: str, target: ast.expr, direct: Callable[[ast.expr], ast.expr], guarded: Callable[..., ast.expr]
    ) -> ast.expr:
        """Return what is `direct` where the class of `target` is in a table, else `guarded`.

        The target is read once: what a name stands for can change in between. What it was is kept in a variable of the
        function; elsewhere there is none that nobody else sees, and the guard is called.
        """
        if not isinstance(target, ast.Name) or not self._in_function or self._comprehensions:
            return guarded(target)
        first = ast.copy_location(ast.NamedExpr(ast.Name(IT, ast.Store()), target), target)
        kind = ast.Call(ast.Name(KIND, ast.Load()), [first], [])
        listed = ast.Compare(kind, [ast.In()], [ast.Name(classes, ast.Load())])
        it = [ast.copy_location(ast.Name(IT, ast.Load()), target) for _ in range(2)]
        for each in (first.target, kind, kind.func, listed, listed.comparators[0]):
            ast.copy_location(each, target)
        return ast.copy_location(ast.IfExp(listed, direct(it[0]), guarded(it[1])), target)

    def visit_YieldFrom(self, node: ast.YieldFrom) -> ast.AST:
        # The interpreter would call the close() of an object of the code's own, whenever memory is tidied up.
        node = self.node_contents_visit(node)
        node.value = _call(PASSED_ON, node.value)
        return node

    def visit_Call(self, node: ast.Call) -> ast.AST:
        """Let a method call its parent's __init__ by the class's name, and object's __setattr__ on what is frozen."""
        called = node.func
        if isinstance(called, ast.Attribute) and not _is_plain_super(called.value):
            of_object = isinstance(called.value, ast.Name) and called.value.id == "object"
            guard = {"__init__": INITIALISE, "__setattr__": SET if of_object else None}.get(called.attr)
            if guard is not None:
                function = ast.copy_location(ast.Name(guard, ast.Load()), called)
                node = ast.copy_location(ast.Call(function, [called.value, *node.args], node.keywords), node)
        return self.node_contents_visit(node)

    # --- definitions ---------------------------------------------------------------------------------------------

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        self.check_name(node, node.name)
        return self._inside(node, None)

    def visit_Lambda(self, node: ast.Lambda) -> ast.AST:
        return self._inside(node, None)

    def visit_arg(self, node: ast.arg) -> ast.AST:
        self.check_name(node, node.arg)
        return self.node_contents_visit(node)

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.AST:
        self.check_name(node, node.name)
        for keyword in node.keywords:
            if keyword.arg == "metaclass":
                self.error(node, "metaclasses are not available here; for abstract classes inherit from abc.ABC")
            elif keyword.arg != "total":
                self.error(node, f"class keyword {keyword.arg!r} is not available here")
        return self._inside(node, node.name)

    def _inside(self, node: ast.AST, name: str | None) -> ast.AST:
        # Decorators, bases and defaults are visited as if inside too: they can name no more there than outside.
        self._classes.append(name)
        node = self.node_contents_visit(node)
        self._classes.pop()
        return node

    def _check_type_parameter(self, node: Any) -> Any:
        self.check_name(node, node.name)
        return self.node_contents_visit(node)

    visit_TypeVar = visit_TypeVarTuple = visit_ParamSpec = _check_type_parameter

    def visit_TypeAlias(self, node: ast.AST) -> ast.AST:
        return self.node_contents_visit(node)

    # --- statements ----------------------------------------------------------------------------------------------

    def visit_ImportFrom(self, node: ast.ImportFrom) -> ast.AST:
        if node.module in _OURSELVES and not node.level and not any(alias.asname for alias in node.names):
            self.notes.append(f"`from {node.module} import` was left out: the session's names are there without it")
            return ast.copy_location(ast.Pass(), node)
        return self.check_import_names(node)

    def check_import_names(self, node: ast.Import | ast.ImportFrom) -> ast.AST:
        module = node.module if isinstance(node, ast.ImportFrom) else None
        for alias in node.names:
            if alias.name == "*":
                self.error(node, "star imports are not available here; name what you need")
            elif module != "__future__" and any(part.startswith("_") for part in alias.name.split(".")):
                self.error(node, f"{alias.name!r} is private; import public names")
            self.check_name(node, alias.asname)
        return node

    def visit_ExceptHandler(self, node: ast.ExceptHandler) -> ast.AST:
        self.check_name(node, node.name)
        if isinstance(node.type, ast.Tuple):
            node.type.elts = [_caught(each) for each in node.type.elts]
        elif node.type is not None:
            node.type = _caught(node.type)
        return self.node_contents_visit(node)

    def visit_Global(self, node: ast.Global | ast.Nonlocal) -> ast.AST:
        for name in node.names:
            self.check_name(node, name)
        return node

    visit_Nonlocal = visit_Global

    def _refuse_async(self, node: ast.AST) -> ast.AST:
        self.error(node, "async code is not available here, write def; llm_query_batched runs prompts in parallel")
        return node

    def visit_Await(self, node: ast.Await) -> ast.AST:
        # Outside `async def`, which is refused, there is nothing to wait for: calls return what they are asked for.
        self.notes.append("`await` was left out: no call here needs it")
        return self.visit(node.value)  # type: ignore[no-any-return]

    visit_AsyncFunctionDef = visit_AsyncFor = visit_AsyncWith = _refuse_async

    def visit_comprehension(self, node: ast.comprehension) -> ast.AST:
        return self._refuse_async(node.target) if node.is_async else self.node_contents_visit(node)

    def visit_TryStar(self, node: ast.AST) -> ast.AST:
        self.error(node, "except* is not available here; use except")
        return node

    # --- match ---------------------------------------------------------------------------------------------------

    def _capture(self, node: Any) -> Any:
        self.check_name(node, getattr(node, "name", None))
        self.check_name(node, getattr(node, "rest", None))
        return self.node_contents_visit(node)

    visit_MatchStar = visit_MatchAs = visit_MatchMapping = _capture

    def visit_MatchValue(self, node: ast.MatchValue) -> ast.AST:
        # A pattern holds names and attributes only: there is no place for a guard.
        for each in ast.walk(node.value):
            if isinstance(each, ast.Attribute) and (is_watched(each.attr) or each.attr in FORBIDDEN):
                written = ast.unparse(node.value)
                self.error(node, f"{each.attr!r} is not available in a pattern; write `case x if x == {written}`")
                return node
        return self.node_contents_visit(node)

    def visit_MatchClass(self, node: ast.MatchClass) -> Any:
        # Positional patterns read the attributes that __match_args__ names, which nothing can check here.
        capture = self._single_capture(node)
        if capture is not None:
            return self.visit(capture)
        if node.patterns:
            self.error(node, "positional class patterns are not available here; write case Point(x=a, y=b)")
        for name in node.kwd_attrs:
            if is_watched(name) or name in FORBIDDEN:
                self.error(node, refusal(name))
        return self.node_contents_visit(node)

    @staticmethod
    def _single_capture(node: ast.MatchClass) -> ast.AST | None:
        """Return `str() as x` for `str(x)`, which means the same for these types; None for other patterns."""
        if not (isinstance(node.cls, ast.Name) and node.cls.id in _SINGLE_CAPTURE and len(node.patterns) == 1):
            return None
        [inner] = node.patterns
        if node.kwd_attrs or not isinstance(inner, ast.MatchAs) or inner.pattern is not None:
            return None
        bare = ast.MatchClass(node.cls, [], [], [])
        whole = bare if inner.name is None else ast.MatchAs(bare, inner.name)
        return ast.copy_location(whole, node)

    # --- what needs no check of its own --------------------------------------------------------------------------

    def _contents(self, node: ast.AST) -> ast.AST:
        return self.node_contents_visit(node)

    visit_Module = visit_Subscript = visit_With = visit_For = _contents
    visit_Assign = visit_AnnAssign = visit_AugAssign = visit_NamedExpr = _contents

    def _comprehended(self, node: ast.AST) -> ast.AST:
        self._comprehensions += 1
        node = self.node_contents_visit(node)
        self._comprehensions -= 1
        return node

    visit_ListComp = visit_SetComp = visit_DictComp = visit_GeneratorExp = _comprehended
    visit_Match = visit_match_case = visit_MatchSingleton = visit_MatchSequence = _contents
    visit_MatchOr = _contents


def _call(guard: str, *arguments: ast.expr) -> ast.Call:
    call = ast.Call(ast.Name(guard, ast.Load()), list(arguments), [])
    first = arguments[0]
    ast.copy_location(call, first)
    ast.copy_location(call.func, first)
    for argument in arguments[1:]:
        ast.copy_location(argument, first)
    return call


def _caught(kind: ast.expr) -> ast.expr:
    """Let a handler name an exception that nothing else may name."""
    if isinstance(kind, ast.Name) and kind.id in CAUGHT:
        return ast.copy_location(ast.Name(CAUGHT[kind.id], ast.Load()), kind)
    return kind


def _is_plain_super(node: ast.AST) -> bool:
    return (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == "super"
        and not node.args
        and not node.keywords
    )
