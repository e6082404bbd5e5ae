"""`rlm runs list` and `rlm runs show`: what was recorded comes back, and what cannot is named."""

import json
import os
from pathlib import Path

import pytest
from support.command import finish, rlm, start
from support.screens import FOLDER, drawn

from rlm_cli.cli.completion import recorded_ids
from rlm_cli.trajectory import look_up, runs_folder

RUNS = {
    "forty-subcalls": "20261122-101500-a1b2c3",
    "interrupted": "20261122-111500-b1b2c3",
    "partial": "20261122-121500-c1b2c3",
    "wide-characters": "20261122-131500-d1b2c3",
}


@pytest.fixture
def records(own_home: Path) -> Path:
    """Put the written runs where recorded ones are."""
    for name, run_id in RUNS.items():
        events_of(run_id).write_bytes((FOLDER / f"{name}.jsonl").read_bytes())
    return runs_folder()


def events_of(run_id: str) -> Path:
    """Return the place of a record's events, whose folder is there."""
    path: Path = runs_folder() / run_id / "events.jsonl"
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


def listed(*arguments: str) -> list[list[str]]:
    """Return the table's lines, cut at its gaps of two blanks and more."""
    ran = rlm("runs", "list", *arguments)
    assert ran.code == 0, ran.err
    return [[cell.strip() for cell in line.split("  ") if cell.strip()] for line in ran.out.splitlines()]


def test_nothing_recorded_is_said_with_the_folder() -> None:
    for command in ("list", "show"):
        ran = rlm("runs", command)
        assert f"no runs recorded yet in {runs_folder()}" in ran.err
        assert (ran.code, ran.out) == (0 if command == "list" else 2, "")


def test_runs_are_listed_the_newest_first(records: Path) -> None:
    heads, *rows = listed()
    assert heads == ["ID", "AGE", "STATUS", "ITERATIONS", "COST", "QUESTION"]
    assert [row[0] for row in rows] == sorted(RUNS.values(), reverse=True)
    assert [row[2:5] for row in rows] == [
        ["complete", "1", "$0.0085"],
        ["partial", "1", "$0.0495"],
        ["interrupted", "1", "$0.0178"],
        ["complete", "5", "$0.82"],
    ]
    assert rows[-1][5] == "Where are passwords hashed, and is the salt drawn for each user?"


def test_a_limit_says_how_many_more_there_are(records: Path) -> None:
    ran = rlm("runs", "list", "-n", "3")
    assert len(ran.out.splitlines()) == 4
    assert ran.err == "1 older ones are not listed: rlm runs list -n 4\n"
    assert rlm("runs", "list", "-n", "0").code == 2


def test_a_run_that_was_killed_is_unfinished(records: Path) -> None:
    path = events_of(RUNS["forty-subcalls"])
    whole = path.read_bytes()
    lines = whole.splitlines(keepends=True)
    for kept in (b"".join(lines[:-1]), whole[:-20], b"".join(lines[:60])):
        path.write_bytes(kept)
        *_, row = listed()
        assert (row[2], row[4]) == ("unfinished", "-")
    assert row[3] == "3"
    for kept, why in (
        (b"".join(lines[:60]), "the run was killed, or is still going on"),
        (b"".join(lines[:60])[:-20], "the record ends in the middle of a line, as by a full disk or a kill"),
    ):
        path.write_bytes(kept)
        shown = rlm("runs", "show", RUNS["forty-subcalls"])
        assert shown.code == 0
        assert (
            " ".join(shown.out[shown.out.index("! unfinished") :].split()) == f"! unfinished after 3 iterations: {why}"
        )


