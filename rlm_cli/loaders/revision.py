"""The files of a commit, read from git's objects: nothing is checked out, filtered or converted.

Covered: which files it has and which of its entries are none, their sizes before their bytes. Not covered: which the
user wants (selection.py), what a revision may be called (commits.py), the files of submodules.
"""

from rlm_cli.context import shown_path
from rlm_cli.errors import InputError
from rlm_cli.loaders.commits import check_repository, find_commit
from rlm_cli.loaders.found import order
from rlm_cli.loaders.objects import Entry, Objects
from rlm_cli.loaders.repository import inner_path
from rlm_cli.loaders.tree import Unloadable


class Revision:
    """The files of a commit below one folder. To be closed."""

    def __init__(self, root: str, folder: str, rev: str, option: str = "--rev") -> None:
        """`root` and `folder` are absolute and free of links; `rev` is what the user typed, for `option`.

        Raises UsageError for what cannot name a commit, InputError where there is none of that name, git does not
        answer, or the commit has no such folder.
        """
        folders = check_repository(root)
        found = find_commit(root, rev, option)
        self._objects = Objects.of(folders, found.commit)
        try:
            listed = self._objects.files(found.commit, inner_path(root, folder), sizes=True)
            if listed is None:
                raise InputError(
                    f"{shown_path(folder)} is no folder in {shown_path(rev)}", "name the repository's root"
                )
        except InputError:
            self.close()
            raise
        self.commit = found.commit
        self.warnings = [f"git says: {remark}" for remark in found.remarks]
        self.skipped: dict[str, Unloadable] = {}
        """Links, submodules, and names that no file can have."""
        self._entries = {each.path: each for each in listed if self._is_file(each)}
        self.files = sorted(self._entries, key=order)
        """Relative to the folder, in the byte order of their parts."""

    def __enter__(self) -> "Revision":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._objects.close()

    def size(self, file: str) -> int:
        """Return a file's size in bytes. Raises Unloadable where its blob is missing or damaged."""
        size = self._entries[file].size
        if size is None:
            raise Unloadable("unreadable", failed=True)
        return size

    def open(self, file: str, limit: int | None = None) -> int:
        """Return a descriptor of an anonymous file with a file's bytes; the caller closes it.

        Raises Unloadable where it is larger than `limit` bytes (then none is read), missing or damaged.
        """
        size = self.size(file)
        if limit is not None and size > limit:
            raise Unloadable("too large")
        return self._objects.open(self._entries[file].name, size)

    def _is_file(self, entry: Entry) -> bool:
        if not entry.is_sound:
            self.skipped[entry.path] = Unloadable("no name for a file", failed=True)
            return False
        if entry.is_file:
            return True
        reason = {"160000": "submodule", "120000": "link"}.get(entry.mode, "not a regular file")
        self.skipped[entry.path] = Unloadable(reason)
        return False
