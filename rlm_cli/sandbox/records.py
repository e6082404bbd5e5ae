"""dataclasses and Enum, where the library would act on names that the code supplies.

`dataclass` writes code with the names of fields in it and runs that; `fields`, `replace` and `asdict` read the fields
off the object, which could bring its own. Here names are checked first, and fields are read off the class.
"""

import copy
import dataclasses
import enum
import keyword
import unicodedata
from collections.abc import Callable, Iterator
from typing import Any

from rlm_cli.sandbox.classes import Classes, annotated
from rlm_cli.sandbox.variables import Variables
from rlm_cli.sandbox.words import is_dunder

_FIELDS = "__dataclass_fields__"
_FIELD, _INITVAR = dataclasses._FIELD, dataclasses._FIELD_INITVAR  # type: ignore[attr-defined]


def is_field_name(name: Any) -> bool:
    """Say whether `name` is an identifier, and no other one when Python reads it: it normalises look-alike letters."""
    return (
        type(name) is str
        and name.isidentifier()
        and not keyword.iskeyword(name)
        and not is_dunder(name)
        and unicodedata.normalize("NFKC", name) == name
    )


def record_functions(classes: Classes) -> dict[str, Callable[..., Any]]:
    """Return what stands in for the functions of the module `dataclasses`."""

    def dataclass(cls: Any = None, /, **options: Any) -> Any:
        chosen = {name: bool(value) for name, value in options.items()}

        def decorate(cls: Any) -> Any:
            if not (isinstance(cls, type) and cls in classes and vars(cls).get("__module__") == "__main__"):
                raise TypeError("dataclass works on classes defined by a class statement here")
            names = list(dict.fromkeys(_names(cls)))
            for name in names:
                if not is_field_name(name):
                    raise TypeError("names of dataclass fields must be identifiers")
            metaclass: type = type(cls)
            classes.check_fields(names, cls.__mro__)
            # What the class has not the library finds in the class's own class.
            classes.check_fields([name for name in names if not _has(cls, name)], metaclass.__mro__)
            _check_defaults(cls, names)
            doc = vars(cls).get("__doc__")
            if type(doc) is not str or not doc:
                # The library would make one of the signature, and for that evaluate what a docstring says.
                cls.__doc__ = cls.__name__
            return classes.adopt(dataclasses.dataclass(cls, **chosen), cls)

        return decorate if cls is None else decorate(cls)

    def is_dataclass(obj: Any) -> bool:
        return bool(fields_of(obj if isinstance(obj, type) else type(obj)) is not None)

    def fields(class_or_instance: Any) -> tuple[dataclasses.Field[Any], ...]:
        kind = class_or_instance if isinstance(class_or_instance, type) else type(class_or_instance)
        return tuple(field for field in _must(kind, "fields()").values() if _role(field) is _FIELD)

    def replace(obj: Any, /, **changes: Any) -> Any:
        for field in _must(type(obj), "replace()").values():
            if not field.init:
                if field.name in changes:
                    raise ValueError(f"field {field.name} is declared with init=False; it cannot be given to replace()")
            elif field.name in changes:
                continue
            elif _role(field) is _FIELD:
                changes[field.name] = getattr(obj, field.name)
            elif _role(field) is _INITVAR and field.default is dataclasses.MISSING:
                raise ValueError(f"InitVar {field.name!r} must be given to replace()")
        return type(obj)(**changes)

    def asdict(obj: Any, *, dict_factory: Callable[[list[tuple[str, Any]]], Any] = dict) -> Any:
        _must(type(obj), "asdict()")
        return _unfolded(obj, dict_factory)

    def astuple(obj: Any, *, tuple_factory: Callable[[list[Any]], Any] = tuple) -> Any:
        _must(type(obj), "astuple()")
        return _unfolded(obj, lambda pairs: tuple_factory([value for _, value in pairs]))

    def _unfolded(value: Any, fold: Callable[[list[tuple[str, Any]]], Any]) -> Any:
        kind: Any = dict if isinstance(value, Variables) else type(value)
        if fields_of(kind) is not None:
            return fold([(field.name, _unfolded(getattr(value, field.name), fold)) for field in fields(kind)])
        if isinstance(value, tuple) and any("_fields" in vars(each) for each in kind.__mro__):
            return tuple.__new__(kind, [_unfolded(each, fold) for each in value])
        if isinstance(value, (list, tuple)):
            return kind([_unfolded(each, fold) for each in value])
        if isinstance(value, dict):
            pairs = [(_unfolded(key, fold), _unfolded(held, fold)) for key, held in value.items()]
            factory = getattr(value, "default_factory", None)
            return kind(pairs) if factory is None else kind(factory, pairs)
        return copy.deepcopy(value)

    functions = (dataclass, is_dataclass, fields, replace, asdict, astuple)
    return {each.__name__: each for each in functions}


