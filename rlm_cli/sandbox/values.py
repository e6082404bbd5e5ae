"""What a sub-call comes to, as the code sees it: a reply is a str, a failure is nothing that could pass for one.

What was asked for by a schema is the dict, list or other value that it says.
"""

import json
from typing import Any, NoReturn


class SubCallError(Exception):
    """A sub-call failed, or was not allowed."""

    partial: str | None = None
    """The answer of a child run that did not come to its end."""

    def __init__(self, message: object = "", partial: str | None = None) -> None:
        super().__init__(message)
        self.partial = partial


class Reply(str):
    """A sub-model's reply, or a child run's answer."""

    ok = True
    error = None
    partial = None
    evidence: list[tuple[int, str]] | tuple[()] = ()
    """Of a child run: (offset into the context, quote) pairs, as FINAL takes them."""
    doubt: str | None = None
    """Of a child run: what it could not settle."""
    truncated = False
    """Cut at the model's output limit."""


class FailedReply:
    """Stands in a batch where a reply should be. Any use as text raises SubCallError; .ok and .error may be asked."""

    __slots__ = ("error", "partial")
    ok = False
    truncated = False

    def __init__(self, error: str, partial: str | None = None) -> None:
        self.error = error
        self.partial = partial
        """The answer of a child run that did not come to its end."""

    def __repr__(self) -> str:
        return f"<FAILED: {self.error}>"

    def _refuse(self, *_: Any, **__: Any) -> NoReturn:
        raise SubCallError(f"this sub-call failed: {self.error} (ask .ok before using a reply of a batch)")

    def __getattr__(self, name: str) -> Any:
        if hasattr(str, name) and not name.startswith("_"):
            self._refuse()
        raise AttributeError(f"a failed sub-call has .ok, .error and .partial, not {name!r}")

    def __copy__(self) -> "FailedReply":
        return self

    def __deepcopy__(self, _memo: Any) -> "FailedReply":
        return self

    __str__ = __format__ = __len__ = __iter__ = __contains__ = __getitem__ = __reversed__ = __bool__ = _refuse
    __eq__ = __ne__ = __lt__ = __le__ = __gt__ = __ge__ = __hash__ = _refuse
    __add__ = __radd__ = __mul__ = __rmul__ = __mod__ = __rmod__ = __int__ = __float__ = __index__ = __bytes__ = _refuse


class ReplyDict(dict[str, Any]):
    """A reply that was asked for by a schema, where it is an object."""

    ok = True
    error = None
    truncated = False


class ReplyList(list[Any]):
    """The same where it is an array."""

    ok = True
    error = None
    truncated = False


class ReplyInt(int):
    """The same where it is a whole number. (True, False and None are what they are.)"""

    ok = True
    error = None
    truncated = False


class ReplyFloat(float):
    """The same where it is another number."""

    ok = True
    error = None
    truncated = False


_KINDS: dict[type, Any] = {dict: ReplyDict, list: ReplyList, str: Reply, int: ReplyInt, float: ReplyFloat}


def in_form(reply: Reply | FailedReply) -> Any:
    """Return the value that a reply holds as JSON; a failure is one still."""
    if isinstance(reply, FailedReply):
        return reply
    value = json.loads(reply)
    return _KINDS.get(type(value), lambda same: same)(value)
