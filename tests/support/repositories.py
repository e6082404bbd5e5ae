"""Git repositories for tests: made, filled, and what was loaded from them."""

import subprocess
from pathlib import Path

import pytest

from rlm_cli.context import Context


def git(folder: Path, *arguments: str) -> str:
    identity = ("-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "init.defaultBranch=main")
    return subprocess.run(
        ["git", *identity, "-C", folder, *arguments], check=True, capture_output=True, text=True
    ).stdout


def grow(root: Path, **files: str) -> None:
    for path, content in files.items():
        target = root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(content)


def paths(context: Context) -> list[str]:
    return [document.path for document in context.documents]


def skipped(context: Context) -> dict[str, str]:
    return {each.path: each.reason for each in context.skipped}


def prepared(root: Path, by: str) -> Path:
    """Make git refuse the repository when the walk is to be tried."""
    if by == "walk":
        (root / ".git/HEAD").write_text("broken\n")
    return root


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    root = tmp_path / "repository"
    root.mkdir()
    git(root, "init", "-q")
    return root


BOTH = pytest.mark.parametrize("by", ["git", "walk"])
