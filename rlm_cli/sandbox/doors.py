"""Doors that the standard library leaves open, closed: the few places where it would act on names the code supplies.

`close` changes modules of this process, the child's, once and for good; nothing else runs here. Each entry says what
could be done through it. Modules that need more than this are not offered at all (modules.py).
"""

import ast
import copy
import dataclasses
import enum
import functools
import keyword
import random
import sys
import types
from collections.abc import Callable, Iterator
from typing import Any

_GENUINE = frozenset(each for each in vars(ast).values() if isinstance(each, type) and issubclass(each, ast.AST))


class Namespace:
    """types.SimpleNamespace, but for dunder names, with which code could answer for copy, repr and the like."""

    def __init__(self, /, **names: Any) -> None:
        for name in names:
            if name.startswith("__"):
                raise AttributeError(f"{name!r} is not available here")
        self.__dict__.update(names)

    def __repr__(self) -> str:
        return f"namespace({', '.join(f'{name}={value!r}' for name, value in self.__dict__.items())})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Namespace) and self.__dict__ == other.__dict__

    __hash__ = None  # type: ignore[assignment]


class Random(random.Random):
    """random.Random that without a seed starts from 0: a replay draws the same numbers."""

    def seed(self, a: Any = None, version: int = 2) -> None:
        super().seed(0 if a is None else a, version)


def close() -> None:
    """Close them all."""
    ast.iter_fields = _iter_fields
    ast.AST.__init__ = _guarded_node(ast.AST.__init__)  # type: ignore[method-assign]
    copy._reconstruct = _guarded_reconstruct(copy._reconstruct)  # type: ignore[attr-defined]
    enum.EnumMeta._create_ = _guarded_create(enum.EnumMeta._create_)  # type: ignore[attr-defined]
    random.seed(0)


def main_module() -> dict[str, Any]:
    """Return the namespace of a fresh `__main__`, in which dataclasses and others look for the module of a class."""
    module = types.ModuleType("__main__")
    sys.modules["__main__"] = module
    return vars(module)


def _iter_fields(node: ast.AST) -> Iterator[tuple[str, Any]]:
    """ast.iter_fields would read the attributes that any object's `_fields` names: `__globals__`, say."""
    kind = next((each for each in type(node).__mro__ if each in _GENUINE), None)
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


def _guarded_reconstruct(original: Callable[..., Any]) -> Callable[..., Any]:
    """copy.copy does what an object's `__reduce_ex__` tells it: call anything, set any attribute of anything."""

    def reconstruct(
        x: Any,
        memo: Any,
        func: Any,
        args: Any,
        state: Any = None,
        listiter: Any = None,
        dictiter: Any = None,
        **rest: Any,
    ) -> Any:
        if "__reduce_ex__" in getattr(x, "__dict__", ()) or "__reduce__" in getattr(x, "__dict__", ()):
            raise TypeError(f"a {type(x).__name__!r} object that brings its own __reduce__ cannot be copied here")
        return original(x, memo, func, args, state, listiter, dictiter, **rest)

    return reconstruct


def _guarded_create(original: Callable[..., Any]) -> Callable[..., Any]:
    """Enum("Name", members) would take members of any name, dunder methods too."""

    def create(cls: Any, class_name: str, names: Any, **options: Any) -> Any:
        if isinstance(names, str):
            names = str.__str__(names).replace(",", " ").split()
        names = list(names.items()) if hasattr(names, "items") else list(names)
        # Each is read once: what is checked is what is used.
        names = [each if type(each) is str else tuple(each) for each in names]
        for member in names:
            name = member if type(member) is str else member[0]
            if type(name) is not str or not name.isidentifier() or name.startswith("_"):
                raise ValueError("names of enum members must be identifiers without a leading underscore here")
        return original(cls, class_name, names, **options)

    return create


def guarded_dataclass(owns: Callable[[Any], bool], adopt: Callable[[type], type]) -> Callable[..., Any]:
    """Return `dataclass` for own classes only: it writes code with the names of fields in it, and runs that."""

    def dataclass(cls: Any = None, /, **options: Any) -> Any:
        def decorate(cls: Any) -> Any:
            if not (isinstance(cls, type) and owns(cls)):
                raise TypeError("dataclass works on classes defined by a class statement here")
            for name in _field_names(cls):
                if type(name) is not str or not name.isidentifier() or keyword.iskeyword(name) or _is_dunder(name):
                    raise TypeError("names of dataclass fields must be identifiers")
            return adopt(dataclasses.dataclass(cls, **options))

        return decorate if cls is None else decorate(cls)

    return dataclass


def _field_names(cls: type) -> Iterator[Any]:
    for each in cls.__mro__:
        own = vars(each)
        annotations = own.get("__annotations__")
        yield from annotations or ()
        fields = own.get("__dataclass_fields__", {})
        yield from fields
        yield from (field.name for field in fields.values())


def _is_dunder(name: str) -> bool:
    return name.startswith("__") and name.endswith("__")


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


def guarded_total_ordering(owns: Callable[[Any], bool]) -> Callable[[Any], Any]:
    """Return `total_ordering` for own classes only: it writes to the class it is given."""

    def total_ordering(cls: Any) -> Any:
        if not (isinstance(cls, type) and owns(cls)):
            raise TypeError("total_ordering works on classes defined by a class statement here")
        return functools.total_ordering(cls)

    return total_ordering
