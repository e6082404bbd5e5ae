"""Names in an archive -> paths that lead nowhere else, and which of them are wanted: as in a folder outside of git.

Covered: names that come twice or lead out; `.gitignore` at every level, hidden names, --include and --exclude; `.git`
never. Not covered: folders (listing.py), what the files are.
"""

import os
import re
from collections.abc import Callable, Iterable

from rlm_cli.context import shown_path
from rlm_cli.loaders.listing import Listing
from rlm_cli.loaders.options import LoadOptions
from rlm_cli.loaders.reader_process import Broken
from rlm_cli.loaders.selection import Selection
from rlm_cli.loaders.tree import Unloadable
from rlm_cli.patterns import Rules

RULES = (".git/info/exclude", ".gitignore")
"""Where rules of a folder stand; the later ones overrule."""
LONGEST_NAME = 4_096
"""Characters."""
_SHOWN = 5
_MOST_RULES = 1_000_000
"""Bytes of an ignore file."""
_DRIVE = re.compile(r"[A-Za-z]:(?=/|$)")
_UNNAMED = "unnamed"

ReadRules = Callable[[str], bytes | None]
"""Path of an ignore file -> its content; None: there is none. Raises Unloadable."""
_Level = tuple[tuple[str, Rules], ...]
"""The folders above with rules, each with `/` at its end, the deepest first."""


def order(path: str) -> bytes:
    """Return what paths are sorted by: the bytes of their parts."""
    return os.fsencode(path).replace(b"/", b"\0")


def cleaned(name: str, backslashes: bool) -> str:
    """Return a member's path: relative, with `/` between parts, none of them empty, `.` or `..`.

    `backslashes` part names, as in zips that Windows made.
    """
    if backslashes:
        name = name.replace("\\", "/")
    name = _DRIVE.sub("", name, count=1) if _DRIVE.match(name) else name
    return "/".join(part for part in name.split("/") if part not in ("", ".", "..")) or _UNNAMED


def _leads_out(name: str) -> bool:
    return name.startswith("/") or ".." in name.split("/") or _DRIVE.match(name) is not None


class MemberPaths:
    """What the files of an archive are known by: their paths, numbered where an earlier one has the same."""

    def __init__(self, backslashes: bool) -> None:
        self.repeated: dict[str, str] = {}
        """File -> its path, which an earlier one has already."""
        self.outward: list[str] = []
        """Names that lead out of the archive; the first few."""
        self.folders = 0
        self.characters = 0
        """Of all paths, those of folders included."""
        self._backslashes = backslashes
        self._files: set[str] = set()
        self._folders: set[str] = set()
        self._latest: dict[str, str] = {}

    def give(self, name: str) -> str:
        """Return what a file of that name is known by. Raises Broken for what cannot be a name."""
        path = file = self._cleaned(name)
        if len(self.outward) < _SHOWN and _leads_out(name.replace("\\", "/") if self._backslashes else name):
            self.outward.append(name)
        number = 1
        while file in self._files:
            number += 1
            file = f"{path} ({number})"
        if file != path:
            self.repeated[file] = path
            self._latest[path] = file
        self._files.add(file)
        self.characters += len(file)
        return file

    def of(self, file: str) -> str:
        """Return a file's path."""
        return self.repeated.get(file, file)

    def last(self, path: str) -> str:
        """Return the last file with that path: what would lie there after unpacking."""
        return self._latest.get(path, path)

    def known(self, name: str) -> str:
        """Return the last file of that name. Raises Broken as `give`."""
        return self.last(self._cleaned(name))

    def count(self, file: str) -> None:
        """Count the folders that a file lies in."""
        folder = file.rpartition("/")[0]
        while folder and folder not in self._folders:
            self._folders.add(folder)
            self.characters += len(folder)
            folder = folder.rpartition("/")[0]
        self.folders = len(self._folders)

    def _cleaned(self, name: str) -> str:
        try:
            os.fsencode(name)
        except UnicodeEncodeError:
            raise Broken("damaged") from None
        if len(name) > LONGEST_NAME:
            raise Broken("damaged")
        return cleaned(name, self._backslashes)


def select(paths: Iterable[str], read_rules: ReadRules, options: LoadOptions) -> Listing:
    """Return which of an archive's files are wanted, and why the others are not.

    Raises UsageError for a pattern that can match nothing.
    """
    chosen = _Choice(read_rules, options)
    for path in sorted(set(paths), key=order):
        chosen.judge(path)
    return chosen.listing


class _Choice:
    def __init__(self, read_rules: ReadRules, options: LoadOptions) -> None:
        self.listing = Listing()
        self._read_rules = read_rules
        self._gitignore = options.gitignore
        self._selection = Selection(options)
        self._levels: dict[str, _Level | None] = {"": self._level("", ())}
        """Folder, with `/` at its end -> the rules in it; None: it is left out."""

    def judge(self, path: str) -> None:
        folder, _, name = path.rpartition("/")
        level = self._enter(folder + "/" if folder else "")
        if level is None or name == ".git":
            return
        if _ignored(level, path):
            self.listing.skipped[path] = Unloadable("ignored")
            return
        verdict = self._selection.file(path)
        if verdict.reason is None:
            self.listing.files.append(path)
        else:
            self.listing.skipped[verdict.path] = Unloadable(verdict.reason)

    def _enter(self, folder: str) -> _Level | None:
        if folder not in self._levels:
            above, _, name = folder[:-1].rpartition("/")
            self._levels[folder] = self._below(self._enter(above + "/" if above else ""), folder, name)
        return self._levels[folder]

    def _below(self, level: _Level | None, folder: str, name: str) -> _Level | None:
        if level is None or name == ".git":
            return None
        reason: str | None = "ignored"
        if not _ignored(level, folder):
            reason = self._selection.folder(folder[:-1]).reason
        if reason is None:
            return self._level(folder, level)
        self.listing.skipped[folder] = Unloadable(reason)
        return None

    def _level(self, folder: str, above: _Level) -> _Level:
        for place in RULES if self._gitignore else ():
            try:
                content = self._read_rules(folder + place)
            except Unloadable as why:
                self._warn(folder + place, f" cannot be read ({why.reason}); its rules are not followed")
                continue
            if content is None:
                continue
            if len(content) > _MOST_RULES:
                self._warn(folder + place, " is larger than 1 MB; its rules are not followed")
                continue
            rules = Rules.parse(content)
            if rules.not_followed:
                one = shown_path(rules.not_followed[0][:80])
                count = len(rules.not_followed)
                self._warn(folder + place, f": {count} patterns are not followed without git, {one!r} for one")
            if rules:
                above = ((folder, rules), *above)
        return above

    def _warn(self, path: str, what: str) -> None:
        self.listing.warnings.append(shown_path(path) + what)


def _ignored(level: _Level, path: str) -> bool:
    """The deepest rule to match decides. A folder's path ends in `/`."""
    for folder, rules in level:
        decision = rules.decide(path[len(folder) :].removesuffix("/"), path.endswith("/"))
        if decision is not None:
            return decision
    return False
