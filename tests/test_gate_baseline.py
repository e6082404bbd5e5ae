"""What an earlier run reported is known, wherever its lines have moved; nothing else is, and no file can do harm."""

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.gated import as_result, found, loaded

from rlm_cli.context import Context
from rlm_cli.errors import InputError
from rlm_cli.gate.baseline import Baseline, read_baseline
from rlm_cli.gate.sarif import FINGERPRINT
from rlm_cli.report import Report, report_of
from rlm_cli.reports import render
from rlm_cli.results import Finding, Result, Sifted, Status
from rlm_cli.task import Task, new_run_id
from rlm_cli.types import ModelSpec, Profile, Usage

BEFORE = "import db\n\n\ndef show(name):\n    return db.run('SELECT ' + name)\n\n\ndef hello():\n    return 'hello'\n"
QUERY = "return db.run('SELECT ' + name)"


def known(earlier: list[Finding], now: list[Finding], **more: Any) -> list[bool]:
    return read_baseline(as_result(earlier, **more), "old.json").has(now)


def without_fingerprint(findings: list[Finding]) -> bytes:
    plain = json.loads(as_result(findings))
    for each in plain["findings"]:
        del each["fingerprint"]
    return json.dumps(plain).encode()


# --- what is the same -------------------------------------------------------------------------------------------------


def in_file(folder: Path, text: str, quote: str = QUERY, line: int | None = None, **changes: Any) -> Finding:
    return found(loaded(folder, {"app.py": text}), "app.py", quote, line, **changes)


@pytest.mark.parametrize("read", [as_result, without_fingerprint])
def test_lines_that_have_moved_are_the_same_finding(tmp_path: Path, read: Any) -> None:
    earlier = in_file(tmp_path / "a", BEFORE)
    moved = in_file(tmp_path / "b", "# a comment\n" * 40 + BEFORE)
    wrapped = in_file(tmp_path / "c", BEFORE.replace("('SELECT ' + name)", "('SELECT '  +  name)"), "db.run('SELECT '")
    assert (earlier.line, moved.line) == (5, 45)
    assert read_baseline(read([earlier]), "old.json").has([moved]) == [True]
    assert read_baseline(read([earlier]), "old.json").has([wrapped]) == [read is as_result]


def test_another_text_rule_or_path_is_another_finding(tmp_path: Path) -> None:
    earlier = in_file(tmp_path / "a", BEFORE)
    edited = in_file(
        tmp_path / "b", BEFORE.replace("+ name", "+ name.strip()"), "return db.run('SELECT ' + name.strip())"
    )
    renamed = in_file(tmp_path / "c", BEFORE, rule="xss")
    elsewhere = found(loaded(tmp_path / "d", {"web.py": BEFORE}), "web.py", QUERY)
    assert known([earlier], [edited, renamed, elsewhere, earlier]) == [False, False, False, True]


@pytest.mark.parametrize("read", [as_result, without_fingerprint])
def test_a_second_one_of_the_same_text_is_new(tmp_path: Path, read: Any) -> None:
    twice = BEFORE + BEFORE
    first, second = in_file(tmp_path / "b", twice, line=5), in_file(tmp_path / "b", twice, line=14)
    assert (first.line, second.line) == (5, 14)
    baseline = read_baseline(read([in_file(tmp_path / "a", BEFORE)]), "old.json")
    assert baseline.has([first, second]) == [True, False]
    assert sum(baseline.has([second, first])) == 1
    assert read_baseline(read([first, second]), "old.json").has([second, first]) == [True, True]


def test_of_equal_ones_the_gravest_stays_new(tmp_path: Path) -> None:
    twice = BEFORE + BEFORE
    grave = in_file(tmp_path, twice, line=5, severity="critical")
    slight = in_file(tmp_path, twice, line=14, severity="low")
    baseline = read_baseline(without_fingerprint([in_file(tmp_path / "a", BEFORE)]), "old.json")
    assert baseline.has([grave, slight]) == [False, True]


def test_an_equal_text_before_it_does_not_make_an_old_finding_new(tmp_path: Path) -> None:
    earlier = in_file(tmp_path / "a", BEFORE)
    later = in_file(tmp_path / "b", BEFORE + BEFORE, line=14)
    assert earlier.fingerprint != later.fingerprint
    assert known([earlier], [later]) == [True]


