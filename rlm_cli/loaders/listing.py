"""What lies in a folder: the files to load, and what is left out and why.

Covered: git's own list where git answers, submodules that are checked out, with rules of their own; else a walk
(walk.py). Not covered: repositories within that are no submodules (they are skipped; a walk without git cannot tell and
enters all), what the files are (loading.py looks when it opens them).
"""

import time
from collections import defaultdict
from dataclasses import dataclass

from rlm_cli.context import shown_path
from rlm_cli.loaders.found import Listing, order
from rlm_cli.loaders.git import DEADLINE, GitRefused
from rlm_cli.loaders.options import LoadOptions
from rlm_cli.loaders.repository import GitFolders, GitListing, git_folders, lies_in, list_files
from rlm_cli.loaders.selection import Selection
from rlm_cli.loaders.tree import Tree, Unloadable
from rlm_cli.loaders.walk import walk

__all__ = ["Listing", "list_folder", "order"]


def list_folder(tree: Tree, root: str | None, options: LoadOptions) -> Listing:
    """Return what lies in a folder; `root` is that of the repository around it.

    Raises UsageError for a pattern that can match nothing.
    """
    listing, selection = Listing(), Selection(options)
    if root is not None and options.gitignore:
        try:
            found = list_files(tree.folder, root)
        except GitRefused as refusal:
            listing.warnings.append(_refused(shown_path(tree.folder), refusal))
        else:
            listing.listed_by_git = True
            _note(found, "", selection, listing)
            _Submodules(tree, selection, listing).enter(found, root)
    if not listing.listed_by_git:
        walk(tree, root, "", options.gitignore, selection, listing)
    listing.files.sort(key=order)
    return listing


def _refused(shown: str, refusal: GitRefused | str) -> str:
    return f"git does not list {shown}: {shown_path(str(refusal))}; its .gitignore files are followed without git"


def _note(found: GitListing, base: str, selection: Selection, listing: Listing) -> None:
    """Note what git shows of one repository, whose listed part begins at `base`."""
    listing.warnings += [f"git says: {shown_path(remark)}" for remark in found.remarks]
    for path in found.unreadable:
        listing.skipped[base + path] = Unloadable("unreadable", failed=True)
    for path in found.ignored:
        listing.skipped[base + path] = Unloadable("ignored")
    for path in found.files:
        if path.endswith("/"):
            verdict = selection.folder(base + path[:-1])
            listing.skipped[verdict.path] = Unloadable(verdict.reason or "nested repository")
            continue
        verdict = selection.file(base + path)
        if verdict.reason is None:
            listing.files.append(base + path)
        else:
            listing.skipped[verdict.path] = Unloadable(verdict.reason)
    for path in found.not_checked_out:
        verdict = selection.file(base + path)
        listing.skipped[verdict.path or base + path] = Unloadable(verdict.reason or "not checked out")


@dataclass(frozen=True, slots=True)
class _Outer:
    """A repository whose submodules are to be entered."""

    base: str
    """Of its listed part, from the input folder, with `/` at its end."""
    submodules: list[str]
    folders: GitFolders | None


class _Submodules:
    """Lists what lies in submodules, each by a call of its own: git would enter them with their own settings."""

    def __init__(self, tree: Tree, selection: Selection, listing: Listing) -> None:
        self._tree = tree
        self._selection = selection
        self._listing = listing
        self._until = time.monotonic() + DEADLINE
        self._elsewhere: list[str] = []
        self._refusals: dict[str, list[str]] = defaultdict(list)

    def enter(self, found: GitListing, root: str) -> None:
        """Note what lies in the submodules of a repository, and in theirs."""
        waiting = [_Outer("", found.submodules, git_folders(root))]
        while waiting:
            outer = waiting.pop()
            for name in outer.submodules:
                path = outer.base + name
                verdict = self._selection.folder(path)
                folders = self._folders(path, outer.folders) if verdict.reason is None else None
                if folders is None:
                    skipped = path if verdict.reason is None else verdict.path
                    self._listing.skipped[skipped] = Unloadable(verdict.reason or "submodule")
                elif inner := self._list(path):
                    waiting.append(_Outer(path + "/", inner.submodules, folders))
        if self._elsewhere:
            self._listing.warnings.append(
                f"{_few(self._elsewhere)}: the .git of the submodule leads to a repository elsewhere; not entered"
            )
        for reason, paths in self._refusals.items():
            self._listing.warnings.append(_refused(_few(paths), reason))

    def _folders(self, path: str, outer: GitFolders | None) -> GitFolders | None:
        """Return where the .git of a submodule leads; None where it is not checked out, or is none of this tree's."""
        try:
            self._tree.descend(path)
        except (OSError, Unloadable):
            return None
        folder = f"{self._tree.folder}/{path}"
        folders = git_folders(folder)
        if folders is None or outer is None:
            return None
        homes = [folder, f"{outer.own}/modules", f"{outer.shared}/modules"]
        if lies_in(folders.own, *homes) and lies_in(folders.shared, *homes):
            return folders
        self._elsewhere.append(path)
        return None

    def _list(self, path: str) -> GitListing | None:
        folder = f"{self._tree.folder}/{path}"
        try:
            found = list_files(folder, folder, max(self._until - time.monotonic(), 0))
        except GitRefused as refusal:
            self._refusals[str(refusal)].append(path)
            walk(self._tree, folder, path, True, self._selection, self._listing)
            return None
        _note(found, path + "/", self._selection, self._listing)
        return found


def _few(paths: list[str]) -> str:
    return ", ".join(map(shown_path, paths[:3])) + (f" and {len(paths) - 3:,} more" if len(paths) > 3 else "")
