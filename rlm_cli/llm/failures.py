"""What litellm's exceptions mean: the one place where they become errors.py's, in words a person understands.

litellm is not imported: exceptions are told apart by the names of their classes, which makes openai's and httpx's own
fit the same tables. A test walks litellm.exceptions and fails when one of them is in no table.

litellm's class alone is not enough. A refused connection, a web page in place of a reply and a broken JSON body all
arrive as its InternalServerError with status 500, and Retry-After is gone. What really happened stands further down
the chain of causes (`__cause__`, `__context__`), so that is read.
"""

import json
import os
import re
import unicodedata
from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from rlm_cli.addresses import OLLAMA, provider_of, shown_address
from rlm_cli.errors import (
    AuthenticationFailed,
    BadReply,
    CallTimedOut,
    ConnectionLost,
    ModelError,
    PromptTooLarge,
    RateLimited,
    Refused,
    RequestRejected,
    ServerFailed,
    UnknownModel,
    Unreachable,
)
from rlm_cli.types import ModelSpec, Request

Kind = type[ModelError]

KINDS: Mapping[str, Kind] = {
    "AuthenticationError": AuthenticationFailed,
    "PermissionDeniedError": AuthenticationFailed,
    "NotFoundError": UnknownModel,
    "LiteLLMUnknownProvider": UnknownModel,
    "ModelNotMappedError": UnknownModel,
    "BadRequestError": RequestRejected,
    "InvalidRequestError": RequestRejected,
    "UnprocessableEntityError": RequestRejected,
    "UnsupportedParamsError": RequestRejected,
    "ImageFetchError": RequestRejected,
    "VectorStoreSearchError": RequestRejected,
    "PaymentRequiredError": RequestRejected,
    "BudgetExceededError": RequestRejected,
    "ContextWindowExceededError": PromptTooLarge,
    "ContentPolicyViolationError": Refused,
    "RejectedRequestError": Refused,
    "GuardrailRaisedException": Refused,
    "BlockedPiiEntityError": Refused,
    "ModifyResponseException": Refused,
    "SensitiveDataRouteException": Refused,
    "RateLimitError": RateLimited,
    "Timeout": CallTimedOut,
    "APITimeoutError": CallTimedOut,
    "InternalServerError": ServerFailed,
    "ServiceUnavailableError": ServerFailed,
    "BadGatewayError": ServerFailed,
    "MidStreamFallbackError": ServerFailed,
    "APIError": ServerFailed,
    "APIConnectionError": Unreachable,
    "APIResponseValidationError": BadReply,
    "JSONSchemaValidationError": BadReply,
    "OpenAIError": ModelError,
    "MockException": ModelError,
}
"""By the name of the class, or of its nearest base that has one here."""

STATUSES: Mapping[int, Kind] = {
    401: AuthenticationFailed,
    402: RequestRejected,
    403: AuthenticationFailed,
    404: UnknownModel,
    408: CallTimedOut,
    409: ServerFailed,
    413: PromptTooLarge,
    425: ServerFailed,
    429: RateLimited,
    # A gateway gave up on its model, which may have gone on and be paid for.
    504: ConnectionLost,
    524: ConnectionLost,
}
"""What a server said itself, where litellm's class is a vague one. Others: 4xx rejected, 5xx failed."""

CODES: Mapping[str, Kind] = {
    "insufficient_quota": RequestRejected,  # a 429 that no waiting mends
    "content_filter": Refused,
    "content_policy_violation": Refused,
    "context_length_exceeded": PromptTooLarge,
    "model_not_found": UnknownModel,
}
"""The `code` in a provider's error body: the surest sign where there is one."""

TRANSPORT: Mapping[str, Kind] = {
    "UnsupportedProtocol": RequestRejected,
    "InvalidURL": RequestRejected,
    "ConnectTimeout": Unreachable,
    "ReadError": ConnectionLost,
    "RemoteProtocolError": ConnectionLost,
    "TimeoutException": CallTimedOut,
    "TransportError": Unreachable,
    "ConnectionError": Unreachable,
}
"""httpx's and Python's own, in the same way as KINDS."""

_VAGUE = (ServerFailed, Unreachable, RequestRejected, ModelError)
_UNREADABLE = (LookupError, TypeError, AttributeError, ValueError)
_DETAIL = 300
"""Characters of a provider's text that are shown."""
_KEYLIKE = re.compile(r"\b(?:sk|pk|rk|gsk|xai|hf|key|tok|AIza|ya29)[-_.]?[\w*.-]*[\d*][\w*.-]{5,}|(?<=Bearer )\S+")
_PREFIX = re.compile(r"^\s*(?:litellm\.)?\w*(?:Error|Exception|Timeout)\w*\s*(?::|-)\s*")


