"""Which classes there are: whose a class is, what a class statement may build on, what type(x) hands out.

Three lists decide, and code can write to none of them: the code's own classes, recorded as they are made; the foreign
classes to inherit from, BASES; the classes that the code can name anyway. What is on no list is refused, or shown by
a stand-in. A class is checked before it exists: none is ever refused that somebody has seen already.
"""

import abc
import ast
import builtins
import collections
import collections.abc
import contextlib
import csv
import datetime
import enum
import json
import string
import types
import typing
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from rlm_cli.sandbox.variables import Variables
from rlm_cli.sandbox.words import is_dunder, is_watched

BASES: frozenset[type] = frozenset(
    {
        *(object, bool, bytes, complex, dict, float, frozenset, int, list, set, str, tuple),
        *(collections.ChainMap, collections.Counter, collections.OrderedDict, collections.UserDict),
        *(collections.UserList, collections.defaultdict, collections.deque),
        *(getattr(collections.abc, name) for name in collections.abc.__all__),
        *(abc.ABC, typing.Generic, typing.Protocol),
        *types.resolve_bases((typing.NamedTuple,)),
        *types.resolve_bases((typing.TypedDict,)),
        *(enum.Enum, enum.Flag, enum.IntEnum, enum.IntFlag, enum.StrEnum),
        *(
            contextlib.AbstractContextManager,
            ast.NodeVisitor,
            ast.NodeTransformer,
            json.JSONDecoder,
            json.JSONEncoder,
            string.Template,
        ),
        *(csv.Dialect, csv.excel, csv.excel_tab, csv.unix_dialect, datetime.tzinfo),
    }
)
"""Foreign classes that own ones may inherit from, exceptions and namedtuples aside.

None of them reads or writes attributes whose names its subclass could choose. That is why descriptors (property,
cached_property, classmethod), super, partial and the aliases of typing are not among them.
"""

_SHOWN: tuple[type, ...] = (
    types.NoneType,
    types.EllipsisType,
    types.NotImplementedType,
    type({}.keys()),
    type({}.values()),
    type({}.items()),
)

_ENUMS: set[type] = set()
"""The library's; filled by `know_enums`, when all has been loaded and no code has run."""
_SLOTS = frozenset({"__dict__", "__weakref__"})


class Classes:
    """The classes of one namespace."""

    def __init__(self) -> None:
        self.own: dict[type, frozenset[str]] = {}
        """Each with the private names that the library put into it."""
        self.plain: set[type] = set()
        """Own ones in whose line there is nothing but own ones and object, and no private name of the library's."""
        self._shown: set[type] = set(_SHOWN)
        self._stand_ins: dict[type, type] = {type: _type_name(self.of), Variables: dict}

    def show(self, values: Iterable[Any]) -> None:
        """Let type(x) hand out the classes among `values`: the code can name them."""
        self._shown.update(value for value in values if isinstance(value, type))

    @property
    def type_name(self) -> type:
        """What the name `type` stands for."""
        return self._stand_ins[type]

    # --- whose a class is ----------------------------------------------------------------------------------------

    def __contains__(self, kind: type) -> bool:
        """Say whether the code has made this class."""
        return kind in self.own

    def wrote(self, kind: type, name: str) -> bool:
        """Say whether `name`, which `kind` has, is the code's own: no private thing of Enum, ABC or Protocol."""
        return kind in self.own and name not in self.own[kind]

    def makes(self, kind: type) -> bool:
        """Say whether `kind` is an Enum of the code's own in the making: its members are set up before it is done."""
        return isinstance(kind, enum.EnumMeta) and kind not in _ENUMS and kind not in self.own

    @staticmethod
    def know_enums() -> None:
        """Take every Enum there is by now for the library's."""
        _ENUMS.update(_with_subclasses(enum.Enum))

    def adopt(self, made: type, origin: type) -> type:
        """Record a class that was made of an own one, as dataclass(slots=True) does."""
        return made if made in self.own else self._recorded(made, self.own[origin])

    # --- making --------------------------------------------------------------------------------------------------

    def build(self, body: Any, name: str, /, *bases: Any, **keywords: Any) -> Any:
        """Do what a class statement asks for; raises TypeError for bases and slots that are not available."""
        return builtins.__build_class__(body, name, *bases, metaclass=_Making(self), **keywords)

    def made(self, made: type, written: Iterable[str]) -> type:
        """Record what a class statement has made; `written`: the names that its body bound."""
        library = {name for name, value in vars(made).items() if type(value) is not types.MemberDescriptorType}
        private = frozenset(name for name in library.difference(written) if name.startswith("_"))
        return self._recorded(made, private)

    def _recorded(self, made: type, private: frozenset[str]) -> type:
        self.own[made] = private
        line = made.__mro__[1:-1]
        if type(made) is type and all(map(is_dunder, private)) and self.plain.issuperset(line):
            self.plain.add(made)
        return made

    def check_bases(self, bases: Iterable[Any]) -> None:
        """Raise TypeError for a class that own ones may not inherit from."""
        for base in bases:
            if not (isinstance(base, type) and (base in self.own or base in BASES or _is_plain(base))):
                name = base.__name__ if isinstance(base, type) else type(base).__name__
                raise TypeError(
                    f"classes cannot inherit from {name!r} here, only from your own, Exception, the built-in "
                    "containers, ABC, Enum, NamedTuple, Protocol and the like; keep one in an attribute instead"
                )

    def check_fields(self, names: Iterable[str], line: Iterable[type]) -> None:
        """Raise TypeError where a dataclass's field would be a watched attribute of a foreign class, or the library's.

        It would be read without a guard, if not now then when what hides it has been deleted.
        """
        watched = frozenset(filter(is_watched, names))
        for each in line if watched else ():
            held = watched.intersection(vars(each)) if each is not object else ()
            taken = next((name for name in held if not self.wrote(each, name)), None)
            if taken is not None:
                raise TypeError(f"{taken!r} cannot be a field here: {each.__name__!r} has an attribute of this name")

    # --- type(x) -------------------------------------------------------------------------------------------------

    def of(self, target: Any) -> type:
        """Return type(target); for a class that the code cannot name, a stand-in of the same name."""
        return self.shown(type(target))

    def shown(self, kind: type) -> type:
        """Return a class as the code may have it: itself, or a stand-in of the same name."""
        if kind in self.own or kind in self._shown or _is_plain(kind) or isinstance(kind, enum.EnumMeta):
            return kind
        if kind not in self._stand_ins:
            self._stand_ins[kind] = _likeness(kind)
        return self._stand_ins[kind]


