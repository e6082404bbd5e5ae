"""What a server says of its own bill, and where calls and keys may go: nothing of it lifts a cap or leaks a word."""

import json
import os
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml
from support.anthropic_server import AnthropicServer
from support.command import finish, rlm, start
from support.gemini_server import GeminiServer
from support.listing_server import listing
from support.model_server import ModelServer, Scripted
from support.ollama_server import OllamaServer
from support.openai_server import OpenAIServer
from support.requests import KEY, KEY_NAME, ask, spec_for

from rlm_cli.budget import Budget
from rlm_cli.errors import LimitReached, ProfileError
from rlm_cli.llm import check
from rlm_cli.llm.catalogue import Catalogue
from rlm_cli.llm.litellm_client import LitellmClient, load
from rlm_cli.llm.local_servers import offered
from rlm_cli.llm.proxies import keep_local
from rlm_cli.profiles import find
from rlm_cli.profiles import load as load_profile
from rlm_cli.types import Limits, ModelSpec, Price, Reply, Usage

WIRES: dict[str, tuple[type[ModelServer], str]] = {
    "openai": (OpenAIServer, "openai/gpt-5-mini"),
    "anthropic": (AnthropicServer, "anthropic/claude-haiku-4-5"),
    "gemini": (GeminiServer, "gemini/gemini-2.5-flash"),
    "ollama": (OllamaServer, "ollama_chat/qwen3"),
}


@pytest.fixture(autouse=True)
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(KEY_NAME, KEY)


def reply_to(name: str, scripted: Scripted, price: Price | None = None) -> Reply:
    server_of, model = WIRES[name]
    with server_of(scripted) as server:
        spec = spec_for(server.url, model, price=price or Catalogue(load).price(ModelSpec(model)) or Price(1.0, 10.0))
        return LitellmClient().complete(ask(spec))


# --- the bill -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", WIRES)
@pytest.mark.parametrize(
    "lie",
    [
        {"output_tokens": -1_000_000},
        {"input_tokens": -1_000_000},
        {"input_tokens": 10**400},
        {"output_tokens": 10**12},
        {"cached_tokens": -(10**9)},
    ],
    ids=lambda lie: next(iter(lie)),
)
def test_impossible_counts_are_replaced_by_our_own(name: str, lie: dict[str, Any]) -> None:
    usage = reply_to(name, Scripted("a short reply", **lie)).usage
    assert 0 < usage.input_tokens < 100
    assert 0 <= usage.output_tokens < 100
    assert 0 <= usage.cached_input_tokens <= usage.input_tokens
    assert usage.cost_usd is not None
    assert 0 < usage.cost_usd < 0.01


@pytest.mark.parametrize("said", ["nan", "0", "-5", "inf"])
@pytest.mark.parametrize("name", ["openai", "anthropic"])
def test_a_header_does_not_set_the_cost(name: str, said: str) -> None:
    counts: dict[str, Any] = {"input_tokens": 1000, "output_tokens": 100}
    honest = reply_to(name, Scripted("x", **counts)).usage
    for header in ("x-litellm-response-cost", "llm_provider-x-litellm-response-cost"):
        assert reply_to(name, Scripted("x", **counts, headers={header: said})).usage == honest


def test_the_name_of_a_cheaper_model_in_the_reply_does_not_set_the_cost() -> None:
    body: dict[str, Any] = {
        "id": "1", "object": "chat.completion", "created": 1, "model": "gpt-4.1-nano",
        "choices": [{"index": 0, "message": {"role": "assistant", "content": "x"}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 1000, "completion_tokens": 100, "total_tokens": 1100},
    }  # fmt: skip
    usage = reply_to("openai", Scripted(raw=json.dumps(body))).usage
    assert usage.cost_usd == pytest.approx((1000 * 0.25 + 100 * 2.0) / 1e6)


@pytest.mark.parametrize(
    "usage",
    [
        Usage(1, 0, 1, 0, 1, float("nan")),
        Usage(1, 0, 1, 0, 1, float("inf")),
        Usage(1, 0, 1, 0, 1, -100.0),
        Usage(1, 0, -1, 0, 1, 0.0),
        Usage(1, 0, 1, 0, -1, 0.0),
    ],
)
def test_no_usage_can_lift_the_cap(usage: Usage) -> None:
    budget = Budget(Limits(max_cost=1.0))
    request = ask(ModelSpec("x/y", price=Price(0.0, 50.0), max_output_tokens=10_000))
    calls = 0
    with pytest.raises(LimitReached):
        for _ in range(100):
            budget.settle(budget.admit(request), usage)
            calls += 1
    assert calls == 2  # of 0.5 USD at worst
    assert budget.usage().cost_usd == 0


# --- where calls go -----------------------------------------------------------------------------------------------


def test_calls_to_this_machine_pass_by_a_proxy(tmp_path: Path, text: str) -> None:
    code = 'print(llm_query("who pays?"))\nFINAL("the tenant")'
    with (
        OpenAIServer("the proxy was asked") as proxy,
        OpenAIServer(f"```repl\n{code}\n```") as root,
        OllamaServer("the tenant") as sub,
    ):
        path = tmp_path / "p.yaml"
        path.write_text(
            yaml.safe_dump(
                {
                    "strategy": "rlm",
                    "root": {"model": "openai/root", "api_base": root.url},
                    "sub": {"model": "ollama_chat/qwen3", "api_base": sub.url},
                }
            )
        )
        address = proxy.url.removesuffix("/v1")
        names = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy")
        environment = {**dict.fromkeys(names, address), "NO_PROXY": "example.com", "no_proxy": "example.com"}
        ran = finish(start("analyze", text, "who pays?", "-p", str(path), env=environment))
        assert (ran.code, proxy.paths) == (0, []), ran.err
        assert (len(root.requests), len(sub.requests)) == (1, 1)
    assert "nothing leaves this machine; it costs nothing" in ran.err


def test_what_was_exempt_from_the_proxy_stays_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "example.com, localhost")
    monkeypatch.delenv("no_proxy", raising=False)
    keep_local(["http://127.0.0.3:1/v1", "https://api.example.org", None])
    assert os.environ["NO_PROXY"] == "example.com,localhost,127.0.0.1,::1,0.0.0.0,127.0.0.3"
    keep_local(["http://127.0.0.3:1/v1"])
    assert os.environ["NO_PROXY"].count("127.0.0.3") == 1
    assert "127.0.0.3" in os.environ["no_proxy"]


