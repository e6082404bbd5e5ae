"""Runs over one cache: what was paid for is not paid for again, and is told; a broken cache changes no answer."""

import json
import resource
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from support.command import Ran, finish, rlm, start
from support.events import check_events
from support.openai_server import OpenAIServer, Scripted
from support.runs import Run, cell

from rlm_cli import analyze
from rlm_cli.llm.cache_place import cache_path

SCHEMA = json.loads((Path(__file__).parent / "contract" / "result.schema.json").read_text())
READ_ALL = "replies = llm_query_batched([f'Summarise:\\n{files[path]}' for path in sorted(files)])\n"
MADE = 13


class Tree:
    """A small tree, a profile, and a model server that stays where it is from run to run."""

    def __init__(self, folder: Path, server: OpenAIServer, sub: dict[str, Any]) -> None:
        self.folder = folder
        self.profile = folder / "profile.yaml"
        self.events = folder / "events.jsonl"
        self.root = [cell(READ_ALL + "FINAL('; '.join(replies))")]
        self.sub: Callable[[str], str | Scripted] = lambda prompt: f"re {prompt.splitlines()[-1]}"
        self.server = server
        self._turn = 0
        (folder / "tree").mkdir()
        for number in range(MADE):
            self.write(number, f"file {number} as it was\n")
        model = {"api_base": server.url, "api_key_env": "LOOPBACK_KEY", "price": {"input": 1000, "output": 1000}}
        content = {
            "strategy": "rlm",
            "root": {"model": "openai/root", **model},
            "sub": {"model": "openai/sub", **model, **sub},
            "limits": {"max_cost": None},
        }
        self.profile.write_text(yaml.safe_dump(content))

    def reply(self, body: dict[str, Any]) -> str | Scripted:
        if body["model"] == "sub":
            return self.sub(body["messages"][-1]["content"])
        self._turn += 1
        return self.root[min(self._turn, len(self.root)) - 1]

    def write(self, number: int, text: str) -> None:
        (self.folder / "tree" / f"f{number:02}.txt").write_text(text)

    def run(self, *options: str) -> Ran:
        self._turn = 0
        self.events.unlink(missing_ok=True)
        words = [str(self.folder / "tree"), "what?", "-p", str(self.profile), "--events", str(self.events)]
        return rlm("analyze", *words, "--no-record", *options)

    def told(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.events.read_text().splitlines()]

    def paid(self) -> list[str]:
        """Prompts that reached the sub-model, of all runs."""
        return [body["messages"][-1]["content"] for body in self.server.requests if body["model"] == "sub"]


def treeing(folder: Path, **sub: Any) -> Iterator[Tree]:
    trees: list[Tree] = []
    with OpenAIServer(lambda body: trees[0].reply(body)) as server:
        trees.append(Tree(folder, server, sub))
        yield trees[0]


@pytest.fixture
def tree(tmp_path: Path) -> Iterator[Tree]:
    yield from treeing(tmp_path)


# --- what a second run pays ---------------------------------------------------------------------------------------


def test_a_second_run_pays_for_what_has_changed(tree: Tree) -> None:
    first = tree.run()
    assert len(tree.paid()) == MADE
    assert "from the cache" not in first.err
    tree.write(5, "file 5 as it is now\n")
    second = tree.run("-f", "json")
    assert tree.paid()[MADE:] == ["Summarise:\nfile 5 as it is now\n"]
    assert second.json()["answer"] == first.out.strip().replace("file 5 as it was", "file 5 as it is now")
    # A call here is 10 tokens in and 5 out, at a tenth of a cent each.
    assert "1 iteration, 12 of 13 sub-calls from the cache, $0.18 saved" in second.err.splitlines()[-1]
    result, events = second.json(), tree.told()
    jsonschema.validate(result, SCHEMA)
    check_events(events, result)
    assert result["subcalls"] == 1
    assert result["usage"]["sub"] == {
        "calls": 1, "cached_calls": 12, "input_tokens": 10, "cached_input_tokens": 0, "output_tokens": 5,
        "cost_usd": 0.015, "earlier_calls": 12, "saved_usd": 0.18,
    }  # fmt: skip
    assert events[-1]["usage"]["saved_usd"] == pytest.approx(0.18)


