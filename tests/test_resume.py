"""A run that ended early is resumed: what is on record is not paid for again, and the answer is the same."""

import json
from pathlib import Path

import pytest
from support.openai_server import Scripted
from support.sittings import VARYING, Sittings, answered, cell, events

from rlm_cli.budget import Budget
from rlm_cli.engine.replay import Replay
from rlm_cli.errors import LimitReached
from rlm_cli.events import CallPath, RunResumed
from rlm_cli.trajectory import FileJournal, Past
from rlm_cli.trajectory.journal import call_of
from rlm_cli.trajectory.sealed_lines import sealed
from rlm_cli.types import Limits, Message, ModelSpec, Price, Profile, Request


@pytest.fixture
def sittings(tmp_path: Path) -> "Sittings":
    return Sittings(tmp_path, VARYING, max_subcalls=20)


def outcome(sittings: Sittings) -> dict[str, object]:
    """What must not depend on how often a run was interrupted."""
    result = json.loads(sittings.record("result.json").read_text())
    kept = ("status", "answer", "doubt", "citations", "iterations", "subcalls", "limits_reached", "usage", "warnings")
    return {key: result[key] for key in kept}


def test_a_record_that_ends_anywhere_is_resumed_and_no_reply_is_paid_for_twice(sittings: Sittings) -> None:
    with sittings:
        whole = sittings.begin()
        assert whole.code == 0, whole.err
        expected = outcome(sittings)
        record = sittings.record().read_bytes()
        ends = [index + 1 for index, byte in enumerate(record) if byte == 10]
        # At the end of a line, before it, and in the middle of the next one.
        cuts = sorted({0, *ends[:-1:2], *(end - 1 for end in ends[1::8]), *(end + 40 for end in ends[5:-1:8])})
        for cut in cuts:
            sittings.record().write_bytes(record[:cut])
            sittings.record("events.jsonl").unlink()
            sittings.server.forget()
            again = sittings.resume(sittings.run_id)
            assert (again.code, again.out) == (0, whole.out), again.err
            assert not set(sittings.asked()) & answered(record[:cut])
            assert set(sittings.asked().values()) <= {1}
            assert set(sittings.asked()) | answered(record[:cut]) == answered(record)
            assert outcome(sittings) == expected
            told = events(sittings.record("events.jsonl"))
            spent = sum(event["usage"]["cost_usd"] for event in told[:-1] if "usage" in event)
            assert spent == pytest.approx(told[-1]["usage"]["cost_usd"])


