"""Frozen dataclasses to JSON's values and back: what is recorded may come back damaged, or written by anybody.

A field that a record lacks keeps its default, a key that this version does not know is left out, a value of another
type is refused. Knows no dataclass by name.
"""

import functools
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from types import NoneType, UnionType
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

T = TypeVar("T")
_MOST = 2.0**63
"""No count and no measure comes near it, and sums of what is smaller do not overflow."""
_NUMBERS = {int: int, float: int | float}


@functools.cache
def _hints(kind: Any) -> dict[str, Any]:
    return get_type_hints(kind)


def to_plain(value: Any) -> Any:
    """Return `value` with dataclasses as dicts and tuples as lists, all the way down."""
    if is_dataclass(value) and not isinstance(value, type):
        return {each.name: to_plain(getattr(value, each.name)) for each in fields(value)}
    if isinstance(value, tuple | list):
        return [to_plain(each) for each in value]
    if isinstance(value, Mapping):
        return {str(key): to_plain(each) for key, each in value.items()}
    return value


def from_plain(kind: type[T], plain: Any) -> T:
    """Return the dataclass `kind` that `to_plain` made `plain` of. Raises ValueError, naming what is wrong."""
    if not isinstance(plain, dict):
        raise ValueError(f"a {kind.__name__} is no {type(plain).__name__}")
    hints: dict[str, Any] = _hints(kind)  # type: ignore[arg-type]  # a class can be hashed
    assert is_dataclass(kind)
    known = [each.name for each in fields(kind) if each.name in plain]
    try:
        built: T = kind(**{name: _restored(hints[name], plain[name], name) for name in known})
    except TypeError as error:
        raise ValueError(str(error)) from error
    return built


def _restored(hint: Any, value: Any, name: str) -> Any:
    parts, origin = get_args(hint), get_origin(hint)
    if hint is Any:
        return value
    if origin in (UnionType, Union):
        if value is None and NoneType in parts:
            return None
        return _restored(float if float in parts else parts[0], value, name)
    if origin is tuple and isinstance(value, list) and (parts[-1] is ... or len(parts) == len(value)):
        inside = parts[:1] * len(value) if parts[-1] is ... else parts
        return tuple(_restored(part, each, name) for part, each in zip(inside, value, strict=True))
    if origin in (dict, Mapping) and isinstance(value, dict):
        return {key: _restored(parts[1], each, name) for key, each in value.items()}
    if is_dataclass(hint):
        assert isinstance(hint, type)
        return from_plain(hint, value)
    if isinstance(hint, type) and issubclass(hint, str) and isinstance(value, str):
        return hint(value)
    if hint is bool and isinstance(value, bool):
        return value
    if hint in _NUMBERS and isinstance(value, _NUMBERS[hint]) and not isinstance(value, bool) and abs(value) < _MOST:
        return value
    if origin is Literal and isinstance(value, str) and value in parts:
        return value
    raise ValueError(f"{name} is not as it should be")