def failure_of(error: Exception, request: Request, key_variable: str | None) -> ModelError:
    """Return the error of our own tree for whatever litellm raised."""
    chain = tuple(_chain(error))
    kind = _kind(error, chain)
    spec = request.spec
    message, hint = _words(kind, error, chain, spec, key_variable, request.timeout)
    return kind(message, hint, _retry_after(chain) if kind.retryable else None)


def clean(text: str) -> str:
    """Make a provider's text fit to show: one line, no markup, no control characters, no keys, not long."""
    with suppress(ValueError):
        found = re.search(r'"(?:message|error)"\s*:\s*("(?:[^"\\]|\\.)*")', text)
        text = json.loads(found.group(1)) if found else text
    text = text.partition("Traceback (most recent call last)")[0]  # litellm's own, where a body surprised it
    while (stripped := _PREFIX.sub("", text, count=1)) != text:
        text = stripped
    if re.search(r"<(?:!doctype|html|body|head)\b", text, re.IGNORECASE):
        text = re.sub(r"<[^>]*>", " ", text)
    for name, value in os.environ.items():
        if name.endswith(("_KEY", "_TOKEN", "_SECRET")) and len(value) >= 8:
            text = text.replace(value, "[key]")
    text = _KEYLIKE.sub("[key]", text)
    text = " ".join("".join(" " if unicodedata.category(char)[0] == "C" else char for char in text).split())
    return text if len(text) <= _DETAIL else text[: _DETAIL - 2].rstrip() + " …"


def _chain(error: BaseException) -> Iterator[BaseException]:
    """Yield the exception and what it came from; litellm's `from None` hides causes from tracebacks only."""
    seen: set[int] = set()
    found: BaseException | None = error
    while found is not None and id(found) not in seen:
        seen.add(id(found))
        yield found
        found = found.__cause__ or found.__context__


def _named(error: BaseException, table: Mapping[str, Kind]) -> Kind | None:
    return next((table[base.__name__] for base in type(error).__mro__ if base.__name__ in table), None)


def _kind(error: Exception, chain: tuple[BaseException, ...]) -> Kind:
    kind = _named(error, KINDS)
    for each in chain:
        code = getattr(each, "code", None)
        if isinstance(code, str) and code in CODES:
            return CODES[code]
    if any(isinstance(each, KeyError) and each.args == ("usageMetadata",) for each in chain):
        return Refused  # Gemini: only what reads a blocked reply takes it for granted that there is a usage
    if kind is RequestRejected and "Error converting to valid response block" in str(error):
        return BadReply  # Gemini: litellm calls a body that it cannot read a 422
    if kind is not None and kind not in _VAGUE:
        return kind
    # From the far end: the deepest cause is what the machine saw, the rest are wrappers.
    for each in reversed(chain):
        if (status := _status(each)) is not None:
            return _by_status(status) if kind is not RequestRejected else _by_status(status, RequestRejected)
        if type(each).__module__.partition(".")[0] in ("httpx", "builtins", "socket") and (
            transport := _named(each, TRANSPORT)
        ):
            return transport
    if kind in (ServerFailed, Unreachable) or (kind is None and isinstance(error, _UNREADABLE)):
        return BadReply  # no server said 500 and nothing broke on the way: litellm could not read what came
    return kind or ModelError


def _by_status(status: int, rejected: Kind = RequestRejected) -> Kind:
    if status in STATUSES:
        return STATUSES[status]
    return ServerFailed if status >= 500 else rejected


def _answer(error: BaseException) -> Any:
    """Return the HTTP answer that came over the wire; litellm hangs made-up ones on its exceptions."""
    module = type(error).__module__
    real = module.startswith("openai") or "http" in module
    return getattr(error, "response", None) if real else None


def _status(error: BaseException) -> int | None:
    status = getattr(_answer(error), "status_code", None)
    return status if isinstance(status, int) and status >= 400 else None


def _retry_after(chain: tuple[BaseException, ...]) -> float | None:
    for each in chain:
        headers = getattr(_answer(each), "headers", None) or {}
        if (wish := headers.get("retry-after")) is not None:
            return _seconds(wish)
    for each in chain:  # Gemini says it in the body
        if found := re.search(r'"retryDelay"\s*:\s*"(\d+(?:\.\d+)?)s"', str(each)):
            return float(found.group(1))
    return None


def _seconds(wish: str) -> float | None:
    """Return a Retry-After header's meaning: seconds, or a date."""
    if re.fullmatch(r"\s*\d+(\.\d+)?\s*", wish):
        return float(wish)
    try:
        until = parsedate_to_datetime(wish)
    except ValueError:
        return None
    until = until if until.tzinfo else until.replace(tzinfo=UTC)
    return max(0.0, (until - datetime.now(UTC)).total_seconds())


