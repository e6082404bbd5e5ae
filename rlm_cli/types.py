"""The values that every room shares: frozen, slotted, without behaviour beyond arithmetic.

Knows nothing of files, models or the sandbox. The text itself is a `Context` (context.py); what happens in a run is
an event (events.py); the running account is the `Budget` (budget.py); what a run comes to is a `Result` (results.py).
"""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

Role = Literal["root", "sub"]
Unit = Literal["page", "cell", "record"]
Strategy = Literal["auto", "rlm", "direct", "map-reduce"]
"""How a question is answered: by the loop, by one request that holds the whole text, or by asking about each piece;
`auto`: by size."""
Severity = Literal["info", "low", "medium", "high", "critical"]
SEVERITIES: tuple[Severity, ...] = ("info", "low", "medium", "high", "critical")
"""In rising order."""


# --- profiles -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Price:
    """What a model charges, in USD per million tokens."""

    input: float
    output: float
    cached_input: float | None = None
    """None: cached input costs what fresh input costs."""
    cache_write: float | None = None
    """Input that the provider keeps for later calls; None: it costs what fresh input costs."""
    long: tuple[tuple[int, "Price"], ...] = ()
    """(tokens, price) in rising order: what a call costs whose whole input has that many tokens or more."""

    def at(self, input_tokens: int) -> "Price":
        """Return the price of a call with this much input."""
        return next((price for tokens, price in reversed(self.long) if input_tokens >= tokens), self)

    @property
    def free(self) -> bool:
        return self.input == self.output == 0


@dataclass(frozen=True, slots=True)
class ModelSpec:
    """One model as a profile names it. `llm.resolve` fills in the window and the price that were left open."""

    model: str
    """A litellm id such as `openai/gpt-5.2`, or `offline/...`."""
    api_base: str | None = None
    api_key_env: str | None = None
    """The name of the environment variable that holds the key; None: litellm's own choice for the provider."""
    temperature: float | None = None
    """None: the provider's default; nothing is sent."""
    max_output_tokens: int = 8000
    timeout: float = 120.0
    """Seconds for one call, all its retries included."""
    context_window: int | None = None
    """Tokens, prompt and reply together; None: unknown."""
    price: Price | None = None
    """None: unknown."""
    params: Mapping[str, Any] = field(default_factory=dict)
    """Passed to litellm as they are."""
    fallbacks: tuple["ModelSpec", ...] = ()
    """Asked in this order when the model is overloaded or cannot be reached; they have none of their own."""
    cache: bool = False
    """Replies are kept for later runs, and taken from earlier ones. A profile's sub-model has it set unless it says
    otherwise."""
    redact: bool | None = None
    """Secrets are hidden from it; None: where it is not on this machine."""

    @property
    def candidates(self) -> tuple["ModelSpec", ...]:
        """All models that may answer for this one, itself first."""
        return (self, *self.fallbacks)

    @property
    def patience(self) -> float:
        """Seconds for one call when each of the candidates takes its own `timeout`."""
        return sum(each.timeout for each in self.candidates)


@dataclass(frozen=True, slots=True)
class Limits:
    """What a run may use at most. `Budget` is the running account."""

    max_cost: float | None = 10.0
    """USD; None: no cap."""
    max_iterations: int = 50
    max_subcalls: int = 100
    max_depth: int = 2
    """The root run is depth 0, its sub-calls depth 1."""
    max_tokens: int | None = None
    """Input and output tokens of all calls together; None: no cap."""
    timeout: float = 300.0
    """Seconds for the whole run."""
    cell_timeout: float = 60.0
    """Seconds for one cell, without the time it waits for models."""
    concurrency: int = 16
    """Model calls in flight at once."""


@dataclass(frozen=True, slots=True)
class Rule:
    """What a finding can be an instance of. Reports name it by `id`, and trackers tell findings apart by that."""

    id: str
    """A slug: lower-case words and hyphens."""
    title: str
    """A short phrase, as in `SQL built from input`."""
    severity: Severity
    """Where the finding does not say."""
    cwe: str | None
    """As in `CWE-89`; None: none fits."""
    text: str
    """What it is and why it matters: a sentence or two."""
    advice: str
    """What to do instead."""
    category: Literal["security", "quality"] = "security"


@dataclass(frozen=True, slots=True)
class Prompts:
    """What a profile says of how its root model is spoken to."""

    family: str | None = None
    """The variant of the prompt; None: by the model's id."""
    system: str | None = None
    """Stands in for the whole system prompt."""
    advice: str | None = None
    """Added to the first message."""


@dataclass(frozen=True, slots=True)
class Profile:
    """A named choice of models and limits."""

    name: str
    description: str
    root: ModelSpec
    sub: ModelSpec
    limits: Limits = field(default_factory=Limits)
    rules: tuple[Rule, ...] = ()
    """Beyond those of the catalogue (rules.py); one with an id of the catalogue stands in for it."""
    strategy: Strategy = "auto"
    prompts: Prompts = field(default_factory=Prompts)
    refine: "Profile | None" = None
    """The models of a second pass, over what the first has cited. Its limits do not count: both passes are one run."""

    @property
    def models(self) -> tuple[ModelSpec, ...]:
        """All models that may be called, fallbacks and those of a second pass included."""
        later = self.refine.models if self.refine is not None else ()
        return (*self.root.candidates, *self.sub.candidates, *later)


# --- inputs -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Span:
    """Characters `start` up to, but not including, `end` of the context."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a document; its number is its place in `Document.pages`, from 1."""

    start: int
    """Characters into the context; for all but the first, just behind a form feed."""
    label: str | None = None
    """What is printed on it (`vi`, `A-3`), where the PDF says so."""


