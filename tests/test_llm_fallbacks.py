"""Fallbacks: who is asked, for how long, what is left alone afterwards, and that the account and the user are told."""

from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from support.command import rlm
from support.events import check_events
from support.openai_server import OpenAIServer, Scripted
from support.requests import ask

from rlm_cli.budget import Budget
from rlm_cli.errors import (
    AuthenticationFailed,
    CallTimedOut,
    ModelError,
    PromptTooLarge,
    RateLimited,
    Refused,
    RequestRejected,
    ServerFailed,
    UnknownModel,
    Unreachable,
)
from rlm_cli.llm.fallbacks import REST_SECONDS, FallingBack
from rlm_cli.types import Limits, ModelSpec, Price, Reply, Request, Usage

SECOND = ModelSpec("openai/second")
THIRD = ModelSpec("openai/third", timeout=7.0)
SPEC = ModelSpec("openai/first", fallbacks=(SECOND, THIRD))
USED = Usage(calls=1, input_tokens=3, output_tokens=1, cost_usd=0.5)


class Models:
    """A client whose models do as `failing` says, by name; every call takes ten seconds."""

    def __init__(self, **failing: ModelError) -> None:
        self.failing = failing
        self.asked: list[Request] = []
        self.now = 0.0

    def complete(self, request: Request) -> Reply:
        self.asked.append(request)
        self.now += 10.0
        name = request.spec.model.removeprefix("openai/")
        if name in self.failing:
            raise self.failing[name]
        return Reply(f"from {name}", USED)

    def recall(self, request: Request) -> Reply | None:
        return Reply("known", Usage()) if request.messages[0].text == "known" else None

    def close(self) -> None:
        """Nothing to give up."""

    @property
    def names(self) -> list[str]:
        return [request.spec.model.removeprefix("openai/") for request in self.asked]


def falling_back(models: Models) -> FallingBack:
    return FallingBack(models, clock=lambda: models.now)


def test_a_model_that_answers_needs_no_fallback() -> None:
    models = Models()
    reply = falling_back(models).complete(ask(SPEC))
    assert (reply.text, reply.model, models.names) == ("from first", None, ["first"])
    assert models.asked[0].spec.fallbacks == ()


def test_a_model_that_was_not_asked_does_not_hide_one_whose_end_nobody_knows() -> None:
    models = Models(
        first=CallTimedOut("no place", usage=Usage()), second=CallTimedOut("late"), third=CallTimedOut("late")
    )
    with pytest.raises(CallTimedOut) as caught:
        falling_back(models).complete(ask(SPEC))
    assert caught.value.usage == Usage()  # so nothing is unknown of this error but what it has lost
    assert (caught.value.unknown, caught.value.lost) == (False, 2)


def test_another_model_after_one_that_may_be_billed_needs_leave() -> None:
    models = Models(first=CallTimedOut("late"), second=ServerFailed("down"))
    with pytest.raises(CallTimedOut, match="late"):
        falling_back(models).complete(replace(ask(SPEC), again=lambda: False))
    assert models.names == ["first"]


def test_without_fallbacks_the_request_goes_through_as_it_is() -> None:
    models = Models()
    request = ask(SECOND)
    falling_back(models).complete(request)
    assert models.asked == [request]


@pytest.mark.parametrize("kind", [RateLimited, ServerFailed, Unreachable, CallTimedOut])
def test_a_model_that_is_out_of_reach_is_replaced_by_the_next(kind: type[ModelError]) -> None:
    models = Models(first=kind("down"), second=kind("down"))
    reply = falling_back(models).complete(ask(SPEC))
    assert (reply.text, reply.model) == ("from third", "openai/third")
    assert models.names == ["first", "second", "third"]
    assert reply.lost == (2 if kind is CallTimedOut else 0)


@pytest.mark.parametrize("kind", [Refused, RequestRejected, PromptTooLarge, AuthenticationFailed, UnknownModel])
def test_a_failure_that_is_no_outage_stays_one(kind: type[ModelError]) -> None:
    models = Models(first=kind("no"))
    with pytest.raises(kind, match=r"^no$"):
        falling_back(models).complete(ask(SPEC))
    assert models.names == ["first"]


def test_the_time_of_a_call_is_shared_among_the_models_left() -> None:
    models = Models(first=ServerFailed("down"), second=ServerFailed("down"))
    falling_back(models).complete(ask(SPEC, timeout=120.0))
    assert [request.timeout for request in models.asked] == [40.0, 55.0, 7.0]


def test_a_model_that_failed_is_left_alone_for_a_while_by_all_calls() -> None:
    models = Models(first=ServerFailed("down"))
    client = falling_back(models)
    for _ in range(3):
        client.complete(ask(SPEC))
    assert models.names == ["first", "second", "second", "second"]
    models.now += REST_SECONDS
    models.failing.clear()
    assert client.complete(ask(SPEC)).model is None


def test_when_all_fail_the_error_tells_of_all_and_the_resting_ones_were_tried_too() -> None:
    models = Models(first=ServerFailed("one down"), second=CallTimedOut("two late"), third=RateLimited("three busy"))
    client = falling_back(models)
    for _ in range(2):
        with pytest.raises(ModelError) as failure:
            client.complete(ask(SPEC))
        assert all(each in str(failure.value) for each in ("one down", "two late", "three busy"))
    assert isinstance(failure.value, CallTimedOut | ServerFailed | RateLimited)
    assert sorted(models.names) == ["first", "first", "second", "second", "third", "third"]
    assert failure.value.lost + (not failure.value.outcome_known) == 1


