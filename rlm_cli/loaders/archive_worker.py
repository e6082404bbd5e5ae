"""The child that reads archives: a process within walls, since an archive may turn its reader against it.

    python -I -B archive_worker.py SOCKET PARENT

Its life, and the walls, are walled.py's. It gets an archive and what is asked of it, and goes through it once, front to
back. It answers with frames of `entries`, each a list that begins with its kind, and the bytes these announce:

    take NAME SIZE      a whole file: SIZE of the frame's bytes, in the order of the entries
    begin NAME          a large file; its bytes follow, `more SIZE` at a time, until `end WHY` (null: it is whole)
    only NAME           likewise, for what is compressed and no archive, of any size; "": it says no name
    link NAME TARGET    a file with the content of one that came before
    skip NAME WHY       a file that is not read
    note WHAT           something odd about the archive
    stop WHY            the last entry; null: the archive is whole

Covered: zip, with all methods of the standard library; tar; gzip, bzip2, xz and zstandard, around a tar or one file.
Not covered: decryption; names (told as they are), which files are wanted, checks on what is said here (unpacking.py).
"""

import codecs
import contextlib
import importlib.util
import io
import resource
import stat
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from typing import Any

_LARGE = 1 << 20
"""Files beyond are told in pieces."""
_ENTRIES = 200
"""Told in one frame."""
_NAMED = ("take", "begin", "only", "link", "skip")
_LONGEST_NAME = 4_096
_BLOCK = 512
_ENCRYPTED, _SIZES_BEHIND, _UTF_8 = 0x1, 0x8, 0x800
"""Flags of a zip's entry."""
_DEFLATED = 8
_LOCAL, _BEHIND = b"PK\x03\x04", b"PK\x07\x08"
_LOCAL_HEAD = struct.Struct("<2xHH4xLLLHH")

Told = Iterator[tuple[list[Any], bytes]]


