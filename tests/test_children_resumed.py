"""Runs with children that ended early and are resumed: nothing on record is made again, whoever goes live first."""

import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.events import check_events
from support.openai_server import Scripted
from support.quick_start import QuickStart, until
from support.sittings import Sittings, answered, cell, events

ROOT: list[str | Scripted] = [
    cell("found = rlm_query_batched([(q, context + q) for q in ['one', 'two', 'three', 'one']])\nprint(found)"),
    cell("more = rlm_query('four', context)\nprint(more, budget())"),
    cell("FINAL(' | '.join([*found, more]), evidence=more.evidence)"),
]
CELLS = [
    "first = llm_query_batched([f'{context[-3:]} {n}' for n in range(3)])\nprint(first, budget())",
    "second = llm_query(f'{context[-3:]} last')\nprint(object())\n1 / 0",
    "inner = rlm_query('inner ' + context[-4:].strip(), context)\nprint(inner)",
    "FINAL(' '.join(first) + second + inner, evidence=[(0, context[:10])])",
]


def child(question: str, given: int) -> str:
    return "FINAL(inside)" if question.startswith("inner") else cell(CELLS[given])


@pytest.fixture
def sittings(tmp_path: Path) -> Iterator[Sittings]:
    with Sittings(tmp_path, ROOT, child=child, max_depth=3, concurrency=2) as made:
        yield made


def outcome(sittings: Sittings) -> dict[str, object]:
    """What must not depend on how often a run was interrupted."""
    result = json.loads(sittings.record("result.json").read_text())
    kept = ("status", "answer", "citations", "iterations", "subcalls", "limits_reached", "usage", "warnings")
    return {key: result[key] for key in kept}


def check_spending(told: list[dict[str, object]]) -> None:
    """Hold a resumed run to its sum: what was repeated, what is left of the record, and what came after."""
    usages = [event["usage"] for event in told if "usage" in event and event["type"] != "run_finished"]
    for key in ("calls", "cached_calls", "input_tokens", "output_tokens"):
        assert sum(usage[key] for usage in usages) == told[-1]["usage"][key], key  # type: ignore[index]


