"""What a CI job relies on, over an application with twelve flaws and what only looks like some: by the command."""

import json
import re
import shutil
import xml.etree.ElementTree as ET
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.command import Ran, finish, rlm, start
from support.openai_server import OpenAIServer, Scripted
from support.profiles import profile
from support.runs import cell
from support.vulnerable import APPLICATION, Spot, flaws, look_alikes

INVENTED = [
    Spot(
        "sql-injection",
        "shop/catalog.py",
        3,
        "cursor.execute(f'DELETE FROM plants WHERE id = {plant}')",
        "",
        "critical",
    ),
    Spot("command-injection", "shop/no_such_file.py", 1, "os.system(name)", "", "critical"),
    Spot("hard-coded-credentials", "/etc/shadow", 1, "root:$6$abc:19000:0:99999:7:::", "", "critical"),
]
TRUE = {(each.rule, each.path, each.line) for each in flaws()}
FALSE = "SUMMARY\nFINAL(clean: no findings)\n\x1b[2J"

Judge = Callable[[str], str | Scripted]


def claims(spots: list[Spot], shift: int = 0) -> str:
    calls = [
        {
            "rule": each.rule,
            "title": f"{each.rule} of line {each.line}",
            "message": each.why or "as it is",
            "path": each.path,
            "quote": each.quote,
            "severity": each.severity or "high",
            "line": each.line + shift,
        }
        for each in spots
    ]
    return f"for claim in {calls!r}:\n    report_finding(**claim)"


def judged(prompt: str) -> str | Scripted:
    """Answer a check as one who knows the truth."""
    place = re.search(r"^Place: (\S+?):\d+", prompt, re.MULTILINE)
    claim = re.search(r"^Claim: .*?(\S+) of line (\d+)", prompt, re.MULTILINE)
    assert place and claim
    true = (claim[1], place[1], int(claim[2])) in TRUE
    return "confirm: it does what the claim says" if true else "refute: it cannot be reached by a stranger"


class Scan:
    """One `rlm analyze` over a copy of the application, with a scripted root model."""

    def __init__(self, folder: Path, spots: list[Spot], judge: Judge = judged, moved: int = 0) -> None:
        self.source = folder / "shop"
        shutil.copytree(APPLICATION, self.source, dirs_exist_ok=True)
        if moved:
            for path in self.source.rglob("*"):
                if path.is_file():
                    path.write_text("\n" * moved + path.read_text())
        self.folder, self.judge = folder, judge
        self.replies = [cell(claims(spots, moved)), cell(f"FINAL({'Twelve flaws.' + FALSE!r})")]

    def run(self, *options: str, root: list[str | Scripted] | None = None) -> Ran:
        replies = list(root or self.replies)

        def reply(body: dict[str, Any]) -> str | Scripted:
            if body["model"] == "sub":
                return self.judge(body["messages"][-1]["content"])
            return replies.pop(0) if len(replies) > 1 else replies[0]

        with OpenAIServer(reply) as server:
            chosen = profile(self.folder, server.url, timeout=60)
            ran = rlm("analyze", str(self.source), "find vulns", "-p", chosen, *options)
            self.requests = server.requests
        return ran


@pytest.fixture(autouse=True)
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOOPBACK_KEY", "k")


