"""Every attempt at escape (tests/hostile) fails against the sandbox, and against either of its layers alone.

The fence's cases are made against the fence without the wall, the wall's against the wall without the fence, all
against both; as root and as a user without rights. Each is also made where nothing holds it, and must succeed there:
an attempt that could not succeed would prove nothing.
"""

import os
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path

import pytest
from support.hostile import IF_ALLOWED, NEEDS_ROOT, Case, came_of, cases_of

USER = 12345
ROOT = os.geteuid() == 0
CASES = {kind: cases_of(kind) for kind in ("fence", "wall")}
WHO = [pytest.param("root", marks=pytest.mark.skipif(not ROOT, reason="not run by root")), "user"]

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the wall's cases are about Linux")


@cache
def came(kind: str, layers: str, who: str) -> dict[str, list[str]] | Exception:
    try:
        return _came(kind, layers, who)
    except (LookupError, AssertionError, subprocess.SubprocessError) as error:
        return error  # so that it is not tried again for each case


def _came(kind: str, layers: str, who: str) -> dict[str, list[str]]:
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        return came_of(kind, layers, Path(folder), USER if ROOT and who == "user" else None)


def result(kind: str, layers: str, who: str, case: Case) -> list[str]:
    every = came(kind, layers, who)
    if isinstance(every, LookupError):
        pytest.skip(str(every))
    if isinstance(every, Exception):
        raise every
    return every[case.name]


def of(kind: str) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("case", CASES[kind].values(), ids=CASES[kind])


as_both = pytest.mark.parametrize("who", WHO)


@as_both
@of("fence")
def test_what_code_may_not_do_fails_against_the_sandbox(case: Case, who: str) -> None:
    assert result("fence", "both", who, case) == []


@as_both
@of("wall")
def test_what_a_process_may_not_do_fails_against_the_sandbox(case: Case, who: str) -> None:
    assert result("wall", "both", who, case) == []


@of("fence")
def test_the_fence_holds_without_the_wall(case: Case) -> None:
    assert result("fence", "fence_only", "root" if ROOT else "user", case) == []


@as_both
@of("wall")
def test_the_wall_holds_without_the_fence(case: Case, who: str) -> None:
    assert result("wall", "wall_only", who, case) == []


OWN_LIMITS = "rights: more limits"
"""The reader of PDFs may set limits of its own, since each PDF has its time; nobody else's."""


@of("wall")
def test_the_wall_of_the_reader_of_pdfs_holds_too(case: Case) -> None:
    assert case.name == OWN_LIMITS or result("wall", "pdf_wall", "root" if ROOT else "user", case) == []


@of("fence")
def test_without_either_what_code_may_not_do_succeeds(case: Case) -> None:
    came_of_it = result("fence", "bare", "root" if ROOT else "user", case)
    if not came_of_it and IF_ALLOWED in case.marks:
        pytest.skip("this release of Python has no such thing")
    assert came_of_it


@as_both
@of("wall")
def test_without_either_what_a_process_may_not_do_succeeds(case: Case, who: str) -> None:
    if who == "user" and NEEDS_ROOT in case.marks:
        pytest.skip("only root can try this")
    came_of_it = result("wall", "bare", who, case)
    if not came_of_it and IF_ALLOWED in case.marks:
        pytest.skip("this system forbids it anyway")
    assert came_of_it


def test_there_are_as_many_attempts_as_are_promised() -> None:
    assert sum(map(len, CASES.values())) >= 600
