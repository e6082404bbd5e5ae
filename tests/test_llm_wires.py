"""One question through the real `rlm analyze` over each provider's own wire: the answer, the account, the marks."""

import itertools
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from support.anthropic_server import AnthropicServer
from support.command import Ran, rlm
from support.events import check_events
from support.gemini_server import GeminiServer
from support.model_server import ModelServer, Scripted
from support.ollama_server import OllamaServer
from support.openai_server import OpenAIServer

from rlm_cli.llm.litellm_client import load

LOOK = "```repl\nprint(context[:40])\n```"
ASK = "```repl\nparts = llm_query_batched(['Who pays?', 'Who repairs?'])\nprint(parts)\n```"
ANSWER = "```repl\nFINAL(' and '.join(str(part) for part in parts))\n```"


@dataclass(frozen=True)
class Wire:
    """A provider as its users set it up: by its variables alone."""

    server: Callable[..., ModelServer]
    address: str
    key: str | None
    root: str
    sub: str


WIRES = {
    "openai": Wire(OpenAIServer, "OPENAI_BASE_URL", "OPENAI_API_KEY", "openai/gpt-5.2", "openai/gpt-5-mini"),
    "anthropic": Wire(
        AnthropicServer,
        "ANTHROPIC_BASE_URL",
        "ANTHROPIC_API_KEY",
        "anthropic/claude-opus-4-5",
        "anthropic/claude-haiku-4-5",
    ),
    "gemini": Wire(
        GeminiServer, "GEMINI_API_BASE", "GEMINI_API_KEY", "gemini/gemini-2.5-flash", "gemini/gemini-2.5-flash"
    ),
    "ollama": Wire(OllamaServer, "OLLAMA_API_BASE", None, "ollama_chat/qwen3", "ollama_chat/qwen3:0.6b"),
}
# What the providers take, USD per million tokens: fresh, read from the cache, written to it, output.
HAND = {
    "openai": ((1.75, 0.175, 1.75, 14.0), (0.25, 0.025, 0.25, 2.0)),
    "anthropic": ((5.0, 0.5, 6.25, 25.0), (1.0, 0.1, 1.25, 5.0)),
    "gemini": ((0.3, 0.03, 0.3, 2.5), (0.3, 0.03, 0.3, 2.5)),
    "ollama": ((0.0, 0.0, 0.0, 0.0), (0.0, 0.0, 0.0, 0.0)),
}
# (input, of it cached, of it written, output): reasoning is part of the output.
ROOT_CALLS = [(5000, 0, 4000, 300), (6000, 4000, 1500, 250), (7000, 5500, 900, 120)]
SUB_CALLS = [(900, 0, 0, 50), (800, 100, 0, 40)]


def of_root(asked: dict[str, Any]) -> bool:
    return bool(asked["messages"][0]["role"] == "system")


class Script:
    """The models of all runs here. Only Anthropic counts what it writes to its cache, and Ollama has none."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.replies = iter((LOOK, ASK, ANSWER))
        self.calls = iter(ROOT_CALLS)

    def counts(self, counted: tuple[int, int, int, int]) -> dict[str, Any]:
        total, cached, written, output = counted
        return {
            "input_tokens": total,
            "cached_tokens": 0 if self.name == "ollama" else cached,
            "cache_write_tokens": written if self.name == "anthropic" else 0,
            "output_tokens": output,
            "reasoning_tokens": 0 if self.name == "ollama" else output // 3,
        }

    def __call__(self, asked: dict[str, Any]) -> Scripted:
        if of_root(asked):
            return Scripted(next(self.replies), thinking="Let me see.", **self.counts(next(self.calls)))
        prompt = asked["messages"][-1]["content"]
        text, counted = {
            "Who pays?": ("the tenant pays", SUB_CALLS[0]),
            "Who repairs?": ("the landlord repairs", SUB_CALLS[1]),
        }[prompt]
        return Scripted(text, **self.counts(counted))


def by_hand(name: str) -> float:
    """Return what the calls of the script cost, in USD."""
    total = 0.0
    for prices, calls in zip(HAND[name], (ROOT_CALLS, SUB_CALLS), strict=True):
        fresh, read, write, out = prices
        for tokens, cached, written, output in calls:
            written = written if name == "anthropic" else 0
            total += (tokens - cached - written) * fresh + cached * read + written * write + output * out
    return total / 1e6


def by_litellm(name: str) -> float:
    """Return the same as litellm's own cost_per_token() has it."""
    total = 0.0
    for model, calls in ((WIRES[name].root, ROOT_CALLS), (WIRES[name].sub, SUB_CALLS)):
        for counted in calls:
            counts = Script(name).counts(counted)
            total += sum(
                load().cost_per_token(
                    model=model,
                    prompt_tokens=counts["input_tokens"],
                    completion_tokens=counts["output_tokens"],
                    cache_read_input_tokens=counts["cached_tokens"],
                    cache_creation_input_tokens=counts["cache_write_tokens"],
                    usage_object=load().Usage(
                        prompt_tokens=counts["input_tokens"],
                        completion_tokens=counts["output_tokens"],
                        prompt_tokens_details={
                            "cached_tokens": counts["cached_tokens"],
                            "cache_creation_tokens": counts["cache_write_tokens"],
                        },
                    ),
                )
            )
    return total


