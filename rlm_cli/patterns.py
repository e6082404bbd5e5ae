"""Gitignore patterns as git reads them, byte by byte, one entry at a time.

A rule decides about the entry it matches and nothing else: that the contents of an ignored folder are ignored follows
from not entering it. Not covered, and said by whoever reads the file: patterns with so many wildcards that matching
them could be made to hang. Nor is core.ignoreCase.
"""

import os
import re
import string
from collections.abc import Iterable
from dataclasses import dataclass

_WILDCARDS = 3
"""Most wildcards in one part of a path, and most `**`: backtracking costs the length to this power."""
_NEVER = "(?!)"

_CLASSES = {
    "alnum": string.ascii_letters + string.digits,
    "alpha": string.ascii_letters,
    "blank": " \t",
    "cntrl": "".join(map(chr, (*range(32), 127))),
    "digit": string.digits,
    "graph": "".join(map(chr, range(33, 127))),
    "lower": string.ascii_lowercase,
    "print": "".join(map(chr, range(32, 127))),
    "punct": string.punctuation,
    "space": " \t\n\r",
    "upper": string.ascii_uppercase,
    "xdigit": string.hexdigits,
}


@dataclass(frozen=True, slots=True)
class _Rule:
    expression: re.Pattern[str]
    ignores: bool
    by_name: bool
    """It has no slash: the entry's own name counts, at any depth."""
    for_folders: bool


class Rules:
    """The rules of one ignore file, or of one option."""

    def __init__(self, lines: Iterable[str]) -> None:
        self._rules: list[_Rule] = []
        self.not_followed: list[str] = []
        """Lines that are patterns to git and cannot be followed here."""
        for line in lines:
            if _unsafe(line):
                self.not_followed.append(line)
            elif rule := _rule(_bytewise(line)):
                self._rules.append(rule)
        self._rules.reverse()

    @classmethod
    def parse(cls, content: bytes) -> "Rules":
        """Read an ignore file's content."""
        return cls(os.fsdecode(line.removesuffix(b"\r")) for line in content.removeprefix(b"\xef\xbb\xbf").split(b"\n"))

    def __len__(self) -> int:
        return len(self._rules)

    def decide(self, path: str, folder: bool) -> bool | None:
        """Return True when the last rule to match `path` says yes, False when it is negated, None when none matches.

        `path` is relative to where the rules lie, with `/` between parts.
        """
        path = _bytewise(path)
        name = path.rpartition("/")[2]
        for rule in self._rules:
            if (folder or not rule.for_folders) and rule.expression.fullmatch(name if rule.by_name else path):
                return rule.ignores
        return None


def _bytewise(text: str) -> str:
    """Return a text with a character for each byte: to git, `?` is one byte."""
    return text if text.isascii() else os.fsencode(text).decode("latin-1")


def _unsafe(line: str) -> bool:
    if line.startswith("#"):
        return False
    if line.count("**") > _WILDCARDS:
        return True
    return any(len(re.findall(r"\*+", part)) > _WILDCARDS for part in line.split("/"))


def _rule(line: str) -> _Rule | None:
    """Return what a line says; None for a comment and for what can match nothing."""
    if line.startswith("#"):
        return None
    line = _without_spaces(line.partition("\0")[0])
    pattern = line.removeprefix("!")
    for_folders = pattern.endswith("/")
    pattern = pattern.removesuffix("/")
    by_name = "/" not in pattern
    expression = _expression(pattern if by_name else pattern.removeprefix("/"), by_name)
    if expression is None:
        return None
    return _Rule(re.compile(expression, re.DOTALL), not line.startswith("!"), by_name, for_folders)


def _without_spaces(line: str) -> str:
    """Drop the spaces at a line's end, unless a backslash stands before the first, or one ends the line."""
    end = re.fullmatch(r"((?:[^\\]|\\.)*?)( *)", line, re.DOTALL)
    return end[1] if end else line


def _expression(pattern: str, by_name: bool) -> str | None:
    """Return the regular expression of a pattern, for a name or a path; None where it can match nothing."""
    literal = re.match(r"[^*?\[\\]*", pattern)
    assert literal is not None
    # Git compares what comes before the first wildcard by itself: a `**` right after it stands at a beginning.
    found, rest, position = re.escape(literal[0]), pattern[literal.end() :], 0
    if not pattern:
        return None
    while position < len(rest):
        char = rest[position]
        if char == "*":
            piece, position = _stars(rest, position, by_name)
        elif char == "[":
            piece, position = _class(rest, position + 1)
        elif char == "?":
            piece, position = "[^/]", position + 1
        else:
            position += char == "\\"
            piece, position = re.escape(rest[position : position + 1]) or _NEVER, position + 1
        if piece == _NEVER:
            return None
        found += piece
    return found


def _stars(rest: str, start: int, by_name: bool) -> tuple[str, int]:
    end = start
    while rest[end : end + 1] == "*":
        end += 1
    follows = rest[end : end + 1]
    at_beginning = start == 0 or rest[start - 1] == "/"
    at_end = follows in ("", "/") or rest.startswith("\\/", end)
    if by_name or end - start < 2 or not (at_beginning and at_end):
        return "[^/]*", end
    if follows == "/":
        return "(?:.*/)?", end + 1
    return ".*", end


def _class(rest: str, start: int) -> tuple[str, int]:
    """Return the expression of a class whose bracket has been read."""
    position = start
    negated = rest[position : position + 1] in ("!", "^")
    position += negated
    members: set[str] = set()
    before = ""  # of the range that a `-` would end
    while True:
        char = rest[position : position + 1]
        named = re.compile(r"\[:([^\]]*)(?<!\[):\]").match(rest, position)
        if char == "\\":
            position += 1
            char = rest[position : position + 1]
            members.add(char)
            before = char
        elif char == "-" and before and rest[position + 1 : position + 2] not in ("", "]"):
            position += 1 + rest.startswith("\\", position + 1)
            last = rest[position : position + 1]
            members.update(map(chr, range(ord(before), ord(last or "\0") + 1)))
            char, before = last, ""
        elif named:
            if named[1] not in _CLASSES:
                return _NEVER, len(rest)
            members.update(_CLASSES[named[1]])
            position, before = named.end() - 1, ""
        else:
            members.add(char)
            before = char
        if not char:
            return _NEVER, len(rest)  # it does not end
        position += 1
        if rest[position : position + 1] == "]":
            break
    chars = "".join(f"\\x{ord(member):02x}" for member in sorted(members - {"/"}))
    if negated:
        return f"[^{chars}/]", position + 1
    return (f"[{chars}]" if chars else _NEVER), position + 1