def test_a_quote_that_was_masked_is_known_by_its_fingerprint(tmp_path: Path) -> None:
    earlier = in_file(tmp_path, BEFORE)
    plain = json.loads(as_result([earlier]))
    plain["findings"][0]["quote"] = "<SECRET:aws-key:1>"
    assert read_baseline(json.dumps(plain).encode(), "old.json").has([earlier]) == [True]


def test_what_was_refuted_or_withheld_then_is_not_known(tmp_path: Path) -> None:
    finding = in_file(tmp_path, BEFORE)
    [plain] = json.loads(as_result([finding]))["findings"]
    apart = {"refuted_findings": [plain], "withheld_findings": [{**plain, "why": "unlikely", "reason": ""}]}
    assert known([], [finding], **apart) == [False]
    assert known([finding], [finding], **apart) == [True]


def test_of_two_quotes_of_one_place_each_makes_its_own_known(tmp_path: Path) -> None:
    one, other = (in_file(tmp_path, BEFORE, quote) for quote in ("db.run('SELECT ' + name)", QUERY))
    assert one.fingerprint == other.fingerprint
    elsewhere = [replace(each, fingerprint="0" * 32) for each in (one, other)]
    assert [known([one, other], [one, elsewhere[1]]), known([one, other], [other, elsewhere[0]])] == [[True] * 2] * 2


fingerprints = st.sampled_from(["", "a" * 32, "b" * 32])
some = st.lists(st.tuples(st.sampled_from("xy"), st.sampled_from("pq"), fingerprints), max_size=8)


@given(some, some)
def test_no_more_findings_are_known_than_the_baseline_has(
    tmp_path_factory: pytest.TempPathFactory, earlier: list[Any], now: list[Any]
) -> None:
    def findings(drawn: list[Any]) -> list[Finding]:
        return [
            Finding(rule, "high", "t", "m", path, 1, 1, 1, 2, "quote", 1.0, fingerprint=mark)
            for rule, path, mark in drawn
        ]

    old, new = findings(earlier), findings(now)
    baseline = read_baseline(as_result(old), "old.json")
    assert sum(baseline.has(new)) <= min(len(old), len(new))
    assert all(baseline.has(new)[:1]) or now[:1] != earlier[:1]
    # The runs of one file may say the same twice.
    assert baseline.has(new) == read_baseline(as_result(old + [each for each in old if each.fingerprint]), "x").has(new)


# --- sarif ------------------------------------------------------------------------------------------------------------


def sarif(*results: Any, **run: Any) -> bytes:
    return json.dumps(
        {"version": "2.1.0", "runs": [{"tool": {"driver": {"name": "x"}}, "results": results, **run}]}
    ).encode()


def result(uri: str = "src/a%20b.py", text: str | None = QUERY, **more: Any) -> dict[str, Any]:
    region = {"startLine": 3, **({"snippet": {"text": text}} if text else {})}
    place = {"physicalLocation": {"artifactLocation": {"uri": uri}, "region": region}}
    return {"ruleId": "sql-injection", "message": {"text": "m"}, "locations": [place], **more}


@pytest.fixture
def spaced(tmp_path: Path) -> Finding:
    return found(loaded(tmp_path, {"src/a b.py": BEFORE}), "src/a b.py", QUERY)


def based(uri: str, base: str | None, **more: Any) -> dict[str, Any]:
    made = result(**more)
    made["locations"][0]["physicalLocation"]["artifactLocation"] = {"uri": uri, "uriBaseId": base}
    return made


