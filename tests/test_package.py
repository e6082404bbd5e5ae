"""What is shipped: the wheel holds the profiles, and the README says what the program does."""

import os
import re
import subprocess
import sys
from pathlib import Path

import yaml
from support.command import rlm

from rlm_cli import analyze
from rlm_cli.cli.options import Format
from rlm_cli.events import EVENTS
from rlm_cli.gate.suppressions import read_suppressions
from rlm_cli.profiles import find, load, shipped
from rlm_cli.results import ExitCode

TOP = Path(__file__).parent.parent
README = (TOP / "README.md").read_text()


def test_the_wheel_brings_its_profiles(tmp_path: Path) -> None:
    pip = [sys.executable, "-m", "pip", "--quiet"]
    subprocess.run([*pip, "wheel", "--no-deps", "--wheel-dir", tmp_path, TOP], check=True)
    [wheel] = tmp_path.glob("*.whl")
    subprocess.run([*pip, "install", "--no-deps", "--target", tmp_path / "site", wheel], check=True)
    listed = subprocess.run(
        [sys.executable, "-c", "import rlm_cli; print(rlm_cli.__file__); from rlm_cli.cli.app import app; app()",
         "profiles", "list"],
        cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(tmp_path / "site")},
        capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    assert listed.startswith(str(tmp_path))
    names = [line.split()[0] for line in listed.splitlines()[1:]]
    assert names == shipped() == sorted(path.stem for path in (TOP / "configs").glob("*.yaml"))
    assert (tmp_path / "site" / "rlm_cli" / "py.typed").exists()


def test_profiles_are_listed_with_what_is_wrong_with_them(own_home: Path) -> None:
    folder = own_home / ".config" / "rlm" / "profiles"
    folder.mkdir(parents=True)
    (folder / "broken.yaml").write_text("rot: {}")
    lines = rlm("profiles", "list").out.splitlines()
    assert [line.split()[0] for line in lines] == sorted([*shipped(), "broken"])
    assert "cannot be used: broken.yaml, line 1: unknown key 'rot'" in lines[0]


def test_the_readme_lists_every_exit_code() -> None:
    listed = {int(code) for code in re.findall(r"^\| (\d+) \| ", README, re.MULTILINE)}
    assert listed == {int(code) for code in ExitCode}


def test_the_readme_lists_every_option_and_no_other() -> None:
    table = README.split("### Options of `rlm analyze`")[1].split("###")[0]
    listed = set(re.findall(r"--[a-z][a-z-]+", table.split("---|---", 1)[1]))
    offered = set(re.findall(r"--[a-z][a-z-]+", rlm("analyze", "--help").out)) - {"--help"}
    assert listed == offered


def test_the_readme_lists_every_event_and_every_shipped_profile() -> None:
    for name in [*EVENTS, *shipped()]:
        assert f"`{name}`" in README


def test_the_readmes_profile_loads(tmp_path: Path) -> None:
    example = README.split("### Profiles\n")[1].split("```yaml\n")[1].split("```")[0]
    (tmp_path / "mine.yaml").write_text(example)
    profile = load(find(str(tmp_path / "mine.yaml")))
    keys = yaml.safe_load(example)
    assert profile.root.price is not None
    assert profile.limits.cell_timeout == keys["limits"]["cell_timeout"]


def test_the_readmes_suppressions_are_taken() -> None:
    example = README.split("### Which findings count\n")[1].split("```yaml\n")[1].split("```")[0]
    assert [each.reason for each in read_suppressions(example.encode(), "README.md")] == [
        "read-only replica, see ticket 1234",
        "not reachable",
    ]


def test_the_readmes_jobs_use_what_there_is() -> None:
    section = README.split("### In CI\n")[1].split("\n## ")[0]
    github, gitlab = (yaml.safe_load(each.split("```")[0]) for each in section.split("```yaml\n")[1:])
    steps = github["jobs"]["scan"]["steps"]
    [scan] = [each["run"] for each in steps if "rlm analyze" in each.get("run", "")]
    offered = rlm("analyze", "--help").out
    for command in (scan, *gitlab["rlm"]["script"]):
        for option in re.findall(r"(?<=[ {+])(--[a-z][a-z-]+)", command.partition("rlm analyze")[2]):
            assert option in offered
        for name in re.findall(r"(?<!! )-f ([a-z]+)", command):
            assert name in list(Format)
    [upload] = [each for each in steps if "upload-sarif" in each.get("uses", "")]
    assert f"sarif={upload['with']['sarif_file']}" in scan


def test_the_python_interface_answers() -> None:
    result = analyze(TOP / "rlm_cli" / "budget.py", question="where is the cost limit enforced?", profile="offline")
    assert result.status == "complete"
    assert any("max_cost" in (each.quote or "") for each in result.citations)
    assert all(each.verified for each in result.citations)
