"""The connections under the calls: one for each at once, used again by the next, never taken from another."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from support.openai_server import OpenAIServer, Scripted
from support.requests import KEY, KEY_NAME, ask, spec_for

from rlm_cli.errors import CallTimedOut, ModelError
from rlm_cli.llm.litellm_client import LitellmClient


@pytest.fixture(autouse=True)
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(KEY_NAME, KEY)


@pytest.fixture
def client() -> Iterator[LitellmClient]:
    opened = LitellmClient()
    yield opened
    opened.close()


def test_calls_side_by_side_have_a_connection_each_and_later_ones_use_them_again(client: LitellmClient) -> None:
    together = threading.Barrier(8)

    def meet(_: object) -> str:
        together.wait(30)
        return "ok"

    with OpenAIServer(meet) as server, ThreadPoolExecutor(8) as pool:
        request = ask(spec_for(server.url))
        for _ in range(5):
            assert {reply.text for reply in pool.map(lambda _: client.complete(request), range(8))} == {"ok"}
        assert len(server.requests) == 40
        assert server.connections == 8


def test_calls_one_after_another_share_one_connection(client: LitellmClient) -> None:
    with OpenAIServer("ok") as server:
        for _ in range(5):
            client.complete(ask(spec_for(server.url)))
        assert server.connections == 1


@pytest.mark.parametrize("broken", [Scripted(drop=True), Scripted("half", cut=True), Scripted("late", delay=20)])
def test_a_connection_that_broke_is_replaced(client: LitellmClient, broken: Scripted) -> None:
    with OpenAIServer([broken, "fine"]) as server:
        with pytest.raises(ModelError) as failed:
            client.complete(ask(spec_for(server.url), timeout=1))
        assert isinstance(failed.value, CallTimedOut) == bool(broken.delay)
        assert [client.complete(ask(spec_for(server.url))).text for _ in range(3)] == ["fine"] * 3
        assert server.connections == 2
