"""The files of a folder where git does not list them, by the rules it would follow.

Covered: .gitignore at every level, those of the folders above up to the repository's root, info/exclude, the user's
global ignore file. Not covered: what is tracked although a rule ignores it, submodules (every repository within is
entered, and has rules of its own), the ignore file that a repository's configuration or the system's names.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from rlm_cli.context import shown_path
from rlm_cli.loaders.found import Listing
from rlm_cli.loaders.git_settings import global_ignore_file, open_regular
from rlm_cli.loaders.repository import git_folders
from rlm_cli.loaders.selection import Selection
from rlm_cli.loaders.tree import Tree, Unloadable
from rlm_cli.patterns import Rules

_MOST_RULES = 1_000_000
"""Bytes of an ignore file."""


@dataclass(frozen=True, slots=True)
class _Level:
    """The rules that lie in one folder, and those of the folders above."""

    rules: Rules
    base: str
    """Of the folder, from where the walk counts, with `/` at its end."""
    above: "_Level | None"


def walk(tree: Tree, root: str | None, start: str, gitignore: bool, selection: Selection, listing: Listing) -> None:
    """Note what lies below `start`, a path in the tree; `root` is that of the repository around it."""
    # Paths that rules see count from the repository's root: its upper folders have rules for this one.
    top = f"{tree.folder}/{start}" if start else tree.folder
    prefix, level, all_ignored = "", None, False
    if gitignore and root is not None:
        if root == top:
            level = _of_repository(root, start and start + "/", listing)
        else:
            prefix = os.path.relpath(tree.folder, root) + "/"
            level, all_ignored = _rules_above(root, prefix, listing)
    waiting = [(start, level)]
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
        if gitignore and ".git" in entries and path != start and git_folders(f"{tree.folder}/{path}"):
            level = _of_repository(f"{tree.folder}/{path}", prefix + base, listing)
        if gitignore and ".gitignore" in entries:
            level = _in_folder(tree, base, prefix, level, listing)
        entries.pop(".git", None)
        for name, folder in sorted(entries.items(), reverse=True):
            here = base + name
            if all_ignored or _ignored(level, prefix + here, folder):
                listing.skipped[here + "/" * folder] = Unloadable("ignored")
                continue
            verdict = selection.folder(here) if folder else selection.file(here)
            if verdict.reason is not None:
                listing.skipped[verdict.path] = Unloadable(verdict.reason)
            elif folder:
                waiting.append((here, level))
            else:
                listing.files.append(here)


def _rules_above(root: str, prefix: str, listing: Listing) -> tuple[_Level | None, bool]:
    """Return the rules of the folders above, and whether one of these folders is ignored, or the last one itself."""
    level, ignored = _of_repository(root, "", listing), False
    with Tree(root) as tree:
        base = ""
        for name in prefix.removesuffix("/").split("/"):
            level = _in_folder(tree, base, "", level, listing)
            base += name + "/"
            ignored = ignored or _ignored(level, base[:-1], True)
    return level, ignored


def _of_repository(root: str, base: str, listing: Listing) -> _Level | None:
    """Return the rules that hold in a whole repository; its own overrule the user's."""
    level = None
    file = global_ignore_file(root)
    if file is not None:
        level = _with_rules(lambda: open_regular(file), str(file), base, level, listing)
    folders = git_folders(root)
    if folders is not None:
        exclude = Path(folders.shared, "info/exclude")
        level = _with_rules(lambda: open_regular(exclude), str(exclude).removeprefix(root + "/"), base, level, listing)
    return level


def _in_folder(tree: Tree, base: str, prefix: str, level: _Level | None, listing: Listing) -> _Level | None:
    name = base + ".gitignore"
    return _with_rules(lambda: tree.open(name), name, prefix + base, level, listing)


def _with_rules(
    opened: Callable[[], int], name: str, base: str, level: _Level | None, listing: Listing
) -> _Level | None:
    """Return `level` with the rules of one more file, if it has any."""
    try:
        with os.fdopen(opened(), "rb") as file:
            content = file.read(_MOST_RULES + 1)
    except (FileNotFoundError, NotADirectoryError, Unloadable, ValueError):
        # There is none, or it is a pipe, or a link among the files: git reads no rules from those either.
        return level
    except OSError as error:
        listing.warnings.append(f"cannot read {shown_path(name)}: {error.strerror}; its rules are not followed")
        return level
    if len(content) > _MOST_RULES:
        listing.warnings.append(f"{shown_path(name)} is larger than 1 MB; its rules are not followed")
        return level
    rules = Rules.parse(content)
    if rules.not_followed:
        listing.warnings.append(
            f"{shown_path(name)}: {len(rules.not_followed)} patterns are not followed without git, "
            f"{shown_path(rules.not_followed[0][:80])!r} for one"
        )
    return _Level(rules, base, level) if rules else level


def _ignored(level: _Level | None, path: str, folder: bool) -> bool:
    """The deepest rule to match decides; `path` counts from where the walk does."""
    while level is not None:
        decision = level.rules.decide(path[len(level.base) :], folder)
        if decision is not None:
            return decision
        level = level.above
    return False
