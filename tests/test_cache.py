"""Replies kept for later runs: which are, which are given, in what room, and that nobody else can read them."""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from support.listed import Listed
from support.requests import ask

from rlm_cli.budget import Budget
from rlm_cli.engine import NoJournal
from rlm_cli.engine.history import History
from rlm_cli.engine.replay import Replay
from rlm_cli.engine.root_model import RootModel
from rlm_cli.errors import EmptyReply, ModelError, Refused, ServerFailed
from rlm_cli.events import ROOT, ModelReplied
from rlm_cli.llm.cache_file import CacheFile
from rlm_cli.llm.cached import Cached, KeptReplies
from rlm_cli.llm.layers import Remembering
from rlm_cli.types import Limits, Message, ModelSpec, Profile, Reply, Request, Usage

SPEC = ModelSpec("openai/any", cache=True)
BILLED = Usage(1, 0, 300, 100, 20, 0.25)
GOOD = Reply("good", BILLED)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "rlm" / "replies.sqlite3"


@pytest.fixture
def kept(path: Path) -> Iterator[KeptReplies]:
    with closing(KeptReplies(path=path)) as opened:
        yield opened


def later(path: Path, request: Request) -> Reply | None:
    """Return what a later run is given."""
    with closing(KeptReplies(path=path)) as kept:
        found = Cached(Listed(), kept).recall(request)
        assert kept.warnings == ()
        return found


# --- what is kept -------------------------------------------------------------------------------------------------


def test_a_later_run_is_given_the_reply_and_told_what_it_saves(path: Path, kept: KeptReplies) -> None:
    Cached(Listed(GOOD), kept).complete(ask(SPEC))
    assert kept.find(ask(SPEC)) == GOOD
    expected = Reply("good", Usage(cached_calls=1, earlier_calls=1, saved_usd=0.25), cached=True)
    assert later(path, ask(SPEC, timeout=1)) == expected
    assert later(path, ask(SPEC, "another prompt")) is None
    assert later(path, ask(replace(SPEC, api_base="http://127.0.0.1:1"))) is None
    assert later(path, ask(replace(SPEC, temperature=0.5))) is None


@pytest.mark.parametrize(
    "text", ["é漢\U0001f600", "\ud800 half", "a\x00b", "x" * 5_000_000], ids=lambda text: ascii(text[:9])
)
def test_a_text_comes_back_as_it_was(path: Path, kept: KeptReplies, text: str) -> None:
    kept.keep(ask(SPEC), Reply(text, BILLED))
    found = later(path, ask(SPEC))
    assert found is not None
    assert found.text == text


def test_an_unknown_price_stays_unknown(path: Path, kept: KeptReplies) -> None:
    kept.keep(ask(SPEC), Reply("free?", replace(BILLED, cost_usd=None)))
    found = later(path, ask(SPEC))
    assert found is not None
    assert found.usage.saved_usd is None


@pytest.mark.parametrize(
    "reply",
    [
        Reply("half", BILLED, truncated=True),
        Reply("from another", BILLED, model="openai/spare"),
        Reply(" \n", BILLED),
        Reply("remembered", Usage(cached_calls=1), cached=True),
    ],
    ids=["truncated", "of a stand-in", "empty", "not asked for"],
)
def test_what_is_no_whole_reply_of_the_model_asked_is_not_kept(path: Path, kept: KeptReplies, reply: Reply) -> None:
    assert Cached(Listed(reply), kept).complete(ask(SPEC)) == reply
    assert later(path, ask(SPEC)) is None


@pytest.mark.parametrize("error", [ServerFailed("busy"), Refused("no", usage=BILLED), EmptyReply("", usage=BILLED)])
def test_a_failure_is_not_kept(path: Path, kept: KeptReplies, error: ModelError) -> None:
    with pytest.raises(type(error)):
        Cached(Listed(error), kept).complete(ask(SPEC))
    assert later(path, ask(SPEC)) is None


@pytest.mark.parametrize(
    "spec", [replace(SPEC, cache=False), replace(SPEC, model="offline/sub")], ids=["off", "offline"]
)
def test_for_a_model_that_is_not_cached_there_is_not_even_a_file(
    path: Path, kept: KeptReplies, spec: ModelSpec
) -> None:
    client = Cached(Listed(GOOD), kept)
    assert client.recall(ask(spec)) is None
    client.complete(ask(spec))
    assert not path.parent.exists()


def test_a_fresh_call_is_given_nothing_and_leaves_nothing(path: Path, kept: KeptReplies) -> None:
    fresh = replace(ask(SPEC), fresh=True)
    assert fresh.key() == ask(SPEC).key()
    client = Remembering(Cached(Listed(Reply("one", BILLED), Reply("first", BILLED), Reply("two", BILLED)), kept))
    assert client.complete(fresh).text == "one"
    assert client.recall(ask(SPEC)) is None
    assert later(path, ask(SPEC)) is None
    client.complete(ask(SPEC))
    assert client.recall(fresh) is None
    assert client.complete(fresh).text == "two"
    remembered, found = client.recall(ask(SPEC)), later(path, ask(SPEC))
    assert remembered is not None
    assert found is not None
    assert (remembered.text, found.text) == ("first", "first")


