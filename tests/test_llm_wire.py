"""The connections under litellm, on each provider's wire: deadlines, floods, hanging up, proxies."""

import gzip
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from support.anthropic_server import AnthropicServer
from support.gemini_server import GeminiServer
from support.model_server import ModelServer, Scripted
from support.ollama_server import OllamaServer
from support.openai_server import OpenAIServer
from support.requests import KEY, KEY_NAME, ask, spec_for

from rlm_cli.errors import BadReply, CallAbandoned, CallTimedOut, ConnectionLost, ModelError, Unreachable
from rlm_cli.llm.litellm_client import LitellmClient, load
from rlm_cli.llm.wire import BODY_LIMIT
from rlm_cli.types import Usage

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


def failure(name: str, reply: Scripted, timeout: float = 20.0) -> ModelError:
    """Return the error that a reply ends in, after checking that no connection is left of it."""
    server_of, model = WIRES[name]
    with server_of(["hi", reply]) as server:
        client, spec = LitellmClient(), spec_for(server.url, model)
        client.complete(ask(spec))  # litellm imports much for its first call, in the time of that call
        with pytest.raises(ModelError) as caught:
            client.complete(ask(spec, timeout=timeout))
        assert server.await_open(0)
        assert len(server.paths) == 2
    return caught.value


# --- time and size ------------------------------------------------------------------------------------------------


@ALL
@pytest.mark.parametrize("how", ["slow", "headers"])
def test_a_server_that_drips_does_not_hold_a_call_beyond_its_time(name: str, how: str) -> None:
    error = failure(name, Scripted(endless=how), timeout=0.5)  # type: ignore[arg-type]
    assert isinstance(error, CallTimedOut)
    assert "0.5 s" in str(error)


@ALL
def test_a_body_without_end_is_not_read_to_the_end_of_memory(name: str) -> None:
    error = failure(name, Scripted(endless="fast"))
    assert isinstance(error, BadReply)
    assert "without end" in str(error)


def test_a_small_body_that_unpacks_to_a_large_one_is_not_taken() -> None:
    packed = gzip.compress(bytes(BODY_LIMIT + 1))
    assert len(packed) < 100_000
    error = failure("openai", Scripted(raw=packed, headers={"Content-Encoding": "gzip"}))
    assert isinstance(error, BadReply)


def test_a_packed_reply_is_unpacked_and_an_unknown_packing_is_none() -> None:
    choice = b'{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "hi"}}'
    body = b'{"id": "1", "choices": [' + choice + b"]}"
    with OpenAIServer(Scripted(raw=gzip.compress(body), headers={"Content-Encoding": "gzip"})) as server:
        assert LitellmClient().complete(ask(spec_for(server.url))).text == "hi"
    assert isinstance(failure("openai", Scripted(raw=body, headers={"Content-Encoding": "br"})), ConnectionLost)


@ALL
def test_half_a_reply_that_claims_to_be_whole_may_be_asked_for_again(name: str) -> None:
    half = '{"choices": [{"message": {"content": "half of'
    error = failure(name, Scripted(raw=half, headers={"Connection": "close"}))
    assert isinstance(error, ConnectionLost)
    assert error.retryable
    assert error.unknown  # somebody may have written the other half, and bill it


@ALL
def test_a_reply_of_five_million_characters_arrives_whole(name: str) -> None:
    server_of, model = WIRES[name]
    text = "ä" * 5_000_000
    with server_of(text) as server:
        assert LitellmClient().complete(ask(spec_for(server.url, model))).text == text


@ALL
def test_a_prompt_that_nobody_takes_off_the_line_is_given_up_in_time(name: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        spec = spec_for(f"http://127.0.0.1:{deaf.getsockname()[1]}", WIRES[name][1])
        with pytest.raises(CallTimedOut):
            LitellmClient().complete(ask(spec, "word " * 4_000_000, timeout=2))


# --- hanging up ---------------------------------------------------------------------------------------------------


@ALL
def test_closing_ends_the_calls_under_way_and_lets_none_follow(name: str) -> None:
    server_of, model = WIRES[name]
    ended: list[ModelError] = []
    with server_of(Scripted("late", delay=60)) as server:
        client, spec = LitellmClient(), spec_for(server.url, model)

        def call(number: int) -> None:
            with pytest.raises(ModelError) as caught:
                client.complete(ask(spec, f"p{number}", timeout=50))
            ended.append(caught.value)

        threads = [threading.Thread(target=call, args=(number,)) for number in range(5)]
        for thread in threads:
            thread.start()
        assert server.await_asked(5)
        client.close()
        for thread in threads:
            thread.join(20)
        assert server.await_open(0)
        assert server.hung_up == 5
        with pytest.raises(CallAbandoned) as after:
            client.complete(ask(spec))
        assert len(server.requests) == 5
        client.close()
    assert [(type(error), error.unknown) for error in ended] == [(CallAbandoned, True)] * 5
    assert after.value.usage == Usage()


def test_closing_lets_go_of_connections_that_wait_for_the_next_call() -> None:
    with OpenAIServer("hi") as server:
        client, other = LitellmClient(), LitellmClient()
        for each in (client, other):
            each.complete(ask(spec_for(server.url)))
        assert server.await_open(2)
        client.close()
        assert server.await_open(1)
        assert other.complete(ask(spec_for(server.url))).text == "hi"  # another run is not disturbed
        assert server.connections == 2


def test_what_else_the_process_sends_through_litellm_goes_its_usual_way() -> None:
    with OpenAIServer("hi") as server:
        LitellmClient().close()
        reply = load().completion(
            model="openai/any", messages=[{"role": "user", "content": "x"}], api_base=server.url, api_key=KEY
        )
    assert reply.choices[0].message.content == "hi"


# --- proxies ------------------------------------------------------------------------------------------------------


@contextmanager
def listener() -> Iterator[tuple[str, list[bytes]]]:
    """Hang up on every connection after its first words, which are kept."""
    heard: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            while True:
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                with connection:
                    heard.append(connection.recv(65536))

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"127.0.0.1:{server.getsockname()[1]}", heard
        server.shutdown(socket.SHUT_RDWR)
        thread.join(20)


def call_elsewhere(name: str, scheme: str) -> None:
    with pytest.raises(Unreachable):
        LitellmClient().complete(ask(spec_for(f"{scheme}://models.invalid", WIRES[name][1]), timeout=5))


@ALL
def test_calls_go_through_the_proxy_that_the_environment_names(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with listener() as (address, heard):
        monkeypatch.setenv("HTTP_PROXY", f"http://someone:secret@{address}")
        monkeypatch.setenv("https_proxy", address)
        call_elsewhere(name, "http")
        call_elsewhere(name, "https")
    assert len(heard) == 2
    assert heard[0].startswith(b"POST http://models.invalid/")
    assert b"Proxy-Authorization: Basic c29tZW9uZTpzZWNyZXQ=" in heard[0]
    assert heard[1].startswith(b"CONNECT models.invalid:443 ")


@ALL
def test_what_no_proxy_names_is_called_directly(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with listener() as (address, heard):
        monkeypatch.setenv("ALL_PROXY", f"http://{address}")
        monkeypatch.setenv("NO_PROXY", "example.com,models.invalid")
        call_elsewhere(name, "http")
        monkeypatch.setenv("NO_PROXY", "*")
        call_elsewhere(name, "https")
    assert heard == []


def test_a_socks_proxy_without_its_package_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALL_PROXY", "socks5://127.0.0.1:9")
    with pytest.raises(Unreachable, match="socksio"):
        LitellmClient().complete(ask(spec_for("http://models.invalid/v1"), timeout=5))
