"""What has changed since a branch left another one, as lines of the new texts.

Covered: the work tree (untracked files are new, ignored ones are not there) or a commit against the merge base; files
that got another name. Git compares nothing in the work tree, since that runs the filters a repository names. So files
count as changed that a filter or a working-tree-encoding turns into something else on their way out of git's store,
except by LFS and for line ends. Not covered: submodules, links, modes, and which files the user wants (selection.py).
"""

import hashlib
from collections import defaultdict
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field

from rlm_cli.context import shown_path
from rlm_cli.loaders import commits, line_changes
from rlm_cli.loaders.found import order
from rlm_cli.loaders.git import GitRefused
from rlm_cli.loaders.line_changes import Ranges
from rlm_cli.loaders.objects import Objects
from rlm_cli.loaders.repository import inner_path
from rlm_cli.loaders.tree import Tree
from rlm_cli.loaders.versions import CommitTexts, Store, WorkTexts

_HEAD = 8000
"""Bytes in which a NUL makes a file binary to git."""
_POINTER = b"version https://git-lfs.github.com/spec/v1\n"
_MOST_POINTER = 1024


@dataclass(slots=True)
class Changes:
    """What differs from the merge base; all paths relative to the folder."""

    merge_base: str
    ranges: dict[str, Ranges] = field(default_factory=dict)
    """Of each text that is new or changed: first and last line, from 1, inclusive, ascending. A new text is all its
    lines. Where lines were only taken out it is the one before them, or line 1; () where no line is left."""
    binary: list[str] = field(default_factory=list)
    """New or changed, but no text to git (a NUL is in it, as in PDF or UTF-16): which lines cannot be told."""
    renamed: dict[str, str] = field(default_factory=dict)
    """New path -> old path; among the ranges only if some lines have changed, too."""
    deleted: list[str] = field(default_factory=list)
    """There no more, under no other name either."""
    warnings: list[str] = field(default_factory=list)


def changes(root: str, folder: str, base: str, rev: str | None, largest: int = 20_000_000) -> Changes:
    """Return what differs between a commit, or the work tree, and its merge base with `base`.

    `root` and `folder` are absolute and free of links. Files of more than `largest` bytes are not looked at; a text
    that was larger is all new. Raises UsageError for what cannot name a commit, InputError where there is none of that
    name, git does not answer, or there is no merge base.
    """
    folders = commits.check_repository(root)
    head = commits.find_commit(root, "HEAD" if rev is None else rev, "--rev")
    start = commits.find_commit(root, base, "--base")
    found = Changes(commits.merge_base(root, start, head, shown_path(base)))
    found.warnings += [f"git says: {remark}" for remark in dict.fromkeys(start.remarks + head.remarks)]
    inner = inner_path(root, folder)
    with ExitStack() as closing:
        objects = Objects.of(folders, found.merge_base)
        closing.callback(objects.close)
        store = Store(objects, largest)
        old = _names(objects, found.merge_base, inner)
        side: CommitTexts | WorkTexts
        try:
            if rev is None:
                side = WorkTexts(closing.enter_context(Tree(folder)), root, old, largest)
            else:
                side = CommitTexts(_names(objects, head.commit, inner), store)
            _Comparison(found, old, side, store).fill()
        except GitRefused as refusal:
            raise commits.refused(root, refusal) from None
    return found


def _names(objects: Objects, commit: str, inner: str) -> dict[str, str]:
    """Return path -> name of its blob; none where the commit has no such folder."""
    listed = objects.files(commit, inner, sizes=False) or []
    return {each.path: each.name for each in listed if each.is_file and each.is_sound}


