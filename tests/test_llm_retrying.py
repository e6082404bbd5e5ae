"""Trying again, around a client whose answers are a list; time is the test's own."""

from dataclasses import replace

import pytest
from support.listed import GOOD, SPEC, Listed, Time
from support.openai_server import OpenAIServer, rate_limited
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
from rlm_cli.llm.litellm_client import LitellmClient
from rlm_cli.llm.retrying import ATTEMPTS, UNHEARD_WAVES, Retrying
from rlm_cli.types import ModelSpec, Usage


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


def test_no_attempt_is_made_in_the_last_moment() -> None:
    time, inner = Time(), Listed(ServerFailed("busy"), GOOD)
    with pytest.raises(ServerFailed):
        retrying(inner, time).complete(ask(SPEC, timeout=0.6))
    assert len(inner.asked) == 1
    assert retrying(Listed(GOOD), time).complete(ask(SPEC, timeout=0.1)) == GOOD  # where that is all there was


def test_no_time_at_all_is_said_before_anything_is_sent() -> None:
    time, inner = Time(), Listed(GOOD)
    with pytest.raises(CallTimedOut) as caught:
        retrying(inner, time).complete(ask(SPEC, timeout=0))
    assert inner.asked == []
    assert caught.value.usage == Usage()


def test_another_attempt_after_one_that_may_be_billed_needs_leave() -> None:
    leave = [True, False]
    inner = Listed(ServerFailed("busy"), ConnectionLost("cut"), ConnectionLost("cut"), GOOD)
    with pytest.raises(ConnectionLost) as caught:
        retrying(inner, Time()).complete(replace(ask(SPEC, timeout=600), again=lambda: leave.pop(0)))
    assert len(inner.asked) == 3
    assert leave == []  # nobody is asked after the failure that cost nothing
    assert (caught.value.lost, caught.value.unknown) == (1, True)


def test_a_failure_that_has_no_time_for_more_counts_its_lost_attempts_once() -> None:
    inner = Listed(ConnectionLost("cut"))
    with pytest.raises(ConnectionLost, match="after 2 attempts") as caught:
        retrying(inner, Time()).complete(ask(SPEC, timeout=1))
    assert (len(inner.asked), caught.value.lost, caught.value.unknown) == (2, 1, True)


def test_a_success_ends_the_waiting_of_those_who_failed_before() -> None:
    time = Time()
    inner = Listed(*[ServerFailed("busy")] * 4, GOOD, ServerFailed("busy"), GOOD)
    client = retrying(inner, time)
    client.complete(ask(SPEC, "one", timeout=600))
    assert time.slept == [0.5, 1.0, 2.0, 4.0]
    client.complete(ask(SPEC, "two", timeout=600))
    assert time.slept == [0.5, 1.0, 2.0, 4.0, 0.5]


def test_a_last_attempt_is_made_before_the_time_is_over() -> None:
    time = Time()
    inner = Listed(*[ServerFailed("busy")] * 6, GOOD)
    retrying(inner, time).complete(ask(SPEC, timeout=12))
    # Doubled until that would be more than half of what is left.
    assert time.slept[:3] == [0.5, 1.0, 2.0]
    assert time.slept[3:] == [4.0, 2.25, 1.125]


def test_a_rate_limit_for_ever_ends_with_the_count_of_attempts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(KEY_NAME, KEY)
    time = Time()
    with OpenAIServer(rate_limited(2)) as server:
        client = Retrying(LitellmClient(), time.clock, time.wait)
        with pytest.raises(RateLimited, match="10 attempts"):
            client.complete(ask(spec_for(server.url), timeout=600))
        assert len(server.requests) == ATTEMPTS
