"""SARIF: GitHub's table of required fields, checked by hand; its limits; places, fingerprints, what was not read.

The validator of the format's makers runs in CI where npm is there: it misses some of this.
"""

import gzip
import json
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
from support.findings import HOSTILE, by_hand, found, loaded, nothing_found, partial, reporting, result_of, task_over

from rlm_cli import __version__
from rlm_cli.context import Context
from rlm_cli.context_writer import ContextWriter
from rlm_cli.report import Report, report_of
from rlm_cli.reports import render
from rlm_cli.results import Sifted
from rlm_cli.rules import rules_of
from rlm_cli.types import SEVERITIES, Rule, Severity, Skipped


@pytest.fixture(scope="module")
def context(tmp_path_factory: pytest.TempPathFactory) -> Context:
    return loaded(tmp_path_factory.mktemp("in"))


def log_of(report: Report) -> Any:
    return json.loads(render("sarif", report))


def run_of(report: Report) -> Any:
    [run] = log_of(report)["runs"]
    return run


def missing(log: Any) -> Iterator[str]:
    """Yield what GitHub requires, or takes only so, and the log has not."""
    if "sarif-2.1.0" not in log.get("$schema", "") or log.get("version") != "2.1.0":
        yield "schema or version"
    for run in log["runs"]:
        driver = run["tool"]["driver"]
        if not driver["name"]:
            yield "tool.driver.name"
        for number, rule in enumerate(driver["rules"]):
            yield from (f"rules[{number}] {what}" for what in missing_of_rule(rule))
        for number, result in enumerate(run["results"]):
            yield from (f"results[{number}] {what}" for what in missing_of_result(result, driver["rules"]))
        if len(run["results"]) > 25_000:
            yield "too many results"
        if not run["automationDetails"]["id"].endswith("/"):
            yield "automationDetails.id names no category"


def missing_of_rule(rule: Any) -> Iterator[str]:
    if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", rule["id"]):
        yield "id"
    for name in ("shortDescription", "fullDescription"):
        if not 0 < len(rule[name]["text"]) <= 1024:
            yield name
    if not (rule["help"]["text"].strip() and rule["help"]["markdown"].strip()):
        yield "help"
    if len(rule["name"]) > 255 or rule["defaultConfiguration"]["level"] not in ("none", "note", "warning", "error"):
        yield "name or level"
    properties = rule["properties"]
    if not 0 < len(properties["tags"]) <= 20 or not all(isinstance(each, str) for each in properties["tags"]):
        yield "tags"
    if properties["precision"] not in ("very-high", "high", "medium", "low"):
        yield "precision"
    if properties["problem.severity"] not in ("error", "warning", "recommendation"):
        yield "problem.severity"
    score = properties.get("security-severity")
    if score is not None and not (isinstance(score, str) and 0.0 < float(score) <= 10.0):
        yield "security-severity"


def missing_of_result(result: Any, rules: list[Any]) -> Iterator[str]:
    if rules[result["ruleIndex"]]["id"] != result["ruleId"]:
        yield "ruleIndex"
    if result["level"] not in ("note", "warning", "error") or not result["message"]["text"].strip():
        yield "level or message"
    [location] = result["locations"]
    place = location["physicalLocation"]
    uri = place["artifactLocation"]["uri"]
    if not re.fullmatch(r"[A-Za-z0-9%/._~-]+", uri) or uri.startswith("/") or ":" in uri:
        yield "uri"
    region = place["region"]
    numbers = [region[name] for name in ("startLine", "startColumn", "endLine", "endColumn")]
    if not all(type(each) is int and each >= 1 for each in numbers):
        yield "region"
    if (region["startLine"], region["startColumn"]) > (region["endLine"], region["endColumn"]):
        yield "region ends before it begins"
    if not re.fullmatch(r"[0-9a-f]{1,16}:\d+", result["partialFingerprints"]["primaryLocationLineHash"]):
        yield "primaryLocationLineHash"
    if not 0 <= result["rank"] <= 100:
        yield "rank"


def test_all_that_github_requires_is_there(context: Context) -> None:
    hostile = found(context, "app/db.py", "db.close()", title=HOSTILE, message=HOSTILE, reason=HOSTILE)
    for report in (by_hand(context), partial(by_hand(context)), nothing_found(context), reporting(context, hostile)):
        assert list(missing(log_of(report))) == []


