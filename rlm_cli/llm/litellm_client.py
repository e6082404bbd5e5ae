"""One call through litellm: request in, reply or a ModelError out. The only file that imports litellm.

Covered: the import and its settings, the arguments of a call, usage and cost, empty and refused replies.
Not covered: what litellm knows about a model (catalogue.py), what its exceptions mean (failures.py), how long an
exchange may take and how it is broken off (wire.py), trying again (retrying.py), a width and a memory (layers.py).

Measured on two idle cores against a loopback server: 2.8 to 3.4 ms of CPU a call, where the openai SDK alone takes 1.0
to 1.2. By the profile 56 % is the SDK as litellm drives it, 13 % cost and hidden fields, the rest the logging object
and the look-ups of provider and parameters. No documented setting makes it less: `no-log` and the log level change
nothing measurable, `turn_off_message_logging`, `disable_token_counter` and `disable_streaming_logging` together cost
0.4 to 1.1 ms more, prices passed with the call 1.3 to 2.1 ms more. So nothing is switched off but the noise, and a
profile's own prices are applied here. At 64 wide a connection of its own for each call saves 23 %: wire.py.
"""

import contextlib
import gc
import logging
import math
import os
import sys
import threading
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rlm_cli.addresses import is_loopback
from rlm_cli.errors import BadReply, CallAbandoned, ConnectionLost, EmptyReply, ModelError, Refused, RequestRejected
from rlm_cli.llm.catalogue import Catalogue
from rlm_cli.llm.failures import address, clean, failure_of
from rlm_cli.llm.proxies import keep_local
from rlm_cli.llm.reply_form import response_format
from rlm_cli.tokens import prompt_tokens
from rlm_cli.types import ModelSpec, Price, Reply, Request, Usage

if TYPE_CHECKING:
    from rlm_cli.llm.wire import Call

NO_KEY = "no-key-needed"
"""Sent to local servers that were given no key: the openai SDK refuses to send nothing."""
_KEPT = {"type": "ephemeral"}
"""Anthropic's word for "keep the prompt up to here for later calls": five minutes, renewed by each call."""
_MESSAGE_TOKENS = 4
_MOST_TOKENS = 1_000_000_000
"""That one call can have."""

_loading = threading.Lock()
_loaded: Any = None


def load() -> Any:
    """Return litellm, imported once and made quiet; any number of threads may ask. Takes seconds the first time."""
    global _loaded
    with _loading:
        if _loaded is None:
            _loaded = _import()
    return _loaded


def _import() -> Any:
    # Without the first, litellm asks the network for prices and waits 20 s where there is none. Without the second it
    # reads a `.env` from the folders above its own, which may belong to the very tree under analysis, and with it
    # somebody else's idea of where the keys should go.
    os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"
    os.environ["LITELLM_MODE"] = "PRODUCTION"
    keep_local([])
    used_before = "litellm" in sys.modules
    collecting = gc.isenabled()
    gc.disable()  # the import allocates much and frees nothing: 13 % faster
    try:
        import httpx
        import litellm
        from litellm.llms.custom_httpx.http_handler import get_ssl_configuration

        from rlm_cli.llm.wire import Switchboard
    except ImportError as error:
        raise ModelError(
            f"litellm cannot be imported: {error}", "reinstall it: pip install --force-reinstall litellm"
        ) from error
    finally:
        # Its 300,000 objects stay to the end: looked through for garbage, they cost 0.3 s of CPU each time, and 1.1 s
        # when the process ends.
        gc.freeze()
        if collecting:
            gc.enable()
    litellm.suppress_debug_info = True
    for name in ("LiteLLM", "LiteLLM Router", "LiteLLM Proxy"):
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)
    warnings.filterwarnings("ignore", message="(?s)Pydantic serializer warnings.*")
    # litellm keeps one openai client for each timeout, and ours are what is left of the run: nearly each call would
    # open its own connection. They all borrow this one instead. Other providers' clients take the transport.
    switchboard = Switchboard(get_ssl_configuration())
    litellm.client_session = httpx.Client(transport=switchboard, follow_redirects=True)
    litellm.sync_transport = switchboard
    if used_before:  # by a program that calls us: its clients would pass the switchboard by
        litellm.in_memory_llm_clients_cache.flush_cache()  # type: ignore[no-untyped-call]
    return litellm


