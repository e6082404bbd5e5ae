"""Single calls over each provider's wire: cut and thoughtful replies, usage and price, and what its errors mean."""

from typing import Any

import pytest
from support.anthropic_server import AnthropicServer
from support.gemini_server import GeminiServer
from support.model_server import ModelServer, Scripted, rate_limited
from support.ollama_server import OllamaServer
from support.openai_server import OpenAIServer
from support.requests import KEY, KEY_NAME, ask, spec_for

from rlm_cli.errors import (
    AuthenticationFailed,
    BadReply,
    CallTimedOut,
    ConnectionLost,
    EmptyReply,
    ModelError,
    PromptTooLarge,
    RateLimited,
    Refused,
    RequestRejected,
    ServerFailed,
    UnknownModel,
)
from rlm_cli.llm.catalogue import Catalogue
from rlm_cli.llm.litellm_client import LitellmClient, load
from rlm_cli.types import Message, ModelSpec, Price, Reply, Request

WIRES: dict[str, tuple[type[ModelServer], str]] = {
    "openai": (OpenAIServer, "openai/gpt-5-mini"),
    "anthropic": (AnthropicServer, "anthropic/claude-haiku-4-5"),
    "gemini": (GeminiServer, "gemini/gemini-2.5-flash"),
    "ollama": (OllamaServer, "ollama_chat/qwen3"),
}
ALL = pytest.mark.parametrize("name", WIRES)


@pytest.fixture(autouse=True)
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(KEY_NAME, KEY)


def call(name: str, reply: Scripted, **fields: Any) -> Reply:
    server_of, model = WIRES[name]
    with server_of(reply) as server:
        return LitellmClient().complete(ask(spec_for(server.url, model, **fields)))


def failure(name: str, reply: Scripted, timeout: float = 20.0) -> ModelError:
    """Return the error that a reply ends in, after checking that it was asked for once and reads like a message."""
    server_of, model = WIRES[name]
    with server_of(reply) as server:
        with pytest.raises(ModelError) as caught:
            LitellmClient().complete(ask(spec_for(server.url, model), timeout=timeout))
        assert len(server.paths) == 1
    said = f"{caught.value}\n{caught.value.hint}"
    assert said.count("\n") <= 3
    assert "Traceback" not in said
    assert "site-packages" not in said
    assert KEY not in said
    return caught.value


# --- replies ------------------------------------------------------------------------------------------------------


@ALL
def test_a_reply_cut_at_the_cap_is_marked(name: str) -> None:
    reply = call(name, Scripted("half a sen", finish_reason="length"))
    assert (reply.text, reply.truncated) == ("half a sen", True)


@ALL
def test_thoughts_are_paid_for_and_no_part_of_the_text(name: str) -> None:
    reply = call(name, Scripted("the text", thinking="hm, hm", output_tokens=50, reasoning_tokens=40))
    assert (reply.text, reply.usage.output_tokens) == ("the text", 50)
    assert reply.usage.cost_usd == pytest.approx((10 * 1 + 50 * 10) / 1e6)


def test_thoughts_in_the_text_of_an_ollama_model_are_taken_out() -> None:
    assert call("ollama", Scripted("<think>hm, hm</think>the text")).text == "the text"


@ALL
def test_a_model_that_only_thought_is_no_answer(name: str) -> None:
    error = failure(name, Scripted("", thinking="hm", finish_reason="length", output_tokens=500, reasoning_tokens=500))
    assert isinstance(error, EmptyReply)
    assert error.truncated
    assert error.usage is not None
    assert error.usage.output_tokens == 500


@pytest.mark.parametrize("name", ["openai", "anthropic", "gemini"])
def test_what_was_read_from_a_cache_is_part_of_the_input_and_costs_less(name: str) -> None:
    scripted = Scripted("hi", input_tokens=1000, cached_tokens=600, output_tokens=0)
    usage = call(name, scripted, price=Price(1.0, 10.0, 0.1)).usage
    assert (usage.input_tokens, usage.cached_input_tokens) == (1000, 600)
    assert usage.cost_usd == pytest.approx((400 * 1.0 + 600 * 0.1) / 1e6)


