"""Doors that the standard library leaves open, closed: the few places where it would act on names the code supplies.

`close` changes modules of this process, the child's, once and for good; nothing else runs here. Each entry says what
could be done through it. Modules that need more than this are not offered at all (modules.py).
"""

import _strptime  # type: ignore[import-not-found]
import abc
import ast
import copy
import csv
import decimal
import enum
import functools
import random
import re
import struct
import sys
import textwrap
import types
import typing
from collections.abc import Callable, Iterator
from typing import Any

from rlm_cli.sandbox.classes import Classes
from rlm_cli.sandbox.copying import NODES, copiers
from rlm_cli.sandbox.records import guarded_enum

_FIELD_SIZE = 1 << 30
"""Characters of one field that the csv reader takes; the library's 131,072 is little for a context."""


_SHARED_NODES = [
    node
    for node in ast.walk(
        ast.parse(
            "x = y; del x; a + b - c * d / e % f ** g << h >> i | j ^ k & l // m @ n\n"
            "not a; ~a; +a; -a; a and b; a or b\n"
            "a < b > c <= d >= e == f != g is h is not i in j not in k"
        )
    )
    if isinstance(node, (ast.expr_context, ast.boolop, ast.operator, ast.unaryop, ast.cmpop))
]
"""Of these the interpreter has one each, for all trees: what is written to them would last."""
_FLAGS = dict(re.RegexFlag._value2member_map_)
_FORGETTING: list[Callable[[], None]] = []
"""Empties what functions of the library remember; filled by `close`, before any of the code's own is there."""


class Random(random.Random):
    """random.Random that without a seed starts from 0: a replay draws the same numbers."""

    def seed(self, a: Any = None, version: int = 2) -> None:
        super().seed(0 if a is None else a, version)


def close(classes: Classes) -> None:
    """Close them all."""
    ast.iter_fields = _iter_fields
    ast.AST.__init__ = _guarded_node(ast.AST.__init__)  # type: ignore[method-assign]
    # The library's own copies too: UserDict.copy and others look these up.
    vars(copy).update(copiers(classes.__contains__))
    enum.EnumMeta._create_ = guarded_enum(classes)  # type: ignore[attr-defined]
    # The one table that a class on offer shares with everybody; json, csv and the others have none.
    textwrap.TextWrapper.unicode_whitespace_trans = types.MappingProxyType(  # type: ignore[assignment]
        textwrap.TextWrapper.unicode_whitespace_trans
    )
    random.seed(0)
    classes.know_enums()
    for module in list(sys.modules.values()):
        held = (each for each in vars(module).values() if isinstance(each, functools._lru_cache_wrapper))
        _FORGETTING.extend(each.cache_clear for each in held)


def reset() -> None:
    """Set back what a cell can change in the library for those after it.

    That is the rounding of Decimal, a limit of csv, and whatever the library remembers: a str of the code's own may
    have passed for another one there, and a pattern of its for that of grep.
    """
    decimal.setcontext(decimal.Context())
    csv.field_size_limit(_FIELD_SIZE)
    for node in _SHARED_NODES:
        vars(node).clear()
    re.purge()
    struct._clearcache()  # type: ignore[attr-defined]
    _strptime._regex_cache.clear()
    re.RegexFlag._value2member_map_.clear()
    re.RegexFlag._value2member_map_.update(_FLAGS)
    for forget in (*_FORGETTING, *typing._cleanups):  # type: ignore[attr-defined]
        forget()


def main_module() -> dict[str, Any]:
    """Return the namespace of a fresh `__main__`, in which dataclasses and others look for the module of a class."""
    module = types.ModuleType("__main__")
    sys.modules["__main__"] = module
    return vars(module)


def _iter_fields(node: ast.AST) -> Iterator[tuple[str, Any]]:
    """ast.iter_fields would read the attributes that any object's `_fields` names: `__globals__`, say."""
    kind = next((each for each in type(node).__mro__ if each in NODES), None)
    if kind is None:
        raise TypeError(f"expected an ast node, got {type(node).__name__!r}")
    for field in kind._fields:
        try:
            yield field, getattr(node, field)
        except AttributeError:
            continue


def _guarded_node(original: Callable[..., None]) -> Callable[..., None]:
    """ast.Name(**names) would set attributes of any name, also those with which an object answers for copy."""

    def __init__(self: ast.AST, /, *args: Any, **names: Any) -> None:
        for name in names:
            if name.startswith("_"):
                raise TypeError(f"{name!r} is no field of a node")
        original(self, *args, **names)

    return __init__


def guarded_wraps(owns: Callable[[Any], bool]) -> Callable[..., Any]:
    """Return `wraps` for own functions only: the library's copies attributes onto anything, `updated=` any of them."""

    def wraps(wrapped: Any) -> Callable[[Any], Any]:
        def decorate(wrapper: Any) -> Any:
            if isinstance(wrapper, types.FunctionType) and owns(wrapper):
                for name in ("__name__", "__qualname__", "__doc__"):
                    value = getattr(wrapped, name, None)
                    if isinstance(value, str):
                        setattr(wrapper, name, value)
            return wrapper

        return decorate

    return wraps


def guarded_abstractmethod(owns: Callable[[Any], bool]) -> Callable[[Any], Any]:
    """Return `abstractmethod` for what the code has made: it writes to the function it is given."""

    def abstractmethod(funcobj: Any) -> Any:
        if not (owns(funcobj) or type(funcobj) in (property, classmethod, staticmethod)):
            raise TypeError("abstractmethod works on methods defined in a class statement here")
        return abc.abstractmethod(funcobj)

    return abstractmethod


def guarded_get_origin(classes: Classes) -> Callable[[Any], Any]:
    """Return `get_origin` that hands out no class which the code cannot name: type itself, of Type[int]."""

    def get_origin(tp: Any) -> Any:
        origin = typing.get_origin(tp)
        return classes.shown(origin) if isinstance(origin, type) else origin

    return get_origin


def guarded_total_ordering(owns: Callable[[Any], bool]) -> Callable[[Any], Any]:
    """Return `total_ordering` for own classes only: it writes to the class it is given."""

    def total_ordering(cls: Any) -> Any:
        if not (isinstance(cls, type) and owns(cls)):
            raise TypeError("total_ordering works on classes defined by a class statement here")
        return functools.total_ordering(cls)

    return total_ordering


def guarded_runtime_checkable(classes: Classes) -> Callable[[Any], Any]:
    """Return `runtime_checkable` for own protocols only: it writes to the class it is given."""

    def runtime_checkable(cls: Any) -> Any:
        if not (isinstance(cls, type) and cls in classes):
            raise TypeError("runtime_checkable works on protocols defined by a class statement here")
        return typing.runtime_checkable(cls)

    return runtime_checkable
