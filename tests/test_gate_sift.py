"""Each finding of a run lands in one place, in order; what fails a job is reported and confirmed."""

import shutil
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.gated import as_result, found, loaded
from support.repositories import git, repository

from rlm_cli.context import Context
from rlm_cli.gate import Policy, fails, sift
from rlm_cli.gate.baseline import read_baseline
from rlm_cli.gate.suppressions import read_suppressions
from rlm_cli.loaders import LoadOptions
from rlm_cli.results import Finding, Sifted, Verdict
from rlm_cli.types import SEVERITIES, Severity

needs_git = pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")
__all__ = ["repository"]  # a fixture

BEFORE = "import db\n\n\ndef old(name):\n    return db.old(name)\n\n\ndef edited(name):\n    return db.edit(name)\n"
AFTER = (
    "# moves all lines\n"
    + BEFORE.replace("db.edit(name)", "db.edited(name)")
    + "\n\ndef new(name):\n    return db.new(name)\n"
)


def where(sifted: Sifted) -> dict[str, str]:
    """Return quote -> where the finding is."""
    apart = {each.finding.quote: each.why for each in sifted.withheld}
    kinds = {"reported": sifted.reported, "known": sifted.known, "refuted": sifted.refuted}
    return {**{each.quote: kind for kind, those in kinds.items() for each in those}, **apart}


@pytest.fixture
def context(tmp_path: Path) -> Context:
    lines = [f"    run{number}(x)" for number in range(10)]
    lines[1] += "  # rlm: ignore[sql-injection] checked"
    return loaded(tmp_path, {"app.py": "\n\n".join(lines) + "\n"})


def numbered(context: Context, number: int, **changes: Any) -> Finding:
    return found(context, "app.py", f"run{number}(x)", **changes)


SUPPRESSED = read_suppressions(b"- {rule: sql-injection, path: app.py, quote: run2, reason: accepted}", "s.yaml")


def test_each_reason_to_leave_a_finding_out_has_its_name(context: Context) -> None:
    findings = [
        numbered(context, 0),
        numbered(context, 1),
        numbered(context, 2),
        numbered(context, 3, verdict="refuted"),
        numbered(context, 4, confidence=0.2),
        numbered(context, 5),
        numbered(context, 6, verdict="unsure"),
        numbered(context, 7, confidence=0.5),
    ]
    policy = Policy("high", 0.5, read_baseline(as_result(findings[5:6]), "x"), SUPPRESSED, trusts=True)
    sifted, warnings = sift(findings, context, policy)
    assert where(sifted) == {
        "run0(x)": "reported", "run1(x)": "ignored", "run2(x)": "suppressed", "run3(x)": "refuted",
        "run4(x)": "unlikely", "run5(x)": "known", "run6(x)": "reported", "run7(x)": "reported",
    }  # fmt: skip
    assert {each.why: each.reason for each in sifted.withheld} == {
        "ignored": "checked", "suppressed": "accepted", "unlikely": "",
    }  # fmt: skip
    assert warnings == ()


def test_the_first_reason_counts(context: Context) -> None:
    both = read_suppressions(b"- {rule: sql-injection, path: app.py, reason: accepted}", "s.yaml")
    ignored = numbered(context, 1, confidence=0.1)
    policy = Policy(None, 0.5, read_baseline(as_result([ignored]), "x"), both, trusts=True)
    assert where(sift([ignored], context, policy)[0]) == {"run1(x)": "ignored"}
    assert where(sift([ignored], context, replace(policy, trusts=False))[0]) == {"run1(x)": "suppressed"}
    assert where(sift([ignored], context, Policy(None, 0.5, policy.baseline))[0]) == {"run1(x)": "unlikely"}
    assert where(sift([ignored], context, Policy(baseline=policy.baseline))[0]) == {"run1(x)": "known"}
    refuted = replace(ignored, verdict="refuted")
    assert where(sift([refuted], context, policy)[0]) == {"run1(x)": "refuted"}


def test_without_a_policy_all_that_is_not_refuted_is_reported(context: Context) -> None:
    findings = [numbered(context, number) for number in (5, 0, 1)]
    sifted, warnings = sift(findings, context, Policy(warnings=("of a file",)))
    assert sifted == Sifted(tuple(findings))
    assert warnings[0] == "of a file"
    assert "(app.py:3) not counted" in warnings[1]
    assert sift([], context, Policy()) == (Sifted(), ())


