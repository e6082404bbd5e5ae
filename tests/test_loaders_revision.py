"""The files of a commit, read without a checkout: which, what is in them, and what a revision may be called."""

import hashlib
import os
import shutil
import subprocess
from pathlib import Path

import pytest
from support.repositories import git, grow, repository

from rlm_cli.errors import InputError, UsageError
from rlm_cli.loaders.git import GitRefused, ask
from rlm_cli.loaders.objects import Objects
from rlm_cli.loaders.revision import Revision
from rlm_cli.loaders.tree import Unloadable

pytestmark = pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")
__all__ = ["repository"]  # a fixture


def commit(root: Path, message: str = "x", **files: str) -> str:
    grow(root, **files)
    git(root, "add", "-A")
    git(root, "commit", "-qm", message)
    return git(root, "rev-parse", "HEAD").strip()


def text_of(revision: Revision, file: str, limit: int | None = None) -> bytes:
    descriptor = revision.open(file, limit)
    try:
        return os.pread(descriptor, 1 << 20, 0)
    finally:
        os.close(descriptor)


def texts(root: Path, rev: str, below: str = "") -> dict[str, bytes]:
    with Revision(str(root), str(root / below), rev) as revision:
        return {file: text_of(revision, file) for file in revision.files}


def object_file(root: Path, name: str) -> Path:
    found = root / ".git/objects" / name[:2] / name[2:]
    found.chmod(0o644)
    return found


# --- files ------------------------------------------------------------------------------------------------------------


def test_the_files_are_those_of_the_commit_whatever_lies_in_the_folder(repository: Path) -> None:
    first = commit(repository, **{"a.txt": "one\n", "gone.txt": "x", "sub/b/c.txt": "c", "sub.txt": "s", "empty": ""})
    commit(repository, **{"a.txt": "two\n", ".gitignore": "sub/\n"})
    grow(repository, **{"a.txt": "three\n", "untracked.txt": "x"})
    shutil.rmtree(repository / "sub")
    with Revision(str(repository), str(repository), "HEAD~1") as revision:
        assert revision.commit == first
        assert revision.files == ["a.txt", "empty", "gone.txt", "sub/b/c.txt", "sub.txt"]
        assert [revision.size(file) for file in revision.files] == [4, 0, 1, 1, 1]
        assert [text_of(revision, file) for file in reversed(revision.files)] == [b"s", b"c", b"x", b"", b"one\n"]
        assert revision.warnings == []
    assert texts(repository, "HEAD")["a.txt"] == b"two\n"
    assert git(repository, "status", "--porcelain").split() == ["M", "a.txt", "D", "sub/b/c.txt", "??", "untracked.txt"]


def test_below_a_folder_paths_count_from_it(repository: Path) -> None:
    commit(repository, **{"a.txt": "x", "sub/b.txt": "b", "sub/c/d.txt": "d", "subway": "x", ":(top)x/e.txt": "e"})
    (repository / "new").mkdir()
    assert texts(repository, "HEAD", "sub") == {"b.txt": b"b", "c/d.txt": b"d"}
    assert texts(repository, "HEAD", ":(top)x") == {"e.txt": b"e"}
    for folder in ("new", "subway"):
        with pytest.raises(InputError, match="is no folder in HEAD"):
            Revision(str(repository), str(repository / folder), "HEAD")


def test_texts_come_as_they_are_stored(repository: Path) -> None:
    (repository / "raw.txt").write_bytes(b"a\r\nb\xff\0$Id$")
    commit(repository, **{".gitattributes": ""})
    settings = {"filter.up.smudge": "tr a-z A-Z", "core.autocrlf": "true", "diff.up.textconv": "tr a-z A-Z <"}
    for name, value in settings.items():
        git(repository, "config", name, value)
    grow(repository, **{".gitattributes": "* ident filter=up diff=up eol=crlf working-tree-encoding=UTF-16\n"})
    assert texts(repository, "HEAD")["raw.txt"] == b"a\r\nb\xff\0$Id$"


def test_names_of_every_kind_are_read(repository: Path) -> None:
    names = ["-n", "a b", "a\nb", "é", "\udcff", '"q"', "a\tb", " ", "HEAD", ":x", "*"]
    commit(repository, **{f"{name}/{name}": name.encode("utf-8", "surrogateescape").hex() for name in names})
    found = texts(repository, "HEAD")
    assert found == {f"{name}/{name}": os.fsencode(name).hex().encode() for name in names}
    assert list(found) == sorted(found, key=lambda path: os.fsencode(path).replace(b"/", b"\0"))
    assert texts(repository, "HEAD", "\udcff") == {"\udcff": b"ff"}