ROOT = {"%SRCROOT%": {"uri": "file:///home/runner/w%C3%B6rk/repo/"}}
KNOWN = {
    "a relative path": sarif(result()),
    "a path with a dot": sarif(result("./src/x/../a%20b.py")),
    "another text of the same line": sarif(result(text="\n  " + QUERY.replace(" + ", "\n\t+ "))),
    "a base": sarif(based("src/a%20b.py", "%SRCROOT%"), originalUriBaseIds=ROOT),
    "a base that is not told": sarif(based("src/a%20b.py", "%SRCROOT%")),
    "a base in a base": sarif(
        based("a%20b.py", "SRC"), originalUriBaseIds={**ROOT, "SRC": {"uri": "src", "uriBaseId": "%SRCROOT%"}}
    ),
    "an absolute path": sarif(result("file:///home/runner/w%C3%B6rk/repo/src/a%20b.py"), originalUriBaseIds=ROOT),
    "a file by number": sarif(
        {**result(), "locations": [{"physicalLocation": {
            "artifactLocation": {"index": 1}, "region": {"snippet": {"text": QUERY}}}}]},
        artifacts=[{}, {"location": {"uri": "src/a%20b.py"}}],
    ),
    "a rule by number": sarif(
        {**result(), "ruleId": None, "ruleIndex": 1},
        tool={"driver": {"rules": [{"id": "other"}, {"id": "sql-injection"}]}},
    ),
    "a rule as an object": sarif({**result(), "ruleId": None, "rule": {"id": "sql-injection"}}),
    "an unchanged result": sarif(result(baselineState="unchanged")),
}  # fmt: skip
NEW = {
    "another rule": sarif(result(ruleId="xss")),
    "no text": sarif(result(text=None)),
    "a result of the past": sarif(result(baselineState="absent")),
    "a result that all is well": sarif(result(kind="pass")),
    "a path outside": sarif(result("../src/a%20b.py")),
    "an absolute path elsewhere": sarif(result("file:///src/a%20b.py"), originalUriBaseIds=ROOT),
    "a web page": sarif(result("https://example.org/src/a%20b.py")),
    "a line hash": sarif(result(text=None, partialFingerprints={"primaryLocationLineHash": "39fa2ee980eb94b0:1"})),
    "a base that counts from itself": sarif(
        based("a%20b.py", "A"), originalUriBaseIds={"A": {"uri": "src/", "uriBaseId": "A"}}
    ),
    "no results": sarif(),
    "results that are null": json.dumps({"runs": [{"results": None}]}).encode(),
}  # fmt: skip


@pytest.mark.parametrize("case", KNOWN)
def test_a_result_of_sarif_makes_a_finding_known(spaced: Finding, case: str) -> None:
    baseline = read_baseline(KNOWN[case], "old.sarif")
    assert baseline.has([spaced]) == [True]
    assert baseline.warnings == ()


@pytest.mark.parametrize("case", NEW)
def test_another_result_of_sarif_does_not(spaced: Finding, case: str) -> None:
    assert read_baseline(NEW[case], "old.sarif").has([spaced]) == [False]


def test_our_own_fingerprint_is_enough(spaced: Finding) -> None:
    own = result(text=None, partialFingerprints={FINGERPRINT: spaced.fingerprint, "primaryLocationLineHash": "x:1"})
    assert read_baseline(sarif(own), "old.sarif").has([spaced]) == [True]
    assert read_baseline(sarif(own, own), "old.sarif").has([spaced, spaced]) == [True, False]


def test_results_that_nothing_can_be_known_by_are_told() -> None:
    baseline = read_baseline(sarif(result(text=None), result("/etc/passwd"), result()), "old.sarif")
    assert baseline.warnings == (
        "the baseline old.sarif makes nothing known by 2 results without a rule, a file or its text",
    )


@pytest.mark.parametrize("name", ["json", "sarif"])
@pytest.mark.parametrize("status", ["complete", "partial"])
def test_a_report_of_ours_makes_known_what_it_reports(tmp_path: Path, name: str, status: Status) -> None:
    path = "src/a #%41?é\x07.py"
    context = loaded(tmp_path / "a", {path: BEFORE, "b.py": BEFORE})
    findings = [found(context, each.path, quote) for each in context.documents for quote in (QUERY, "return 'hello'")]
    report = report_on(context, findings, status)
    moved = loaded(tmp_path / "b", {path: "\n\n" + BEFORE, "b.py": "\n" + BEFORE})
    now = [
        found(moved, each.path, quote) for each in moved.documents for quote in (QUERY, "return 'hello'", "import db")
    ]
    written = render(name, report).encode()
    without = re.sub(rb'"(?:rlmFinding/v1|fingerprint)": "[0-9a-f]+"', b'"x": ""', written)
    for each in (written, without):
        baseline = read_baseline(each, "old")
        assert baseline.has(now) == [True, True, False, True, True, False]
        assert len(baseline.warnings) == (status == "partial")
    assert without.count(b'"x": ""') == 4


def report_on(context: Context, findings: list[Finding], status: Status) -> Report:
    result = Result(status, "final", "", None, (), (), 1, 0, 0, Usage(), Usage(), 1.0, findings=tuple(findings))
    model = ModelSpec("offline/root")
    task = Task(new_run_id(), "find flaws", context, Profile("test", "", model, model), findings=True)
    # Those that were known then are known now.
    return report_of(task, result, Sifted(tuple(findings[:2]), tuple(findings[2:])))


