"""What running code may touch: the guards that policy.py compiles in, and the built-ins that take attribute names.

One rule stands behind all of them: attributes that begin with an underscore, and attributes that are written to,
belong to classes and functions that the code itself has defined. A watched name that no class defines is the object's
only if it lies among its own variables: objects that pass a name on to another object are not believed. Whose a class
is, classes.py knows; it is never read off a name or a module, which code can set.
"""

import ast
import builtins
import datetime
import decimal
import itertools
import string
import types
import typing
from _string import formatter_field_name_split  # type: ignore[import-not-found]
from abc import ABCMeta
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from rlm_cli.sandbox.classes import UNCHECKED, Classes
from rlm_cli.sandbox.clock import Clock
from rlm_cli.sandbox.policy import (
    CAUGHT,
    INITIALISE,
    KIND,
    LABEL,
    OWN,
    OWN_CLASSES,
    OWN_NAMED,
    PASSED_ON,
    PLAIN_CLASSES,
    READ,
    SET,
    TYPE,
    VARS,
)
from rlm_cli.sandbox.variables import Namespace, Variables
from rlm_cli.sandbox.words import FORBIDDEN, LABELS, METHODS, SHARED, is_dunder, is_watched, refusal

_MISSING = object()


class Guards:
    """The guards of one namespace."""

    def __init__(self, namespace: dict[str, Any], clock: Clock) -> None:
        self.classes = Classes()
        self._namespace = namespace
        self._clock = clock
        self._formatter = _Formatter(self)

    def hooks(self) -> dict[str, Any]:
        """Return the globals that compiled code calls."""
        return {
            READ: self.read,
            LABEL: self.label,
            TYPE: self.type_of,
            VARS: self.variables,
            OWN: self.own,
            OWN_NAMED: self.own_named,
            INITIALISE: self.initialise,
            SET: self.set,
            PASSED_ON: self.passed_on,
            KIND: type,
            OWN_CLASSES: self.classes.own,
            PLAIN_CLASSES: self.classes.plain,
            **{CAUGHT[kind.__name__]: kind for kind in UNCHECKED},
        }

    def built_ins(self) -> dict[str, Any]:
        """Return the built-ins that take the place of Python's own."""

        def getattr(target: Any, name: str, default: Any = _MISSING, /) -> Any:
            try:
                return self.attribute(target, name)
            except AttributeError:
                if default is _MISSING:
                    raise
                return default

        def hasattr(target: Any, name: str, /) -> bool:
            if type(name) is str and name in METHODS:  # that it is there may be known; what it is may not
                return any(name in builtins.vars(each) for each in type(target).__mro__)
            try:
                self.attribute(target, name)
            except AttributeError:
                return False
            return True

        def setattr(target: Any, name: str, value: Any, /) -> None:
            builtins.setattr(self._owned_for(target, name), name, value)

        def delattr(target: Any, name: str, /) -> None:
            builtins.delattr(self._owned_for(target, name), name)

        def vars(target: Any = _MISSING, /) -> dict[str, Any]:
            if target is _MISSING:
                raise TypeError("vars() needs an object here; SHOW_VARS() lists the variables")
            return self.variables(target)

        def dir(target: Any = _MISSING, /) -> list[str]:
            names = self._namespace if target is _MISSING else builtins.dir(target)
            return sorted(each for each in names if each.isidentifier() and not is_dunder(each))

        guarded = (getattr, hasattr, setattr, delattr, vars, dir)
        return {
            **{each.__name__: each for each in guarded},
            "type": self.classes.type_name,
            "__build_class__": self.classes.build,
        }

    # --- ownership -----------------------------------------------------------------------------------------------

    def owns(self, target: Any) -> bool:
        """Say whether the code made this class, this function, or the class of this object."""
        if type(target) in self.classes:
            return True
        if isinstance(target, type):
            return target in self.classes
        return type(target) is types.FunctionType and target.__globals__ is self._namespace

    def own(self, target: Any) -> Any:
        """Return `target` if its attributes may be written; raises AttributeError otherwise."""
        if self.owns(target):
            return target
        if isinstance(target, (Namespace, decimal.Context, ast.AST)) or self.classes.makes(type(target)):
            return target
        kind = type(target).__name__
        raise AttributeError(
            f"attributes of {kind!r} objects cannot be set; use a variable, a dict or a class of your own"
        )

    def initialise(self, parent: Any, /, *args: Any, **names: Any) -> None:
        """Do what Parent.__init__(self, ...) and super(Class, self).__init__(...) ask for, for own objects."""
        if type(parent) is super:
            allowed = type(object.__getattribute__(parent, "__self__")) in self.classes
        else:
            kind = type(args[0]) if args and isinstance(parent, type) else None
            allowed = kind is not None and kind in self.classes and parent in kind.__mro__
        if not allowed:
            raise AttributeError(refusal("__init__"))
        parent.__init__(*args, **names)

    def passed_on(self, iterable: Any) -> Any:
        """Return what `yield from` may pass on to: of an object of the code's own, its items alone."""
        return itertools.chain(iterable) if type(iterable) in self.classes else iterable

    def set(self, _of: Any, target: Any, name: str, value: Any, /) -> None:
        """Do what object.__setattr__(self, name, value) asks for: a frozen dataclass sets its own so."""
        if type(target) not in self.classes:
            raise AttributeError(refusal("__setattr__"))
        object.__setattr__(self._owned_for(target, name), name, value)

    def own_named(self, target: Any, name: str) -> Any:
        """Like `own`, for a watched name, which `+=` will also read."""
        self.own(target)
        home = None if name in LABELS else self._home(target, name)
        if home is not None and not self.classes.wrote(home, name):
            raise AttributeError(refusal(name))
        return target

    def _owned_for(self, target: Any, name: str) -> Any:
        if type(name) is not str:
            raise TypeError("attribute name must be a string")
        if name in FORBIDDEN or (is_dunder(name) and name not in LABELS):
            raise AttributeError(refusal(name))
        return self.own_named(target, name) if is_watched(name) else self.own(target)

    def _home(self, target: Any, name: str) -> type | None:
        """Return the class that defines `name` for `target`; None when that is the object itself, or nobody."""
        line: Iterator[type]
        if isinstance(target, super):
            line = _line_above(target)
        elif isinstance(target, type):
            # What a class does not find in its line it finds in its metaclass.
            metaclass: type = type(target)
            line = itertools.chain(target.__mro__, metaclass.__mro__)
        else:
            line = iter(type(target).__mro__)
        return next((each for each in line if name in vars(each)), None)

    # --- reading -------------------------------------------------------------------------------------------------

    def attribute(self, target: Any, name: str) -> Any:
        """getattr for a name that is known only now."""
        if type(name) is not str:
            raise TypeError("attribute name must be a string")
        if name in LABELS:
            return self.label(target, name)
        if name == "__class__":
            return self.type_of(target)
        if name == "__dict__":
            return self.variables(target)
        if name in FORBIDDEN or is_dunder(name):
            raise AttributeError(refusal(name))
        return self.read(target, name) if is_watched(name) else getattr(target, name)

    def read(self, target: Any, name: str) -> Any:
        """Return a watched attribute, or what stands in for it on this object."""
        home = self._home(target, name)
        if name.startswith("_"):
            if name not in SHARED and not self._private_is_own(target, name, home):
                raise self._no_attribute(target, name, home)
            value = getattr(target, name)
            return dict(value) if name == "_field_defaults" and type(value) is dict else value
        value = getattr(target, name)
        if home is None and not _holds(target, name):
            raise AttributeError(refusal(name))
        if home in _OUT_OF_REACH.get(name, ()) or isinstance(value, types.ModuleType):  # PurePath.parser, from 3.13 on
            raise AttributeError(refusal(name))
        if home is ABCMeta and name == "register":
            return self._registering(target, value)
        if isinstance(value, types.BuiltinFunctionType):
            return self._instead_of(value, name)
        if isinstance(value, types.MethodDescriptorType) and value.__objclass__ is str:
            return self._unbound_format(name)
        return value

    def _private_is_own(self, target: Any, name: str, home: type | None) -> bool:
        if home is not None:
            return self.classes.wrote(home, name)
        return (self.owns(target) or type(target) is Namespace) and _holds(target, name)

    def _no_attribute(self, target: Any, name: str, home: type | None) -> AttributeError:
        kind = type(target).__name__
        if home is None and self.owns(target):
            return AttributeError(f"{kind!r} object has no attribute {name!r}", name=name, obj=target)
        return AttributeError(f"{name!r} belongs to {kind!r}, which is not the code's own")

    def _registering(self, target: Any, register: Callable[[type], type]) -> Callable[[Any], Any]:
        # What is registered with a subclass counts for its foreign parents too: then 5 could become a Mapping.
        def register_own(subclass: Any) -> Any:
            own = self.owns(target) and isinstance(subclass, type) and subclass in self.classes
            if not own or isinstance(subclass, ABCMeta):  # an abstract one may have any class for a child
                raise TypeError("register() takes your own classes that are not abstract, on your own abstract classes")
            return register(subclass)

        return register_own

    def _instead_of(self, method: types.BuiltinFunctionType, name: str) -> Any:
        holder = method.__self__
        if name in ("format", "format_map") and isinstance(holder, str):
            return self._bound_format(str.__str__(holder), name)
        if isinstance(holder, type) and issubclass(holder, datetime.date):
            return self._clock.reading(holder, name)
        return method

    def _bound_format(self, template: str, name: str) -> Any:
        if name == "format":
            return lambda *args, **names: self._format(template, args, names)
        return lambda names: self._format_map(template, names)

    def _unbound_format(self, name: str) -> Any:
        def format(template: str, /, *args: Any, **names: Any) -> str:
            return self._format(str.__str__(template), args, names)

        return format if name == "format" else lambda template, names: self._format_map(str.__str__(template), names)

    def _format(self, template: str, args: Sequence[Any], names: Mapping[str, Any]) -> str:
        if _reads_attributes(template):
            return self._formatter.vformat(_numbered(template, itertools.count()), args, names)
        return str.format(template, *args, **names)

    def _format_map(self, template: str, names: Mapping[str, Any]) -> str:
        if _reads_attributes(template):
            return self._formatter.vformat(template, (), names)
        return str.format_map(template, names)

    def label(self, target: Any, name: str) -> str | None:
        """Return a name or a docstring; raises AttributeError when it is no string."""
        value = getattr(target, name)
        if isinstance(value, str) or (value is None and name == "__doc__"):
            return value
        raise AttributeError(refusal(name))

    def type_of(self, target: Any) -> type:
        """Return type(target), or what stands in for it."""
        return self.classes.of(target)

    def variables(self, target: Any) -> dict[str, Any]:
        """Return the variables of an own object; writing to them writes to it. Raises TypeError for other objects."""
        if not (type(target) in self.classes or type(target) is Namespace):
            of_class = "; for a class use dir(C) and getattr" if isinstance(target, type) else ""
            raise TypeError(f"vars() shows objects of your own classes only{of_class}")
        try:
            held = object.__getattribute__(target, "__dict__")
        except AttributeError:
            raise TypeError("vars() needs an object without __slots__") from None
        return Variables(held, lambda name: self._owned_for(target, name))


