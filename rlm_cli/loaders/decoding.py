"""Bytes of a file -> UTF-8 in pieces, without ever holding the whole.

Covered: UTF-8 passed through as it is (context_writer.py checks it), UTF-16 and UTF-32 by their marks, UTF-16 without
one, a guess for all else; telling text from what is none. Not covered: where the bytes come from. Line ends stay as
they are.
"""

import codecs
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from rlm_cli.loaders.tree import Unloadable

PIECE = 1 << 20
"""Bytes read at once."""
HEAD = 8192
"""Bytes in which a NUL makes a file binary, and by which its encoding is told."""
_SAMPLE = 1 << 16
"""Bytes that an encoding is guessed from: a file's first, or as many from where its first strange byte is."""

_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
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
_GUESSED = (
    "cp1250", "cp1251", "cp1252", "cp1253", "cp1254", "cp1255", "cp1256", "cp437", "iso8859_2", "iso8859_5", "koi8_r",
    "mac_roman", "cp932", "euc_jp", "gb18030", "big5", "euc_kr",
)  # fmt: skip
"""What people's old files are in; among all that Python knows, rare ones win by chance."""

BINARY, ARCHIVE = "binary", "archive"
"""Reasons of skips."""


@dataclass(frozen=True, slots=True)
class Encoding:
    """How to read a file."""

    name: str
    """As Python calls it."""
    start: int = 0
    """Bytes of its mark."""
    guessed: bool = False
    """Nothing in the file says so."""
    damaged: bool = False
    """It holds what this encoding has no meaning for, which becomes U+FFFD."""


UTF_8 = Encoding("utf-8")


def encoding_of(head: bytes) -> Encoding:
    """Return how to read a file, by its first bytes: UTF-8 where nothing speaks against it.

    Raises Unloadable for a file without text.
    """
    if head[0] in b"\xef\xff\xfe\x00":
        for mark, name in _MARKS:
            if head.startswith(mark):
                if len(head) == len(mark):
                    raise Unloadable("empty")
                return Encoding(name, len(mark))
    if b"\0" in head:
        return _without_mark(head)
    if head.startswith(_COMPRESSED):
        raise Unloadable(BINARY)
    return UTF_8


def _without_mark(head: bytes) -> Encoding:
    """Tell UTF-16 without a mark: in what is mostly Latin every other byte is a NUL, and no other is."""
    even, odd = head[0::2], head[1::2]
    for name, empty, full in (("utf-16-be", even, odd), ("utf-16-le", odd, even)):
        if len(head) >= 4 and empty.count(0) >= 0.7 * len(empty) and not full.count(0):
            return Encoding(name)
    raise Unloadable(BINARY)


def guess(descriptor: int) -> Encoding:
    """Return how to read a text that is not UTF-8, by what charset-normalizer makes of a sample.

    UTF-8 with a few wrong bytes stays UTF-8. The last resort, which takes everything, is Latin-1.
    """
    from charset_normalizer import from_bytes  # 50 ms that most loads need not spend

    sample = _strange(descriptor)
    as_utf_8 = sample.decode("utf-8", "replace")
    wrong = as_utf_8.count("\ufffd")
    if sum(char > "\x7f" for char in as_utf_8) > 4 * wrong:
        return Encoding("utf-8", damaged=True)
    found = from_bytes(sample, cp_isolation=[*_GUESSED], threshold=0.3)
    best = found.best()
    if best is not None:
        equal = [each for each in found if (each.chaos, each.coherence) == (best.chaos, best.coherence)]
        western = any("cp1252" in each.could_be_from_charset for each in equal)
        name = "cp1252" if western else best.encoding
        if _decodes(descriptor, name):
            return Encoding(codecs.lookup(name).name, guessed=True)
    name = "cp1252" if re.search(b"[\x80-\x9f]", sample) and _decodes(descriptor, "cp1252") else "iso8859-1"
    return Encoding(name, guessed=True)


def damaged(descriptor: int, encoding: Encoding) -> Encoding:
    """Return how to read a file that is not wholly what its mark says.

    Raises Unloadable for one that hardly is.
    """
    name, start = encoding.name.removesuffix("-sig"), encoding.start
    sample = os.pread(descriptor, _SAMPLE, start).decode(name, "replace")
    if 20 * sample.count("\ufffd") > len(sample):
        raise Unloadable("not decodable", failed=True)
    return replace(encoding, damaged=True)


def _strange(descriptor: int) -> bytes:
    """Return the part of a file that its encoding shows in."""
    position = 0
    while piece := os.pread(descriptor, PIECE, position):
        if not piece.isascii():
            first = re.search(b"[\x80-\xff]", piece)
            assert first is not None
            return os.pread(descriptor, _SAMPLE, max(0, position + first.start() - _SAMPLE // 8))
        position += len(piece)
    return b""


def _decodes(descriptor: int, name: str) -> bool:
    try:
        for _ in transcoded(descriptor, Encoding(name), None):
            pass
    except UnicodeDecodeError:
        return False
    return True


def pieces_of(descriptor: int, encoding: Encoding, limit: int | None, first: bytes = b"") -> Iterator[bytes]:
    """Yield a file's text as UTF-8, cut anywhere; where it claims to be UTF-8, as it is. `first`: its first bytes.

    Raises UnicodeDecodeError, and Unloadable when more than `limit` bytes come.
    """
    if encoding.damaged or encoding.name not in ("utf-8", "utf-8-sig"):
        yield from transcoded(descriptor, encoding, limit)
        return
    position, piece = len(first), first[encoding.start :]
    while piece:
        if limit is not None and position > limit:
            raise Unloadable("too large")
        yield piece
        piece = os.pread(descriptor, PIECE, position)
        position += len(piece)


def transcoded(descriptor: int, encoding: Encoding, limit: int | None) -> Iterator[bytes]:
    """Yield a file's text in pieces of UTF-8. Raises as `pieces_of` does."""
    name = encoding.name.removesuffix("-sig")  # its mark is not among what is decoded
    decoder = codecs.getincrementaldecoder(name)("replace" if encoding.damaged else "strict")
    position = encoding.start
    while chunk := os.pread(descriptor, PIECE, position):
        position += len(chunk)
        if limit is not None and position > limit:
            raise Unloadable("too large")
        yield decoder.decode(chunk).encode("utf-8")
    yield decoder.decode(b"", final=True).encode("utf-8")


def utf_8(text: str) -> bytes:
    """Return text as UTF-8; half of a surrogate pair, which UTF-8 has no room for, becomes U+FFFD."""
    try:
        return text.encode("utf-8")
    except UnicodeEncodeError:
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace").encode("utf-8")