# --- files that are not as they should be -----------------------------------------------------------------------------


def test_a_run_that_was_not_complete_is_taken_with_a_warning(tmp_path: Path) -> None:
    finding = in_file(tmp_path, BEFORE)
    partial = read_baseline(as_result([finding], status="partial"), "old.json")
    stopped = read_baseline(sarif(result(), invocations=[{"executionSuccessful": False}]), "old.sarif")
    whole = read_baseline(sarif(result(), invocations=[{"executionSuccessful": True}]), "old.sarif")
    assert partial.has([finding]) == [True]
    for each in (partial, stopped):
        assert "was not complete: what it missed counts as new" in " ".join(each.warnings)
    assert whole.warnings == read_baseline(as_result([finding]), "x").warnings == ()


ENTRY = {"rule_id": "a", "path": "b", "quote": "c", "fingerprint": "0" * 32}
DAMAGED: dict[str, tuple[bytes, str]] = {
    "empty": (b" \n", "is empty"),
    "cut off": (as_result([])[:-9], "is no JSON"),
    "not UTF-8": (b'{"schema_version": "\xff"}', "it is not UTF-8"),
    "nested deeply": (b'{"runs": ' + b"[" * 500_000 + b"]" * 500_000 + b"}", "nested too deeply"),
    "brackets": (b"[" + b"[]," * 12_000_000 + b"[]]", "more brackets"),
    "no number": (b'{"schema_version": 1, "findings": [], "x": NaN}', "NaN is no number"),
    "a number too long": (b'{"schema_version": ' + b"1" * 9_999 + b"}", "is no JSON"),
    "a key twice": (b'{"schema_version": 1, "findings": [], "findings": []}', "'findings' stands twice"),
    "a list": (b"[]", "neither a JSON result of rlm nor SARIF"),
    "other JSON": (b'{"results": []}', "neither a JSON result of rlm nor SARIF"),
    "a newer version": (b'{"schema_version": 2, "findings": []}', "schema_version 2, not 1"),
    "findings that are none": (b'{"schema_version": 1, "findings": {}}', "findings is no list"),
    "a finding that is none": (b'{"schema_version": 1, "findings": [1]}', "finding 1 is no object"),
    "a finding without a quote": (as_result([], findings=[ENTRY, {**ENTRY, "quote": None}]), "finding 2 has no quote"),
    "a path that is none": (as_result([], findings=[{**ENTRY, "path": ["b"]}]), "finding 1 has no path"),
    "a fingerprint that is none": (as_result([], findings=[{**ENTRY, "fingerprint": "x"}]), "fingerprint of finding 1"),
    "a run that is none": (b'{"runs": [[]]}', "run 1 is no object"),
    "results that are none": (b'{"runs": [{"results": {"a": 1}}]}', "results of run 1 are no list"),
    "a result that is none": (b'{"runs": [{"results": [{}, "x"]}]}', "result 2 of run 1 is no object"),
}


@pytest.mark.parametrize("case", DAMAGED)
def test_a_damaged_or_hostile_file_is_refused_in_a_few_words(case: str) -> None:
    content, said = DAMAGED[case]
    with pytest.raises(InputError) as refusal:
        read_baseline(content, "old.json")
    assert said in str(refusal.value)
    assert str(refusal.value).startswith("the baseline old.json")
    assert len(str(refusal.value)) < 300
    assert refusal.value.hint is not None


def test_a_mark_at_its_beginning_is_no_damage() -> None:
    assert read_baseline(b"\xef\xbb\xbf" + as_result([]), "old.json") == Baseline(())


KEYS = """
    uri uriBaseId index locations physicalLocation artifactLocation region snippet text rule ruleId ruleIndex id results
    artifacts location originalUriBaseIds SRC tool driver rules partialFingerprints invocations
    """.split()
anything = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.sampled_from(["", "a", "%", "file:///", "SRC"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=4),
    max_leaves=25,
)


@given(st.lists(anything, max_size=3))
def test_no_sarif_of_whatever_shape_raises_anything_else(runs: list[Any]) -> None:
    try:
        baseline = read_baseline(json.dumps({"runs": runs}).encode(), "old.sarif")
    except InputError:
        return
    assert baseline.has([]) == []