class _Comparison:
    """Fills in Changes."""

    def __init__(self, found: Changes, old: dict[str, str], side: CommitTexts | WorkTexts, store: Store) -> None:
        self._found = found
        self._old = old
        self._side = side
        self._store = store
        self._unclear: dict[str, list[str]] = defaultdict(list)
        """Reason -> files of which nobody can tell the lines that have changed."""

    def fill(self) -> None:
        names = self._side.names
        changed = [path for path, name in names.items() if self._old.get(path, name) != name]
        added = [path for path in names if path not in self._old]
        gone = [path for path in self._old if path not in names and path not in self._side.unseen]
        added, gone = self._moved(added, gone)
        self._store.expect(self._old[path] for path in (*changed, *gone))
        self._side.expect((*changed, *added))
        self._compare(changed)
        gone = self._add(added, gone)
        self._found.deleted = sorted(gone, key=order)
        self._found.binary.sort(key=order)
        self._found.ranges = dict(sorted(self._found.ranges.items(), key=lambda each: order(each[0])))
        for why, paths in self._unclear.items():
            self._found.warnings.append(
                f"all lines of {len(paths):,} changed files count as changed ({shown_path(paths[0])}, ...): {why}"
            )

    def _moved(self, added: list[str], gone: list[str]) -> tuple[list[str], list[str]]:
        """Take out what has nothing but another path."""
        homes = defaultdict(list)
        for path in sorted(gone, key=order, reverse=True):
            homes[self._old[path]].append(path)
        for path in sorted(added, key=order):
            if homes[self._side.names[path]]:
                self._found.renamed[path] = homes[self._side.names[path]].pop()
        taken = set(self._found.renamed.values())
        return [path for path in added if path not in self._found.renamed], [path for path in gone if path not in taken]

    def _compare(self, changed: list[str]) -> None:
        compared: list[str] = []
        # In this order: a path is noted when its pair is taken, which is before its ranges come.
        for ranges, path in zip(line_changes.changed_lines(self._pairs(changed, compared)), compared, strict=False):
            if ranges is None:
                self._note_whole(path, self._side.read(path) or b"", "git takes too long to compare them")
            else:
                self._found.ranges[path] = ranges

    def _note_whole(self, path: str, text: bytes, why: str) -> None:
        self._found.ranges[path] = line_changes.whole(text)
        self._unclear[why].append(path)

    def _pairs(self, changed: list[str], compared: list[str]) -> Iterator[tuple[bytes, bytes]]:
        """Yield (old text, new text) of those that have lines to compare, after noting their paths."""
        for path in changed:
            new = self._side.read(path)
            if new is None:
                continue
            old = self._store.read(self._old[path])
            if old is not None and self._side.converts:
                if _points_at(old, new):
                    continue
                if b"\r\n" not in old:
                    new = self._with_plain_ends(new)
            if _is_binary(new):
                self._found.binary.append(path)
            elif old is None and self._store.lacks(self._old[path]):
                self._note_whole(path, new, "the clone does not hold what they were")
            elif old is None or _is_binary(old):
                self._found.ranges[path] = line_changes.whole(new)
            else:
                compared.append(path)
                yield old, new

    def _add(self, added: list[str], gone: list[str]) -> list[str]:
        """Note new files, all their lines, or those that differ from what had another name; return what is gone."""
        few = 0 < len(gone) <= line_changes.MOST_ALIKE and len(added) <= line_changes.MOST_ALIKE
        left = line_changes.MOST_AT_ONCE if few else -1
        news, olds = {}, {}
        for number, path in enumerate(added):
            text = self._side.read(path)
            if text is None:
                continue
            if _is_binary(text):
                self._found.binary.append(path)
                continue
            self._found.ranges[path] = line_changes.whole(text)
            left -= len(text)
            if left >= 0 and text:
                news[number] = self._with_plain_ends(text)
        for number, path in enumerate(gone, len(added)):
            text = self._store.read(self._old[path]) if left >= 0 else None
            if text and not _is_binary(text):
                left -= len(text)
                olds[number] = self._with_plain_ends(text)
        if left < 0 or not news or not olds:
            return gone
        taken = set()
        for number, (before, ranges) in line_changes.alike(olds, news).items():
            taken.add(before)
            self._found.renamed[added[number]] = gone[before - len(added)]
            self._found.ranges[added[number]] = ranges
            if not ranges:
                del self._found.ranges[added[number]]
        return [path for number, path in enumerate(gone, len(added)) if number not in taken]

    def _with_plain_ends(self, text: bytes) -> bytes:
        return text.replace(b"\r\n", b"\n") if self._side.converts else text


def _is_binary(text: bytes) -> bool:
    return b"\0" in text[:_HEAD]


def _points_at(old: bytes, new: bytes) -> bool:
    """Whether git stores, in place of the new content, an LFS pointer to that very content."""
    if not old.startswith(_POINTER) or len(old) > _MOST_POINTER:
        return False
    return f"oid sha256:{hashlib.sha256(new).hexdigest()}\n".encode() in old
