"""Repositories made to harm who reads them: no program of theirs is run, no file of others is lent.

Each door is tried first with our own reading, then carelessly, where it must turn out to be one.
"""

import os
import pty
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from support.repositories import BOTH, git, grow, paths, prepared, repository, skipped

from rlm_cli.loaders import LoadOptions, load
from rlm_cli.loaders.git import GitRefused
from rlm_cli.loaders.repository import list_files

pytestmark = pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")
__all__ = ["repository"]  # a fixture


Plant = Callable[[Path, Path], None]


def _configured(*pairs: str) -> Plant:
    """Plant `name=value` in the repository's own configuration; @ stands for the program."""

    def plant(root: Path, program: Path) -> None:
        for pair in pairs:
            name, _, value = pair.partition("=")
            git(root, "config", name, value.replace("@", str(program)))

    return plant


def _hook(name: str) -> Plant:
    def plant(root: Path, program: Path) -> None:
        (root / ".git/hooks").mkdir(exist_ok=True)
        shutil.copy(program, root / ".git/hooks" / name)

    return plant


def _hook_elsewhere(root: Path, program: Path) -> None:
    (root / "hooks").mkdir()
    shutil.copy(program, root / "hooks/post-index-change")
    _configured("core.hooksPath=hooks")(root, program)


def _attributes(line: str, *pairs: str) -> Plant:
    def plant(root: Path, program: Path) -> None:
        grow(root, **{".gitattributes": line + "\n"})
        _configured(*pairs)(root, program)

    return plant


def _submodule(root: Path, program: Path) -> None:
    url = f"ext::{program}"
    grow(root, **{".gitmodules": f'[submodule "m"]\n\tpath = m\n\turl = {url}\n\tupdate = checkout\n'})
    git(root, "update-index", "--add", "--cacheinfo", f"160000,{'1' * 40},m")
    _configured("submodule.m.url=" + url)(root, program)


def _lacking_an_object(root: Path, program: Path) -> None:
    """A partial clone that fetches what it lacks, from a program."""
    git(root, "add", ".")
    git(root, "commit", "-qm", "x")
    tree = git(root, "rev-parse", "HEAD^{tree}").strip()
    (root / ".git/objects" / tree[:2] / tree[2:]).unlink()
    _configured(
        "core.repositoryFormatVersion=1", "extensions.partialClone=origin", "remote.origin.promisor=true",
        "remote.origin.url=ext::@", "index.sparse=true", "core.sparseCheckout=true", "core.sparseCheckoutCone=true",
    )(root, program)  # fmt: skip


ALLOWED = ("-c", "protocol.ext.allow=always")
DOORS: dict[str, tuple[Plant, tuple[str, ...]]] = {
    "core.fsmonitor": (_configured("core.fsmonitor=@"), ("ls-files", "-o")),
    "a hook": (_hook("post-index-change"), ("update-index", "--force-write-index")),
    "a hook of another folder": (_hook_elsewhere, ("update-index", "--force-write-index")),
    "diff.external": (_configured("diff.external=@"), ("diff",)),
    "textconv": (_attributes("* diff=evil", "diff.evil.textconv=@"), ("diff",)),
    "an external diff by attributes": (_attributes("* diff=evil", "diff.evil.command=@"), ("diff",)),
    "a filter's clean": (_attributes("* filter=evil", "filter.evil.clean=@"), ("add", "a.txt")),
    "a filter's process": (_attributes("* filter=evil", "filter.evil.process=@"), ("add", "a.txt")),
    "an alias": (_configured("alias.list=!@"), ("list",)),
    "a fetch of what is lacking": (_lacking_an_object, (*ALLOWED, "cat-file", "-p", "HEAD^{tree}")),
    "a submodule's address": (_submodule, (*ALLOWED, "submodule", "update", "--init")),
    "a remote's address": (_configured("remote.origin.url=ext::@"), (*ALLOWED, "fetch", "origin")),
    "core.sshCommand": (_configured("core.sshCommand=@", "remote.origin.url=ssh://x/y"), ("fetch", "origin")),
    "credential.helper": (_configured("credential.helper=!@"), ("credential", "fill")),
    "core.editor": (_configured("core.editor=@"), ("config", "--local", "--edit")),
    "a pager": (_configured("core.pager=@"), ("-p", "ls-files")),
}  # fmt: skip