def test_a_refresh_gives_nothing_and_keeps_the_new_reply(path: Path, kept: KeptReplies) -> None:
    kept.keep(ask(SPEC), Reply("old", BILLED))
    with closing(KeptReplies(refresh=True, path=path)) as refreshed:
        client = Remembering(Cached(Listed(Reply("new", BILLED)), refreshed))
        assert client.recall(ask(SPEC)) is None
        client.complete(ask(SPEC))
        assert client.recall(ask(SPEC)) is not None  # this run has paid for it
    found = later(path, ask(SPEC))
    assert found is not None
    assert found.text == "new"


def test_what_is_used_twice_in_a_run_has_saved_once(kept: KeptReplies) -> None:
    kept.keep(ask(SPEC), GOOD)
    client = Remembering(Cached(Listed(), kept))
    first, second = client.recall(ask(SPEC)), client.recall(ask(SPEC))
    assert first is not None
    assert second is not None
    assert (first.usage.earlier_calls, first.usage.saved_usd) == (1, 0.25)
    assert second.usage == Usage(cached_calls=1)


def test_a_root_model_is_served_where_its_profile_says_so(kept: KeptReplies) -> None:
    history = History("system", "first")
    request = Request("root", SPEC, history.messages(), 1.0)
    assert request.messages == (Message("system", "system"), Message("user", "first"))
    kept.keep(request, GOOD)
    for caches in (True, False):
        inner, budget = Listed(Reply("asked", BILLED)), Budget(Limits())
        spec, here = replace(SPEC, cache=caches), ROOT.iteration(1)
        replay = Replay(NoJournal(), budget, Profile("", "", spec, spec), {})
        root = RootModel(Remembering(Cached(inner, kept)), spec, budget, replay)
        with pytest.raises(StopIteration) as admitted:
            next(root.admit(history, here))
        stream = root.reply(admitted.value.value, here)
        [replied] = list(stream)
        assert isinstance(replied, ModelReplied)
        assert (replied.text, replied.cached) == (("good", True) if caches else ("asked", False))
        assert replied.usage == budget.usage("root")
        assert len(inner.asked) == (not caches)


# --- room ---------------------------------------------------------------------------------------------------------


def key(number: int) -> str:
    return f"{number:064x}"


def filled(file: CacheFile, numbers: range, size: int = 2_000) -> None:
    for number in numbers:
        file.keep(key(number), Reply("x" * size, BILLED))


def test_the_least_recently_used_go_first(path: Path) -> None:
    """Whatever the clock says: it goes back by a year in the middle."""
    time = iter([2e9] * 51 + [1.9e9] * 1_000)
    with closing(CacheFile(path, cap=300_000, clock=lambda: next(time))) as file:
        filled(file, range(50))
        for number in range(50, 400):
            assert file.find(key(7)) is not None
            filled(file, range(number, number + 1))
        assert file.find(key(0)) is None
        assert file.find(key(399)) is not None
        assert file.find(key(7)) is not None
        assert file.contents(path).replies < 160
    assert path.stat().st_size < 400_000


def test_no_single_call_pays_for_a_great_clearing(path: Path) -> None:
    with closing(CacheFile(path)) as file:
        filled(file, range(500))
    with closing(CacheFile(path, cap=200_000)) as file:
        counts = []
        for number in range(500, 520):
            filled(file, range(number, number + 1))
            counts.append(file.contents(path).replies)
        assert max(before - after for before, after in zip([500, *counts], counts, strict=False)) <= 64
        assert counts[-1] < 110


def test_a_reply_beyond_measure_is_not_kept(path: Path, kept: KeptReplies) -> None:
    kept.keep(ask(SPEC), Reply("x" * 17_000_000, BILLED))
    assert kept.warnings == ()
    assert later(path, ask(SPEC)) is None


def test_the_account_says_what_was_saved(path: Path) -> None:
    with closing(CacheFile(path)) as file:
        file.keep(key(1), GOOD)
        file.keep(key(2), Reply("unpriced", replace(BILLED, cost_usd=None)))
        for number in (1, 1, 2, 3):
            file.find(key(number))
    with closing(CacheFile(path)) as file:
        found = file.contents(path)
    # One that is asked for twice between two writes counts once.
    assert (found.replies, found.served, found.saved_usd, found.unpriced) == (2, 2, 0.25, 1)


# --- privacy ------------------------------------------------------------------------------------------------------


def test_nobody_else_can_read_it(path: Path, kept: KeptReplies) -> None:
    before = os.umask(0)
    try:
        kept.keep(ask(SPEC), GOOD)
    finally:
        os.umask(before)
    assert path.parent.stat().st_mode & 0o777 == 0o700
    found = {each.name: each.stat().st_mode & 0o777 for each in path.parent.iterdir()}
    assert found == {f"replies.sqlite3{suffix}": 0o600 for suffix in ("", "-wal", "-shm")}


def test_what_others_could_read_is_closed_to_them(path: Path, kept: KeptReplies) -> None:
    kept.keep(ask(SPEC), GOOD)
    path.chmod(0o644)
    path.parent.chmod(0o755)
    assert later(path, ask(SPEC)) is not None
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700


def test_companions_of_a_file_that_was_read_only_for_a_while_are_mended(path: Path, kept: KeptReplies) -> None:
    kept.keep(ask(SPEC), GOOD)
    log = path.with_name(f"{path.name}-wal")
    log.chmod(0o400)
    assert later(path, ask(SPEC)) is not None
    assert log.stat().st_mode & 0o777 == 0o600


def test_no_prompt_is_in_it(path: Path, kept: KeptReplies) -> None:
    kept.keep(ask(SPEC, "the secret of the prompt"), GOOD)
    kept.close()
    assert b"good" in path.read_bytes()
    assert b"secret" not in path.read_bytes()
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
