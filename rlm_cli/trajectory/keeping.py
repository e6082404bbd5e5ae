"""How long records are kept, and how they are removed and taken along.

Only what rlm has written is removed, file by file: anything else that somebody has put into a record's folder stays.
A run that goes on is left alone.
"""

import contextlib
import math
import os
import tarfile
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from rlm_cli.errors import InputError, UsageError
from rlm_cli.plain_files import open_plain
from rlm_cli.trajectory.folders import CALLS, DRAFT, FILES, run_folder, run_ids
from rlm_cli.trajectory.recorder import is_locked


@dataclass(frozen=True, slots=True)
class Removed:
    """What was removed."""

    runs: int = 0
    bytes: int = 0


def remove(run_id: str) -> Removed:
    """Remove a record. Raises UsageError while the run goes on, InputError where it cannot be removed."""
    folder = run_folder(run_id)
    if is_locked(folder / CALLS):
        raise UsageError(f"the run {run_id} is still going on")
    freed = size(run_id)
    try:
        for name in (*FILES, DRAFT):
            with contextlib.suppress(FileNotFoundError):
                (folder / name).unlink()
        folder.rmdir()
    except OSError as error:
        raise InputError(f"cannot remove {folder}: {error.strerror}") from error
    return Removed(1, freed)


def older_than(days: float, now: datetime | None = None) -> list[str]:
    """Return the ids of the runs that began longer ago than that, the oldest first."""
    try:
        limit = f"{(now or datetime.now(UTC)) - timedelta(days=days):%Y%m%d-%H%M%S}"
    except OverflowError:  # before there were any years
        return []
    return sorted(each for each in run_ids() if each < limit)


def tidy(days: float | None, megabytes: float | None, now: datetime | None = None) -> Removed:
    """Remove what is older than `days`, then the oldest until all together have at most so many megabytes.

    The latest run stays, however large it is.
    What cannot be removed is left where it is: the next run tries again.
    """
    try:
        ids = run_ids()  # the newest first
        old = set() if days is None else set(older_than(days, now))
    except InputError:  # what keeps them from being read keeps this run from being recorded, which is said then
        return Removed()
    most = math.inf if megabytes is None else megabytes * 1e6
    kept, removed = 0, Removed()
    for run_id in ids:
        kept += size(run_id)
        if run_id not in old and (kept <= most or run_id == ids[0]):
            continue
        with contextlib.suppress(UsageError, InputError):
            gone = remove(run_id)
            removed = Removed(removed.runs + gone.runs, removed.bytes + gone.bytes)
    return removed


def size(run_id: str) -> int:
    """Return the bytes of a record; what is not there, or may not be looked at, has none."""
    total = 0
    for name in FILES:
        with contextlib.suppress(OSError):
            total += (run_folder(run_id) / name).lstat().st_size
    return total


def export(run_id: str, target: Path) -> int:
    """Write a record as one .tar.gz; return its bytes. Raises UsageError where the file is there, InputError."""
    try:
        number = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError as error:
        raise UsageError(f"{target} is there already", "give another name with -o") from error
    except OSError as error:
        raise UsageError(f"cannot write {target}: {error.strerror}") from error
    try:
        with os.fdopen(number, "wb") as file, tarfile.open(fileobj=file, mode="w:gz") as archive:
            for name in FILES:
                _add(archive, run_id, name)
        return target.stat().st_size
    except OSError as error:
        target.unlink()
        raise InputError(f"cannot export {run_id}: {error.strerror or error}") from error


def _add(archive: tarfile.TarFile, run_id: str, name: str) -> None:
    try:
        with open_plain(run_folder(run_id) / name) as source:
            status = os.fstat(source.fileno())
            member = tarfile.TarInfo(f"{run_id}/{name}")
            # As much as there is now: a run that goes on may add to it meanwhile.
            member.size, member.mtime, member.mode = status.st_size, int(status.st_mtime), 0o600
            archive.addfile(member, source)
    except FileNotFoundError:
        return  # a run that was ended early has not all of them