@pytest.mark.parametrize("name", DOORS)
def test_a_program_that_a_repository_names_is_not_run(repository: Path, tmp_path: Path, name: str) -> None:
    plant, careless = DOORS[name]
    trap, program = tmp_path / "ran", tmp_path / "program"
    program.write_text(f"#!/bin/sh\ntouch {trap}\n")
    program.chmod(0o755)
    grow(repository, **{"a.txt": "x"})
    git(repository, "add", ".")
    grow(repository, **{"a.txt": "changed"})
    plant(repository, program)
    assert "a.txt" in paths(load([str(repository)], LoadOptions(hidden=True)).context)
    assert not trap.exists(), "our own git ran it"
    # The trap works: git, asked carelessly, runs the program.
    ours, theirs = pty.openpty()  # for the pager
    with os.fdopen(ours, "rb"), os.fdopen(theirs, "wb") as terminal:
        command = ["git", "-C", str(repository), *careless]
        asked = b"protocol=https\nhost=x\n\n"  # of credential
        subprocess.run(command, check=False, input=asked, stdout=terminal, stderr=terminal, timeout=60)
    assert trap.exists()


def test_a_folder_that_poses_as_a_bare_repository_is_no_repository(repository: Path, tmp_path: Path) -> None:
    trap, program = tmp_path / "ran", tmp_path / "program"
    program.write_text(f"#!/bin/sh\ntouch {trap}\n")
    program.chmod(0o755)
    inner = repository / "data"
    git(repository, "init", "-q", "--bare", "data")
    grow(inner, **{"a.txt": "x"})
    for name, value in (("core.bare", "false"), ("core.worktree", str(tmp_path)), ("core.fsmonitor", str(program))):
        git(inner, "--git-dir", ".", "config", name, value)
    context = load([str(inner)]).context
    assert "data/a.txt" in paths(context)
    assert not any("program" in path for path in paths(context))
    assert not trap.exists()


def test_a_work_tree_that_is_elsewhere_lends_no_files(repository: Path, tmp_path: Path) -> None:
    grow(tmp_path, **{"secret.txt": "secret", "repository/a.txt": "x"})
    git(repository, "config", "core.worktree", str(tmp_path))
    loaded = load([str(repository)])
    assert paths(loaded.context) == ["a.txt"]
    [warning] = loaded.warnings
    assert "elsewhere" in warning


def test_a_git_file_that_points_at_another_repository_lends_no_text(repository: Path, tmp_path: Path) -> None:
    grow(repository, **{"private.txt": "secret"})
    git(repository, "add", ".")
    grow(tmp_path, **{"bait/a.txt": "x", "bait/.git": f"gitdir: {repository}/.git\n"})
    assert paths(load([str(tmp_path / "bait")]).context) == ["a.txt"]


def test_a_folder_that_became_a_link_is_not_followed(repository: Path, tmp_path: Path) -> None:
    grow(repository, **{"a.txt": "x", "sub/passwd": "x"})
    git(repository, "add", ".")
    shutil.rmtree(repository / "sub")
    grow(tmp_path, **{"outside/passwd": "secret"})
    (repository / "sub").symlink_to(tmp_path / "outside")
    context = load([str(repository)]).context
    assert paths(context) == ["a.txt"]
    assert skipped(context) == {"sub": "link out of the tree", "sub/passwd": "deleted"}


@BOTH
def test_an_ignore_file_that_is_a_link_or_a_pipe_lends_nothing(repository: Path, tmp_path: Path, by: str) -> None:
    grow(repository, **{"a.txt": "x", "sub/b.txt": "x"})
    grow(tmp_path, rules="a.txt\n")
    (repository / ".gitignore").symlink_to(tmp_path / "rules")
    if by == "walk":
        os.mkfifo(repository / "sub/.gitignore")
    assert paths(load([str(prepared(repository, by))]).context) == ["a.txt", "sub/b.txt"]


def test_an_ignore_file_made_to_exhaust_us_is_not_followed_and_named(tmp_path: Path) -> None:
    grow(tmp_path, **{"a.txt": "x", ".gitignore": "a.txt\n" * 200_000})
    loaded = load([str(tmp_path)])
    assert paths(loaded.context) == ["a.txt"]
    assert loaded.warnings == (".gitignore is larger than 1 MB; its rules are not followed",)


def test_git_that_never_answers_is_given_up(repository: Path) -> None:
    os.mkfifo(repository / "rules")
    git(repository, "config", "core.excludesFile", str(repository / "rules"))
    with pytest.raises(GitRefused, match="no answer within"):
        list_files(str(repository), str(repository), deadline=0.5)
