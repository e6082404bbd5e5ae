"""A conversation that nears the root model's window is shortened, and nothing in it is lost."""

import json
import re
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest
from support.command import Ran, rlm
from support.events import check_events
from support.openai_server import OpenAIServer, Scripted
from support.sittings import Sittings, events

from rlm_cli import analysis
from rlm_cli.events import Event, HistoryCompacted
from rlm_cli.results import Result
from rlm_cli.tokens import prompt_tokens
from rlm_cli.trajectory.sealed_lines import opened
from rlm_cli.types import Limits, ModelSpec, Price, Profile

ASKED = "write now a summary that will stand for"
NOTE = "Nothing of note in this part. " * 60
ITERATIONS = 30
WINDOW = 12_000


def cell(code: str) -> str:
    return f"{NOTE}\n```repl\n{code}\n```"


def step(number: int) -> str:
    """The reply of an iteration: each prints much, and the last one asks for what an early one had printed."""
    if number == ITERATIONS:
        return cell("FINAL([out[2].split()[0], len(out), found, out[29].split()[0]])")
    keep = "found = {'clause': 7}\n" if number == 3 else ""
    return cell(f"{keep}print('token{number} ' + 'word ' * 900)")


def reply(body: dict[str, Any], summary: str | Scripted) -> str | Scripted:
    last = body["messages"][-1]["content"]
    if ASKED in last:
        return summary
    return step(int(re.findall(r"iteration (\d+)/", last)[-1]))


class Long:
    """A run of thirty iterations in a small window."""

    def __init__(self, folder: Path, summary: str | Scripted = "Read so far: clause 7 decides.", **limits: Any) -> None:
        (folder / "input.txt").write_text("some text\n")
        self.events: list[Event] = []

        def billed(body: dict[str, Any]) -> Scripted:
            said = reply(body, summary)
            sent = sum(prompt_tokens(message["content"]) for message in body["messages"])
            return replace(said, input_tokens=sent) if isinstance(said, Scripted) else Scripted(said, sent)

        with OpenAIServer(billed) as server:
            spec = ModelSpec(
                "openai/root", api_base=server.url, max_output_tokens=500, context_window=WINDOW, price=Price(1, 10)
            )
            profile = Profile("t", "", spec, spec, Limits(**limits), strategy="rlm")
            task = analysis.prepare([str(folder / "input.txt")], "q", profile).task
            self.result: Result = analysis.run(task, self.events.append)
            self.requests = [body["messages"] for body in server.requests]
        check_events([each.to_json() for each in self.events], {"usage": {"total": asdict(self.result.usage)}})

    @property
    def compacted(self) -> list[HistoryCompacted]:
        return [each for each in self.events if isinstance(each, HistoryCompacted)]

    @property
    def asked(self) -> list[list[dict[str, str]]]:
        return [messages for messages in self.requests if ASKED in messages[-1]["content"]]


@pytest.fixture(scope="module")
def long(tmp_path_factory: pytest.TempPathFactory) -> Long:
    return Long(tmp_path_factory.mktemp("long"))


def test_thirty_iterations_in_a_small_window_lose_nothing(long: Long) -> None:
    assert json.loads(long.result.answer) == ["token2", 29, {"clause": 7}, "token29"]
    assert (long.result.status, long.result.iterations, long.result.warnings) == ("complete", 30, ())
    assert len(long.asked) == sum(bool(each.summary) for each in long.compacted) > 0


def test_no_request_exceeds_the_window(long: Long) -> None:
    sizes = [sum(prompt_tokens(message["content"]) for message in messages) for messages in long.requests]
    assert max(sizes) + 500 <= WINDOW
    assert max(sizes) > WINDOW / 2


def test_a_summary_stands_in_place_of_the_exchanges_that_it_names(long: Long) -> None:
    first = next(each for each in long.compacted if each.summary)
    last = first.summarised[-1]
    assert first.summarised == tuple(range(1, last + 1))
    assert first.path == f"0/{last + 3}"
    assert first.usage.calls == 1
    messages = long.requests[long.requests.index(long.asked[0]) + 1]
    assert [each["role"] for each in messages] == ["system", "user", *["assistant", "user"] * 3]
    assert messages[2]["content"] == first.summary == "Read so far: clause 7 decides."
    assert messages[3]["content"] == (
        f"Your summary above stands for iterations 1 to {last}. Nothing is lost: out[n] has the whole output of each, "
        "your variables are as they were:\nfound: dict, 1 items"
    )
    for kept, message in zip((last + 1, last + 2), (messages[5], messages[7]), strict=True):
        assert f"token{kept} " in message["content"]
        assert "hidden" not in message["content"]
        assert "folded" not in message["content"]