def _words(
    kind: Kind,
    error: Exception,
    chain: tuple[BaseException, ...],
    spec: ModelSpec,
    key_variable: str | None,
    timeout: float,
) -> tuple[str, str | None]:
    """Return the message and the hint."""
    where = address(spec)
    detail = clean(str(error))
    status = next((found for each in reversed(chain) if (found := _status(each)) is not None), None)
    code = f" (HTTP {status})" if status is not None else ""
    because = f": {detail}" if detail else ""
    if kind is AuthenticationFailed:
        key = f"the key in {key_variable}" if key_variable else "the key"
        # No detail: providers repeat parts of the key here.
        return f"{where} does not accept {key} for {spec.model}", (
            f"export {key_variable}=<a valid key>" if key_variable else "name the key's variable in `api_key_env:`"
        )
    if kind is UnknownModel:
        pull = f"ollama pull {spec.model.partition('/')[2]}" if provider_of(spec.model) in OLLAMA else None
        hint = "check `model:` and `api_base:` in the profile"
        return f"{where} does not know {spec.model}{because}", f"{pull}, or {hint}" if pull else hint
    if kind is PromptTooLarge:
        return f"the prompt is larger than the window of {spec.model}{because}", "send a smaller piece"
    if kind is Refused:
        # The detail is a name of a field where litellm stumbled over the refusal.
        return f"{where} declined to answer{'' if isinstance(chain[-1], KeyError) else because}", None
    if kind is RateLimited:
        return f"{where} asks for fewer requests{code}{because}", "lower `concurrency:`, or raise the provider's limit"
    if kind is CallTimedOut:
        return (
            f"{spec.model} did not answer within {timeout:.3g} s",
            "raise `timeout:` of the model in the profile",
        )
    if issubclass(kind, Unreachable):
        return f"cannot reach {where}: {_obstacle(chain)}", _reach_hint(spec)
    if kind is BadReply:
        page = "<html" in str(error).lower() or "<!doctype" in str(error).lower()
        what = "a web page" if page else "something that is no chat reply"
        return f"{where} sent {what}{because}", f"check `api_base:` in the profile: {_usual_base(spec)}"
    if kind is ServerFailed:
        return f"{where} failed{code}{because}", None
    if kind is RequestRejected:
        return f"{where} does not take the request{code}{because}", _rejection_hint(chain)
    return f"{spec.model} failed ({type(error).__name__}){because}", None


def address(spec: ModelSpec) -> str:
    """Return where a spec's calls go, as a person would say it; never the credentials that a URL may hold."""
    if spec.api_base is None:
        return spec.model.partition("/")[0] if "/" in spec.model else "the provider"
    return clean(shown_address(spec.api_base))


def _obstacle(chain: tuple[BaseException, ...]) -> str:
    for each in chain:
        name = type(each).__name__
        if isinstance(each, ConnectionRefusedError):
            return "nothing listens there"
        if name == "gaierror":
            return "its name is not known to the DNS"
        if name == "RemoteProtocolError":
            return "the connection was closed before the whole reply had come"
        if name == "SSLError" or "CERTIFICATE" in str(each):
            return f"no secure connection ({clean(str(each))})"
        if name == "ConnectTimeout":
            return "no connection in time"
    return clean(str(chain[-1])) or type(chain[-1]).__name__


def _usual_base(spec: ModelSpec) -> str:
    provider = provider_of(spec.model)
    if provider in (*OLLAMA, "anthropic"):
        return "it usually ends after the host, without /v1"
    return f"it usually ends in {'/v1beta' if provider == 'gemini' else '/v1'}"


def _reach_hint(spec: ModelSpec) -> str:
    if provider_of(spec.model) in OLLAMA:
        return "is Ollama running? start it with: ollama serve"
    if spec.api_base is not None:
        return "is the server running, and `api_base:` in the profile right?"
    return "check the network, and HTTPS_PROXY if there is a proxy"


def _rejection_hint(chain: tuple[BaseException, ...]) -> str | None:
    codes = {code for each in chain if isinstance(code := getattr(each, "code", None), str)}
    statuses = {_status(each) for each in chain}
    if "insufficient_quota" in codes or 402 in statuses or "credit balance" in str(chain[0]):
        return "the account has no credit left: see the provider's billing page"
    names = {type(each).__name__ for each in chain}
    if names & {"UnsupportedProtocol", "InvalidURL"}:
        return "`api_base:` in the profile must be a URL, as in http://127.0.0.1:8000/v1"
    return "check `params:`, `temperature:` and `max_output_tokens:` in the profile"