@pytest.mark.parametrize(("cache_write", "rate"), [(1.25, 1.25), (None, 1.0)])
def test_what_was_written_to_a_cache_costs_what_the_profile_says(cache_write: float | None, rate: float) -> None:
    scripted = Scripted("hi", input_tokens=1000, cached_tokens=200, cache_write_tokens=600, output_tokens=0)
    usage = call("anthropic", scripted, price=Price(1.0, 10.0, 0.1, cache_write)).usage
    assert (usage.input_tokens, usage.cached_input_tokens) == (1000, 200)
    assert usage.cost_usd == pytest.approx((200 * 1.0 + 200 * 0.1 + 600 * rate) / 1e6)


@pytest.mark.parametrize(
    ("model", "base", "cost"),
    [
        ("together_ai/deepseek-ai/DeepSeek-V3", "/v1", (1000 * 1.25 + 100 * 1.25) / 1e6),
        ("deepseek/deepseek-chat", "/beta", (600 * 0.28 + 400 * 0.028 + 100 * 0.42) / 1e6),
        ("mistral/mistral-large-latest", "/v1", (600 * 0.5 + 400 * 0.05 + 100 * 1.5) / 1e6),
    ],
)
def test_other_providers_speak_openais_wire_at_their_own_prices(model: str, base: str, cost: float) -> None:
    cached = 0 if model.startswith("together") else 400
    price = Catalogue(load).price(ModelSpec(model))
    scripted = Scripted("hi", input_tokens=1000, cached_tokens=cached, output_tokens=100, reasoning_tokens=30)
    with OpenAIServer(scripted) as server:
        url = server.url.removesuffix("/v1") + base
        reply = LitellmClient().complete(ask(spec_for(url, model, price=price)))
    assert server.paths == [f"{base}/chat/completions"]
    assert server.keys == [KEY]
    assert server.requests[0]["model"] == model.partition("/")[2]
    assert reply.usage.cost_usd == pytest.approx(cost, rel=1e-9)
    usage = load().Usage(
        prompt_tokens=1000, completion_tokens=100, prompt_tokens_details={"cached_tokens": cached} if cached else None
    )
    assert reply.usage.cost_usd == pytest.approx(sum(load().cost_per_token(model=model, usage_object=usage)), rel=1e-9)


@pytest.mark.parametrize(("model", "marked"), [("anthropic/claude-opus-4.5", True), ("qwen/qwen3-max", False)])
def test_a_claude_behind_openrouter_is_marked_and_others_are_not(model: str, marked: bool) -> None:
    with OpenAIServer("hi") as server:
        messages = (Message("system", "be brief"), Message("user", "hello"))
        spec = spec_for(server.url, f"openrouter/{model}")
        LitellmClient().complete(Request("root", spec, messages, 20))
        LitellmClient().complete(Request("sub", spec, messages, 20))
    root, sub = server.requests
    assert ("cache_control" in str(root)) is marked
    assert "cache_control" not in str(sub)
    assert server.asked[0]["messages"] == server.asked[1]["messages"]


def test_a_model_of_ollamas_is_asked_for_the_reply_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    with OllamaServer("hi") as other, OllamaServer("hi") as server:
        monkeypatch.setenv("OLLAMA_API_BASE", other.url)
        LitellmClient().complete(ask(spec_for(server.url, "ollama_chat/never-heard-of:1b")))
    assert server.paths == ["/api/chat"]
    assert other.paths == []


# --- refusals -----------------------------------------------------------------------------------------------------


@ALL
def test_a_filtered_reply_is_refused_and_paid_for_its_thoughts_included(name: str) -> None:
    error = failure(
        name, Scripted("I w", finish_reason="content_filter", input_tokens=100, output_tokens=70, reasoning_tokens=60)
    )
    assert isinstance(error, Refused)
    assert error.exit_code == 3
    assert "content filter" in str(error)
    assert error.usage is not None
    assert (error.usage.input_tokens, error.usage.output_tokens) == (100, 70)
    assert error.usage.cost_usd == pytest.approx((100 * 1 + 70 * 10) / 1e6)