def test_a_later_summary_stands_for_the_earlier_one_too(long: Long) -> None:
    summarised = [each.summarised for each in long.compacted if each.summary]
    assert len(summarised) > 1
    assert all(each[0] == 1 for each in summarised)
    assert "Read so far: clause 7 decides." in [each["content"] for each in long.asked[1]]


def test_the_request_for_a_summary_begins_with_what_the_model_has_read_already(long: Long) -> None:
    asked = long.asked[0]
    before = long.requests[long.requests.index(asked) - 1]
    assert asked[:2] == before[:2]
    assert asked[-1]["role"] == "user"
    assert asked[-1]["content"].rpartition("\n\n")[2].startswith("The conversation nears your window.")


@pytest.mark.parametrize(
    ("summary", "why"),
    [
        (Scripted(status=400, error={"message": "no"}), "the history could not be summarised"),
        (Scripted(""), "the history could not be summarised"),
        ("word " * 12_000, "no shorter"),
    ],
)
def test_a_summary_that_fails_is_done_without_and_said(tmp_path: Path, summary: str | Scripted, why: str) -> None:
    run = Long(tmp_path, summary)
    assert any(why in each for each in run.result.warnings)
    assert not any(each.summarised for each in run.compacted)
    assert len(run.asked) >= 1
    assert any(each.folded for each in run.compacted)


def test_a_summary_counts_against_the_limits(long: Long, tmp_path: Path) -> None:
    cap = long.result.usage.tokens * 3 // 4
    run = Long(tmp_path, max_tokens=cap)
    assert run.asked
    assert run.result.stop_reason == "max_tokens"
    assert run.result.usage.tokens <= cap


class LongSittings(Sittings):
    summary: str | Scripted = "Read so far: clause 7 decides."

    def _reply(self, body: dict[str, Any]) -> str | Scripted:
        return reply(body, self.summary)


def resumed(sittings: Sittings, record: bytes, cut: int) -> Ran:
    sittings.record().write_bytes(record[:cut])
    sittings.record("events.jsonl").unlink()
    sittings.server.forget()
    return sittings.resume()


def test_a_run_is_resumed_across_a_summary_and_nothing_is_paid_twice(tmp_path: Path) -> None:
    with LongSittings(tmp_path, []) as sittings:
        text = Path(sittings.profile).read_text().replace("root:", f"root:\n  context_window: {WINDOW}", 1)
        Path(sittings.profile).write_text(text)
        whole = rlm("analyze", str(sittings.input), "q", "-p", sittings.profile, "--no-cache", "--strategy", "rlm")
        assert whole.code == 0, whole.err
        calls = len(sittings.server.requests)
        record = sittings.record().read_bytes()
        lines = record.splitlines(keepends=True)
        told = [json.loads(opened(line) or b"{}") for line in lines]
        summaries = [number for number, line in enumerate(told) if str(line.get("path", "")).endswith(".0")]
        assert len(summaries) >= 4
        spent = json.loads(sittings.record("result.json").read_text())["usage"]["total"]
        # Before the summary is asked for, before its reply, behind it, and two iterations on.
        for line in (summaries[0], summaries[1], summaries[1] + 1, summaries[1] + 12):
            done = sum("reply" in each for each in told[:line])
            again = resumed(sittings, record, sum(map(len, lines[:line])))
            assert (again.code, again.out) == (0, whole.out), again.err
            assert len(sittings.server.requests) == calls - done
            usage = json.loads(sittings.record("result.json").read_text())["usage"]["total"]
            assert usage["calls"] == spent["calls"]
            assert "went otherwise" not in again.err
            kinds = [each for each in events(sittings.record("events.jsonl")) if each["type"] == "history_compacted"]
            assert any(each["summarised"] for each in kinds)