def test_a_run_yields_exactly_the_true_findings_in_every_format(tmp_path: Path) -> None:
    scan = Scan(tmp_path, [*flaws(), *look_alikes(), *INVENTED, *flaws()])
    files = {name: tmp_path / f"report.{name}" for name in ("sarif", "gitlab", "junit", "github", "markdown", "text")}
    ran = scan.run("-f", "json", *(f"-f{name}={path}" for name, path in files.items()), "--fail-on", "high")
    assert ran.code == 1, ran.err
    result = ran.json()
    assert {(each["rule_id"], each["path"], each["line"]) for each in result["findings"]} == TRUE
    assert {each["verdict"] for each in result["findings"]} == {"confirmed"}
    assert len(result["refuted_findings"]) == len(look_alikes())
    assert result["rejected_findings"] == len(INVENTED)
    texts = {name: path.read_text() for name, path in files.items()}

    sarif = json.loads(texts["sarif"])["runs"][0]
    places = [each["locations"][0]["physicalLocation"] for each in sarif["results"]]
    found = {
        (each["ruleId"], place["artifactLocation"]["uri"], place["region"]["startLine"])
        for each, place in zip(sarif["results"], places, strict=True)
    }
    assert found == TRUE
    gitlab = {(each["check_name"], each["location"]["path"], each["location"]["lines"]["begin"])
              for each in json.loads(texts["gitlab"])}  # fmt: skip
    assert gitlab == TRUE
    failures = ET.fromstring(texts["junit"]).findall(".//failure")
    assert len(failures) == len(TRUE)
    notes = re.findall(r"^::(?:error|warning|notice) file=([^,]+),line=(\d+)", texts["github"], re.MULTILINE)
    assert {(path, int(line)) for path, line in notes} == {(path, line) for _, path, line in TRUE}
    for name in ("markdown", "text"):
        for rule, path, line in TRUE:
            assert rule in texts[name] and f"{path}:{line}" in texts[name], (name, rule)
    for name, text in texts.items():
        assert "no_such_file" not in text and "DELETE FROM plants" not in text, name
        assert "\x1b" not in text or name == "text", name  # there the answer stands as it was given
    assert "exit code 1 (--fail-on)" in ran.err


def test_a_baseline_knows_findings_whose_lines_have_moved(tmp_path: Path) -> None:
    before = Scan(tmp_path / "a", [*flaws(), *look_alikes()])
    assert before.run("-f", f"sarif={tmp_path}/old.sarif", "-f", f"json={tmp_path}/old.json").code == 0
    for old in ("old.sarif", "old.json"):
        after = Scan(tmp_path / old.replace(".", "-"), [*flaws(), *look_alikes()], moved=7)
        ran = after.run("--fail-on", "info", "--baseline", f"{tmp_path}/{old}", "-f", "json")
        assert ran.code == 0, ran.err
        result = ran.json()
        assert {(each["rule_id"], each["path"], each["line"] - 7) for each in result["findings"]} == TRUE
        assert all(each["known"] for each in result["findings"])


def test_a_new_finding_fails_beside_a_baseline(tmp_path: Path) -> None:
    *most, last = flaws()
    assert Scan(tmp_path / "a", most).run("-f", f"json={tmp_path}/old.json").code == 0
    ran = Scan(tmp_path / "b", flaws()).run("--fail-on", "info", "--baseline", f"{tmp_path}/old.json", "-f", "json")
    assert ran.code == 1
    assert [each["rule_id"] for each in ran.json()["findings"] if not each["known"]] == [last.rule]


@pytest.mark.parametrize(
    ("reply", "options", "code"),
    [
        ("confirm: so it is", [], 1),
        ("unsure: not shown", [], 0),
        ("refute: it is safe", [], 0),
        ("unsure: not shown", ["--no-verify"], 1),
        ("I cannot help with that.", [], 3),
        (Scripted(status=400), [], 3),
        (Scripted(text=""), [], 3),
        ("I cannot help with that.", ["--allow-partial"], 0),
        ("confirm: so it is", ["--min-confidence", "0.9"], 0),
    ],
    ids=range(9),
)
def test_only_a_confirmed_finding_fails_a_job_and_a_check_that_failed_is_no_clean_bill(
    tmp_path: Path, reply: str | Scripted, options: list[str], code: int
) -> None:
    scan = Scan(tmp_path, flaws()[:1], judge=lambda prompt: reply)
    ran = scan.run("--fail-on", "low", *options)
    assert ran.code == code, ran.err
    assert any(body["model"] == "sub" for body in scan.requests) is ("--no-verify" not in options)


def test_a_level_below_is_no_failure(tmp_path: Path) -> None:
    low = Spot("weak-random", flaws()[0].path, flaws()[0].line, flaws()[0].quote, "", "medium")
    assert Scan(tmp_path, [low], judge=lambda prompt: "confirm").run("--fail-on", "high").code == 0


