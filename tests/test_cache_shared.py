"""One cache for several processes and threads: writers at once, writers that do not end, and a disk without room."""

import sqlite3
import subprocess
import sys
import threading
from contextlib import closing
from pathlib import Path

import pytest
from support.kept import BILLED, MANY, SPEC, found, keep
from support.requests import ask

from rlm_cli.llm.cache_file import CacheFile
from rlm_cli.llm.cached import KeptReplies
from rlm_cli.types import Reply


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "rlm" / "replies.sqlite3"


def test_another_writer_that_does_not_end_is_waited_for_once_and_stops_writing_alone(path: Path) -> None:
    keep(path, range(5))
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with closing(KeptReplies(path=path, patience=0.01)) as kept:
            assert kept.find(ask(SPEC, "prompt 1")) is not None
            kept.keep(ask(SPEC, "prompt 5"), Reply("late", BILLED))
            other.execute("ROLLBACK")
            kept.keep(ask(SPEC, "prompt 6"), Reply("not tried", BILLED))
            assert kept.find(ask(SPEC, "prompt 2")) is not None
        assert kept.warnings == (f"nothing more is written to the cache: {path}: database is locked",)
    assert found(path) == (5, ())


def test_after_its_end_a_run_finds_and_keeps_nothing(path: Path) -> None:
    keep(path, range(1))
    kept = KeptReplies(path=path)
    kept.close()
    kept.keep(ask(SPEC, "prompt 1"), Reply("abandoned", BILLED))
    assert kept.find(ask(SPEC, "prompt 0")) is None
    kept.close()
    assert kept.warnings == ()


def test_a_run_may_end_while_calls_that_it_gave_up_still_come_in(path: Path) -> None:
    for _ in range(20):
        kept = KeptReplies(path=path)
        begun = threading.Barrier(5)

        def work(thread: int, kept: KeptReplies = kept, begun: threading.Barrier = begun) -> None:
            begun.wait(20)
            for number in range(15):
                kept.keep(ask(SPEC, f"prompt {thread} {number}"), Reply("x", BILLED))
                kept.find(ask(SPEC, f"prompt {thread} {number}"))

        threads = [threading.Thread(target=work, args=(number,), daemon=True) for number in range(4)]
        for thread in threads:
            thread.start()
        begun.wait(20)
        kept.close()
        assert kept.warnings == ()
        for thread in threads:
            thread.join(20)
            assert not thread.is_alive()


def test_a_process_that_is_killed_leaves_what_it_had_kept(path: Path) -> None:
    code = (
        "import os, sys\nfrom pathlib import Path\n"
        "from rlm_cli.llm.cache_file import CacheFile\nfrom rlm_cli.types import Reply, Usage\n"
        "file = CacheFile(Path(sys.argv[1]))\n"
        "for number in range(50):\n    file.keep(f'{number:064x}', Reply(f'reply {number}', Usage()))\n"
        "file._writer.execute('BEGIN IMMEDIATE')\nos.kill(os.getpid(), 9)\n"
    )
    killed = subprocess.run([sys.executable, "-c", code, str(path)], check=False, timeout=60)
    assert killed.returncode == -9
    with closing(CacheFile(path)) as file:
        for number in range(50):
            reply = file.find(f"{number:064x}")
            assert reply is not None
            assert reply.text == f"reply {number}"
        file.keep(f"{50:064x}", Reply("x", BILLED))


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
