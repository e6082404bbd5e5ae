"""Events survive being written and read: a record says what the run said."""

import io
import json
from pathlib import Path
from typing import Any

import pytest

from rlm_cli import analyze
from rlm_cli.event_lines import read_events, write_event
from rlm_cli.events import (
    EVENTS,
    CallPath,
    Event,
    FindingReported,
    HistoryCompacted,
    LimitReached,
    RefinementStarted,
    RunResumed,
    SubcallFailed,
    event_from,
)
from rlm_cli.results import Finding
from rlm_cli.types import Usage


def every_kind(folder: Path) -> list[Event]:
    (folder / "in.txt").write_text("The tenant pays.\n" * 50)
    events: list[Event] = []
    analyze(folder / "in.txt", question="who pays?", profile="offline", watch=events.append)
    here = CallPath("0/1.1")
    events.append(HistoryCompacted(path=here, outputs=2, tokens_before=9, tokens_after=3, usage=Usage()))
    events.append(RunResumed(path=here, calls=3, usage=Usage(2, 1, 10, 0, 5, 0.25)))
    events.append(RefinementStarted(path=here, profile="strong", root_model="a/b", sub_model="c/d", documents=3))
    events.append(LimitReached(path=here, limit="timeout", message="the time is up"))
    finding = Finding("xss", "high", "a title", "why", "a.js", 3, 4, 5, 6, "a = b", 0.5, cell=2, reason="so")
    events.append(FindingReported(path=here, finding=finding))
    events.append(SubcallFailed(path=here, error="no", seconds=1.0, usage=Usage(1, cost_usd=None)))
    return events


def written(events: list[Event]) -> bytes:
    file = io.BytesIO()
    for event in events:
        write_event(event, file)
    return file.getvalue()


def test_every_event_reads_back_as_it_was(tmp_path: Path) -> None:
    events = every_kind(tmp_path)
    assert {event.type for event in events} == set(EVENTS)
    lines = written(events)
    again = list(read_events(lines.splitlines(keepends=True)))
    assert written(again) == lines
    for before, after in zip(events, again, strict=True):
        assert type(after) is type(before)
        assert after.path.depth == before.path.depth


def test_a_line_that_was_cut_off_ends_the_record_and_nonsense_is_named(tmp_path: Path) -> None:
    lines = written(every_kind(tmp_path)).splitlines(keepends=True)
    assert len(list(read_events([*lines[:3], lines[3][:-20]]))) == 3
    for nonsense in (b"[]\n", b"{}\n", b'{"type": "run_started", "path": "0"}\n', b"\xff\n", b'{"type": "later"}\n'):
        with pytest.raises(ValueError, match="line 2: "):
            list(read_events([lines[0], nonsense]))


def test_a_key_of_a_later_version_is_passed_over(tmp_path: Path) -> None:
    line = written(every_kind(tmp_path)[:1]).replace(b'{"type"', b'{"later": 1, "type"')
    [event] = read_events([line])
    assert event.type == "run_started"


def test_a_record_of_an_earlier_version_can_be_read(tmp_path: Path) -> None:
    later = {
        "run_started": ("root_address", "sub_address"),
        "model_replied": ("model",),
        "subcall_finished": ("model",),
        "run_finished": ("hint", "warnings", "failed_subcalls", "citations"),
    }
    for line in written(every_kind(tmp_path)).splitlines(keepends=True):
        plain = json.loads(line)
        for name in later.get(plain["type"], ()):
            del plain[name]
        [event] = read_events([json.dumps(plain).encode() + b"\n"])
        assert {name: value for name, value in event.to_json().items() if name in plain} == plain


@pytest.mark.parametrize(
    ("kind", "change"),
    [
        ("run_started", {"question": 5}),
        ("run_started", {"limits": {"max_cost": "none"}}),
        ("run_started", {"path": 0}),
        ("run_started", {"path": "0/1/2"}),
        ("run_started", {"path": "0/" + "9" * 5_000}),
        ("run_started", {"at": True}),
        ("context_loaded", {"inputs": "in.txt"}),
        ("context_loaded", {"skipped": {"binary": None}}),
        ("iteration_started", {"number": 1.5}),
        ("iteration_started", {"at": float("nan")}),
        ("model_replied", {"usage": 3}),
        ("model_replied", {"usage": {"calls": [1]}}),
        ("model_replied", {"seconds": float("inf")}),
        ("model_replied", {"usage": {"cost_usd": "free"}}),
        ("model_replied", {"usage": {"calls": 10**400}}),
        ("code_started", {"blocks": [1]}),
        ("answer_given", {"doubt": ["no"]}),
        ("run_finished", {"status": "\x1b[2Jcomplete"}),
        ("run_finished", {"status": []}),
        ("run_finished", {"stop_reason": "bored"}),
        ("run_finished", {"failed_subcalls": [["no", 1, 2]]}),
        ("run_finished", {"citations": [{"path": "a", "line": "3"}]}),
        ("run_finished", {"citations": [{"line": 3}]}),
        ("run_finished", {"citations": [[]]}),
    ],
)
def test_a_field_of_another_type_is_no_event(tmp_path: Path, kind: str, change: dict[str, Any]) -> None:
    [plain] = [event.to_json() for event in every_kind(tmp_path) if event.type == kind][:1]
    assert event_from(plain).to_json() == plain
    with pytest.raises(ValueError, match="not an event: "):
        event_from({**plain, **change})


def test_a_line_nested_too_deeply_is_named() -> None:
    with pytest.raises(ValueError, match="line 1: nested too deeply"):
        list(read_events([b"[" * 100_000 + b"\n"]))
