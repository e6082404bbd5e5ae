"""Many threads that call one model: they wait together, a few try for all, and closing ends every wait."""

import threading

import pytest
from support.listed import GOOD, SPEC, Listed
from support.requests import ask

from rlm_cli.errors import (
    CallAbandoned,
    ModelError,
    RateLimited,
    ServerFailed,
    Unreachable,
)
from rlm_cli.llm.layers import Throttled
from rlm_cli.llm.retrying import Retrying
from rlm_cli.types import ModelSpec, Reply, Request, Usage

# --- what calls side by side share --------------------------------------------------------------------------------


class Waves:
    """A client for many threads: the first wave fails when all its calls are inside, the rest as they come."""

    def __init__(self, width: int, error: ModelError, passing: int | None) -> None:
        self.error = error
        self.passing = passing
        """Calls that fail; None: all do."""
        self.asked = 0
        self.width = width
        self.inside = threading.Barrier(width)
        self.lock = threading.Lock()

    def complete(self, request: Request) -> Reply:
        with self.lock:
            self.asked += 1
            number = self.asked
        if number <= self.width:
            self.inside.wait(20)
        if self.passing is None or number <= self.passing:
            raise self.error
        return GOOD

    def recall(self, request: Request) -> Reply | None:
        return None

    def close(self) -> None:
        """Nothing to give up."""


def side_by_side(client: Retrying, number: int, timeout: float) -> list[Reply | ModelError]:
    ended: list[Reply | ModelError] = []

    def call(name: str) -> None:
        try:
            ended.append(client.complete(ask(SPEC, name, timeout=timeout)))
        except ModelError as error:
            ended.append(error)

    threads = [threading.Thread(target=call, args=(f"p{each}",)) for each in range(number)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return ended


def test_calls_that_fail_together_wait_together_and_one_tries_for_all() -> None:
    waves = Waves(64, ServerFailed("busy"), passing=64 + 2)
    assert side_by_side(Retrying(waves), 64, timeout=60) == [GOOD] * 64
    # Two tried for all, and failed; then each once more.
    assert waves.asked == 64 + 2 + 64


def test_an_address_that_never_answered_is_given_up_by_all_calls_together() -> None:
    waves = Waves(64, Unreachable("nothing listens there"), passing=None)
    client = Retrying(waves)
    ended = side_by_side(client, 64, timeout=600)
    assert {type(error) for error in ended} == {Unreachable}
    assert waves.asked <= 64 + 16 + 4
    asked = waves.asked
    with pytest.raises(Unreachable, match="3 attempts"):  # a later call finds out for itself
        client.complete(ask(SPEC, timeout=600))
    assert waves.asked == asked + 3


# --- closing ------------------------------------------------------------------------------------------------------


def test_closing_ends_the_waiting_between_attempts_and_for_a_place() -> None:
    entered, leave = threading.Event(), threading.Event()

    def during(request: Request) -> None:
        if request.messages[0].text == "holder":
            entered.set()
            leave.wait(20)

    inner = Listed(GOOD, RateLimited("slow down", retry_after=500), during=during)
    client = Retrying(Throttled(inner, 1))
    ended: list[ModelError] = []

    def call(name: str, spec: ModelSpec) -> None:
        try:
            client.complete(ask(spec, name, timeout=900))
        except ModelError as error:
            ended.append(error)

    other = ModelSpec("openai/other")
    holder = threading.Thread(target=call, args=("holder", SPEC))
    holder.start()
    assert entered.wait(20)
    queued = threading.Thread(target=call, args=("queued", other))
    queued.start()
    client.close()
    queued.join(20)
    leave.set()
    holder.join(20)
    assert not queued.is_alive()
    assert [type(error) for error in ended] == [CallAbandoned]
    assert len(inner.asked) == 1
    assert inner.closed
    with pytest.raises(CallAbandoned) as caught:
        client.complete(ask(SPEC))
    assert caught.value.usage == Usage()


def test_closing_ends_a_pause() -> None:
    inner = Listed(RateLimited("slow down", retry_after=500))
    pausing = threading.Event()

    def wait(condition: threading.Condition, seconds: float) -> None:
        pausing.set()
        condition.wait(seconds)

    client = Retrying(inner, wait=wait)
    ended = threading.Event()

    def call() -> None:
        with pytest.raises(CallAbandoned):
            client.complete(ask(SPEC, timeout=900))
        ended.set()

    threading.Thread(target=call, daemon=True).start()
    assert pausing.wait(20)
    client.close()
    assert ended.wait(20)
    assert len(inner.asked) == 1
