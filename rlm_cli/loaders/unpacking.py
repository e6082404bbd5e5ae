"""What the reader of archives says -> the bytes of all files in one anonymous file, and an index of them.

Covered: checks on every entry (archive_worker.py lists them), paths that lead nowhere else, names that come twice, hard
links, archives in the archive, the caps. Not covered: the child's life (reader_process.py), which files are wanted.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from rlm_cli.anonymous import anonymous_file
from rlm_cli.errors import InputError
from rlm_cli.loaders.archive_kinds import archive_kind
from rlm_cli.loaders.archive_paths import MemberPaths, cleaned
from rlm_cli.loaders.reader_process import Broken
from rlm_cli.loaders.tree import DEEPEST, Unloadable

_MOST_NAMES = 256_000_000
"""Characters of all paths together, folders included."""
_ENDINGS = {"gz": ".gz", "bz2": ".bz2", "xz": ".xz", "zst": ".zst"}

ENCRYPTED = "encrypted"
DAMAGED = "damaged"
NESTED = "archive in an archive"
UNKNOWN_METHOD = "unknown compression"
LONG_NAME = "name too long"
"""Reasons of skips."""
_FAILED = {
    "link": False,
    "not a regular file": False,
    "too large": False,
    ENCRYPTED: True,
    DAMAGED: True,
    UNKNOWN_METHOD: True,
    LONG_NAME: True,
}
"""Reasons the child may give -> whether that is a failure."""
_NOTES = ("before", "after", "no end")
_STOPS = (None, "damaged", "members", "memory", "bomb", "split", "overlap", "zstd", "no tar")


@dataclass(frozen=True, slots=True)
class ArchiveLimits:
    """When an archive is refused as a whole."""

    total: int = 4_000_000_000
    """Bytes of the files that are kept."""
    times: int = 200
    """How often its own size it may unpack to, once that is more than `free`."""
    free: int = 100_000_000
    """Bytes."""
    members: int = 1_000_000
    """Files, and the folders that they lie in."""


class Refusal(Exception):
    """The archive is not read at all; `why` is of a fixed set."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


