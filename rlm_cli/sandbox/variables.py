"""Variables of objects: what vars(x) and x.__dict__ are, and an object that has nothing else."""

from collections.abc import Callable
from typing import Any

_MISSING = object()


class Variables(dict[str, Any]):
    """A copy in which what is written is written to the object too, by the rules for attributes."""

    __slots__ = ("_check", "_held")

    def __init__(self, held: dict[str, Any], check: Callable[[str], Any]) -> None:
        """`held`: the object's own; `check` raises where a name may not be written."""
        super().__init__(held)
        self._held = held
        self._check = check

    def __setitem__(self, name: str, value: Any) -> None:
        self._check(name)
        self._held[name] = value
        super().__setitem__(name, value)

    def __delitem__(self, name: str) -> None:
        if name in self:
            self._check(name)
            self._held.pop(name, None)
        super().__delitem__(name)

    def update(self, other: Any = (), /, **names: Any) -> None:
        for name, value in {**dict(other), **names}.items():
            self[name] = value

    def __ior__(self, other: Any) -> "Variables":  # type: ignore[override,misc]
        self.update(other)
        return self

    def setdefault(self, name: str, default: Any = None, /) -> Any:
        if name not in self:
            self[name] = default
        return self[name]

    def pop(self, name: str, default: Any = _MISSING, /) -> Any:
        if name not in self and default is not _MISSING:
            return default
        value = self[name]
        del self[name]
        return value

    def popitem(self) -> tuple[str, Any]:
        if not self:
            raise KeyError("no variables")
        name = list(self)[-1]
        return name, self.pop(name)

    def clear(self) -> None:
        for name in list(self):
            del self[name]


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