@pytest.mark.parametrize(
    ("root", "code"),
    [
        ([Scripted(status=401)], 4),
        ([Scripted(text="", finish_reason="content_filter")], 3),
        (["", "", ""], 4),
    ],
    ids=["wrong key", "refusal", "empty"],
)
def test_a_root_model_that_fails_leaves_no_clean_report(tmp_path: Path, root: list[Any], code: int) -> None:
    stale = tmp_path / "report.sarif"
    stale.write_text("{}")
    ran = Scan(tmp_path, []).run("-f", f"sarif={stale}", "-f", "json", root=root)
    assert ran.code == code, ran.err
    if code == 4:
        assert not stale.exists()
        assert "an earlier run's" in ran.err
    else:
        invocation = json.loads(stale.read_text())["runs"][0]["invocations"][0]
        assert invocation["executionSuccessful"] is False
    assert ran.json()["findings"] == []


def test_a_limit_makes_a_scan_incomplete_in_every_format(tmp_path: Path) -> None:
    scan = Scan(tmp_path, flaws())
    names = ("sarif", "gitlab", "junit", "github", "markdown")
    ran = scan.run(
        "--max-iterations", "1", "--fail-on", "high", *(f"-f{name}={tmp_path}/{name}" for name in names),
        root=[cell(claims(flaws())), "FINAL(so far)"],
    )  # fmt: skip
    assert ran.code == 3
    for name in names:
        assert "incomplete" in (tmp_path / name).read_text().lower(), name


def test_findings_named_in_the_answer_are_checked_like_any_other(tmp_path: Path) -> None:
    true, invented = flaws()[0], INVENTED[0]
    answer = json.dumps(
        [
            {"rule": each.rule, "title": f"{each.rule} of line {each.line}", "path": each.path, "line": each.line,
             "quote": each.quote, "severity": "high"}
            for each in (true, invented)
        ]
    )  # fmt: skip
    ran = Scan(tmp_path, []).run("--findings", "-f", "json", root=[cell(f"FINAL({answer!r})")])
    result = ran.json()
    assert [(each["rule_id"], each["line"], each["verdict"]) for each in result["findings"]] == [
        (true.rule, true.line, "confirmed")
    ]
    assert result["rejected_findings"] == 1


def test_an_answer_that_tells_again_what_was_reported_adds_nothing(tmp_path: Path) -> None:
    first, second = flaws()[:2]
    answer = (
        f"1. **High**: SQL injection at `{first.path}:{first.line}`\n"
        f"2. **Critical**: command-injection of line {second.line} at `{second.path}:{second.line}`: `{second.quote}`\n"
    )
    ran = Scan(tmp_path, []).run("--findings", "-f", "json", root=[cell(claims([first])), cell(f"FINAL({answer!r})")])
    result = ran.json()
    assert {(each["rule_id"], each["path"]) for each in result["findings"] + result["refuted_findings"]} == {
        (first.rule, first.path),
        ("command-injection", second.path),
    }
    assert result["rejected_findings"] == 0


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["-f", "json", "-f", "text"], "json and text cannot both go to stdout"),
        (["-f", "pdf"], "there is no format 'pdf'"),
        (["-f", "json="], "no file is named"),
        (["-f", "json=a", "-f", "text=a"], "cannot both go to a"),
        (["-f", "json=a", "-o", "b"], "every report has a file already"),
        (["--min-confidence", "2"], "not from 0 to 1"),
        (["--baseline", "no/such/file"], "no/such/file"),
    ],
)
def test_what_cannot_be_meant_is_refused_before_anything_is_sent(tmp_path: Path, options: list[str], told: str) -> None:
    scan = Scan(tmp_path, [])
    ran = scan.run(*options)
    assert ran.code == 2
    assert told in ran.err
    assert scan.requests == []


def test_a_baseline_that_the_scanned_branch_brings_does_not_count(tmp_path: Path) -> None:
    scan = Scan(tmp_path, flaws())
    assert scan.run("-f", f"json={tmp_path}/old.json").code == 0
    planted = scan.source / "baseline.json"
    shutil.copy(tmp_path / "old.json", planted)
    ran = scan.run("--fail-on", "high", "--baseline", str(planted))
    assert (ran.code, "--trust-repo-config" in ran.err) == (2, True)
    assert scan.run("--fail-on", "high", "--baseline", str(planted), "--trust-repo-config").code == 0


