"""--require-sandbox: a run with less than is required does not begin, and says what is missing."""

import json
import re
import sys
from pathlib import Path

import pytest
from support.command import Ran, finish, rlm, start
from support.older_system import without
from support.pdfs import pdf

from rlm_cli import analyze
from rlm_cli.cli.options import SandboxLevel
from rlm_cli.confinement import LEVELS
from rlm_cli.errors import UsageError
from rlm_cli.trajectory import run_folder, run_ids

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="takes Linux's layers away")


def asked(*arguments: str, lacking: tuple[str, ...] = ()) -> Ran:
    """Ask the offline profile, on a system that lacks some calls."""
    process = start(
        "analyze", *arguments, "who pays?", "-p", "offline", preexec_fn=without(*lacking) if lacking else None
    )
    return finish(process)


def test_the_levels_of_the_command_are_those_there_are() -> None:
    assert [each.value for each in SandboxLevel] == list(LEVELS)


def test_a_whole_sandbox_is_enough(text: str) -> None:
    ran = rlm("analyze", text, "who pays?", "-p", "offline", "--require-sandbox", "full")
    assert ran.code == 0
    [told] = re.findall(r"; sandbox: (.*)$", ran.err, re.MULTILINE)
    assert re.fullmatch(r"full(; not here: namespaces: .*)?", told)


@pytest.mark.parametrize(
    ("layer", "call"), [("landlock", "landlock_create_ruleset"), ("seccomp", "seccomp"), ("capabilities", "capset")]
)
def test_a_layer_less_is_refused_before_any_call(text: str, tmp_path: Path, layer: str, call: str) -> None:
    events = tmp_path / "events.jsonl"
    ran = asked(text, "--require-sandbox", "full", "--events", str(events), lacking=(call,))
    assert (ran.code, ran.out) == (5, "")
    told = [line for line in ran.err.splitlines() if line.startswith(("rlm: error", "hint"))]
    assert told[0].startswith("rlm: error: --require-sandbox full: the sandbox that holds code is not complete here:")
    assert f"{layer}: Function not implemented" in " ".join(ran.err.split())
    assert "rlm doctor" in ran.err
    kinds = [json.loads(line)["type"] for line in events.read_text().splitlines()]
    assert kinds == ["run_started", "run_finished"]


def test_a_resumed_run_requires_what_it_required_before(text: str) -> None:
    assert rlm("analyze", text, "who pays?", "-p", "offline", "--require-sandbox", "full").code == 0
    [run_id] = run_ids()
    (run_folder(run_id) / "events.jsonl").unlink()
    ran = finish(start("runs", "resume", preexec_fn=without("landlock_create_ruleset")))
    assert (ran.code, ran.out) == (5, "")
    assert "--require-sandbox full: the sandbox that holds code is not complete here" in ran.err


def test_a_process_is_enough_where_no_more_is_required_and_what_is_missing_is_told(text: str, tmp_path: Path) -> None:
    events = tmp_path / "events.jsonl"
    lacking = ("landlock_create_ruleset", "seccomp")
    ran = asked(text, "--require-sandbox", "process", "--events", str(events), lacking=lacking)
    assert ran.code == 0
    said = " ".join(ran.err.split())
    assert "; sandbox: process; policy, process, " in said
    assert "; not here: landlock: Function not implemented, seccomp: Function not implemented" in said
    loaded = json.loads(events.read_text().splitlines()[1])
    assert loaded["sandbox_level"] == "process"
    assert [each.partition(":")[0] for each in loaded["sandbox_missing"]] == ["landlock", "seccomp"]
    assert not {"landlock", "seccomp"} & set(loaded["sandbox"])


def test_the_reader_of_pdfs_has_to_have_it_too(tmp_path: Path) -> None:
    (tmp_path / "contract.pdf").write_bytes(pdf(["The tenant pays."]))
    ran = asked(str(tmp_path / "contract.pdf"), "--require-sandbox", "full", lacking=("seccomp",))
    assert ran.code == 5
    assert "the sandbox that holds the reader of PDFs is not complete here" in " ".join(ran.err.split())


def test_doctor_tells_what_is_missing() -> None:
    said = finish(start("doctor", preexec_fn=without("seccomp", "landlock_create_ruleset"))).out
    assert "  level          process\n" in said
    assert "  landlock       not here: Function not implemented\n" in said
    assert "  PDF reader     process; not here: landlock: Function not implemented; not here: seccomp" in said


def test_a_level_that_there_is_not_is_an_error_that_names_those_there_are(text: str) -> None:
    ran = rlm("analyze", text, "who pays?", "-p", "offline", "--require-sandbox", "docker")
    assert ran.code == 2
    assert "full" in ran.err
    assert "process" in ran.err


def test_python_is_told_of_a_level_that_there_is_not(text: str) -> None:
    with pytest.raises(UsageError, match="there is no sandbox 'FULL' to require"):
        analyze(text, question="who pays?", profile="offline", require_sandbox="FULL")


def test_python_may_require_it_too(text: str) -> None:
    assert analyze(text, question="who pays?", profile="offline", require_sandbox="full").status == "complete"
