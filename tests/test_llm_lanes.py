"""The client under the calls: a connection for each at once, used again by the next, never taken from another."""

import threading
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from support.openai_server import OpenAIServer, Scripted

from rlm_cli.llm.lanes import Lanes

ASKED = {"model": "any", "messages": [{"role": "user", "content": "hello"}]}


def ask(client: httpx.Client, server: OpenAIServer) -> int:
    return client.post(f"{server.url}/chat/completions", json=ASKED).status_code


def test_calls_side_by_side_have_a_connection_each_and_later_ones_use_them_again() -> None:
    together = threading.Barrier(8)

    def meet(_: object) -> str:
        together.wait(20)
        return "ok"

    with OpenAIServer(meet) as server, Lanes() as client, ThreadPoolExecutor(8) as pool:
        for _ in range(5):
            assert list(pool.map(lambda _: ask(client, server), range(8))) == [200] * 8
        assert len(server.requests) == 40
        assert server.connections == 8


def test_calls_one_after_another_share_one_connection() -> None:
    with OpenAIServer() as server, Lanes() as client:
        for _ in range(5):
            ask(client, server)
        assert server.connections == 1


@pytest.mark.parametrize("broken", [Scripted(drop=True), Scripted("half", cut=True)])
def test_a_connection_that_broke_is_replaced(broken: Scripted) -> None:
    with OpenAIServer([broken, "fine"]) as server, Lanes() as client:
        with pytest.raises(httpx.TransportError):
            ask(client, server)
        assert [ask(client, server) for _ in range(3)] == [200] * 3
        assert server.connections == 2


def test_a_connection_that_the_server_ended_meanwhile_is_not_used() -> None:
    with Lanes() as client:
        with OpenAIServer() as first:
            assert ask(client, first) == 200
        with OpenAIServer() as second:
            assert ask(client, second) == 200
            assert second.connections == 1


def test_a_call_that_runs_out_of_time_gives_its_connection_up() -> None:
    with OpenAIServer([Scripted("late", delay=20), "fine"]) as server, Lanes(timeout=0.2) as client:
        with pytest.raises(httpx.TimeoutException):
            ask(client, server)
        assert client.post(f"{server.url}/chat/completions", json=ASKED, timeout=20).status_code == 200


def test_a_streamed_reply_can_be_read_piece_by_piece() -> None:
    url = "/chat/completions"
    with (
        OpenAIServer("piece") as server,
        Lanes() as client,
        client.stream("POST", server.url + url, json=ASKED) as reply,
    ):
        assert b"piece" in b"".join(reply.iter_bytes())
