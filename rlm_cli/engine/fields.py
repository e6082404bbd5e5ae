"""The fields of records: keys and columns with their types, how often they are there, the span of what they hold.

Covered: JSON records with one level inside them, rows of tables; learnt from records evenly chosen, which is said. What
comes from the text is quoted and cut, so that no name of a key can pass for a line of the description.
"""

import csv
import io
import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from rlm_cli.context import Context
from rlm_cli.engine.pages import counted
from rlm_cli.types import Document

PROBED = 200
"""Records that are looked at."""
RECORD = 20_000
"""Characters of a record that are looked at; longer JSON is counted as not read."""
VALUE = 200_000
"""Characters of a single value that are looked at."""
_SHOWN = 24
"""Fields that are named."""
_KNOWN = 500
"""Fields that are told apart."""
_ITEMS = 20
"""Items of a list that are looked at."""
_NAME = 40
_VALUE = 24
_FEW = 6
"""Distinct texts of a field that are all named, where each is there several times."""
_LARGEST = 10**18
_DATE = re.compile(r"\d{4}-\d\d-\d\d(?=$|[T ])")


def quoted(text: str, most: int = _VALUE) -> str:
    """Return a text as Python writes it, cut: no sign of it ends a line or the quotation."""
    return repr(text if len(text) <= most else text[:most] + "...")


def named(text: str) -> str:
    """Return a name as it stands where it is a plain word, or several with dots between; else quoted."""
    return text if len(text) <= _NAME and re.fullmatch(r"\w[\w.\-\[\]]*", text) else quoted(text, _NAME)


@dataclass(slots=True)
class Field:
    """What one key or column holds, as far as it was looked at."""

    kinds: Counter[str] = field(default_factory=Counter)
    texts: Counter[str] = field(default_factory=Counter)
    """At most one more than are named."""
    numbers: list[float] = field(default_factory=list)
    """The least and the greatest."""
    dates: list[str] = field(default_factory=list)
    """The first and the last."""
    undated: int = 0
    """Texts that are no date."""
    lists_of: Counter[str] = field(default_factory=Counter)

    def take(self, value: Any) -> None:
        kind = "None" if value is None else type(value).__name__
        self.kinds[kind] += 1
        if isinstance(value, str):
            self._take_text(value)
        elif isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < _LARGEST:
            self.numbers = [min([*self.numbers[:1], value]), max([*self.numbers[1:], value])]
        elif isinstance(value, list):
            self.lists_of.update("None" if item is None else type(item).__name__ for item in value[:_ITEMS])

    def _take_text(self, value: str) -> None:
        if value in self.texts or len(self.texts) <= _FEW:
            self.texts[value] += 1
        if _DATE.match(value[:11]):
            self.dates = [min([*self.dates[:1], value[:10]]), max([*self.dates[1:], value[:10]])]
        elif value:
            self.undated += 1

    def described(self, name: str, records: int) -> str:
        """Return `status ('open', 'closed')`, `id (int 1..9, 84 %)`; the share where some records lack it."""
        seen = self.kinds.total()
        kinds = [kind for kind, _ in self.kinds.most_common(3)]
        about = " or ".join(kind + self._inside(kind) for kind in kinds)
        share = f", {max(1, 100 * seen // records)} %" if seen < records else ""
        return f"{name} ({about}{share})"

    def _inside(self, kind: str) -> str:
        if kind in ("int", "float") and self.numbers and set(self.kinds) & {"int", "float"} == {kind}:
            return " " + _span(*(f"{each:.10g}" for each in self.numbers))
        if kind == "list" and self.lists_of:
            return " of " + " or ".join(each for each, _ in self.lists_of.most_common(2))
        if kind != "str":
            return ""
        if self.dates and not self.undated:
            return " " + _span(*self.dates)
        few = len(self.texts) <= _FEW and max(map(len, self.texts)) <= _VALUE
        if few and self.texts.total() >= 3 * len(self.texts):
            return " " + ", ".join(quoted(each) for each, _ in self.texts.most_common())
        return ""


def _span(first: str, last: str) -> str:
    return first if first == last else f"{first}..{last}"


class Fields:
    """The fields of several records, in the order in which they were met."""

    def __init__(self) -> None:
        self._fields: dict[str, Field] = {}
        self.records = 0
        self.others: Counter[str] = Counter()
        """Records that are no objects, by type."""

    def take(self, record: Any) -> None:
        self.records += 1
        if not isinstance(record, dict):
            self.others["None" if record is None else type(record).__name__] += 1
            return
        for name, value in _flat(record):
            if name in self._fields or len(self._fields) < _KNOWN:
                self._fields.setdefault(name, Field()).take(value)

    def described(self) -> str:
        """Return the fields, those beyond the first ones counted; "" where there is none."""
        shown = [each.described(name, self.records) for name, each in [*self._fields.items()][:_SHOWN]]
        more = len(self._fields) - len(shown)
        beyond = [f"{'at least ' * (len(self._fields) == _KNOWN)}{more:,} more"] if more else []
        return ", ".join([*shown, *beyond])