def test_another_model_is_asked_in_place_of_a_call_that_may_be_billed_only_with_leave() -> None:
    models = Models(first=CallTimedOut("late"))
    with pytest.raises(CallTimedOut):
        falling_back(models).complete(replace(ask(SPEC), again=lambda: False))
    assert models.names == ["first"]
    models = Models(first=ServerFailed("down"))
    assert falling_back(models).complete(replace(ask(SPEC), again=lambda: False)).text == "from second"


def test_what_a_failed_attempt_was_billed_is_in_the_replys_usage() -> None:
    models = Models(first=ServerFailed("billed all the same", usage=USED))
    assert falling_back(models).complete(ask(SPEC)).usage == USED + USED


def test_a_fallback_whose_window_is_too_small_is_not_asked() -> None:
    small = ModelSpec("openai/second", context_window=8050)
    models = Models(first=ServerFailed("down"))
    spec = ModelSpec("openai/first", fallbacks=(small, THIRD))
    assert falling_back(models).complete(ask(spec, "word " * 100)).model == "openai/third"
    models.now += REST_SECONDS
    assert falling_back(models).complete(ask(spec, "word")).model == "openai/second"


def test_the_memory_is_asked_as_before() -> None:
    assert falling_back(Models()).recall(ask(SPEC, "known")) is not None


def test_the_budget_reserves_what_the_dearest_of_the_models_may_cost() -> None:
    dear = ModelSpec("openai/dear", price=Price(10.0, 100.0), max_output_tokens=1000)
    cheap = ModelSpec("openai/cheap", price=Price(1.0, 10.0), max_output_tokens=1000)
    budget = Budget(Limits())
    alone = budget.worst_case(dear, ask(dear).messages)
    spec = ModelSpec("openai/cheap", price=Price(1.0, 10.0), max_output_tokens=1000, fallbacks=(dear,))
    assert budget.worst_case(spec, ask(spec).messages) == alone
    assert budget.worst_case(cheap, ask(cheap).messages).cost_usd < alone.cost_usd


def test_a_run_goes_on_with_the_fallback_and_says_so(tmp_path: Path, text: str) -> None:
    down = Scripted(status=500)
    code = 'print(llm_query("who pays?"))\nFINAL("the tenant")'
    with OpenAIServer(down) as broken, OpenAIServer([f"```repl\n{code}\n```", "the tenant pays"]) as sound:
        base = {
            "api_key_env": "LOOPBACK_KEY",
            "timeout": 6,
            "price": {"input": 1, "output": 10},
        }
        spare = {"model": "openai/spare", "api_base": sound.url, **base, "price": {"input": 2, "output": 20}}
        first = {"model": "openai/first", "api_base": broken.url, **base, "fallbacks": [spare]}
        path = tmp_path / "p.yaml"
        path.write_text(yaml.safe_dump({"strategy": "rlm", "root": first, "sub": first}))
        events = tmp_path / "events.jsonl"
        ran = rlm("analyze", text, "who pays?", "-p", str(path), "-f", "json", "--events", str(events))
    assert ran.code == 0, ran.err
    result = ran.json()
    assert result["answer"] == "the tenant"
    assert result["warnings"] == ["openai/first failed, openai/spare stood in for it"]
    # Two calls of 10 tokens in and 5 out, at the fallback's price.
    assert result["usage"]["total"]["cost_usd"] == pytest.approx(2 * (10 * 2 + 5 * 20) / 1e6)
    lines = [yaml.safe_load(line) for line in events.read_text().splitlines()]
    check_events(lines, result)
    answered = [each["model"] for each in lines if each["type"] in ("model_replied", "subcall_finished")]
    assert answered == ["openai/spare"] * 2
    said = [line for line in ran.err.splitlines() if ", openai/spare in place of openai/first" in line]
    assert [" root replied " in line or " sub-call done, " in line for line in said] == [True, True]
    shown = rlm("runs", "show", result["run_id"]).out
    assert "! answered by openai/spare" in shown
    assert "! sub-calls answered by openai/spare" in shown
    assert sound.keys == ["sk-loopback-0123456789abcdef"] * 2


def test_a_fallback_of_unknown_price_is_refused_under_a_cap_like_any_other_model(tmp_path: Path, text: str) -> None:
    base = {"api_base": "http://127.0.0.1:9/v1", "price": {"input": 1, "output": 10}}
    path = tmp_path / "p.yaml"
    root = {"model": "openai/first", **base, "fallbacks": [{"model": "openai/second", "api_key_env": "LOOPBACK_KEY"}]}
    path.write_text(yaml.safe_dump({"strategy": "rlm", "root": root, "sub": {"model": "openai/sub", **base}}))
    ran = rlm("analyze", text, "who pays?", "-p", str(path))
    assert ran.code == 2
    assert "the price of openai/second is unknown" in ran.err
    assert "under root.fallbacks" in ran.err


def test_a_fallback_takes_no_time_from_the_model_it_stands_in_for(tmp_path: Path, text: str) -> None:
    with OpenAIServer(Scripted("FINAL(late but there)", delay=2.5)) as slow:
        base = {"api_base": slow.url, "api_key_env": "LOOPBACK_KEY", "price": {"input": 1, "output": 10}}
        spare = {"model": "openai/spare", "timeout": 4, **base}
        path = tmp_path / "p.yaml"
        root = {"model": "openai/first", "timeout": 4, **base, "fallbacks": [spare]}
        path.write_text(yaml.safe_dump({"strategy": "rlm", "root": root, "sub": {"model": "openai/sub", **base}}))
        ran = rlm("analyze", text, "who pays?", "-p", str(path), "-f", "json")
    result = ran.json()
    assert (result["answer"], result["warnings"]) == ("late but there", [])
    assert [body["model"] for body in slow.requests] == ["first"]
