"""What happens in a run, one frozen dataclass an event, and their JSON form.

The engine yields these; the display, the recorder, `--events` and the tests consume the same stream. Nothing here
prints or writes. An event's JSON is its fields plus `type`, the class name in snake case.
"""

import re
from dataclasses import dataclass, fields
from typing import Any, ClassVar

from rlm_cli.plain_values import from_plain, to_plain
from rlm_cli.results import Citation, Coverage, Finding, Status, StopReason
from rlm_cli.types import Usage


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
    def of_root(self) -> "CallPath":
        """The iteration of the root run in which this lies."""
        return CallPath(self.partition(".")[0])

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
                plain[each.name] = to_plain(getattr(self, each.name))
        return plain


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
    strategy: str = "rlm"
    """How it is answered: `rlm`, `direct` or `map-reduce`."""


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
    """The layers around the REPL that now holds the context; none where no code is run over it, and none is needed."""
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
    """Of the call that wrote the summary, also of one that failed."""
    folded: tuple[int, ...] = ()
    """The iterations whose outputs were folded."""
    summarised: tuple[int, ...] = ()
    """The iterations that a summary stands for from now on."""
    summary: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunResumed(Event):
    """The events before this one were repeated from the record; from here on calls are made again."""

    calls: int
    """How many were on record, and so not made again."""
    usage: Usage
    """What was spent before and is not repeated: calls that failed and are made again, replies that no longer fit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RefinementStarted(Event):
    """A first pass has answered, and a second one begins; its iterations are numbered on."""

    profile: str
    root_model: str
    root_address: str = ""
    sub_model: str
    sub_address: str = ""
    documents: int
    """That the first pass rests on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FindingReported(Event):
    """A claim whose quote stands in the text: for the first time, or again with another verdict once it is checked."""

    finding: Finding


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
    findings: tuple[Finding, ...] = ()
    rejected_findings: int = 0
    coverage: Coverage | None = None
    usage: Usage


def _tag(name: str) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()


EVENTS: dict[str, type[Event]] = {}
for _class in (
    RunStarted, ContextLoaded, IterationStarted, ModelReplied, CodeStarted, SubcallStarted, SubcallFinished,
    SubcallFailed, CodeFinished, HistoryCompacted, RunResumed, RefinementStarted, FindingReported, AnswerGiven,
    LimitReached, RunFinished,
):  # fmt: skip
    _class.type = _tag(_class.__name__)
    EVENTS[_class.type] = _class


def event_from(plain: dict[str, Any]) -> Event:
    """Return the event that `to_json` made `plain` of; keys that this version does not know are left out.

    Raises ValueError for what is no event.
    """
    try:
        event = from_plain(EVENTS[plain["type"]], plain)
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"not an event: {error}") from error
    if not _PATH.fullmatch(event.path):
        raise ValueError("not an event: path is not as it should be")
    return event


_PATH = re.compile(r"0(/[0-9]{1,9}\.[0-9]{1,9}){0,20}(/[0-9]{1,9})?")
