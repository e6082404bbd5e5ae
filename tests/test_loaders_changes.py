"""What has changed since a merge base: which lines of which files."""

import hashlib
import os
import shutil
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.repositories import git, grow, repository

from rlm_cli.errors import InputError, UsageError
from rlm_cli.loaders.changes import Changes, changes
from rlm_cli.loaders.line_changes import Ranges, alike, changed_lines, whole

pytestmark = pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")
__all__ = ["repository"]  # a fixture


def commit(root: Path, **files: str) -> str:
    grow(root, **files)
    git(root, "add", "-A")
    git(root, "commit", "-qm", "x", "--allow-empty")
    return git(root, "rev-parse", "HEAD").strip()


def since(root: Path, base: str = "main", rev: str | None = None, below: str = "", **options: int) -> Changes:
    return changes(str(root), str(root / below), base, rev, **options)


@pytest.fixture
def branch(repository: Path) -> Path:
    """A repository on a branch that left main, which has gone on since."""
    commit(repository, **{"a.txt": "1\n2\n3\n4\n5\n", "same.txt": "x\n", "gone.txt": "x\n", "sub/b.txt": "1\n2\n"})
    git(repository, "checkout", "-qb", "topic")
    git(repository, "checkout", "-q", "main")
    commit(repository, **{"same.txt": "of main\n", "main.txt": "x\n"})
    git(repository, "checkout", "-q", "topic")
    return repository


# --- lines ------------------------------------------------------------------------------------------------------------

LINES: dict[tuple[str, str], Ranges] = {
    ("1\n2\n3\n", "1\n2\n3\n"): (),
    ("1\n2\n3\n", "1\nx\n3\n"): ((2, 2),),
    ("1\n2\n3\n", "1\nx\ny\n3\n"): ((2, 3),),
    ("1\n2\n3\n", "x\n1\n2\n3\ny\n"): ((1, 1), (5, 5)),
    ("1\n2\n3\n4\n", "1\n2\n4\n"): ((2, 2),),
    ("1\n2\n3\n", "2\n3\n"): ((1, 1),),
    ("1\n2\n3\n", "1\n2\n"): ((2, 2),),
    ("1\n2\n3\n", ""): (),
    ("", "1\n2\n"): ((1, 2),),
    ("1\n2\n", "1\n2"): ((2, 2),),
    ("1\n2", "1\n2\n"): ((2, 2),),
    ("1\n2\n3\n4\n5\n6\n", "1\nx\n4\n5\ny\n"): ((2, 2), (5, 5)),
    ("1\n2\n3\n", "1\n\n+x\n-y\n@@ -1 +1 @@\n\\ x\ndiff --git old/0 new/0\n3\n"): ((2, 7),),
    ("@@ -1 +1 @@\n--- a\n", "@@ -1 +1 @@\n+++ b\n"): ((2, 2),),
    ("a\rb\n", "a\rc\n"): ((1, 1),),
    ("a\x0bb\x0cc\u2028d\n", "a\x0bb\x0cc\u2028e\nf\n"): ((1, 2),),
}


def test_the_lines_that_changed_are_found() -> None:
    pairs = [(old.encode(), new.encode()) for old, new in LINES]
    assert list(changed_lines(pairs)) == list(LINES.values())
    assert list(changed_lines([])) == []


words = st.lists(st.sampled_from(["a", "b", "c", "", "@@ -1 +1 @@", "+", "a\r"]), max_size=12)


@settings(max_examples=8)
@given(st.lists(st.tuples(words, words), min_size=30, max_size=60))
def test_what_is_in_no_range_stood_there_before_in_the_same_order(pairs: list[tuple[list[str], list[str]]]) -> None:
    texts = [("".join(f"{line}\n" for line in old).encode(), "".join(f"{line}\n" for line in new).encode())
             for old, new in pairs]  # fmt: skip
    for (old, new), ranges in zip(texts, changed_lines(texts), strict=True):
        assert ranges is not None
        inside = [line for first, last in ranges for line in range(first, last + 1)]
        lines = new.split(b"\n")[:-1]
        assert inside == sorted(set(inside) & set(range(1, len(lines) + 1)))
        before = iter(old.split(b"\n"))
        kept = [line for number, line in enumerate(lines, 1) if number not in inside]
        assert all(line in before for line in kept)
        assert bool(ranges) or old == new or not new


