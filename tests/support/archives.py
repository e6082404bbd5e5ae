"""Makes archives, as the standard library does and as nobody should, and reads them as `rlm` does.

with opened(zipped({"a.txt": b"one"}), "x.zip") as archive:
    assert contents(archive) == {"a.txt": b"one"}
"""

import bz2
import contextlib
import gzip
import io
import lzma
import os
import tarfile
import tempfile
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from rlm_cli.loaders.archive import Archive, archive_kind
from rlm_cli.loaders.options import LoadOptions

ALL = LoadOptions(hidden=True, gitignore=False)
"""Leaves nothing out."""
PACKED: dict[str, Callable[[bytes], bytes]] = {
    ".tar": bytes,
    ".tar.gz": gzip.compress,
    ".tar.bz2": bz2.compress,
    ".tar.xz": lzma.compress,
}
"""How the name of a tar ends -> what is done to it."""
Files = Mapping[str, bytes] | Iterable[tuple[str, bytes]]


def zipped(files: Files, method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """Return a zip; pairs may name one file twice."""
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", method) as archive:
        for name, content in _pairs(files):
            archive.writestr(zipfile.ZipInfo(name), content, method)
    return written.getvalue()


def tarred(files: Files, form: int = tarfile.PAX_FORMAT) -> bytes:
    """Return a tar; pairs may name one file twice."""
    return tar_of([(tarfile.TarInfo(name), content) for name, content in _pairs(files)], form)


def tar_of(members: Iterable[tuple[tarfile.TarInfo, bytes]], form: int = tarfile.PAX_FORMAT) -> bytes:
    """Return a tar of members whose headers are made up; their sizes are filled in."""
    written = io.BytesIO()
    with tarfile.open(fileobj=written, mode="w", format=form, encoding="utf-8", errors="surrogateescape") as archive:
        for member, content in members:
            if member.isreg():
                member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return written.getvalue()


def member(name: str, kind: bytes, target: str = "") -> tuple[tarfile.TarInfo, bytes]:
    """Return a member of a tar that is no regular file."""
    made = tarfile.TarInfo(name)
    made.type, made.linkname = kind, target
    return made, b""


@contextlib.contextmanager
def opened(content: bytes, name: str, options: LoadOptions = ALL, **more: Any) -> Iterator[Archive]:
    """Read an archive; `more` goes to it as it is."""
    kind = more.pop("kind", None) or archive_kind(content[:512], name)
    assert kind is not None
    with tempfile.TemporaryFile() as file:
        file.write(content)
        file.flush()
        archive = Archive(file.fileno(), kind, name, options, **more)
    try:
        yield archive
    finally:
        archive.close()


def contents(archive: Archive) -> dict[str, bytes]:
    """Return the bytes of all files."""
    found = {}
    for file in archive.files:
        with os.fdopen(archive.open(file), "rb") as copy:
            found[file] = copy.read()
        assert len(found[file]) == archive.size(file)
    return found


def skips(archive: Archive) -> dict[str, tuple[str, bool]]:
    """Return what was skipped: (why, whether that is a failure)."""
    return {path: (why.reason, why.failed) for path, why in archive.skipped.items()}


def _pairs(files: Files) -> Iterable[tuple[str, bytes]]:
    return files.items() if isinstance(files, Mapping) else files
