"""Findings in prose: list items, headings with what stands below them, and rows of tables, that name a place.

A place alone is none: a severity, a CWE or a rule has to stand with it, in the item or in the heading that it is listed
under, and nothing that says it is none. Covered: which code is the quote, which words are the title. Not covered: JSON.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from rlm_cli.engine.named.claim import (
    LONGEST_MESSAGE,
    LONGEST_TITLE,
    NamedClaim,
    RuleNames,
    confidence_of,
    cwe_of,
    field_of,
    path_in,
    places_in,
    severity_of,
    shortened,
)
from rlm_cli.engine.named.denials import denies, is_none, leads_aside, what_is_left
from rlm_cli.engine.named.markdown_tree import Block, field_in, tree_of
from rlm_cli.engine.named.prose_marks import is_over_findings, severities_in, title_in
from rlm_cli.engine.named.quoted_code import inline_codes, quote_in
from rlm_cli.types import Severity

_LINE = re.compile(r"\b(?:lines?|zeilen?|lignes?|l[i\u00ed]neas?)[\s:*#`]{1,6}(\d{1,9})", re.IGNORECASE)
_SENTENCE = re.compile(r"(?<=[.!?])\s+|\n")
_IN_FULL = 5_000
"""Claims that are read in full."""
UNREAD = NamedClaim("other", "", "", "", "")
"""Stands for one beyond these."""


@dataclass(frozen=True, slots=True)
class _Said:
    """What is said above a block, and holds for it too."""

    severity: Severity | None = None
    cwe: str | None = None
    rule: str | None = None
    title: str = ""

    @property
    def marked(self) -> bool:
        return bool(self.severity or self.cwe or self.rule)


@dataclass(slots=True)
class _Unit:
    """The text that is one claim, if it is any."""

    lines: list[str] = field(default_factory=list)
    fences: list[tuple[int, str, str]] = field(default_factory=list)
    """(number of the line that it stands before, language, text)."""
    cells: dict[str, str] = field(default_factory=dict)

    def take(self, block: Block, deep: bool) -> None:
        first = len(self.lines)
        self.lines += block.lines
        self.fences += [(first + number, language, text) for number, language, text in block.fences]
        self.cells |= block.fields
        for child in block.children if deep else ():
            self.take(child, deep)

    @property
    def text(self) -> str:
        return "\n".join(self.lines)


def claims_in_prose(answer: str, names: RuleNames) -> Iterator[NamedClaim]:
    """Yield the findings that stand in an answer's Markdown."""
    if "." in answer:
        yield from _Prose(names).claims(tree_of(answer), _Said())


