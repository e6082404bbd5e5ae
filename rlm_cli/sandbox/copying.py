"""copy and deepcopy without the library's protocol, which calls what an object names and sets what it is told to.

Copied are: the containers, also own classes of them; objects of own classes, by their variables and slots; syntax
trees. Their keys and items are copied, the names of their attributes never: those stay what they were checked to be.
A class's own __copy__ or __deepcopy__ is called; what it is given as memo is an empty dict of no effect. Everything
else is a value, and shared: text, numbers, functions, classes, documents. What holds a place in a stream or a sequence
cannot be copied at all.
"""

import ast
import collections
import enum
import io
import random
import types
from collections.abc import Callable
from typing import Any

from rlm_cli.sandbox.variables import Namespace, Variables

NODES = frozenset(each for each in vars(ast).values() if isinstance(each, type) and issubclass(each, ast.AST))
"""The library's own classes of syntax trees."""
_UNIQUE = (io.IOBase, types.GeneratorType, random.Random)
_WRAPPERS = (collections.UserDict, collections.UserList, collections.ChainMap)
_PLAIN = NODES.union(_WRAPPERS, {Namespace})
"""Foreign classes whose objects are copied by their variables."""
_ATOMS = frozenset({str, int, float, bool, bytes, types.NoneType})
_VALUES = (str, bytes, int, float, complex, BaseException, enum.Enum)
"""Objects of own classes that are nevertheless shared."""

Part = Callable[[Any], Any]


def copiers(made: Callable[[type], bool]) -> dict[str, Callable[..., Any]]:
    """Return copy and deepcopy; `made` says whether the code has made a class."""

    def copy(x: Any) -> Any:
        """Copy `x`; what it holds is shared."""
        if (own := _own_method(x, "__copy__", made)) is not None:
            return own(x)
        if isinstance(x, _WRAPPERS):
            return x.__copy__()
        return _copied(x, lambda part: part, lambda _new: None, made)

    def deepcopy(x: Any, memo: Any = None, _nil: Any = None) -> Any:
        """Copy `x` and all that it holds; `memo` is taken for compatibility and not used."""
        done: dict[int, tuple[Any, Any]] = {}

        def part(value: Any) -> Any:
            if type(value) in _ATOMS:
                return value
            if id(value) in done:
                return done[id(value)][1]

            def remember(new: Any) -> None:
                # The original is kept alive, or its id could become another's.
                done[id(value)] = (value, new)

            own = _own_method(value, "__deepcopy__", made)
            new = _copied(value, part, remember, made) if own is None else own(value, {})
            if id(value) in done:  # a tuple that lies in itself has been copied on the way
                return done[id(value)][1]
            if new is not value:
                remember(new)
            return new

        return part(x)

    return {"copy": copy, "deepcopy": deepcopy}


def _own_method(x: Any, name: str, made: Callable[[type], bool]) -> Callable[..., Any] | None:
    home = next((each for each in type(x).__mro__ if name in vars(each)), None)
    return vars(home)[name] if home is not None and made(home) else None


def _copied(x: Any, part: Part, remember: Callable[[Any], None], made: Callable[[type], bool]) -> Any:
    """Return a copy of `x` with `part` of each thing in it; `remember` is told the copy before it is filled."""
    kind: Any = type(x)
    if isinstance(x, _VALUES):
        return x
    base = next((each for each in _MAKERS if each in kind.__mro__), None)
    if base is not None:
        return _MAKERS[base](x, dict if kind is Variables else kind, part, remember, made)
    if isinstance(x, _UNIQUE):
        raise TypeError(f"a {kind.__name__!r} cannot be copied; make a new one")
    if not (made(kind) or kind in _PLAIN):
        return x
    foreign = next(each for each in kind.__mro__ if not made(each))
    new = foreign.__new__(kind)
    remember(new)
    return _with_state(x, new, part, made)


def _with_state(x: Any, new: Any, part: Part, made: Callable[[type], bool]) -> Any:
    """Give `new` the variables and the slots of `x`."""
    for kind in type(x).__mro__:
        for slot in vars(kind).values() if made(kind) else ():
            if type(slot) is types.MemberDescriptorType and slot.__objclass__ is kind:
                try:
                    held = slot.__get__(x)
                except AttributeError:
                    continue
                slot.__set__(new, part(held))
    for name, value in list(_variables(x).items()):
        _variables(new)[name] = part(value)
    return new


def _variables(x: Any) -> dict[str, Any]:
    try:
        held = object.__getattribute__(x, "__dict__")
    except AttributeError:
        return {}
    return held if type(held) is dict else {}


# --- containers ---------------------------------------------------------------------------------------------------


def _list(x: Any, kind: Any, part: Part, remember: Callable[[Any], None], made: Callable[[type], bool]) -> Any:
    new = list.__new__(kind)
    remember(new)
    list.extend(new, map(part, list.copy(x)))
    return _with_state(x, new, part, made)


def _dict(x: Any, kind: Any, part: Part, remember: Callable[[Any], None], made: Callable[[type], bool]) -> Any:
    base: Any = next(each for each in (collections.OrderedDict, collections.defaultdict, dict) if isinstance(x, each))
    new = base.__new__(kind)
    remember(new)
    if base is collections.defaultdict:
        base.__init__(new, vars(base)["default_factory"].__get__(x))
    for key, value in list(base.items(x)):
        base.__setitem__(new, part(key), part(value))
    return _with_state(x, new, part, made)


def _set(x: Any, kind: Any, part: Part, remember: Callable[[Any], None], made: Callable[[type], bool]) -> Any:
    new = set.__new__(kind)
    remember(new)
    set.update(new, map(part, list(set.__iter__(x))))
    return _with_state(x, new, part, made)


def _deque(x: Any, kind: Any, part: Part, remember: Callable[[Any], None], made: Callable[[type], bool]) -> Any:
    base: Any = collections.deque
    new = base.__new__(kind)
    remember(new)
    base.__init__(new, (), vars(base)["maxlen"].__get__(x))
    base.extend(new, map(part, list(base.__iter__(x))))
    return _with_state(x, new, part, made)


def _tuple(x: Any, kind: Any, part: Part, remember: Callable[[Any], None], made: Callable[[type], bool]) -> Any:
    items = list(map(part, tuple.__iter__(x)))
    if all(map(_same, items, tuple.__iter__(x))) and not _variables(x):
        return x
    return _with_state(x, tuple.__new__(kind, items), part, made)


def _frozenset(x: Any, kind: Any, part: Part, _remember: Any, made: Callable[[type], bool]) -> Any:
    return _with_state(x, frozenset.__new__(kind, map(part, list(frozenset.__iter__(x)))), part, made)


def _same(one: Any, other: Any) -> bool:
    return one is other


_MAKERS: dict[type, Callable[..., Any]] = {
    list: _list,
    dict: _dict,
    set: _set,
    collections.deque: _deque,
    tuple: _tuple,
    frozenset: _frozenset,
}
