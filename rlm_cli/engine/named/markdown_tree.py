"""An answer's Markdown as a tree: headings with what stands below them, list items with theirs, rows of tables.

As models write it, not as the standard has it: numbered items own what follows them unindented, bold lines are
headings. Covered: fences, quotations, fields (`**Severity:** high`). Not covered: what any of it means
(in_prose.py).
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

from rlm_cli.engine.named.claim import field_of

Kind = Literal["root", "heading", "item", "paragraph", "row"]

_HEADING = re.compile(r"^ {0,3}(#{1,6})[ \t]+(.*)$")
_BOLD = re.compile(r"^ {0,3}(?:\*\*|__)([^*\n][^\n]{0,300}?)(?:\*\*|__)[ \t]*$")
_BOLD_NUMBER = re.compile(r"^ {0,3}\*\*(?:\d{1,3}[.):]|(?:Finding|Issue|Vulnerability)\s?#?\d{1,3}\b)[^\n]{0,500}$")
_ITEM = re.compile(r"^([ \t]{0,200})([-*+\u2022\u2013]|\(?\d{1,4}[.)]|[a-zA-Z][.)])[ \t]+(.*)$")
_FENCE = re.compile(r"^[ \t>]{0,200}(`{3,}|~{3,})[ \t]*([\w+#.-]{0,30})[^`\n]*$")
_ROW = re.compile(r"^[ \t]*\|.*\|[ \t]*$")
_RULER = re.compile(r"^[ \t]*\|?[ \t:|-]{3,}$")
_CELL = re.compile(r"\|((?:[^|`\\]|\\.|`[^`]*`|`)*+)(?=\|)")
_FIELD = re.compile(
    r"^[\s*_>`-]{0,10}(?P<name>[^\W\d_][\w \t/()'-]{0,40}?)[\s*_`]{0,6}(?:[:\uff1a]|(?<=\*\*) [-\u2013\u2014=])"
    r"[\s*_]{0,6}(?P<value>.*)$"
)
_DEEPEST = 12
"""Levels of lists; what is deeper counts as that deep."""
BOLD_LEVEL = 7


@dataclass(slots=True, eq=False)
class Block:
    """A heading, an item, a paragraph or a row, with what belongs to it."""

    kind: Kind
    depth: int
    lines: list[str] = field(default_factory=list)
    """Its own text, without signs of lists and headings."""
    fences: list[tuple[int, str, str]] = field(default_factory=list)
    """(number of `lines` before it, language, text)."""
    fields: dict[str, str] = field(default_factory=dict)
    """Of a row: field -> cell."""
    children: list["Block"] = field(default_factory=list)
    numbered: bool = False


def field_in(line: str) -> tuple[str, str] | None:
    """Return (field, value) of a line such as `**File:** a.py`."""
    match = _FIELD.match(line[:2_000])
    name = field_of(match["name"]) if match is not None else None
    return (name, match["value"].strip()) if match is not None and name is not None else None


def tree_of(text: str) -> Block:
    """Return the tree of a text; never fails."""
    return _Reader().read(text)


class _Reader:
    def __init__(self) -> None:
        self.root = Block("root", 0)
        self.sections = [self.root]
        self.items: list[Block] = []
        self.open: Block | None = None
        """The paragraph or item that an unindented line continues."""
        self.columns: list[str] | None = None
        self.in_table = False

    def read(self, text: str) -> Block:
        lines = iter(text.split("\n"))
        for line in lines:
            line = line.rstrip()
            if not line:
                self._blank()
                continue
            fence = _FENCE.match(line)
            if fence is not None:
                self._fence(fence[2], _fenced(lines, fence[1]))
            elif _ROW.match(line):
                self._row(line)
                continue
            else:
                self._line(line)
            self.in_table = False
        return self.root

    def _blank(self) -> None:
        self.in_table = False
        self.open = None

    def _line(self, line: str) -> None:
        heading = _HEADING.match(line)
        bold = _BOLD.match(line) if heading is None else None
        item = _ITEM.match(line) if heading is None and bold is None else None
        if heading is not None:
            self._section(len(heading[1]), heading[2].strip().rstrip("#").strip())
        elif _BOLD_NUMBER.match(line) and not self.items:
            self._section(BOLD_LEVEL, line.strip().replace("**", ""))
        elif bold is not None and field_in(line) is None and not self.items:
            self._section(BOLD_LEVEL, bold[1])
        elif item is not None:
            indent = len(item[1].expandtabs(4))
            self._item(indent, item[2][-1:] in ".)", item[3])
        else:
            self._text(line)

    def _section(self, level: int, text: str) -> None:
        while self.sections[-1].depth >= level:
            self.sections.pop()
        section = Block("heading", level, [text])
        self.sections[-1].children.append(section)
        self.sections.append(section)
        self.items, self.open = [], None

    def _item(self, indent: int, numbered: bool, text: str) -> None:
        while self.items and self.items[-1].depth >= indent:
            last = self.items[-1]
            if last.depth == indent and last.numbered and not numbered and field_in(text) is not None:
                indent += 1  # fields below a numbered item, not indented
                break
            self.items.pop()
        del self.items[_DEEPEST:]
        self.open = Block("item", indent, [text], numbered=numbered)
        (self.items[-1] if self.items else self._introduction()).children.append(self.open)
        self.items.append(self.open)

    def _introduction(self) -> Block:
        """Return the paragraph that says what the items below it are, or the section."""
        last = self._last()
        return last if _introduces(last) else self.sections[-1]

    def _text(self, line: str) -> None:
        indent, text = len(line) - len(line.lstrip()), line.strip()
        begins = indent == 0 and text.rstrip("*_ ").endswith((":", "\uff1a")) and field_in(text) is None
        if self.open is not None and not (begins and self.open.kind == "item"):
            self.open.lines.append(text)
            return
        while self.items and self.items[-1].depth >= indent:
            if self.items[-1].numbered and not begins:
                break
            self.items.pop()
        if self.items:
            self.open = self.items[-1]
            self.open.lines.append(text)
            return
        self.open = Block("paragraph", 0, [text])
        self.sections[-1].children.append(self.open)

    def _fence(self, language: str, text: str) -> None:
        owner = self.items[-1] if self.items else self.open or self._last()
        owner.fences.append((len(owner.lines), language, text))

    def _last(self) -> Block:
        """Return the paragraph that a fence below it belongs to, or the section."""
        children = self.sections[-1].children
        return children[-1] if children and children[-1].kind == "paragraph" else self.sections[-1]

    def _row(self, line: str) -> None:
        if _RULER.match(line):
            return
        cells = [cell.strip().replace("\\|", "|") for cell in _CELL.findall(line.strip())]
        if not self.in_table:
            self.in_table = True
            self.columns = [field_of(cell.strip("*_` ")) or "" for cell in cells]
            if any(self.columns):
                return
        names = [name for name in self.columns or [] if name]
        row = Block("row", 0, [" | ".join(cells)])
        if len(cells) == 2 and field_of(cells[0].strip("*_` ")):
            (self.items[-1] if self.items else self.sections[-1]).lines.append(f"{cells[0]}: {cells[1]}")
            return
        if names:
            for name, cell in zip(self.columns or [], cells, strict=False):
                if name:
                    row.fields.setdefault(name, cell)
        self.sections[-1].children.append(row)


def _fenced(lines: Iterator[str], ticks: str) -> str:
    """Return the lines up to the end of a fence; of one that does not end, all."""
    inside = []
    for line in lines:
        if line.strip().startswith(ticks) and not line.strip().strip(ticks[0]):
            break
        inside.append(line)
    return "\n".join(inside)


def _introduces(block: Block) -> bool:
    return block.kind == "paragraph" and block.lines[-1].rstrip("*_ ").endswith((":", "\uff1a"))