@pytest.mark.parametrize("reply", [Scripted(refusal="SAFETY"), Scripted(refusal="OTHER", with_usage=False)])
def test_a_prompt_that_gemini_blocks_is_refused(reply: Scripted) -> None:
    assert isinstance(failure("gemini", reply), Refused)


# --- errors -------------------------------------------------------------------------------------------------------


@ALL
@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, RequestRejected),
        (401, AuthenticationFailed),
        (403, AuthenticationFailed),
        (404, UnknownModel),
        (413, PromptTooLarge),
        (500, ServerFailed),
        (503, ServerFailed),
        (529, ServerFailed),
    ],
)
def test_statuses_mean_the_same_on_every_wire(name: str, status: int, kind: type[ModelError]) -> None:
    error = failure(name, Scripted(status=status, error={"message": "the server's words"}))
    assert type(error) is kind
    if kind is AuthenticationFailed:
        assert KEY_NAME in str(error)
    else:
        assert str(error).endswith(": the server's words")


@ALL
def test_a_rate_limit_carries_the_servers_wish(name: str) -> None:
    error = failure(name, rate_limited(7))
    assert isinstance(error, RateLimited)
    assert error.retry_after == 7


def test_gemini_says_in_the_body_how_long_to_wait() -> None:
    wish = {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "31s"}
    error = failure("gemini", Scripted(status=429, error={"message": "Resource exhausted", "details": [wish]}))
    assert isinstance(error, RateLimited)
    assert error.retry_after == 31


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("openai", "This model's maximum context length is 272000 tokens. However, your messages resulted in 300000."),
        ("anthropic", "prompt is too long: 210000 tokens > 200000 maximum"),
        ("anthropic", "input length and `max_tokens` exceed context limit: 190000 + 20000 > 200000"),
        ("gemini", "The input token count (1200000) exceeds the maximum number of tokens allowed (1048576)."),
    ],
)
def test_a_prompt_beyond_the_window_is_told_apart(name: str, message: str) -> None:
    error = failure(name, Scripted(status=400, error={"message": message}))
    assert isinstance(error, PromptTooLarge)
    assert message in str(error)


def test_a_key_that_gemini_does_not_know_is_a_400() -> None:
    reason = {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "API_KEY_INVALID"}
    message = "API key not valid. Please pass a valid API key."
    error = failure("gemini", Scripted(status=400, error={"message": message, "details": [reason]}))
    assert isinstance(error, AuthenticationFailed)


def test_an_account_without_credit_is_told_apart() -> None:
    message = "Your credit balance is too low to access the Anthropic API."
    error = failure("anthropic", Scripted(status=400, error={"message": message}))
    assert isinstance(error, RequestRejected)
    assert "credit" in (error.hint or "")


def test_a_model_that_ollama_has_not_pulled_is_named_with_what_to_type() -> None:
    message = 'model "qwen3" not found, try pulling it first'
    error = failure("ollama", Scripted(status=404, error={"message": message}))
    assert isinstance(error, UnknownModel)
    assert (error.hint or "").startswith("ollama pull qwen3")


@ALL
@pytest.mark.parametrize("raw", ["<html><body>Welcome!</body></html>", "", "{}", "[]", "{bad json"])
def test_a_body_that_is_no_reply_is_no_answer_and_no_traceback(name: str, raw: str) -> None:
    error = failure(name, Scripted(raw=raw))
    assert isinstance(error, BadReply)
    assert not isinstance(error, EmptyReply)
    assert "api_base" in (error.hint or "")


@ALL
@pytest.mark.parametrize("reply", [Scripted("a long reply " * 50, cut=True), Scripted(drop=True)])
def test_a_connection_that_breaks_off_may_be_tried_again(name: str, reply: Scripted) -> None:
    error = failure(name, reply)
    assert isinstance(error, ConnectionLost)
    assert error.retryable
    assert not error.outcome_known


@ALL
def test_a_slow_server_times_out(name: str) -> None:
    error = failure(name, Scripted("too late", delay=30), timeout=0.4)
    assert isinstance(error, CallTimedOut)
    assert "0.4 s" in str(error)
