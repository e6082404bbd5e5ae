"""A branch must not clear itself: which files count, by whatever way they are reached."""

import os
import shutil
from functools import partial
from pathlib import Path

import pytest
from support.gated import as_result
from support.repositories import git, grow, repository

from rlm_cli.errors import InputError, UsageError
from rlm_cli.gate import Policy, policy_from
from rlm_cli.loaders import LoadOptions, at_base

pytestmark = pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")
__all__ = ["repository"]  # a fixture

ENTRY = "- {rule: xss, path: '**', reason: accepted}\n"
OTHER = "- {rule: xss, path: '**', reason: accepted}\n- {rule: sql-injection, path: '**', reason: mine}\n"


@pytest.fixture
def branch(repository: Path) -> Path:
    grow(repository, **{"ok.yaml": ENTRY, "changed.yaml": ENTRY, ".rlm/s.yaml": ENTRY, "tests/example.yaml": OTHER,
                        "src/app.py": "run()\n", "moved from.yaml": OTHER, ".gitignore": "*.tmp\n"})  # fmt: skip
    (repository / "link.yaml").symlink_to("ok.yaml")
    git(repository, "add", "-A")
    git(repository, "commit", "-qm", "first")
    git(repository, "checkout", "-qb", "work")
    git(repository, "mv", "moved from.yaml", "moved.yaml")
    grow(repository, **{"changed.yaml": OTHER, "added.yaml": OTHER})
    (repository / "link.yaml").unlink()
    (repository / "link.yaml").symlink_to("tests/example.yaml")
    git(repository, "add", "-A")
    git(repository, "commit", "-qm", "second")
    grow(repository, **{"ignored.tmp": OTHER})
    return repository


def read(
    name: Path | str, *inputs: Path | str, base: str | None = None, trusts: bool = False, rev: str | None = None
) -> Policy:
    named = [str(each) for each in inputs]
    return policy_from(
        None,
        None,
        None,
        str(name),
        named,
        trusts,
        at_base=partial(at_base, inputs=named, options=LoadOptions(base=base, rev=rev)),
    )


def refusal(name: Path | str, *inputs: Path | str, base: str | None = None, rev: str | None = None) -> str:
    with pytest.raises(UsageError) as refused:
        read(name, *inputs, base=base, rev=rev)
    assert refused.value.hint is not None
    assert "--trust-repo-config" in refused.value.hint
    assert len(read(name, *inputs, base=base, rev=rev, trusts=True).suppressions) > 0
    return str(refused.value)


def test_a_file_elsewhere_counts(branch: Path, tmp_path: Path) -> None:
    grow(tmp_path, **{"elsewhere/s.yaml": ENTRY})
    [entry] = read(tmp_path / "elsewhere/s.yaml", branch).suppressions
    assert entry.reason == "accepted"
    (tmp_path / "to.yaml").symlink_to(tmp_path / "elsewhere/s.yaml")
    (tmp_path / "here").symlink_to(branch)
    assert read(tmp_path / "to.yaml", tmp_path / "here").suppressions
    assert read(branch / "src/../../elsewhere/s.yaml", branch / "src").suppressions


@pytest.mark.parametrize("name", ["ok.yaml", ".rlm/s.yaml", "added.yaml", "ignored.tmp", "src/../ok.yaml"])
def test_a_file_inside_does_not_count_without_a_base(branch: Path, name: str) -> None:
    for given in (branch, branch / "src", branch / "src/app.py", branch / name):
        assert "lies inside the input or its repository" in refusal(branch / name, given)
    assert "lies inside the input" in refusal(branch / name, "somewhere else", branch)
    assert "lies inside the input" in refusal(branch / name, branch / "only/in/a/revision")


def test_a_file_inside_that_the_branch_leaves_as_it_is_counts_with_a_base(branch: Path) -> None:
    for name in ("ok.yaml", ".rlm/s.yaml", "src/../ok.yaml", "tests/example.yaml"):
        for given in (branch, branch / "src"):
            assert read(branch / name, given, base="main").suppressions
    assert read(branch / "ok.yaml", branch, base="main", rev="HEAD").suppressions
    (branch / "ok.yaml").write_bytes(ENTRY.replace("\n", "\r\n").encode())
    assert read(branch / "ok.yaml", branch, base="main").suppressions


def test_what_the_branch_has_changed_counts_as_it_was_and_what_it_has_added_or_moved_does_not(branch: Path) -> None:
    for rev in (None, "main"):  # the text of another revision says nothing about the file that is read
        policy = read(branch / "changed.yaml", branch, base="main", rev=rev)
        assert [each.rule for each in policy.suppressions] == ["xss"]
        assert "counts as it was at the base" in policy.warnings[0]
    for name in ("added.yaml", "moved.yaml", "ignored.tmp"):
        assert "lies inside the input" in refusal(branch / name, branch, base="main")
    git(branch, "checkout", "-q", "main", "--", "changed.yaml")
    assert read(branch / "changed.yaml", branch, base="main").warnings == ()


