"""A cache that something has happened to: a miss and one warning, never a wrong reply; the next run has a new one."""

import os
import random
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from support.kept import BILLED, MANY, SPEC, found, keep, text
from support.requests import ask

from rlm_cli.llm.cache_file import CacheFile
from rlm_cli.types import Reply


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "rlm" / "replies.sqlite3"


# --- bytes --------------------------------------------------------------------------------------------------------


def spoiled(content: bytes, chance: random.Random) -> bytes:
    """Flip some bytes, overwrite a stretch, or cut the end off."""
    bytes_ = bytearray(content)
    kind = chance.choice(["flip", "flip", "overwrite", "cut"])
    if kind == "flip":
        for _ in range(chance.choice([1, 3, 30, 300])):
            bytes_[chance.randrange(len(bytes_))] = chance.randrange(256)
    elif kind == "overwrite":
        start, length = chance.randrange(len(bytes_)), chance.choice([16, 512, 4096, 20_000])
        bytes_[start : start + length] = chance.choice([b"\0", b"\xff", chance.randbytes(1)]) * length
    else:
        del bytes_[chance.randrange(len(bytes_)) :]
    return bytes(bytes_)


@pytest.mark.parametrize("suffix", ["", "-wal"])
def test_spoiled_bytes_give_no_wrong_reply(tmp_path: Path, path: Path, suffix: str) -> None:
    """Neither when it is read, nor when it is written to, nor when it is read again after that."""
    with closing(CacheFile(path)) as file:
        for number in MANY:
            file.keep(ask(SPEC, f"prompt {number}").key(), Reply(text(number), BILLED))
        # While it is open its log is there too.
        whole = {end: path.with_name(path.name + end).read_bytes() for end in (("",) if not suffix else ("", "-wal"))}
    if not suffix:
        whole[""] = path.read_bytes()
    chance, outcomes = random.Random(7), set()
    for trial in range(50):
        folder = tmp_path / f"trial{trial}"
        folder.mkdir(mode=0o700)
        for end, content in whole.items():
            (folder / f"{path.name}{end}").write_bytes(spoiled(content, chance) if end == suffix else content)
        spoilt = folder / path.name
        hits, _ = found(spoilt, range(0, 60, 3))
        keep(spoilt, range(30, 40))
        found(spoilt)
        outcomes.add(hits == 20)
        shutil.rmtree(folder)
    assert outcomes == {True, False}


def test_one_damaged_reply_costs_itself_alone(path: Path) -> None:
    keep(path)
    content = path.read_bytes()
    assert content.count(b"reply 25 reply 25") > 0
    path.write_bytes(content.replace(b"reply 25 reply 25", b"reply 25 reply 24", 1))
    hits, said = found(path)
    assert hits == len(MANY) - 1
    assert said == (f"the cache {path}: a reply in it is damaged, and is asked for anew",)
    assert keep(path, range(25, 26)) == ()
    assert found(path) == (len(MANY), ())


# --- what is no cache of ours -------------------------------------------------------------------------------------


@pytest.mark.parametrize("content", [b"", b"no database at all\n" * 1_000], ids=["empty", "text"])
def test_what_is_no_database_is_put_aside_and_a_new_one_begun(path: Path, content: bytes) -> None:
    path.parent.mkdir(mode=0o700)
    path.write_bytes(content)
    [said] = keep(path)
    assert said.startswith("the cache was damaged (")
    assert said.endswith(f"): it is now {path}.damaged; a new one is begun")
    assert path.with_name(f"{path.name}.damaged").read_bytes() == content
    assert found(path) == (len(MANY), ())


def test_damage_that_shows_later_is_put_aside_for_the_next_run(path: Path) -> None:
    keep(path)
    size = path.stat().st_size
    with path.open("r+b") as file:
        file.seek(4096)  # the first page stays: it opens well
        file.write(b"\x07" * (size - 4096))
    hits, [said] = found(path)
    assert hits == 0
    assert said.endswith("a new one is begun with the next run")
    assert not path.exists()
    assert keep(path) == ()
    assert found(path) == (len(MANY), ())


def versioned(path: Path, application: int, version: int) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(f"PRAGMA application_id = {application}")
        connection.execute(f"PRAGMA user_version = {version}")


def test_the_file_of_a_newer_rlm_is_left_to_it(path: Path) -> None:
    keep(path)
    versioned(path, 0x726C6D43, 2)
    assert found(path) == (0, (f"the cache is not used: {path}: a newer rlm wrote it",))
    versioned(path, 0x726C6D43, 1)
    assert found(path) == (len(MANY), ())


def test_the_file_of_an_older_rlm_is_put_aside(path: Path) -> None:
    keep(path)
    versioned(path, 0x726C6D43, 0)
    [said] = keep(path)
    assert "an older rlm wrote it" in said
    assert found(path) == (len(MANY), ())


def test_another_programs_database_is_left_alone(path: Path) -> None:
    path.parent.mkdir(mode=0o700)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA application_id = 5")
        connection.execute("CREATE TABLE precious (value)")
    content = path.read_bytes()
    assert keep(path) == (f"the cache is not used: {path}: it is no cache of rlm",)
    assert path.read_bytes() == content


def link(path: Path) -> None:
    elsewhere = path.parent.parent / "elsewhere"
    elsewhere.write_bytes(b"")
    path.symlink_to(elsewhere)


@pytest.mark.parametrize("suffix", ["", "-wal", "-shm"])
@pytest.mark.parametrize(
    ("put", "says"),
    [
        (link, "is a link"),
        (lambda path: os.mkfifo(path), "is not a regular file"),
        (lambda path: path.mkdir(), "is not a regular file"),
    ],
    ids=["link", "fifo", "folder"],
)
def test_what_is_no_plain_file_is_not_used(path: Path, put: Callable[[Path], None], says: str, suffix: str) -> None:
    if suffix:
        keep(path)
    path.parent.mkdir(mode=0o700, exist_ok=True)
    place = path.with_name(path.name + suffix)
    put(place)
    assert keep(path) == (f"the cache is not used: {path}: {place.name} {says}",)
    assert found(path)[0] == 0
    assert not (path.parent.parent / "elsewhere").exists() or not (path.parent.parent / "elsewhere").read_bytes()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
@pytest.mark.parametrize("what", ["file", "folder"])
def test_what_somebody_else_owns_is_not_used(path: Path, what: str) -> None:
    keep(path)
    given = path if what == "file" else path.parent
    os.chown(given, 65534, 65534)
    assert found(path) == (0, (f"the cache is not used: {path}: {given.name} belongs to another user",))


def test_a_home_that_takes_no_folder_is_a_warning(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    path = tmp_path / "file" / "rlm" / "replies.sqlite3"
    assert keep(path) == (f"the cache is not used: {path}: Not a directory",)