def test_the_check_notices_what_is_missing(context: Context) -> None:
    log = log_of(by_hand(context))
    [run] = log["runs"]
    run["results"][0]["ruleIndex"] += 1
    run["results"][1]["locations"][0]["physicalLocation"]["region"]["startLine"] = 0
    run["tool"]["driver"]["rules"][0]["properties"]["security-severity"] = 8.0
    run["automationDetails"]["id"] = "rlm"
    assert len(list(missing(log))) == 4


def test_rules_are_the_catalogue_and_the_profile_never_model_text(context: Context) -> None:
    invented = found(context, "app/db.py", "db.close()", rule_id="made-up-by-a-model")
    run = run_of(reporting(context, invented))
    catalogue = rules_of(task_over(context).profile)
    assert [each["id"] for each in run["tool"]["driver"]["rules"]] == list(catalogue)
    assert run["results"][0]["ruleId"] == "other"
    assert "made-up" not in json.dumps(run["tool"])


@pytest.mark.parametrize(
    ("severity", "level", "score"),
    [("critical", "error", "9.5"), ("high", "error", "8.0"), ("medium", "warning", "5.5"), ("low", "note", "2.0"),
     ("info", "note", None)],
)  # fmt: skip
def test_severities_are_githubs(context: Context, severity: Severity, level: str, score: str | None) -> None:
    rule = Rule("a-rule", "A rule", severity, "CWE-79", "It matters.", "Do not.")
    quality = replace(rule, id="a-quality", category="quality")
    finding = found(context, "app/db.py", "db.close()", rule_id="a-rule", severity=severity)
    task = task_over(context)
    task = replace(task, profile=replace(task.profile, rules=(rule, quality)))
    sifted = Sifted((finding,))
    run = run_of(report_of(task, result_of(sifted), sifted))
    said, of_quality = (
        next(each for each in run["tool"]["driver"]["rules"] if each["id"] == one) for one in ("a-rule", "a-quality")
    )
    assert said["properties"].get("security-severity") == score
    assert "security-severity" not in of_quality["properties"]
    assert (said["properties"]["tags"], said["helpUri"]) == (
        ["security", "external/cwe/cwe-079"],
        "https://cwe.mitre.org/data/definitions/79.html",
    )
    assert said["defaultConfiguration"]["level"] == run["results"][0]["level"] == level


def test_a_finding_may_be_milder_than_its_rule(context: Context) -> None:
    [result] = run_of(reporting(context, found(context, "app/db.py", "db.close()", severity="low")))["results"]
    assert (result["ruleId"], result["level"], result["properties"]["severity"]) == ("sql-injection", "note", "low")


def test_a_place_is_where_the_quote_stands_in_characters(context: Context) -> None:
    finding = found(context, "app/über uns#1.py", "# 日本語")
    [result] = run_of(reporting(context, finding))["results"]
    place = result["locations"][0]["physicalLocation"]
    assert unquote(place["artifactLocation"]["uri"]) == "app/über uns#1.py"
    region = place["region"]
    line = context.lines_of("app/über uns#1.py", region["startLine"], region["endLine"])
    assert line[region["startColumn"] - 1 : region["endColumn"] - 1] == "# 日本語" == region["snippet"]["text"]


@pytest.mark.parametrize(
    ("path", "quote", "place"),
    [("contract.pdf", "The tenant pays", "contract.pdf p. 3 (printed 1)"),
     ("study.ipynb", "pickle.loads", "study.ipynb cell 2")],
)  # fmt: skip
def test_a_file_without_lines_of_its_own_is_meant_as_a_whole(
    context: Context, path: str, quote: str, place: str
) -> None:
    [result] = run_of(reporting(context, found(context, path, quote)))["results"]
    [location] = result["locations"]
    region = location["physicalLocation"]["region"]
    assert region == {"startLine": 1, "startColumn": 1, "endLine": 1, "endColumn": 1}
    assert location["logicalLocations"] == [{"fullyQualifiedName": place}]
    assert place in result["message"]["text"]
    assert quote in location["message"]["text"]


def test_links_in_model_text_are_none(context: Context) -> None:
    finding = found(context, "app/db.py", "db.close()", title="[a](0)", message="see [this](http://example.com)")
    [result] = run_of(reporting(context, finding))["results"]
    assert not re.search(r"\[[^\]]*\]\(", result["message"]["text"])