def _with_subclasses(kind: type) -> set[type]:
    return {kind}.union(*map(_with_subclasses, kind.__subclasses__()))


class _Making:
    """The metaclass of one class statement: finds the real one, checks, and has it make the class."""

    def __init__(self, classes: Classes) -> None:
        self._classes = classes
        self._real: Any = type

    def __prepare__(self, name: str, bases: tuple[Any, ...], **keywords: Any) -> Any:
        self._classes.check_bases(bases)
        self._real, names, _ = types.prepare_class(name, bases, keywords)
        return names

    def __call__(self, name: str, bases: tuple[Any, ...], names: Any, **keywords: Any) -> Any:
        line = [each for base in bases for each in base.__mro__]
        self._classes.check_fields([*names.get("__annotations__", ()), *annotated(line)], line)
        if "__slots__" in names:
            names["__slots__"] = _slots(names["__slots__"])
        # Before the class is made: a NamedTuple's metaclass, for one, takes names away.
        given = dict(names)
        made = self._real(name, bases, names, **keywords)
        # What it has in the place of what the body gave is the library's: an ABC's register, for one.
        return self._classes.made(made, {each for each in given if vars(made).get(each) is given[each]})


def annotated(line: Iterable[type]) -> Iterator[str]:
    """Yield the names that classes annotate: those that are fields, or will be once dataclass is told of them."""
    for each in line:
        yield from vars(each).get("__annotations__", ())
        yield from vars(each).get("__dataclass_fields__", ())


def _slots(given: Any) -> tuple[str, ...]:
    slots = (given,) if type(given) is str else tuple(given)
    for each in slots:
        if type(each) is not str or (is_dunder(each) and each not in _SLOTS):
            raise TypeError(f"slot {each!r} is not available here")
    return slots


UNCHECKED = frozenset({UnicodeDecodeError, UnicodeEncodeError, UnicodeTranslateError})
"""Exceptions that read memory at whatever place they were told, to show themselves: nobody makes one but Python."""


def _is_plain(kind: type) -> bool:
    """Say whether this is an exception, or what namedtuple() or TypedDict() has made."""
    return (
        (issubclass(kind, BaseException) and kind not in UNCHECKED)
        or (kind.__bases__ == (tuple,) and "_fields" in vars(kind))
        or type(kind) is type(_TYPED_DICT)
    )


[_TYPED_DICT] = types.resolve_bases((typing.TypedDict,))


def _likeness(kind: type) -> type:
    """Return a class that says of an object whether it is a `kind`, and is good for nothing else."""

    class Meta(type):
        def __instancecheck__(cls, instance: Any) -> bool:
            return kind in type(instance).__mro__

    return Meta(kind.__name__, (), {"__slots__": (), "__module__": "builtins"})


def _type_name(of: Callable[[Any], type]) -> type:
    """Return what the name `type` stands for: callable with one object, good for isinstance, good for nothing else."""

    class Meta(type):
        def __call__(cls, *arguments: Any, **_keywords: Any) -> Any:
            if len(arguments) != 1:
                raise TypeError("type() takes one argument here; define classes by a class statement")
            return of(arguments[0])

        def __instancecheck__(cls, instance: Any) -> bool:
            return isinstance(instance, type)

        def __getitem__(cls, _item: Any) -> Any:
            return cls

    return Meta("type", (), {"__slots__": (), "__module__": "builtins"})
