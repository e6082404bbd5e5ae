"""The application that findings are tested on: the truth about it holds, and the files do not tell it."""

import ast
import re

import pytest
from support.vulnerable import APPLICATION, Spot, flaws, look_alikes

from rlm_cli.llm.risks import risk_of
from rlm_cli.rules import CATALOGUE

RULES = {rule.id: rule for rule in CATALOGUE}
FILES = sorted(path for path in APPLICATION.rglob("*") if path.is_file() and "__pycache__" not in path.parts)


def test_there_are_twelve_flaws_of_different_kinds_and_six_that_only_look_so() -> None:
    assert len({spot.rule for spot in flaws()}) == len(flaws()) == 12
    assert len(look_alikes()) == 6
    assert {spot.rule for spot in look_alikes()} <= {spot.rule for spot in flaws()}, "each has a true one beside it"
    assert len({(spot.path, spot.line) for spot in flaws() + look_alikes()}) == 18


@pytest.mark.parametrize("spot", flaws() + look_alikes(), ids=lambda spot: f"{spot.path}:{spot.line}")
def test_what_is_said_of_a_place_stands_there(spot: Spot) -> None:
    text = (APPLICATION / spot.path).read_text()
    assert text.count(spot.quote) == 1
    assert text.count("\n", 0, text.index(spot.quote)) + 1 == spot.line
    assert spot.quote == spot.quote.strip()
    assert spot.rule in RULES
    assert spot.why.endswith(".")


@pytest.mark.parametrize("spot", flaws(), ids=lambda spot: spot.rule)
def test_a_flaw_is_as_grave_as_its_rule(spot: Spot) -> None:
    rule = RULES[spot.rule]
    assert (spot.severity, spot.cwe) == (rule.severity, rule.cwe)


def test_no_file_tells_what_is_wrong_with_it() -> None:
    for path in FILES:
        text = path.read_text()
        told = re.search(r"(?i)vulnerab|insecure|unsafe|exploit|injection|flaw|attack|fixme|todo|noqa|nosec", text)
        assert told is None, f"{path.name}: {told}"


def test_no_line_beside_those_is_one_that_a_pattern_finds() -> None:
    known = {(spot.path, line) for spot in flaws() + look_alikes() for line in range(spot.line, spot.end_line + 1)}
    for path in FILES:
        for number, line in enumerate(path.read_text().splitlines(), start=1):
            if risk_of(line) is not None:
                assert (str(path.relative_to(APPLICATION)), number) in known


def test_the_application_is_sound_python_of_a_likely_size() -> None:
    for path in FILES:
        if path.suffix == ".py":
            ast.parse(path.read_text())
    assert len(FILES) == 16
    assert 500 < sum(len(path.read_text().splitlines()) for path in FILES) < 700
