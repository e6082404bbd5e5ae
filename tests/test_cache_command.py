"""`rlm cache`: what is told of the cache, and how much of it goes."""

import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from support.command import rlm
from support.requests import ask

from rlm_cli.llm.cache_file import CacheFile
from rlm_cli.llm.cache_place import CacheFailed, cache_path
from rlm_cli.llm.cache_upkeep import clear
from rlm_cli.llm.cached import KeptReplies
from rlm_cli.types import ModelSpec, Reply, Usage

SPEC = ModelSpec("openai/any", cache=True)
DAY = 86_400


def days_ago(days: float) -> Callable[[], float]:
    return lambda: time.time() - days * DAY


def keep(*ages: float) -> None:
    """Keep replies as if so many days ago."""
    for number, days in enumerate(ages):
        with closing(CacheFile(cache_path(), clock=days_ago(days))) as file:
            file.keep(ask(SPEC, f"prompt {number}").key(), Reply("x" * 1_000, Usage(1, 0, 10, 0, 5, 0.25)))


def use(*numbers: int) -> int:
    with closing(KeptReplies()) as kept:
        return sum(kept.find(ask(SPEC, f"prompt {number}")) is not None for number in numbers)


def rows(out: str) -> dict[str, str]:
    return {line[:10].strip(): line[11:] for line in out.splitlines()}


@pytest.mark.parametrize("command", ["info", "clear"])
def test_without_a_cache_that_is_said_and_none_is_begun(command: str) -> None:
    ran = rlm("cache", command)
    assert (ran.code, ran.out) == (0, "")
    assert ran.err == f"no cache yet: {cache_path()}\n"
    assert not cache_path().parent.exists()


def test_info_says_where_how_much_how_old_and_what_for() -> None:
    keep(40.5, 3.5, 0)
    assert use(0, 1) == 2
    told = rows(rlm("cache", "info").out)
    assert told["file"] == str(cache_path())
    assert told["replies"] == "3"
    assert told["size"].endswith(" MB of at most about 500 MB")
    assert told["oldest"].endswith("(40 days ago)")
    assert told["begun"].endswith("(40 days ago)")
    assert told["used"] == "2 times, $0.50 saved: what those replies had cost"
    assert "put aside" not in told


def test_info_says_what_has_no_known_price() -> None:
    with closing(KeptReplies()) as kept:
        kept.keep(ask(SPEC, "prompt 0"), Reply("x", Usage(1, cost_usd=None)))
    assert use(0) == 1
    assert rows(rlm("cache", "info").out)["used"] == "1 time (1 at an unknown price)"


def test_a_clock_that_went_back_is_no_error() -> None:
    keep(-400)
    assert "ago" not in rows(rlm("cache", "info").out)["oldest"]
    assert rlm("cache", "clear", "--older-than", "1").out == "removed 0 replies\n"
    assert use(0) == 1


def test_clear_removes_all_and_gives_the_disk_its_space_back() -> None:
    keep(3, *[0] * 300)
    before = cache_path().stat().st_size
    assert rlm("cache", "clear").out == "removed 301 replies\n"
    assert use(*range(301)) == 0
    assert cache_path().stat().st_size < before / 3
    assert b"xxx" not in cache_path().read_bytes()
    told = rows(rlm("cache", "info").out)
    assert (told["replies"], told["oldest"], told["used"]) == ("0", "none", "0 times")
    assert "ago" not in told["begun"]


def test_clear_can_leave_what_is_newer() -> None:
    keep(40, 31, 29, 0)
    assert rlm("cache", "clear", "--older-than", "30").out == "removed 2 replies\n"
    assert [use(number) for number in range(4)] == [0, 0, 1, 1]
    assert rlm("cache", "clear", "--older-than", "28.5").out == "removed 1 reply\n"
    assert rlm("cache", "clear", "--older-than", "-1").code == 2


def test_a_damaged_cache_can_be_looked_at_and_removed() -> None:
    cache_path().parent.mkdir(parents=True, mode=0o700)
    cache_path().write_bytes(b"nothing that SQLite knows\n" * 500)
    for command in (["info"], ["clear", "--older-than", "1"]):
        ran = rlm("cache", *command)
        assert (ran.code, ran.out) == (2, "")
        assert f"the cache {cache_path()} cannot be used: file is not a database" in ran.err
        assert "hint: rlm cache clear removes it" in ran.err
    assert cache_path().exists()
    assert rlm("cache", "clear").out == "removed the cache, which could not be read\n"
    assert list(cache_path().parent.iterdir()) == []


def test_what_was_put_aside_is_told_and_goes_with_the_rest() -> None:
    keep(0)
    cache_path().write_bytes(b"\xff" * 2_000_000)
    keep_and_warn = KeptReplies()
    keep_and_warn.keep(ask(SPEC), Reply("x", Usage()))
    keep_and_warn.close()
    assert len(keep_and_warn.warnings) == 1
    assert rows(rlm("cache", "info").out)["put aside"] == "replies.sqlite3.damaged, 2.0 MB: it was damaged"
    assert rlm("cache", "clear").out == "removed 1 reply\n"
    assert [each.name for each in cache_path().parent.iterdir()] == ["replies.sqlite3"]


def test_what_is_not_ours_is_not_removed(tmp_path: Path) -> None:
    precious = tmp_path / "precious"
    precious.write_text("x")
    cache_path().parent.mkdir(parents=True, mode=0o700)
    cache_path().symlink_to(precious)
    for command in ("info", "clear"):
        ran = rlm("cache", command)
        assert ran.code == 2
        assert "is a link" in ran.err
    assert precious.read_text() == "x"
    assert cache_path().is_symlink()


def test_a_cache_that_another_process_keeps_busy_is_not_removed() -> None:
    keep(0)
    with closing(sqlite3.connect(cache_path(), isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(CacheFailed, match="database is locked") as refused:
            clear(cache_path(), patience=0.01)
        assert refused.value.busy
        other.execute("ROLLBACK")
    assert use(0) == 1


def test_it_is_quick_to_start(own_home: Path) -> None:
    keep(0)
    code = (
        "import sys\nfrom rlm_cli.cli.app import app\n"
        "try:\n    app(['cache', 'info'])\nexcept SystemExit:\n    pass\n"
        "heavy = {'litellm', 'tiktoken', 'rich', 'RestrictedPython', 'yaml', 'pypdfium2'} & set(sys.modules)\n"
        "print('heavy:', *sorted(heavy))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[0].startswith("file ")
    assert done.stdout.splitlines()[-1] == "heavy:"