def _beside(name: str) -> Any:
    """Load a file of this folder by its place."""
    spec = importlib.util.spec_from_file_location(name, f"{__file__.rpartition('/')[0]}/{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


_streams = _beside("archive_streams")


def _read(file: Any, asked: dict[str, Any]) -> Iterator[tuple[dict[str, Any], bytes]]:
    entries: list[list[Any]] = []
    contents: list[bytes] = []
    size = 0
    for entry, content in _archive(file, asked):
        entries.append(entry)
        contents.append(content)
        size += len(content)
        if size >= _streams.PIECE or len(entries) == _ENTRIES:
            yield {"entries": entries}, b"".join(contents)
            entries, contents, size = [], [], 0
    yield {"entries": entries}, b"".join(contents)


def _archive(file: Any, asked: dict[str, Any]) -> Told:
    why = None
    try:
        read = _zip if asked["kind"] == "zip" else _compressed
        yield from _checked(read(file, asked), asked["members"])
    except _streams.Refused as refused:
        why = refused.why
    except MemoryError:
        why = "memory"
    except Exception as error:  # noqa: BLE001 - whatever hostile bytes bring about is damage
        why = "memory" if "memory" in str(error).lower() else "damaged"
    yield ["stop", why], b""


def _checked(told: Told, members: int) -> Told:
    """Tell no more files than that, and none of them by a name beyond all measure."""
    count, long = 0, False
    for entry, content in told:
        if entry[0] in _NAMED:
            count += 1
            if count > members:
                raise _streams.Refused("members")
            long = len(entry[1]) > _LONGEST_NAME
            if long:
                yield ["skip", entry[1][:_LONGEST_NAME], "name too long"], b""
                continue
        # Nor what follows, of a large one.
        if not long or entry[0] == "note":
            yield entry, content


def _content(name: str, size: int, read: Callable[[int], bytes]) -> Told:
    """Tell a file of that size. Where it is damaged, say so and raise."""
    large = size > _LARGE
    if large:
        yield ["begin", name], b""
    pieces, left = [], size
    try:
        while left:
            piece = read(min(left, _streams.PIECE))
            if not piece:
                raise EOFError
            left -= len(piece)
            if large:
                yield ["more", len(piece)], piece
            else:
                pieces.append(piece)
    except Exception:
        yield (["end", "damaged"] if large else ["skip", name, "damaged"]), b""
        raise
    yield (["end", None], b"") if large else (["take", name, size], b"".join(pieces))


# --- zip ----------------------------------------------------------------------------------------------------------


def _zip(file: Any, asked: dict[str, Any]) -> Told:
    try:
        archive = zipfile.ZipFile(file)
    except MemoryError:
        raise
    except Exception:  # noqa: BLE001 - its directory is missing, or no directory
        yield from _salvaged(file, asked["most"])
        raise _streams.Refused("damaged") from None
    infos = archive.infolist()
    if len(infos) > asked["members"]:
        raise _streams.Refused("members")
    if any(info.volume for info in infos):
        raise _streams.Refused("split")
    places = sorted(infos, key=lambda info: info.header_offset)
    ends = [each.header_offset + _LOCAL_HEAD.size + 4 + len(each.orig_filename) + each.compress_size for each in places]
    starts = [*(each.header_offset for each in places[1:]), archive.start_dir]
    if any(end > start for end, start in zip(ends, starts, strict=False)):
        raise _streams.Refused("overlap")
    if places and places[0].header_offset:
        yield ["note", "before"], b""
    for info in infos:
        yield from _zipped(archive, info, asked["most"])


def _zipped(archive: zipfile.ZipFile, info: zipfile.ZipInfo, most: int) -> Told:
    name, kind = _zip_name(info.filename, info.flag_bits), stat.S_IFMT(info.external_attr >> 16)
    if info.is_dir() and not info.file_size:
        return
    why = None
    if kind == stat.S_IFLNK:
        why = "link"
    elif info.is_dir() or kind not in (0, stat.S_IFREG):
        why = "not a regular file"
    elif info.flag_bits & _ENCRYPTED:
        why = "encrypted"
    elif info.file_size > most:
        why = "too large"
    else:
        try:
            with archive.open(info) as member:
                # It says itself when it is damaged, and the next one may not be.
                with contextlib.suppress(Exception):
                    yield from _content(name, info.file_size, member.read)
                return
        except NotImplementedError:
            why = "unknown compression"
        except Exception:  # noqa: BLE001 - as above
            why = "damaged"
    yield ["skip", name, why], b""


def _zip_name(name: str, flags: int) -> str:
    """Return a name as it was meant: many are UTF-8 and do not say so."""
    if not flags & _UTF_8 and not name.isascii():
        with contextlib.suppress(UnicodeError):
            return name.encode("cp437").decode("utf-8")
    return name


def _salvaged(file: Any, most: int) -> Told:
    """Tell the files that stand in a zip before its damage: its directory comes last, and is missing."""
    file.seek(0)
    while file.read(4) == _LOCAL:
        flags, method, crc, packed, size, name_length, extra_length = _LOCAL_HEAD.unpack(file.read(_LOCAL_HEAD.size))
        raw = file.read(name_length)
        name = _zip_name(raw.decode("utf-8" if flags & _UTF_8 else "cp437", "surrogateescape"), flags)
        file.seek(extra_length, io.SEEK_CUR)
        known = not flags & _SIZES_BEHIND
        if flags & _ENCRYPTED or method not in (0, _DEFLATED) or (method == 0 and not known):
            yield ["skip", name, "encrypted" if flags & _ENCRYPTED else "damaged"], b""
            if not known:
                return
            file.seek(packed, io.SEEK_CUR)
            continue
        content = bytearray()
        size = 0
        try:
            for piece in _stored(file, packed) if method == 0 else _streams.decoded(file, _streams.Inflating(-15)):
                size += len(piece)
                content += piece if size <= most else b""
            if not known:
                crc = _crc_behind(file)
            if size <= most and zlib.crc32(content) != crc:
                raise ValueError
        except Exception:
            yield ["skip", name, "damaged"], b""
            raise
        if size > most:
            yield ["skip", name, "too large"], b""
        elif not name.endswith("/"):
            yield from _content(name, size, io.BytesIO(content).read)


def _stored(file: Any, size: int) -> Iterator[bytes]:
    while size:
        piece = file.read(min(size, _streams.PIECE))
        if not piece:
            raise EOFError
        size -= len(piece)
        yield piece


def _crc_behind(file: Any) -> int:
    """Read what follows a file whose sizes were not known before: a mark that may be missing, checksum, sizes."""
    head = file.read(4)
    (crc,) = struct.unpack("<L", file.read(4) if head == _BEHIND else head)
    file.seek(8, io.SEEK_CUR)
    following = file.read(4)
    # Sizes are twice as long in a large zip.
    file.seek(-len(following) if following[:2] == b"PK" else 8 - len(following), io.SEEK_CUR)
    return int(crc)


def _compressed(file: Any, asked: dict[str, Any]) -> Told:
    stream = _streams.Stream(file, asked)
    head = stream.peek(_BLOCK)
    if _streams.is_tar(head) or (asked["kind"].startswith("tar") and head and not head.strip(b"\0")):
        yield from _tar(stream, asked["most"])
    elif asked["kind"].startswith("tar"):
        stream.read(_BLOCK)
        raise _streams.Refused("damaged" if asked["kind"] == "tar" else "no tar")
    else:
        yield ["only", _streams.inner_name(file) if asked["kind"] == "gz" else ""], b""
        yield from _single(stream)
    if stream.trailing:
        yield ["note", "after"], b""


def _single(stream: Any) -> Told:
    try:
        while piece := stream.piece():
            yield ["more", len(piece)], piece
    except Exception:
        # What came before the damage is worth reading.
        yield ["end", None], b""
        raise
    yield ["end", None], b""


# --- tar ----------------------------------------------------------------------------------------------------------


def _tar(stream: Any, most: int) -> Told:
    archive: Any = tarfile.TarFile(fileobj=stream, encoding="utf-8", errors="surrogateescape")
    while (member := archive.next()) is not None:
        archive.members.clear()
        if member.islnk():
            yield ["link", member.name, member.linkname[:_LONGEST_NAME]], b""
        elif member.issym():
            yield ["skip", member.name, "link"], b""
        elif not member.isreg():
            if not member.isdir():
                yield ["skip", member.name, "not a regular file"], b""
        elif member.size > most:
            yield ["skip", member.name, "too large"], b""
        elif member.size < 0:
            raise tarfile.ReadError("less than nothing")
        else:
            read = archive.extractfile(member).read if member.issparse() else stream.read
            yield from _content(member.name, member.size, read)
    # tarfile takes damage between files for the end.
    if not stream.last:
        yield ["note", "no end"], b""
    elif stream.last != bytes(_BLOCK):
        raise _streams.Refused("damaged")
    while piece := stream.piece():
        stream.trailing = stream.trailing or piece.count(0) != len(piece)


if __name__ == "__main__":
    codecs.lookup("cp437")  # of a zip's names
    walled = _beside("walled")
    walled.serve(_read, walled.LIMITS | {resource.RLIMIT_AS: 2 << 30})
