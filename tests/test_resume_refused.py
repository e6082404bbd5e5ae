"""What cannot be resumed is refused, with what to do about it; what is damaged on record is not used."""

import binascii
import os
from pathlib import Path

import pytest
from support.command import rlm
from support.sittings import VARYING, Sittings, cell

from rlm_cli.trajectory import Recorder, run_folder
from rlm_cli.trajectory.sealed_lines import opened


@pytest.fixture
def sittings(tmp_path: Path) -> "Sittings":
    return Sittings(tmp_path, VARYING, max_subcalls=20)


def resealed(record: bytes, before: bytes, after: bytes) -> bytes:
    """Return a record of which somebody has changed the lines, and their seals."""
    lines = [(opened(line) or b"").replace(before, after) for line in record.splitlines(keepends=True)]
    return b"".join(b'{"crc": "%08x", ' % binascii.crc32(line[1:]) + line[1:] + b"\n" for line in lines)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b'"role": "sub"', b'"role": "rub"'),
        (b'"at": 0.', b'"at": 9e999, "x": 0.'),
        (b'"seconds": 0.', b'"seconds": -0.'),
        (b'"lost": 0', b'"lost": 1000000000000'),
        (b'"calls": 1', b'"calls": -1'),
    ],
)
def test_what_a_record_says_that_cannot_be_is_not_used(sittings: Sittings, before: bytes, after: bytes) -> None:
    with sittings:
        whole = sittings.begin()
        record = sittings.record().read_bytes()
        assert resealed(record, b"", b"") == record
        sittings.record().write_bytes(resealed(record, before, after))
        sittings.record("events.jsonl").unlink()
        ran = sittings.resume()
        assert (ran.code, ran.out) == (0, whole.out)
        assert "warning: the record is damaged: " in ran.err


def test_a_line_that_was_changed_is_not_used_and_costs_no_other_reply_of_the_sub_model(sittings: Sittings) -> None:
    with sittings:
        whole = sittings.begin()
        record = sittings.record().read_bytes()
        for number in range(8):
            place = len(record) * (2 * number + 1) // 16
            if record[place] == ord("\n"):
                place += 1
            damaged = bytearray(record)
            damaged[place] ^= 1
            sittings.record().write_bytes(damaged)
            sittings.record("events.jsonl").unlink()
            sittings.server.forget()
            ran = sittings.resume()
            assert (ran.code, ran.out) == (0, whole.out)
            assert "warning: the record is damaged: 1 line of it cannot be used" in ran.err
            assert sum(not asked.startswith("root ") for asked in sittings.asked()) <= 1


def test_what_was_piped_in_has_to_be_piped_in_again(tmp_path: Path) -> None:
    with Sittings(tmp_path, [cell("found = llm_query(context)"), cell("FINAL(found)")]) as sittings:
        rlm("analyze", "-", "who pays?", "-p", sittings.profile, stdin=b"I pay.")
        record = sittings.record().read_bytes()
        sittings.record().write_bytes(record[: len(record) // 2])
        sittings.record("events.jsonl").unlink()
        refused = sittings.resume()
        assert refused.code == 2
        assert f"hint: cat FILE | rlm runs resume {sittings.run_id}" in refused.err


def test_what_is_no_run_to_go_on_with_is_told(sittings: Sittings) -> None:
    with sittings:
        sittings.begin()
        done = sittings.resume()
        assert (done.code, done.out) == (2, "")
        assert f"the run {sittings.run_id} has given its answer" in done.err
        sittings.record("events.jsonl").unlink()
        begun = sittings.record("run.json").read_text()
        sittings.record("run.json").write_text(begun.replace('"max_subcalls": 20', '"max_subcalls": 90'))
        assert "run.json is damaged: it is not as it was written" in sittings.resume().err
        sittings.record("run.json").write_text("{}")
        assert "run.json is damaged" in sittings.resume().err
        sittings.record("run.json").write_text(begun)
        sittings.record().unlink()
        assert "calls.jsonl: No such file" in sittings.resume().err
        os.mkfifo(sittings.record())
        assert "calls.jsonl: No such device" in sittings.resume().err
        sittings.record("run.json").unlink()
        assert "was ended before it began" in sittings.resume().err


def test_a_run_that_goes_on_is_neither_resumed_nor_removed(sittings: Sittings) -> None:
    with sittings:
        sittings.begin()
        sittings.record("events.jsonl").unlink()
        run_id = sittings.run_id
        recorder, _ = Recorder.resume(run_id)
        for command in ("resume", "rm"):
            ran = rlm("runs", command, run_id)
            assert (ran.code, ran.out) == (2, "")
            assert f"the run {run_id} is still going on" in ran.err
        recorder.close()
        assert rlm("runs", "rm", run_id).code == 0
        assert not run_folder(run_id).exists()


def test_a_folder_that_is_gone_is_named(sittings: Sittings, tmp_path: Path) -> None:
    with sittings:
        here = Path.cwd()
        (tmp_path / "away").mkdir()
        os.chdir(tmp_path / "away")
        try:
            sittings.begin()
        finally:
            os.chdir(here)
        (tmp_path / "away").rmdir()
        sittings.record("events.jsonl").unlink()
        ran = sittings.resume()
        assert ran.code == 2
        assert f"cannot go to {tmp_path / 'away'}, where the run was started: No such file" in ran.err
