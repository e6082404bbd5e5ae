"""Submodules, linked worktrees and `.git` files: what is entered, and what leads elsewhere and is not."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from support.repositories import BOTH, git, grow, paths, prepared, repository, skipped

from rlm_cli.errors import InputError
from rlm_cli.loaders import LoadOptions, load
from rlm_cli.loaders.changes import changes
from rlm_cli.loaders.listing import Listing, list_folder
from rlm_cli.loaders.repository import root_of
from rlm_cli.loaders.revision import Revision
from rlm_cli.loaders.tree import Tree

pytestmark = pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")
__all__ = ["repository"]  # a fixture


def commit(root: Path, **files: str) -> None:
    grow(root, **files)
    git(root, "add", "-A")
    git(root, "commit", "-qm", "x")


def listed(root: Path, below: str = "", **options: bool | tuple[str, ...]) -> Listing:
    with Tree(str(root / below)) as tree:
        return list_folder(tree, root_of(tree.folder), LoadOptions(hidden=True, **options))  # type: ignore[arg-type]


def reasons(listing: Listing) -> dict[str, str]:
    return {path: why.reason for path, why in listing.skipped.items()}


@pytest.fixture
def outer(repository: Path, tmp_path: Path) -> Path:
    """A repository with a submodule at libs/one, which has another at deep/two."""
    allowed = ("-c", "protocol.file.allow=always")
    for name in ("one", "two"):
        git(tmp_path, "init", "-q", name)
    commit(tmp_path / "two", **{"two.txt": "2", ".gitignore": "*.two\n"})
    commit(tmp_path / "one", **{"one.txt": "1", ".gitignore": "*.one\n"})
    git(tmp_path / "one", *allowed, "submodule", "add", "-q", str(tmp_path / "two"), "deep/two")
    commit(tmp_path / "one")
    grow(repository, **{".gitignore": "*.log\n", "a.txt": "a", "libs/b.txt": "b"})
    git(repository, *allowed, "submodule", "add", "-q", str(tmp_path / "one"), "libs/one")
    git(repository, *allowed, "submodule", "update", "-q", "--init", "--recursive")
    commit(repository)
    return repository


ALL = [".gitignore", ".gitmodules", "a.txt", "libs/b.txt", "libs/one/.gitignore", "libs/one/.gitmodules",
       "libs/one/deep/two/.gitignore", "libs/one/deep/two/two.txt", "libs/one/one.txt"]  # fmt: skip


@BOTH
def test_submodules_are_entered_at_any_depth_with_rules_of_their_own(outer: Path, by: str) -> None:
    left_out = {"x.log": "x", "libs/one/x.one": "x", "libs/one/deep/two/x.two": "x"}
    kept = {"x.one": "x", "libs/one/x.log": "x", "libs/one/deep/two/x.one": "x"}
    grow(outer, **left_out, **kept)
    listing = listed(prepared(outer, by))
    assert listing.files == sorted([*ALL, *kept], key=lambda path: path.encode().replace(b"/", b"\0"))
    assert reasons(listing) == dict.fromkeys(left_out, "ignored")
    assert bool(listing.warnings) == (by == "walk")


def test_below_a_folder_and_inside_a_submodule_paths_count_from_the_nearest_root(outer: Path) -> None:
    assert listed(outer, "libs").files == [path.removeprefix("libs/") for path in ALL if path.startswith("libs/")]
    assert paths(load([str(outer / "libs")]).context) == [
        "libs/b.txt", "libs/one/deep/two/two.txt", "libs/one/one.txt"
    ]  # fmt: skip
    assert paths(load([str(outer / "libs/one/deep")]).context) == ["deep/two/two.txt"]
    with Revision(str(outer / "libs/one"), str(outer / "libs/one"), "HEAD") as revision:
        assert revision.files == [".gitignore", ".gitmodules", "one.txt"]
        assert {path: why.reason for path, why in revision.skipped.items()} == {"deep/two": "submodule"}
    grow(outer, **{"libs/one/one.txt": "changed"})
    assert changes(str(outer / "libs/one"), str(outer / "libs/one"), "HEAD", None).ranges == {"one.txt": ((1, 1),)}
    assert changes(str(outer), str(outer), "HEAD", None).ranges == {}


def test_what_the_user_leaves_out_is_not_entered(outer: Path) -> None:
    listing = listed(outer, exclude=("libs/one/",))
    assert listing.files == [".gitignore", ".gitmodules", "a.txt", "libs/b.txt"]
    assert reasons(listing) == {"libs/one/": "excluded"}
    assert listed(outer, include=("*.txt",)).files == [path for path in ALL if path.endswith(".txt")]
    assert listed(outer, include=("two.txt",)).files == ["libs/one/deep/two/two.txt"]


def test_a_submodule_that_is_not_checked_out_is_named(outer: Path, tmp_path: Path) -> None:
    git(tmp_path, "clone", "-q", str(outer), "clone")
    assert reasons(listed(tmp_path / "clone")) == {"libs/one": "submodule"}
    (tmp_path / "clone/libs/one").rmdir()
    assert reasons(listed(tmp_path / "clone")) == {"libs/one": "submodule"}
    assert skipped(load([str(tmp_path / "clone")]).context)["libs/one"] == "submodule"
    git(outer, "submodule", "deinit", "-f", "libs/one")
    assert reasons(listed(outer)) == {"libs/one": "submodule"}


def test_submodules_of_a_linked_worktree_are_entered(outer: Path, tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    git(outer, "worktree", "add", "-q", "-b", "side", str(tree))
    assert reasons(listed(tree)) == {"libs/one": "submodule"}
    git(tree, "-c", "protocol.file.allow=always", "submodule", "update", "-q", "--init", "--recursive")
    listing = listed(tree)
    assert (listing.files, listing.warnings) == (ALL, [])


def test_a_submodule_of_the_old_kind_is_entered(outer: Path, tmp_path: Path) -> None:
    shutil.rmtree(outer / "libs/one")
    git(tmp_path, "clone", "-q", str(tmp_path / "one"), str(outer / "libs/one"))
    assert (outer / "libs/one/.git/config").is_file()
    listing = listed(outer)
    assert listing.files == [path for path in ALL if not path.startswith("libs/one/deep")]
    assert reasons(listing) == {"libs/one/deep/two": "submodule"}


def _file(root: Path, private: Path) -> None:
    (root / "libs/one/.git").write_text(f"gitdir: {private}/.git\n")


def _link(root: Path, private: Path) -> None:
    (root / "libs/one/.git").unlink()
    (root / "libs/one/.git").symlink_to(private / ".git")


def _module(root: Path, private: Path) -> None:
    shutil.rmtree(root / ".git/modules/libs/one")
    (root / ".git/modules/libs/one").symlink_to(private / ".git")


def _shared(root: Path, private: Path) -> None:
    (root / ".git/modules/libs/one/commondir").write_text(f"{private}/.git\n")


@pytest.mark.parametrize("lead", [_file, _link, _module, _shared])
def test_a_submodule_that_leads_elsewhere_is_not_entered_and_said(
    outer: Path, tmp_path: Path, lead: Callable[[Path, Path], None]
) -> None:
    private = tmp_path / "private"
    git(tmp_path, "init", "-q", str(private))
    commit(private, **{"secret plan.txt": "x"})
    lead(outer, private)
    listing = listed(outer)
    assert not any("secret" in path for path in (*listing.files, *listing.skipped))
    assert reasons(listing) == {"libs/one": "submodule"}
    [warning] = listing.warnings
    assert "libs/one" in warning
    assert "elsewhere" in warning


def test_a_submodule_that_git_refuses_is_walked_and_said(outer: Path, tmp_path: Path) -> None:
    git(outer / "libs/one", "config", "core.worktree", str(tmp_path))
    grow(outer, **{"libs/one/x.one": "x", "libs/one/x.log": "x"})
    listing = listed(outer)
    assert listing.files == [*ALL, "libs/one/x.log"]
    assert reasons(listing) == {"libs/one/x.one": "ignored"}
    [warning] = listing.warnings
    assert "libs/one" in warning
    assert "elsewhere" in warning


def test_a_submodule_whose_folder_is_a_link_is_not_followed(outer: Path, tmp_path: Path) -> None:
    shutil.move(outer / "libs/one", tmp_path / "moved")
    (outer / "libs/one").symlink_to(tmp_path / "moved")
    assert reasons(listed(outer))["libs/one"] == "submodule"
    assert not any(path.startswith("libs/one/") for path in listed(outer).files)


# --- worktrees and .git files -----------------------------------------------------------------------------------------


@BOTH
def test_a_linked_worktree_is_loaded_with_the_rules_of_its_repository(
    repository: Path, tmp_path: Path, by: str
) -> None:
    commit(repository, **{"a.txt": "x", "sub/b.txt": "y", ".gitignore": "*.log\n"})
    grow(repository, **{".git/info/exclude": "private\n"})
    tree = tmp_path / "tree"
    git(repository, "worktree", "add", "-q", "-b", "side", str(tree))
    grow(tree, **{"x.log": "x", "private": "x", "new.txt": "x"})
    if by == "walk":
        (repository / ".git/worktrees/tree/HEAD").write_text("broken\n")
    listing = listed(tree)
    assert listing.files == [".gitignore", "a.txt", "new.txt", "sub/b.txt"]
    assert reasons(listing) == {"private": "ignored", "x.log": "ignored"}
    assert bool(listing.warnings) == (by == "walk")
    assert listed(tree, "sub").files == ["b.txt"]


def test_a_moved_worktree_is_told_how_to_be_mended(repository: Path, tmp_path: Path) -> None:
    commit(repository, **{"a.txt": "x"})
    git(repository, "worktree", "add", "-q", str(tmp_path / "tree"))
    shutil.move(tmp_path / "tree", tmp_path / "moved")
    assert listed(tmp_path / "moved").files == ["a.txt"]
    with pytest.raises(InputError, match="leads to a repository elsewhere") as error:
        Revision(str(tmp_path / "moved"), str(tmp_path / "moved"), "HEAD")
    assert "git worktree repair" in (error.value.hint or "")
    git(repository, "worktree", "repair", str(tmp_path / "moved"))
    with Revision(str(tmp_path / "moved"), str(tmp_path / "moved"), "HEAD") as revision:
        assert revision.files == ["a.txt"]


def _bait_file(bait: Path, private: Path) -> None:
    (bait / ".git").write_text(f"gitdir: {private}/.git\n")


def _bait_link(bait: Path, private: Path) -> None:
    (bait / ".git").symlink_to(private / ".git")


def _bait_shared(bait: Path, private: Path) -> None:
    git(bait, "init", "-q")
    (bait / ".git/commondir").write_text(f"{private}/.git\n")


def _bait_worktree(bait: Path, private: Path) -> None:
    """As if it were a linked worktree of the other repository, all but the way back."""
    grow(bait, **{"hidden/HEAD": "ref: refs/heads/main\n", "hidden/commondir": f"{private}/.git\n",
                  "hidden/gitdir": f"{bait}/.git\n"})  # fmt: skip
    (bait / ".git").write_text("gitdir: hidden\n")


@pytest.mark.parametrize("lead", [_bait_file, _bait_link, _bait_shared, _bait_worktree])
def test_a_repository_elsewhere_lends_no_text_of_its_commits(
    repository: Path, tmp_path: Path, lead: Callable[[Path, Path], None]
) -> None:
    commit(repository, **{"secret.txt": "secret"})
    bait = tmp_path / "bait"
    grow(bait, **{"a.txt": "x"})
    lead(bait, repository)
    assert "secret" in git(bait, "show", "main:secret.txt")  # git itself lends it
    for attempt in (
        lambda: Revision(str(bait), str(bait), "main"),
        lambda: changes(str(bait), str(bait), "main", None),
        lambda: changes(str(bait), str(bait), "main", "main"),
    ):
        with pytest.raises(InputError) as error:
            attempt()
        assert "elsewhere" in str(error.value)
        assert os.fspath(repository) not in str(error.value)
