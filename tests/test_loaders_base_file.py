"""A file as it was at the base: what a branch did with it since does not reach who asks for it."""

import shutil
from pathlib import Path

import pytest
from support.repositories import git, grow, repository

from rlm_cli.errors import InputError
from rlm_cli.loaders import LoadOptions, at_base

pytestmark = pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")
__all__ = ["repository"]  # a fixture

MAIN = LoadOptions(base="main")


@pytest.fixture
def branch(repository: Path) -> Path:
    grow(repository, **{"a.yaml": "of main\n", "src/a.py": "x\n", ".rlm/b.yaml": "hidden\n", "old name.yaml": "o\n"})
    (repository / "link.yaml").symlink_to("a.yaml")
    git(repository, "add", "-A")
    git(repository, "commit", "-qm", "first")
    git(repository, "checkout", "-qb", "work")
    git(repository, "mv", "old name.yaml", "new.yaml")
    grow(repository, **{"a.yaml": "of the branch\n", "added.yaml": "x\n"})
    git(repository, "add", "-A")
    git(repository, "commit", "-qm", "second")
    return repository


def held(root: Path, name: str, *inputs: Path, options: LoadOptions = MAIN) -> bytes | None:
    return at_base(str(root / name), [str(each) for each in inputs or (root,)], options)


def test_what_the_base_holds_is_given_whatever_the_branch_made_of_it(branch: Path) -> None:
    assert held(branch, "a.yaml") == b"of main\n"
    assert held(branch, ".rlm/b.yaml") == b"hidden\n"
    assert held(branch, "old name.yaml") == b"o\n"
    assert held(branch, "a.yaml", branch / "src") == b"of main\n"
    assert held(branch, "a.yaml", options=LoadOptions(base="main", rev="main")) == b"of main\n"


def test_what_was_not_there_under_that_name_as_a_file_is_not_given(branch: Path) -> None:
    for name in ("added.yaml", "new.yaml", "link.yaml", "src", "none.yaml", "src/a.py/x"):
        assert held(branch, name) is None, name


def test_a_file_of_another_repository_is_not_given(branch: Path, tmp_path: Path) -> None:
    other = branch / "module"
    other.mkdir()
    git(other, "init", "-q")
    grow(other, **{"s.yaml": "x\n"})
    git(other, "add", "-A")
    git(other, "commit", "-qm", "its own main")
    assert held(other, "s.yaml") == b"x\n"
    assert held(other, "s.yaml", branch) is None
    assert held(tmp_path, "s.yaml", branch) is None
    assert held(branch, "a.yaml", branch / "a.yaml") is None
    assert at_base(str(branch / "a.yaml"), ["-"], MAIN) is None


def test_without_a_base_nothing_is_given_and_an_unknown_one_is_an_error(branch: Path) -> None:
    assert held(branch, "a.yaml", options=LoadOptions()) is None
    with pytest.raises(InputError, match="no revision"):
        held(branch, "a.yaml", options=LoadOptions(base="nowhere"))


def test_a_damaged_store_vouches_for_nothing(branch: Path) -> None:
    name = git(branch, "rev-parse", "main:a.yaml").strip()
    stored = branch / ".git/objects" / name[:2] / name[2:]
    stored.chmod(0o600)
    stored.write_bytes(b"damaged")
    assert held(branch, "a.yaml") is None
