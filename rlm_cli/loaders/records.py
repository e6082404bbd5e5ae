"""Where the records of JSON, JSON lines and CSV begin, told from the text as it stands: nothing of it is changed.

Covered: an array of objects, alone or the main part of an object (`{"messages": [...]}`), values one after another, one
value a line; rows of a table. Not covered: what is in a record (the root model parses what it needs).

Works on UTF-8 in pieces, by brackets and quotation marks: nothing is built of the values, so that nothing in a hostile
file can take more than its own size, and nesting has no cost.
"""

import csv
import json
import re
from array import array
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from rlm_cli.loaders.decoding import PIECE

Read = Callable[[int, int], bytes]
"""(start, size) -> bytes of the document's text."""

JSON_LINES = ("jsonl", "ndjson", "jsonlines")
_TABLES = ("csv", "tsv")
_PLAIN = ("text", "txt", "log")
"""Kinds that may hold JSON without saying so: what comes by a pipe, logs."""
_TRIED = 1 << 20
"""Bytes of a text, or of its first record, that is tried to be parsed."""
_OUTERMOST = 5
"""Levels at which the array that holds the records is looked for."""
_DEEPEST = 10_000
"""Levels of what is still taken for JSON; Python's parser gives up long before."""
_BETWEEN_BRACKETS = re.compile(rb'(?:[^"\[\]{}]++|"(?:[^"\\]++|\\.)*+")*+', re.DOTALL)
_REST_OF_STRING = re.compile(rb'(?:[^"\\]++|\\.)*+("?)', re.DOTALL)
_NUMBER = re.compile(r"\s*[-+]?[\d.,]+%?\s*")

csv.field_size_limit(1 << 30)


class NotRecords(Exception):
    """The text is not what its name says."""


def may_have_records(kind: str, first: bytes) -> bool:
    """Say whether a text of this kind, with these first bytes, is worth looking at."""
    return kind in JSON_LINES or kind == "json" or kind in _TABLES or (kind in _PLAIN and first[:1] in (b"{", b"["))


def record_starts(kind: str, read: Read) -> "array[int] | None":
    """Return at which bytes the records of a text of this kind begin; None where it has none.

    Raises NotRecords for a text that is no JSON although its kind says so.
    """
    if kind in JSON_LINES:
        return _lines(read)
    if kind == "json":
        return _values(read)
    if kind in _TABLES:
        return _rows(read, "\t" if kind == "tsv" else None)
    if kind in _PLAIN:
        try:
            # A single line of them would do for both; JSON lines have no other reading.
            return _lines(read) if _is_json(read(0, _TRIED).split(b"\n", 1)[0]) else _values(read)
        except NotRecords:
            return None
    return None


def _is_json(text: bytes) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def _pieces(read: Read) -> Iterator[tuple[int, bytes]]:
    position = 0
    while piece := read(position, PIECE):
        yield position, piece
        position += len(piece)


# --- one a line ---------------------------------------------------------------------------------------------------


def _lines(read: Read) -> "array[int]":
    """Return the lines that hold something. Raises NotRecords when hardly any is a JSON value by its ends."""
    starts, wrong = array("Q"), 0
    for start, line in _whole_lines(read):
        found = line.strip()
        if not found:
            continue
        starts.append(start)
        wrong += (found[:1] + found[-1:]) not in (b"{}", b"[]", b'""') and not _is_json(found)
    if not starts or 10 * wrong > len(starts) or not _is_json(read(starts[0], _TRIED).split(b"\n", 1)[0]):
        raise NotRecords
    return starts


def _whole_lines(read: Read) -> Iterator[tuple[int, bytes]]:
    """Yield (byte, line without its newline)."""
    begun: list[bytes] = []
    at = 0
    for position, piece in _pieces(read):
        lines = piece.split(b"\n")
        begun.append(lines[0])
        for line in lines[1:]:
            whole = b"".join(begun)
            yield at, whole
            at += len(whole) + 1
            begun = [line]
        assert at <= position + len(piece)
    if any(begun):
        yield at, b"".join(begun)