def test_a_file_that_only_looks_like_a_record_is_none(records: Path) -> None:
    for name in ("x20261122-151500-a1b2c3", "20261122-151500-A copy", "20261122-151500-a1b2c3.jsonl"):
        events_of(name).write_bytes(events_of(RUNS["partial"]).read_bytes())
    (records / "20261122-151500-b1b2c3.jsonl").touch()
    assert [row[0] for row in listed()[1:]] == sorted(RUNS.values(), reverse=True)
    assert rlm("runs", "show").out == rlm("runs", "show", RUNS["wide-characters"]).out


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "it does not begin as a run does"),
        (b"not json\n", "line 1: "),
        (b'{"type": "iteration_started", "path": "0/1", "number": 1}\n', "it does not begin as a run does"),
        (b"\xff\xfe\n", "line 1: "),
        (b"[]\n", "line 1: "),
    ],
)
def test_a_damaged_record_is_named(records: Path, content: bytes, why: str) -> None:
    events_of("20261122-141500-e1b2c3").write_bytes(content)
    row = listed()[1]
    assert row[0] == "20261122-141500-e1b2c3"
    assert row[2] == "damaged"
    assert row[-1].startswith(why)
    shown = rlm("runs", "show", "20261122-14")
    assert (shown.code, shown.out) == (2, "")
    assert f"20261122-141500-e1b2c3/events.jsonl is damaged: {why}" in shown.err


def test_what_is_no_file_of_its_own_is_neither_waited_for_nor_read(records: Path) -> None:
    os.mkfifo(events_of("20261122-141500-e1b2c3"))
    events_of("20261122-151500-f1b2c3").symlink_to("/dev/zero")
    events_of("20261122-161500-01b2c3").symlink_to(events_of(RUNS["partial"]))
    said = ["it is a link", "it is a link", "it is not a regular file"]
    rows = listed()[1:4]
    assert [row[2:] for row in rows] == [["damaged", "-", "-", why] for why in said]
    for row, why in zip(rows, said, strict=True):
        ran = rlm("runs", "show", row[0])
        assert (ran.code, ran.out) == (2, "")
        assert why in ran.err


def test_a_planted_status_does_not_reach_the_terminal(records: Path) -> None:
    path = events_of(RUNS["wide-characters"])
    *lines, last = path.read_text().splitlines()
    planted = json.dumps({**json.loads(last), "status": "\x1b[2J\x1b]0;owned\x07"})
    path.write_text("\n".join([*lines, planted]) + "\n")
    for command in ("list", "show"):
        ran = rlm("runs", command)
        assert "\x1b" not in ran.out + ran.err
        assert "not an event: status" in ran.out + ran.err


def test_a_line_without_an_end_is_not_held_in_memory(records: Path) -> None:
    path = events_of(RUNS["wide-characters"])
    with path.open("ab") as file:
        file.truncate(path.stat().st_size + 70_000_000)
    assert listed()[1][2] == "damaged"
    assert "a line of more than 64,000,000 bytes" in rlm("runs", "show").err


def test_what_stands_before_the_damage_is_shown(records: Path) -> None:
    path = events_of(RUNS["forty-subcalls"])
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join([*lines[:8], b"{}\n", *lines[8:]]))
    ran = rlm("runs", "show", RUNS["forty-subcalls"])
    assert ran.code == 2
    assert "iteration 2" in ran.out
    assert "is damaged: line 9: " in ran.err
    path.write_bytes(b"".join([*lines[:-1], b"{}\n"]))
    assert listed()[-1][2] == "damaged"


def test_a_record_that_may_not_be_read_is_named(records: Path) -> None:
    events_of("20261122-141500-e1b2c3").mkdir()
    assert listed()[1][2:] == ["damaged", "-", "-", "Is a directory"]
    ran = rlm("runs", "show")
    assert (ran.code, ran.out) == (2, "")
    assert "Is a directory" in ran.err


def test_the_beginning_of_an_id_is_enough(records: Path) -> None:
    assert rlm("runs", "show", "20261122-12").out == rlm("runs", "show", RUNS["partial"]).out
    assert rlm("runs", "show").out == rlm("runs", "show", RUNS["wide-characters"]).out


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ("20261122", "20261122 could be any of 4 runs"),
        ("20261122-101500-a1b2c4", f"did you mean {RUNS['forty-subcalls']}?"),
        ("nothing-like-it", "rlm runs list shows which there are"),
        ("../../etc/passwd", "no recorded run ../../etc/passwd"),
        ("\x1b[2J", "no recorded run \\x1b[2J"),
        ("", "an empty id names no recorded run"),
    ],
)
def test_an_id_that_names_no_run_is_refused(records: Path, asked: str, said: str) -> None:
    ran = rlm("runs", "show", asked)
    assert (ran.code, ran.out) == (2, "")
    assert said in ran.err
    assert "hint: " in ran.err


