"""Gitignore patterns, by pathspec, one entry at a time.

A rule decides about the entry it matches and nothing else: that the contents of an ignored folder are ignored follows
from not entering it. Not covered, and said by whoever reads the file: character classes such as [[:alpha:]], which
pathspec reads otherwise than git, and patterns with so many wildcards that matching them could be made to hang.
"""

import re
from collections.abc import Iterable

from pathspec.patterns.gitignore.base import GitIgnorePatternError
from pathspec.patterns.gitignore.spec import GitIgnoreSpecPattern

_WILDCARDS = 3
"""Most wildcards in one part of a path, and most `**`: backtracking costs the length to this power."""
_ALL, _ALL_FOLDERS = ".", "(?P<ps_d>/)"
"""What pathspec makes of `*` and `*/`."""


class Rules:
    """The rules of one ignore file, or of one option."""

    def __init__(self, lines: Iterable[str]) -> None:
        self._patterns: list[tuple[re.Pattern[str], bool]] = []
        self.not_followed: list[str] = []
        """Lines that are patterns to git and cannot be followed here."""
        for line in lines:
            if _unsafe(line):
                self.not_followed.append(line)
                continue
            try:
                pattern = GitIgnoreSpecPattern(line)
            except (GitIgnorePatternError, re.error):
                continue  # malformed: to git no error either, but without effect
            if pattern.regex is not None and pattern.include is not None:
                self._patterns.append((_of_one_entry(pattern.regex.pattern), pattern.include))
        self._patterns.reverse()

    @classmethod
    def parse(cls, content: bytes) -> "Rules":
        """Read an ignore file's content."""
        text = content.decode("utf-8", "surrogateescape").removeprefix("\ufeff")
        return cls(line.removesuffix("\r") for line in text.split("\n"))

    def __len__(self) -> int:
        return len(self._patterns)

    def decide(self, path: str, folder: bool) -> bool | None:
        """Return True when the last rule to match `path` says yes, False when it is negated, None when none matches.

        `path` is relative to where the rules lie, with `/` between parts.
        """
        subject = path + "/" if folder else path
        for expression, verdict in self._patterns:
            if expression.fullmatch(subject):
                return verdict
        return None


def _of_one_entry(expression: str) -> re.Pattern[str]:
    """Return an expression that matches the whole path of an entry, where pathspec's also matches what lies below."""
    if expression == _ALL:
        expression = ".+"
    elif expression == _ALL_FOLDERS:
        expression = ".+/"
    elif expression.endswith("/"):
        expression += ".+"  # `folder/**`: all in it, not the folder
    return re.compile(expression, re.DOTALL)


def _unsafe(line: str) -> bool:
    if line.startswith("#"):
        return False
    if "[[:" in line or line.count("**") > _WILDCARDS:
        return True
    return any(len(re.findall(r"\*+", part)) > _WILDCARDS for part in line.split("/"))