class _Prose:
    def __init__(self, names: RuleNames) -> None:
        self._names = names
        self._given = 0
        self._standing: dict[int, bool] = {}

    def claims(self, block: Block, said: _Said) -> Iterator[NamedClaim]:
        """Yield the claims of a block, those of the blocks in it included."""
        if block.kind != "root" and self._aside(block):
            return
        inner = self._below(block, said)
        container = self._contains(block)
        standing = [child for child in block.children if self._stands(child, block, inner, container)]
        if block.kind != "root":
            unit = _Unit()
            unit.take(block, deep=False)
            apart = {id(child) for child in standing}
            for child in block.children if not container else ():
                if id(child) not in apart and not self._aside(child):
                    unit.take(child, deep=True)
            if (claim := self._claim(unit, block, said)) is not None:
                yield claim
        for child in standing:
            yield from self.claims(child, inner)

    def _contains(self, block: Block) -> bool:
        """Tell a heading over findings, or the text that introduces them, from one that is a finding itself."""
        if block.kind in ("root", "paragraph"):
            return True
        if block.kind != "heading":
            return False
        return is_over_findings(block.lines[0])

    def _aside(self, block: Block) -> bool:
        if block.kind == "row":
            if any(is_none(block.fields.get(name, "")) for name in ("status", "denied")):
                return True
            said = block.fields.get("severity", "")
            return severity_of(said) is None and is_none(said)
        if block.kind in ("heading", "paragraph"):
            return leads_aside(block.lines[0]) if block.kind == "heading" else leads_aside(" ".join(block.lines))
        return leads_aside(block.lines[0]) and bool(block.children) and not places_in(block.lines[0])

    def _below(self, block: Block, said: _Said) -> _Said:
        """Return what holds for the blocks in this one."""
        if block.kind == "root" or not block.children:
            return said
        text = what_is_left(block.lines[0] if block.kind != "paragraph" else " ".join(block.lines)[:1_000])
        found = set(severities_in(text))
        named = self._names.first_in(text)
        return _Said(
            severity=found.pop() if len(found) == 1 else None if found else said.severity,
            cwe=cwe_of(text) or said.cwe,
            rule=named or said.rule,
            title=title_in([text]) if not self._contains(block) else said.title,
        )

    def _stands(self, block: Block, parent: Block, said: _Said, container: bool) -> bool:
        """Tell whether a block is, or holds, a claim of its own, and no part of the one around it."""
        if self._aside(block):
            return False
        if block.kind == "heading":
            return container or field_of(block.lines[0].strip("*_: ")) is None
        if id(block) not in self._standing:
            self._standing[id(block)] = self._is_claim(block, parent, said, container) or any(
                self._stands(child, block, self._below(block, said), False) for child in block.children
            )
        return self._standing[id(block)]

    def _is_claim(self, block: Block, parent: Block, said: _Said, container: bool) -> bool:
        unit = _Unit()
        unit.take(block, deep=True)
        placed = self._place(unit) is not None
        if not placed:
            return False
        own = _Unit()
        own.take(block, deep=False)
        marked = self._marked(unit)
        quoted = bool(self._quote(own))
        if block.kind == "row":
            return marked or said.marked
        if block.kind == "paragraph":
            fields = sum(field_in(line) is not None for line in block.lines)
            return (
                container
                and (marked or self._names.first_in(unit.text) is not None)
                and (bool(self._quote(unit)) or fields > 1)
            )
        if field_in(block.lines[0]) is not None:
            return bool(places_in(block.lines[0])) and self._marked(own) and quoted
        if marked:
            return True
        has_place = bool(places_in("\n".join(parent.lines))) if parent.kind != "root" else False
        return (
            bool(self._quote(unit)) and not has_place and (said.marked or self._names.first_in(unit.text) is not None)
        )

    def _claim(self, unit: _Unit, block: Block, said: _Said) -> NamedClaim | None:
        place = self._place(unit)
        if place is None or self._denied(unit):
            return None
        quote, named, cwe = self._quote(unit), self._names.first_in(unit.text), cwe_of(unit.text)
        severities = severities_in(unit.text)
        severity = severity_of(unit.cells.get("severity")) or (severities[0] if severities else said.severity)
        weak = named is not None or said.marked
        if not self._marked(unit) and not (weak and (quote or block.kind == "row")):
            return None
        if block.kind == "paragraph" and not quote and sum(field_in(line) is not None for line in unit.lines) < 2:
            return None
        self._given += 1
        if self._given > _IN_FULL:  # it is only counted
            return UNREAD
        fields = self._fields(unit)
        first = (
            unit.cells.get("title") or unit.cells.get("rule") or unit.cells.get("message") or fields.get("title", "")
        )
        title = title_in([first, *unit.lines]) or said.title or named or cwe or unit.lines[0]
        cell = unit.cells.get("message")
        return NamedClaim(
            rule=self._named_rule(unit, fields) or cwe or said.rule or said.cwe or "other",
            title=shortened(title, LONGEST_TITLE),
            message=shortened(cell or unit.text, LONGEST_MESSAGE),
            path=place[0],
            quote=quote,
            severity=severity,
            cwe=cwe or said.cwe,
            confidence=confidence_of(unit.cells.get("confidence") or fields.get("confidence")),
            line=place[1],
        )

    # --- parts of a claim ---------------------------------------------------------------------------------------------

    def _fields(self, unit: _Unit) -> dict[str, str]:
        fields: dict[str, str] = {}
        for line in unit.lines:
            found = field_in(line)
            if found is not None:
                fields.setdefault(*found)
        return fields

    def _marked(self, unit: _Unit) -> bool:
        """Tell whether a severity, a CWE or the id of a rule stands there."""
        text = unit.text
        if cwe_of(text) or severity_of(unit.cells.get("severity")) or severities_in(text):
            return True
        return self._names.has_id(text)

    def _named_rule(self, unit: _Unit, fields: Mapping[str, str]) -> str | None:
        said = unit.cells.get("rule") or fields.get("rule")
        if said and cwe_of(said) is None and len(said) <= LONGEST_TITLE:
            return said.strip("*_` ") or None
        return self._names.first_in(unit.text)

    def _place(self, unit: _Unit) -> tuple[str, int | None] | None:
        for text in (unit.cells.get("path", ""), *unit.lines):
            found = places_in(text) if text else []
            if found:
                return found[0].path, found[0].line
        fields = self._fields(unit)
        named = unit.cells.get("path") or fields.get("path")
        path = path_in(named) if named else None
        if path is None:
            return None
        said = unit.cells.get("line") or fields.get("line")
        number = re.search(r"\d{1,9}", said[:40]) if said else _LINE.search(unit.text)
        if number is None:
            return path, None
        return path, int(number[0] if said else number[1])

    def _quote(self, unit: _Unit) -> str:
        return quote_in(unit.lines, unit.fences, unit.cells.get("quote"), self._is_name)

    def _is_name(self, code: str) -> bool:
        """Tell what code is that names something and quotes nothing: a path, a rule, a severity."""
        return (
            bool(places_in(f"`{code}`"))
            or path_in(code) is not None
            or code in self._names
            or cwe_of(code) is not None
            or (severity_of(code) is not None and len(code.split()) == 1)
        )

    def _denied(self, unit: _Unit) -> bool:
        """Tell whether what says the place or the mark says that it is nothing."""
        fields = self._fields(unit)
        if any(is_none(fields[name]) for name in ("status", "denied") if name in fields):
            return True
        severity = fields.get("severity") or ""
        if severity and severity_of(severity) is None and is_none(severity):
            return True
        lines = list(unit.lines)
        for number, sentence in enumerate(_SENTENCE.split("\n".join(lines)[: LONGEST_MESSAGE * 5])):
            bare = sentence
            for code in inline_codes(sentence):
                bare = bare.replace(f"`{code}`", "``")
            head = number == 0 or places_in(sentence) or severities_in(sentence) or cwe_of(sentence)
            if (
                head
                and (field_in(sentence) or ("", ""))[0] != "fix"
                and (denies(bare) or (not number and is_none(bare)))
            ):
                return True
        return False