@pytest.mark.parametrize("name", RUNS)
def test_a_run_is_shown_as_it_looked(records: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    ran = rlm("runs", "show", RUNS[name])
    assert ran.code == 0
    before_the_answer = drawn(name, 80).partition("\nAnswer\n")[0]
    assert ran.out.startswith(before_the_answer)
    assert "\x1b" not in ran.out


def test_the_account_follows_the_answer(records: Path) -> None:
    out = rlm("runs", "show", RUNS["forty-subcalls"]).out
    assert out.splitlines()[-4:] == [
        "warning: the model's code had overwritten files; it was restored",
        "warning: 4 sub-calls failed: anthropic is overloaded (HTTP 529), tried 4 times",
        "warning: 2 sub-calls failed: no reply within 120 s",
        "complete: $0.82, 700,738 tokens in, 4,901 out, 5 iterations, 38 sub-calls (6 failed), 45.8 s; "
        "2,785 documents read, 219 files skipped, 1 of 2 quotes verified",
    ]
    assert "django/contrib/auth/base_user.py:99: self.password = make_password(raw_password)  [not found there]" in out


def test_an_error_is_shown_with_what_to_do(records: Path) -> None:
    path = events_of(RUNS["interrupted"])
    *lines, last = path.read_text().splitlines()
    failed = {**json.loads(last), "status": "failed", "stop_reason": "error", "error": "wrong key", "hint": "set KEY"}
    path.write_text("\n".join([*lines, json.dumps(failed)]) + "\n")
    out = rlm("runs", "show", RUNS["interrupted"]).out
    assert "error: wrong key\nhint: set KEY\nfailed: $" in out


def test_a_real_run_can_be_shown_by_what_stderr_says(text: str) -> None:
    ran = rlm("analyze", text, "who pays?", "-p", "offline")
    told, last = ran.err.splitlines()[-2:]
    assert told.startswith("record: rlm runs show ")
    shown = rlm(*told.removeprefix("record: rlm ").split())
    assert shown.code == 0
    assert ran.out in shown.out  # of a pipe, so both are plain
    assert shown.out.splitlines()[-1].split(", ")[1:5] == last.split(", ")[1:5]


@pytest.mark.parametrize("option", ["-q", "--no-record"])
def test_no_record_is_named_where_none_is_wanted(text: str, option: str) -> None:
    assert "record: " not in rlm("analyze", text, "who pays?", "-p", "offline", option).err


def test_a_list_reads_the_ends_of_a_record_only(records: Path) -> None:
    # In the middle of a run of 200 MB there is a hole, which no reader of it would take for events.
    path = events_of(RUNS["forty-subcalls"])
    lines = path.read_bytes().splitlines(keepends=True)
    with path.open("wb") as file:
        file.write(b"".join(lines[:10]))
        file.seek(200_000_000)
        file.write(b"\n" + b"".join(lines[10:]))
    record = look_up(RUNS["forty-subcalls"])
    assert (record.damage, record.iterations) == (None, 5)


def test_lines_longer_than_what_is_read_at_once_are_whole(records: Path) -> None:
    path = events_of(RUNS["partial"])
    *lines, last = path.read_text().splitlines()
    path.write_text("\n".join([*lines, json.dumps({**json.loads(last), "answer": "x" * 300_000})]) + "\n")
    record = look_up(RUNS["partial"])
    assert record.finished is not None
    assert len(record.finished.answer) == 300_000
    assert record.iterations == 1


def test_a_reader_that_leaves_early_is_no_failure(records: Path) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    process = start("runs", "show", RUNS["forty-subcalls"], stdout=writing)
    os.close(writing)
    ran = finish(process)
    assert (ran.code, ran.err) == (0, "")


def test_the_shell_is_offered_the_ids_that_begin_so(records: Path) -> None:
    assert recorded_ids("20261122-12") == [RUNS["partial"]]
    assert len(recorded_ids("")) == 4
    assert recorded_ids("nothing") == []
