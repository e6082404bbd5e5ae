"""Records are kept for a while, taken along and removed: what rlm wrote, and nothing else."""

import json
import os
import stat
import tarfile
from datetime import UTC, datetime
from pathlib import Path

import pytest
from support.command import rlm

from rlm_cli.profiles import user_folder
from rlm_cli.trajectory import run_folder, run_ids, runs_folder, tidy

NOW = datetime(2026, 11, 27, tzinfo=UTC)
IDS = ["20261001-000000-aaaaaa", "20261028-120000-bbbbbb", "20261120-000000-cccccc", "20261126-000000-dddddd"]


@pytest.fixture
def records(own_home: Path) -> None:
    for run_id in IDS:
        run_folder(run_id).mkdir(parents=True)
        (run_folder(run_id) / "calls.jsonl").write_bytes(b"x" * 1000)


def test_old_records_go_first_and_then_the_oldest_until_there_is_room(records: None) -> None:
    removed = tidy(30, 1000, NOW)
    assert (removed.runs, removed.bytes) == (1, 1000)
    assert run_ids() == IDS[:0:-1]
    assert tidy(30, 0.001999, NOW).runs == 2
    assert run_ids() == [IDS[3]]
    assert tidy(None, 0, NOW).runs == 0
    assert run_ids() == [IDS[3]], "the latest run was removed"


def test_a_clock_that_has_gone_back_removes_nothing(records: None) -> None:
    assert tidy(30, 1000, datetime(2001, 1, 1, tzinfo=UTC)).runs == 0
    assert run_ids() == IDS[::-1]


def test_what_somebody_else_has_put_there_stays(records: None, tmp_path: Path) -> None:
    mine = run_folder(IDS[0]) / "notes.txt"
    mine.write_text("mine")
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "calls.jsonl").write_text("not a record")
    (runs_folder() / "20260101-000000-eeeeee").symlink_to(outside)
    assert tidy(30, 1000, NOW).runs == 0
    assert mine.read_text() == "mine"
    assert (outside / "calls.jsonl").exists()
    ran = rlm("runs", "rm", IDS[0])
    assert ran.code == 2
    assert f"cannot remove {run_folder(IDS[0])}: Directory not empty" in ran.err


def test_every_new_run_tidies_up(records: None, text: str) -> None:
    assert rlm("analyze", text, "who pays?", "-p", "offline", "--no-record").code == 0
    assert IDS[0] in run_ids()
    assert rlm("analyze", text, "who pays?", "-p", "offline").code == 0
    assert IDS[0] not in run_ids()


def test_how_long_records_are_kept_is_the_users_choice(records: None, text: str) -> None:
    config = user_folder() / "config.yaml"
    config.parent.mkdir(parents=True)
    for said, kept in (("{days: null, megabytes: null}", 4), ("{days: .inf}", 4), ("{megabytes: 0.001}", 0)):
        config.write_text(f"records: {said}\n")
        assert rlm("analyze", text, "who pays?", "-p", "offline").code == 0
        assert len(set(run_ids()) & set(IDS)) == kept
    for wrong in ("records: 3", "records: {day: 3}", "records: {days: soon}", "records: {days: true}", "record: {}"):
        config.write_text(wrong)
        ran = rlm("analyze", text, "who pays?", "-p", "offline")
        assert (ran.code, ran.out) == (2, "")
        assert str(config) in ran.err


@pytest.mark.parametrize(
    ("arguments", "left"),
    [
        (["20261120"], [0, 1, 3]),
        ([IDS[0], "20261126", IDS[0]], [1, 2]),
        (["--all"], []),
    ],
)
def test_runs_are_removed_by_name_or_all(records: None, arguments: list[str], left: list[int]) -> None:
    ran = rlm("runs", "rm", *arguments)
    assert (ran.code, ran.out) == (0, "")
    gone = len(IDS) - len(left)
    assert ran.err == f"removed {gone} run{'s' * (gone != 1)}, {gone * 1000:,} bytes\n"
    assert sorted(run_ids()) == [IDS[number] for number in left]


def test_runs_are_removed_by_age(records: None) -> None:
    assert rlm("runs", "rm", "--older-than", "0").code == 0
    assert all(each > f"{datetime.now(UTC):%Y%m%d}" for each in run_ids())
    assert rlm("runs", "rm", "--older-than", "1e12").err == "removed 0 runs, 0 bytes\n"


def test_what_cannot_be_removed_keeps_no_other(records: None) -> None:
    (run_folder(IDS[3]) / "notes.txt").write_text("mine")
    ran = rlm("runs", "rm", "--all")
    assert ran.code == 2
    assert f"cannot remove {run_folder(IDS[3])}: Directory not empty" in ran.err
    assert ran.err.splitlines()[-1] == "removed 3 runs, 3,000 bytes"
    assert run_ids() == IDS[3:]


def test_a_run_is_made_where_no_records_can_be_kept(text: str) -> None:
    runs_folder().parent.mkdir(parents=True)
    runs_folder().write_text("no folder")
    ran = rlm("analyze", text, "who pays?", "-p", "offline")
    assert ran.code == 0
    assert "warning: the run is not recorded: " in ran.err


@pytest.mark.parametrize("arguments", [[], ["20261120", "--all"], ["--all", "--older-than", "3"]])
def test_which_runs_to_remove_has_to_be_said(records: None, arguments: list[str]) -> None:
    ran = rlm("runs", "rm", *arguments)
    assert ran.code == 2
    assert "which runs? name some, or --older-than DAYS, or --all" in ran.err
    assert len(run_ids()) == 4


def test_a_run_is_exported_whole_and_for_its_owner_alone(text: str, tmp_path: Path) -> None:
    rlm("analyze", text, "who pays?", "-p", "offline")
    [run_id] = run_ids()
    here = Path.cwd()
    os.chdir(tmp_path)
    try:
        ran = rlm("runs", "export")
    finally:
        os.chdir(here)
    target = tmp_path / f"{run_id}.tar.gz"
    assert (ran.code, ran.out) == (0, "")
    assert f"{run_id}.tar.gz: {target.stat().st_size:,} bytes" in ran.err
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    with tarfile.open(target) as archive:
        for name in ("run.json", "events.jsonl", "calls.jsonl", "result.json"):
            member = archive.extractfile(f"{run_id}/{name}")
            assert member is not None
            assert member.read() == (run_folder(run_id) / name).read_bytes()
    again = rlm("runs", "export", "-o", str(target))
    assert again.code == 2
    assert "is there already" in again.err
    assert rlm("runs", "export", "-o", str(tmp_path / "no" / "x.tar.gz")).code == 2


def test_a_record_holds_no_key_and_no_password(text: str, tmp_path: Path) -> None:
    passwords = tmp_path / "passwords.txt"
    passwords.write_text("hunter2\n")
    rlm("analyze", text, "who pays?", "-p", "offline", "--password-file", str(passwords))
    record = run_folder(run_ids()[0]) / "run.json"
    assert json.loads(record.read_text())["run"]["loading"]["passwords"] == []
    assert "hunter2" not in "".join(file.read_text() for file in record.parent.iterdir())