def test_what_is_no_file_is_left_out_and_said(repository: Path) -> None:
    (repository / "link").symlink_to("a.txt")
    git(repository, "update-index", "--add", "--cacheinfo", f"160000,{'1' * 40},module")
    commit(repository, **{"a.txt": "x"})
    with Revision(str(repository), str(repository), "HEAD") as revision:
        assert revision.files == ["a.txt"]
        assert {path: why.reason for path, why in revision.skipped.items()} == {"link": "link"}
    git(repository, "update-index", "--add", "--cacheinfo", f"160000,{'1' * 40},module")
    git(repository, "commit", "-qm", "x")
    with Revision(str(repository), str(repository), "HEAD") as revision:
        assert {path: why.reason for path, why in revision.skipped.items()} == {"link": "link", "module": "submodule"}
        assert not any(why.failed for why in revision.skipped.values())


def test_a_name_that_leads_out_of_the_folder_is_a_failure(repository: Path) -> None:
    commit(repository, **{"a.txt": "x"})
    blob = git(repository, "rev-parse", "HEAD:a.txt").strip()
    raw = b"".join(b"100644 %s\0%s" % (name, bytes.fromhex(blob)) for name in (b"..", b".GIT", b"a/../../b", b"ok"))
    done = subprocess.run(
        ["git", "-C", repository, "hash-object", "-t", "tree", "-w", "--stdin", "--literally"],
        input=raw, check=True, capture_output=True,
    )  # fmt: skip
    made = git(repository, "commit-tree", "-m", "x", done.stdout.decode().strip()).strip()
    with Revision(str(repository), str(repository), made) as revision:
        assert revision.files == ["ok"]
        assert {path: why.failed for path, why in revision.skipped.items()} == dict.fromkeys(
            ("..", ".GIT", "a/../../b"), True
        )


def test_a_large_file_is_refused_before_it_is_read(repository: Path) -> None:
    commit(repository, **{"large.txt": "x" * 5000, "small.txt": "x"})
    broken = object_file(repository, git(repository, "rev-parse", "HEAD:large.txt").strip())
    broken.write_bytes(broken.read_bytes()[:-8])
    with Revision(str(repository), str(repository), "HEAD") as revision:
        with pytest.raises(Unloadable, match="too large"):
            text_of(revision, "large.txt", limit=4999)
        with pytest.raises(Unloadable, match="unreadable"):
            text_of(revision, "large.txt", limit=5000)
        assert text_of(revision, "small.txt", limit=1) == b"x"


def test_of_a_damaged_repository_all_is_read_that_is_there(repository: Path) -> None:
    commit(repository, **{f"{number}.txt": f"text {number} " * 1000 for number in range(5)})
    names = [git(repository, "rev-parse", f"HEAD:{number}.txt").strip() for number in range(5)]
    object_file(repository, names[1]).unlink()
    object_file(repository, names[2]).write_bytes(b"nothing that git could read")
    cut = object_file(repository, names[3])
    cut.write_bytes(cut.read_bytes()[:60])
    with Revision(str(repository), str(repository), "HEAD") as revision:
        assert len(revision.files) == 5
        for file in revision.files * 2:
            if file in ("0.txt", "4.txt"):
                assert text_of(revision, file).startswith(b"text")
            else:
                with pytest.raises(Unloadable, match="unreadable") as error:
                    text_of(revision, file)
                assert error.value.failed
    object_file(repository, git(repository, "rev-parse", "HEAD^{tree}").strip()).unlink()
    with pytest.raises(InputError, match="cannot list commit") as refusal:
        Revision(str(repository), str(repository), "HEAD")
    assert "git fsck" in (refusal.value.hint or "")


def test_nothing_stays_open(repository: Path) -> None:
    commit(repository, **{"a.txt": "x", "b.txt": "y" * 300_000})
    opened = Path("/proc/self/fd") if Path("/proc/self/fd").exists() else Path("/dev/fd")
    before = len(list(opened.iterdir()))
    for _ in range(3):
        with Revision(str(repository), str(repository), "HEAD") as revision:
            assert len(text_of(revision, "b.txt")) == 300_000
            with pytest.raises(Unloadable):
                text_of(revision, "b.txt", limit=1)
    revision.close()
    assert len(list(opened.iterdir())) == before