@dataclass(frozen=True, slots=True)
class Parts:
    """What a document consists of, where that is not pages; each part ends where the next begins."""

    kind: Literal["cell", "record"]
    starts: Sequence[int]
    """Characters into the context, rising. What lies before the first, a header say, belongs to none."""


@dataclass(frozen=True, slots=True)
class Document:
    """One document of the context; its header line, if there is one, lies outside `span`."""

    path: str
    """As the user will read it in a citation: `/` between parts, never absolute."""
    span: Span
    lines: int
    tokens: int
    """An estimate unless the context's `tokens_exact` is set."""
    kind: str = "text"
    """The lower-case extension without its dot, else `text`; `pdf` for every PDF."""
    pages: tuple[Page, ...] = ()
    """Of a PDF, or of a text in which form feeds part pages; else none."""
    title: str | None = None
    """What it calls itself: as trustworthy as its text."""
    unreadable: tuple[int, ...] = ()
    """Numbers of pages that should have been read and could not be; they are empty, and the run is not complete."""
    parts: Parts | None = None
    """Cells of a notebook, records of JSON, JSON lines and CSV."""
    encoding: str = "utf-8"
    """Of the file, as Python calls it; `utf-8` too for what is made here, such as the text of a PDF."""
    mark: str | None = None
    """What kind of file nobody wrote by hand: `generated`, `vendored`, `minified` or `lock`."""
    changed: tuple[tuple[int, int], ...] | None = None
    """(first, last) lines that changed since the base that was asked for, rising; None: none was."""
    key: str | None = None
    """What a paper is cited by: `smith2021`."""


@dataclass(frozen=True, slots=True)
class Secret:
    """Where something stands that looks like a key or a login: never what it is."""

    kind: str
    path: str
    line: int | None = None
    """None: the file's name says so."""


@dataclass(frozen=True, slots=True)
class Skipped:
    """A file that was found and not loaded."""

    path: str
    reason: str
    """A short phrase of a fixed set, so that skips can be counted by reason: `binary`, `ignored`, ..."""
    failed: bool = False
    """It should have been read and could not be: such a run is never reported as complete."""


# --- calls --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Message:
    role: Literal["system", "user", "assistant"]
    text: str


@dataclass(frozen=True, slots=True)
class Usage:
    """What calls have used. Adding two adds each field; an unknown cost makes the sum unknown."""

    calls: int = 0
    cached_calls: int = 0
    """Calls answered from memory: they cost nothing and are not in `calls`."""
    input_tokens: int = 0
    """All prompt tokens, the cached ones included."""
    cached_input_tokens: int = 0
    output_tokens: int = 0
    """Reasoning tokens included."""
    cost_usd: float | None = 0.0
    """None: a price is unknown."""
    earlier_calls: int = 0
    """Of the cached calls, those answered by replies that earlier runs were billed for."""
    saved_usd: float | None = 0.0
    """What those replies were billed then. None: a price is unknown."""

    def __add__(self, other: "Usage") -> "Usage":
        return Usage(
            calls=self.calls + other.calls,
            cached_calls=self.cached_calls + other.cached_calls,
            input_tokens=self.input_tokens + other.input_tokens,
            cached_input_tokens=self.cached_input_tokens + other.cached_input_tokens,
            output_tokens=self.output_tokens + other.output_tokens,
            cost_usd=_sum(self.cost_usd, other.cost_usd),
            earlier_calls=self.earlier_calls + other.earlier_calls,
            saved_usd=_sum(self.saved_usd, other.saved_usd),
        )

    @property
    def tokens(self) -> int:
        return self.input_tokens + self.output_tokens


def _sum(one: float | None, other: float | None) -> float | None:
    return one + other if one is not None and other is not None else None


@dataclass(frozen=True, slots=True)
class Request:
    """One call to a model."""

    role: Role
    spec: ModelSpec
    messages: tuple[Message, ...]
    timeout: float
    """Seconds from now in which the call, with all its retries, has to be over. Not part of the key."""
    path: str = ""
    """The call path, as in events. Not part of the key."""
    fresh: bool = False
    """It wants a reply of its own: none that is known is given, and this one is given to nobody else. Not part of the
    key."""
    schema: str | None = None
    """A JSON schema, as canonical JSON, that the reply has to fit; None: any text will do."""
    again: Callable[[], bool] = field(default=lambda: True, compare=False, repr=False)
    """Asked before another attempt when the last one may be billed though it brought nothing; False: it may not be."""
    _key: str = field(default="", init=False, repr=False, compare=False)

    def key(self) -> str:
        """Name this request by all that decides its reply (hex sha256): the one way to make a cache key."""
        if self._key:
            return self._key
        spec = self.spec
        parts = [
            spec.model,
            spec.api_base,
            spec.temperature,
            spec.max_output_tokens,
            dict(spec.params),
            [(message.role, message.text) for message in self.messages],
            *([self.schema] if self.schema is not None else []),
        ]
        canonical = json.dumps(parts, ensure_ascii=True, sort_keys=True, default=str)
        key = hashlib.sha256(canonical.encode()).hexdigest()
        object.__setattr__(self, "_key", key)  # prompts are long, and asked for several times
        return key


@dataclass(frozen=True, slots=True)
class Reply:
    """What a model answered. A refusal or an empty reply is no Reply but a ModelError."""

    text: str
    usage: Usage
    truncated: bool = False
    """Cut at the output cap."""
    cached: bool = False
    """Served from memory; its usage counts one cached call and nothing else."""
    model: str | None = None
    """Who answered, where that was a fallback; None: the model that was asked."""
    lost: int = 0
    """Earlier attempts at this call whose end nobody knows, and which may be billed."""
