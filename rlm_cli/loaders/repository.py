"""What git says about the files of a folder, and whose repository it is.

Covered: the repository a folder lies in, the files git would show there, those it ignores, the submodules, where a
`.git` file leads. Not covered: revisions (revision.py), how git is called (git.py), and what happens where git is
absent or refuses (walk.py).
"""

import os
import re
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from rlm_cli.loaders.git import DEADLINE, GitRefused, ask
from rlm_cli.loaders.git_settings import beginning, last_value

_UNREADABLE_FOLDER = re.compile(r"^warning: could not open directory '(.+?/)': .+$", re.MULTILINE)
_TRACKED = re.compile(rb"(.) ([0-7]{6}) [0-9a-f]+ [0-3]\t(.+)", re.DOTALL)
_SUBMODULE, _NOT_CHECKED_OUT = b"160000", b"S"


@dataclass(frozen=True, slots=True)
class GitListing:
    """What git shows below a folder; all paths relative to it."""

    files: list[str]
    """Tracked and untracked, links too. A repository within that is no submodule counts as one and ends in `/`."""
    submodules: list[str]
    """Checked out or not; without `/` at the end."""
    ignored: list[str]
    """An ignored folder counts as one and ends in `/`."""
    not_checked_out: list[str]
    """Tracked, but left out of the work tree by a sparse checkout; not among the files, unless they are there."""
    unreadable: list[str]
    """Folders, ending in `/`."""
    remarks: list[str]
    """Whatever else git complained of, one line each."""


@dataclass(frozen=True, slots=True)
class GitFolders:
    """Where the .git of a repository's root leads; both free of links."""

    own: str
    """Its git folder: of a linked worktree or a submodule, one inside another repository's."""
    shared: str
    """The one that holds the objects; for a linked worktree, the main repository's."""


def root_of(folder: str) -> str | None:
    """Return the root of the repository in which a folder (absolute, free of links) lies, as its .git tells."""
    here = Path(folder)
    for each in (here, *here.parents):
        marker = each / ".git"
        if marker.is_file() or (marker / "HEAD").is_file():
            return str(each)
    return None


def git_folders(root: str) -> GitFolders | None:
    """Return where the .git of a repository's root leads; None where there is none, or it leads nowhere."""
    marker = Path(root, ".git")
    if marker.is_file():
        told = _line(marker)
        if not told.startswith("gitdir: "):
            return None
        marker = Path(root, told.removeprefix("gitdir: "))
    own = os.path.realpath(marker)
    if not Path(own, "HEAD").is_file():
        return None
    shared = _line(Path(own, "commondir"))
    return GitFolders(own, os.path.realpath(Path(own, shared)) if shared else own)


def _line(file: Path) -> str:
    line = os.fsdecode(beginning(file)).rstrip("\r\n")
    return "" if "\0" in line else line


def lies_in(path: str, *folders: str) -> bool:
    return any(Path(path).is_relative_to(folder) for folder in folders)


def owns(root: str, folders: GitFolders) -> bool:
    """Whether a repository's objects are the root's own: inside it, or in a git folder that names the root in turn.

    Anyone can write a .git file that leads to somebody else's repository. Not looked at: alternates and links within
    the git folder, which lend objects only to who knows their names.
    """
    if folders.shared != folders.own and not lies_in(folders.own, folders.shared):
        return False
    if lies_in(folders.own, root):
        return True
    worktree = _line(Path(folders.own, "gitdir"))
    if worktree and os.path.realpath(Path(folders.own, worktree).parent) == root:
        return True
    for name in ("config", "config.worktree"):
        work_tree = last_value(beginning(Path(folders.own, name)), "core", "worktree")
        if work_tree and "\0" not in work_tree and os.path.realpath(Path(folders.own, work_tree)) == root:
            return True
    return False


def inner_path(root: str, folder: str) -> str:
    """Return the path from a repository's root to a folder; "" for the root itself."""
    return "" if folder == root else os.path.relpath(folder, root)


def check_root(folder: str, root: str, deadline: float = DEADLINE) -> None:
    """Raise GitRefused unless git finds the same root for a folder."""
    top, _ = ask(folder, deadline, "rev-parse", "--show-toplevel")
    if os.path.realpath(os.fsdecode(top.removesuffix(b"\n"))) != os.path.realpath(root):
        raise GitRefused("its work tree is elsewhere")


def list_files(folder: str, root: str, deadline: float = DEADLINE) -> GitListing:
    """Return what git shows below `folder`; submodules are not entered. Raises GitRefused."""
    check_root(folder, root, deadline)
    tracked, complaints = ask(folder, deadline, "ls-files", "-t", "-s", "-z")
    others, unread = ask(folder, deadline, "ls-files", "-o", "--exclude-standard", "-z")
    ignored, _ = ask(folder, deadline, "ls-files", "-oi", "--exclude-standard", "--directory", "-z")
    files, submodules, absent = dict.fromkeys(_names(others)), [], []
    for entry in tracked.split(b"\0"):
        if found := _TRACKED.fullmatch(entry):
            tag, mode, name = found[1], found[2], os.fsdecode(found[3])
            if mode == _SUBMODULE:
                submodules.append(name)
            elif tag == _NOT_CHECKED_OUT and not os.path.lexists(f"{folder}/{name}"):
                absent.append(name)
            else:
                files[name] = None
    # Git names these from the root.
    inner = "" if folder == root else os.path.relpath(folder, root) + "/"
    unreadable = [found[1].removeprefix(inner) for found in _UNREADABLE_FOLDER.finditer(unread)]
    remarks = [*complaints.splitlines(), *_UNREADABLE_FOLDER.sub("", unread).splitlines()]
    return GitListing(
        list(files),
        submodules,
        _ignored(folder, _names(ignored)),
        absent,
        unreadable,
        list(dict.fromkeys(line for line in remarks if line.strip())),
    )


def _ignored(folder: str, names: list[str]) -> list[str]:
    """Drop the folders that git names without a rule: those whose contents it names too, and empty ones."""
    return [
        name
        for name, following in pairwise([*sorted(names), ""])
        if not name.endswith("/") or not (following.startswith(name) or _is_empty(f"{folder}/{name}"))
    ]


def _is_empty(folder: str) -> bool:
    try:
        with os.scandir(folder) as entries:
            return next(entries, None) is None
    except OSError:
        return False


def _names(output: bytes) -> list[str]:
    return [os.fsdecode(name) for name in output.split(b"\0") if name]
