"""What the root model is told of many tiny sub-calls, and when it is not."""

from collections.abc import Callable
from pathlib import Path

import pytest
from support.labelling import labelled
from support.runs import Run, cell

from rlm_cli.engine.frugality import Frugality
from rlm_cli.events import ROOT
from rlm_cli.types import ModelSpec

ITEMS = "items = [f'message {n} is good' for n in range(60)]\n"
RULES = "Say whether the message is praise or complaint, by what it is about. "


def tiny(number: int, size: int = 50) -> list[str]:
    return [f"{RULES}{n}: {'x' * size}" for n in range(number)]


def test_a_wasteful_model_is_told_what_packing_would_have_saved(tmp_path: Path) -> None:
    waste = cell(f"{ITEMS}r = llm_query_batched([{RULES!r} + i for i in items])")
    other = cell(f"{ITEMS}r = llm_query_batched([{RULES!r} + 'Now: ' + i for i in items])")
    third = cell(f"{ITEMS}r = llm_query_batched([{RULES!r} + 'Then: ' + i for i in items])")
    run = Run(tmp_path, [waste, waste, other, third, cell("FINAL('done')")], max_subcalls=500)
    said = "[60 tiny prompts: packed, many numbered items to a prompt, they are 1 call, 59 fewer, and some"
    assert said in run.told(1)
    assert "llm_map(items, instruction, allowed) does that" in run.told(1)
    assert "packed" not in run.told(2)  # it cost nothing
    assert said in run.told(3)
    assert "packed" not in run.told(4)


def test_one_call_after_another_is_told_as_well(tmp_path: Path) -> None:
    run = Run(
        tmp_path,
        [cell(f"{ITEMS}r = [llm_query({RULES!r} + i) for i in items]"), cell("FINAL('done')")],
    )
    assert run.told(1).count("20 tiny llm_query calls one after another: packed") == 2


def test_a_frugal_model_is_told_nothing(tmp_path: Path) -> None:
    code = f"{ITEMS}r = llm_map(items, {RULES!r}, allowed=['praise', 'complaint'])\nprint(len(r))"
    run = Run(tmp_path, [cell(code), cell("FINAL('done')")], sub=labelled)
    assert "60 of 60 labelled in 2 calls, 0 failed; praise 60" in run.told(1)
    assert "packed" not in run.told(1)
    assert run.result.subcalls == 2


@pytest.mark.parametrize(
    "sent",
    [
        lambda: tiny(19),
        lambda: tiny(40, 2_500),
        list,
    ],
)
def test_few_or_large_prompts_are_none_of_them(sent: Callable[[], list[str]]) -> None:
    assert Frugality().note(sent(), True, ModelSpec("openai/x", context_window=200_000), ROOT) is None


def test_where_the_window_is_small_nothing_would_be_saved() -> None:
    small = ModelSpec("openai/x", context_window=2_000, max_output_tokens=1_000)
    assert Frugality().note(tiny(30, 1_500), True, small, ROOT) is None
    assert "they are 1 call" in str(Frugality().note(tiny(30, 1_500), True, ModelSpec("openai/x"), ROOT))


def test_votes_are_wanted_one_by_one(tmp_path: Path) -> None:
    run = Run(tmp_path, [cell("r = llm_query_batched(['yes or no?'] * 30, fresh=True)"), cell("FINAL('done')")])
    assert "30 prompts, 30 calls" in run.told(1)
    assert "packed" not in run.told(1)


def test_single_calls_count_within_one_cell() -> None:
    frugality, spec = Frugality(), ModelSpec("openai/x")
    for number, prompt in enumerate(tiny(38)):
        here = ROOT.iteration(1 if number < 19 else 2)
        assert frugality.note([prompt], False, spec, here) is None
