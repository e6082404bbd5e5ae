"""Where the secrets of a text begin and end: what redaction hides.

Covered: the kinds of secret_kinds.py, whole: a key's block to its last line, a token to its last character; the AWS
secret beside an access key id; the values that names tell (secret_values.py). Not covered: what becomes of them
(redaction.py).
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from rlm_cli.needles import Needles
from rlm_cli.secret_kinds import FURTHER, KINDS, Kind, is_made_up
from rlm_cli.secret_values import READERS
from rlm_cli.secrets import hides, matches

_RANK = {kind.name: number for number, kind in reversed([*enumerate((*KINDS, *FURTHER))])}
"""Which kind a secret is of that could be of two."""
_BEFORE = 512
"""Bytes before a secret in which there is what tells it."""
_BLOCK = 4096
"""Bytes searched at once: few, for a longer text has nearly all of the words that are searched for."""
LONGEST = 32_768
"""Bytes from the beginning of a secret to its end: of a longer one the rest is not seen as part of it."""

_BLOCK_END = re.compile(rb"-----END (?:[A-Z0-9]{2,10} ){0,2}PRIVATE KEY(?: BLOCK)?-----")
_LINES = re.compile(rb"(?:(?:\\+[nrt]|[\s\"'+,;\\>#*/|]){0,80}+[A-Za-z0-9+/]{16,}={0,2})*")
"""Of a block whose end is not there."""
_RUN = re.compile(rb"\\+[nrt]|([A-Za-z0-9+/=]{6,})")
_PUTTY_END = re.compile(rb"\n(?:Private-(?:MAC|Hash)|[\w-]+:)")
_REST = re.compile(rb"[A-Za-z0-9_-]*={0,2}")
_BESIDE = re.compile(rb"(?<![A-Za-z0-9/+=])([A-Za-z0-9/+]{40})(?![A-Za-z0-9/+=])")
"""The shape of an AWS secret, which does not say what it is."""
_NEAR = 300
"""Bytes from an access key id on in which its secret stands."""


@dataclass(frozen=True, slots=True)
class Span:
    """A secret in a text."""

    kind: str
    pieces: tuple[tuple[int, int], ...]
    """(start, end) of what is to be hidden: the lines of a key are hidden one by one."""
    core: int = 0
    """Where in all pieces together that begins which others of its kind do not have."""
    spreads: bool = True
    """It is to be hidden wherever else it stands, and parts of it."""

    @property
    def start(self) -> int:
        return self.pieces[0][0]

    def value(self, text: bytes) -> bytes:
        return b"".join(text[start:end] for start, end in self.pieces)


def spans_in(text: bytes, first: int = 0, last: int | None = None) -> Iterator[Span]:
    """Yield the secrets that begin between two places of a text, in order, none within another."""
    last = len(text) if last is None else last
    reached = first
    before = max(0, first - _BEFORE)
    for span in sorted(
        _seen(text, before, last), key=lambda span: (span.start, -span.pieces[-1][1], _RANK.get(span.kind, len(_RANK)))
    ):
        if reached <= span.start < last:
            yield span
            reached = span.pieces[-1][1]


@cache
def _needles() -> tuple[Needles, dict[bytes, list[tuple[bytes, Kind | None]]]]:
    """Return what is searched for, and the needles, with their kinds, to look for where one of them stands."""
    shaped: list[tuple[bytes, Kind | None]] = [
        (needle.encode(), kind) for kind in (*KINDS, *FURTHER) for needle in kind.needles
    ]
    each = [*shaped, *((needle, None) for needle in READERS)]
    words = list(dict.fromkeys(needle for needle, _ in each))
    return Needles(words), {
        word: [(needle, kind) for needle, kind in each if hides(word, needle, kind)] for word in words
    }


def _seen(text: bytes, first: int, last: int) -> list[Span]:
    """Return what begins between two places or stands by what does, in no order; some twice."""
    needles, standing_for = _needles()
    found: list[Span] = []
    for start, end, words in needles.blocks(text, first, last, _BLOCK):
        for word in words:
            for needle, kind in standing_for[word]:
                if kind is None:
                    _add_named(found, text, needle, start, end)
                else:
                    _add_shaped(found, text, needle, kind, start, end)
    return found


def _add_shaped(found: list[Span], text: bytes, needle: bytes, kind: Kind, first: int, last: int) -> None:
    for match in matches(text, needle, kind, first, last, LONGEST):
        found.append(_whole(text, kind.name, match))
        if kind.name == "AWS access key id":
            found += _aws_secret(text, match.end())


def _add_named(found: list[Span], text: bytes, needle: bytes, first: int, last: int) -> None:
    shape, read = READERS[needle]
    length = len(needle)
    last += length - 1
    at = text.find(needle, first, last)
    while at >= 0:
        match = shape.match(text, at)
        if match is not None:
            found += [Span(each.kind, ((each.start, each.end),), 0, each.spreads) for each in read(text, match)]
        at = text.find(needle, at + length, last)


def _whole(text: bytes, kind: str, match: re.Match[bytes]) -> Span:
    core = match.start(1)
    if kind == "private key":
        closed = _BLOCK_END.search(text, core, core + LONGEST)
        end = closed.start() if closed else _LINES.match(text, core).end()  # type: ignore[union-attr]  # it may be empty
        return Span(kind, _runs(text, core, end))
    if kind == "PuTTY private key":
        closed = _PUTTY_END.search(text, core, core + LONGEST)
        return Span(kind, _runs(text, core, closed.start() if closed else match.end()))
    end = _REST.match(text, match.end()).end()  # type: ignore[union-attr]
    return Span(kind, ((match.start(), end),), core - match.start())


def _runs(text: bytes, start: int, end: int) -> tuple[tuple[int, int], ...]:
    return tuple(run.span(1) for run in _RUN.finditer(text, start, end) if run[1])


def _aws_secret(text: bytes, start: int) -> Iterator[Span]:
    for match in _BESIDE.finditer(text, start, start + _NEAR):
        value = match[1]
        if re.search(rb"\d", value) and re.search(rb"[a-z]", value) and re.search(rb"[A-Z]", value):
            if not is_made_up(value):
                yield Span("AWS secret access key", (match.span(1),))
            return
