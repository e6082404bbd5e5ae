"""Archives that the user names -> the files in them, in memory, never unpacked to a disk.

Covered: the files by path, which of them are wanted (as in a folder outside of git), what is left out and why, when the
whole is refused, and what to do about it. Not covered: the child that reads it (archive_worker.py), checks on what that
says (unpacking.py), decryption, archives within archives.
"""

import os
import time
from pathlib import Path

from rlm_cli.amounts import counted
from rlm_cli.context import shown_path
from rlm_cli.errors import InputError
from rlm_cli.loaders.archive_kinds import archive_kind
from rlm_cli.loaders.archive_paths import RULES, order, select
from rlm_cli.loaders.options import LoadOptions
from rlm_cli.loaders.reader_process import Broken, ReaderProcess
from rlm_cli.loaders.selection import Selection
from rlm_cli.loaders.tree import Unloadable
from rlm_cli.loaders.unpacking import ArchiveLimits, Refusal, Unpacking, copied

__all__ = ["Archive", "ArchiveLimits", "archive_kind", "select"]

WORKER = Path(__file__).parent / "archive_worker.py"
PATIENCE = 180.0
"""Seconds in which the child has to say something; what it leaves out it goes through in silence."""
_PATIENT_TIMES = 5
"""As much patience as there is for one archive in all."""
_PARTS = 20_000
"""Parts of a frame's JSON that are no text."""

DAMAGED = "damaged archive"
SLOW = "archive took too long"
"""Reasons of the archive's own skip."""
_UNPACK = "unpack it and name the folder"
_LIMITS = ArchiveLimits()
_REFUSED = {
    "bomb": ("unpacks to more than {times:,} times its size: made to fill a memory?", f"if you trust it, {_UNPACK}"),
    "total": ("unpacks to more than {total:,} bytes", f"--exclude leaves out what is not needed, or {_UNPACK}"),
    "members": ("holds more than {members:,} files and folders", _UNPACK),
    "memory": ("takes too much memory to unpack", _UNPACK),
    "overlap": ("is a zip whose files overlap: made to fill a memory?", f"if you trust it, {_UNPACK}"),
    "split": ("is one part of a zip that was split", "`zip -s 0 FIRST.zip --out WHOLE.zip` joins the parts"),
    "zstd": ("is compressed with zstandard, which needs a package", "pip install 'rlm-cli[zstd]'"),
    "no tar": ("holds no tar", "is its name right?"),
    "damaged": ("is damaged, or no archive at all", "is the download complete?"),
    "slow": ("took too long to unpack", _UNPACK),
}
"""Why an archive is not read at all -> what is said, and the hint."""
_NOTED = {
    "before": "something that is not read stands before the archive",
    "after": "something that is not read follows the archive's end",
    "no end": "the archive has no end mark: is it whole?",
}