_OUT_OF_REACH = {"mro": (type,), "obj": (AttributeError,), "evaluate": (typing.ForwardRef,)}
"""Watched names, and the classes whose attributes of that name lead to where the code must not be."""


def _holds(target: Any, name: str) -> bool:
    """Say whether `name` is one of the object's own variables."""
    try:
        held = object.__getattribute__(target, "__dict__")
    except AttributeError:
        return False
    return type(held) is dict and name in held


def _line_above(target: super) -> Iterator[type]:
    """Yield the classes that a super object searches."""
    start = object.__getattribute__(target, "__thisclass__")
    holder = object.__getattribute__(target, "__self_class__")
    line = holder.__mro__
    return iter(line[line.index(start) + 1 :])


def _reads_attributes(template: str) -> bool:
    """Say whether a format string looks into its arguments, in a field or in a field's own format."""
    for _, field, form, _ in string.Formatter().parse(template):
        if field and ("." in field or "[" in field):
            return True
        if form and "{" in form and _reads_attributes(form):
            return True
    return False


def _numbered(template: str, numbers: Iterator[int]) -> str:
    """Return a template whose fields without a number have theirs: string.Formatter knows none for `{.x}`."""
    parts = []
    for text, field, form, conversion in string.Formatter().parse(template):
        parts.append(text.replace("{", "{{").replace("}", "}}"))
        if field is not None:
            number = str(next(numbers)) if not field or field[0] in ".[" else ""
            ending = (f"!{conversion}" if conversion else "") + (f":{_numbered(form, numbers)}" if form else "")
            parts.append(f"{{{number}{field}{ending}}}")
    return "".join(parts)


class _Formatter(string.Formatter):
    def __init__(self, guards: Guards) -> None:
        self._guards = guards

    def get_field(self, field_name: str, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
        first, rest = formatter_field_name_split(field_name)
        value = self.get_value(first, args, kwargs)
        for is_attribute, key in rest:
            value = self._guards.attribute(value, key) if is_attribute else value[key]
        return value, first