def test_the_model_is_told_what_came_from_the_cache(tree: Tree) -> None:
    tree.run()
    tree.write(5, "file 5 as it is now\n")
    tree.root = [cell(READ_ALL), cell(READ_ALL + "FINAL('done')")]
    tree.run()
    outputs = [event["output"] for event in tree.told() if event["type"] == "code_finished"]
    assert "[batch: 13 prompts, 1 calls," in outputs[0]
    assert "12 of 13 from the cache, $0.18 saved, 0 failed]" in outputs[0]
    assert "13 known already, 0 failed]" in outputs[1]
    assert "from the cache" not in outputs[1]


def test_a_reply_stands_whole_in_the_first_event_of_a_run_that_uses_it(tree: Tree) -> None:
    tree.sub = lambda prompt: prompt[-20:] * 100
    tree.run()
    tree.root = [cell(READ_ALL), cell(READ_ALL), cell("FINAL('done')")]
    tree.run()
    lengths = [(event["path"][:3], len(event["text"])) for event in tree.told() if event["type"] == "subcall_finished"]
    assert lengths == [("0/1", 2000)] * MADE + [("0/2", 200)] * MADE


def test_a_refused_batch_takes_nothing_from_a_later_ones_events(tree: Tree) -> None:
    tree.sub = lambda prompt: prompt[-20:] * 100
    tree.run()
    refused = "try:\n    llm_query_batched([*map('new {}'.format, range(5)), f'Summarise:\\n{files[path]}'])\n"
    tree.root = [
        cell(f"path = sorted(files)[0]\n{refused}except SubCallError as error:\n    print(error)"),
        cell("FINAL(llm_query(f'Summarise:\\n{files[path]}'))"),
    ]
    tree.run("--max-subcalls", "4")
    [finished] = [event for event in tree.told() if event["type"] == "subcall_finished"]
    assert (len(finished["text"]), finished["cached"]) == (2000, True)


def test_a_sub_call_of_the_root_model_is_kept_like_any_other(tree: Tree) -> None:
    tree.root = [cell("FINAL(llm_query('x', model='root') + llm_query('y', model='sub'))")]
    tree.run()
    asked = len(tree.server.requests)
    result = tree.run("-f", "json").json()
    assert result["usage"]["sub"]["earlier_calls"] == 2
    assert len(tree.server.requests) == asked + 1


# --- how it is switched -------------------------------------------------------------------------------------------


def test_without_the_cache_nothing_is_read_or_written(tree: Tree) -> None:
    tree.run("--no-cache")
    assert not cache_path().parent.exists()
    tree.run()
    tree.run("--no-cache")
    assert len(tree.paid()) == 3 * MADE


def test_a_refresh_pays_anew_and_keeps_what_comes(tree: Tree) -> None:
    tree.run()
    tree.sub = lambda prompt: "another"
    assert "another" in tree.run("--refresh-cache").out
    assert "another" in tree.run().out
    assert len(tree.paid()) == 2 * MADE


def test_both_at_once_are_refused(tree: Tree) -> None:
    ran = tree.run("--no-cache", "--refresh-cache")
    assert ran.code == 2
    assert "give one of them" in ran.err


def test_a_profile_can_do_without(tmp_path: Path) -> None:
    for tree in treeing(tmp_path, cache=False):
        tree.run()
        tree.run()
        assert len(tree.paid()) == 2 * MADE
        assert not cache_path().exists()
        tree.run("--set", "sub.cache=true")
        tree.run("--set", "sub.cache=true")
        assert len(tree.paid()) == 3 * MADE


def test_the_root_model_is_asked_anew_unless_its_profile_says_otherwise(tree: Tree) -> None:
    tree.run()
    assert len(tree.server.requests) == MADE + 1
    tree.run()
    assert len(tree.server.requests) == MADE + 2


def test_the_offline_profile_leaves_nothing(tree: Tree) -> None:
    ran = rlm("analyze", str(tree.folder / "tree"), "as it was?", "-p", "offline", "--no-record")
    assert ran.code == 0
    assert not cache_path().parent.exists()