# --- brackets -----------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Array:
    """An array with objects around it at most, which may be the one that holds the records."""

    start: int
    elements: "array[int]" = field(default_factory=lambda: array("Q"))
    """Where those of its elements begin that are arrays or objects."""


def _values(read: Read) -> "array[int] | None":
    head = read(0, _TRIED + 1)
    if len(head) <= _TRIED and not _is_json(head) and not _several(head):
        raise NotRecords
    brackets, outer = bytearray(), list[_Array | None]()
    values, longest, elements, size = array("Q"), 0, array("Q"), 0
    for position, bracket in _brackets(read):
        depth = len(brackets)
        if bracket in b"[{":
            if not depth:
                values.append(position)
            if depth <= _OUTERMOST:
                holding = outer[-1] if outer else None
                if holding is not None:
                    holding.elements.append(position)
                listed = bracket == 0x5B and depth < _OUTERMOST and 0x5B not in brackets
                outer.append(_Array(position) if listed else None)
            if depth >= _DEEPEST:
                raise NotRecords
            brackets.append(bracket)
            continue
        if not depth or brackets.pop() != bracket - 2:
            raise NotRecords
        size = position + 1
        if depth <= _OUTERMOST + 1:
            closed = outer.pop()
            if closed is not None and closed.elements and position - closed.start > longest:
                longest, elements = position - closed.start, closed.elements
    if brackets or (len(head) > _TRIED and not values):
        raise NotRecords
    if len(values) > 1:
        return values
    return elements if 2 * longest > size else None


def _several(text: bytes) -> bool:
    """Say whether a text is several JSON values, one after another."""
    decoder, rest = json.JSONDecoder(), text.decode("utf-8", "replace").strip()
    try:
        for _ in range(2):
            _, end = decoder.raw_decode(rest)
            rest = rest[end:].lstrip()
    except (ValueError, RecursionError):
        return False
    return True


def _brackets(read: Read) -> Iterator[tuple[int, int]]:
    """Yield (byte, bracket) of all that stand outside of strings."""
    carried, in_string = b"", False
    for position, piece in _pieces(read):
        piece, base, at = carried + piece, position - len(carried), 0
        carried = b""
        while at < len(piece):
            if in_string:
                rest = _REST_OF_STRING.match(piece, at)
                assert rest is not None
                in_string, at = not rest[1], rest.end()
                if in_string:
                    carried = piece[at:]  # a backslash whose character comes with the next piece, or nothing
                    break
            between = _BETWEEN_BRACKETS.match(piece, at)
            assert between is not None
            at = between.end()
            if at == len(piece):
                break
            if piece[at] == 0x22:
                in_string = True
            else:
                yield base + at, piece[at]
            at += 1
    if in_string:
        raise NotRecords


# --- tables -------------------------------------------------------------------------------------------------------


def _rows(read: Read, delimiter: str | None) -> "array[int] | None":
    """Return where rows begin, without the header's, and without rows that are empty."""
    head = read(0, _TRIED).split(b"\n", 1)[0].decode("latin-1")
    delimiter = delimiter or max(",;\t|", key=head.count)
    starts, begins = array("Q"), array("Q", [0])

    def lines() -> Iterator[str]:
        # One character a byte: all that matters here is ASCII.
        for start, line in _whole_lines(read):
            begins.append(start + len(line) + 1)
            yield line.decode("latin-1") + "\n"

    first: list[str] | None = None
    reader, begin = csv.reader(lines(), delimiter=delimiter), 0
    try:
        for row in reader:
            if row:
                if first is None:
                    first = row
                starts.append(begins[begin])
            begin = reader.line_num
    except csv.Error as error:
        raise NotRecords from error
    if first is not None and is_header(first):
        del starts[0]
    return starts or None


def is_header(row: list[str]) -> bool:
    """Tell the names of columns from values: none is empty or a number, and all differ."""
    named = all(cell.strip() and not _NUMBER.fullmatch(cell) for cell in row)
    return named and len(set(row)) == len(row)