def test_known_findings_stay_as_unchanged(context: Context) -> None:
    states = [each["baselineState"] for each in run_of(by_hand(context))["results"]]
    assert states == ["new"] * 4 + ["unchanged"]
    [result] = run_of(reporting(context, found(context, "app/db.py", "db.close()")))["results"]
    assert "baselineState" not in result


def test_a_scan_of_changes_has_a_category_of_its_own(tmp_path: Path) -> None:
    context = loaded(tmp_path)
    assert run_of(nothing_found(context))["automationDetails"]["id"] == "rlm/"
    context.base = "main"
    assert run_of(nothing_found(context))["automationDetails"]["id"] == "rlm-diff/"


def test_the_invocation_says_how_the_run_went(tmp_path: Path) -> None:
    context = loaded(tmp_path)
    context.skipped = (Skipped("a.bin", "binary"), Skipped("b.pdf", "damaged", failed=True))
    report = nothing_found(context, warnings=("a child was replaced",), failed_subcalls=(("timeout", 2),))
    [invocation] = run_of(report)["invocations"]
    assert invocation["startTimeUtc"] == "2026-01-02T03:04:05Z"
    assert [each["message"]["text"] for each in invocation["toolExecutionNotifications"]] == [
        "a child was replaced",
        "2 sub-calls failed: timeout",
    ]
    said = invocation["properties"]
    assert (said["costUsd"], said["unreadFiles"], said["skippedFiles"]) == (0.0123, 1, {"binary": 1, "damaged": 1})
    assert said["coverage"] == {"offered": 4, "lookedAt": 3, "unseen": 1, "firstUnseen": ["contract.pdf"]}
    assert run_of(report)["tool"]["driver"]["version"] == __version__


def test_the_mildest_beyond_githubs_limit_are_left_out_and_counted(context: Context) -> None:
    one = found(context, "app/db.py", "db.close()")
    many = [replace(one, severity=SEVERITIES[number % 5], fingerprint=f"{number:x}") for number in range(25_010)]
    run = run_of(reporting(context, *many))
    assert len(run["results"]) == 25_000
    kept = [each["properties"]["severity"] for each in run["results"]]
    assert kept == sorted(kept, key=SEVERITIES.index, reverse=True)
    assert kept.count("info") == 5_002 - 10
    [invocation] = run["invocations"]
    assert invocation["properties"]["findingsLeftOut"] == 10
    assert [each["message"]["text"] for each in invocation["toolExecutionNotifications"]] == [
        "10 of the mildest findings are left out: GitHub takes no more"
    ]


def test_a_log_stays_below_ten_megabytes_compressed(context: Context) -> None:
    one = found(context, "app/db.py", "db.close()", severity="low")
    many = [replace(one, message=noise(number)) for number in range(12_000)]
    worst = replace(one, severity="critical", message=noise(0))
    text = render("sarif", reporting(context, *many, worst))
    assert len(gzip.compress(text.encode())) < 10_000_000
    [run] = json.loads(text)["runs"]
    assert run["results"][0]["level"] == "error"
    left_out = run["invocations"][0]["properties"]["findingsLeftOut"]
    assert 0 < left_out == 12_001 - len(run["results"])


def noise(number: int) -> str:
    """Return 2,000 characters that no compressor shortens by half, the same every time."""
    state, words = number + 1, []
    for _ in range(250):
        state = state * 6364136223846793005 % 2**64 + 1442695040888963407
        words.append(f"{state >> 24 & 0xFFFFFFFF:08x}")
    return "".join(words)


def test_a_long_message_says_that_it_goes_on(context: Context) -> None:
    [result] = run_of(reporting(context, found(context, "app/db.py", "db.close()", message="x" * 9_000)))["results"]
    assert len(result["message"]["text"]) < 2_100
    assert "xxx...\n\n" in result["message"]["text"]


def test_a_place_in_a_line_of_a_megabyte() -> None:
    writer = ContextWriter(several=False)
    writer.add("app.min.js", [b"var a=1;" * 130_000 + b"eval(x)\n"])
    context = writer.finish(("app.min.js",), (), tokens=1)
    finding = found(context, "app.min.js", "eval(x)")
    [result] = run_of(reporting(context, finding))["results"]
    region = result["locations"][0]["physicalLocation"]["region"]
    assert (region["startColumn"], region["endColumn"]) == (1_040_001, 1_040_008)
    assert len(json.dumps(result)) < 2_000
