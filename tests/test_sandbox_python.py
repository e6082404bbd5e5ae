"""Ordinary Python, as models write it, runs in the sandbox unchanged."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from support.repl import Session, session_over


@pytest.fixture(scope="module")
def session() -> Iterator[Session]:
    with session_over() as opened:
        yield opened


EVERYDAY = sorted((Path(__file__).parent / "support" / "everyday").glob("*.txt"))
"""Code as models write it, a marker line, and what it prints."""


@pytest.mark.parametrize("case", EVERYDAY, ids=lambda case: case.stem)
def test_everyday_python_runs_unchanged(session: Session, case: Path) -> None:
    source, marker, expected = case.read_text(encoding="utf-8").partition("--- prints ---\n")
    assert marker
    assert session.value(source) == expected.removesuffix("\n")


def test_names_last_from_cell_to_cell_and_functions_see_later_values(session: Session) -> None:
    session.value("lab = 1\ndef seen(): return lab")
    assert session.value("lab = 2\nprint(seen())") == "2"


def test_shadowing_a_built_in_is_the_codes_own_affair(session: Session) -> None:
    assert session.value(
        "list = [1]\nid = 5\ninput = 'x'\nprint(list, id, input)\ndel list, id, input\nprint(list('ab'))"
    ) == ("[1] 5 x\n['a', 'b']")
