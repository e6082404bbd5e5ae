"""A line of JSON that says itself whether it is as it was written: disks and hands change bytes, and a reply that was
changed would be worse than one that is lost.

    {"crc": "9f86d081", "told": ...}
"""

import binascii
import json
from typing import Any

_HEAD = b'{"crc": "%08x", '
_HEAD_LENGTH = len(_HEAD % 0)


def sealed(plain: dict[str, Any]) -> bytes:
    """Return one line for an object that is not empty."""
    rest = json.dumps(plain, ensure_ascii=True).encode()[1:]
    return _HEAD % binascii.crc32(rest) + rest + b"\n"


def opened(line: bytes) -> bytes | None:
    """Return the JSON of a line without its seal; None where it is not as it was written."""
    rest = line[_HEAD_LENGTH:-1]
    return b"{" + rest if line[:_HEAD_LENGTH] == _HEAD % binascii.crc32(rest) else None
