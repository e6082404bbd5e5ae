"""What the user calls a revision -> one commit, or an error that says what to type instead.

Covered: hashes, tags, branches, HEAD~3, main@{yesterday}; clones that lack history, repositories that are not the
folder's own; merge bases. Not covered: what is in a commit (objects.py).
"""

import difflib
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass

from rlm_cli.context import shown_path
from rlm_cli.errors import InputError, UsageError
from rlm_cli.loaders.git import DEADLINE, GitRefused, ask
from rlm_cli.loaders.repository import GitFolders, check_root, git_folders, owns

_MOST_NAME = 1000
_MOST_REFS = 20_000
_SHOWN = 5
_HASH = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_BRACES = re.compile(r"\{[^}]*\}")
_NO_ANSWER = ("git is not", "git gave", "git cannot", "git's answer", "detected dubious")
_REF = re.compile(r"refs/(?:heads/|tags/|remotes/)?(.+)")


@dataclass(frozen=True, slots=True)
class Found:
    """The commit that a name stands for."""

    commit: str
    remarks: tuple[str, ...]
    """What git warned of: a name that is both a branch and a tag, a reflog that does not go back so far."""


def check_repository(root: str) -> GitFolders:
    """Return where a repository's objects are. Raises InputError unless git answers, and they are the root's own."""
    folders = git_folders(root)
    try:
        check_root(root, root)
    except GitRefused as refusal:
        raise refused(root, refusal) from None
    if folders is None or not owns(root, folders):
        raise InputError(
            f"the .git of {shown_path(root)} leads to a repository elsewhere that does not name it in turn",
            "`git worktree repair` mends a work tree that has been moved",
        )
    return folders


def refused(root: str, refusal: GitRefused) -> InputError:
    """Return the error for what only git can answer."""
    reason = shown_path(str(refusal))
    hint = None
    if "dubious ownership" in reason:
        hint = f"if you trust it: git config --global --add safe.directory {shown_path(root)}"
    elif "not installed" in reason:
        hint = "install git, or leave out --rev and --base"
    return InputError(f"git does not answer in {shown_path(root)}: {reason}", hint)


def find_commit(root: str, text: str, option: str) -> Found:
    """Return the commit that `text` names; `option` is what the user gave it to.

    Raises UsageError for what cannot name one, InputError for what names none here.
    """
    _check_name(text, option)
    try:
        name, complaints = ask(root, DEADLINE, "rev-parse", "--verify", text + "^{commit}" * (text[:2] != ":/"))
        return Found(_hash(name), tuple(_warnings(complaints)))
    except GitRefused as refusal:
        raise _unknown(root, text, option, str(refusal)) from None


def _check_name(text: str, option: str) -> None:
    shown = shown_path(text[:100])
    hint = f"{option} takes one commit: a branch, a tag, a hash, HEAD~3"
    if not text.strip():
        raise UsageError(f"{option} names no commit", hint)
    if len(text) > _MOST_NAME or not text.isprintable():
        raise UsageError(f"{option} {shown!r} cannot name a commit", hint)
    if text.startswith("-"):
        raise UsageError(f"{option} {shown} looks like an option", "write a branch of that name as refs/heads/NAME")
    if ".." in _BRACES.sub("", text):
        raise UsageError(f"{option} {shown} is a range", f"{hint}; --base compares with another one")
    if text.startswith("^"):
        raise UsageError(f"{option} {shown} leaves commits out and names none", hint)


def _hash(answer: bytes) -> str:
    text = answer.decode("ascii", "replace").strip()
    if not _HASH.fullmatch(text):
        raise GitRefused("Needed a single revision")
    return text


def _warnings(complaints: str) -> Iterator[str]:
    for line in complaints.splitlines():
        if line.startswith("warning: "):
            yield shown_path(line.removeprefix("warning: "))


def _unknown(root: str, text: str, option: str, reason: str) -> UsageError:
    if reason.startswith(_NO_ANSWER):
        return refused(root, GitRefused(reason))
    shown = shown_path(text)
    if "ambiguous" in reason:
        return InputError(f"{option} {shown} is short for several objects", _candidates(root, text))
    if kind := _kind(root, text):
        what = "tag of something that is no commit" if kind == "tag" else f"{kind}, not a commit"
        return UsageError(f"{option} {shown} is a {what}", "name a commit; a folder of it is an input of its own")
    message = f"{option} {shown} is no revision that git knows here"
    if reason.startswith("log for "):
        message += f": {shown_path(reason)}"
    if is_shallow(root):
        return InputError(
            f"{message}; the clone is shallow",
            "`git fetch --unshallow` brings all history, `git fetch --depth=1 origin REF` one commit more; "
            "in CI, fetch-depth: 0",
        )
    near = _nearest(root, text)
    hint = f"is it {' or '.join(near)}?" if near else "`git fetch --tags` brings what only the remote has"
    return InputError(message, hint)


def _kind(root: str, text: str) -> str:
    try:
        return ask(root, DEADLINE, "cat-file", "-t", text)[0].decode("ascii", "replace").strip()
    except GitRefused:
        return ""


def _candidates(root: str, text: str) -> str:
    digits = re.match(r"[0-9a-f]*", text)
    assert digits is not None
    try:
        answer, _ = ask(root, DEADLINE, "rev-parse", f"--disambiguate={digits[0]}")
    except GitRefused:
        return "give more of its digits"
    names = answer.decode("ascii", "replace").split()
    return f"give more of its digits: {', '.join(names[:_SHOWN])}{', ...' * (len(names) > _SHOWN)}"


def _nearest(root: str, text: str) -> list[str]:
    """Return the names of branches and tags that `text` may be a slip of."""
    try:
        answer, _ = ask(root, DEADLINE, "for-each-ref", f"--count={_MOST_REFS}", "--format=%(refname)")
    except GitRefused:
        return []
    refs = (_REF.fullmatch(line) for line in os.fsdecode(answer).splitlines())
    names = list(dict.fromkeys(found[1] for found in refs if found))
    bare = re.split(r"[~^@:]", text)[0]
    # `main` in a clone that has only origin/main.
    same = [name for name in names if name.rpartition("/")[2] == bare]
    near = difflib.get_close_matches(bare, names, n=3, cutoff=0.6)
    return [shown_path(name) for name in dict.fromkeys([*same, *near])][:3]


def is_shallow(root: str) -> bool:
    try:
        return ask(root, DEADLINE, "rev-parse", "--is-shallow-repository")[0].strip() == b"true"
    except GitRefused:
        return False


def merge_base(root: str, base: Found, head: Found, shown: str) -> str:
    """Return the commit where the history of `head` left that of `base`, which the user calls `shown`.

    Raises InputError where there is none.
    """
    try:
        answer, _ = ask(root, DEADLINE, "merge-base", base.commit, head.commit)
        return _hash(answer)
    except GitRefused as refusal:
        if refusal.status != 1:
            raise refused(root, refusal) from None
    if is_shallow(root):
        raise InputError(
            f"the clone is shallow: where its history left {shown} has not been fetched",
            "`git fetch --unshallow` brings all history, `git fetch --deepen=100` some; in CI, fetch-depth: 0",
        )
    raise InputError(f"{shown} has no history in common with what it is compared with", "is it of this repository?")