def test_large_texts_and_many_are_compared_too() -> None:
    large = b"".join(b"line %d\n" % number for number in range(300_000))
    changed = large.replace(b"line 1000\n", b"another\n").replace(b"line 299999\n", b"line 299999\nlast\n")
    small = [(b"%d\nx\n" % number, b"%d\ny\n" % number) for number in range(2000)]
    found = list(changed_lines([*small[:1000], (large, changed), *small[1000:]]))
    assert found[1000] == ((1001, 1001), (300_001, 300_001))
    assert found[:1000] + found[1001:] == [((2, 2),)] * 2000


def test_a_comparison_out_of_time_is_none_and_harms_nothing_else() -> None:
    assert list(changed_lines([(b"1\n", b"2\n"), (b"1\n", b"1\n2\n")], patience=0)) == [None, None]


def test_texts_under_another_name_are_found_again() -> None:
    old = b"".join(b"line %d\n" % number for number in range(50))
    assert alike({1: old, 2: b"nothing\n"}, {3: b"new\n", 4: old + b"more\n"}) == {4: (1, ((51, 51),))}
    assert alike({1: old}, {2: old}) == {2: (1, ())}
    assert alike({1: b"x\n" * 9}, {2: b"y\n" * 9}) == {}
    assert whole(b"1\n2") == whole(b"1\n2\n") == ((1, 2),)
    assert whole(b"") == ()


# --- files ------------------------------------------------------------------------------------------------------------


def test_what_the_work_tree_holds_is_told_from_the_merge_base(branch: Path) -> None:
    first = git(branch, "rev-parse", "main~1").strip()
    commit(branch, **{"a.txt": "1\n2\nx\n4\n5\n", ".gitignore": "*.log\n"})
    git(branch, "rm", "-q", "gone.txt")
    grow(branch, **{"a.txt": "1\n2\nx\n4\n5\ny\n", "new.txt": "1\n2", "sub/c/d": "", "ignored.log": "x", "-n": "n\n"})
    found = since(branch)
    assert found == Changes(
        first,
        {"-n": ((1, 1),), ".gitignore": ((1, 1),), "a.txt": ((3, 3), (6, 6)), "new.txt": ((1, 2),), "sub/c/d": ()},
        deleted=["gone.txt"],
    )
    assert list(found.ranges) == ["-n", ".gitignore", "a.txt", "new.txt", "sub/c/d"]
    assert since(branch, "HEAD").ranges == {"-n": ((1, 1),), "a.txt": ((6, 6),), "new.txt": ((1, 2),), "sub/c/d": ()}
    assert since(branch, below="sub") == Changes(first, {"c/d": ()})
    assert since(branch, "HEAD", below="sub/c").ranges == {"d": ()}
    (branch / "sub/b.txt").unlink()
    assert since(branch, below="sub").deleted == ["b.txt"]


def test_a_commit_is_told_from_the_merge_base_whatever_lies_in_the_folder(branch: Path) -> None:
    commit(branch, **{"a.txt": "1\n2\nx\n4\n5\n", "sub/new.txt": "1\n2\n"})
    git(branch, "rm", "-q", "gone.txt")
    commit(branch)
    grow(branch, **{"a.txt": "else", "untracked": "x"})
    expected = Changes(
        git(branch, "rev-parse", "main~1").strip(),
        {"a.txt": ((3, 3),), "sub/new.txt": ((1, 2),)},
        deleted=["gone.txt"],
    )
    assert since(branch, rev="topic") == expected
    assert since(branch, rev="topic~1").deleted == []
    assert since(branch, rev="main").ranges == {}
    assert since(branch, "topic", rev="main").ranges == {"main.txt": ((1, 1),), "same.txt": ((1, 1),)}


def test_modes_links_and_submodules_are_no_changes(branch: Path) -> None:
    (branch / "a.txt").chmod(0o755)
    (branch / "link").symlink_to("a.txt")
    git(branch, "update-index", "--add", "--cacheinfo", f"160000,{'1' * 40},module")
    (branch / "gone.txt").unlink()
    (branch / "gone.txt").symlink_to("a.txt")
    (branch / "sub/b.txt").unlink()
    (branch / "sub/b.txt").mkdir()
    (branch / "nested").mkdir()
    git(branch / "nested", "init", "-q")
    commit(branch / "nested", **{"a.txt": "x"})
    found = since(branch)
    assert (found.ranges, found.deleted) == ({}, ["gone.txt", "sub/b.txt"])
    commit(branch)
    found = since(branch, rev="topic")
    assert (found.ranges, found.deleted) == ({}, ["gone.txt", "sub/b.txt"])


