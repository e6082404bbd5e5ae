"""The engine under strain, over loopback and with the real sandbox: hung cells, lost children, full windows."""

import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest
from support.events import check_events
from support.openai_server import OpenAIServer, Scripted
from support.runs import Run, cell

from rlm_cli import analysis
from rlm_cli.events import (
    AnswerGiven,
    CodeFinished,
    CodeStarted,
    Event,
    HistoryCompacted,
    IterationStarted,
    ModelReplied,
    SubcallFailed,
    SubcallFinished,
    SubcallStarted,
)
from rlm_cli.reports import summary_line
from rlm_cli.types import Limits, ModelSpec, Price, Profile


def test_an_endless_loop_is_stopped_and_its_variables_are_kept(tmp_path: Path) -> None:
    run = Run(tmp_path, [cell("n = 0\nwhile True:\n    n += 1"), cell("FINAL(n > 0)")], cell_timeout=0.5)
    assert "CellTimeout" in run.told(1)
    assert run.result.answer == "true"
    assert run.result.warnings == ()


def test_a_session_that_must_be_killed_is_rebuilt_without_paying_twice(tmp_path: Path) -> None:
    run = Run(
        tmp_path,
        [
            cell("paid = llm_query('once')\nprint(paid)"),
            cell("more = llm_query_batched(['a', 'b'])\nbroken = 1 / 0"),
            cell("lost = llm_query('third')\nsum(range(10**13))"),
            cell("x = llm_query('third')"),
            cell("FINAL([paid, *more, x, out[1]])"),
        ],
        cell_timeout=0.5,
    )
    assert json.loads(run.result.answer) == ["re once", "re a", "re b", "re third", "re once\n"]
    assert sorted(run.sub_prompts()) == ["a", "b", "once", "third"]
    assert run.result.subcalls == 4
    told = run.told(3)
    assert "variables of earlier iterations are kept, this cell's are lost" in told
    assert any("the session was replaced" in warning for warning in run.result.warnings)


def test_a_session_that_cannot_be_rebuilt_says_that_all_is_lost(tmp_path: Path) -> None:
    run = Run(
        tmp_path,
        [
            # Run again, this asks something else: the object's address is part of the prompt.
            cell("class A:\n    pass\nllm_query(str(id(A())))\nkept = 1"),
            cell("sum(range(10**13))"),
            cell("try:\n    kept\nexcept NameError:\n    FINAL('gone')\nelse:\n    FINAL('kept')"),
        ],
        cell_timeout=0.5,
    )
    told = run.told(2)
    assert ("all variables are lost" in told) == (run.result.answer == "gone")
    assert ("are kept" in told) == (run.result.answer == "kept")


def test_a_cell_that_does_otherwise_when_it_is_run_again_costs_itself_and_what_came_after(tmp_path: Path) -> None:
    run = Run(
        tmp_path,
        [
            cell("kept = llm_query('once')"),
            # The address of an object is another one in another process.
            cell("class A:\n    pass\nfleeting = llm_query(str(id(A())))"),
            cell("after = 1"),
            cell("sum(range(10**13))"),
            cell("FINAL([kept, 'fleeting' in dir(), 'after' in dir()])"),
        ],
        cell_timeout=0.5,
    )
    assert json.loads(run.result.answer) == ["re once", False, False]
    assert "rebuilt up to iteration 2, whose code did otherwise when it was run again" in run.told(4)
    assert "what this cell had set and for A, fleeting, after." in run.told(4)
    assert run.sub_prompts().count("once") == 1


def test_waiting_for_models_does_not_count_as_computing(tmp_path: Path) -> None:
    run = Run(
        tmp_path,
        [cell("FINAL(llm_query('slow'))")],
        sub=lambda prompt: Scripted("late", delay=1.5),
        cell_timeout=1,
    )
    assert (run.result.status, run.result.answer) == ("complete", "late")


def test_a_batch_at_the_deadline_keeps_what_came_and_abandons_the_rest(tmp_path: Path) -> None:
    run = Run(
        tmp_path,
        [cell("r = llm_query_batched(['fast', 'slow'])\ngot = [str(x) for x in r if x.ok]"), cell("FINAL(got)")],
        sub=lambda prompt: Scripted(prompt, delay=60 if prompt == "slow" else 0),
        timeout=10,  # of which 1.5 s are the last word's
    )
    assert (run.result.status, run.result.stop_reason, run.result.answer) == ("partial", "timeout", '["fast"]')
    assert run.result.limits_reached == ("timeout",)
    [failed] = run.of(SubcallFailed)
    assert failed.path == "0/1.2"
    assert len(run.of(SubcallStarted)) == 2
    assert run.result.elapsed_seconds < 60  # the slow one was not waited for


