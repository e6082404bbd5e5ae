"""The texts of one folder in two versions: in git's store, in a commit, in the work tree.

Covered: what each would be called in git's store, so that equal ones need not be read. Work files are hashed here, as
git would: git itself would run the filters that a repository names. Not covered: comparing (changes.py).
"""

import errno
import hashlib
import os
from collections.abc import Iterable

from rlm_cli.loaders.found import order
from rlm_cli.loaders.objects import Objects
from rlm_cli.loaders.repository import list_files
from rlm_cli.loaders.tree import Tree, Unloadable


class Store:
    """The texts in git's store."""

    def __init__(self, objects: Objects, largest: int) -> None:
        self._objects = objects
        self._largest = largest
        self._sizes: dict[str, int] = {}

    def expect(self, names: Iterable[str]) -> None:
        """Ask for the sizes of what will be read, of all at once."""
        self._sizes |= self._objects.sizes(dict.fromkeys(names))

    def read(self, name: str) -> bytes | None:
        """Return a text; None where it is missing, damaged or too large."""
        size = self._sizes.get(name)
        if size is None or size > self._largest:
            return None
        try:
            return self._objects.read(name, size)
        except Unloadable:
            del self._sizes[name]
            return None

    def lacks(self, name: str) -> bool:
        """Whether a text is missing or damaged."""
        return name not in self._sizes


class CommitTexts:
    """The new texts are those of a commit."""

    converts = False

    def __init__(self, names: dict[str, str], store: Store) -> None:
        self.names = names
        self.unseen: set[str] = set()
        self._store = store

    def expect(self, paths: Iterable[str]) -> None:
        self._store.expect(self.names[path] for path in paths)

    def read(self, path: str) -> bytes | None:
        return self._store.read(self.names[path])


class WorkTexts:
    """The new texts are those that lie in the folder."""

    converts = True
    """What lies there may be a filtered form of what git stores."""

    def __init__(self, tree: Tree, root: str, old: dict[str, str], largest: int) -> None:
        listing = list_files(tree.folder, root)
        self._tree = tree
        self._largest = largest
        self._hash = "sha256" if any(len(name) == 64 for name in old.values()) else "sha1"
        self.names: dict[str, str] = {}
        """Path -> name that its text would have in git's store."""
        self.unseen = set(listing.not_checked_out)
        """Paths of which nobody can tell whether they have changed; who loads them says why."""
        for path in sorted(listing.files, key=order):
            try:
                content = None if path.endswith("/") else self._content(path)
            except (Unloadable, FileNotFoundError, NotADirectoryError):
                continue
            except OSError as error:
                if error.errno != errno.ELOOP:
                    self.unseen.add(path)
                continue
            if content is None:
                self.unseen.add(path)
            else:
                self.names[path] = self._name(content, old.get(path))

    def _content(self, path: str) -> bytes | None:
        descriptor = self._tree.open(path)
        try:
            size = os.fstat(descriptor).st_size
            if size > self._largest:
                return None
            content = os.pread(descriptor, size, 0)
        finally:
            os.close(descriptor)
        return content

    def _name(self, content: bytes, old: str | None) -> str:
        name = self._hashed(content)
        if name != old and old is not None and b"\r\n" in content:
            stored = self._hashed(content.replace(b"\r\n", b"\n"))
            return old if stored == old else name
        return name

    def _hashed(self, content: bytes) -> str:
        digest = hashlib.new(self._hash, b"blob %d\0" % len(content), usedforsecurity=False)
        digest.update(content)
        return digest.hexdigest()

    def expect(self, paths: Iterable[str]) -> None:
        """Nothing needs to be asked for."""

    def read(self, path: str) -> bytes | None:
        try:
            return self._content(path)
        except (OSError, Unloadable):
            return None