class Archive:
    """An archive that was read; its files are kept in one anonymous file until it is closed."""

    def __init__(
        self,
        descriptor: int,
        kind: str,
        name: str,
        options: LoadOptions,
        limits: ArchiveLimits = _LIMITS,
        program: Path = WORKER,
        patience: float = PATIENCE,
    ) -> None:
        """`program` is what the child runs; tests give it one that lies.

        Raises InputError when nothing of it can be read, or it is refused; UsageError for a pattern that can match
        nothing; SandboxError when the child has less of a sandbox than is required.
        """
        self._shown = shown_path(name)[:200]
        self._options = options
        self._selection = Selection(options)
        self._limits = limits
        self._unpacking = Unpacking(
            kind, name, os.fstat(descriptor).st_size, limits, options.max_file_size, self._is_wanted
        )
        self.files: list[str] = []
        """What is to be loaded, in the byte order of their parts; numbered, where an earlier one has the same path."""
        self.skipped: dict[str, Unloadable] = {}
        """A skipped folder counts as one and ends in `/`; damage to the archive itself stands under its name."""
        self.warnings: list[str] = []
        """One line each, safe to print."""
        try:
            self._finish(name, self._read(descriptor, kind, program, patience))
        except BaseException:
            self.close()
            raise

    def path(self, file: str) -> str:
        """Return a file's path in the archive, which another may have, too."""
        return self._unpacking.paths.of(file)

    def size(self, file: str) -> int:
        """Return the bytes of one of the `files`."""
        return self._place(file)[1]

    @property
    def single(self) -> bool:
        """It is no archive but one compressed file, which the user has named."""
        return self._unpacking.only

    def open(self, path: str, limit: int | None = None) -> int:
        """Return a descriptor of an anonymous file with the bytes of one of the `files`; the caller closes it."""
        if limit is not None and self.size(path) > limit:
            raise Unloadable("too large")
        return copied(self._unpacking.descriptor, *self._place(path))

    def __enter__(self) -> "Archive":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Give the memory back."""
        self._unpacking.close()

    def _place(self, file: str) -> tuple[int, int]:
        place = self._unpacking.places[file]
        assert isinstance(place, tuple)
        return place

    def _is_wanted(self, path: str) -> bool:
        """Tell what is certainly not wanted, before rules are known that may stand anywhere."""
        if self._options.gitignore and f"/{path}".endswith(tuple(f"/{each}" for each in RULES)):
            return True
        return ".git" not in path.split("/") and self._selection.file(path).reason is None

    # --- reading --------------------------------------------------------------------------------------------------

    def _read(self, descriptor: int, kind: str, program: Path, patience: float) -> str | None:
        """Take in all that the child tells; return why there is no more, None: it is all."""
        child = ReaderProcess(program, "archives", _UNPACK, patience)
        deadline = time.monotonic() + _PATIENT_TIMES * patience
        asked = {
            "kind": kind,
            "most": self._options.max_file_size,
            "times": self._limits.times,
            "free": self._limits.free,
            "members": self._limits.members,
        }
        try:
            child.require(self._options.require_sandbox)
            child.give(descriptor, asked)
            while True:
                left = min(patience, deadline - time.monotonic())
                frame = child.hear(left, _PARTS)
                if self._unpacking.take(frame.get("entries"), child.bytes_of(frame, left)):
                    return self._unpacking.stop
        except Broken as broken:
            return "slow" if broken.why == "slow" else "damaged"
        except Refusal as refusal:
            raise self._refused(refusal.why) from None
        finally:
            child.kill()
            self._unpacking.cut()

    def _refused(self, why: str) -> InputError:
        what, hint = _REFUSED[why]
        limits = self._limits
        return InputError(
            f"{self._shown} {what.format(times=limits.times, total=limits.total, members=limits.members)}", hint
        )

    def _finish(self, name: str, why: str | None) -> None:
        unpacking = self._unpacking
        if why is not None and (why not in ("damaged", "slow") or not unpacking.kept):
            raise self._refused(why)
        self._choose()
        if why is not None:
            file = name
            while file in unpacking.places or file in self.skipped:
                file += " (archive)"
            self.skipped[file] = Unloadable(SLOW if why == "slow" else DAMAGED, failed=True)
        self.warnings += [f"{self._shown}: {_NOTED[note]}" for note in _NOTED if note in unpacking.notes]
        paths = unpacking.paths
        if paths.outward:
            one = shown_path(paths.outward[0])[:200]
            self.warnings.append(f"{self._shown}: names lead out of the archive, {one!r} for one; they are shortened")
        if paths.repeated:
            one = shown_path(next(iter(paths.repeated.values())))[:200]
            again = "a name that came before" if len(paths.repeated) == 1 else "names that came before"
            many = counted(len(paths.repeated), "file")
            self.warnings.append(f"{self._shown}: {many} with {again}, {one!r} for one; all are read")

    def _choose(self) -> None:
        places = self._unpacking.places
        if self._unpacking.only:
            wanted = set(places)
        else:
            # Rules do not tell apart what has the same path, and nothing else is asked of what lies too deep for them.
            paths = {self.path(file) for file, place in places.items() if not _is_too_deep(place)}
            listing = select(paths, self._rules, self._options)
            self.skipped |= listing.skipped
            self.warnings += [f"{self._shown}: {each}" for each in listing.warnings]
            wanted = set(listing.files)
        for file in sorted(places, key=order):
            place = places[file]
            if isinstance(place, Unloadable) and (_is_too_deep(place) or self.path(file) in wanted):
                self.skipped[file] = place
            elif isinstance(place, tuple) and self.path(file) in wanted:
                self.files.append(file)

    def _rules(self, path: str) -> bytes | None:
        place = self._unpacking.places.get(self._unpacking.paths.last(path))
        if isinstance(place, Unloadable):
            if place.reason in ("link", "broken link", "not a regular file"):
                return None  # git reads no rules from those either
            raise place
        return None if place is None else os.pread(self._unpacking.descriptor, place[1], place[0])


def _is_too_deep(place: tuple[int, int] | Unloadable | None) -> bool:
    return isinstance(place, Unloadable) and place.reason == "nested too deeply"
