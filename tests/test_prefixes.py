"""Prompt caches: on every wire each root request begins with the one before it, byte for byte.

Covered: whole runs with code that fails, batches, replies in prose, an empty reply, folded outputs, the last word.
"""

import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.anthropic_server import AnthropicServer
from support.gemini_server import GeminiServer
from support.model_server import Body, ModelServer, Scripted
from support.openai_server import OpenAIServer
from support.runs import cell

from rlm_cli import analysis
from rlm_cli.events import Event, HistoryCompacted
from rlm_cli.results import Result
from rlm_cli.types import Limits, ModelSpec, Price, Profile

REPLIES: list[str | Scripted] = [
    cell("print('first look')\nn = 1 / 0"),
    "I would look for the tenant next.",
    "",
    cell("r = llm_query_batched([f'p{n}' for n in range(5)])\nprint([str(x) for x in r], budget())"),
    "Täglich 漢字 \ud83d\ude00 \u2028 and\ttabs\r\n\r\n" + cell("print('ünï', '漢' * 10, sep='\\r\\n')") + "\n\n ",
    Scripted(cell("print('cut')") + "\n```repl\nprint('in the mid", finish_reason="length"),
    cell("print(llm_query('one more'))"),
    "All that I have found.",
]


def blocks(body: Body) -> list[tuple[str, str]]:
    """Return all that the model reads, in order, without the marks that only say how far to keep it."""
    system = body.get("system") or body.get("system_instruction") or body.get("systemInstruction") or []
    rows: list[Any] = [{"role": "system", "content": system["parts"] if isinstance(system, dict) else system}]
    rows += body.get("messages") or body.get("contents") or []
    read: list[tuple[str, str]] = []
    for row in rows:
        content = row.get("content") or row.get("parts") or []
        texts = [content] if isinstance(content, str) else [block["text"] for block in content]
        read += [(row["role"], text) for text in texts]
    return read


def extends(before: list[tuple[str, str]], after: list[tuple[str, str]]) -> bool:
    return len(after) > len(before) and after[: len(before)] == before


def marks(value: Any) -> int:
    """Count the cache marks in a request."""
    if isinstance(value, dict):
        return ("cache_control" in value) + sum(marks(each) for each in value.values())
    return sum(marks(each) for each in value) if isinstance(value, list) else 0


class Told:
    """A finished run over one wire: its root requests, as they came, and its events."""

    def __init__(
        self,
        folder: Path,
        server: Callable[[Any], ModelServer],
        model: str,
        replies: list[str | Scripted],
        iterations: int,
        window: int = 100_000,
    ) -> None:
        left = list(replies)

        def reply(asked: Body) -> str | Scripted:
            if asked["messages"][0]["role"] == "user":
                return f"re {asked['messages'][-1]['content']}"
            return left.pop(0) if len(left) > 1 else left[0]

        (folder / "input.txt").write_text("some text\n")
        self.events: list[Event] = []
        with server(reply) as wire:
            spec = ModelSpec(
                model, wire.url, "LOOPBACK_KEY", max_output_tokens=500, context_window=window, price=Price(1, 10)
            )
            profile = Profile("test", "", spec, spec, Limits(max_iterations=iterations), strategy="rlm")
            prepared = analysis.prepare([str(folder / "input.txt")], "what?", profile)
            self.result: Result = analysis.run(prepared.task, self.events.append)
            prepared.task.context.close()
            pairs = zip(wire.requests, wire.asked, strict=True)
            self.requests = [body for body, asked in pairs if asked["messages"][0]["role"] == "system"]

    def breaks(self) -> int:
        """Count the requests that do not begin with the one before."""
        read = [blocks(body) for body in self.requests]
        return sum(not extends(before, after) for before, after in itertools.pairwise(read))


WIRES = [
    (OpenAIServer, "openai/gpt-4o"),
    (AnthropicServer, "anthropic/claude-sonnet-4-5"),
    (GeminiServer, "gemini/gemini-2.5-flash"),
]


@pytest.mark.parametrize(("server", "model"), WIRES)
def test_each_root_request_begins_with_the_one_before(
    tmp_path: Path, server: Callable[[Any], ModelServer], model: str
) -> None:
    told = Told(tmp_path, server, model, REPLIES, iterations=7)
    assert told.result.answer == "All that I have found."
    assert len(told.requests) == 8
    assert told.breaks() == 0
    kept = [marks(body) for body in told.requests]
    assert all(0 < each <= 4 for each in kept) if server is AnthropicServer else not any(kept)


@pytest.mark.parametrize(("server", "model"), WIRES)
def test_folding_old_outputs_breaks_the_prefix_once_each_time(
    tmp_path: Path, server: Callable[[Any], ModelServer], model: str
) -> None:
    told = Told(tmp_path, server, model, [*[cell("print('word ' * 1_500)")] * 8, "FINAL(done)"], 10, window=16_000)
    folded = [event for event in told.events if isinstance(event, HistoryCompacted)]
    assert folded
    assert told.breaks() == len(folded)
