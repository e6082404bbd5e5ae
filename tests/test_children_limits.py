"""Child runs and limits: how deep they go, what they share, and what becomes of them when a limit is met."""

import json
import re
from pathlib import Path

from support.openai_server import Scripted
from support.runs import Run, cell
from test_children import asked

from rlm_cli.events import CodeFinished, LimitReached, RunFinished, RunStarted, SubcallFailed, SubcallStarted

DOWN = """
left = int(context)
FINAL(str(left) if left == 0 else f"{left} {rlm_query('down', str(left - 1))}")
"""


def down(first: str, given: int) -> str:
    return cell(DOWN)


def test_runs_open_runs_as_deep_as_the_limit_allows_and_no_deeper(tmp_path: Path) -> None:
    for deepest, answer, runs in (
        (5, "3 2 1 0", ["0", "0/1.1", "0/1.1/1.1", "0/1.1/1.1/1.1", "0/1.1/1.1/1.1/1.1"]),
        (4, "3 2 1 re down\n\n0", ["0", "0/1.1", "0/1.1/1.1", "0/1.1/1.1/1.1"]),
        (3, "3 2 re down\n\n1", ["0", "0/1.1", "0/1.1/1.1"]),
        (2, "3 re down\n\n2", ["0", "0/1.1"]),
        (1, "re down\n\n3", ["0"]),
    ):
        run = Run(tmp_path, [cell("FINAL(rlm_query('down', '3'))")], child=down, max_depth=deepest)
        run.check()
        assert (run.result.status, run.result.answer) == ("complete", answer)
        assert [event.path for event in run.of(RunStarted)] == runs
        assert run.result.max_depth_reached == min(deepest, 4)
        assert run.result.subcalls == min(deepest, 4)


def test_at_the_floor_rlm_query_is_a_plain_call_and_the_model_is_told(tmp_path: Path) -> None:
    code = """
r = rlm_query_batched([("what?", "text one"), ("fail", "x" * 400_000), ("what?", "text one")])
print([x.ok for x in r], r[0], r[1].error)
"""
    run = Run(tmp_path, [cell(code), cell("FINAL(r[0])")], window=10_000, max_depth=1)
    run.check()
    assert "There are no child runs here: rlm_query(question, context) is one llm_query over both" in run.told(0)
    told = run.told(1)
    assert "[True, False, True] re what?" in told
    assert "Nothing was sent: cut it with smart_chunk" in told
    assert run.sub_prompts() == ["what?\n\ntext one"]
    assert (run.result.subcalls, run.of(RunStarted)[1:]) == (1, [])


def test_what_children_spend_at_any_depth_is_held_to_one_cap(tmp_path: Path) -> None:
    endless = cell("r = [rlm_query('down', 'x'), llm_query_batched(['p', 'q'])]")
    cap = 0.3  # a call costs about $0.007 at most, a last word about twice that
    root: list[str | Scripted] = [
        cell("found = 'half'\nrlm_query_batched([('down', c) for c in 'abc'])"),
        "FINAL(found)",
    ]
    run = Run(tmp_path, root, lambda prompt: Scripted("re", output_tokens=400), child=lambda first, given: Scripted(
        endless, output_tokens=400), max_depth=3, max_cost=cap, max_subcalls=10_000)  # fmt: skip
    run.check()
    assert (run.result.status, run.result.stop_reason, run.result.answer) == ("partial", "max_cost", "half")
    assert run.result.usage.cost_usd is not None
    assert cap / 2 < run.result.usage.cost_usd <= cap
    assert run.result.limits_reached == ("max_cost",)
    deepest = max(event.path.depth for event in run.of(RunStarted))
    assert (deepest, run.result.max_depth_reached) == (2, 3)
    assert {event.limit for event in run.of(LimitReached)} == {"max_iterations", "max_cost"}
    ended = {event.stop_reason for event in run.of(RunFinished)} - {"error", "max_iterations"}
    assert ended == {"max_cost"}
    # No run but the root's has a last word then; those who have used up their iterations have had theirs.
    last = [each[-1]["content"] for each in run.child_requests() if "This is the last word" in each[-1]["content"]]
    assert all("all 15 iterations are used" in each for each in last)


def test_tokens_that_a_child_uses_up_end_the_run(tmp_path: Path) -> None:
    run = Run(
        tmp_path,
        [cell("kept = 1\nr = rlm_query('q', 'x')"), "FINAL(kept)"],
        child=lambda first, given: Scripted(cell("print(1)"), input_tokens=2_000, output_tokens=500),
        max_tokens=30_000,
    )
    run.check()
    assert (run.result.status, run.result.stop_reason, run.result.answer) == ("partial", "max_tokens", "1")
    [failed] = run.of(SubcallFailed)
    assert failed.error == "the child run was ended: max_tokens is reached"


def test_sub_calls_of_children_count_and_end_no_run(tmp_path: Path) -> None:
    child = """
try:
    r = llm_query_batched([context + c for c in 'abc'])
except SubCallError as error:
    r = error
FINAL(str(r))
"""
    code = """
r = rlm_query_batched([('q', 'x'), ('q', 'y')])
print(r)
try:
    rlm_query_batched([('q', c) for c in 'ab'])
except SubCallError as error:
    print(error)
"""
    root: list[str | Scripted] = [cell(code), cell("FINAL(r[0])")]
    run = Run(tmp_path, root, child=lambda first, given: cell(child), max_subcalls=6, concurrency=1)
    run.check()
    assert run.result.status == "complete"
    assert run.result.answer == "['re xa', 're xb', 're xc']"
    assert "3 sub-calls asked for, 1 of 6 left; nothing was sent" in run.told(1)
    assert "2 sub-calls asked for, 1 of 6 left; nothing was sent" in run.told(1)
    assert (run.result.subcalls, run.result.limits_reached) == (5, ("max_subcalls",))


