"""Calls through the real litellm to a real server on loopback: what goes out, what comes back, what it costs."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from textwrap import dedent

import pytest
from support.openai_server import OpenAIServer, Scripted, rate_limited, unknown_model, wrong_key
from support.requests import KEY, KEY_NAME, ask, spec_for

from rlm_cli.errors import (
    AuthenticationFailed,
    BadReply,
    CallTimedOut,
    EmptyReply,
    ModelError,
    PromptTooLarge,
    RateLimited,
    Refused,
    RequestRejected,
    ServerFailed,
    UnknownModel,
    Unreachable,
)
from rlm_cli.llm.catalogue import Catalogue
from rlm_cli.llm.litellm_client import NO_KEY, LitellmClient, load
from rlm_cli.types import Message, ModelSpec, Price, Request


@pytest.fixture(autouse=True)
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(KEY_NAME, KEY)


def failure(reply: Scripted, timeout: float = 20.0) -> ModelError:
    """Return the error that one scripted answer ends in, after checking that it was asked for once only."""
    with OpenAIServer(reply) as server:
        with pytest.raises(ModelError) as caught:
            LitellmClient().complete(ask(spec_for(server.url), timeout=timeout))
        assert len(server.requests) == 1
    assert str(caught.value).count("\n") < 3
    return caught.value


# --- what goes out ------------------------------------------------------------------------------------------------


def test_a_request_carries_its_messages_the_cap_and_nothing_that_was_not_asked_for() -> None:
    with OpenAIServer("hi") as server:
        spec = spec_for(server.url, max_output_tokens=77)
        messages = (Message("system", "be brief"), Message("user", "hello \x00 ünï"))
        LitellmClient().complete(Request("root", spec, messages, 20))
    assert server.requests == [
        {
            "model": "gpt-4o",
            "messages": [
                {"role": "system", "content": "be brief"},
                {"role": "user", "content": "hello \x00 ünï"},
            ],
            "max_tokens": 77,
        }
    ]
    assert server.keys == [KEY]


def test_temperature_and_params_are_passed_on() -> None:
    with OpenAIServer("hi") as server:
        LitellmClient().complete(ask(spec_for(server.url, temperature=0.0, params={"seed": 7})))
    assert server.requests[0]["temperature"] == 0.0
    assert server.requests[0]["seed"] == 7


def test_params_cannot_raise_the_output_cap_that_the_budget_reserves() -> None:
    with OpenAIServer("hi") as server:
        LitellmClient().complete(ask(spec_for(server.url, max_output_tokens=50, params={"max_tokens": 9999})))
    assert server.requests[0]["max_tokens"] == 50


def test_newer_openai_models_get_the_cap_under_the_name_they_want() -> None:
    with OpenAIServer("hi") as server:
        LitellmClient().complete(ask(spec_for(server.url, "openai/gpt-5.2", max_output_tokens=60)))
    assert server.requests[0]["max_completion_tokens"] == 60
    assert "max_tokens" not in server.requests[0]


def test_a_local_server_needs_no_key_and_is_not_given_one_meant_for_a_provider(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-the-real-one-0123456789")
    with OpenAIServer("hi") as server:
        LitellmClient().complete(ask(spec_for(server.url, api_key_env=None)))
    assert server.keys == [NO_KEY]


def test_calls_share_connections_although_each_has_less_time_left() -> None:
    with OpenAIServer("hi") as server:
        client = LitellmClient()
        for seconds in range(20, 10, -1):
            client.complete(ask(spec_for(server.url), timeout=seconds + 0.25))
        assert server.connections <= 2


def test_many_threads_may_call_at_once() -> None:
    with OpenAIServer(lambda body: str(body["messages"][0]["content"]).upper()) as server:
        client, spec = LitellmClient(), spec_for(server.url)
        with ThreadPoolExecutor(16) as pool:
            replies = list(pool.map(lambda n: client.complete(ask(spec, f"prompt {n}")).text, range(64)))
    assert replies == [f"PROMPT {n}" for n in range(64)]


# --- usage and cost -----------------------------------------------------------------------------------------------


def test_usage_is_what_the_provider_reports_and_costs_what_the_profile_says() -> None:
    scripted = Scripted("hi", input_tokens=1000, cached_tokens=400, output_tokens=50, reasoning_tokens=30)
    with OpenAIServer(scripted) as server:
        reply = LitellmClient().complete(ask(spec_for(server.url, price=Price(2.0, 10.0, 0.5))))
    usage = reply.usage
    assert (usage.calls, usage.input_tokens, usage.cached_input_tokens, usage.output_tokens) == (1, 1000, 400, 50)
    assert usage.cost_usd == pytest.approx((600 * 2.0 + 400 * 0.5 + 50 * 10.0) / 1e6)
    assert reply.text == "hi"
    assert not reply.truncated


def test_the_profiles_price_wins_over_litellms() -> None:
    with OpenAIServer(Scripted("hi", input_tokens=1_000_000, output_tokens=0)) as server:
        reply = LitellmClient().complete(ask(spec_for(server.url, price=Price(123.0, 0.0))))
    assert reply.usage.cost_usd == pytest.approx(123.0)


def test_cached_input_costs_the_full_price_where_the_profile_names_none() -> None:
    with OpenAIServer(Scripted("hi", input_tokens=1000, cached_tokens=1000, output_tokens=0)) as server:
        reply = LitellmClient().complete(ask(spec_for(server.url, price=Price(2.0, 10.0))))
    assert reply.usage.cost_usd == pytest.approx(0.002)


def test_an_unknown_price_is_unknown_and_not_free() -> None:
    with OpenAIServer("hi") as server:
        reply = LitellmClient().complete(ask(spec_for(server.url, "openai/my-own", price=None)))
    assert reply.usage.cost_usd is None


@pytest.mark.parametrize("model", ["gpt-5.2", "gpt-5-mini", "gpt-4o", "gpt-4o-mini", "gpt-4.1", "o3"])
@pytest.mark.parametrize("cached", [0, 700])
def test_costs_equal_litellms_own_figure(model: str, cached: int) -> None:
    price = Catalogue(load).price(ModelSpec(f"openai/{model}"))
    assert price is not None
    scripted = Scripted("hi", input_tokens=1234, cached_tokens=cached, output_tokens=567, reasoning_tokens=100)
    with OpenAIServer(scripted) as server:
        reply = LitellmClient().complete(ask(spec_for(server.url, f"openai/{model}", price=price)))
    given, taken = load().cost_per_token(
        model=f"openai/{model}",
        prompt_tokens=1234,
        completion_tokens=567,
        cache_read_input_tokens=cached,
        usage_object=load().Usage(
            prompt_tokens=1234,
            completion_tokens=567,
            prompt_tokens_details={"cached_tokens": cached},
        ),
    )
    assert reply.usage.cost_usd == pytest.approx(given + taken, rel=1e-9)
    # And the three numbers of the price, which the budget reserves by, say the same.
    cached_price = price.input if price.cached_input is None else price.cached_input
    by_hand = ((1234 - cached) * price.input + cached * cached_price + 567 * price.output) / 1e6
    assert reply.usage.cost_usd == pytest.approx(by_hand, rel=1e-9)


def test_long_prompts_cost_what_litellms_table_says_for_long_prompts() -> None:
    model = "openai/gpt-5.4"
    row = load().model_cost["gpt-5.4"]
    price = Catalogue(load).price(ModelSpec(model))
    with OpenAIServer(Scripted("hi", input_tokens=300_000, output_tokens=0)) as server:
        reply = LitellmClient().complete(ask(spec_for(server.url, model, price=price)))
    assert row["input_cost_per_token_above_272k_tokens"] > row["input_cost_per_token"]
    assert reply.usage.cost_usd == pytest.approx(300_000 * row["input_cost_per_token_above_272k_tokens"])


def test_a_server_that_reports_no_usage_is_counted_for() -> None:
    with OpenAIServer(Scripted("one two three", with_usage=False)) as server:
        reply = LitellmClient().complete(ask(spec_for(server.url), "word " * 1000))
    assert 1000 <= reply.usage.input_tokens <= 1010
    assert reply.usage.output_tokens == 3
    assert reply.usage.cost_usd == pytest.approx((reply.usage.input_tokens * 1.0 + 30) / 1e6)


# --- replies that are none ----------------------------------------------------------------------------------------


def test_a_reply_cut_at_the_cap_is_marked() -> None:
    with OpenAIServer(Scripted("half a sen", finish_reason="length")) as server:
        reply = LitellmClient().complete(ask(spec_for(server.url)))
    assert reply.truncated
    assert reply.text == "half a sen"


@pytest.mark.parametrize("text", ["", None, " \n\t"])
def test_an_empty_reply_is_an_error_that_tells_what_was_paid(text: str | None) -> None:
    error = failure(Scripted(text, input_tokens=100, output_tokens=7))
    assert isinstance(error, EmptyReply)
    assert error.usage is not None
    assert (error.usage.calls, error.usage.input_tokens, error.usage.output_tokens) == (1, 100, 7)
    assert error.usage.cost_usd == pytest.approx(170 / 1e6)


def test_a_reply_that_was_all_reasoning_says_so_and_what_to_do() -> None:
    error = failure(Scripted("", finish_reason="length", output_tokens=8000, reasoning_tokens=8000))
    assert isinstance(error, BadReply)
    assert "8,000 output tokens" in str(error)
    assert "max_output_tokens" in (error.hint or "")
    assert error.usage is not None


@pytest.mark.parametrize(
    "reply",
    [
        Scripted("", finish_reason="content_filter"),
        Scripted("partly", finish_reason="content_filter"),
        Scripted(None, refusal="I cannot help with that"),
    ],
)
def test_a_refusal_is_no_answer(reply: Scripted) -> None:
    error = failure(reply)
    assert isinstance(error, Refused)
    assert error.usage is not None
    assert error.exit_code == 3
    if reply.refusal:
        assert "I cannot help with that" in str(error)


# --- failures -----------------------------------------------------------------------------------------------------


def test_a_wrong_key_names_its_variable_and_never_the_key() -> None:
    error = failure(wrong_key("sk-te*******cdef"))
    assert isinstance(error, AuthenticationFailed)
    assert KEY_NAME in str(error)
    assert KEY_NAME in (error.hint or "")
    assert "sk-te" not in str(error) + (error.hint or "")
    assert error.exit_code == 4


def test_a_forbidden_call_is_about_the_key_too() -> None:
    assert isinstance(failure(Scripted(status=403)), AuthenticationFailed)


def test_an_unknown_model_is_named() -> None:
    error = failure(unknown_model("gpt-4o"))
    assert isinstance(error, UnknownModel)
    assert "openai/gpt-4o" in str(error)
    assert "model:" in (error.hint or "")


def test_an_unreachable_server_is_named_by_its_address() -> None:
    with OpenAIServer() as server:
        url = server.url
    with pytest.raises(Unreachable) as caught:
        LitellmClient().complete(ask(spec_for(url)))
    assert url in str(caught.value)
    assert "nothing listens there" in str(caught.value)
    assert "api_base" in (caught.value.hint or "")


def test_an_address_that_is_no_url_is_rejected_and_not_tried_again() -> None:
    with pytest.raises(RequestRejected) as caught:
        LitellmClient().complete(ask(spec_for("my-server")))
    assert "http://" in (caught.value.hint or "")


@pytest.mark.parametrize(("wish", "seconds"), [(7.0, 7.0), (0.5, 0.5), (None, None)])
def test_a_rate_limit_carries_the_servers_wish(wish: float | None, seconds: float | None) -> None:
    error = failure(rate_limited(wish))
    assert isinstance(error, RateLimited)
    assert error.retry_after == seconds


def test_a_rate_limits_date_is_understood() -> None:
    error = failure(Scripted(status=429, headers={"Retry-After": "Fri, 01 Jan 2100 00:00:00 GMT"}))
    assert error.retry_after is not None
    assert error.retry_after > 1e9


def test_an_account_without_credit_is_not_tried_again() -> None:
    quota = {"message": "You exceeded your current quota", "code": "insufficient_quota"}
    error = failure(Scripted(status=429, error=quota))
    assert isinstance(error, RequestRejected)
    assert not error.retryable
    assert "credit" in (error.hint or "")


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, RequestRejected),
        (402, RequestRejected),
        (413, PromptTooLarge),
        (418, RequestRejected),
        (422, RequestRejected),
        (500, ServerFailed),
        (502, ServerFailed),
        (503, ServerFailed),
        (529, ServerFailed),
    ],
)
def test_statuses_mean_what_they_say(status: int, kind: type[ModelError]) -> None:
    error = failure(Scripted(status=status, error={"message": "the server's words"}))
    assert type(error) is kind
    assert "the server's words" in str(error)


def test_a_prompt_beyond_the_window_is_told_apart() -> None:
    error = failure(
        Scripted(status=400, error={"message": "maximum context length is 10", "code": "context_length_exceeded"})
    )
    assert isinstance(error, PromptTooLarge)


def test_a_prompt_that_the_filter_stops_is_a_refusal() -> None:
    error = failure(Scripted(status=400, error={"message": "filtered", "code": "content_filter"}))
    assert isinstance(error, Refused)


def test_a_web_page_for_a_reply_points_at_the_address() -> None:
    error = failure(Scripted(raw="<html><head></head><body>Welcome to nginx!</body></html>"))
    assert isinstance(error, BadReply)
    assert "web page" in str(error)
    assert "<" not in str(error)
    assert "/v1" in (error.hint or "")


def test_a_web_page_from_a_failing_proxy_is_shown_as_text() -> None:
    error = failure(Scripted(status=502, raw="<html><body><h1>502 Bad Gateway</h1></body></html>"))
    assert isinstance(error, ServerFailed)
    assert "<" not in str(error)


@pytest.mark.parametrize("raw", ["{bad json", "", "[]", "{}", '"text"', '{"choices": []}'])
def test_a_body_that_is_no_chat_reply_is_no_answer_and_no_traceback(raw: str) -> None:
    error = failure(Scripted(raw=raw))
    assert isinstance(error, BadReply)
    assert not isinstance(error, EmptyReply)


@pytest.mark.parametrize("reply", [Scripted("a long reply " * 50, cut=True), Scripted(drop=True)])
def test_a_connection_that_breaks_off_may_be_tried_again(reply: Scripted) -> None:
    error = failure(reply)
    assert isinstance(error, Unreachable)
    assert "closed before" in str(error)


def test_a_slow_server_times_out() -> None:
    error = failure(Scripted("too late", delay=30), timeout=0.4)
    assert isinstance(error, CallTimedOut)
    assert "0.4 s" in str(error)


# --- manners ------------------------------------------------------------------------------------------------------


def test_nothing_is_printed_whatever_happens(capfd: pytest.CaptureFixture[str]) -> None:
    failure(wrong_key("sk-x"))
    failure(Scripted(status=500))
    failure(Scripted(raw="<html>"))
    with OpenAIServer("hi") as server:
        LitellmClient().complete(ask(spec_for(server.url, "openai/no-such-model-in-the-table")))
    assert capfd.readouterr() == ("", "")


def test_an_open_call_does_not_keep_the_program_from_ending() -> None:
    root = Path(__file__).parent.parent
    script = dedent(
        f"""
        import os, sys, threading
        sys.path[:0] = [{str(root)!r}, {str(root / "tests")!r}]
        from support.openai_server import OpenAIServer, Scripted
        from support.requests import ask, spec_for
        from rlm_cli.llm.litellm_client import LitellmClient
        os.environ["TEST_MODEL_KEY"] = "x" * 20
        arrived = threading.Event()

        def slow(body):
            if body["messages"][0]["content"] == "slow":
                arrived.set()
                return Scripted("late", delay=500)
            return "quick"

        server = OpenAIServer(slow).__enter__()
        client, spec = LitellmClient(), spec_for(server.url)
        client.complete(ask(spec, "quick"))
        threading.Thread(target=lambda: client.complete(ask(spec, "slow", timeout=400)), daemon=True).start()
        arrived.wait(60)
        raise KeyboardInterrupt
        """
    )
    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=120, check=False)
    assert ended.stderr.strip().endswith("KeyboardInterrupt"), ended.stderr