class Unpacking:
    """One archive, on its way in."""

    def __init__(
        self, kind: str, name: str, size: int, limits: ArchiveLimits, most: int, wanted: Callable[[str], bool]
    ) -> None:
        """`name` and `size` are the archive's own; `most`: bytes of one file; `wanted`: whether to keep a path."""
        self._kind, self._name, self._limits, self._most, self._wanted = kind, name, limits, most, wanted
        self._most_unpacked = max(limits.free, limits.times * size)
        self.paths = MemberPaths(backslashes=kind == "zip")
        self.places: dict[str, tuple[int, int] | Unloadable | None] = {}
        """File -> where its bytes begin, and how many they are; or why it is not read; None: it is not wanted."""
        self.notes: set[str] = set()
        self.stop: str | None = None
        """Why the child stopped; None: the archive is whole."""
        self.only = False
        """It is no archive but one compressed file."""
        self.descriptor = anonymous_file("rlm-archive")
        self.kept = 0
        """Bytes in the anonymous file."""
        self._unpacked = 0
        self._file: str | None = None
        """The large file that is being told."""

    def take(self, entries: Any, content: bytes | bytearray) -> bool:
        """Take in what one frame says; whether that is all. Raises Broken, Refusal, InputError."""
        if type(entries) is not list:
            raise Broken("damaged")
        self._unpacked += len(content)
        if self._unpacked > self._most_unpacked:
            raise Refusal("bomb")
        sizes = [self._size(entry) for entry in entries]
        if sum(sizes) != len(content):
            raise Broken("damaged")
        at, kept, stopped = 0, [], False
        try:
            for entry, size in zip(entries, sizes, strict=True):
                if stopped:
                    raise Broken("damaged")
                piece = memoryview(content)[at : at + size]
                at += size
                if self._entry(entry, bytes(piece[:512])):
                    kept.append(piece)
                    self.kept += size
                stopped = entry[0] == "stop"
        finally:
            self._append(kept)
        if self.kept > self._limits.total:
            raise Refusal("total")
        if stopped:
            self.stop = entries[-1][1]
        return stopped

    def cut(self) -> None:
        """Note that no more will come."""
        if self._file is not None:
            self.places[self._file] = Unloadable(DAMAGED, failed=True)
            self._file = None

    def close(self) -> None:
        if self.descriptor >= 0:
            os.close(self.descriptor)
            self.descriptor = -1

    def _size(self, entry: Any) -> int:
        """Return how many bytes belong to an entry, which then is a list that begins with a text."""
        if type(entry) is not list or not entry or type(entry[0]) is not str:
            raise Broken("damaged")
        if entry[0] not in ("take", "more"):
            return 0
        size = entry[-1]
        if type(size) is not int or size < 0:
            raise Broken("damaged")
        return size

    def _entry(self, entry: list[Any], head: bytes) -> bool:
        """Take in an entry; whether its bytes are kept."""
        if (self._file is None) == (entry[0] in ("more", "end")):
            raise Broken("damaged")
        match entry:
            case ["take", str(name), size]:
                file = self._add(name)
                return self._keep(file, size, head) if self._is_kept(file) else False
            case ["begin" | "only", str(name)]:
                self._begin(name, only=entry[0] == "only")
            case ["more", size]:
                return self._more(size, head)
            case ["end", None]:
                self._file = None
            case ["end", "damaged"]:
                self.cut()
            case ["link", str(name), str(target)]:
                self._link(self._add(name), self.paths.known(target))
            case ["skip", str(name), str(why)] if why in _FAILED:
                file = self._add(name)
                self.places[file] = self.places[file] or Unloadable(why, _FAILED[why])
            case ["note", str(what)] if what in _NOTES:
                self.notes.add(what)
            case ["stop", why] if why in _STOPS:
                pass
            case _:
                raise Broken("damaged")
        return False

    # --- files ----------------------------------------------------------------------------------------------------

    def _begin(self, name: str, only: bool) -> None:
        if only:
            if self.places or self._kind == "zip":
                raise Broken("damaged")
            self.only = True
            name = self._inner_name(name)
        self._file = self._add(name)
        if self._is_kept(self._file):
            self.places[self._file] = (self.kept, 0)

    def _more(self, size: int, head: bytes) -> bool:
        assert self._file is not None
        place = self.places[self._file]
        if not isinstance(place, tuple):
            return False
        start, before = place
        if not before:
            return self._keep(self._file, size, head)
        if before + size > self._most and not self.only:
            raise Broken("damaged")
        self.places[self._file] = (start, before + size)
        return True

    def _keep(self, file: str, size: int, head: bytes) -> bool:
        """Place a file at the end of those kept."""
        if size > self._most and not self.only:
            raise Broken("damaged")
        if archive_kind(head, file) is not None:
            self.places[file] = Unloadable(NESTED)
            return False
        self.places[file] = (self.kept, size)
        return True

    def _is_kept(self, file: str) -> bool:
        """Tell whether a file has not been refused, and is wanted."""
        if self.places[file] is not None:
            return False
        return self.only or self._wanted(self.paths.of(file))

    def _link(self, file: str, target: str) -> None:
        """Let a hard link be what it leads to."""
        if self.places[file] is not None:
            return
        if target == file or target not in self.places:
            self.places[file] = Unloadable("broken link")
            return
        # The bytes of what was not wanted are gone.
        place = self.places[target]
        self.places[file] = Unloadable("link") if place is None else place

    def _add(self, name: str) -> str:
        """Give a file its place in the index; return what it is known by."""
        file = self.paths.give(name)
        deep = file.count("/") >= DEEPEST
        self.places[file] = Unloadable("nested too deeply", failed=True) if deep else None
        if not deep:
            self.paths.count(file)
        if len(self.places) + self.paths.folders > self._limits.members or self.paths.characters > _MOST_NAMES:
            raise Refusal("members")
        return file

    def _inner_name(self, told: str) -> str:
        """Return what a compressed file is called without its compression."""
        ending = _ENDINGS.get(self._kind, "")
        if self._name.lower().endswith(ending) and len(self._name) > len(ending):
            return self._name[: -len(ending)]
        inner = cleaned(told, backslashes=True) if told else ""
        return inner if inner and "/" not in inner and len(told) <= 255 else self._name

    # --- bytes ----------------------------------------------------------------------------------------------------

    def _append(self, pieces: list[memoryview]) -> None:
        left = pieces[0] if len(pieces) == 1 else memoryview(b"".join(pieces))
        try:
            while left:
                left = left[os.write(self.descriptor, left) :]
        except OSError as error:
            raise InputError(
                f"cannot keep what is unpacked: {error.strerror}", "--exclude leaves out what is not needed"
            ) from None


def copied(descriptor: int, start: int, size: int) -> int:
    """Return a descriptor of an anonymous file that holds a part of another."""
    copy = anonymous_file("rlm-archive")
    try:
        while size and (piece := os.pread(descriptor, min(size, 1 << 20), start)):
            start += len(piece)
            size -= len(piece)
            while piece:
                piece = piece[os.write(copy, piece) :]
        os.lseek(copy, 0, os.SEEK_SET)
    except BaseException:
        os.close(copy)
        raise
    return copy
