"""Folders inside git repositories: git's own list, and its refusals."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.repositories import BOTH, git, grow, paths, prepared, repository, skipped

from rlm_cli.errors import InputError
from rlm_cli.loaders import LoadOptions, load

pytestmark = pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")
__all__ = ["repository"]  # a fixture


@BOTH
def test_what_git_ignores_stays_out_and_is_counted(repository: Path, by: str) -> None:
    grow(repository, **{
        ".gitignore": "*.log\n/build/\n!keep.log\n", "sub/.gitignore": "!deep.log\nlocal/\n",
        "a.log": "x", "keep.log": "x", "build/out.txt": "x", "sub/deep.log": "x", "sub/b.log": "x",
        "sub/build/in.txt": "x", "sub/local/c.txt": "x", "private.txt": "x", "all/only.log": "x",
    })  # fmt: skip
    (repository / "nothing/at").mkdir(parents=True)
    (repository / ".git/info").mkdir(exist_ok=True)
    (repository / ".git/info/exclude").write_text("private.txt\n")
    loaded = load([str(prepared(repository, by))])
    assert paths(loaded.context) == ["keep.log", "sub/build/in.txt", "sub/deep.log"]
    expected = {"a.log", "build/", "sub/b.log", "sub/local/", "private.txt", "all/only.log"}
    assert {path for path, reason in skipped(loaded.context).items() if reason == "ignored"} == expected
    assert bool(loaded.warnings) == (by == "walk")
    every = load([str(repository)], LoadOptions(gitignore=False))
    assert len(every.context.documents) == 9
    assert not every.warnings


@BOTH
def test_a_folder_within_keeps_the_repository_s_paths_and_rules(repository: Path, by: str) -> None:
    grow(
        repository,
        **{".gitignore": "/src/gen.py\n*.tmp\n", "src/a.py": "x", "src/gen.py": "x", "src/in/b.tmp": "x", "top": "x"},
    )
    loaded = load([str(prepared(repository, by) / "src")])
    assert paths(loaded.context) == ["src/a.py"]
    assert set(skipped(loaded.context).values()) == {"ignored"}
    assert load([str(repository / "src/a.py")]).context.documents[0].path == "a.py"


def test_a_tracked_file_is_loaded_though_a_rule_ignores_it(repository: Path) -> None:
    grow(repository, **{"a.log": "x", "b.log": "x", "gone.txt": "x"})
    git(repository, "add", "a.log", "gone.txt")
    grow(repository, **{".gitignore": "*.log\n"})
    (repository / "gone.txt").unlink()
    context = load([str(repository)]).context
    assert paths(context) == ["a.log"]
    assert skipped(context) == {"b.log": "ignored", ".gitignore": "hidden", "gone.txt": "deleted"}
    assert not any(each.failed for each in context.skipped)


def test_repositories_within_that_are_no_submodules_are_not_entered_and_are_counted(repository: Path) -> None:
    grow(repository, **{"a.txt": "x", "inner/b.txt": "x"})
    git(repository / "inner", "init", "-q")
    git(repository / "inner", "add", ".")
    git(repository / "inner", "commit", "-qm", "x")
    assert skipped(load([str(repository)]).context) == {"inner/": "nested repository"}
    git(repository, "add", ".")  # now it is a submodule
    assert paths(load([str(repository)]).context) == ["a.txt", "inner/b.txt"]


def test_what_a_sparse_checkout_leaves_out_is_named(repository: Path) -> None:
    grow(repository, **{"a.txt": "x", "sub/b.txt": "x", "sub/c.txt": "x"})
    git(repository, "add", ".")
    git(repository, "commit", "-qm", "x")
    git(repository, "sparse-checkout", "set", "--no-cone", "/*", "!/sub/")
    grow(repository, **{"sub/c.txt": "put back by hand"})
    context = load([str(repository)]).context
    assert (paths(context), skipped(context)) == (["a.txt", "sub/c.txt"], {"sub/b.txt": "not checked out"})


@BOTH
def test_a_named_folder_that_is_ignored_says_how_to_load_it(repository: Path, by: str) -> None:
    grow(repository, **{".gitignore": "build/\n", "build/a.txt": "x"})
    prepared(repository, by)
    with pytest.raises(InputError) as error:
        load([str(repository / "build")])
    assert "--no-gitignore" in (error.value.hint or "")
    assert paths(load([str(repository / "build")], LoadOptions(gitignore=False)).context) == ["build/a.txt"]


def test_git_variables_of_a_hook_do_not_lead_to_another_repository(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = tmp_path / "other"
    other.mkdir()
    git(other, "init", "-q")
    grow(repository, **{"a.txt": "x", "sub/b.txt": "x"})
    monkeypatch.setenv("GIT_DIR", str(other / ".git"))
    monkeypatch.setenv("GIT_WORK_TREE", str(other))
    loaded = load([str(repository)])
    assert (paths(loaded.context), loaded.warnings) == (["a.txt", "sub/b.txt"], ())


def test_without_git_the_rules_still_hold_and_one_warning_says_so(
    repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    grow(repository, **{".gitignore": "*.log\n", "a.log": "x", "b.txt": "x"})
    monkeypatch.setenv("PATH", str(repository))
    loaded = load([str(repository)])
    assert paths(loaded.context) == ["b.txt"]
    [warning] = loaded.warnings
    assert "git is not installed" in warning


# --- whose files they are -------------------------------------------------------------------------------------------


@pytest.fixture
def unprivileged() -> Iterator[Path]:
    """A folder of an ordinary user, and the rights of one while the test runs."""
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made).resolve()
        if os.geteuid() != 0:
            yield folder
            return
        os.chown(folder, 65534, 65534)
        os.seteuid(65534)
        yield folder
        os.seteuid(0)


def test_what_may_not_be_read_is_a_failure_by_name(unprivileged: Path) -> None:
    grow(unprivileged, **{"sub/ok": "x", "sub/closed.txt": "x", "sub/folder/a.txt": "x"})
    (unprivileged / "sub/closed.txt").chmod(0)
    (unprivileged / "sub/folder").chmod(0)
    context = load([str(unprivileged)]).context
    failed = [("sub/closed.txt", "unreadable", True), ("sub/folder/", "unreadable", True)]
    assert sorted((each.path, each.reason, each.failed) for each in context.skipped) == failed
    with pytest.raises(InputError, match="cannot be read"):
        load([str(unprivileged / "sub/closed.txt")])
    git(unprivileged, "init", "-q")
    for folder in (unprivileged, unprivileged / "sub"):
        loaded = load([str(folder)])
        assert sorted((each.path, each.reason, each.failed) for each in loaded.context.skipped) == failed
        assert loaded.warnings == ("2 files could not be read, unreadable: sub/folder/, sub/closed.txt",)
    (unprivileged / "sub/folder").chmod(0o700)


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to give a repository to another user")
def test_a_repository_of_another_user_is_walked_with_a_warning(repository: Path) -> None:
    grow(repository, **{".gitignore": "b.txt\n", "a.txt": "x", "b.txt": "x"})
    os.chown(repository, 12345, 12345)
    os.chown(repository / ".git", 12345, 12345)
    loaded = load([str(repository)])
    assert paths(loaded.context) == ["a.txt"]
    [warning] = loaded.warnings
    assert "dubious ownership" in warning
