"""A cache that something has happened to: a miss and one warning, never a wrong reply; the next run has a new one."""

import os
import random
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from support.requests import ask

from rlm_cli.llm.cache_file import CacheFile
from rlm_cli.llm.cached import KeptReplies
from rlm_cli.types import ModelSpec, Reply, Usage

SPEC = ModelSpec("openai/any", cache=True)
BILLED = Usage(1, 0, 300, 100, 20, 0.25)
MANY = range(60)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "rlm" / "replies.sqlite3"


def text(number: int) -> str:
    """Of different sizes, so that some lie in a page with others and some take several."""
    return f"reply {number} " * (1 + number * number)


def keep(path: Path, numbers: range = MANY) -> tuple[str, ...]:
    with closing(KeptReplies(path=path, patience=0.05)) as kept:
        for number in numbers:
            kept.keep(ask(SPEC, f"prompt {number}"), Reply(text(number), BILLED))
    return kept.warnings


def found(path: Path, numbers: range = MANY) -> tuple[int, tuple[str, ...]]:
    """Look everything up; return how much was found, all of it right, and what was said."""
    hits = 0
    with closing(KeptReplies(path=path, patience=0.05)) as kept:
        for number in numbers:
            reply = kept.find(ask(SPEC, f"prompt {number}"))
            assert reply is None or (reply.text, reply.usage) == (text(number), BILLED)
            hits += reply is not None
    return hits, kept.warnings


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


# --- others, and no room ------------------------------------------------------------------------------------------


def test_another_writer_that_does_not_end_stops_writing_alone(path: Path) -> None:
    keep(path, range(5))
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with closing(KeptReplies(path=path, patience=0.01)) as kept:
            assert kept.find(ask(SPEC, "prompt 1")) is not None
            for number in range(5, 10):
                kept.keep(ask(SPEC, f"prompt {number}"), Reply("late", BILLED))
            assert kept.find(ask(SPEC, "prompt 2")) is not None
        assert kept.warnings == (f"nothing more is written to the cache: {path}: database is locked",)
        other.execute("ROLLBACK")
    assert found(path) == (5, ())


def test_after_its_end_a_run_finds_and_keeps_nothing(path: Path) -> None:
    keep(path, range(1))
    kept = KeptReplies(path=path)
    kept.close()
    kept.keep(ask(SPEC, "prompt 1"), Reply("abandoned", BILLED))
    assert kept.find(ask(SPEC, "prompt 0")) is None
    kept.close()
    assert kept.warnings == ()


WRITER = """
import sys, threading
from pathlib import Path
from contextlib import closing
from rlm_cli.llm.cached import KeptReplies
from rlm_cli.types import Message, ModelSpec, Reply, Request, Usage
path, name = Path(sys.argv[1]), sys.argv[2]
spec = ModelSpec("openai/any", cache=True)
def ask(prompt):
    return Request("sub", spec, (Message("user", prompt),), 1.0)
sys.stdin.readline()  # all begin together
with closing(KeptReplies(path=path)) as kept:
    def work(thread):
        for number in range(40):
            mine, common = f"{name} {thread} {number}", f"common {thread} {number}"
            kept.keep(ask(mine), Reply(mine, Usage()))
            kept.keep(ask(common), Reply(common, Usage()))
            for prompt in (mine, common):
                reply = kept.find(ask(prompt))
                assert reply is not None and reply.text == prompt, (reply, kept.warnings)
    failed = []
    threading.excepthook = lambda failure: failed.append(failure.exc_value)
    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
sys.exit(str((failed, kept.warnings)) if failed or kept.warnings else 0)
"""


def test_processes_share_one_file(path: Path) -> None:
    """They even begin it at once."""
    writers = [
        subprocess.Popen([sys.executable, "-c", WRITER, str(path), name], stdin=subprocess.PIPE, stderr=subprocess.PIPE)
        for name in "abc"
    ]
    ended = [writer.communicate(b"\n", timeout=100) for writer in writers]
    assert [(writer.returncode, said[1].decode()) for writer, said in zip(writers, ended, strict=True)] == [(0, "")] * 3
    with closing(CacheFile(path)) as file:
        assert file.contents(path).replies == 3 * 8 * 40 + 8 * 40
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    assert [each.name for each in path.parent.iterdir()] == [path.name]


FILLED = """
import resource, sys
from pathlib import Path
from contextlib import closing
from rlm_cli.llm.cached import KeptReplies
from rlm_cli.types import Message, ModelSpec, Reply, Request, Usage
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]),) * 2)
spec = ModelSpec("openai/any", cache=True)
with closing(KeptReplies(path=Path(sys.argv[1]))) as kept:
    for number in range(100):
        request = Request("sub", spec, (Message("user", f"prompt {number}"),), 1.0)
        kept.keep(request, Reply(str(number) * 3000, Usage()))
        reply = kept.find(request)
        assert reply is None or reply.text == str(number) * 3000
print(*kept.warnings, sep="\\n")
"""


@pytest.mark.parametrize("room", [0, 5_000, 33_000, 100_000])
def test_a_disk_without_room_is_one_warning(path: Path, room: int) -> None:
    done = subprocess.run(
        [sys.executable, "-c", FILLED, str(path), str(room)], capture_output=True, text=True, check=True, timeout=60
    )
    [said] = done.stdout.splitlines()
    assert "the cache" in said
    assert keep(path) == ()
    assert found(path) == (len(MANY), ())
    assert {each.name for each in path.parent.iterdir()} == {path.name}