@pytest.fixture
def over(
    text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[[str], tuple[Ran, ModelServer, list[dict[str, Any]]]]:
    """Run the script over a wire whose provider is set up by variables; return the run, its server and its events."""

    def run(name: str) -> tuple[Ran, ModelServer, list[dict[str, Any]]]:
        wire, events = WIRES[name], tmp_path / "events.jsonl"
        with wire.server(Script(name)) as server:
            monkeypatch.setenv(wire.address, server.url)
            if wire.key is not None:
                monkeypatch.setenv(wire.key, f"sk-{name}-0123456789abcdef")
            profile = tmp_path / "wire.yaml"
            profile.write_text(
                yaml.safe_dump({"strategy": "rlm", "root": {"model": wire.root}, "sub": {"model": wire.sub}})
            )
            ran = rlm(
                "analyze", text, "Who pays and who repairs?", "-p", str(profile), "-f", "json", "--events", str(events)
            )
        return ran, server, [json.loads(line) for line in events.read_text().splitlines()]

    return run


@pytest.mark.parametrize("name", WIRES)
def test_every_wire_gives_the_same_answer_and_the_exact_cost(name: str, over: Any) -> None:
    ran, server, events = over(name)
    assert ran.code == 0, ran.err
    result = ran.json()
    assert result["answer"] == "the tenant pays and the landlord repairs"
    check_events(events, result)
    usage = result["usage"]
    assert (usage["root"]["calls"], usage["sub"]["calls"]) == (3, 2)
    assert usage["root"]["input_tokens"] == 18_000
    assert usage["root"]["output_tokens"] == 670
    assert usage["root"]["cached_input_tokens"] == (0 if name == "ollama" else 9_500)
    assert usage["sub"]["input_tokens"] == 1_700
    assert usage["sub"]["output_tokens"] == 90
    assert usage["total"]["cost_usd"] == pytest.approx(by_hand(name), rel=1e-9, abs=0)
    if name != "ollama":
        assert usage["total"]["cost_usd"] == pytest.approx(by_litellm(name), rel=1e-9)
        assert usage["total"]["cost_usd"] > 0
        assert set(server.keys) == {f"sk-{name}-0123456789abcdef"}
    assert len(server.paths) == len(server.requests) == 5  # nothing else was asked of the server
    assert [asked["messages"][-1]["content"] for asked in server.asked if not of_root(asked)] in (
        ["Who pays?", "Who repairs?"],
        ["Who repairs?", "Who pays?"],
    )


@pytest.mark.parametrize("name", WIRES)
def test_each_request_of_the_root_model_begins_with_the_one_before(name: str, over: Any) -> None:
    _, server, _ = over(name)
    roots = [asked["messages"] for asked in server.asked if of_root(asked)]
    assert [len(messages) for messages in roots] == [2, 4, 6]
    for before, after in itertools.pairwise(roots):
        assert after[: len(before)] == before


def unmarked(blocks: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{key: value for key, value in block.items() if key != "cache_control"} for block in blocks]


def test_anthropic_is_told_to_keep_what_the_next_request_begins_with(over: Any) -> None:
    _, server, _ = over("anthropic")
    mark = {"type": "ephemeral"}
    bodies = [body for body in server.requests if body["model"] == "claude-opus-4-5"]
    assert len(bodies) == 3
    for body in bodies:
        assert [block.get("cache_control") for block in body["system"]] == [mark]
        marked = [
            (number, block)
            for number, message in enumerate(body["messages"])
            for block in message["content"]
            if "cache_control" in block
        ]
        [(number, block)] = marked
        assert number == len(body["messages"]) - 1
        assert block["cache_control"] == mark
    for before, after in itertools.pairwise(bodies):
        assert after["system"] == before["system"]
        # Byte for byte on the wire, but for the mark, which has moved on.
        assert [(m["role"], unmarked(m["content"])) for m in after["messages"][: len(before["messages"])]] == [
            (m["role"], unmarked(m["content"])) for m in before["messages"]
        ]
    subs = [body for body in server.requests if body["model"] == "claude-haiku-4-5"]
    assert len(subs) == 2
    assert "cache_control" not in json.dumps(subs)


@pytest.mark.parametrize("name", ["openai", "gemini", "ollama"])
def test_others_are_sent_no_marks(name: str, over: Any) -> None:
    _, server, _ = over(name)
    assert "cache_control" not in json.dumps(server.requests)


def test_ollama_is_told_the_window(over: Any) -> None:
    _, server, _ = over("ollama")
    assert [body["options"]["num_ctx"] for body in server.requests] == [16_384] * 5


def test_who_gets_the_text_is_told_where_the_environment_sends_it(over: Any) -> None:
    ran, _, _ = over("openai")
    assert "root openai/gpt-5.2 (on this machine)" in ran.err.splitlines()[0]


def test_a_hybrid_has_two_addresses_two_wires_and_two_keys(
    text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CLOUD_KEY", "sk-cloud-0123456789abcdef")
    monkeypatch.setenv("HOUSE_KEY", "sk-house-0123456789abcdef")
    script = Script("anthropic")
    with AnthropicServer(script) as cloud, OllamaServer(script) as house:
        root = {
            "model": "anthropic/claude-opus-4-5",
            "api_base": cloud.url,
            "api_key_env": "CLOUD_KEY",
            "price": {"input": 5, "output": 25, "cached_input": 0.5, "cache_write": 6.25},
        }
        sub = {"model": "ollama_chat/qwen3", "api_base": house.url, "api_key_env": "HOUSE_KEY"}
        profile = tmp_path / "hybrid.yaml"
        profile.write_text(yaml.safe_dump({"strategy": "rlm", "root": root, "sub": sub}))
        ran = rlm("analyze", text, "Who?", "-p", str(profile), "-f", "json")
    assert ran.code == 0, ran.err
    assert cloud.keys == ["sk-cloud-0123456789abcdef"] * 3
    assert house.keys == ["sk-house-0123456789abcdef"] * 2
    assert "house" not in json.dumps(cloud.requests)
    usage = ran.json()["usage"]
    assert usage["sub"]["cost_usd"] == 0
    fresh, read, write, out = 2_100, 9_500, 6_400, 670
    assert usage["root"]["cost_usd"] == pytest.approx((fresh * 5 + read * 0.5 + write * 6.25 + out * 25) / 1e6)


REFUSALS = [
    ("openai", Scripted(None, refusal="I cannot help with that.")),
    ("openai", Scripted("", finish_reason="content_filter")),
    ("anthropic", Scripted("", finish_reason="refusal")),
    ("anthropic", Scripted("I will n", finish_reason="refusal")),
    ("gemini", Scripted(refusal="PROHIBITED_CONTENT")),
    ("gemini", Scripted(refusal="SAFETY", with_usage=False)),
    ("gemini", Scripted("I w", finish_reason="SAFETY")),
    ("gemini", Scripted("", finish_reason="PROHIBITED_CONTENT")),
    ("gemini", Scripted("", finish_reason="RECITATION", with_usage=False)),
]


@pytest.mark.parametrize(("name", "reply"), REFUSALS)
def test_a_refusal_is_incomplete_and_never_an_empty_answer(
    name: str, reply: Scripted, text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    wire = WIRES[name]
    with wire.server(reply) as server:
        monkeypatch.setenv(wire.address, server.url)
        monkeypatch.setenv(str(wire.key), "sk-0123456789abcdef")
        ran = rlm("analyze", text, "Who?", "--root-model", wire.root, "--sub-model", wire.sub, "-f", "json")
        assert len(server.requests) == 1
    assert ran.code == 3, ran.err
    result = ran.json()
    assert (result["status"], result["stop_reason"], result["answer"]) == ("partial", "refused", "")
    assert "declined to answer" in ran.err
    assert "Traceback" not in ran.err
    if reply.refusal and name == "openai":
        assert reply.refusal in ran.err