def test_what_is_refuted_takes_its_own_place_in_the_baseline(tmp_path: Path) -> None:
    context = loaded(tmp_path, {"app.py": "run(x)\n\n\nrun(x)\n"})
    first, second = found(context, "app.py", "run(x)", 1), found(context, "app.py", "run(x)", 4)
    policy = Policy(baseline=read_baseline(as_result([first]), "x"))
    sifted, _ = sift([replace(first, verdict="refuted"), second], context, policy)
    assert sifted.reported == (second,)


# --- changed lines ----------------------------------------------------------------------------------------------------


@pytest.fixture
def branch(repository: Path) -> Context:
    loaded(repository, {"app.py": BEFORE, "same.py": BEFORE, "ignored.py": BEFORE.replace("(name)", "(name)  # X")})
    git(repository, "add", "-A")
    git(repository, "commit", "-qm", "first")
    git(repository, "checkout", "-qb", "work")
    return loaded(repository, {"app.py": AFTER, "more.py": BEFORE}, LoadOptions(base="main"))


@needs_git
def test_with_a_base_only_what_touches_changed_lines_is_reported(branch: Context) -> None:
    quotes = [
        "db.old(name)",
        "db.edited(name)",
        "db.new(name)",
        "def edited(name):\n    return",
        "def old(name):\n    return",
    ]
    findings = [found(branch, "app.py", quote) for quote in quotes]
    findings += [found(branch, "same.py", "db.edit(name)"), found(branch, "more.py", "return db.old(name)")]
    assert where(sift(findings, branch, Policy())[0]) == {
        "db.old(name)": "unchanged",
        "db.edited(name)": "reported",
        "db.new(name)": "reported",
        "def edited(name):\n    return": "reported",
        "def old(name):\n    return": "unchanged",
        "db.edit(name)": "unchanged",
        "return db.old(name)": "reported",
    }
    assert set(where(sift(findings[:2], loaded(Path(branch.inputs[0]), {}), Policy())[0]).values()) == {"reported"}


@needs_git
def test_code_from_before_which_a_check_was_taken_out_is_reported(repository: Path) -> None:
    text = "import web\n\n\n@web.for_staff\ndef drop(db):\n    db.drop()\n\n\ndef show(db):\n    return db\n"
    loaded(repository, {"app.py": text})
    git(repository, "add", "-A")
    git(repository, "commit", "-qm", "first")
    git(repository, "checkout", "-qb", "work")
    context = loaded(repository, {"app.py": text.replace("@web.for_staff\n", "")}, LoadOptions(base="main"))
    findings = [found(context, "app.py", quote) for quote in ("def drop(db):", "def show(db):")]
    assert where(sift(findings, context, Policy())[0]) == {"def drop(db):": "reported", "def show(db):": "unchanged"}


@needs_git
def test_an_old_comment_does_not_clear_new_code(repository: Path) -> None:
    text = "a = 1\n# rlm: ignore[sql-injection] checked\nrun(x)\n\n\nrun(y)  # rlm: ignore[sql-injection] checked\n"
    loaded(repository, {"app.py": text})
    git(repository, "add", "-A")
    git(repository, "commit", "-qm", "first")
    git(repository, "checkout", "-qb", "work")
    changed = loaded(repository, {"app.py": text.replace("run(x)", "run(input())")}, LoadOptions(base="main"))
    findings = [found(changed, "app.py", "run(input())"), found(changed, "app.py", "run(y)")]
    sifted, warnings = sift(findings, changed, Policy())
    assert where(sifted) == {"run(input())": "reported", "run(y)": "unchanged"}
    # The other comment makes no difference, and there is nothing to say about it.
    assert [each.split(" not counted")[0] for each in warnings] == ["1 `rlm: ignore` comment (app.py:2)"]
    assert set(where(sift(findings, changed, Policy(trusts=True))[0]).values()) == {"ignored"}


