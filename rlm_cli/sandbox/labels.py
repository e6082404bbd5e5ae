"""What a reply to llm_map says of which item: read leniently in its form, never in whom it speaks of.

Taken are lines such as `12: praise`, `12. praise`, `- **12**: praise`, `| 12 | praise |`, and JSON: {"12": "praise"} or
a list of {"number": 12, "label": "praise"}. A list without numbers is not: one item left out would shift all others. A
number that is given two labels has none, a reply that counts from 0 says nothing.
"""

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any

_THOUGHT = re.compile(r"\s*<think(?:ing)?>.*?</think(?:ing)?>", re.DOTALL | re.IGNORECASE)
_FENCE = re.compile(r"^```[\w+-]*[ \t]*\n(.*?)^```[ \t]*$", re.DOTALL | re.MULTILINE)
_NUMBER = re.compile(r"""[\s>*_`#|(\["'-]{0,20}(?:items? {1,3}#?)?(\d{1,7})(?!\d)[ *_`"']{0,5}""", re.IGNORECASE)
_APART = re.compile(r"""[)\]]?[ *_`"']{0,5}(?:->|[:|=>\t\u2192]+|[-\u2013\u2014]+(?!\d)|[.,](?!\d))|[)\]](?!\d)""")
"""What stands between a number and its label. A dash or a point before a digit does not: 3.5, 12-14."""
_REMARK = re.compile(r"\s*(?:\(|[-\u2013\u2014] |; |, |: )")
"""What may stand between a label and a remark on it."""
_NUMBER_KEYS = ("number", "item", "id", "index", "n", "no")
_LABEL_KEYS = ("label", "answer", "category", "class", "value", "result")


class Choices:
    """The labels that are allowed, found again however they are spelled."""

    def __init__(self, allowed: Any) -> None:
        if isinstance(allowed, (str, bytes)) or not isinstance(allowed, Iterable):
            raise TypeError(f"allowed is a list of labels, not {type(allowed).__name__!r}")
        given = sorted(allowed, key=str) if isinstance(allowed, (set, frozenset)) else list(allowed)
        self._by_name: dict[str, Any] = {}
        for label in given:
            if isinstance(label, bool) or not isinstance(label, (str, int)):
                raise TypeError(f"a label is a str or a whole number, not {type(label).__name__!r}")
            name = _name(str(label))
            if not name or len(str(label).splitlines()) > 1:
                raise ValueError("a label is one line, and not empty")
            if self._by_name.setdefault(name, label) != label:
                raise ValueError(
                    f"two labels differ in nothing but case and spaces: {self._by_name[name]!r}, {label!r}"
                )
        if not self._by_name:
            raise ValueError("allowed holds no label")
        self.listed = json.dumps([str(label) for label in self._by_name.values()], ensure_ascii=False)
        self.longest = max(len(str(label).encode("utf-8", "replace")) for label in self._by_name.values())

    def find(self, said: str) -> Any:
        """Return the label that `said` is, with or without a remark behind it; None where it is none, or several."""
        exact = self._by_name.get(_name(said))
        if exact is not None:
            return exact
        for remark in _REMARK.finditer(said):
            label = self._by_name.get(_name(said[: remark.start()]))
            if label is not None:
                behind = f" {_name(said[remark.end() :])} "
                others = (name for name in self._by_name if self._by_name[name] != label)
                return None if any(re.search(rf"(?<!\w){re.escape(name)}(?!\w)", behind) for name in others) else label
        return None


def read(reply: str, count: int, choices: Choices | None, truncated: bool) -> tuple[dict[int, Any], dict[int, str]]:
    """Return the labels of the items 1 to `count`, and why the others have none."""
    said: dict[int, list[str]] = {}
    for number, label in _said(reply, choices, truncated):
        said.setdefault(number, []).append(label)
    missing = "the reply was cut before it" if truncated else "the reply has no line for it"
    labels: dict[int, Any] = {}
    lacking: dict[int, str] = {}
    for number in range(1, count + 1):
        given = said.get(number, [])
        found = [_plain(each) if choices is None else choices.find(each) for each in given]
        if 0 in said:
            lacking[number] = "the reply counts from 0"
        elif not given or not any(_plain(each) for each in given):
            lacking[number] = missing
        elif any(each != found[0] for each in found):
            lacking[number] = f"the reply gives it two labels: {given[0][:60]!r}, {given[-1][:60]!r}"
        elif found[0] is None:
            lacking[number] = f"{_plain(given[0])[:60]!r} is not allowed"
        else:
            labels[number] = found[0]
    return labels, lacking


def _said(reply: str, choices: Choices | None, truncated: bool) -> Iterator[tuple[int, str]]:
    thought = _THOUGHT.match(reply)
    text = reply if thought is None else reply[thought.end() :]
    fenced = [match[1] for match in _FENCE.finditer(text)]
    text = fenced[0] if len(fenced) == 1 else text
    pairs: Any
    try:
        pairs = json.loads(text, object_pairs_hook=_Pairs)
    except (ValueError, RecursionError):
        lines = list(_lines(text, choices))
        yield from lines[:-1] if truncated else lines  # of the last one a part may be missing
    else:
        yield from _in_json(pairs)


def _lines(text: str, choices: Choices | None) -> Iterator[tuple[int, str]]:
    """Yield the numbered lines; a line right below one that has no number goes on with its answer."""
    open_line: tuple[int, str] | None = None
    for line in text.splitlines():
        numbered = _numbered(line, choices)
        if numbered is None and line.strip() and open_line is not None and choices is None:
            open_line = (open_line[0], f"{open_line[1]} {line.strip()}")
            continue
        if open_line is not None:
            yield open_line
        open_line = numbered
    if open_line is not None:
        yield open_line


def _numbered(line: str, choices: Choices | None) -> tuple[int, str] | None:
    number = _NUMBER.match(line)
    if number is None:
        return None
    apart = _APART.match(line, number.end())
    if apart is not None:
        return int(number[1]), line[apart.end() :]
    rest = line[number.end(1) :]
    bare = choices is not None and rest[:1].isspace() and choices.find(rest) is not None
    return (int(number[1]), rest) if bare else None


class _Pairs(list[tuple[str, Any]]):
    """An object of JSON, with what it says twice."""


def _in_json(value: Any) -> Iterator[tuple[int, str]]:
    if isinstance(value, _Pairs) and len(value) == 1 and isinstance(value[0][1], list) and not value[0][0].isdecimal():
        value = value[0][1]  # {"labels": ...}
    for each in value if isinstance(value, list) else ():
        if isinstance(value, _Pairs):
            number, label = each
        elif isinstance(each, _Pairs):
            row = {str(key).lower(): inside for key, inside in each}
            number = next((row[key] for key in _NUMBER_KEYS if key in row), None)
            label = next((row[key] for key in _LABEL_KEYS if key in row), None)
        else:
            continue
        if str(number).isdecimal() and not isinstance(label, bool) and isinstance(label, (str, int, float)):
            yield int(str(number)[:7]), str(label)


def _plain(said: str) -> str:
    """Return what was said without what only marks it: stars, quotes, the rest of a table's row."""
    text = said.strip().rstrip("|,").strip()
    while len(text) > 1 and text[0] == text[-1] and text[0] in "*_`\"'":
        text = text[1:-1].strip()
    return text


def _name(label: str) -> str:
    return " ".join(label.strip(" \t*_`\"'|,.;:!").split()).casefold()
