"""Repositories made to harm who reads them: no program of theirs is run, no file of others is lent.

Each door is tried first with our own reading, then carelessly, where it must turn out to be one.
"""

import contextlib
import os
import pty
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from support.repositories import BOTH, git, grow, paths, prepared, repository, skipped

from rlm_cli.errors import InputError, UsageError
from rlm_cli.loaders import LoadOptions, load
from rlm_cli.loaders.changes import changes
from rlm_cli.loaders.git import GitRefused, ask
from rlm_cli.loaders.repository import list_files
from rlm_cli.loaders.revision import Revision
from rlm_cli.loaders.tree import Unloadable

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


def _lacking(name: str, *pairs: str) -> Plant:
    """A partial clone that fetches what it lacks, from a program."""

    def plant(root: Path, program: Path) -> None:
        lacking = git(root, "rev-parse", name).strip()
        (root / ".git/objects" / lacking[:2] / lacking[2:]).unlink()
        _configured(
            "core.repositoryFormatVersion=1", "extensions.partialClone=origin", "remote.origin.promisor=true",
            "protocol.allow=always", "protocol.ext.allow=always", "protocol.file.allow=always", *pairs,
        )(root, program)  # fmt: skip

    return plant


def _included(root: Path, program: Path) -> None:
    grow(root, **{".git/more": f"[core]\n\tfsmonitor = {program}\n"})
    _configured("include.path=more", "includeIf.gitdir:**.path=more")(root, program)


def _signed(root: Path, program: Path) -> None:
    tree = git(root, "rev-parse", "HEAD^{tree}").strip()
    who = "x <x@example.org> 0 +0000"
    grow(root, signed=f"tree {tree}\nauthor {who}\ncommitter {who}\ngpgsig -----BEGIN PGP SIGNATURE-----\n x\n"
         " -----END PGP SIGNATURE-----\n\nx\n")  # fmt: skip
    git(root, "update-ref", "HEAD", git(root, "hash-object", "-t", "commit", "-w", "signed").strip())
    _configured("gpg.program=@", "log.showSignature=true")(root, program)


def _inner(root: Path, program: Path) -> None:
    """A submodule, checked out, with a configuration of its own."""
    inner = root / "inner"
    grow(inner, **{"b.txt": "x"})
    git(inner, "init", "-q")
    git(inner, "add", ".")
    git(inner, "commit", "-qm", "x")
    git(root, "add", "inner")
    git(root, "commit", "-qm", "x")
    _configured("core.fsmonitor=@", "diff.external=@")(inner, program)


