"""What holds for the events of every run, however it ended."""

from typing import Any

import pytest

SPENDING = ("model_replied", "subcall_finished", "subcall_failed", "history_compacted")
COUNTS = ("calls", "cached_calls", "input_tokens", "output_tokens")
PAIRS = (
    ("run_started", ["run_finished"]),
    ("code_started", ["code_finished"]),
    ("subcall_started", ["subcall_finished", "subcall_failed"]),
)


def check_events(events: list[dict[str, Any]], result: dict[str, Any]) -> None:
    """Hold the stream to DESIGN 1.4: every start one end, usage that adds up, run_finished last."""
    assert (events[0]["type"], events[0]["path"]) == ("run_started", "0")
    assert (events[-1]["type"], events[-1]["path"]) == ("run_finished", "0")
    assert [event["at"] for event in events] == sorted(event["at"] for event in events)
    for start, ends in PAIRS:
        started = sorted(event["path"] for event in events if event["type"] == start)
        ended = sorted(event["path"] for event in events if event["type"] in ends)
        assert started == ended
        assert len(set(started)) == len(started)
    for event in events:
        if event["type"] == "run_finished":
            check_usage(events, event)
    for key in COUNTS:
        assert events[-1]["usage"][key] == result["usage"]["total"][key], key
    assert events[-1]["usage"]["cost_usd"] == pytest.approx(result["usage"]["total"]["cost_usd"])
    check_nesting(events)


def check_usage(events: list[dict[str, Any]], finished: dict[str, Any]) -> None:
    """Hold the end of a run, of whatever depth, to the sum of what has happened in it."""
    within = f"{finished['path']}/"
    spent = [each["usage"] for each in events if each["type"] in SPENDING and each["path"].startswith(within)]
    for key in COUNTS:
        assert sum(usage[key] for usage in spent) == finished["usage"][key], (finished["path"], key)
    cost = sum(usage["cost_usd"] for usage in spent)
    assert cost == pytest.approx(finished["usage"]["cost_usd"]), finished["path"]


def check_nesting(events: list[dict[str, Any]]) -> None:
    """Hold child runs to their sub-calls: begun and ended within them, and nothing spent by those themselves."""
    children = {event["path"] for event in events if event["type"] == "run_started"} - {"0"}
    kinds: dict[str, list[str]] = {path: [] for path in children}
    for event in events:
        for path in children:
            if event["path"] == path or event["path"].startswith(f"{path}/"):
                kinds[path].append(event["type"])
        if event["path"] in children and event["type"] in ("subcall_finished", "subcall_failed"):
            assert event["usage"]["calls"] == event["usage"]["input_tokens"] == 0
    for path, told in kinds.items():
        assert told[:2] == ["subcall_started", "run_started"], path
        assert told[-2] == "run_finished", path
        assert told[-1] in ("subcall_finished", "subcall_failed"), path
