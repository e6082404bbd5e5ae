"""Limits met in the middle of a wide batch, in whole runs of the command: what is kept, what is said, exit 3."""

import json
from pathlib import Path
from typing import Any

import pytest
from support.command import rlm
from support.events import check_events
from support.openai_server import OpenAIServer, Scripted
from support.profiles import profile
from support.runs import cell

BATCH = (
    "r = llm_query_batched([f'p{n}' for n in range(64)])\n"
    "kept = [str(x) for x in r if x.ok]\nleft = budget()\nprint(len(kept), left)"
)


class Limited:
    """A run of the command whose only batch is 64 wide, under the limits given."""

    def __init__(self, folder: Path, text: str, hanging: int = 0, **limits: Any) -> None:
        def reply(body: dict[str, Any]) -> Scripted:
            prompt = body["messages"][-1]["content"]
            if body["model"] == "sub":
                slow = int(prompt[1:]) < hanging
                return Scripted(f"re {prompt}", input_tokens=20, output_tokens=400, delay=60 if slow else 0.01)
            if len(body["messages"]) == 2:
                return Scripted(cell(BATCH), input_tokens=3_000, output_tokens=100)
            return Scripted(cell("FINAL([len(kept), left])"), input_tokens=3_000, output_tokens=100)

        lines = folder / "events.jsonl"
        with OpenAIServer(reply) as server:
            path = profile(folder, server.url, **limits)
            output = ("-f", "json", "--events", str(lines))
            self.ran = rlm("analyze", text, "what?", "-p", path, "--set", "sub.timeout=60", *output)
            self.requests = server.requests
        self.result = self.ran.json()
        self.events = [json.loads(line) for line in lines.read_text().splitlines()]
        check_events(self.events, self.result)
        self.subs: int = sum(body["model"] == "sub" for body in self.requests)
        self.roots = len(self.requests) - self.subs
        self.kept, self.left = json.loads(self.result["answer"])

    @property
    def tokens(self) -> int:
        """What the server has billed."""
        return self.roots * 3_100 + self.subs * 420

    @property
    def cost(self) -> float:
        return (self.roots * (3_000 + 100 * 10) + self.subs * (20 + 400 * 10)) / 1e6


def test_a_cap_on_cost_in_a_batch_keeps_what_came_and_pays_for_the_last_word(tmp_path: Path, text: str) -> None:
    run = Limited(tmp_path, text, max_cost=0.1, concurrency=64)
    assert (run.ran.code, run.result["status"], run.result["stop_reason"]) == (3, "partial", "max_cost")
    assert 0 < run.kept == run.subs < 64
    assert run.roots == 2
    assert run.cost <= 0.1
    assert run.result["usage"]["total"]["cost_usd"] == pytest.approx(run.cost)
    assert f"${(4_000 + run.subs * 4_020) / 1e6:.2f}/$0.10" in run.left


def test_a_cap_on_tokens_in_a_batch_keeps_what_came_and_pays_for_the_last_word(tmp_path: Path, text: str) -> None:
    run = Limited(tmp_path, text, max_tokens=30_000, concurrency=64)
    assert (run.ran.code, run.result["status"], run.result["stop_reason"]) == (3, "partial", "max_tokens")
    assert 0 < run.kept == run.subs < 64
    assert run.roots == 2
    assert run.tokens <= 30_000
    assert f"sub-calls {run.subs}/100" in run.left


def test_the_end_of_time_in_a_batch_keeps_what_came_and_leaves_time_for_the_last_word(
    tmp_path: Path, text: str
) -> None:
    run = Limited(tmp_path, text, hanging=24, timeout=8, concurrency=64)
    assert (run.ran.code, run.result["status"], run.result["stop_reason"]) == (3, "partial", "timeout")
    assert run.kept == 40
    assert run.roots == 2
    ends = [event for event in run.events if event["type"] == "subcall_failed"]
    assert len(ends) == 24
    assert all(event["error"] == "abandoned: the time limit of 8 s is reached" for event in ends)


def test_the_last_iteration_ends_a_run_with_all_that_its_batch_brought(tmp_path: Path, text: str) -> None:
    run = Limited(tmp_path, text, max_iterations=1, concurrency=64)
    assert (run.ran.code, run.result["status"], run.result["stop_reason"]) == (3, "partial", "max_iterations")
    assert run.kept == run.subs == 64
    assert "sub-calls 64/100" in run.left
    assert run.roots == 2


def test_a_batch_beyond_the_sub_calls_left_sends_nothing_and_the_run_goes_on(tmp_path: Path, text: str) -> None:
    code = "try:\n    llm_query_batched([f'p{n}' for n in range(64)])\nexcept SubCallError as e:\n    FINAL(str(e))"
    with OpenAIServer(cell(code)) as server:
        ran = rlm("analyze", text, "what?", "-p", profile(tmp_path, server.url, max_subcalls=63), "-f", "json")
        assert len(server.requests) == 1
    result = ran.json()
    assert (ran.code, result["status"], result["limits_reached"]) == (0, "complete", ["max_subcalls"])
    assert "64 sub-calls asked for, 63 of 63 left; nothing was sent" in result["answer"]


def test_a_warning_comes_when_four_fifths_are_used(tmp_path: Path, text: str) -> None:
    run = Limited(tmp_path, text, max_subcalls=80, concurrency=64)
    assert (run.ran.code, run.result["status"]) == (0, "complete")
    assert "nearly out: sub-calls 80% used" in run.left
    assert "nearly out: sub-calls 80% used" in run.requests[-1]["messages"][-1]["content"].splitlines()[-1]
