"""What happens in a run, one frozen dataclass an event, and their JSON form.

The engine yields these; the display, the recorder, `--events` and the tests consume the same stream. Nothing here
prints or writes. An event's JSON is its fields plus `type`, the class name in snake case.
"""

import functools
import re
from dataclasses import dataclass, fields, is_dataclass
from types import NoneType, UnionType
from typing import Any, ClassVar, Literal, get_args, get_origin, get_type_hints

from rlm_cli.types import Citation, Status, StopReason, Usage


class CallPath(str):
    """Where in the tree of calls something happens.

    "0" is the root run, "0/3" its third iteration, "0/3.2" that iteration's second sub-call, "0/3.2/1" the first
    iteration of the child run which that sub-call opened.
    """

    __slots__ = ()

    def iteration(self, number: int) -> "CallPath":
        return CallPath(f"{self}/{number}")

    def subcall(self, number: int) -> "CallPath":
        return CallPath(f"{self}.{number}")

    @property
    def depth(self) -> int:
        """0 in the root run and its iterations, 1 in its sub-calls, and so on."""
        return self.count(".")


ROOT = CallPath("0")


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """What every event has. Use one of the classes below."""

    path: CallPath
    at: float = 0.0
    """Seconds since the start of the run; stamped once, where the stream leaves the engine."""
    type: ClassVar[str] = ""

    def to_json(self) -> dict[str, Any]:
        """Return the event as plain JSON values, `type`, `path` and `at` first."""
        plain: dict[str, Any] = {"type": self.type, "path": str(self.path), "at": round(self.at, 4)}
        for each in fields(self):
            if each.name not in plain:
                plain[each.name] = _plain(getattr(self, each.name))
        return plain


def _plain(value: Any) -> Any:
    if isinstance(value, Usage | Citation):
        return {each.name: getattr(value, each.name) for each in fields(value)}
    if isinstance(value, tuple):
        return [_plain(each) for each in value]
    return value


# Fields that have a default are missing in records of earlier versions.


@dataclass(frozen=True, slots=True, kw_only=True)
class RunStarted(Event):
    run_id: str
    question: str
    profile: str
    root_model: str
    root_address: str = ""
    """Where its calls go: `this machine`, a host, a provider."""
    sub_model: str
    sub_address: str = ""
    limits: dict[str, float | int | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class ContextLoaded(Event):
    sha256: str
    characters: int
    tokens: int
    tokens_exact: bool
    documents: int
    inputs: tuple[str, ...]
    skipped: dict[str, int]
    """Reason -> number of files."""
    sandbox: tuple[str, ...]
    """The layers around the REPL that now holds the context."""
    sandbox_level: str = ""
    """What they amount to: `full`, `process`, or less."""
    sandbox_missing: tuple[str, ...] = ()
    """Layers that could not be put up, each as `name: why`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class IterationStarted(Event):
    number: int
    """From 1; 0 for the last word, which is no iteration."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelReplied(Event):
    """The root model's reply, whole."""

    model: str = ""
    """Who answered: the root model, or the fallback that stood in for it."""
    text: str
    truncated: bool
    cached: bool = False
    """Taken from an earlier run."""
    seconds: float
    usage: Usage


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeStarted(Event):
    blocks: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SubcallStarted(Event):
    model: str
    key: str
    """`Request.key()`: what a replay looks replies up by."""
    prompt_characters: int
    prompt_head: str
    fresh: bool = False
    """It wants a reply of its own: a replay tells it from others of its key by its path."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SubcallFinished(Event):
    model: str = ""
    """Who answered: the model asked, or the fallback that stood in for it."""
    text: str
    """Whole, unless it is `cached` and stands whole in an earlier event of the run: then its beginning."""
    truncated: bool
    cached: bool
    seconds: float
    usage: Usage


@dataclass(frozen=True, slots=True, kw_only=True)
class SubcallFailed(Event):
    error: str
    seconds: float
    usage: Usage


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeFinished(Event):
    output: str
    """As the root model will read it: head and tail when it was long."""
    error: str | None
    seconds: float
    """Without the time spent waiting for models."""
    tampered: tuple[str, ...] = ()
    """Names of the REPL that the code had overwritten; they were restored."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryCompacted(Event):
    outputs: int
    """How many old outputs were folded to a line each."""
    tokens_before: int
    tokens_after: int
    usage: Usage


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerGiven(Event):
    answer: str
    doubt: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitReached(Event):
    limit: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFinished(Event):
    status: Status
    stop_reason: StopReason
    answer: str
    error: str | None
    hint: str | None = None
    """What to do about the error."""
    warnings: tuple[str, ...] = ()
    failed_subcalls: tuple[tuple[str, int], ...] = ()
    """(error, how many sub-calls failed with it); those that were never sent are among them."""
    citations: tuple[Citation, ...] = ()
    usage: Usage


def _tag(name: str) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()


EVENTS: dict[str, type[Event]] = {}
for _class in (
    RunStarted, ContextLoaded, IterationStarted, ModelReplied, CodeStarted, SubcallStarted, SubcallFinished,
    SubcallFailed, CodeFinished, HistoryCompacted, AnswerGiven, LimitReached, RunFinished,
):  # fmt: skip
    _class.type = _tag(_class.__name__)
    EVENTS[_class.type] = _class


def event_from(plain: dict[str, Any]) -> Event:
    """Return the event that `to_json` made `plain` of; keys that this version does not know are left out.

    Raises ValueError for what is no event.
    """
    try:
        event: Event = _built(EVENTS[plain["type"]], plain)
    except (KeyError, TypeError) as error:
        raise ValueError(f"not an event: {error}") from error
    return event


_hints = functools.cache(get_type_hints)
_PATH = re.compile(r"0(/[0-9]{1,9}\.[0-9]{1,9}){0,20}(/[0-9]{1,9})?")
_MOST = 2.0**63
"""No count and no measure comes near it, and sums of what is smaller do not overflow."""


def _built(kind: Any, plain: Any) -> Any:
    """Return the dataclass `kind` with those of its fields that `plain` has: anyone may have written the record."""
    if not isinstance(plain, dict):
        raise ValueError(f"not an event: a {kind.__name__} is no {type(plain).__name__}")
    hints = _hints(kind)
    known = [each.name for each in fields(kind) if each.name in plain]
    return kind(**{name: _restored(hints[name], plain[name], name) for name in known})


def _restored(hint: Any, value: Any, name: str) -> Any:
    """Return what JSON made of a value of the type `hint`. Raises ValueError for a value of another type."""
    parts, origin = get_args(hint), get_origin(hint)
    if origin is UnionType:
        if value is None and NoneType in parts:
            return None
        return _restored(float if float in parts else parts[0], value, name)
    if origin is tuple and isinstance(value, list) and (parts[-1] is ... or len(parts) == len(value)):
        inside = parts[:1] * len(value) if parts[-1] is ... else parts
        return tuple(_restored(part, each, name) for part, each in zip(inside, value, strict=True))
    if origin is dict and isinstance(value, dict):
        return {key: _restored(parts[1], each, name) for key, each in value.items()}
    if is_dataclass(hint):
        return _built(hint, value)
    if hint is CallPath and isinstance(value, str) and _PATH.fullmatch(value):
        return CallPath(value)
    if hint in (str, bool) and isinstance(value, hint):
        return value
    numbers = {int: int, float: int | float}
    if hint in numbers and isinstance(value, numbers[hint]) and not isinstance(value, bool) and abs(value) < _MOST:
        return value
    if origin is Literal and isinstance(value, str) and value in parts:
        return value
    raise ValueError(f"not an event: {name} is not as it should be")