def test_a_link_inside_does_not_count_wherever_it_leads(branch: Path, tmp_path: Path) -> None:
    grow(tmp_path, **{"elsewhere/s.yaml": ENTRY})
    (branch / "out.yaml").symlink_to(tmp_path / "elsewhere/s.yaml")
    (branch / "out").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "in.yaml").symlink_to(branch / "ok.yaml")
    (tmp_path / "in").symlink_to(branch)
    (tmp_path / "both.yaml").symlink_to(branch / "out.yaml")
    for name in (branch / "link.yaml", branch / "out.yaml", branch / "out/s.yaml", tmp_path / "both.yaml"):
        assert "a link inside the input leads to" in refusal(name, branch, base="main")
        assert "a link inside the input leads to" in refusal(name, branch)
    for name in (tmp_path / "in.yaml", tmp_path / "in/ok.yaml"):
        assert "lies inside the input" in refusal(name, branch)
        assert read(name, branch, base="main").suppressions


def test_a_submodule_cannot_vouch_for_itself(branch: Path, tmp_path: Path) -> None:
    module = branch / "module"
    git(tmp_path, "init", "-q", "--separate-git-dir", str(tmp_path / "modules"), str(module))
    grow(module, **{"s.yaml": OTHER, "src/a.py": "run()\n"})
    git(module, "add", "-A")
    git(module, "commit", "-qm", "its own main")
    assert "lies inside the input" in refusal(module / "s.yaml", branch, base="main")
    # Nor does the repository around it count as foreign.
    assert "lies inside the input" in refusal(branch / "ok.yaml", module / "src", base="main")


def test_a_stream_comes_from_the_repository_we_stand_in(
    branch: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    grow(tmp_path, **{"elsewhere/s.yaml": ENTRY})
    monkeypatch.chdir(branch / "src")
    assert "lies inside the input" in refusal("../ok.yaml", "-")
    assert "lies inside the input" in refusal("../ok.yaml", "/dev/null")
    reading, writing = os.pipe()
    assert "lies inside the input" in refusal("../ok.yaml", f"/dev/fd/{reading}")
    os.close(reading)
    os.close(writing)
    assert read(tmp_path / "elsewhere/s.yaml", "-").suppressions
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert read("s.yaml", "-").suppressions
    assert read("s.yaml", branch).suppressions


def test_a_folder_without_a_repository_is_an_input_too(tmp_path: Path) -> None:
    grow(tmp_path, **{"in/s.yaml": ENTRY, "out/s.yaml": ENTRY})
    assert "lies inside the input" in refusal(tmp_path / "in/s.yaml", tmp_path / "in", base="main")
    assert read(tmp_path / "out/s.yaml", tmp_path / "in").suppressions


def test_a_baseline_is_held_to_the_same(branch: Path, tmp_path: Path) -> None:
    (branch / "old.json").write_bytes(as_result([]))
    with pytest.raises(UsageError, match=r"--baseline: .* lies inside the input"):
        policy_from(None, None, str(branch / "old.json"), None, [str(branch)])
    assert policy_from(None, None, str(branch / "old.json"), None, [str(branch)], trusts=True).baseline is not None
    (tmp_path / "old.json").write_bytes(as_result([], status="partial"))
    policy = policy_from(None, None, str(tmp_path / "old.json"), None, [str(branch)])
    assert [
        each.startswith(f"the baseline {tmp_path}/old.json is of a run that was not complete")
        for each in policy.warnings
    ] == [True]


@pytest.mark.parametrize("option", ["--baseline", "--suppressions"])
def test_what_cannot_be_read_is_said(tmp_path: Path, option: str) -> None:
    def given(path: Path | str) -> str:
        baseline, suppressions = (str(path), None) if option == "--baseline" else (None, str(path))
        with pytest.raises(InputError) as refused:
            policy_from(None, None, baseline, suppressions, [])
        assert str(refused.value).startswith(f"{option}: ")
        return str(refused.value)

    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "loop").symlink_to("loop")
    with (tmp_path / "huge").open("wb") as file:
        file.truncate(1 << 40)
    assert "No such file" in given(tmp_path / "none")
    assert "not the name of a file" in given("")
    assert "Is a directory" in given(tmp_path)
    assert "not a regular file" in given(tmp_path / "pipe")
    assert "symbolic links" in given(tmp_path / "loop")
    assert "not the name of a file" in given("a\0b")
    assert "has more than" in given(tmp_path / "huge")


def test_expired_entries_do_not_count_and_are_told(tmp_path: Path) -> None:
    grow(tmp_path, **{"s.yaml": ENTRY + "- {rule: xss, path: a, until: 2020-01-01, reason: r}\n"})
    policy = read(tmp_path / "s.yaml")
    assert [each.line for each in policy.suppressions] == [1]
    assert policy.warnings == (f"1 suppression in {tmp_path}/s.yaml expired and not counted (line 2)",)


@pytest.mark.parametrize("number", [-0.1, 1.1, float("nan"), float("inf")])
def test_a_confidence_is_from_0_to_1(number: float) -> None:
    with pytest.raises(UsageError, match="--min-confidence"):
        policy_from(None, number, None, None, [])
    assert policy_from(None, 0.5, None, None, []).min_confidence == 0.5