def test_calls_that_the_deadline_kept_from_being_sent_are_not_counted_as_failed(tmp_path: Path) -> None:
    run = Run(
        tmp_path,
        [cell("r = llm_query_batched([f'p{n}' for n in range(5)])"), cell("FINAL('x')")],
        sub=lambda prompt: Scripted(prompt, delay=60),
        timeout=6,
        concurrency=2,
    )
    assert run.result.subcalls == len(run.of(SubcallStarted)) == 2
    assert dict(run.result.failed_subcalls) == {"abandoned": 2, "not sent": 3}
    assert "2 sub-calls (2 failed, 3 not sent)" in summary_line(run.result, 1, 0)


def test_a_sub_model_that_says_nothing_or_is_cut_is_told_apart_from_an_answer(tmp_path: Path) -> None:
    code = (
        "r = llm_query_batched(['empty', 'long', 'fine'])\n"
        "print([x.ok for x in r], [x.truncated for x in r if x.ok])\n"
        "try:\n    llm_query('empty')\nexcept SubCallError as e:\n    print('refused:', e)\n"
        "FINAL('x')"
    )

    def sub(prompt: str) -> str | Scripted:
        return {"empty": Scripted(""), "long": Scripted("cut", finish_reason="length")}.get(prompt, "fine")

    run = Run(tmp_path, [cell(code)], sub=sub)
    [finished] = run.of(CodeFinished)
    assert "[False, True, True] [True, False]" in finished.output
    assert "refused: " in finished.output
    assert "2 failed" not in finished.output
    [(error, times)] = run.result.failed_subcalls
    assert times == 2
    assert "empty" in error


def test_a_prompt_larger_than_the_window_is_refused_with_its_size_and_nothing_is_sent(tmp_path: Path) -> None:
    code = "try:\n    llm_query('word ' * 30_000)\nexcept SubCallError as e:\n    print(e)\nFINAL('x')"
    run = Run(tmp_path, [cell(code)], window=20_000)
    [finished] = run.of(CodeFinished)
    assert "150,000 characters" in finished.output
    assert "19,500" in finished.output
    assert run.sub_prompts() == []
    assert run.result.subcalls == 0


@pytest.mark.parametrize("name", ["root", "openai/root"])
def test_the_root_model_may_be_asked_about_a_piece(tmp_path: Path, name: str) -> None:
    run = Run(tmp_path, [cell(f"x = llm_query('p', model={name!r})"), cell("FINAL('x')")])
    asked = [body for body in run.requests if body["messages"][-1]["content"] == "p"]
    assert [body["model"] for body in asked] == ["root"]
    assert run.result.usage_sub.calls == 1


def test_an_unknown_model_is_refused_by_name(tmp_path: Path) -> None:
    run = Run(tmp_path, [cell("llm_query('p', model='gpt-9')"), cell("FINAL('x')")])
    assert "this run has no model 'gpt-9'" in run.told(1)
    assert "openai/sub" in run.told(1)


def test_a_flood_of_output_reaches_neither_the_model_nor_the_host_whole(tmp_path: Path) -> None:
    run = Run(tmp_path, [cell("for n in range(3_000_000):\n    print(n)"), cell("print(len(out[1]))\nFINAL('x')")])
    told = run.told(1)
    assert len(told) < 10_000
    assert "whole text in out[1]" in told
    assert "2999999" in told
    assert int(run.of(CodeFinished)[1].output) < 1_100_000


def test_old_outputs_are_folded_when_the_window_is_nearly_full(tmp_path: Path) -> None:
    show = cell("print('word ' * 1_500)")
    run = Run(tmp_path, [*[show] * 8, "FINAL(done)"], window=16_000)
    assert run.result.answer == "done"
    compacted = run.of(HistoryCompacted)
    assert compacted
    assert compacted[0].tokens_after < compacted[0].tokens_before
    assert "whole text in out[1]" in run.requests[-1]["messages"][3]["content"]
    assistants = [m for m in run.requests[-1]["messages"] if m["role"] == "assistant"]
    assert len(assistants) == 8


