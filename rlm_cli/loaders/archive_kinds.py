"""Tells archives by how they begin.

Covered: zip and what is one (jar, wheel, egg), tar, gzip, bzip2, xz, zstandard, tars in these. Not covered: what is a
zip to its makers only (office files, EPUB): whoever names one means the text in it; 7z and rar, which are binary here.
"""

import struct

_COMPRESSED = (
    ("gz", (b"\x1f\x8b\x08",), (".tar.gz", ".tgz", ".taz")),
    ("bz2", tuple(b"BZh%d1AY&SY" % level for level in range(1, 10)), (".tar.bz2", ".tbz2", ".tbz", ".tb2")),
    ("xz", (b"\xfd7zXZ\0",), (".tar.xz", ".txz")),
    ("zst", (b"\x28\xb5\x2f\xfd",), (".tar.zst", ".tzst")),
)
"""Kind, how it begins, how the name of a tar in it ends."""
_ZIPS = (".zip", ".jar", ".war", ".ear", ".whl", ".egg", ".pyz")
"""Names of zips that may begin with something else: a program that unpacks them."""
_OFFICE = (".docx", ".xlsx", ".pptx", ".docm", ".xlsm", ".pptm", ".odt", ".ods", ".odp", ".odg", ".epub")
_OFFICE_FIRST = (b"[Content_Types].xml", b"mimetype", b"_rels/.rels")
"""The first member of a zip that is an office file or a book."""
_BLOCK = 512


def archive_kind(head: bytes, name: str) -> str | None:
    """Return what a file is (`zip`, `tar`, `gz`, `tar.gz`, ...) by its first 512 bytes; None: no archive."""
    lower = name.lower()
    for kind, marks, tars in _COMPRESSED:
        if head.startswith(marks):
            return f"tar.{kind}" if lower.endswith(tars) else kind
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08")):
        return None if lower.endswith(_OFFICE) or _first_member(head).startswith(_OFFICE_FIRST) else "zip"
    if head.startswith((b"MZ", b"#!")) and lower.endswith(_ZIPS):
        return "zip"
    return "tar" if _is_tar(head[:_BLOCK], lower.endswith(".tar")) else None


def _first_member(head: bytes) -> bytes:
    (length,) = struct.unpack_from("<H", head.ljust(30, b"\0"), 26)
    return head[30 : 30 + length]


def _is_tar(block: bytes, named: bool) -> bool:
    """Tell by the mark; older ones, and empty ones, have none: these have to be named so, too."""
    if block[257:262] == b"ustar":
        return True
    if not named or len(block) < _BLOCK:
        return False
    return _sum_is_right(block) or not block.strip(b"\0")


def _sum_is_right(block: bytes) -> bool:
    try:
        return int(block[148:156].strip(b" \0") or b"0", 8) == sum(block) - sum(block[148:156]) + 8 * ord(" ")
    except ValueError:
        return False