def _names(cls: type) -> Iterator[Any]:
    for each in cls.__mro__:
        annotations = vars(each).get("__annotations__", {})
        if type(annotations) is not dict:
            raise TypeError("annotations must be written in the class statement")
        yield from annotations
        yield from vars(each).get(_FIELDS, {})


def _check_defaults(cls: type, names: list[str]) -> None:
    """The library takes a Field for its own, and writes into it: each must be one, and be here for the first time."""
    stored = [vars(each)[name] for name in names for each in cls.__mro__ if name in vars(each)]
    if any(isinstance(value, (classmethod, staticmethod)) for value in stored):
        raise TypeError("a classmethod or staticmethod is no default of a field; give the field another name")
    found = [value for value in stored if isinstance(value, dataclasses.Field)]
    if any(type(value) is not dataclasses.Field for value in found):
        raise TypeError("a field() must come from the module dataclasses")
    if any(value.name is not None for value in found) or len(set(map(id, found))) < len(found):
        raise TypeError("a field() belongs to one field of one class: write a field() of its own for each")


def _has(cls: type, name: str) -> bool:
    return any(name in vars(each) for each in cls.__mro__)


def fields_of(kind: type) -> dict[str, dataclasses.Field[Any]] | None:
    return next((vars(each)[_FIELDS] for each in kind.__mro__ if _FIELDS in vars(each)), None)


def _must(kind: type, what: str) -> dict[str, dataclasses.Field[Any]]:
    found = fields_of(kind)
    if found is None:
        raise TypeError(f"{what} takes a dataclass{'' if what == 'fields()' else ' instance'}, not {kind.__name__!r}")
    return found


def _role(field: dataclasses.Field[Any]) -> Any:
    return field._field_type  # type: ignore[attr-defined]


def guarded_enum(classes: Classes) -> Callable[..., Any]:
    """Return EnumMeta._create_, which Enum("Name", members) calls, for plain names and for bases that are allowed."""
    original: Any = enum.EnumMeta._create_  # type: ignore[attr-defined]

    def create(cls: Any, class_name: str, names: Any, *, type: Any = None, start: Any = 1, **options: Any) -> Any:
        if isinstance(names, str):
            names = str.__str__(names).replace(",", " ").split()
        names = list(names.items()) if hasattr(names, "items") else list(names)
        # Each is read once: what is checked is what is used.
        names = [each if isinstance(each, str) else tuple(each) for each in names]
        for member in names:
            name = member if isinstance(member, str) else member[0]
            if not is_field_name(name) or name.startswith("_"):
                raise ValueError("names of enum members must be identifiers without a leading underscore here")
        if type is not None:
            classes.check_bases((type,))
            line = (*type.__mro__, *cls.__mro__)
            classes.check_fields(annotated(line), line)
        boundary = {"boundary": options["boundary"]} if options.get("boundary") is not None else {}
        return original(cls, class_name, names, module="__main__", type=type, start=start, **boundary)

    return create