def test_a_file_with_another_name_has_the_lines_that_are_new(branch: Path) -> None:
    text = "".join(f"line {number}\n" for number in range(40))
    commit(branch, **{"moved.txt": text, "edited.txt": text + "x\n", "copied.txt": text[::-1]})
    git(branch, "branch", "-f", "base")
    for old, new in (("moved.txt", "sub/there.txt"), ("edited.txt", "changed.txt")):
        git(branch, "mv", old, new)
    grow(branch, **{"changed.txt": "first\n" + text + "x\n", "again.txt": text[::-1], "new.txt": "new\n"})
    renamed = {"sub/there.txt": "moved.txt", "changed.txt": "edited.txt"}
    found = since(branch, "base")
    assert (found.renamed, found.deleted) == (renamed, [])
    assert found.ranges == {"changed.txt": ((1, 1),), "again.txt": ((1, 41),), "new.txt": ((1, 1),)}
    commit(branch)
    assert since(branch, "base", rev="HEAD") == found


def test_what_is_no_text_to_git_is_named_without_lines(branch: Path) -> None:
    (branch / "picture").write_bytes(b"\x89PNG\0\1\n")
    (branch / "was text.txt").write_text("x\n")
    (branch / "was none").write_bytes(b"\0\n")
    commit(branch)
    git(branch, "branch", "-f", "base")
    (branch / "picture").write_bytes(b"\x89PNG\0\2\n")
    (branch / "was text.txt").write_bytes("x\ny\n".encode("utf-16"))
    (branch / "was none").write_text("1\n2\n")
    (branch / "new").write_bytes(b"\0")
    found = since(branch, "base")
    assert found.binary == ["new", "picture", "was text.txt"]
    assert found.ranges == {"was none": ((1, 2),)}


def test_line_ends_of_a_checkout_are_no_change(branch: Path) -> None:
    commit(branch, **{"mixed.txt": "1\r\n2\n"})
    git(branch, "branch", "-f", "base")
    (branch / "a.txt").write_bytes(b"1\r\n2\r\n3\r\n4\r\n5\r\n")
    (branch / "sub/b.txt").write_bytes(b"1\r\nx\r\n")
    (branch / "mixed.txt").write_bytes(b"1\r\n2\r\n")
    git(branch, "mv", "gone.txt", "moved.txt")
    (branch / "moved.txt").write_bytes(b"x\r\n")
    found = since(branch, "base")
    assert found.ranges == {"sub/b.txt": ((2, 2),), "mixed.txt": ((2, 2),)}
    assert found.renamed == {"moved.txt": "gone.txt"}
    commit(branch)
    assert since(branch, "base", rev="HEAD").ranges["a.txt"] == ((1, 5),)


def test_a_file_that_lfs_has_put_in_place_is_no_change(branch: Path) -> None:
    content, other = b"table\n" * 1000, b"picture\0" * 1000
    for name, each in (("table.csv", content), ("picture", other)):
        pointer = f"oid sha256:{hashlib.sha256(each).hexdigest()}\nsize {len(each)}\n"
        grow(branch, **{name: "version https://git-lfs.github.com/spec/v1\n" + pointer})
    commit(branch)
    (branch / "table.csv").write_bytes(content)
    (branch / "picture").write_bytes(other)
    assert since(branch, "HEAD").ranges == {}
    assert since(branch, "HEAD").binary == []
    (branch / "table.csv").write_bytes(content + b"more\n")
    assert since(branch, "HEAD").ranges == {"table.csv": ((1, 1001),)}


def test_what_is_larger_than_will_be_loaded_is_not_looked_at(branch: Path) -> None:
    commit(branch, **{"large.txt": "x" * 2000})
    git(branch, "branch", "-f", "base")
    grow(branch, **{"a.txt": "x" * 1001, "new.txt": "x" * 1001, "large.txt": "1\n2\n", "sub/b.txt": "1\nx\n"})
    found = since(branch, "base", largest=1000)
    assert (found.ranges, found.deleted) == ({"large.txt": ((1, 2),), "sub/b.txt": ((2, 2),)}, [])
    commit(branch)
    assert since(branch, "base", rev="HEAD", largest=1000) == found


