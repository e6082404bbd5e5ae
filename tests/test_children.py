"""Child runs: a question with a text of its own, answered by the same engine within the run that asks."""

import re
from pathlib import Path
from threading import Barrier

from support.openai_server import Scripted
from support.runs import Run, cell

from rlm_cli.events import (
    ContextLoaded,
    IterationStarted,
    LimitReached,
    RunFinished,
    RunStarted,
    SubcallFailed,
    SubcallFinished,
    SubcallStarted,
)

LETTER = "\n".join([*(f"line {n} says nothing" for n in range(1, 40)), "the rent is 500 euros", "yours"]) + "\n"


def asked(first: str) -> str:
    """The question in a first message."""
    return first.split("\n")[2]


def test_a_child_answers_from_its_own_text_in_its_own_iterations(tmp_path: Path) -> None:
    def child(first: str, given: int) -> str:
        return [
            cell("n = len(context)\nprint(n)"),
            cell("r = llm_query('sum ' + context[:4])\nFINAL(f'{n} {r} {len(documents)}', doubt='hardly')"),
        ][given]

    run = Run(
        tmp_path, [cell("n = 'mine'\nr = rlm_query('how long?', 'alpha beta')\nprint(r.doubt, n)"), cell("FINAL(r)")],
        child=child,
    )  # fmt: skip
    run.check()
    assert (run.result.status, run.result.answer) == ("complete", "10 re sum alph 1")
    assert "hardly mine" in run.told(1)
    assert [event.path for event in run.of(RunStarted)] == ["0", "0/1.1"]
    assert [event.path for event in run.of(ContextLoaded)] == ["0", "0/1.1"]
    assert [event.path for event in run.of(IterationStarted)] == ["0/1", "0/1.1/1", "0/1.1/2", "0/2"]
    assert [event.path for event in run.of(SubcallStarted)] == ["0/1.1", "0/1.1/2.1"]
    assert [event.path for event in run.of(SubcallFinished)] == ["0/1.1/2.1", "0/1.1"]
    inner, outer = run.of(RunStarted)[1], run.of(RunStarted)[0]
    assert (inner.question, inner.root_model, inner.sub_model) == ("how long?", "openai/sub", "openai/sub")
    assert inner.run_id == outer.run_id
    assert (run.result.subcalls, run.result.max_depth_reached, run.result.iterations) == (2, 2, 2)
    assert (run.result.usage_root.calls, run.result.usage_sub.calls) == (2, 3)


def test_a_child_is_told_what_it_is_and_how_many_iterations_are_its_own(tmp_path: Path) -> None:
    run = Run(tmp_path, [cell("FINAL(rlm_query('how long?', 'alpha beta'))")], max_iterations=40)
    [[_, first]] = run.child_requests()
    assert "how long?" in first["content"]
    assert "alpha beta" in first["content"]
    assert "You are a child run" in first["content"]
    assert "There are no child runs here" in first["content"]
    assert "iteration 1/15" in first["content"]
    [root] = [body["messages"][1]["content"] for body in run.requests if body["model"] == "root"]
    assert "rlm_query is there: up to 15 iterations each" in root
    assert "its own come on top, and are plain model calls" in root
    assert "child run" not in root.partition("rlm_query is there")[0]


def test_evidence_of_a_child_leads_back_to_the_text_that_it_stands_in(tmp_path: Path) -> None:
    def child(first: str, given: int) -> str:
        path = "documents[0].path"
        if asked(first) == "made up":
            return cell(f"FINAL(documents[0].path, evidence=[({path}, 'nowhere else')])")
        return cell(f"FINAL({path}, evidence=[({path}, 'the rent is 500 euros'), ({path}, 'yours')])")

    code = """
letter = files["b/letter.txt"]
whole = rlm_query("whole", letter)
part = rlm_query("part", letter[letter.index("line 30"):])
over = rlm_query("over", context[documents[1].start - 5:])
made = rlm_query("made up", "it stands nowhere else")
print(whole, part, over, made, sep="|")
print(whole.evidence == part.evidence == over.evidence, made.evidence)
"""
    files = {"a.txt": "the rent is 500 euros?\n", "b/letter.txt": LETTER}
    run = Run(tmp_path, [cell(code), cell("FINAL('500', evidence=part.evidence)")], child=child, files=files)
    run.check()
    told = run.told(1)
    assert "b/letter.txt|b/letter.txt (lines 30-41)|text|text" in told
    assert "True []" in told
    assert run.result.answer == "500"
    places = [(each.path, each.line, each.quote, each.verified) for each in run.result.citations]
    assert places == [
        ("b/letter.txt", 40, "the rent is 500 euros", True),
        ("b/letter.txt", 41, "yours", True),
    ]


