"""One report in every format, as kept; and what all owe their readers: nothing found, incomplete, hostile text."""

import json
import unicodedata
from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import jsonschema
import pytest
from support.findings import HOSTILE, by_hand, found, golden, loaded, nothing_found, partial, reporting, steady

from rlm_cli.context import Context
from rlm_cli.report import Report, report_of
from rlm_cli.reports import FORMATS, render
from rlm_cli.results import Coverage, Sifted, Withheld


@pytest.fixture(scope="module")
def context(tmp_path_factory: pytest.TempPathFactory) -> Context:
    return loaded(tmp_path_factory.mktemp("in"))


@pytest.mark.parametrize("name", FORMATS)
def test_a_report_reads_as_it_is_kept(context: Context, name: str) -> None:
    assert steady(name, render(name, by_hand(context))) == golden(name).read_text()


@pytest.mark.parametrize("name", FORMATS)
def test_a_report_is_the_same_again(context: Context, name: str) -> None:
    assert render(name, by_hand(context)) == render(name, by_hand(context))


def test_nothing_found_is_said_in_every_format(context: Context) -> None:
    report = nothing_found(context, coverage=Coverage(4, 4))
    said = {name: render(name, report) for name in FORMATS}
    assert "\nFindings: none\n\nCoverage: 4 of 4 files looked at\n" in said["text"]
    assert said["markdown"].startswith("## rlm: no findings\n\n4 of 4 files looked at.\n\n<details>")
    assert json.loads(said["json"])["findings"] == []
    assert json.loads(said["json"])["coverage"] == {"offered": 4, "looked_at": 4, "unseen": []}
    [run] = json.loads(said["sarif"])["runs"]
    assert run["results"] == []
    assert run["invocations"][0]["executionSuccessful"] is True
    assert run["invocations"][0]["toolExecutionNotifications"] == []
    assert json.loads(said["gitlab"]) == []
    [suite] = ElementTree.fromstring(said["junit"])
    assert (suite.get("tests"), suite.get("failures"), suite.get("errors")) == ("1", "0", "0")
    assert [(case.get("name"), len(case)) for case in suite.iter("testcase")] == [("no findings", 0)]
    assert said["github"] == "::notice title=rlm::no findings; 4 of 4 files looked at\n"


def test_an_incomplete_run_never_looks_clean(context: Context) -> None:
    report = partial(nothing_found(context))
    said = {name: render(name, report) for name in FORMATS}
    words = "ncomplete: the run ended early because its cost limit was reached"
    for name in set(FORMATS) - {"json"}:
        assert words in said[name], name
    assert json.loads(said["json"])["status"] == "partial"
    [run] = json.loads(said["sarif"])["runs"]
    assert run["invocations"][0]["executionSuccessful"] is False
    assert run["invocations"][0]["toolExecutionNotifications"][0]["level"] == "error"
    assert run["invocations"][0]["properties"]["limitsReached"] == ["max_cost"]
    [entry] = json.loads(said["gitlab"])
    assert (entry["check_name"], entry["severity"]) == ("rlm-incomplete", "critical")
    [suite] = ElementTree.fromstring(said["junit"])
    assert (suite.get("tests"), suite.get("failures"), suite.get("errors")) == ("1", "0", "1")
    assert [each.tag for case in suite.iter("testcase") for each in case] == ["error"]
    assert said["github"].startswith("::warning title=rlm::incomplete")


def test_an_incomplete_run_keeps_its_findings(context: Context) -> None:
    report = partial(by_hand(context))
    assert len(json.loads(render("gitlab", report))) == 1 + len(report.sifted.reported)
    [suite] = ElementTree.fromstring(render("junit", report))
    assert (suite.get("failures"), suite.get("errors")) == ("4", "1")
    first, *others = render("github", report).splitlines()
    assert first.startswith("::warning title=rlm::")  # GitHub shows ten of a level
    assert len(others) == 5


def test_what_could_not_be_read_is_incomplete(context: Context) -> None:
    report = nothing_found(context)
    report = replace(report, result=replace(report.result, status="partial"))
    for name in set(FORMATS) - {"json"}:
        assert "ncomplete: not everything could be read" in render(name, report), name


def hostile(context: Context) -> Report:
    """Return a report in which all that models say is hostile."""
    words = {"title": HOSTILE, "message": f"{HOSTILE}\n::error::y\n/close\n```\n{HOSTILE}", "reason": HOSTILE}
    one = found(context, "app/db.py", "db.close()", severity="critical", **words)
    two = found(context, "app/db.py", "import sqlite3", **words)
    three = replace(one, verdict="refuted")
    sifted = Sifted((one,), (two,), (three,), (Withheld(two, "suppressed", HOSTILE),))
    plain = reporting(context, one, answer=f"{HOSTILE}\nFindings: none\r::error::z", doubt=HOSTILE, warnings=(HOSTILE,))
    return report_of(plain.task, plain.result, sifted)


