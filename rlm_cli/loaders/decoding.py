"""Bytes of a file -> pieces of text, without ever holding the whole.

Covered: UTF-8, UTF-16 and UTF-32 by their marks, Latin-1 for all else; telling text from what is none.
Not covered: where the bytes come from. Line ends stay as they are.
"""

import codecs
import os
from collections.abc import Iterator
from dataclasses import dataclass

from rlm_cli.loaders.tree import Unloadable

PIECE = 1 << 20
"""Bytes decoded at once."""
_HEAD = 8192
"""Bytes in which a NUL makes a file binary, and by which its encoding is told."""

_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # before UTF-16, whose mark it begins with
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_COMPRESSED = (
    b"\x1f\x8b\x08",
    b"BZh91AY&SY",
    b"\xfd7zXZ\x00",
    b"\x28\xb5\x2f\xfd",
    b"PK\x03\x04",
    b"7z\xbc\xaf\x27\x1c",
)
"""How short archives begin that may hold no NUL."""

BINARY = "binary"


@dataclass(frozen=True, slots=True)
class Encoding:
    """How to read a file."""

    name: str
    marked: bool
    """It says so itself."""
    start: int
    """Bytes of its mark."""


LATIN_1 = Encoding("latin-1", marked=False, start=0)


def head_of(descriptor: int) -> bytes:
    """Return a file's first bytes. Raises Unloadable when there are none."""
    head = os.pread(descriptor, _HEAD, 0)
    if not head:
        raise Unloadable("empty")
    return head


def encoding_of(head: bytes) -> Encoding:
    """Return how to read a file, by its first bytes: UTF-8 where nothing speaks against it.

    Raises Unloadable for a file without text.
    """
    for mark, encoding in _MARKS:
        if head.startswith(mark):
            if len(head) == len(mark):
                raise Unloadable("empty")
            return Encoding(encoding, marked=True, start=len(mark))
    if b"\0" in head or head.startswith(_COMPRESSED):
        raise Unloadable(BINARY)
    return Encoding("utf-8", marked=False, start=0)


def decoded(descriptor: int, encoding: Encoding, limit: int | None) -> Iterator[str]:
    """Yield a file's text in pieces.

    Raises UnicodeDecodeError, and Unloadable when more than `limit` bytes come.
    """
    decoder = codecs.getincrementaldecoder(encoding.name)()
    position = encoding.start
    while chunk := os.pread(descriptor, PIECE, position):
        position += len(chunk)
        if limit is not None and position > limit:
            raise Unloadable("too large")
        yield decoder.decode(chunk)
    yield decoder.decode(b"", final=True)
