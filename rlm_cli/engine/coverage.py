"""Which documents the models have looked at: of whose own text at least a line was in what was sent to one.

Covered: lines as they stand, and as code shows them: indented anew, numbered, behind `path:12:`, quoted by repr, cut.
Not covered: what a model made of them, and pictures of a text such as counts, translations or single words.

A line is compared without its white space and without the signs at its beginning, and kept as a hash: Python's own,
which no text can be written against. Long lines count by their clauses too, since searches show pieces of them.
"""

import codecs
import re
from array import array
from collections.abc import Iterable, Iterator, Sequence

from rlm_cli.context import Context
from rlm_cli.results import Coverage

_OWN = 12
"""Bytes, white space not counted, from which a line can be a document's own: `else:` and `return x` say nothing."""
_LONG = 80
"""Bytes from which a line counts by its clauses too."""
_PIECE = 1 << 22
"""Characters of a document that are looked through together."""
_AT_ONCE = 1 << 19
"""Lines of which it is asked at once where else they stand."""

_WHITE_SPACE = b" \t\r\f\v"
_SIGNS = b"0123456789|:>+-*#'\"[](),."
"""At a line's beginning: what may as well be a number, a quotation mark or a bullet that was put before it."""
_CLAUSE = re.compile(rb"[^\n,;:.!?{}()<>\"'|kvxjqzKVXJQZ\x80]{20,}")
"""A stretch of a long line between two signs; in most scripts but Latin the byte stands for such."""
_PLACED = re.compile(rb":\d{1,9}(?:\([^\n)]{0,30}\))?:([^\n]+)")
"""A line behind its place: `src/a.py:12: ` as grep has it, `a.pdf:3 (p. 1): `."""
_SIGNED = re.compile(rb"\n[ \t]*+([|>\d][^\n]*)")
_NUMBERED = re.compile(rb"^(?:[|>][ \t]*+)?\d{1,9}[:|>)]?", re.MULTILINE)
_QUOTED = re.compile(rb"^[|>]", re.MULTILINE)
"""A line behind its number or a quotation mark: `| 12 `, `  41| `, `41: `, `> `. It matters for lines that are short or
begin with a number themselves; of others, signs at the beginning are no part anyway.
"""
_IN_BRACKETS = re.compile(rb"\n([\[({][^\n]*)")
_LISTED = re.compile(rb"""['"][,:](?:\d{1,9},)?['"]|(?:,|(?<=\[))[^\n,:|\[]{1,300}:\d{1,9}(?:\([^\n)]{0,30}\))?:""")
"""Between two lines of a list that was printed as one line: of texts, or of hits."""
_LIST_ENDS = re.compile(rb"""(?:['"][)\]}]*|\])$""", re.MULTILINE)


class Seen:
    """The lines of all text that was sent to a model."""

    def __init__(self) -> None:
        self.lines: set[int] = set()
        self._texts: set[int] = set()

    def add(self, text: str) -> None:
        """Note a text that goes to a model; the same text again costs nothing."""
        if hash(text) in self._texts:
            return
        self._texts.add(hash(text))
        raw = b"\n" + text.encode("utf-8", "replace")
        bare = b"\n".join(set(_bare(raw).split(b"\n")))
        self._note(bare)
        self._note(b"\n".join(_PLACED.findall(bare)))
        signed = b"\n".join(_SIGNED.findall(raw))
        self._note(_bare(_NUMBERED.sub(b"", signed)))
        self._note(_bare(_QUOTED.sub(b"", signed)))
        within = [*_IN_BRACKETS.findall(b"\n" + bare), *map(_unescaped, _lines_with(bare, b"\\n"))]
        if within:
            listed = _LISTED.sub(b"\n", b"\n".join(within))
            self._note(listed)
            self._note(_LIST_ENDS.sub(b"", listed))

    def _note(self, bare: bytes) -> None:
        cores = _cores(bare.split(b"\n"))
        self.lines.update(map(hash, cores))
        cut = [*(core for core in cores if len(core) >= _LONG), *_lines_with(bare, b"...")]
        self.lines.update(map(hash, _CLAUSE.findall(b"\n".join(cut))))


def coverage(context: Context, seen: Seen) -> Coverage:
    """Return how many documents were looked at, and the paths of the others.

    Looked at is a document of which a line was seen that stands in no other one. One that has no such line, a copy say,
    counts by any of its lines; by its short ones only where it has no others; and one without text counts in any case.
    """
    looked_at: set[int] = set()
    lines: list[array[int]] = []
    for number, pieces in _documents(context):
        long, counts = _lines_or_verdict(pieces, seen.lines)
        lines.append(long)
        if counts:
            looked_at.add(number)
    of_one, of_any = _documents_with(seen.lines, lines)
    doubtful = of_any - of_one
    looked_at |= of_one | (doubtful - _with_own_lines(lines, doubtful))
    unseen = (document.path for number, document in enumerate(context.documents) if number not in looked_at)
    return Coverage(len(context.documents), len(looked_at), tuple(unseen))