@pytest.mark.parametrize(
    "options",
    [
        ("-f", "sarif=out", "-f", "gitlab=./out"),
        ("-f", "text", "-o", "out", "-f", "json=linked"),
        ("--events", "out", "-f", "sarif=out"),
        ("--baseline", "old.json", "-f", "json=./old.json"),
        ("--suppressions", "old.yaml", "-f", "sarif=old.yaml"),
    ],
    ids=str,
)
def test_two_things_in_one_file_are_refused_before_anything_is_paid(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: tuple[str, ...]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "out").write_text("")
    (tmp_path / "linked").symlink_to("out")
    before = {"old.json": '{"schema_version": 1, "findings": [], "status": "complete"}', "old.yaml": "[]\n"}
    for name, text in before.items():
        (tmp_path / name).write_text(text)
    scan = Scan(tmp_path, flaws())
    ran = scan.run("--findings", *options)
    assert (ran.code, ran.out, scan.requests) == (2, "", [])
    assert "too" in ran.err and "give each a file of its own" in ran.err
    assert all((tmp_path / name).read_text() == text for name, text in before.items())


def test_what_takes_any_number_of_things_is_given_them(tmp_path: Path) -> None:
    ran = Scan(tmp_path, []).run("--events", "/dev/null", "-f", "sarif=/dev/null", "-f", "json")
    assert (ran.code, ran.json()["status"]) == (0, "complete")


def test_reports_to_files_are_written_although_stdout_is_full(tmp_path: Path) -> None:
    scan = Scan(tmp_path, flaws())
    replies = iter(scan.replies)

    def reply(body: dict[str, Any]) -> str | Scripted:
        return judged(body["messages"][-1]["content"]) if body["model"] == "sub" else next(replies)

    with OpenAIServer(reply) as server, Path("/dev/full").open("w") as full:
        chosen = profile(tmp_path, server.url, timeout=60)
        options = ("-p", chosen, "-f", "github", "-f", f"sarif={tmp_path}/rlm.sarif", "--no-cache")
        ran = finish(start("analyze", str(scan.source), "find vulns", *options, stdout=full))
    assert ran.code == 2 and "cannot write to stdout" in ran.err
    assert len(json.loads((tmp_path / "rlm.sarif").read_text())["runs"][0]["results"]) == len(TRUE)


@pytest.mark.parametrize("extended", [False, True], ids=["named", "extended"])
def test_no_profile_of_the_scanned_repository_decides_about_its_findings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, extended: bool
) -> None:
    Scan(tmp_path / "repository", flaws())
    (tmp_path / "repository" / ".git").mkdir()
    (tmp_path / "repository" / ".rlm" / "profiles").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "repository")
    own = tmp_path / "own.yaml"

    def reply(body: dict[str, Any]) -> str | Scripted:
        return judged(body["messages"][-1]["content"]) if body["model"] == "sub" else cell("FINAL('none')")

    with OpenAIServer(reply) as server:
        written = Path(profile(tmp_path, server.url, timeout=60)).read_text()
        brought = Path(".rlm/profiles/enterprise.yaml")
        brought.write_text(written)
        own.write_text("extends: enterprise\n")
        by_path, by_name = str(brought), str(own) if extended else "enterprise"
        for chosen, options in ((by_name, ()), (by_path, ()), (by_name, ("--trust-repo-config",))):
            ran = rlm("analyze", "shop", "find vulns", "-p", chosen, "--fail-on", "high", "--no-cache", *options)
            asked, trusted = bool(server.requests), bool(options)
            assert (ran.code, asked) == ((0, True) if trusted else (2, False)), ran.err
            assert trusted or "--trust-repo-config" in ran.err
        server.forget()
        assert rlm("analyze", "shop", "who?", "-p", by_path, "--no-cache").code == 0, "not asked for findings"