def test_findings_are_reported_by_the_run_that_was_asked_for_them(tmp_path: Path) -> None:
    report = cell("print(report_finding('other', 't', 'm', 'text', 'x'))\nFINAL('x is wrong')")
    run = Run(
        tmp_path, [cell("FINAL(rlm_query('q', 'x'))")], child=lambda first, given: report, findings=True, verify=False
    )
    run.check()
    assert (run.result.findings, run.result.answer) == ((), "x is wrong")
    [said, _] = [event.output for event in run.of(CodeFinished)]
    assert said.startswith("not reported: findings are reported by the run that was asked for them")


def test_what_children_were_shown_counts_as_looked_at(tmp_path: Path) -> None:
    filler = "".join(f"a line of the archive, number {n}\n" for n in range(1_000))
    files = {"a.txt": filler, "b.txt": "the second line of another letter\n", "c.txt": filler.upper() * 2}
    for code, unseen in (("rlm_query('q', files['b.txt'])", ()), ("'nothing'", ("b.txt",))):
        folder = tmp_path / str(len(unseen))
        run = Run(folder, [cell(f"FINAL({code})")], files=files, findings=True, verify=False)
        assert run.result.coverage is not None
        assert run.result.coverage.unseen == unseen
    assert run.of(RunFinished)[-1].coverage == run.result.coverage


def test_children_that_are_open_when_time_is_up_come_to_their_end(tmp_path: Path) -> None:
    def child(first: str, given: int) -> str | Scripted:
        replies: dict[str, str | Scripted] = {
            "fast": "FINAL(fast)",
            "slow": Scripted("late", delay=60),
            "deep": cell("r = llm_query_batched(['quick', 'slow'])"),
            "busy": cell("while True:\n    pass"),
        }
        return replies[asked(first)]

    code = "r = rlm_query_batched([(q, 'x') for q in ['fast', 'slow', 'deep', 'busy']])\ngot = [x.ok for x in r]"
    run = Run(
        tmp_path,
        [cell(code), cell("FINAL(got + [r[1].error, r[3].error])")],
        sub=lambda prompt: Scripted(prompt, delay=60 if prompt == "slow" else 0),
        child=child,
        timeout=14,  # of which 2.1 s are the last word's
    )
    run.check()
    assert (run.result.status, run.result.stop_reason) == ("partial", "timeout")
    assert json.loads(run.result.answer)[:4] == [True, False, False, False]
    assert run.result.limits_reached == ("timeout",)
    assert {event.path for event in run.of(SubcallFailed)} == {"0/1.2", "0/1.3", "0/1.3/1.2", "0/1.4"}
    assert all(re.search("timeout|time limit", event.error) for event in run.of(SubcallFailed))


def test_a_child_that_hangs_is_given_a_fresh_session_with_the_answers_of_its_own_children(tmp_path: Path) -> None:
    def child(first: str, given: int) -> str:
        if asked(first) == "inner":
            return "FINAL(inner answer)"
        return [
            cell("kept = rlm_query('inner', 'y')\nprint(kept)"),
            cell("sum(range(10**13))"),
            cell("FINAL(kept)"),
        ][given]

    run = Run(tmp_path, [cell("FINAL(rlm_query('outer', 'x'))")], child=child, max_depth=3, cell_timeout=0.5)
    run.check()
    assert run.result.answer == "inner answer"
    assert [event.path for event in run.of(SubcallStarted)] == ["0/1.1", "0/1.1/1.1"]
    assert any(each.startswith("child run 0/1.1: iteration 2: the code did not stop") for each in run.result.warnings)


def test_a_session_that_must_be_rebuilt_gives_the_answers_of_children_again(tmp_path: Path) -> None:
    code = "r = rlm_query_batched([('a', 'x'), ('bad', 'y')])\nkept = r[0]\nfirst = rlm_query('c', context)"
    run = Run(
        tmp_path,
        [cell(code), cell("sum(range(10**13))"), cell("FINAL([kept, first, r[1].partial, first.evidence[0][1]])")],
        child=lambda first, given: (
            cell("FINAL('fine', evidence=[(0, context[:4])])") if asked(first) != "bad" else Scripted("x", status=400)
        ),
        cell_timeout=0.5,
    )
    run.check()
    assert json.loads(run.result.answer) == ["fine", "fine", None, "some"]
    assert len(run.child_requests()) == 3


def test_more_children_than_may_run_side_by_side_at_any_depth_wait_for_each_other_and_not_for_ever(
    tmp_path: Path,
) -> None:
    spread = cell("FINAL(' '.join(rlm_query_batched([(c, context) for c in 'xyz'])))")
    run = Run(
        tmp_path,
        [cell("FINAL(' '.join(rlm_query_batched([('spread', str(n)) for n in range(6)])))")],
        child=lambda first, given: spread if asked(first) == "spread" else f"FINAL({asked(first)})",
        max_depth=3,
        concurrency=2,
    )
    run.check()
    assert run.result.answer == " ".join(["x y z"] * 6)
    assert run.result.subcalls == 6 + 18