@contextmanager
def raw_server(answer: bytes) -> Iterator[tuple[str, list[bytes]]]:
    """Serve the same bytes to every connection, whatever it asks. Yields the address and what was asked."""
    asked: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            while True:
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                with connection:
                    asked.append(connection.recv(65536))
                    connection.sendall(answer)

        threading.Thread(target=serve, daemon=True).start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}", asked
        server.shutdown(socket.SHUT_RDWR)


def test_asking_for_a_list_follows_no_redirection() -> None:
    with listing(models={"data": [{"id": "elsewhere"}]}) as elsewhere:
        moved = f"HTTP/1.1 302 Found\r\nLocation: {elsewhere}/models\r\nContent-Length: 0\r\n\r\n".encode()
        with raw_server(moved) as (address, asked):
            assert offered(f"{address}/models") == []
            assert len(asked) == 1


@pytest.mark.parametrize(
    "answer",
    [
        b"SSH-2.0-OpenSSH_9.6\r\n",
        b"",
        b'HTTP/1.1 200 OK\r\n\r\n{"models": 5, "data": "x"}',
        b"HTTP/1.1 200 OK\r\n\r\n" + b"[" * 100_000,
        b"HTTP/1.1 200 OK\r\n" + b"x: y\r\n" * 500 + b"\r\n[]",
    ],
    ids=["ssh", "nothing", "no lists", "deep", "many headers"],
)
def test_whatever_listens_there_is_no_defect(answer: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    with raw_server(answer) as (address, _):
        monkeypatch.setenv("OLLAMA_API_BASE", address)
        ran = rlm("doctor")
    assert (ran.code, ran.err) == (0, "")
    assert address in ran.out


def test_a_projects_profile_makes_nobody_be_asked_and_no_key_is_ever_sent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MY_SECRET", "hunter2-hunter2")
    monkeypatch.setenv("OLLAMA_API_BASE", "http://127.0.0.1:9")
    folder = tmp_path / ".rlm" / "profiles"
    folder.mkdir(parents=True)
    with raw_server(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n") as (address, asked):
        root = f'{{model: openai/x, api_base: "{address}/v1?b=", api_key_env: MY_SECRET}}'
        (folder / "planted.yaml").write_text(f"root: {root}\nsub: {{model: offline/sub}}")
        rlm("doctor")
        ran = rlm("profiles", "check", "planted")
        assert asked == []
        assert "its server was not asked" in ran.out
        # A path is the user's own word.
        assert rlm("profiles", "check", str(folder / "planted.yaml")).out.startswith("planted: ready")
        assert len(asked) == 1
        assert b"hunter2" not in asked[0]
        assert b"uthorization" not in asked[0]


def test_an_ollama_elsewhere_is_asked_only_where_the_user_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OLLAMA_API_BASE", "http://127.0.0.1:9")
    path = tmp_path / "p.yaml"
    # Whoever is asked there would be refused by the tests' guard: it would count as "does not answer".
    path.write_text("root: {model: ollama_chat/x, api_base: 'http://192.0.2.2:1'}\nsub: {model: offline/sub}")
    [root, _] = check(load_profile(find(str(path))))
    assert root.missing is None


def test_addresses_are_shown_without_the_words_they_hold(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OLLAMA_API_BASE", "http://user:TOPSECRET@127.0.0.1:9/?key=QSECRET")
    for ran in (rlm("doctor"), rlm("profiles", "check", "private")):
        assert "SECRET" not in ran.out + ran.err
        assert "http://127.0.0.1:9/" in ran.out


def test_params_cannot_undo_what_other_keys_say_in_the_body_either() -> None:
    for params in (
        {"extra_body": {"max_completion_tokens": 99_999}},
        {"extra_body": {"n": 50}},
        {"context_window_fallback_dict": {"a": "b"}},
        {"input_cost_per_token": 0},
    ):
        with pytest.raises(ProfileError, match=r"`params:` of openai/gpt-5\.2 holds"):
            Catalogue(load).filled(ModelSpec("openai/gpt-5.2", params=params))
    Catalogue(load).filled(ModelSpec("openai/gpt-5.2", params={"extra_body": {"top_k": 5}}))