@needs_git
def test_a_file_that_only_moved_is_unchanged_and_a_stream_is_all_new(repository: Path) -> None:
    loaded(repository, {"app.py": BEFORE})
    git(repository, "add", "-A")
    git(repository, "commit", "-qm", "first")
    git(repository, "checkout", "-qb", "work")
    git(repository, "mv", "app.py", "moved.py")
    context = loaded(repository, {}, LoadOptions(base="main"))
    assert where(sift([found(context, "moved.py", "db.old(name)")], context, Policy())[0]) == {
        "db.old(name)": "unchanged"
    }
    nowhere = replace(found(context, "moved.py", "db.old(name)"), path="not/there.py")
    assert where(sift([nowhere], context, Policy())[0]) == {"db.old(name)": "reported"}


# --- what fails -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("severity", SEVERITIES)
@pytest.mark.parametrize("level", SEVERITIES)
def test_a_confirmed_finding_at_or_above_the_level_fails(context: Context, severity: Severity, level: Severity) -> None:
    finding = numbered(context, 0, severity=severity)
    assert fails(Sifted((finding,)), Policy(level)) is (SEVERITIES.index(severity) >= SEVERITIES.index(level))
    assert not fails(Sifted((finding,)), Policy())


@pytest.mark.parametrize("verdict", ["unsure", "unchecked", "refuted"])
def test_what_is_not_confirmed_fails_only_when_nothing_was_checked(context: Context, verdict: Verdict) -> None:
    finding = numbered(context, 0, severity="critical", verdict=verdict)
    assert not fails(Sifted((finding,)), Policy("low"))
    assert fails(Sifted((finding,)), Policy("low", verified=False))
    assert not fails(Sifted((replace(finding, verified=False),)), Policy("low", verified=False))


def test_what_is_known_refuted_or_withheld_fails_nothing(context: Context) -> None:
    finding = numbered(context, 1, severity="critical")
    known = Policy("info", baseline=read_baseline(as_result([finding]), "x"), verified=False)
    for policy in (known, Policy("info", trusts=True), Policy("info", min_confidence=1.0)):
        sifted, _ = sift([finding], context, policy)
        assert not sifted.reported
        assert not fails(sifted, policy)


# --- all of them ------------------------------------------------------------------------------------------------------

verdicts = st.sampled_from(["confirmed", "refuted", "unsure", "unchecked"])
drawn = st.lists(
    st.tuples(
        st.integers(0, 9),
        verdicts,
        st.floats(0, 1),
        st.sampled_from(SEVERITIES),
        st.sampled_from(["xss", "sql-injection"]),
    ),
    max_size=12,
)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Context:
    lines = [f"run{n}(x)" + "  # rlm: ignore[xss] r" * (n % 2) + "  # rlm: ignore" * (n % 3 == 0) for n in range(10)]
    return loaded(tmp_path_factory.mktemp("in"), {"app.py": "\n".join(lines) + "\n"})


@settings(max_examples=60)
@given(drawn, drawn, st.floats(0, 1), st.booleans(), st.booleans())
def test_each_finding_lands_in_one_place_and_the_order_stays(
    whole: Context, now: list[tuple[int, Verdict, float, Severity, str]],
    earlier: list[tuple[int, Verdict, float, Severity, str]], least: float, trusts: bool, suppresses: bool,
) -> None:  # fmt: skip
    made = [
        [numbered(whole, n, verdict=verdict, confidence=sure, severity=severity, rule=rule)
         for n, verdict, sure, severity, rule in each]
        for each in (now, earlier)
    ]  # fmt: skip
    findings, before = ([replace(each, title=f"{at}") for at, each in enumerate(those)] for those in made)
    policy = Policy("low", least, read_baseline(as_result(before), "x"), SUPPRESSED if suppresses else (), trusts)
    sifted, warnings = sift(findings, whole, policy)
    parts = [sifted.reported, sifted.known, sifted.refuted, tuple(each.finding for each in sifted.withheld)]
    assert Counter(each.title for part in parts for each in part) == Counter(each.title for each in findings)
    for part in parts:
        assert list(part) == [each for each in findings if each in part]
    assert all(each.confidence >= least for each in (*sifted.reported, *sifted.known))
    assert fails(sifted, policy) is any(
        each.verdict == "confirmed" and each.severity != "info" for each in sifted.reported
    )
    assert sift(findings, whole, policy) == (sifted, warnings)
