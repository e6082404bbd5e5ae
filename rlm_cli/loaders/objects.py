"""Takes commits' files out of git's store, raw, through one process that is asked for one after the other.

Covered: sizes before bytes, answers that never come, stop short or are another object's, a process that dies of a
damaged object. Git sees the objects and nothing else of their repository (own_repository.py). Not covered: which files
are wanted (revision.py, changes.py).
"""

import os
import re
import selectors
import subprocess
import time
from collections.abc import Iterable
from dataclasses import dataclass

from rlm_cli.anonymous import anonymous_file
from rlm_cli.context import shown_path
from rlm_cli.errors import InputError
from rlm_cli.loaders.git import DEADLINE, GitRefused
from rlm_cli.loaders.own_repository import OwnRepository
from rlm_cli.loaders.repository import GitFolders
from rlm_cli.loaders.tree import Unloadable

_PIECE = 1 << 20
_MOST_HEADER = 200
_MOST_STARTS = 1000
"""A process dies of each damaged object; 3 ms for the next."""
_ENTRY = re.compile(rb"([0-7]{6}) [a-z]+ ([0-9a-f]+) *(?: ([0-9]+|-|BAD))?\t(.+)", re.DOTALL)
_SIZE = re.compile(rb"([0-9a-f]+) blob ([0-9]+)")


@dataclass(frozen=True, slots=True)
class Entry:
    """One file of a commit."""

    path: str
    mode: str
    """100644 or 100755 for a file, 120000 for a link, 160000 for a submodule."""
    name: str
    """Of its blob."""
    size: int | None
    """None where it was not asked for, or the blob is not there."""

    @property
    def is_file(self) -> bool:
        return self.mode.startswith("100")

    @property
    def is_sound(self) -> bool:
        """Whether git would write a file of that path: a tree can hold any name, such as `..`."""
        around = f"/{self.path}/"
        if "//" not in around and "/." not in around:
            return True
        return not any(part in ("", ".", "..") or part.lower() == ".git" for part in self.path.split("/"))