class LitellmClient:
    """Makes each call as it is, once. Keeps nothing but the connections of its run."""

    def __init__(self) -> None:
        from rlm_cli.llm.wire import Wire

        self._catalogue = Catalogue(load)
        self._wire = Wire()
        self._formless: set[str] = set()
        """Models that have rejected a request with a schema."""

    def complete(self, request: Request) -> Reply:
        load()
        self._catalogue.make_known(request.spec)
        if self._wire.closed:
            raise CallAbandoned(f"{request.spec.model} was not asked: the run is over", usage=Usage())
        with self._wire.call(request.timeout) as call:
            form = self._form(request)
            try:
                reply = self._completion(request, form)
            except Exception as error:
                failure = self._failure(error, request, call)
                if form is None or not isinstance(failure, RequestRejected):
                    raise failure from error
                # It does not take schemas after all, whatever the table says: they are stated in words as well.
                self._formless.add(request.spec.model)
            else:
                return self._read(reply, request)
        return self.complete(request)

    def close(self) -> None:
        self._wire.close()

    def _completion(self, request: Request, form: dict[str, Any] | None) -> Any:
        arguments = self._arguments(request)
        if form is not None:
            arguments["response_format"] = form
        return load().completion(**arguments)

    def _form(self, request: Request) -> dict[str, Any] | None:
        """Return litellm's word for a schema, where the model has one for it."""
        spec = request.spec
        if request.schema is None or "response_format" in spec.params or spec.model in self._formless:
            return None
        return response_format(request.schema) if self._catalogue.takes_schemas(spec) else None

    def _failure(self, error: Exception, request: Request, call: "Call") -> ModelError:
        if self._wire.closed:
            return CallAbandoned(f"the call to {request.spec.model} was given up: the run is over")
        where = address(request.spec)
        if call.flooded:
            return BadReply(
                f"{where} sent more than a chat reply can hold, without end", "check `api_base:` in the profile"
            )
        failure = failure_of(error, request, self._catalogue.key_variable(request.spec))
        if isinstance(failure, BadReply) and call.broken_off():
            return ConnectionLost(f"{where} sent the beginning of a reply and called it whole")
        return failure

    def recall(self, request: Request) -> Reply | None:
        return None

    def _arguments(self, request: Request) -> dict[str, Any]:
        spec = request.spec
        arguments: dict[str, Any] = {
            **spec.params,
            "model": spec.model,
            "messages": self._messages(request),
            # litellm turns it into max_completion_tokens for the models that want that.
            "max_tokens": spec.max_output_tokens,
            # Whole seconds, so that there are few of those clients; the wire keeps to the exact time.
            "timeout": float(max(1, math.ceil(request.timeout))),
            "stream": False,
            # Trying again is the business of retrying.py: the SDK's own two retries would make one failing call three.
            "max_retries": 0,
            "num_retries": 0,
        }
        if spec.api_base is not None:
            arguments["api_base"] = spec.api_base
        if spec.temperature is not None:
            arguments["temperature"] = spec.temperature
        key = self._key(spec)
        if key is not None:
            arguments["api_key"] = key
        return arguments

    def _messages(self, request: Request) -> list[dict[str, Any]]:
        """Return the messages, with a mark where a provider wants to be told how far to keep them.

        The root model's next request begins with this one, so all of it is kept: a fresh token costs a quarter more,
        each later reading a tenth. Two marks, because the system prompt is the same in every run. A sub-call is never
        the start of another: its prompt would be paid for and not read.
        """
        messages: list[dict[str, Any]] = [{"role": each.role, "content": each.text} for each in request.messages]
        if request.role == "root" and self._catalogue.takes_cache_marks(request.spec):
            for message in messages:
                if message["role"] == "system" or message is messages[-1]:
                    message["content"] = [{"type": "text", "text": message["content"], "cache_control": _KEPT}]
        return messages

    def _key(self, spec: ModelSpec) -> str | None:
        if spec.api_key_env is not None:
            return os.environ.get(spec.api_key_env) or NO_KEY
        if spec.api_base is None or not is_loopback(spec.api_base):
            return None
        # A key of the environment is meant for its provider, or for where the environment itself sends its calls: not
        # for whatever a profile finds on this machine.
        meant = spec.api_base == self._catalogue.redirected(spec) and self._catalogue.key_variable(spec) is not None
        return None if meant else NO_KEY

    def _read(self, reply: Any, request: Request) -> Reply:
        choices = getattr(reply, "choices", None)
        if not choices:
            raise BadReply(f"the reply of {request.spec.model} holds no answer", "check `api_base:` in the profile")
        message, reason = choices[0].message, choices[0].finish_reason
        text = message.content if isinstance(message.content, str) else ""
        text = text.encode("utf-8", "replace").decode("utf-8")  # JSON can spell half a surrogate pair
        usage = self._usage(reply, text, request)
        refusal = getattr(message, "refusal", None) or (getattr(message, "provider_specific_fields", None) or {}).get(
            "refusal"
        )
        if reason == "content_filter" or (refusal and not text.strip()):
            why = clean(str(refusal)) if refusal else "stopped by the provider's content filter"
            raise Refused(f"{request.spec.model} declined to answer: {why}", usage=usage)
        truncated = reason == "length"
        if not text.strip():
            raise _empty(request.spec, truncated, usage)
        return Reply(text, usage, truncated)

    def _usage(self, reply: Any, text: str, request: Request) -> Usage:
        """Return what the provider reports. One that reports nothing, or nonsense, is counted for: an estimate."""
        spec = request.spec
        try:
            counts = _Counts.reported(getattr(reply, "usage", None))
        except ValueError:
            given = sum(prompt_tokens(message.text) + _MESSAGE_TOKENS for message in request.messages)
            counts = _Counts(given, 0, 0, prompt_tokens(text))
        return Usage(1, 0, counts.given, counts.cached, counts.taken, self._cost(spec, counts, reply))

    def _cost(self, spec: ModelSpec, counts: "_Counts", reply: Any) -> float | None:
        cost = cost_of(spec.price, counts.given, counts.cached, counts.written, counts.taken)
        if counts.as_reported and spec.price is not None and spec.price == self._catalogue.price(spec):
            # The table knows more than a few numbers: hours of the day, what is kept for longer. litellm's own sum
            # holds; not the one that comes with the reply, which a header and the model's name in it can change. For a
            # row that it cannot read it raises whatever it likes: then our sum holds.
            tier = spec.params.get("service_tier")
            with contextlib.suppress(Exception):
                table = sum(load().cost_per_token(spec.model, usage_object=reply.usage, service_tier=tier))
                cost = table if math.isfinite(table) and table >= 0 else cost
        return cost


