"""A run for findings that ends while they are checked, and goes on: no verdict is paid twice, none is invented."""

import json
import signal
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from support.command import finish, start
from support.openai_server import Scripted
from support.sittings import Sittings, cell

TEXT = "".join(f"x{number} = eval(y)\n" for number in range(6))
CODE = "for n in range(6):\n    report_finding('code-injection', f'number {n}', 'm', 'input.txt', f'x{n} = eval(y)')"
ROOT: list[str | Scripted] = [cell(CODE), cell("FINAL('done')")]


@pytest.fixture(autouse=True)
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOOPBACK_KEY", "k")


def verdicts(out: str) -> Counter[str]:
    return Counter(each["verdict"] for each in json.loads(out)["findings"])


def checks(sittings: Sittings) -> Counter[str]:
    return Counter({prompt: times for prompt, times in sittings.asked().items() if prompt.startswith("Check one")})


def test_checks_that_a_limit_prevented_are_made_with_a_higher_one(tmp_path: Path) -> None:
    with Sittings(tmp_path, ROOT, sub=lambda prompt: "confirm: so", text=TEXT, timeout=60, max_subcalls=4) as sittings:
        begun = sittings.begin("--fail-on", "high", "-f", "json")
        assert (begun.code, verdicts(begun.out)) == (3, {"confirmed": 4, "unchecked": 2})
        assert f"to go on: rlm runs resume {sittings.run_id} --max-subcalls 6" in begun.err
        ran = sittings.resume("--max-subcalls", "6", "--fail-on", "high", "-f", "json")
        assert (ran.code, verdicts(ran.out)) == (1, {"confirmed": 6})
        assert set(checks(sittings).values()) == {1}
        assert json.loads(ran.out)["subcalls"] == 6
        refused = sittings.resume("--max-subcalls", "9")
        assert refused.code == 2 and "has given its answer" in refused.err


def test_with_few_more_sub_calls_as_many_more_findings_are_checked(tmp_path: Path) -> None:
    with Sittings(tmp_path, ROOT, sub=lambda prompt: "confirm: so", text=TEXT, timeout=60, max_subcalls=3) as sittings:
        assert sittings.begin("--findings").code == 3
        ran = sittings.resume("--max-subcalls", "5", "-f", "json")
        assert (ran.code, verdicts(ran.out)) == (3, {"confirmed": 5, "unchecked": 1})
        assert set(checks(sittings).values()) == {1}


def test_checks_that_failed_are_made_again_and_no_other(tmp_path: Path) -> None:
    failing = [True]

    def sub(prompt: str) -> str | Scripted:
        return Scripted(status=400) if failing[0] and "Claim: number 3" in prompt else "confirm: so"

    with Sittings(tmp_path, ROOT, sub=sub, text=TEXT, timeout=60) as sittings:
        begun = sittings.begin("--fail-on", "high", "-f", "json")
        assert (begun.code, verdicts(begun.out)) == (3, {"confirmed": 5, "unchecked": 1})
        failing.clear()
        failing.append(False)
        ran = sittings.resume("--fail-on", "high", "-f", "json")
        assert (ran.code, verdicts(ran.out)) == (1, {"confirmed": 6})
        assert sorted(checks(sittings).values()) == [1, 1, 1, 1, 1, 2]


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL], ids=["interrupted", "killed"])
def test_a_run_that_is_ended_while_findings_are_checked_goes_on(tmp_path: Path, how: signal.Signals) -> None:
    asked: list[str] = []
    running: list[Any] = []

    def sub(prompt: str) -> str | Scripted:
        asked.append(prompt)
        if len(asked) == 4:
            running[0].send_signal(how)
            return Scripted(text="confirm: so", delay=5)
        return "confirm: so"

    with Sittings(tmp_path, ROOT, sub=sub, text=TEXT, timeout=60, concurrency=1) as sittings:
        stale = tmp_path / "rlm.sarif"
        stale.write_text('{"runs": []}')
        options = ("--fail-on", "high", "-f", f"sarif={stale}", "-f", "json", "--no-cache")
        running.append(start("analyze", str(sittings.input), "who?", "-p", sittings.profile, *options))
        ended = finish(running[0])
        assert ended.code in (130, -signal.SIGKILL)
        assert not stale.exists()
        ran = sittings.resume("--fail-on", "high", "-f", "json", "-f", f"sarif={stale}")
        assert (ran.code, verdicts(ran.out)) == (1, {"confirmed": 6})
        assert len(json.loads(stale.read_text())["runs"][0]["results"]) == 6
        times = checks(sittings)
        assert sum(times.values()) == 7 and len(times) == 6, "the one that nobody had the reply of is asked again"


@pytest.mark.parametrize("options", [("-f", "sarif"), ("--fail-on", "high")], ids=str)
def test_a_run_that_was_asked_for_no_findings_is_not_resumed_into_a_clean_bill(
    tmp_path: Path, options: tuple[str, ...]
) -> None:
    with Sittings(tmp_path, [cell("1 / 0"), cell("FINAL('done')")], timeout=60) as sittings:
        assert sittings.begin("--max-iterations", "1").code == 3
        ran = sittings.resume("--max-iterations", "9", *options)
        assert (ran.code, ran.out) == (2, "")
        assert "was not asked for findings" in ran.err and "--findings" in ran.err
        assert sittings.resume("--max-iterations", "9").code == 0


def test_a_cost_limit_met_while_findings_are_checked_is_gone_on_from(tmp_path: Path) -> None:
    def sub(prompt: str) -> Scripted:
        return Scripted(text="confirm: so", input_tokens=400, output_tokens=490)

    limits: dict[str, Any] = {"timeout": 60, "max_cost": 0.04, "concurrency": 1}
    with Sittings(tmp_path, ROOT, sub=sub, text=TEXT, **limits) as sittings:
        begun = sittings.begin("--fail-on", "high", "-f", "json")
        before = verdicts(begun.out)
        assert (begun.code, json.loads(begun.out)["stop_reason"]) == (3, "max_cost")
        assert before["confirmed"] and before["unchecked"] and before.total() == 6
        told = tmp_path / "events"
        ran = sittings.resume("--max-cost", "1", "--fail-on", "high", "-f", "json", "--events", str(told))
        result = json.loads(ran.out)
        assert (ran.code, result["stop_reason"], verdicts(ran.out)) == (1, "final", {"confirmed": 6})
        assert set(checks(sittings).values()) == {1}
        lines = [json.loads(line) for line in told.read_text().splitlines()]
        used = sum(
            each["usage"]["output_tokens"] for each in lines if each["type"] in ("model_replied", "subcall_finished")
        )
        assert lines[-1]["type"] == "run_finished" and lines[-1]["usage"]["output_tokens"] == used == 6 * 490 + 2 * 5
