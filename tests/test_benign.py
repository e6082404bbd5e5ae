"""Ordinary code, as models write it, does behind both layers what it does where there are none (tests/benign).

Nobody has written down what it prints: plain Python says so.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest
from support.hostile import Attacked, Case, attacked, cases_in

CASES = cases_in(sorted((Path(__file__).parent / "benign").glob("*.txt")))


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Attacked]:
    with attacked("both") as child:
        yield child


@pytest.fixture(scope="module")
def plain() -> Iterator[Attacked]:
    with attacked("bare") as child:
        yield child


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_ordinary_code_runs_unchanged(case: Case, sandbox: Attacked, plain: Attacked) -> None:
    cells = case.code.split("\n---\n")
    held, free = sandbox.said(cells, 20), plain.said(cells, 20)
    assert held.output == free.output
    # An error may be told in other words, where a name's owner or a way to go on is named too.
    assert bool(held.error) == bool(free.error)


def test_there_are_as_many_programs_as_are_promised() -> None:
    assert len(CASES) >= 70
