"""Ctrl-C at any moment among child runs: each start has one end, and what is told adds up to what is paid."""

from pathlib import Path

from support.openai_server import Scripted
from support.runs import Run, cell
from test_children import asked

from rlm_cli.events import RunFinished

ROOT: list[str | Scripted] = [
    cell("r = rlm_query_batched([(q, context) for q in ['one', 'two', 'three']])\ns = rlm_query('four', context)"),
    cell("FINAL(' '.join(r) + s)"),
]


def child(first: str, given: int) -> str | Scripted:
    question = asked(first)
    if question.startswith("inner"):
        return Scripted(f"FINAL({question})", delay=0.01)
    return [
        cell(f"a = llm_query_batched([f'{question} {{n}}' for n in range(3)])"),
        cell(f"b = rlm_query_batched([(f'inner {question} {{n}}', context) for n in range(2)])"),
        cell("FINAL(' '.join([*a, *b]))"),
    ][given]


def interrupted(folder: Path, moment: int | None) -> Run:
    folder.mkdir()
    run = Run(
        folder, ROOT, lambda prompt: Scripted(prompt, delay=0.01), child=child, max_depth=3, concurrency=3,
        interrupt_at=moment,
    )  # fmt: skip
    run.check()
    return run


def test_an_interrupt_at_any_event_leaves_nothing_open_and_nothing_uncounted(tmp_path: Path) -> None:
    whole = interrupted(tmp_path / "whole", None)
    assert whole.result.status == "complete"
    assert len(whole.of(RunFinished)) == 1 + 4 + 8
    for moment in range(3, len(whole.events) - 2, 16):
        run = interrupted(tmp_path / str(moment), moment)
        assert (run.result.status, run.result.stop_reason) == ("interrupted", "interrupted")
        assert {event.status for event in run.of(RunFinished)} <= {"interrupted", "complete"}