def test_documents_put_together_under_their_headers_keep_their_paths(tmp_path: Path) -> None:
    def child(first: str, given: int) -> str:
        last = "documents[-1]"
        return cell(f"FINAL([each.path for each in documents], evidence=[({last}.path + ':1', {last}.text[:9])])")

    code = """
def under(path, text):
    return f"===== {path} =====\\n{text}"
both = rlm_query("both", "\\n\\n".join(under(path, files[path]) for path in ("a.txt", "b/letter.txt")))
slice = rlm_query("slice", context[:documents[1].end])
lied = rlm_query("lied", under("a.txt", "what does not stand there"))
made = rlm_query("made", "a made-up text, with: the rent is 500 euros?")
print(both, slice, lied, made, sep="|")
print([x.evidence for x in (both, slice, lied, made)])
"""
    files = {"a.txt": "the rent is 500 euros?\n", "b/letter.txt": LETTER, "c.txt": "more\n"}
    run = Run(tmp_path, [cell(code), cell("FINAL('done', evidence=both.evidence)")], child=child, files=files)
    run.check()
    told = run.told(1)
    assert '["a.txt", "b/letter.txt"]|["a.txt", "b/letter.txt"]|["text"]|["text"]' in told
    assert re.search(r"\[\[\((\d+), 'line 1 sa'\)\], \[\(\1, 'line 1 sa'\)\], \[\], \[\]\]", told), told
    assert [(each.path, each.line) for each in run.result.citations] == [("b/letter.txt", 1)]


def test_a_child_that_uses_up_its_iterations_gets_a_last_word_which_is_partial(tmp_path: Path) -> None:
    def child(first: str, given: int) -> str:
        return "FINAL(so far 7)" if given == 15 else cell(f"print({given})")

    code = "try:\n    rlm_query('q', 'x')\nexcept SubCallError as e:\n    print(e, '|', e.partial)"
    run = Run(tmp_path, [cell(code), cell("FINAL('done')")], child=child)
    run.check()
    assert "the child run used all its 15 iterations without FINAL; .partial has its last word | so far 7" in run.told(
        1
    )
    assert len(run.child_requests()) == 16
    [failed] = run.of(SubcallFailed)
    assert failed.path == "0/1.1"
    [ended, _] = run.of(RunFinished)
    assert (ended.status, ended.stop_reason, ended.answer) == ("partial", "max_iterations", "so far 7")
    assert (run.result.status, run.result.limits_reached) == ("complete", ())
    assert [event.path for event in run.of(LimitReached)] == ["0/1.1"]


def test_a_model_that_fails_in_a_child_fails_the_call_and_not_the_run(tmp_path: Path) -> None:
    refused = Scripted(status=400, error={"message": "no such thing"})

    def child(first: str, given: int) -> str | Scripted:
        return refused if asked(first) == "bad" else "FINAL(fine)"

    code = """
r = rlm_query_batched([("good", "x"), ("bad", "y"), ("good", "x")])
print([x.ok for x in r], r[0], r[2], r[1].error, r[1].partial)
"""
    run = Run(tmp_path, [cell(code), cell("FINAL(r[0])")], child=child)
    run.check()
    told = run.told(1)
    assert "[True, False, True] fine fine the child run failed:" in told
    assert "[batch: 3 questions, 2 child runs, 1 calls" in told
    assert "1 failed (#1: the child run failed:" in told
    assert (run.result.status, run.result.subcalls) == ("complete", 2)
    [(error, times)] = run.result.failed_subcalls
    assert (error.startswith("the child run failed:"), times) == (True, 1)
    statuses = {event.path: event.status for event in run.of(RunFinished)}
    assert statuses == {"0/1.1": "complete", "0/1.2": "failed", "0": "complete"}


def test_children_run_side_by_side(tmp_path: Path) -> None:
    all_there = Barrier(3)

    def child(first: str, given: int) -> str:
        all_there.wait(60)  # as long as not all have asked, none is answered
        return f"FINAL({asked(first)})"

    run = Run(tmp_path, [cell("FINAL(rlm_query_batched([(q, 'x') for q in 'abc']))")], child=child, concurrency=3)
    run.check()
    assert run.result.answer == '["a", "b", "c"]'
