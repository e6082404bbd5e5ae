"""What compressed files hold, from front to back, without ever holding the whole: for archive_worker.py, in its child.

Covered: gzip, bzip2, xz and zstandard, several streams one after another, what is cut, what unpacks to far more than
can be meant. Not covered: zip, which is no stream; what lies in them.

Imports nothing of the package: archive_worker.py loads this file by its place.
"""

import bz2
import contextlib
import functools
import importlib
import io
import lzma
import tarfile
import zlib
from collections.abc import Callable, Iterator
from typing import Any

_zstd: Any = None
with contextlib.suppress(ImportError):
    _zstd = importlib.import_module("backports.zstd")

PIECE = 1 << 18
"""Bytes that are decompressed, and told, at once."""
_GIVEN = 1 << 14
"""Bytes that a decompressor gets at once. It hands back what lies behind its end, each time, and ends may be many."""
_MEMORY = 1 << 29
"""Bytes that a dictionary, or a window, may take: `xz -9` takes an eighth of that."""
_LONGEST_HEADER = 1 << 24
"""Bytes of what a tar says about one file."""


class Refused(Exception):
    """The archive is not read, or not further; `why` is what is told."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


class Inflating:
    """zlib's decompressor in the manner of the others."""

    def __init__(self, form: int) -> None:
        self._zlib = zlib.decompressobj(form)
        self.needs_input = True

    @property
    def eof(self) -> bool:
        return self._zlib.eof

    @property
    def unused_data(self) -> bytes:
        return self._zlib.unused_data

    def decompress(self, given: bytes, most: int) -> bytes:
        piece = self._zlib.decompress(self._zlib.unconsumed_tail + given, most)
        self.needs_input = not self._zlib.unconsumed_tail and len(piece) < most
        return piece


def _zstandard() -> Any:
    if _zstd is None:
        raise Refused("zstd")
    return _zstd.ZstdDecompressor(options={_zstd.DecompressionParameter.window_log_max: _MEMORY.bit_length() - 1})


_KINDS: dict[str, tuple[tuple[bytes, ...], Callable[[], Any]]] = {
    "gz": ((b"\x1f\x8b",), functools.partial(Inflating, 31)),
    "bz2": ((b"BZh",), bz2.BZ2Decompressor),
    "xz": ((b"\xfd7zXZ\0",), functools.partial(lzma.LZMADecompressor, lzma.FORMAT_XZ, _MEMORY)),
    "zst": ((b"\x28\xb5\x2f\xfd", *(bytes([0x50 + each]) + b"\x2a\x4d\x18" for each in range(16))), _zstandard),
}
"""Kind -> how a stream of it begins, its decompressor."""


def decoded(file: Any, decoder: Any) -> Iterator[bytes]:
    """Yield what one compressed stream holds; the file then stands behind it. Raises EOFError when it is cut."""
    while not decoder.eof:
        given = file.read(_GIVEN) if decoder.needs_input else b""
        if decoder.needs_input and not given:
            raise EOFError
        yield decoder.decompress(given, PIECE)
    file.seek(-len(decoder.unused_data), io.SEEK_CUR)


class Stream:
    """What a file of some kind holds, read once from front to back: enough of a file for tarfile."""

    def __init__(self, file: Any, asked: dict[str, Any]) -> None:
        kind = asked["kind"].rpartition(".")[2]
        self._pieces = self._streams(file, *_KINDS[kind]) if kind in _KINDS else iter(lambda: file.read(PIECE), b"")
        self._most = max(asked["free"], asked["times"] * file.seek(0, io.SEEK_END))
        file.seek(0)
        self._left = b""
        self._at = 0
        """Into what is left."""
        self._taken = 0
        """Bytes before what is left."""
        self._broken: Exception | None = None
        self._idle = 0
        self.last = b""
        """What was read last."""
        self.trailing = False
        """Something else follows."""

    def _streams(self, file: Any, marks: tuple[bytes, ...], new: Callable[[], Any]) -> Iterator[bytes]:
        while True:
            yield from decoded(file, new())
            rest = b""
            while len(rest) < 8 and (more := file.read(_GIVEN)):
                rest = (rest + more).lstrip(b"\0")
            if not rest.startswith(marks):
                self.trailing = self.trailing or bool(rest)
                return
            file.seek(-len(rest), io.SEEK_CUR)

    def _pull(self) -> bool:
        """Get another piece behind what is left; False at the end."""
        if self._broken is not None:
            raise self._broken
        try:
            piece = next(self._pieces, None)
            if piece is None:
                return False
            if self._taken + len(self._left) + len(piece) > self._most:
                raise Refused("bomb")
        except Exception as error:
            self._broken = error
            raise
        self._taken += self._at
        self._left = self._left[self._at :] + piece if self._at < len(self._left) else piece
        self._at = 0
        return True

    def peek(self, size: int) -> bytes:
        # What is broken shows when what came before it has been read.
        with contextlib.suppress(Exception):
            while len(self._left) - self._at < size and self._pull():
                pass
        return self._left[self._at : self._at + size]

    def piece(self) -> bytes:
        """Read what is there at once; b"" at the end."""
        while self._at == len(self._left):
            if not self._pull():
                return b""
        piece = self._left[self._at : self._at + PIECE]
        self._at += len(piece)
        return piece

    def read(self, size: int) -> bytes:
        if not 0 <= size <= _LONGEST_HEADER:
            raise tarfile.ReadError("it says too much about a file")
        self.last = self._left[self._at : self._at + size]
        self._at += len(self.last)
        if len(self.last) < size:
            pieces, left = [self.last], size - len(self.last)
            while left and (piece := self.piece()):
                if len(piece) > left:
                    self._at -= len(piece) - left
                    piece = piece[:left]
                pieces.append(piece)
                left -= len(piece)
            self.last = b"".join(pieces)
        self._idle = 0 if self.last else self._idle + 1
        if self._idle > 100:  # tarfile goes on for ever
            raise EOFError
        return self.last

    def tell(self) -> int:
        return self._taken + self._at

    def seek(self, place: int) -> None:
        left = place - self.tell()
        if left < 0:
            raise tarfile.ReadError("it leads back")
        while left:
            step = min(left, len(self._left) - self._at)
            self._at += step
            left -= step
            if left and not self._pull():
                raise EOFError


def is_tar(head: bytes) -> bool:
    try:
        return tarfile.TarInfo.frombuf(head, "utf-8", "surrogateescape").chksum > 0
    except (tarfile.TarError, ValueError):
        return False


def inner_name(file: Any) -> str:
    """Return what a gzip calls its content; "" where it says nothing."""
    place = file.tell()
    file.seek(0)
    head = file.read(_GIVEN)
    file.seek(place)
    flags, start = head[3], 10
    if flags & 4:
        start += 2 + int.from_bytes(head[10:12], "little")
    name, end, _ = head[start:].partition(b"\0")
    return name.decode("latin-1") if flags & 8 and end else ""