def test_a_record_that_ends_anywhere_among_children_is_resumed_and_no_reply_is_paid_for_twice(
    sittings: Sittings,
) -> None:
    whole = sittings.begin()
    assert whole.code == 0, whole.err
    expected = outcome(sittings)
    check_events(events(sittings.record("events.jsonl")), json.loads(sittings.record("result.json").read_text()))
    record = sittings.record().read_bytes()
    everything = answered(record)
    ends = [index + 1 for index, byte in enumerate(record) if byte == 10]
    for cut in ends[2 : -1 : len(ends) // 9]:
        sittings.record().write_bytes(record[:cut])
        sittings.record("events.jsonl").unlink()
        sittings.server.forget()
        again = sittings.resume(sittings.run_id)
        assert (again.code, again.out) == (0, whole.out), again.err
        asked = sittings.asked()
        assert not set(asked) & answered(record[:cut]), cut
        assert set(asked.values()) <= {1}
        assert set(asked) | answered(record[:cut]) == everything
        assert outcome(sittings) == expected
        check_spending(events(sittings.record("events.jsonl")))


def test_a_child_goes_on_repeating_itself_when_another_has_gone_live(sittings: Sittings) -> None:
    """Take the replies of one child off the record, and leave those of the children beside it."""
    whole = sittings.begin()
    lines = sittings.record().read_bytes().splitlines(keepends=True)
    for lost in ("0/1.1/", "0/1.2/", "0/1.3/"):
        kept = b"".join(line for line in lines if f'"{lost}'.encode() not in line)
        sittings.record().write_bytes(kept)
        sittings.record("events.jsonl").unlink()
        sittings.server.forget()
        again = sittings.resume(sittings.run_id)
        assert (again.code, again.out) == (0, whole.out), again.err
        # What the root model was told of the batch is another thing now, and so is what it is asked.
        again_asked = {each for each in sittings.asked() if not each.startswith("root")}
        assert again_asked
        assert not again_asked & answered(kept)
        told = events(sittings.record("events.jsonl"))
        check_spending(told)
        [resumed] = [event for event in told if event["type"] == "run_resumed"]
        assert resumed["path"] == "0/1"


def test_what_a_child_has_gone_on_from_is_not_tried_again(tmp_path: Path) -> None:
    cells = ["r = llm_query_batched(['a', 'b'])\nprint([x.ok for x in r])", "print(2)", "FINAL(str(r[0]))"]
    root: list[str | Scripted] = [cell("FINAL(rlm_query('q', context))")]
    down = Scripted(status=400, error={"message": "no"})
    with Sittings(
        tmp_path, root, lambda prompt: down if prompt == "b" else prompt, child=lambda _, given: cell(cells[given])
    ) as sittings:
        whole = sittings.begin()
        assert whole.out.splitlines()[0] == "a"
        record = sittings.record().read_bytes()
        for path, again in (("0/1.1/3", 1), ("0/1.1/2", 2)):
            cut = record.index(f'"path": "{path}"'.encode())
            sittings.record().write_bytes(record[: record.rindex(b"\n", 0, cut) + 1])
            sittings.record("events.jsonl").unlink()
            sittings.server.forget()
            resumed = sittings.resume(sittings.run_id)
            assert (resumed.code, resumed.out) == (0, whole.out)
            assert sittings.asked()["b"] == again - 1
        check_spending(events(sittings.record("events.jsonl")))


def test_a_child_is_known_by_what_it_is_asked_whatever_has_become_of_the_run_around_it(tmp_path: Path) -> None:
    """The root model's reply is off the record. It asks the same again, and the child is repeated; or another one."""
    with Sittings(
        tmp_path, [cell("FINAL(rlm_query('new', context))")], child=lambda question, given: f"FINAL({question})"
    ) as sittings:
        sittings.begin()
        lines = sittings.record().read_bytes().splitlines(keepends=True)
        kept = b"".join(line for line in lines if b'"path": "0/1"' not in line)
        for question, asked in (("new", {"root 2": 1}), ("newer", {"root 2": 1, "child newer 2": 1})):
            sittings.record().write_bytes(kept)
            sittings.record("events.jsonl").unlink()
            sittings.root = [cell(f"FINAL(rlm_query({question!r}, context))")]
            sittings.server.forget()
            assert sittings.resume(sittings.run_id).out.splitlines()[0] == question
            assert sittings.asked() == asked
            check_spending(events(sittings.record("events.jsonl")))


def test_an_interrupt_among_children_ends_all_that_has_begun_and_is_gone_on_from(tmp_path: Path) -> None:
    late = Scripted("late", delay=60)

    def slow(question: str, given: int) -> str | Scripted:
        if question == "late":
            return late
        return cell("kept = llm_query('fine')") if given == 0 else cell("FINAL(kept + llm_query('slow'))")

    root: list[str | Scripted] = [
        cell("r = rlm_query_batched([(q, context) for q in ['one', 'late']])"),
        cell("FINAL(' '.join(r))"),
    ]
    with (
        Sittings(tmp_path, root, lambda prompt: late if prompt == "slow" else prompt, child=slow) as sittings,
        QuickStart() as quick,
    ):
        arguments = ["analyze", str(sittings.input), "who pays?", "-p", sittings.profile, "--no-cache", "-f", "json"]
        process = quick.start(arguments, tmp_path / "out", tmp_path / "err")
        until(lambda: {"slow", "child late 2"} <= set(sittings.asked()))
        os.kill(process, signal.SIGINT)
        assert quick.wait() == 130
        result = json.loads((tmp_path / "out").read_text())
        told = events(sittings.record("events.jsonl"))
        check_events(told, result)
        statuses = {event["path"]: event["status"] for event in told if event["type"] == "run_finished"}
        assert statuses == dict.fromkeys(("0/1.1", "0/1.2", "0"), "interrupted")
        assert result["usage"]["total"]["calls"] == 4
        sittings.server.forget()
        sittings.child = lambda question, given: slow(question, given) if question == "one" else "FINAL(in time)"
        sittings.sub = lambda prompt: prompt
        again = sittings.resume()
        assert (again.code, again.out.splitlines()[0]) == (0, "fineslow in time")
        assert sittings.asked() == {"slow": 1, "child late 2": 1, "root 4": 1}
        check_spending(events(sittings.record("events.jsonl")))