def _lines_or_verdict(pieces: Iterable[bytes], seen: set[int]) -> tuple["array[int]", bool]:
    """Return the lines of a document that can be its own; if none can, also whether it counts as looked at."""
    found = array("q")
    blank, short_seen = True, False
    for piece in pieces:
        long, short = _lines_of(piece)
        found.extend(set(map(hash, long)))
        blank = blank and not (long or short)
        short_seen = short_seen or not seen.isdisjoint(map(hash, short))
    return found, blank or (short_seen and not found)


def _documents_with(wanted: set[int], lines: Sequence[Sequence[int]]) -> tuple[set[int], set[int]]:
    """Return the documents that have one of these lines to themselves, and those that have any of them."""
    owner: dict[int, int] = {}
    having = set()
    for number, those in enumerate(lines):
        for line in wanted.intersection(those):
            owner[line] = number if owner.get(line, number) == number else -1
            having.add(number)
    return set(owner.values()) - {-1}, having


def _with_own_lines(lines: Sequence[Sequence[int]], doubtful: set[int]) -> set[int]:
    """Return those of the documents that have a line which stands in no other."""
    own: set[int] = set()
    wanted: set[int] = set()
    for left, number in enumerate(sorted(doubtful), 1 - len(doubtful)):
        wanted.update(lines[number])
        if len(wanted) >= _AT_ONCE or not left:
            own |= _documents_with(wanted, lines)[0]
            wanted.clear()
    return own & doubtful


def _lines_of(piece: bytes) -> tuple[list[bytes], list[bytes]]:
    """Return the lines that can be a document's own, with the clauses of long ones, and, if none can, the short."""
    lines = piece.split(b"\n")
    long = _cores([line for line in lines if len(line) >= _OWN])
    if not long:
        return long, [line for line in lines if line]
    if longest := [line for line in long if len(line) >= _LONG]:
        long += _CLAUSE.findall(b"\n".join(longest))
    return long, []


def _cores(lines: Iterable[bytes]) -> list[bytes]:
    """Return lines without the signs at their beginning, where enough is left then."""
    return [core if len(core := line.lstrip(_SIGNS)) >= _OWN else line for line in lines]


def _lines_with(bare: bytes, sign: bytes) -> Iterator[bytes]:
    """Yield the lines that hold `sign`."""
    at = bare.find(sign)
    while at >= 0:
        end = bare.find(b"\n", at)
        end = end if end >= 0 else len(bare)
        yield bare[bare.rfind(b"\n", 0, at) + 1 : end]
        at = bare.find(sign, end)


def _bare(text: bytes) -> bytes:
    """Return text without white space but newlines."""
    return text.translate(None, _WHITE_SPACE)


def _unescaped(line: bytes) -> bytes:
    """Return what a line spells that holds a text as repr or JSON has it."""
    for spelled, plain in ((b"\\n", b"\n"), (b"\\t", b""), (b"\\r", b""), (b"\\'", b"'"), (b'\\"', b'"')):
        line = line.replace(spelled, plain)
    return line.replace(b"\\\\", b"\\")


def _documents(context: Context) -> Iterator[tuple[int, Iterator[bytes]]]:
    """Yield the number of each document and its bare text in pieces, cut at lines if possible."""
    reader = _Reader(context)
    for number, document in enumerate(context.documents):
        yield number, reader.between(document.span.start, document.span.end)


class _Reader:
    """Reads the text from front to back: to reach a place in it anew costs more than the text of most documents."""

    def __init__(self, context: Context) -> None:
        self._pieces = context.pieces()
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._text = ""
        self._start = 0
        """Character of the context at which `_text` begins."""

    def between(self, start: int, end: int) -> Iterator[bytes]:
        """Yield the bare text of these characters."""
        while start < end:
            self._forget(start)
            while self._start + len(self._text) < min(end, start + _PIECE):
                if (piece := next(self._pieces, None)) is None:
                    return
                self._text += self._decoder.decode(piece)
                self._forget(start)
            first, last = start - self._start, min(end, start + _PIECE) - self._start
            if start + _PIECE < end:
                last = self._text.rfind("\n", first, last) + 1 or last
            yield _bare(self._text[first:last].encode("utf-8", "replace"))
            start = self._start + last

    def _forget(self, start: int) -> None:
        """Drop what lies before `start`."""
        passed = min(start - self._start, len(self._text))
        if passed > len(self._text) // 2:
            self._text, self._start = self._text[passed:], self._start + passed
