"""Trying again, the width limit and the memory, around a client whose answers are a list; time is the test's own."""

import threading
from collections.abc import Callable

import pytest
from support.openai_server import OpenAIServer, Scripted, rate_limited
from support.requests import KEY, KEY_NAME, ask, spec_for

from rlm_cli.errors import (
    AuthenticationFailed,
    CallTimedOut,
    ConnectionLost,
    ModelError,
    RateLimited,
    ServerFailed,
    Unreachable,
)
from rlm_cli.llm import open_client
from rlm_cli.llm.layers import ATTEMPTS, UNHEARD_WAVES, Remembering, Retrying, Throttled
from rlm_cli.llm.litellm_client import LitellmClient
from rlm_cli.types import Limits, ModelSpec, Profile, Reply, Request, Usage

SPEC = ModelSpec("openai/any")
GOOD = Reply("good", Usage(calls=1, input_tokens=3, output_tokens=1))


class Time:
    """A clock that moves only by sleeping."""

    def __init__(self) -> None:
        self.now = 100.0
        self.slept: list[float] = []

    def clock(self) -> float:
        return self.now

    def wait(self, condition: threading.Condition, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


class Listed:
    """A client that goes through a list of outcomes; the last one stays."""

    def __init__(self, *outcomes: Reply | ModelError, during: Callable[[Request], object] | None = None) -> None:
        self.outcomes = outcomes
        self.asked: list[Request] = []
        self.during = during
        self.closed = False

    def complete(self, request: Request) -> Reply:
        self.asked.append(request)
        if self.during is not None:
            self.during(request)
        outcome = self.outcomes[min(len(self.asked), len(self.outcomes)) - 1]
        if isinstance(outcome, ModelError):
            raise outcome
        return outcome

    def recall(self, request: Request) -> Reply | None:
        return None

    def close(self) -> None:
        self.closed = True


def retrying(inner: Listed, time: Time) -> Retrying:
    return Retrying(inner, time.clock, time.wait, chance=lambda: 1.0)


# --- trying again -------------------------------------------------------------------------------------------------


def test_attempts_whose_end_nobody_knows_are_counted_with_the_reply() -> None:
    inner = Listed(ConnectionLost("cut"), CallTimedOut("late"), ServerFailed("busy"), GOOD)
    assert retrying(inner, Time()).complete(ask(SPEC, timeout=10_000)).lost == 2


def test_a_server_that_hangs_up_has_answered_and_is_tried_to_the_end() -> None:
    inner = Listed(ConnectionLost("cut"))
    with pytest.raises(ConnectionLost):
        retrying(inner, Time()).complete(ask(SPEC, timeout=10_000))
    assert len(inner.asked) == ATTEMPTS


def test_a_passing_failure_is_not_noticed() -> None:
    time, inner = Time(), Listed(ServerFailed("busy"), ServerFailed("busy"), GOOD)
    assert retrying(inner, time).complete(ask(SPEC)) == GOOD
    assert time.slept == [0.5, 1.0]


def test_each_attempt_has_only_the_time_that_is_left() -> None:
    time, inner = Time(), Listed(ServerFailed("busy"), ServerFailed("busy"), GOOD)
    retrying(inner, time).complete(ask(SPEC, timeout=20))
    assert [request.timeout for request in inner.asked] == [20, 19.5, 18.5]


def test_what_cannot_succeed_is_not_tried_again() -> None:
    time, inner = Time(), Listed(AuthenticationFailed("no", "hint"))
    with pytest.raises(AuthenticationFailed, match=r"^no$"):
        retrying(inner, time).complete(ask(SPEC))
    assert len(inner.asked) == 1
    assert time.slept == []


def test_giving_up_tells_how_often_it_was_tried() -> None:
    time, inner = Time(), Listed(ServerFailed("busy", "hint"))
    with pytest.raises(ServerFailed) as caught:
        retrying(inner, time).complete(ask(SPEC, timeout=10_000))
    assert len(inner.asked) == ATTEMPTS
    assert str(caught.value) == f"busy (after {ATTEMPTS} attempts)"
    assert caught.value.hint == "hint"


def test_the_timeout_covers_all_attempts_together() -> None:
    time, inner = Time(), Listed(ServerFailed("busy"))
    with pytest.raises(ServerFailed, match=r"after \d attempts"):
        retrying(inner, time).complete(ask(SPEC, timeout=10))
    assert time.now - 100 <= 10


def test_a_servers_wish_is_obeyed() -> None:
    time, inner = Time(), Listed(RateLimited("slow down", retry_after=7), GOOD)
    assert retrying(inner, time).complete(ask(SPEC)) == GOOD
    assert sum(time.slept) >= 7


def test_a_wish_beyond_the_timeout_fails_at_once() -> None:
    time, inner = Time(), Listed(RateLimited("slow down", retry_after=600))
    with pytest.raises(RateLimited):
        retrying(inner, time).complete(ask(SPEC, timeout=60))
    assert len(inner.asked) == 1
    assert time.slept == []


def test_a_wish_told_to_one_call_holds_for_all_calls_to_that_model() -> None:
    time, inner = Time(), Listed(RateLimited("slow down", retry_after=30), GOOD)
    client = retrying(inner, time)
    with pytest.raises(RateLimited):
        client.complete(ask(SPEC, "one", timeout=10))
    asked = len(inner.asked)
    with pytest.raises(ModelError, match="asks to wait"):
        client.complete(ask(SPEC, "two", timeout=10))
    assert len(inner.asked) == asked  # nothing was sent
    before = time.now
    assert client.complete(ask(SPEC, "three", timeout=100)) == GOOD
    assert time.now - before >= 30


def test_another_model_does_not_wait() -> None:
    time, inner = Time(), Listed(RateLimited("slow down", retry_after=30), GOOD)
    client = retrying(inner, time)
    with pytest.raises(RateLimited):
        client.complete(ask(SPEC, timeout=10))
    assert client.complete(ask(ModelSpec("openai/other"), timeout=10)) == GOOD
    assert time.slept == []


def test_an_address_that_never_answered_is_given_up_soon() -> None:
    time, inner = Time(), Listed(Unreachable("nothing listens there"))
    with pytest.raises(Unreachable, match="3 attempts"):
        retrying(inner, time).complete(ask(SPEC, timeout=300))
    assert len(inner.asked) == UNHEARD_WAVES
    assert time.now - 100 < 2


def test_an_address_that_has_answered_is_waited_for() -> None:
    time, inner = Time(), Listed(GOOD, *[Unreachable("gone")] * 6, GOOD)
    client = retrying(inner, time)
    client.complete(ask(SPEC, "first"))
    assert client.complete(ask(SPEC, "second", timeout=300)) == GOOD


def test_no_time_at_all_is_said_before_anything_is_sent() -> None:
    time, inner = Time(), Listed(GOOD)
    with pytest.raises(CallTimedOut) as caught:
        retrying(inner, time).complete(ask(SPEC, timeout=0))
    assert inner.asked == []
    assert caught.value.usage == Usage()


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


def test_a_rate_limit_for_ever_ends_with_the_count_of_attempts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(KEY_NAME, KEY)
    time = Time()
    with OpenAIServer(rate_limited(2)) as server:
        client = Retrying(LitellmClient(), time.clock, time.wait)
        with pytest.raises(RateLimited, match="10 attempts"):
            client.complete(ask(spec_for(server.url), timeout=600))
        assert len(server.requests) == ATTEMPTS


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
