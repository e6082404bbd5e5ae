"""The width limit and the memory around a client whose answers are a list, and all layers together over the wire."""

import threading

import pytest
from support.listed import GOOD, SPEC, Listed, Time
from support.openai_server import OpenAIServer, Scripted
from support.requests import KEY, KEY_NAME, ask, spec_for

from rlm_cli.errors import CallAbandoned, CallTimedOut, ServerFailed
from rlm_cli.llm import open_client
from rlm_cli.llm.layers import Remembering, Throttled
from rlm_cli.llm.retrying import Retrying
from rlm_cli.types import Limits, ModelSpec, Profile, Reply, Request, Usage

# --- width --------------------------------------------------------------------------------------------------------


def test_no_more_calls_than_the_width_are_made_at_once() -> None:
    together = threading.Barrier(3)  # passes only when exactly three calls are inside
    inner = Listed(GOOD, during=lambda _: together.wait(20))
    client = Throttled(inner, 3)
    threads = [threading.Thread(target=client.complete, args=(ask(SPEC, str(n)),)) for n in range(9)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len(inner.asked) == 9
    assert together.n_waiting == 0
    assert not together.broken


def test_a_call_beyond_the_width_waits_and_then_says_that_it_was_never_sent() -> None:
    entered, leave = threading.Event(), threading.Event()

    def stay(_: Request) -> None:
        entered.set()
        leave.wait(20)

    inner = Listed(GOOD, during=stay)
    client = Throttled(inner, 1)
    holder = threading.Thread(target=client.complete, args=(ask(SPEC, "holder"),))
    holder.start()
    assert entered.wait(20)
    with pytest.raises(CallTimedOut, match="was not asked") as caught:
        client.complete(ask(SPEC, "late", timeout=0.02))
    leave.set()
    holder.join(20)
    assert caught.value.usage == Usage()
    assert [request.messages[0].text for request in inner.asked] == ["holder"]


def test_a_failed_call_gives_its_place_back() -> None:
    client = Throttled(Listed(ServerFailed("busy"), GOOD), 1)
    with pytest.raises(ServerFailed):
        client.complete(ask(SPEC))
    assert client.complete(ask(SPEC)) == GOOD


def test_a_place_is_free_while_a_call_waits_to_be_tried_again() -> None:
    time, inner = Time(), Listed(ServerFailed("busy"), GOOD)
    throttled = Throttled(inner, 1)
    others: list[Reply] = []

    def wait(condition: threading.Condition, seconds: float) -> None:
        others.append(throttled.complete(ask(SPEC, "other", timeout=5)))
        time.wait(condition, seconds)

    client = Retrying(throttled, time.clock, wait)
    assert client.complete(ask(SPEC)) == GOOD
    assert others == [GOOD]


# --- memory -------------------------------------------------------------------------------------------------------


def test_an_equal_prompt_is_remembered_and_costs_nothing() -> None:
    client = Remembering(Listed(GOOD))
    assert client.recall(ask(SPEC)) is None
    client.complete(ask(SPEC))
    remembered = client.recall(ask(SPEC, timeout=1))
    assert remembered == Reply("good", Usage(cached_calls=1), cached=True)
    assert client.recall(ask(SPEC, "another prompt")) is None
    assert client.recall(ask(ModelSpec("openai/other"))) is None


def test_a_truncated_reply_is_remembered_as_truncated() -> None:
    client = Remembering(Listed(Reply("half", Usage(calls=1), truncated=True)))
    client.complete(ask(SPEC))
    remembered = client.recall(ask(SPEC))
    assert remembered is not None
    assert remembered.truncated


def test_a_failure_is_not_remembered() -> None:
    client = Remembering(Listed(ServerFailed("busy"), GOOD))
    with pytest.raises(ServerFailed):
        client.complete(ask(SPEC))
    assert client.recall(ask(SPEC)) is None


# --- all of it over the wire --------------------------------------------------------------------------------------


def test_the_whole_client_recovers_remembers_and_keeps_to_the_width(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(KEY_NAME, KEY)
    seen: set[str] = set()

    def flaky(body: dict[str, object]) -> str | Scripted:
        prompt = str(body["messages"])
        if prompt in seen:
            return "fine"
        seen.add(prompt)
        return Scripted(status=500)

    with OpenAIServer(flaky) as server:
        spec = spec_for(server.url)
        client = open_client(Profile("test", "", spec, spec, Limits(concurrency=2)))
        threads = [threading.Thread(target=client.complete, args=(ask(spec, f"p{n}"),)) for n in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        assert len(server.requests) == 12
        assert server.widest <= 2
        recalled = client.recall(ask(spec, "p3"))
    assert recalled is not None
    assert recalled.text == "fine"


@pytest.mark.parametrize("model", ["offline/sub", "openai/any"])
def test_a_closed_client_makes_no_call(model: str) -> None:
    spec = ModelSpec(model, api_base="http://127.0.0.1:9/v1")
    client = open_client(Profile("test", "", spec, spec))
    client.close()
    with pytest.raises(CallAbandoned, match="the run is over"):
        client.complete(ask(spec))
    client.close()
