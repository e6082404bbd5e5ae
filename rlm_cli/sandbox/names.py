"""The names that the code finds: Python's harmless built-ins, and the REPL's own. Tampering with them is noticed."""

import builtins
import gc
import io
from collections.abc import Callable, Mapping
from types import FunctionType
from typing import Any

from rlm_cli.chunks import smart_chunk
from rlm_cli.sandbox.answering import Answer, finals
from rlm_cli.sandbox.asking import Parent, evidence, sub_calls
from rlm_cli.sandbox.classes import UNCHECKED
from rlm_cli.sandbox.delegating import child_runs
from rlm_cli.sandbox.guards import Guards
from rlm_cli.sandbox.mapping import maps
from rlm_cli.sandbox.modules import Module, Modules
from rlm_cli.sandbox.numbering import numbering_over
from rlm_cli.sandbox.output import Output
from rlm_cli.sandbox.ranking import ranking_over
from rlm_cli.sandbox.search import grep_over, peek_with
from rlm_cli.sandbox.tables import Document, Documents, Files, Outputs
from rlm_cli.sandbox.values import SubCallError
from rlm_cli.windows import Window

_HARMLESS = """
    Ellipsis False None NotImplemented True abs all any ascii bin bool bytes callable chr classmethod complex
    dict divmod enumerate filter float format frozenset hash hex id int isinstance issubclass iter len list map max min
    next object oct ord pow property range repr reversed round set slice sorted staticmethod str sum super tuple zip
    """.split()


def built_ins(guards: Guards, modules: Modules, write: Callable[..., None]) -> dict[str, Any]:
    """Return what stands in for Python's built-ins; `write` is print."""
    held = {name: getattr(builtins, name) for name in _HARMLESS}
    for name, value in vars(builtins).items():
        if isinstance(value, type) and issubclass(value, BaseException) and "Group" not in name:
            held[name] = value
    for kind in UNCHECKED:
        del held[kind.__name__]
    guards.classes.show(held.values())
    return {**held, **public(guards.built_ins()), "__import__": modules.import_, **public({"print": write})}


def public(names: dict[str, Any]) -> dict[str, Any]:
    """Have functions called in Python's messages what the code calls them, not by where they are defined."""
    for value in names.values():
        if isinstance(value, FunctionType):
            value.__qualname__ = value.__name__
    return names


def print_to(output: Callable[[], Output]) -> Callable[..., None]:
    """Return print; `output` returns where it goes at the moment."""

    def print(
        *values: Any, sep: str | None = " ", end: str | None = "\n", file: Any = None, flush: bool = False
    ) -> None:
        """Print to the output of this iteration, or to a StringIO."""
        between = " " if sep is None else str.__str__(sep)
        after = "\n" if end is None else str.__str__(end)
        text = between.join([str.__str__(str(value)) for value in values]) + after
        if file is None:
            output().write(text)
        elif isinstance(file, io.StringIO):
            file.write(text)
        else:
            raise TypeError("print(file=...) takes an io.StringIO here; without file= it goes to the output")

    return print


class Names:
    """The REPL's own names in one namespace."""

    def __init__(
        self,
        namespace: dict[str, Any],
        parent: Parent,
        context: str,
        documents: list[Document],
        write: Callable[..., None],
        windows: Mapping[str, Window],
    ) -> None:
        def show(line: str) -> None:
            write(line)

        self.answer = Answer()
        self.outputs: dict[int, str] = {}
        self._namespace = namespace
        table = Documents(documents)
        self._fixed = public(
            {
                "print": write,
                "context": context,
                "documents": table,
                "files": Files(table),
                "out": Outputs(self.outputs),
                "SubCallError": SubCallError,
                "grep": grep_over(context, table, show),
                "bm25": ranking_over(context, table, show),
                "peek": peek_with(show),
                "numbered": numbering_over(table),
                "smart_chunk": smart_chunk,
                "SHOW_VARS": self._show_variables(show),
                **sub_calls(parent, show),
                **maps(parent, windows, show),
                **child_runs(parent, context, show),
                **evidence(parent, show),
                **finals(parent, self.answer, self.variables),
            }
        )
        self._displaced: list[Any] = []
        self.restore()

    def __contains__(self, name: object) -> bool:
        return name in self._fixed

    def protect(self, hooks: dict[str, Any]) -> None:
        """Keep these too, without ever naming them."""
        self._fixed.update(hooks)
        self.restore()

    def restore(self) -> tuple[str, ...]:
        """Bind every name again; returns those that had been bound to something else, or deleted.

        What they were bound to is kept until `release`: dropping it may run code, which could bind them once more.
        """
        missing = object()
        found = {name: self._namespace.get(name, missing) for name in self._fixed}
        changed = tuple(name for name, value in self._fixed.items() if found[name] is not value)
        self._displaced += [found[name] for name in changed]
        self._namespace.update(self._fixed)
        return changed

    def watch_collections(self, noted: list[str]) -> None:
        """Undo and note what clean-ups bind while memory is tidied up, which can be in the middle of any cell."""
        before: dict[str, Any] = {}

        def watch(phase: str, _about: dict[str, int]) -> None:
            self.answer.open = phase == "stop"
            if phase == "start":
                before.update({name: self._namespace.get(name, before) for name in self._fixed})
                return
            for name, value in before.items():
                if self._namespace.get(name, before) is not value:
                    noted.append(name)
                    if value is before:
                        self._namespace.pop(name, None)
                    else:
                        self._namespace[name] = value
            before.clear()

        gc.callbacks.append(watch)

    def release(self) -> None:
        """Drop what restored names had been bound to."""
        self._displaced = []

    def variables(self) -> dict[str, Any]:
        """Return what the code has stored, imports aside."""
        return {
            name: value
            for name, value in list(self._namespace.items())
            if name not in self._fixed and name.isidentifier() and not name.startswith("__")
            if not isinstance(value, Module)
        }

    def _show_variables(self, show: Callable[[str], None]) -> Callable[[], None]:
        def SHOW_VARS() -> None:
            """Print names, types and sizes of what the code has stored."""
            stored = self.variables()
            for name, value in stored.items():
                show(f"{name}: {described(value)}")
            if not stored:
                show("no variables yet")

        return SHOW_VARS


def described(value: Any) -> str:
    """Return a value's type and size."""
    kind = str.__str__(type(value).__name__)
    return f"{kind if kind.isidentifier() and len(kind) <= 100 else '?'}{_size(value)}"


def _size(value: Any) -> str:
    """Return how large a value is. Nothing that its class says of itself is asked."""
    if type(value) in (bool, int, float) and len(shown := repr(value)) < 40:
        return f", {shown}"
    for kind, unit in _SIZED.items():
        if isinstance(value, kind):
            return f", {kind.__len__(value):,} {unit}"
    return ""


_SIZED: dict[Any, str] = {
    str: "characters",
    bytes: "bytes",
    **dict.fromkeys((list, tuple, dict, set, frozenset), "items"),
}
