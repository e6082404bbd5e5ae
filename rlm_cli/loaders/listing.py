"""What lies in a folder: the files to load, and what is left out and why.

Covered: git's own list where git answers, else a walk with the same rules (.gitignore at every level, those of the
folders above up to the repository's root, .git/info/exclude). Not covered: the user's global ignore file in the walk;
what the files are (loading.py looks when it opens them).
"""

import os
from dataclasses import dataclass, field

from rlm_cli.context import shown_path
from rlm_cli.loaders.options import LoadOptions
from rlm_cli.loaders.patterns import Rules
from rlm_cli.loaders.repository import GitRefused, list_files
from rlm_cli.loaders.selection import Selection
from rlm_cli.loaders.tree import Tree, Unloadable

_MOST_RULES = 1_000_000
"""Bytes of an ignore file."""


@dataclass(slots=True)
class Listing:
    """What was found; all paths relative to the folder."""

    files: list[str] = field(default_factory=list)
    """In the byte order of their parts."""
    skipped: dict[str, Unloadable] = field(default_factory=dict)
    """A skipped folder counts as one and ends in `/`."""
    warnings: list[str] = field(default_factory=list)
    listed_by_git: bool = False
    """What is listed and not there has been deleted, not lost."""


def list_folder(tree: Tree, root: str | None, options: LoadOptions) -> Listing:
    """Return what lies in a folder; `root` is that of the repository around it.

    Raises UsageError for a pattern that can match nothing.
    """
    listing, selection = Listing(), Selection(options)
    if root is not None and options.gitignore:
        try:
            _by_git(tree, root, selection, listing)
        except GitRefused as refusal:
            listing.warnings.append(
                f"git does not list {shown_path(tree.folder)}: {shown_path(str(refusal))}; "
                "its .gitignore files are followed without git"
            )
    if not listing.listed_by_git:
        _walk(tree, root, options.gitignore, selection, listing)
    listing.files.sort(key=_order)
    return listing


def _order(path: str) -> bytes:
    return os.fsencode(path).replace(b"/", b"\0")


def _by_git(tree: Tree, root: str, selection: Selection, listing: Listing) -> None:
    found = list_files(tree.folder, root)
    listing.listed_by_git = True
    listing.warnings += [f"git says: {shown_path(remark)}" for remark in found.remarks]
    for path in found.unreadable:
        listing.skipped[path] = Unloadable("unreadable", failed=True)
    for path in found.ignored:
        listing.skipped[path] = Unloadable("ignored")
    for path in found.files:
        if path.endswith("/"):
            verdict = selection.folder(path[:-1])
            listing.skipped[verdict.path] = Unloadable(verdict.reason or "nested repository")
            continue
        verdict = selection.file(path)
        if verdict.reason is None:
            listing.files.append(path)
        else:
            listing.skipped[verdict.path] = Unloadable(verdict.reason)


@dataclass(frozen=True, slots=True)
class _Level:
    """The rules that lie in one folder, and those of the folders above."""

    rules: Rules
    base: str
    """Of the folder, from where the walk counts, with `/` at its end."""
    above: "_Level | None"


def _walk(tree: Tree, root: str | None, gitignore: bool, selection: Selection, listing: Listing) -> None:
    # Paths that rules see count from the repository's root: its upper folders have rules for this one.
    prefix, level = "", None
    if root is not None and root != tree.folder:
        prefix = os.path.relpath(tree.folder, root) + "/"
        if gitignore:
            level = _rules_above(root, prefix, listing)
    waiting = [("", level)]
    while waiting:
        path, level = waiting.pop()
        base = path + "/" if path else ""
        try:
            descriptor = tree.descend(path)
            with os.scandir(descriptor) as scan:
                entries = {entry.name: entry.is_dir(follow_symlinks=False) for entry in scan}
        except Unloadable as reason:
            listing.skipped[base] = reason
            continue
        except OSError:
            listing.skipped[base] = Unloadable("unreadable", failed=True)
            continue
        if gitignore and (".gitignore" in entries or ".git" in entries):
            level = _with_rules(tree, base, prefix, level, listing)
        entries.pop(".git", None)
        for name, folder in sorted(entries.items(), reverse=True):
            here = base + name
            if level is not None and _ignored(level, prefix + here, folder):
                listing.skipped[here + "/" * folder] = Unloadable("ignored")
                continue
            verdict = selection.folder(here) if folder else selection.file(here)
            if verdict.reason is not None:
                listing.skipped[verdict.path] = Unloadable(verdict.reason)
            elif folder:
                waiting.append((here, level))
            else:
                listing.files.append(here)


def _rules_above(root: str, prefix: str, listing: Listing) -> _Level | None:
    level = None
    with Tree(root) as tree:
        base = ""
        for name in prefix.removesuffix("/").split("/"):
            level = _with_rules(tree, base, "", level, listing)
            base += name + "/"
    return level


def _with_rules(tree: Tree, base: str, prefix: str, level: _Level | None, listing: Listing) -> _Level | None:
    """Return `level` with the rules of one more folder, if it has any; .gitignore overrules .git/info/exclude."""
    for name in (".git/info/exclude", ".gitignore"):
        try:
            with os.fdopen(tree.open(base + name), "rb") as file:
                content = file.read(_MOST_RULES + 1)
        except (FileNotFoundError, NotADirectoryError, Unloadable):
            # There is none, or it is a link or a pipe: git reads no rules from those either.
            continue
        except OSError as error:
            listing.warnings.append(
                f"cannot read {shown_path(base + name)}: {error.strerror}; its rules are not followed"
            )
            continue
        if len(content) > _MOST_RULES:
            listing.warnings.append(f"{shown_path(base + name)} is larger than 1 MB; its rules are not followed")
            continue
        rules = Rules.parse(content)
        if rules.not_followed:
            listing.warnings.append(
                f"{shown_path(base + name)}: {len(rules.not_followed)} patterns are not followed without git, "
                f"{shown_path(rules.not_followed[0][:80])!r} for one"
            )
        if rules:
            level = _Level(rules, prefix + base, level)
    return level


def _ignored(level: _Level | None, path: str, folder: bool) -> bool:
    """The deepest rule to match decides; `path` counts from where the walk does."""
    while level is not None:
        decision = level.rules.decide(path[len(level.base) :], folder)
        if decision is not None:
            return decision
        level = level.above
    return False