def _alternate(root: Path, program: Path) -> None:
    git(root.parent, "clone", "-q", str(root), "alternate")
    grow(root, **{".git/objects/info/alternates": f"{root.parent}/alternate/.git/objects\n"})
    _configured("core.alternateRefsCommand=@")(root, program)


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
    "a filter's clean at a glance": (_attributes("* filter=evil", "filter.evil.clean=@"), ("diff", "--stat")),
    "a filter's smudge": (_attributes("* filter=evil", "filter.evil.smudge=@"), ("checkout", "--", "a.txt")),
    "a filter's smudge of a blob": (
        _attributes("* filter=evil", "filter.evil.smudge=@"), ("cat-file", "--filters", "HEAD:a.txt")
    ),
    "textconv of a blob": (
        _attributes("* diff=evil", "diff.evil.textconv=@"), ("cat-file", "--textconv", "HEAD:a.txt")
    ),
    "gpg.program": (_signed, ("log", "-1")),
    "an included configuration": (_included, ("ls-files", "-o")),
    "a submodule's configuration": (_inner, ("-C", "inner", "ls-files", "-o")),
    "a submodule's configuration at a glance": (_inner, ("status",)),
    "core.alternateRefsCommand": (_alternate, ("rev-list", "--alternate-refs")),
    "a fetch of a lacking tree": (
        _lacking("HEAD^{tree}", "remote.origin.url=ext::@"), ("cat-file", "-p", "HEAD^{tree}")
    ),
    "a fetch of a lacking blob": (_lacking("HEAD:a.txt", "remote.origin.url=ext::@"), ("cat-file", "-p", "HEAD:a.txt")),
    "a lacking blob's remote helper": (
        _lacking("HEAD:a.txt", "remote.origin.url=/nowhere", "remote.origin.uploadpack=@"),
        ("cat-file", "-p", "HEAD:a.txt"),
    ),
    "core.sshCommand for a lacking blob": (
        _lacking("HEAD:a.txt", "remote.origin.url=ssh://x/y", "core.sshCommand=@"), ("cat-file", "-p", "HEAD:a.txt")
    ),
    "core.gitProxy for a lacking blob": (
        _lacking("HEAD:a.txt", "remote.origin.url=git://x.invalid/y", "core.gitProxy=@"),
        ("cat-file", "-p", "HEAD:a.txt"),
    ),
    "a submodule's address": (_submodule, (*ALLOWED, "submodule", "update", "--init")),
    "a remote's address": (_configured("remote.origin.url=ext::@"), (*ALLOWED, "fetch", "origin")),
    "core.sshCommand": (_configured("core.sshCommand=@", "remote.origin.url=ssh://x/y"), ("fetch", "origin")),
    "credential.helper": (_configured("credential.helper=!@"), ("credential", "fill")),
    "core.editor": (_configured("core.editor=@"), ("config", "--local", "--edit")),
    "a pager": (_configured("core.pager=@"), ("-p", "ls-files")),
}  # fmt: skip


def _read_in_every_way(root: Path) -> None:
    """Ask all that we ever ask of git; what cannot be answered may be refused."""
    assert "a.txt" in paths(load([str(root)], LoadOptions(hidden=True)).context)
    folder = str(root)
    for rev in ("HEAD", "main@{yesterday}", ":a.txt", "nothing"):
        with contextlib.suppress(UsageError), Revision(folder, folder, rev) as revision:
            for file in revision.files:
                with contextlib.suppress(Unloadable):
                    os.close(revision.open(file))
    for base, new in (("HEAD", None), ("main", "HEAD")):
        with contextlib.suppress(UsageError):
            changes(folder, folder, base, new)


@pytest.mark.parametrize("name", DOORS)
def test_a_program_that_a_repository_names_is_not_run(repository: Path, tmp_path: Path, name: str) -> None:
    plant, careless = DOORS[name]
    trap, program = tmp_path / "ran", tmp_path / "program"
    program.write_text(f"#!/bin/sh\ntouch {trap}\n")
    program.chmod(0o755)
    grow(repository, **{"a.txt": "x"})
    git(repository, "add", ".")
    git(repository, "commit", "-qm", "x")
    grow(repository, **{"a.txt": "changed"})
    plant(repository, program)
    trap.unlink(missing_ok=True)  # planting it may have run it
    _read_in_every_way(repository)
    assert not trap.exists(), "our own git ran it"
    # The trap works: git, asked carelessly, runs the program.
    ours, theirs = pty.openpty()  # for the pager
    with os.fdopen(ours, "rb"), os.fdopen(theirs, "wb") as terminal:
        command = ["git", "-C", str(repository), *careless]
        asked = b"protocol=https\nhost=x\n\n"  # of credential
        subprocess.run(command, check=False, input=asked, stdout=terminal, stderr=terminal, timeout=60)
    assert trap.exists()