@pytest.mark.parametrize("kind", ["worktree", "sha256"])
def test_other_kinds_of_repositories_are_read_alike(repository: Path, tmp_path: Path, kind: str) -> None:
    if kind == "sha256":
        root = tmp_path / "other"
        git(tmp_path, "init", "-q", "--object-format=sha256", str(root))
        assert len(commit(root, **{"a.txt": "x", "sub/b.txt": "y"})) == 64
    else:
        commit(repository, **{"a.txt": "x", "sub/b.txt": "y"})
        git(repository, "worktree", "add", "-q", str(tmp_path / "other"))
        root = tmp_path / "other"
    assert texts(root, "HEAD") == {"a.txt": b"x", "sub/b.txt": b"y"}
    assert texts(root, "HEAD", "sub") == {"b.txt": b"y"}


# --- what a revision may be called ------------------------------------------------------------------------------------


def test_a_revision_is_named_as_git_names_it(repository: Path) -> None:
    first = commit(repository, "one: two..three", **{"a.txt": "1"})
    second = commit(repository, "second", **{"a.txt": "2"})
    git(repository, "tag", "-am", "x", "v1.0", first)
    git(repository, "tag", "light", first)
    git(repository, "branch", "feature/x", first)
    git(repository, "update-ref", "refs/heads/-x", first)
    git(repository, "tag", "nested", "v1.0")
    for rev in ("HEAD~1", "HEAD^", "v1.0", "light", "feature/x", first, first[:8], "refs/heads/-x", "nested",
                "HEAD^{/one: two..three}", ":/one", "@~", first.upper(), "main@{1}", "heads/feature/x"):  # fmt: skip
        with Revision(str(repository), str(repository), rev) as revision:
            assert (rev, revision.commit) == (rev, first)
    for rev in ("HEAD", "@", "main", "HEAD@{0}", "main@{now}", second):
        with Revision(str(repository), str(repository), rev) as revision:
            assert (rev, revision.commit) == (rev, second)


def test_what_git_warns_of_is_passed_on(repository: Path) -> None:
    commit(repository, **{"a.txt": "1"})
    git(repository, "tag", "main")
    with Revision(str(repository), str(repository), "main") as revision:
        assert revision.warnings == ["git says: refname 'main' is ambiguous."]
    with Revision(str(repository), str(repository), "HEAD@{2001-01-01}") as revision:
        assert "only goes back to" in revision.warnings[0]


REFUSED = {
    "": "names no commit",
    "  ": "names no commit",
    "--all": "looks like an option",
    "-x": "refs/heads/NAME",
    "main..HEAD": "is a range",
    "main...HEAD": "is a range",
    "^main": "leaves commits out",
    "a\nb": "cannot name a commit",
    "a\0b": "cannot name a commit",
    "\udcff": "cannot name a commit",
    "x" * 5000: "cannot name a commit",
    "HEAD:sub": "is a tree, not a commit",
    "HEAD^{tree}": "is a tree, not a commit",
    "HEAD:a.txt": "is a blob, not a commit",
    ":a.txt": "is a blob, not a commit",
    "on-a-blob": "is a tag of something that is no commit",
    "HEAD^@": "is no revision that git knows",
    "HEAD^!": "is no revision that git knows",
    "HEAD~9": "is no revision that git knows",
    "HEAD@{99}": "only has",
    "a" * 40: "is no revision that git knows",
    "a" * 64: "is no revision that git knows",
    "HEAD:nothing": "is no revision that git knows",
    "featuer/x": "is it feature/x?",
    "x": "is it feature/x?",
    "v1~3": "is it v1.0",
    "nothing like it": "git fetch --tags",
    ":/nothing": "is no revision that git knows",
}