def test_a_resumed_run_may_be_killed_and_resumed_again(sittings: Sittings) -> None:
    with sittings:
        whole = sittings.begin()
        for fraction in (4, 3, 2):
            record = sittings.record().read_bytes()
            sittings.record().write_bytes(record[: len(record) // fraction])
            sittings.record("events.jsonl").unlink()
            assert sittings.resume().out == whole.out


def test_the_root_model_sees_the_same_history_as_before(sittings: Sittings) -> None:
    with sittings:
        sittings.begin()
        before = [body["messages"] for body in sittings.server.requests if body["model"] == "root"]
        record = sittings.record().read_bytes().splitlines(keepends=True)
        last = max(number for number, line in enumerate(record) if b'"path": "0/4"' in line and b'"messages"' in line)
        sittings.record().write_bytes(b"".join(record[:last]))
        sittings.record("events.jsonl").unlink()
        sittings.server.forget()
        sittings.resume()
        after = [body["messages"] for body in sittings.server.requests if body["model"] == "root"]
    assert [len(each) for each in after] == [8, 10]
    assert without_addresses(after[0]) == without_addresses(before[3])


def without_addresses(messages: list[dict[str, str]]) -> str:
    return "\n".join(
        " ".join(word for word in message["content"].split() if not word.startswith("0x")) for message in messages
    )


def test_a_limit_that_ended_the_run_has_to_be_raised(tmp_path: Path) -> None:
    root: list[str | Scripted] = [
        cell("found = llm_query_batched(['a', 'b', 'c'])\nprint(found)"),
        cell("found += llm_query_batched(['d', 'e'])\nprint(found)"),
        cell("FINAL(' '.join(found))"),
    ]
    with Sittings(tmp_path, root, max_iterations=1) as sittings:
        sittings.root = [root[0], "FINAL(not all)"]
        partial = sittings.begin()
        assert (partial.code, partial.out.splitlines()[0]) == (3, "not all")
        assert f"to go on: rlm runs resume {sittings.run_id} --max-iterations 2" in partial.err
        refused = sittings.resume()
        assert (refused.code, refused.out) == (2, "")
        assert "has used up its max-iterations of 1" in refused.err
        assert f"hint: rlm runs resume {sittings.run_id} --max-iterations 2" in refused.err
        sittings.root = root
        sittings.server.forget()
        more = sittings.resume("--max-iterations", "5")
        assert (more.code, more.out.splitlines()[0]) == (0, "re a re b re c re d re e")
        assert sittings.asked() == {"root 4": 1, "d": 1, "e": 1, "root 6": 1}
        usage = json.loads(sittings.record("result.json").read_text())["usage"]["total"]
        assert usage["calls"] == 3 + 1 + 1 + 2 + 2  # the last word was paid for, too
        assert sittings.resume().code == 2


def test_a_failed_run_goes_on_where_it_failed(tmp_path: Path) -> None:
    root: list[str | Scripted] = [
        cell("found = llm_query_batched(['a', 'b'])"),
        Scripted(status=401, error={"m": "no"}),
    ]
    with Sittings(tmp_path, root) as sittings:
        failed = sittings.begin()
        assert failed.code == 4
        sittings.root = [root[0], cell("FINAL(' '.join(found))")]
        sittings.server.forget()
        again = sittings.resume()
        assert (again.code, again.out.splitlines()[0]) == (0, "re a re b")
        assert sittings.asked() == {"root 4": 1}


def test_what_failed_is_tried_again_unless_the_run_has_gone_on_from_it(tmp_path: Path) -> None:
    code = "found = [each if each.ok else '-' for each in llm_query_batched(['a', 'b'])]\nprint(found)"
    failing = {"b"}

    def sub(prompt: str) -> str | Scripted:
        return Scripted(status=400, error={"message": "no"}) if prompt in failing else f"re {prompt}"

    root: list[str | Scripted] = [cell(code), cell("print(1)"), cell("FINAL(' '.join(found))")]
    with Sittings(tmp_path, root, sub) as sittings:
        assert sittings.begin().out.splitlines()[0] == "re a -"
        record = sittings.record().read_bytes()
        failing.clear()
        for path, answer in (("0/3", "re a -"), ("0/2", "re a re b")):
            cut = record.index(f'"path": "{path}"'.encode())
            sittings.record().write_bytes(record[: record.rindex(b"\n", 0, cut) + 1])
            sittings.record("events.jsonl").unlink()
            assert sittings.resume().out.splitlines()[0] == answer


def test_changed_input_is_refused_and_with_anyway_only_what_it_touches_is_paid_for(tmp_path: Path) -> None:
    root: list[str | Scripted] = [
        cell("parts = context.splitlines()\nfound = llm_query_batched(parts)\nprint(len(found))"),
        cell("FINAL(' '.join(found))"),
    ]
    with Sittings(tmp_path, root, text="one\ntwo\nthree\n") as sittings:
        sittings.begin()
        record = sittings.record().read_bytes()
        sittings.record().write_bytes(record[: record.index(b'"told": "0/1 batch')])
        sittings.record("events.jsonl").unlink()
        sittings.input.write_text("one\nTWO\nthree\n")
        refused = sittings.resume()
        assert (refused.code, refused.out) == (2, "")
        assert "the input has changed since the run began: 14 characters in 1 document, then 14 in 1" in refused.err
        assert "--anyway" in refused.err
        sittings.server.forget()
        again = sittings.resume("--anyway")
        assert again.out.splitlines()[0] == "re one re TWO re three"
        assert sittings.asked() == {"TWO": 1, "root 4": 1}
        assert "warning: the input has changed" in again.err
        told = sittings.server.requests[-1]["messages"][-1]["content"]
        assert "meanwhile the input has changed since the run began" in told
        record = sittings.record().read_bytes()
        last = record.rindex(b'"messages"')
        sittings.record().write_bytes(record[: record.rindex(b"\n", 0, last) + 1])
        sittings.record("events.jsonl").unlink()
        sittings.server.forget()
        assert sittings.resume().out == again.out
        assert sittings.asked() == {"root 4": 1}
        assert sittings.server.requests[-1]["messages"][-1]["content"] == told


def test_what_was_refused_as_a_whole_is_told_apart_from_what_was_asked_next(tmp_path: Path) -> None:
    """Each place at which something is told has a name of its own."""
    code = """
for number in (90, 50, 2):
    try:
        found = llm_query_batched([f'{n}' for n in range(number)])
        print(llm_query_batched(['x' * 60_000, 'y' * 60_000]))
    except SubCallError as error:
        print(error)
"""
    root: list[str | Scripted] = [cell(code), cell("print(1)"), cell("FINAL(' '.join(found))")]
    with Sittings(tmp_path, root, max_subcalls=20) as sittings:
        profile = Path(sittings.profile)
        profile.write_text(
            profile.read_text().replace("max_output_tokens", "context_window: 9000\n  max_output_tokens")
        )
        whole = sittings.begin()
        record = sittings.record().read_bytes()
        sittings.record().write_bytes(record[: record.index(b'"path": "0/3"')])
        sittings.record("events.jsonl").unlink()
        sittings.server.forget()
        again = sittings.resume()
        assert (again.code, again.out) == (0, whole.out)
        assert sittings.asked() == {"root 6": 1}


def test_a_limit_that_was_raised_in_vain_can_be_raised_again(tmp_path: Path) -> None:
    with Sittings(tmp_path, [cell("print(1)"), "FINAL(done)"], max_iterations=1) as sittings:
        sittings.root = [cell("print(1)")]
        assert sittings.begin().code == 3
        sittings.input.write_text("something else")
        assert "the input has changed" in sittings.resume("--max-iterations", "5").err
        sittings.root = [cell("print(1)"), "FINAL(done)"]
        assert sittings.resume("--max-iterations", "5", "--anyway").out == "done\n"


def test_a_raised_limit_is_what_the_model_hears_of(tmp_path: Path) -> None:
    root: list[str | Scripted] = [cell("found = llm_query_batched(['a', 'b', 'c'])"), "FINAL(nothing)"]
    with Sittings(tmp_path, root, max_subcalls=2, max_iterations=1) as sittings:
        assert "3 sub-calls asked for, 2 of 2 left" in sittings.begin().err
        sittings.root = [root[0], cell("FINAL(' '.join(found))")]
        more = sittings.resume("--max-iterations", "9", "--max-subcalls", "20")
        assert (more.code, more.out) == (0, "re a re b re c\n"), more.err
        assert "iteration 2/9 | sub-calls 3/20 |" in sittings.server.requests[-1]["messages"][-1]["content"]


def test_all_that_is_on_record_was_spent_also_where_the_run_does_not_come_by_it(tmp_path: Path) -> None:
    root: list[str | Scripted] = [cell("print(1)"), cell("print(2)"), "FINAL(done)"]
    with Sittings(tmp_path, root, max_iterations=1) as sittings:
        assert sittings.begin().code == 3
        assert sittings.resume("--max-iterations", "9").out == "done\n"
        expected = outcome(sittings)
        sittings.record("events.jsonl").unlink()
        assert sittings.resume().out == "done\n"
        assert outcome(sittings) == expected
        told = events(sittings.record("events.jsonl"))
        assert sum(event["usage"]["calls"] for event in told[:-1] if "usage" in event) == 4
        assert told[-1]["usage"]["calls"] == 4


def test_a_limit_in_millions_is_named_so_that_it_can_be_typed(tmp_path: Path) -> None:
    reply = Scripted(cell("print(1)"), input_tokens=1_499_000)
    with Sittings(tmp_path, [reply], max_tokens=1_500_000) as sittings:
        assert "--max-tokens 3000000\n" in sittings.begin().err
        refused = sittings.resume()
        assert "has used up its max-tokens of 1500000" in refused.err
        assert "--max-tokens 3000000\n" in refused.err


def test_code_that_does_otherwise_the_second_time_goes_on_live_and_nothing_spent_is_forgotten(tmp_path: Path) -> None:
    root: list[str | Scripted] = [
        cell("print(id(object()))"),
        cell("found = llm_query_batched(['a', 'b'])\nprint(found)"),
        cell("print(llm_query('c'))"),
        cell("FINAL(' '.join(found))"),
    ]
    with Sittings(tmp_path, root) as sittings:
        whole = sittings.begin()
        record = sittings.record().read_bytes()
        sittings.record().write_bytes(record[: record.index(b'"path": "0/4"')])
        sittings.record("events.jsonl").unlink()
        sittings.server.forget()
        again = sittings.resume()
        assert again.out == whole.out
        # What the sub-model was asked is on record, wherever it is asked again.
        assert sittings.asked() == {"root 4": 1, "root 6": 1, "root 8": 1}
        usage = json.loads(sittings.record("result.json").read_text())["usage"]
        assert (usage["root"]["calls"], usage["sub"]["calls"], usage["sub"]["cached_calls"]) == (3 + 3, 3, 3)
        told = events(sittings.record("events.jsonl"))
        [resumed] = [event for event in told if event["type"] == "run_resumed"]
        assert (resumed["path"], resumed["calls"], resumed["usage"]["calls"]) == ("0/2", 1, 2 + 3)
        assert sum(event["usage"]["calls"] for event in told[:-1] if "usage" in event) == told[-1]["usage"]["calls"]


def test_a_call_that_nobody_answered_is_held_against_the_limit(tmp_path: Path) -> None:
    spec = ModelSpec("openai/sub", max_output_tokens=500, price=Price(1, 10))
    request = Request("sub", spec, (Message("user", "a"),), 9, "0/1.1")
    lines: list[dict[str, object]] = []
    FileJournal(lines.append, lambda: 7.0, None).asked(call_of(request), request.messages)
    (tmp_path / "calls.jsonl").write_bytes(b"".join(map(sealed, lines)))
    past = Past(tmp_path / "calls.jsonl")
    budget = Budget(Limits(max_cost=0.008), resumed=True)
    replay = Replay(FileJournal(lines.append, budget.elapsed, past), budget, Profile("", "", spec, spec), {})
    assert replay.find(request) is None
    [resumed] = replay.go_live(CallPath("0/1"))
    assert isinstance(resumed, RunResumed)
    assert (resumed.usage.calls, budget.usage().cost_usd) == (0, 0.0)
    assert budget.elapsed() >= 7.0
    with pytest.raises(LimitReached, match="cost limit"):
        budget.admit(request)