@dataclass(frozen=True, slots=True)
class _Counts:
    """Tokens of one call."""

    given: int
    cached: int
    """Of those given."""
    written: int
    """To the provider's cache, of those given."""
    taken: int
    as_reported: bool = False

    @classmethod
    def reported(cls, usage: Any) -> "_Counts":
        """Read litellm's usage. Raises ValueError where it holds none, or numbers that no call can have."""
        given = _count(getattr(usage, "prompt_tokens", None))
        if not given:  # litellm writes 0 where the server said nothing
            raise ValueError("no usage")
        # Reasoning is inside completion_tokens: litellm folds it in for the providers that count it apart, but not in
        # a reply that Gemini's filter stopped; the total has it.
        counted = _count(usage.completion_tokens)
        taken = max(counted, _count(usage.total_tokens) - given)
        details = getattr(usage, "prompt_tokens_details", None)
        cached = min(_count(getattr(details, "cached_tokens", None)), given)
        written = min(_count(getattr(details, "cache_creation_tokens", None)), given - cached)
        return cls(given, cached, written, taken, as_reported=taken == counted)


def _count(value: Any) -> int:
    """Return a number of tokens; None is 0. Raises ValueError for what is none."""
    if value is None:
        return 0
    if type(value) is not int or not 0 <= value <= _MOST_TOKENS:
        raise ValueError("not a number of tokens")
    return value


def cost_of(price: Price | None, input_tokens: int, cached: int, written: int, output_tokens: int) -> float | None:
    """Return USD; `cached` and `written` are parts of `input_tokens`. None where the price is unknown."""
    if price is None:
        return None
    price = price.at(input_tokens)
    for_cached = price.input if price.cached_input is None else price.cached_input
    for_written = price.input if price.cache_write is None else price.cache_write
    for_input = (input_tokens - cached - written) * price.input + cached * for_cached + written * for_written
    return (for_input + output_tokens * price.output) / 1_000_000


def _empty(spec: ModelSpec, truncated: bool, usage: Usage) -> EmptyReply:
    if truncated:
        error = EmptyReply(
            f"{spec.model} used all of its {spec.max_output_tokens:,} output tokens before it wrote a word",
            "raise `max_output_tokens:` in the profile, or lower the model's reasoning effort in `params:`",
            usage=usage,
        )
        error.truncated = True
        return error
    return EmptyReply(f"{spec.model} gave an empty reply", usage=usage)
