"""What holds for the events of every run, however it ended."""

from typing import Any

import pytest


def check_events(events: list[dict[str, Any]], result: dict[str, Any]) -> None:
    """Hold the stream to DESIGN 1.4: every start one end, usage that adds up, run_finished last."""
    kinds = [event["type"] for event in events]
    assert kinds[0] == "run_started"
    assert kinds[-1] == "run_finished"
    assert kinds.count("run_started") == kinds.count("run_finished") == 1
    assert [event["at"] for event in events] == sorted(event["at"] for event in events)
    pairs = (("code_started", ["code_finished"]), ("subcall_started", ["subcall_finished", "subcall_failed"]))
    for start, ends in pairs:
        started = sorted(event["path"] for event in events if event["type"] == start)
        ended = sorted(event["path"] for event in events if event["type"] in ends)
        assert started == ended
        assert len(set(started)) == len(started)
    spending = ("model_replied", "subcall_finished", "subcall_failed", "history_compacted")
    for key in ("calls", "cached_calls", "input_tokens", "output_tokens"):
        total = sum(event["usage"][key] for event in events if event["type"] in spending)
        assert total == events[-1]["usage"][key] == result["usage"]["total"][key], key
    cost = sum(event["usage"]["cost_usd"] for event in events if event["type"] in spending)
    assert cost == pytest.approx(result["usage"]["total"]["cost_usd"])
