"""GitHub's hash of a line and what follows it, by which its alerts are told apart when lines move.

For the beginning of each line: the next 100 UTF-16 units that are no blank or tab, as a number to the base 37, modulo
2^64, in hex; then `:n`, the n-th line of the file with that hash. CR and CR LF count as LF; the text ends with a unit
65535 and zeros. Not covered: where GitHub's own lines differ from ours (a CR alone ends one of theirs, not of ours):
ours has the hash of the first of theirs.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator

_UNITS = 100
_END = "\uffff"
_BASE, _MODULUS = 37, 1 << 64
_WIDE = re.compile("[\U00010000-\U0010ffff]")


def line_hashes(text: str, lines: Iterable[int]) -> dict[int, str]:
    """Return line (from 1) -> its hash, for those of `lines` that the text has."""
    plain = _squeezed(text)
    padded = plain + _END + "\0" * _UNITS
    wanted = set(lines)
    windows = {
        number: padded[start : start + _UNITS] for number, start, own in _starts(text) if own and number in wanted
    }
    asked = set(windows.values())
    counts: Counter[str] = Counter()
    hashes = {}
    # Equal text, not equal hashes, is counted: the two differ for texts made for it alone.
    for number, start, own in _starts(text):
        window = padded[start : start + _UNITS]
        if window in asked:
            counts[window] += 1
            if own and number in wanted:
                hashes[number] = f"{_hash(window):x}:{counts[window]}"
    return hashes


def _squeezed(text: str) -> str:
    """Return what is hashed of a text, as units: a character beyond U+FFFF as its two surrogates."""
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace(" ", "").replace("\t", "")
    return _WIDE.sub(lambda wide: "".join(_surrogates(ord(wide[0]) - 0x10000)), text)


def _surrogates(code: int) -> tuple[str, str]:
    return chr(0xD800 + (code >> 10)), chr(0xDC00 + (code & 0x3FF))


def _starts(text: str) -> Iterator[tuple[int, int, bool]]:
    """Yield (our line from 1, unit at which a line of GitHub's begins, whether it is the first in ours)."""
    position = 0
    for number, line in enumerate(text.split("\n"), 1):
        units = _squeezed(line.removesuffix("\r"))  # the CR of CR LF; the LF is counted below
        own = True
        for part in units.split("\n"):
            yield number, position, own
            own = False
            position += len(part) + 1


def _hash(window: str) -> int:
    value = 0
    for unit in window:
        value = (value * _BASE + ord(unit)) % _MODULUS
    return value