def test_a_cap_below_one_call_ends_before_anything_is_sent(tmp_path: Path) -> None:
    run = Run(tmp_path, ["FINAL(x)"], max_cost=0.0001)
    assert (run.result.status, run.result.stop_reason) == ("partial", "max_cost")
    assert run.requests == []
    assert run.result.answer == ""
    assert any("no last word" in warning for warning in run.result.warnings)


def test_overwritten_names_are_restored_and_reported(tmp_path: Path) -> None:
    run = Run(tmp_path, [cell("context = 'forged'\nllm_query = len"), cell("FINAL([context, llm_query('p')])")])
    assert json.loads(run.result.answer) == ["some text\n", "re p"]
    assert any("overwritten context" in warning for warning in run.result.warnings)
    assert "Restored" in run.told(1)


def test_sub_calls_are_numbered_in_the_order_of_their_prompts(tmp_path: Path) -> None:
    def sub(prompt: str) -> Scripted:
        return Scripted(prompt, delay=0.2 if prompt == "p0" else 0)

    run = Run(tmp_path, [cell("r = llm_query_batched([f'p{n}' for n in range(5)])\nFINAL(r)")], sub=sub)
    heads = {event.path: event.prompt_head for event in run.of(SubcallStarted)}
    assert heads == {f"0/1.{n + 1}": f"p{n}" for n in range(5)}
    assert {event.path for event in run.of(SubcallFinished)} == set(heads)
    assert json.loads(run.result.answer) == [f"p{n}" for n in range(5)]


def test_the_last_word_is_no_iteration_and_may_be_plain_words(tmp_path: Path) -> None:
    run = Run(tmp_path, [cell("n = 1"), "I found nothing yet, but one file is left."], max_iterations=1)
    assert run.result.answer == "I found nothing yet, but one file is left."
    assert (run.result.status, run.result.iterations) == ("partial", 1)
    assert [event.number for event in run.of(IterationStarted)] == [1]


def test_evidence_of_a_last_word_that_does_not_hold_is_marked(tmp_path: Path) -> None:
    run = Run(tmp_path, [cell("n = 1"), cell("FINAL('x', evidence=[('input.txt', 'not there')])")], max_iterations=1)
    assert run.result.answer == "x"
    [citation] = run.result.citations
    assert (citation.path, citation.quote, citation.verified) == ("input.txt", "not there", False)


def test_nothing_of_a_run_stays_behind(tmp_path: Path) -> None:
    before = len(list(Path("/proc/self/fd").iterdir()))
    for _ in range(2):
        Run(tmp_path, [cell("FINAL(llm_query('p'))")])
        after = len(list(Path("/proc/self/fd").iterdir()))
    assert after <= before + 8  # litellm keeps its connections
    children = Path("/proc/self/task").glob("*/children")
    assert "".join(each.read_text() for each in children).split() == []


def test_a_truncated_reply_is_neither_run_nor_believed_where_it_is_cut(tmp_path: Path) -> None:
    def cut(text: str) -> Scripted:
        return Scripted(text, finish_reason="length")

    run = Run(
        tmp_path,
        [
            cut(cell("print('whole')") + "\n```repl\n"),
            cut("FINAL(Findings:\n1. A (a.py:1)\n2. B (b.py"),
            "FINAL(all of it)",
        ],
    )
    assert run.result.answer == "all of it"
    assert "whole" in run.told(1)
    assert "FINAL(...) was not accepted" in run.told(2)


def test_a_last_word_that_names_a_variable_gives_its_value(tmp_path: Path) -> None:
    run = Run(tmp_path, [cell("result = 'seven'"), "FINAL(result)"], max_iterations=1)
    assert run.result.answer == "seven"


@pytest.mark.parametrize("last", ["FINAL()", "FINAL_VAR(reslt)", cell("FINAL('')")])
def test_a_last_word_without_an_answer_gives_none_and_says_why(tmp_path: Path, last: str) -> None:
    run = Run(tmp_path, [cell("result = 'seven'"), last], max_iterations=1)
    assert run.result.answer == ""
    assert not run.of(AnswerGiven)
    if last != "FINAL()":
        assert any("the code of the last word failed" in warning for warning in run.result.warnings)


def test_an_answer_given_when_money_has_run_out_is_partial(tmp_path: Path) -> None:
    code = "r = llm_query_batched([f'p{n}' for n in range(64)])\nFINAL([str(x) for x in r if x.ok])"
    run = Run(tmp_path, [cell(code)], sub=lambda prompt: Scripted(prompt, output_tokens=400), max_cost=0.06)
    answers = json.loads(run.result.answer)
    assert (run.result.status, run.result.stop_reason) == ("partial", "max_cost")
    assert 0 < len(answers) < 64
    assert run.result.subcalls == len(answers) == len(run.sub_prompts())
    assert run.result.failed_subcalls == (("not sent", 64 - len(answers)),)
    assert run.result.usage.cost_usd is not None
    assert run.result.usage.cost_usd <= 0.06