@pytest.fixture(scope="module")
def named(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("named").resolve()
    git(root, "init", "-q")
    commit(root, **{"a.txt": "1", "sub/b.txt": "x"})
    git(root, "branch", "feature/x")
    git(root, "tag", "v1.0")
    git(root, "tag", "-am", "x", "on-a-blob", "HEAD:a.txt")
    return root


@pytest.mark.parametrize("rev", REFUSED)
def test_what_names_no_single_commit_is_refused_with_what_to_do(named: Path, rev: str) -> None:
    with pytest.raises(UsageError) as error:
        Revision(str(named), str(named), rev)
    said = f"{error.value}\n{error.value.hint}"
    assert REFUSED[rev] in said
    assert error.value.hint
    assert said.count("\n") == 1
    assert said.isprintable() or said.replace("\n", "").isprintable()
    assert len(said) < 500


def test_a_short_hash_of_several_objects_names_them(repository: Path) -> None:
    first = commit(repository, **{"a.txt": "1"})
    tree = git(repository, "rev-parse", "HEAD^{tree}").strip()
    seen: dict[str, bytes] = {}
    for number in range(100_000):
        body = f"tree {tree}\nparent {first}\nauthor x <x> 0 +0000\ncommitter x <x> 0 +0000\n\n{number}\n".encode()
        name = hashlib.sha1(b"commit %d\0" % len(body) + body).hexdigest()
        if name[:4] in seen:
            break
        seen[name[:4]] = body
    for each in (body, seen[name[:4]]):
        subprocess.run(
            ["git", "-C", repository, "hash-object", "-t", "commit", "-w", "--stdin"],
            input=each, check=True, capture_output=True,
        )  # fmt: skip
    with pytest.raises(InputError, match="is short for several objects") as error:
        Revision(str(repository), str(repository), f"{name[:4]}~1")
    assert name in (error.value.hint or "")
    assert texts(repository, name)


def test_a_clone_that_lacks_history_says_how_to_fetch_it(repository: Path, tmp_path: Path) -> None:
    commit(repository, **{"a.txt": "1"})
    old = commit(repository, **{"a.txt": "2"})
    commit(repository, **{"a.txt": "3"})
    git(tmp_path, "clone", "-q", "--depth=1", f"file://{repository}", "shallow")
    assert texts(tmp_path / "shallow", "HEAD") == {"a.txt": b"3"}
    for rev in ("HEAD~1", old):
        with pytest.raises(InputError, match="the clone is shallow") as error:
            Revision(str(tmp_path / "shallow"), str(tmp_path / "shallow"), rev)
        assert "git fetch --unshallow" in (error.value.hint or "")
        assert "fetch-depth: 0" in (error.value.hint or "")


def test_without_git_or_its_trust_the_error_says_what_to_do(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(InputError, match="is no revision"):
        Revision(str(repository), str(repository), "HEAD")  # there is no commit yet
    commit(repository, **{"a.txt": "1"})
    if os.geteuid() == 0:
        os.chown(repository, 12345, 12345)
        os.chown(repository / ".git", 12345, 12345)
        with pytest.raises(InputError, match="dubious ownership") as error:
            Revision(str(repository), str(repository), "HEAD")
        assert "safe.directory" in (error.value.hint or "")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(InputError, match="git is not installed") as error:
        Revision(str(repository), str(repository), "HEAD")
    assert error.value.hint


# --- a git that does not do as it should ------------------------------------------------------------------------------

LIARS = {
    "it says nothing": "sleep 100",
    "it ends": "exit 0",
    "it says nothing after the first line": "read name; printf '%s blob 5\\n' $name; sleep 100",
    "it stops short": "read name; printf '%s blob 5\\nabc' $name",
    "it says too much": "read name; printf '%s blob 5\\nabcdefgh\\n' $name; sleep 100",
    "it never ends": "read name; printf '%s blob 5\\n' $name; exec yes",
    "it never ends a line": "exec yes | tr -d '\\n'",
    "it gives another size": "read name; printf '%s blob 6\\nabcdef\\n' $name; sleep 100",
    "it gives another object": f"printf '{'1' * 40} blob 5\\nabcde\\n'; sleep 100",
    "it gives another kind": "read name; printf '%s tree 5\\nabcde\\n' $name; sleep 100",
    "it goes on after what is missing": "read name; printf '%s missing\\nabc' $name; sleep 100",
}


@pytest.mark.parametrize("liar", LIARS)
def test_a_lying_git_costs_no_more_than_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, liar: str) -> None:
    grow(tmp_path, **{"bin/git": f"#!/bin/sh\n{LIARS[liar]}\n"})
    (tmp_path / "bin/git").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}/bin", prepend=os.pathsep)
    objects = Objects(str(tmp_path), deadline=0.3)
    for _ in range(3):
        with pytest.raises(Unloadable, match="unreadable") as error:
            objects.open("a" * 40, 5)
        assert error.value.failed
    objects.close()


def test_an_answer_without_end_is_cut_off(repository: Path) -> None:
    # Ten trees that hold the next one ten times: ten billion files.
    inner = f"100644 blob {git(repository, 'hash-object', '-w', '--stdin').strip()}\tfile"
    for _ in range(10):
        listed = inner.encode() + b"\n"
        made = subprocess.run(["git", "-C", repository, "mktree"], input=listed, check=True, capture_output=True)
        name = made.stdout.decode().strip()
        inner = "\n".join(f"040000 tree {name}\t{number}" for number in range(10))
    with pytest.raises(GitRefused, match="larger than 100,000 bytes"):
        ask(str(repository), 60, "ls-tree", "-r", "-z", name, most=100_000)