def _flat(record: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """Yield names and values, those of an object in the record behind its own, as `user.name`."""
    for key, value in [*record.items()][:_KNOWN]:
        name = named(key)
        if isinstance(value, dict):
            yield from ((f"{name}.{named(inner)}", held) for inner, held in [*value.items()][:_KNOWN])
            continue
        yield name, value
        if isinstance(value, list):
            objects = [each for each in value[:_ITEMS] if isinstance(each, dict)]
            inside: dict[str, Any] = {}
            for each in objects:
                inside |= dict([*each.items()][:_ITEMS])
            yield from ((f"{name}[].{named(inner)}", held) for inner, held in inside.items())


# --- documents ----------------------------------------------------------------------------------------------------


def evenly(many: int, most: int = PROBED) -> list[int]:
    """Return at most so many of 0, 1, ... many - 1, the first and the last among them."""
    if many <= most:
        return [*range(many)]
    return sorted({index * (many - 1) // (most - 1) for index in range(most)})


def json_value(context: Context, document: Document) -> str | None:
    """Return what a document is that is one JSON value: `one JSON object; keys: users (list of int)`."""
    probe = context.text(document.span.start, min(document.span.end, document.span.start + VALUE))
    if not re.match(r'\s*[\[{]\s*(["\[{\]}]|-?\d|true|false|null)', probe):
        return None
    form = f"one JSON {'object' if probe.lstrip()[0] == '{' else 'array'}"
    fields = Fields()
    try:
        fields.take(json.loads(probe))
    except (ValueError, RecursionError):
        if document.span.end - document.span.start <= VALUE:
            return None
    keys = fields.described()
    return f"{form}; keys: {keys}" if keys else form


def json_fields(context: Context, document: Document, starts: Sequence[int]) -> str:
    """Return what records of JSON hold: `keys, in all 3 of them: id (int 1..3), user (str)`."""
    fields, unread = Fields(), 0
    decoder = json.JSONDecoder()
    for text in _texts(context, document, starts):
        try:
            fields.take(decoder.raw_decode(text)[0])
        except (ValueError, RecursionError):
            unread += 1
    keys = fields.described()
    others = ", ".join(f"{number:,} {kind}" for kind, number in fields.others.most_common(3))
    parts = [f"keys, {_of(fields.records, len(starts))}: {keys}"] if keys else []
    parts += [f"records that are no objects: {others}"] if others else []
    parts += [f"{unread:,} records too long or not whole to be looked at"] if unread else []
    return "; ".join(parts)


def column_fields(context: Context, document: Document, starts: Sequence[int]) -> tuple[str, str, bool]:
    """Return what the columns of a table hold, the delimiter, and whether a first line names them."""
    start = document.span.start
    headed = starts[0] > start
    first = context.text(start, min(starts[0] if headed else _end(document, starts, 0), start + RECORD))
    delimiter = "\t" if document.kind == "tsv" else max(",;\t|", key=first.split("\n", 1)[0].count)
    names = [named(each.strip()) if each.strip() else "''" for each in _row(first, delimiter)] if headed else []
    columns: list[Field] = []
    rows = 0
    for text in _texts(context, document, starts):
        rows += 1
        for number, value in enumerate(_row(text, delimiter)[:_KNOWN]):
            if number == len(columns):
                columns.append(Field())
            columns[number].take(_read(value))
    shown = []
    for number, column in enumerate(columns[:_SHOWN]):
        name = names[number] if number < len(names) else f"column {number}"
        shown.append(column.described(name, rows))
    shown += [f"{name} (nothing)" for name in names[len(shown) : _SHOWN]]
    more = max(len(columns), len(names)) - len(shown)
    shown += [f"{more:,} more"] if more > 0 else []
    return f"columns, {_of(rows, len(starts))}: {', '.join(shown)}", delimiter, headed


def _of(looked_at: int, there: int) -> str:
    if looked_at == there:
        return f"looked at in {'all ' * (there > 1)}{counted(there, 'record')}"
    return f"looked at in {looked_at:,} records evenly chosen"


def _texts(context: Context, document: Document, starts: Sequence[int]) -> Iterable[str]:
    for index in evenly(len(starts)):
        yield context.text(starts[index], min(_end(document, starts, index), starts[index] + RECORD))


def _end(document: Document, starts: Sequence[int], index: int) -> int:
    return starts[index + 1] if index + 1 < len(starts) else document.span.end


def _row(text: str, delimiter: str) -> list[str]:
    try:
        return next(csv.reader(io.StringIO(text.rstrip("\r\n"), newline=""), delimiter=delimiter), [])
    except csv.Error:
        return []


def _read(value: str) -> Any:
    """Return a cell as the number that it is, None where it is empty, else as it stands."""
    text = value.strip()
    if not text:
        return None
    if re.fullmatch(r"[+-]?\d{1,18}", text, re.ASCII):
        return int(text)
    if re.fullmatch(r"[+-]?\d{0,18}\.\d{1,18}(?:[eE][+-]?\d{1,3})?", text, re.ASCII):
        return float(text)
    return text