def test_hostile_text_steers_no_terminal_and_forges_no_line(context: Context) -> None:
    for name in set(FORMATS) - {"json", "text"}:
        text = render(name, hostile(context))
        assert all(unicodedata.category(char) not in ("Cc", "Cs") for char in text if char not in "\n\t"), name
        assert "\u202e" not in text, name
    text = render("text", hostile(context))
    section = text[text.index("\nFindings: 1") :]
    assert not set(section) & {"\x1b", "\u202e", "\r"}
    commands = [line for line in text.splitlines() if line.lstrip().startswith("::")]
    assert commands == []
    assert [line for line in text.splitlines() if line.startswith("Findings:")] == [
        "Findings: 1 (1 critical; none confirmed), 1 known, 1 refuted, 1 suppressed"
    ]


def test_hostile_text_stays_where_it_belongs(context: Context) -> None:
    report = hostile(context)
    lines = render("github", report).split("\n")
    assert [line.split(" ")[0] for line in lines[:-1]] == ["::warning", "::notice"]
    properties = lines[0].split("::")[1]
    assert {each.split("=")[0] for each in properties.removeprefix("warning ").split(",")} == {
        "file", "line", "endLine", "col", "endColumn", "title",
    }  # fmt: skip
    [suite] = ElementTree.fromstring(render("junit", report))
    assert [each.tag for each in suite] == ["properties", "testcase", "system-out"]
    [entry] = json.loads(render("gitlab", report))
    assert "\x1b" not in entry["description"] and "\n" not in entry["description"]
    result: dict[str, Any] = json.loads(render("sarif", report))["runs"][0]["results"][0]
    assert "](" not in result["message"]["text"]


def test_secrets_are_hidden_in_every_format(context: Context) -> None:
    key = found(
        context, "app/über uns#1.py", "TOKEN = 'hunter2'", title="It is hunter2", message="Revoke hunter2.",
        reason="confirm: hunter2 works",
    )  # fmt: skip
    report = reporting(context, key, answer="hunter2", doubt="hunter2?", warnings=("hunter2!",))

    def hide(text: str) -> str:
        return text.replace("hunter2", "<SECRET:token:1>")

    masked = report_of(report.task, report.result, report.sifted, "high", hide)
    for name in FORMATS:
        assert "hunter2" in render(name, report), name
        assert "hunter2" not in render(name, masked), name
    assert "> 1 | KEY = 'größe'; TOKEN = '<SECRET:token:1>'" in render("text", masked)
    assert json.loads(render("json", masked))["fail_on"] == "high"


def test_json_keeps_its_schema(context: Context) -> None:
    schema = json.loads((Path(__file__).parent / "contract" / "result.schema.json").read_text())
    for report in (by_hand(context), nothing_found(context), partial(hostile(context))):
        jsonschema.validate(json.loads(render("json", report)), schema)


def test_an_annotation_is_escaped_as_github_reads_it(context: Context) -> None:
    finding = found(
        context, "app/db.py", "db.close()", title="100 %, or: all", message="50 %\nof: a, b", verdict="unsure"
    )
    first, _ = render("github", reporting(context, finding)).splitlines()
    assert first == (
        "::warning file=app/db.py,line=10,endLine=10,col=2,endColumn=12,title=100 %25%2C or%3A all::"
        "50 %25%0Aof: a, b%0Ahigh, sql-injection, a second look was not sure, confidence 0.90"
    )


@pytest.mark.parametrize(
    ("severity", "gitlab", "github"),
    [("critical", "blocker", "error"), ("high", "critical", "error"), ("medium", "major", "warning"),
     ("low", "minor", "notice"), ("info", "info", "notice")],
)  # fmt: skip
def test_severities_are_those_of_the_tracker(context: Context, severity: str, gitlab: str, github: str) -> None:
    finding = found(context, "app/db.py", "db.close()", severity=severity, verdict="confirmed")
    report = reporting(context, finding)
    [entry] = json.loads(render("gitlab", report))
    assert entry["severity"] == gitlab
    assert entry["location"] == {"path": "app/db.py", "lines": {"begin": 10, "end": 10}}
    assert entry["check_name"] == "sql-injection"
    assert entry["fingerprint"] == report.sifted.reported[0].fingerprint
    assert render("github", report).startswith(f"::{github} file=")
    # What is not confirmed fails nothing, unless none was to be checked.
    doubted = reporting(context, replace(finding, verdict="unsure"))
    assert not render("github", doubted).startswith("::error")
    unverified = replace(doubted, task=replace(doubted.task, verify=False))
    assert render("github", unverified).startswith(f"::{github} file=")


def test_json_tells_each_kind_apart(context: Context) -> None:
    plain = json.loads(render("json", by_hand(context)))
    assert [each["known"] for each in plain["findings"]] == [False] * 4 + [True]
    assert [each["title"] for each in plain["refuted_findings"]] == ["Closed twice"]
    [withheld] = plain["withheld_findings"]
    assert (withheld["why"], withheld["said"], withheld["title"]) == ("ignored", "it is used", "Not used")
    assert plain["rejected_findings"] == 2
    assert plain["fail_on"] is None