class Objects:
    """The objects of one repository. Not for several threads at once; to be closed."""

    def __init__(self, folder: str, sha256: bool = False, deadline: float = DEADLINE) -> None:
        """`folder` is where git keeps the objects. Raises InputError where there is no room for temporary files."""
        self._own = OwnRepository(folder, sha256, deadline)
        self._deadline = deadline
        self._process: subprocess.Popen[bytes] | None = None
        self._starts = 0
        self._selector = selectors.DefaultSelector()

    @classmethod
    def of(cls, folders: GitFolders, commit: str) -> "Objects":
        return cls(f"{folders.shared}/objects", sha256=len(commit) == 64)

    def close(self) -> None:
        self._stop()
        self._selector.close()
        self._own.close()

    def files(self, commit: str, inner: str, sizes: bool) -> list[Entry] | None:
        """Return the files of a commit below the folder `inner` ("": all); None where it has no such folder.

        Raises InputError where the commit cannot be read.
        """
        try:
            tree = commit
            if inner:
                answer = self._own.ask("--literal-pathspecs", "ls-tree", "-z", commit, inner)
                found = _ENTRY.fullmatch(answer.removesuffix(b"\0"))
                if found is None or found[1] != b"040000":
                    return None
                tree = found[2].decode()
            listed = self._own.ask("ls-tree", "-r", "-z", *["-l"] * sizes, tree)
        except GitRefused as refusal:
            raise InputError(
                f"git cannot list commit {commit[:12]}: {shown_path(str(refusal))}",
                "a partial clone fetches what it lacks by `git worktree add ../elsewhere COMMIT`; "
                "`git fsck` finds damage",
            ) from None
        return [entry for each in listed.split(b"\0") if (entry := _entry(each)) is not None]

    def sizes(self, names: Iterable[str]) -> dict[str, int]:
        """Return the size of each blob that is there. Raises GitRefused."""
        asked = "".join(f"{name}\n" for name in names).encode()
        found = map(_SIZE.fullmatch, self._own.ask("cat-file", "--batch-check", said=asked).splitlines())
        return {each[1].decode(): int(each[2]) for each in found if each is not None}

    def open(self, name: str, size: int) -> int:
        """Return a descriptor of an anonymous file with the blob `name` of `size` bytes.

        Raises Unloadable where it is missing or damaged.
        """
        try:
            try:
                begun = self._ask(name)
            except (BrokenPipeError, EOFError):
                self._stop()  # it died after its last answer
                begun = self._ask(name)
            if begun.startswith(f"{name} missing\n".encode()):
                return self._unreadable(stop=len(begun) > len(name) + 9)
            header, _, content = begun.partition(b"\n")
            if header != f"{name} blob {size}".encode():
                return self._unreadable(stop=True)
            return self._kept(content, size)
        except (OSError, EOFError, GitRefused):
            return self._unreadable(stop=True)

    def read(self, name: str, size: int) -> bytes:
        """Return a blob's bytes. Raises Unloadable."""
        descriptor = self.open(name, size)
        try:
            return os.pread(descriptor, size, 0)
        finally:
            os.close(descriptor)

    def _unreadable(self, stop: bool) -> int:
        if stop:  # what else it says would be taken for the next answer
            self._stop()
        raise Unloadable("unreadable", failed=True)

    def _ask(self, name: str) -> bytes:
        """Return the beginning of an answer, its first line at least."""
        process = self._process or self._start()
        assert process.stdin is not None
        process.stdin.write(f"{name}\n".encode())
        begun, until = b"", time.monotonic() + self._deadline
        while b"\n" not in begun and len(begun) < _MOST_HEADER:
            begun += self._piece(until)
        return begun

    def _kept(self, content: bytes, size: int) -> int:
        """Write the answer's content, of which this is the beginning, to an anonymous file."""
        descriptor = anonymous_file("rlm-blob")
        try:
            left, until = size, time.monotonic() + self._deadline
            while True:
                _write(descriptor, content[:left])
                left -= len(content)
                if left < 0:
                    break
                content = self._piece(until)
            if left != -1 or not content.endswith(b"\n"):
                raise EOFError
        except BaseException:
            os.close(descriptor)
            raise
        return descriptor

    def _piece(self, until: float) -> bytes:
        left = until - time.monotonic()
        if left <= 0 or not self._selector.select(left):
            # Who has kept us waiting once may do so for every file.
            self._starts = _MOST_STARTS
            raise TimeoutError
        assert self._process is not None
        assert self._process.stdout is not None
        piece = os.read(self._process.stdout.fileno(), _PIECE)
        if not piece:
            raise EOFError
        return piece

    def _start(self) -> subprocess.Popen[bytes]:
        if self._starts >= _MOST_STARTS:
            raise GitRefused("git has failed too often")
        self._starts += 1
        self._process = self._own.start("cat-file", "--batch")
        assert self._process.stdout is not None
        self._selector.register(self._process.stdout, selectors.EVENT_READ)
        return self._process

    def _stop(self) -> None:
        if self._process is None:
            return
        process, self._process = self._process, None
        assert process.stdout is not None
        self._selector.unregister(process.stdout)
        process.kill()
        for pipe in (process.stdin, process.stdout):
            assert pipe is not None
            pipe.close()
        process.wait()


def _entry(listed: bytes) -> Entry | None:
    found = _ENTRY.fullmatch(listed)
    if found is None:
        return None
    size = int(found[3]) if found[3] and found[3].isdigit() else None
    return Entry(os.fsdecode(found[4]), found[1].decode(), found[2].decode(), size)


def _write(descriptor: int, content: bytes) -> None:
    view = memoryview(content)
    while view:
        view = view[os.write(descriptor, view) :]