def test_time_spent_waiting_for_models_counts_against_the_run(tmp_path: Path) -> None:
    code = "llm_query('slow')\nwhile True:\n    pass"
    run = Run(
        tmp_path,
        [cell(code), "I ran out of time."],
        sub=lambda prompt: Scripted("late", delay=2),
        timeout=5,
        cell_timeout=60,
    )
    assert (run.result.stop_reason, run.result.answer) == ("timeout", "I ran out of time.")


def test_what_an_interrupted_cell_had_set_is_named_when_it_cannot_be_rebuilt(tmp_path: Path) -> None:
    run = Run(
        tmp_path,
        [
            cell("kept = 1"),
            cell("precious = 2\nwhile True:\n    pass"),
            cell("sum(range(10**13))"),
            cell("FINAL(kept)"),
        ],
        cell_timeout=0.5,
    )
    assert run.result.answer == "1"
    assert "but for what this cell had set and for precious" in run.told(3)


def test_evidence_of_an_answer_that_was_not_given_is_not_evidence(tmp_path: Path) -> None:
    run = Run(
        tmp_path,
        [
            cell("FINAL('one', evidence=[('input.txt', 'some')])\nassert False"),
            cell("cite('input.txt', 'some text')\nFINAL('two', evidence=[('input.txt', 'text')])"),
        ],
    )
    assert [citation.quote for citation in run.result.citations] == ["some text", "text"]


def test_output_of_dear_characters_is_cut_by_tokens(tmp_path: Path) -> None:
    run = Run(tmp_path, [cell("print('\U00012000' * 8_000)"), "FINAL(x)"])
    assert len(run.told(1)) < 5_000
    assert "hidden" in run.told(1)


def test_a_refusal_that_was_billed_is_in_the_events(tmp_path: Path) -> None:
    run = Run(tmp_path, [Scripted("", finish_reason="content_filter")])
    assert run.result.stop_reason == "refused"
    [replied] = run.of(ModelReplied)
    assert replied.usage == run.result.usage
    assert replied.usage.calls == 1


def test_a_model_that_only_thinks_is_told_apart_from_a_silent_one(tmp_path: Path) -> None:
    run = Run(tmp_path, [Scripted("", finish_reason="length")])
    assert run.result.error is not None
    assert "used all of its 500 output tokens" in run.result.error.message
    assert "max_output_tokens" in (run.result.error.hint or "")
    assert "cut at its output limit" in run.told(1)


@pytest.mark.parametrize("stop_at", [CodeStarted, SubcallStarted, SubcallFinished, CodeFinished, ModelReplied])
def test_an_interrupt_at_any_moment_leaves_a_whole_record(tmp_path: Path, stop_at: type[Event]) -> None:
    """Ctrl-C strikes while an event is being shown: every start has its end, and the usage adds up."""
    (tmp_path / "input.txt").write_text("x")
    code = cell("llm_query('a')\nllm_query('a')\nllm_query_batched([f'p{n}' for n in range(20)])")

    def reply(body: dict[str, Any]) -> Scripted:
        return Scripted(code if body["model"] == "root" else "y", delay=0.01)

    events: list[Event] = []

    def watch(event: Event) -> None:
        events.append(event)
        if sum(isinstance(each, stop_at) for each in events) == 1 and isinstance(event, stop_at):
            raise KeyboardInterrupt

    with OpenAIServer(reply) as server:
        model = ModelSpec("openai/root", api_base=server.url, price=Price(1, 10), max_output_tokens=500)
        profile = Profile("t", "", model, replace(model, model="openai/sub"), Limits(), strategy="rlm")
        task = analysis.prepare([str(tmp_path / "input.txt")], "q", profile).task
        result = analysis.run(task, watch)
    assert result.status == "interrupted"
    # What had not begun was not taken; a repeated prompt is not counted.
    begun = [event for event in events if isinstance(event, SubcallStarted)]
    known = [event for event in events if isinstance(event, SubcallFinished) and event.cached]
    assert result.subcalls == len(begun) - len(known)
    check_events([event.to_json() for event in events], {"usage": {"total": asdict(result.usage)}})