def test_the_python_interface_has_the_switch(tree: Tree) -> None:
    for paid, cache in ((1, False), (2, True), (2, True), (3, False)):
        tree._turn = 0
        result = analyze(tree.folder / "tree", question="what?", profile=str(tree.profile), cache=cache)
        assert result.status == "complete"
        assert len(tree.paid()) == paid * MADE


# --- calls that want a reply of their own -------------------------------------------------------------------------


def test_fresh_calls_are_each_asked_and_leave_the_first_reply_alone(tmp_path: Path) -> None:
    replies = iter(range(100))
    run = Run(
        tmp_path,
        [
            cell("first = llm_query('p')\nvotes = llm_query_batched(['p'] * 3 + ['q'], fresh=True)"),
            cell("FINAL([first, sorted(votes), llm_query('p'), llm_query('p', fresh=True), llm_query('q')])"),
        ],
        sub=lambda prompt: f"{prompt}{next(replies)}",
    )
    first, votes, again, fresh, plain = json.loads(run.result.answer)
    assert first == again == "p0"
    assert sorted(vote[1] for vote in votes) == ["1", "2", "3", "4"]
    assert (fresh, plain) == ("p5", "q6")
    assert run.sub_prompts().count("p") == 5
    assert (run.result.subcalls, run.result.usage_sub.calls, run.result.usage_sub.cached_calls) == (7, 7, 1)
    assert "[batch: 4 prompts, 4 calls," in run.told(1)


def test_fresh_calls_count_against_the_limit(tmp_path: Path) -> None:
    run = Run(tmp_path, [cell("llm_query_batched(['p'] * 3, fresh=True)"), cell("FINAL('done')")], max_subcalls=2)
    assert "3 sub-calls asked for, 2 of 2 left" in run.told(1)
    assert run.sub_prompts() == []


def test_fresh_is_true_or_false(tmp_path: Path) -> None:
    run = Run(tmp_path, [cell("llm_query('p', fresh='yes')"), cell("FINAL('done')")])
    assert "TypeError: fresh must be True or False, not 'str'" in run.told(1)


def test_a_rebuilt_session_is_given_the_fresh_replies_again(tmp_path: Path) -> None:
    replies = iter(range(100))
    run = Run(
        tmp_path,
        [
            cell("votes = llm_query_batched(['p'] * 3, fresh=True)"),
            cell("sum(range(10**13))"),
            cell("FINAL(sorted(votes))"),
        ],
        sub=lambda prompt: str(next(replies)),
        cell_timeout=0.5,
    )
    assert json.loads(run.result.answer) == ["0", "1", "2"]
    assert len(run.sub_prompts()) == 3


# --- what goes wrong with it --------------------------------------------------------------------------------------


def test_a_cache_that_cannot_be_used_is_one_warning_and_the_same_answer(tree: Tree) -> None:
    good = tree.run("-f", "json").json()
    cache_path().unlink()
    cache_path().symlink_to(tree.folder / "elsewhere")
    ran = tree.run("-f", "json")
    assert ran.json()["answer"] == good["answer"]
    said = f"the cache is not used: {cache_path()}: replies.sqlite3 is a link"
    assert ran.json()["warnings"] == tree.told()[-1]["warnings"] == [said]
    assert ran.err.count(said) == 1
    assert not (tree.folder / "elsewhere").exists()


def test_a_full_disk_is_one_warning_and_the_same_answer(tree: Tree) -> None:
    """Here: no file of this process can be larger than 50 kB, which the cache's log soon is."""
    tree.sub = lambda prompt: prompt[-20:] * 1_000
    tree.root = [cell(READ_ALL + "FINAL([len(reply) for reply in replies])")]
    words = ["analyze", str(tree.folder / "tree"), "what?", "-p", str(tree.profile), "--no-record", "-f", "json"]

    def confine() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, 50_000))

    ran = finish(start(*words, preexec_fn=confine))
    assert ran.code == 0
    assert ran.json()["answer"] == json.dumps([20_000] * MADE)
    [said] = ran.json()["warnings"]
    assert said.startswith(f"nothing more is written to the cache: {cache_path()}: ")
    assert len(tree.paid()) == MADE
    assert tree.run("-f", "json").json()["warnings"] == []
    assert MADE < len(tree.paid()) <= 2 * MADE
