"""--rev, --base and --changed-only through the command and the loader: which files, which lines, what is told."""

import shutil
from pathlib import Path

import pytest
from support.command import rlm
from support.repl import session_over
from support.repositories import git, grow, paths, repository, skipped

from rlm_cli.engine.shape import describe
from rlm_cli.errors import UsageError
from rlm_cli.loaders import LoadOptions, load

pytestmark = pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")
__all__ = ["repository"]  # a fixture


@pytest.fixture
def branch(repository: Path) -> Path:
    """Two commits on main, of which the first is tagged, then one on a branch, then work that is not committed."""
    grow(repository, **{"a.py": "one\ntwo\nthree\n", "same.py": "x\n", "sub/b.py": "b\n", "gone.py": "g\n"})
    git(repository, "add", ".")
    git(repository, "commit", "-qm", "first")
    git(repository, "tag", "v1")
    git(repository, "checkout", "-qb", "work")
    grow(repository, **{"a.py": "one\nTWO\nthree\nfour\n", "sub/new.py": "n\nm\n"})
    (repository / "gone.py").unlink()
    git(repository, "add", "-A")
    git(repository, "commit", "-qm", "second")
    git(repository, "checkout", "-q", "main")
    grow(repository, **{"same.py": "moved on\n"})
    git(repository, "commit", "-qam", "elsewhere")
    git(repository, "checkout", "-q", "work")
    grow(repository, **{"loose.py": "l\n", ".gitignore": "*.log\n", "noise.log": "x\n", "image.bin": "a\0b"})
    return repository


def test_a_revision_is_read_without_touching_the_work_tree(branch: Path) -> None:
    context = load([str(branch)], LoadOptions(rev="v1")).context
    assert paths(context) == ["a.py", "gone.py", "same.py", "sub/b.py"]
    assert context.text(0, 99).startswith("===== a.py =====\none\ntwo\nthree\n")
    assert (branch / "loose.py").exists()
    within = load([str(branch / "sub")], LoadOptions(rev="HEAD")).context
    assert paths(within) == ["sub/b.py", "sub/new.py"]
    only = load([str(branch)], LoadOptions(rev="v1", include=("*.py",), exclude=("sub/",))).context
    assert paths(only) == ["a.py", "gone.py", "same.py"]
    assert skipped(only) == {"sub/": "excluded"}


def test_a_revision_and_a_checkout_of_it_give_the_same_context(branch: Path, tmp_path: Path) -> None:
    git(branch, "worktree", "add", "-q", str(tmp_path / "old"), "v1")
    digests = {load([str(each)], options).context.sha256 for each, options in (
        (branch, LoadOptions(rev="v1")), (tmp_path / "old", LoadOptions()), (tmp_path / "old", LoadOptions(rev="HEAD")),
    )}  # fmt: skip
    assert len(digests) == 1


def test_a_base_marks_lines_and_leaves_the_context_whole(branch: Path) -> None:
    loaded = load([str(branch)], LoadOptions(base="main"))
    changed = {each.path: each.changed for each in loaded.context.documents}
    assert changed == {
        "a.py": ((2, 2), (4, 4)), "loose.py": ((1, 1),), "same.py": (), "sub/b.py": (), "sub/new.py": ((1, 2),),
    }  # fmt: skip
    merge_base = git(branch, "rev-parse", "v1").strip()[:12]
    assert loaded.context.base == f"main (merge base {merge_base})"
    assert loaded.context.sha256 == load([str(branch)]).context.sha256
    assert (
        f"Changed since main (merge base {merge_base}): 3 documents: a.py 2+4, loose.py 1, sub/new.py 1-2."
        in describe(loaded.context)
    )


def test_what_a_branch_has_changed_and_nobody_reads_is_named(branch: Path) -> None:
    grow(branch, **{"same.py": "now\0binary", ".x/evil.py": "hidden\n", "left.py": "z\n"})
    git(branch, "add", "-A")
    git(branch, "commit", "-qm", "hides")
    options = LoadOptions(base="main", exclude=("left.py",))
    [warning] = [each for each in load([str(branch)], options).warnings if "changed since the base" in each]
    assert warning == (
        "changed since the base and not read: .gitignore (hidden), .x/ (hidden), image.bin (binary), same.py (binary)"
    )
    assert not any("changed since" in each for each in load([str(branch)]).warnings)


def test_only_what_changed_is_loaded_on_demand_and_the_rest_counted(branch: Path) -> None:
    context = load([str(branch)], LoadOptions(base="main", changed_only=True)).context
    assert paths(context) == ["a.py", "loose.py", "sub/new.py"]
    assert skipped(context)["same.py"] == "unchanged"
    committed = load([str(branch)], LoadOptions(base="main", changed_only=True, rev="work")).context
    assert paths(committed) == ["a.py", "sub/new.py"]
    assert {each.path: each.changed for each in committed.documents}["a.py"] == ((2, 2), (4, 4))


def test_the_session_has_the_changes(branch: Path) -> None:
    context = load([str(branch)], LoadOptions(base="main")).context
    with session_over(context) as session:
        assert session.value("print(documents['a.py'].changed)") == "((2, 2), (4, 4))"
        assert session.value("print([d.path for d in documents if d.changed])") == "['a.py', 'loose.py', 'sub/new.py']"


def test_the_command_takes_them_and_says_what_is_wrong(branch: Path, tmp_path: Path) -> None:
    report = rlm("inspect", str(branch), "--base", "main", "--changed-only", "-f", "json").json()
    assert [each["path"] for each in report["files"]] == ["a.py", "loose.py", "sub/new.py"]
    assert report["files"][0]["changed"] == [[2, 2], [4, 4]]
    assert report["base"].startswith("main (merge base ")
    (tmp_path / "plain").mkdir()
    (tmp_path / "plain/f.txt").write_text("x")
    for words, said in (
        ([str(branch), "--changed-only"], "--changed-only needs --base"),
        ([str(branch), "--rev", "nope"], "nope"),
        ([str(branch), "--base", "nope"], "nope"),
        ([str(tmp_path / "plain"), "--rev", "HEAD"], "lies in none"),
        ([str(tmp_path / "plain/f.txt"), "--base", "HEAD"], "is a file"),
        ([str(tmp_path / "nothing"), "--rev", "HEAD"], "does not exist"),
    ):
        ran = rlm("inspect", *words)
        assert ran.code == 2, words
        assert said in ran.err, words


def test_a_shallow_clone_without_the_merge_base_says_how_to_fetch(branch: Path, tmp_path: Path) -> None:
    git(branch, "clone", "-q", "--depth", "1", "--no-single-branch", branch.as_uri(), str(tmp_path / "shallow"))
    ran = rlm("inspect", str(tmp_path / "shallow"), "--base", "origin/main")
    assert ran.code == 2
    assert "shallow" in ran.err
    assert "git fetch" in ran.err


def test_a_folder_that_exists_only_in_the_revision_can_be_read(branch: Path) -> None:
    shutil.rmtree(branch / "sub")
    try:
        context = load([str(branch / "sub")], LoadOptions(rev="HEAD")).context
    except UsageError as error:  # outside of any work tree there is no repository to ask
        pytest.fail(str(error))
    assert paths(context) == ["sub/b.py", "sub/new.py"]