def test_what_a_sparse_checkout_leaves_out_is_not_deleted(branch: Path) -> None:
    git(branch, "sparse-checkout", "set", "--no-cone", "/sub/")
    assert not (branch / "a.txt").exists()
    grow(branch, **{"sub/b.txt": "1\nx\n"})
    found = since(branch)
    assert (found.ranges, found.deleted) == ({"sub/b.txt": ((2, 2),)}, [])


def test_names_of_every_kind_are_told(branch: Path) -> None:
    names = ["-n", "a\nb", "é", "\udcff", '"q"', " ", "old", "new", "0"]
    commit(branch, **{f"{name}/{name}": "1\n2\n" for name in names})
    git(branch, "branch", "-f", "base")
    grow(branch, **{f"{name}/{name}": "1\nx\n" for name in names})
    assert since(branch, "base").ranges == {f"{name}/{name}": ((2, 2),) for name in sorted(names, key=os.fsencode)}


def test_in_a_linked_worktree_and_with_sha256_all_is_alike(branch: Path, tmp_path: Path) -> None:
    git(branch, "worktree", "add", "-q", "-b", "side", str(tmp_path / "tree"), "topic")
    grow(tmp_path, **{"tree/a.txt": "1\n2\n3\n4\nx\n"})
    assert since(tmp_path / "tree").ranges == {"a.txt": ((5, 5),)}
    other = tmp_path / "sha256"
    git(tmp_path, "init", "-q", "--object-format=sha256", str(other))
    assert len(commit(other, **{"a.txt": "1\n2\n", "b.txt": "x"})) == 64
    grow(other, **{"a.txt": "1\nx\n"})
    assert since(other, "HEAD").ranges == {"a.txt": ((2, 2),)}


def test_in_a_partial_clone_what_is_lacking_counts_as_changed_and_is_said(branch: Path, tmp_path: Path) -> None:
    commit(branch, **{"a.txt": "of topic\n"})
    git(branch, "config", "uploadpack.allowFilter", "true")
    git(tmp_path, "clone", "-q", "--filter=blob:none", f"file://{branch}", "partial")
    found = since(tmp_path / "partial", "origin/main")
    assert found.ranges == {"a.txt": ((1, 1),)}
    [warning] = found.warnings
    assert "the clone does not hold" in warning
    assert "a.txt" in warning


# --- bases ------------------------------------------------------------------------------------------------------------


def test_without_a_merge_base_the_error_says_why(branch: Path, tmp_path: Path) -> None:
    git(branch, "checkout", "-q", "--orphan", "other")
    commit(branch, **{"else.txt": "x"})
    with pytest.raises(InputError, match="main has no history in common") as error:
        since(branch)
    assert error.value.hint
    git(branch, "checkout", "-q", "topic")
    commit(branch, **{"new.txt": "x"})
    git(tmp_path, "clone", "-q", "--depth=1", "--no-single-branch", f"file://{branch}", "shallow")
    with pytest.raises(InputError, match="the clone is shallow") as error:
        since(tmp_path / "shallow", "origin/main")
    assert "git fetch --unshallow" in (error.value.hint or "")
    assert "fetch-depth: 0" in (error.value.hint or "")


@pytest.mark.parametrize(
    ("base", "rev", "said"),
    [
        ("man", None, "--base man is no revision"),
        ("main", "topik", "--rev topik is no revision"),
        ("-x", None, "--base -x looks like an option"),
        ("main...topic", None, "--base main...topic is a range"),
        ("main:sub", None, "--base main:sub is a tree"),
    ],
)
def test_an_unknown_base_is_refused_with_a_hint(branch: Path, base: str, rev: str | None, said: str) -> None:
    with pytest.raises(UsageError) as error:
        since(branch, base, rev)
    assert said in str(error.value)
    assert error.value.hint


def test_a_repository_without_commits_says_so(repository: Path) -> None:
    grow(repository, **{"a.txt": "x"})
    with pytest.raises(InputError, match="HEAD is no revision"):
        since(repository)
