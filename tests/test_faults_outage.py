"""Whole runs whose server is down for a while or for good, fails by chance, or still works when the run is over."""

import hashlib
import threading
from pathlib import Path

import pytest
from support.model_server import Scripted, rate_limited
from support.openai_server import OpenAIServer
from support.wire_runs import WireRun, batch, fine

from rlm_cli import analysis
from rlm_cli.events import Event, SubcallFailed, SubcallFinished, SubcallStarted
from rlm_cli.types import Limits, ModelSpec, Price, Profile

# --- down, or not always up ---------------------------------------------------------------------------------------


def test_a_server_that_goes_away_and_comes_back_costs_no_call(tmp_path: Path) -> None:
    runs: list[WireRun] = []

    class Watched(WireRun):
        def __init__(self) -> None:
            runs.append(self)
            super().__init__(tmp_path, sub, number=40, concurrency=8)

    def sub(prompt: str, time: int) -> str | Scripted:
        if (prompt, time) == ("p15", 1):
            runs[0].server.go_away(2.0)
        return fine(prompt, time)

    run = Watched()
    assert run.answers == [f"re p{number}" for number in range(40)]
    assert (run.result.usage_sub.calls, run.failures) == (40, {})
    # Before and after: nothing twice but what was under way when the connections broke.
    again = [prompt for prompt, count in run.counts.items() if count > 1]
    assert len(again) <= 8
    assert all(run.counts[prompt] == 2 for prompt in again)


def test_a_third_of_all_calls_failing_by_chance_changes_no_answer(tmp_path: Path) -> None:
    kinds = [Scripted(status=500), Scripted(status=529), rate_limited(), Scripted("x" * 99, cut=True)]

    def fails(prompt: str, time: int) -> bool:
        return hashlib.sha256(f"{prompt} {time}".encode()).digest()[0] < 0.3 * 256

    def sub(prompt: str, time: int) -> str | Scripted:
        return kinds[int(prompt[1:]) % 4] if fails(prompt, time) else fine(prompt, time)

    run = WireRun(tmp_path, sub, number=200, concurrency=64, max_subcalls=200)
    assert run.answers == [f"re p{number}" for number in range(200)]
    for number in range(200):
        needed = next(time for time in range(1, 20) if not fails(f"p{number}", time))
        assert run.counts[f"p{number}"] == needed
    assert run.counts.total() > 270
    assert run.result.usage_sub.calls == 200


def test_many_calls_to_a_server_that_stays_down_do_not_each_run_the_whole_ladder(tmp_path: Path) -> None:
    run = WireRun(tmp_path, lambda *_: Scripted(status=503), number=48, concurrency=48, spec={"timeout": 5})
    assert run.answers == [None] * 48
    assert run.asked <= 48 + 12 + 6 * 4  # each once at most, then a quarter, then a few after each longer pause
    assert sum(run.failures.values()) == 48
    assert all("HTTP 503" in error for error in run.failures)


def test_a_call_that_always_fails_does_not_hold_up_the_others(tmp_path: Path) -> None:
    run = WireRun(
        tmp_path,
        lambda prompt, time: Scripted(status=500) if prompt == "p0" else fine(prompt, time),
        number=12,
        concurrency=2,
        spec={"timeout": 3},
    )
    assert run.answers == [None, *(f"re p{number}" for number in range(1, 12))]
    assert all(run.counts[f"p{number}"] == 1 for number in range(1, 12))
    [failed] = [event for event in run.events if isinstance(event, SubcallFailed)]
    others = [event.at for event in run.events if isinstance(event, SubcallFinished)]
    assert max(others) < failed.at


# --- when the run is over -----------------------------------------------------------------------------------------


def calls_that_go_on() -> list[threading.Thread]:
    """Return the threads of calls that have not ended 20 seconds from now."""
    threads = [thread for thread in threading.enumerate() if thread.name == "rlm-call"]
    for thread in threads:
        thread.join(20)
    return [thread for thread in threads if thread.is_alive()]


def test_nothing_goes_on_after_a_run_that_ran_out_of_time(tmp_path: Path) -> None:
    # 16 calls open, 8 waiting to be tried again, 8 not begun.
    def sub(prompt: str, _: int) -> Scripted:
        return Scripted("late", delay=100) if int(prompt[1:]) % 2 else Scripted(status=503)

    run = WireRun(tmp_path, sub, number=40, concurrency=24, spec={"timeout": 90}, timeout=4)
    requests = run.counts.total()
    assert (run.result.status, run.result.stop_reason) == ("partial", "timeout")
    assert run.left_alone
    assert calls_that_go_on() == []
    assert run.counts.total() == requests
    assert run.server.hung_up > 0
    assert all(count == 1 for prompt, count in run.counts.items() if prompt != "root" and int(prompt[1:]) % 2)
    assert run.result.usage_sub.calls == 0


def test_nothing_goes_on_after_a_run_that_its_watcher_broke_off(tmp_path: Path) -> None:
    (tmp_path / "input.txt").write_text("some text")
    seen: list[Event] = []

    def watch(event: Event) -> None:
        seen.append(event)
        if sum(isinstance(each, SubcallStarted) for each in seen) == 4:
            assert server.await_asked(5)
            raise ZeroDivisionError

    def reply(body: dict[str, object]) -> str | Scripted:
        return batch(4) if body["model"] == "root" else Scripted("late", delay=100)

    with OpenAIServer(reply) as server:
        root, sub = (
            ModelSpec(f"openai/{name}", api_base=server.url, api_key_env="LOOPBACK_KEY", price=Price(1, 1))
            for name in ("root", "sub")
        )
        task = analysis.prepare(
            [str(tmp_path / "input.txt")], "?", Profile("p", "", root, sub, Limits(), strategy="rlm")
        ).task
        with pytest.raises(ZeroDivisionError):
            analysis.run(task, watch)
        task.context.close()
        assert server.await_open(0)
        assert calls_that_go_on() == []
        assert len(server.requests) == 5
        assert server.hung_up == 4