VARIABLES: dict[str, tuple[dict[str, str], tuple[str, ...]]] = {
    "GIT_EXTERNAL_DIFF": ({"GIT_EXTERNAL_DIFF": "@"}, ("diff",)),
    "GIT_PAGER": ({"GIT_PAGER": "@"}, ("-p", "ls-files")),
    "GIT_CONFIG_COUNT": (
        {"GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "core.fsmonitor", "GIT_CONFIG_VALUE_0": "@"}, ("ls-files", "-o")
    ),
    "GIT_CONFIG_PARAMETERS": ({"GIT_CONFIG_PARAMETERS": "'core.fsmonitor'='@'"}, ("ls-files", "-o")),
    "GIT_EXEC_PATH": ({"GIT_EXEC_PATH": "@/.."}, ("submodule", "status")),
}  # fmt: skip


@pytest.mark.parametrize("name", VARIABLES)
def test_a_program_that_a_variable_names_is_not_run(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    variables, careless = VARIABLES[name]
    trap, program = tmp_path / "ran", tmp_path / "program"
    for each in (program, tmp_path / "git-submodule"):
        each.write_text(f"#!/bin/sh\ntouch {trap}\n")
        each.chmod(0o755)
    grow(repository, **{"a.txt": "x"})
    git(repository, "add", ".")
    git(repository, "commit", "-qm", "x")
    grow(repository, **{"a.txt": "changed"})
    for variable, value in variables.items():
        monkeypatch.setenv(variable, value.replace("@/..", str(tmp_path)).replace("@", str(program)))
    _read_in_every_way(repository)
    assert not trap.exists(), "our own git ran it"
    ours, theirs = pty.openpty()
    with os.fdopen(ours, "rb"), os.fdopen(theirs, "wb") as terminal:
        command = ["git", "-C", str(repository), *careless]
        subprocess.run(command, check=False, stdout=terminal, stderr=terminal, timeout=60)
    assert trap.exists()


def test_variables_do_not_lend_another_repository_s_commits(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    private = tmp_path / "private"
    git(tmp_path, "init", "-q", str(private))
    for root, files in ((private, {"secret.txt": "x"}), (repository, {"a.txt": "x"})):
        grow(root, **files)
        git(root, "add", ".")
        git(root, "commit", "-qm", "x")
    secret = git(private, "rev-parse", "HEAD").strip()
    monkeypatch.setenv("GIT_ALTERNATE_OBJECT_DIRECTORIES", str(private / ".git/objects"))
    assert "secret" in git(repository, "ls-tree", secret)
    for variable, value in {
        "GIT_OBJECT_DIRECTORY": private / ".git/objects", "GIT_DIR": private / ".git", "GIT_WORK_TREE": private,
        "GIT_COMMON_DIR": private / ".git", "GIT_INDEX_FILE": private / ".git/index", "GIT_NAMESPACE": "x",
    }.items():  # fmt: skip
        monkeypatch.setenv(variable, str(value))
    with Revision(str(repository), str(repository), "HEAD") as revision:
        assert revision.files == ["a.txt"]
    with pytest.raises(InputError, match="is no revision"):
        Revision(str(repository), str(repository), secret)
    assert changes(str(repository), str(repository), "HEAD", None).ranges == {}


def test_names_made_to_be_taken_for_options_or_commands_are_only_names(repository: Path, tmp_path: Path) -> None:
    trap = tmp_path / "ran"
    grow(repository, **{"a.txt": "x"})
    git(repository, "add", ".")
    git(repository, "commit", "-qm", "x")
    commit = git(repository, "rev-parse", "HEAD").strip()
    names = [f"--output={trap}", "--upload-pack=x", "$(touch ran)", "a\nb", "\x1b[31mred", "a" * 40, "x^{commit}", "..",
             "%(refname)"]  # fmt: skip
    for name in names:
        grow(repository, **{f".git/refs/heads/{name}x": f"{commit}\n"})
    for name in names:
        with pytest.raises(UsageError) as error:
            Revision(str(repository), str(repository), name)
        assert f"{error.value} {error.value.hint}".isprintable()
    with pytest.raises(InputError) as error:
        Revision(str(repository), str(repository), "redx")
    assert f"{error.value} {error.value.hint}".isprintable()
    assert not trap.exists()


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
    git(repository, "config", "--unset", "core.excludesFile")
    with (repository / ".git/config").open("a") as settings:
        settings.write(f"[include]\n\tpath = {repository}/rules\n")
    with pytest.raises(GitRefused, match="no answer within"):
        ask(str(repository), 0.5, "rev-parse", "--verify", "HEAD")
