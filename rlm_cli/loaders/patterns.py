"""Gitignore patterns as git reads them.

Covered: comments, escapes, negation, /rooted and folder/ patterns, `**`, sets with ranges and POSIX classes, trailing
spaces. Not covered: core.ignoreCase; `?` and sets match a character, in git a byte.

A rule decides about the entry it matches and nothing else: that the contents of an ignored folder are ignored follows
from not entering it. (pathspec lets a folder pattern match all that lies below, so `!build/` shows build/x.o although
`*.o` hides it.) All rules of a file become one expression, the last rule first; repetitions are atomic, so that a
pattern like *a*a*a*a*b, written to hang us, takes linear time.
"""

import re
from collections.abc import Iterable, Iterator

_CLASSES = {
    "alnum": "a-zA-Z0-9", "alpha": "a-zA-Z", "blank": " \\t", "cntrl": "\\x00-\\x1f\\x7f", "digit": "0-9",
    "graph": "!-~", "lower": "a-z", "print": " -~", "punct": "!-/:-@\\[-`{-~", "space": "\\t-\\r ", "upper": "A-Z",
    "xdigit": "0-9a-fA-F",
}  # fmt: skip

_NOT_SLASH = "[^/]"


class Rules:
    """The rules of one ignore file, or of one option."""

    def __init__(self, lines: Iterable[str]) -> None:
        expressions, self._verdicts = [], []
        for line in lines:
            if (rule := _rule(line)) is not None:
                expression, negated = rule
                expressions.append(f"({expression})")
                self._verdicts.append(not negated)
        self._verdicts.reverse()
        self._expression = re.compile("|".join(reversed(expressions)), re.DOTALL)

    @classmethod
    def parse(cls, content: bytes) -> "Rules":
        """Read an ignore file's content."""
        text = content.decode("utf-8", "surrogateescape").removeprefix("\ufeff")
        return cls(line.removesuffix("\r") for line in text.split("\n"))

    def __len__(self) -> int:
        return len(self._verdicts)

    def decide(self, path: str, folder: bool) -> bool | None:
        """Return True when the last rule to match `path` says yes, False when it is negated, None when none matches.

        `path` is relative to where the rules lie, with `/` between parts.
        """
        if not self._verdicts:
            return None
        found = self._expression.fullmatch("/" + path if folder else path)
        return self._verdicts[found.lastindex - 1] if found is not None and found.lastindex else None


def _rule(line: str) -> tuple[str, bool] | None:
    """Return (expression, negated) of a line; None for one without a pattern, or with one that cannot match."""
    pattern = _without_trailing_spaces(line)
    if pattern.startswith("#"):
        return None
    negated = pattern.startswith("!")
    pattern = pattern[negated:]
    folders_only = pattern.endswith("/")
    pattern = pattern[: len(pattern) - folders_only]
    try:
        expression = _rooted(pattern.removeprefix("/")) if "/" in pattern else _anywhere(pattern)
    except _NeverMatches:
        return None
    # A folder's path is put to the expression with a slash before it, which no path begins with.
    return ("/" if folders_only else "/?+") + expression, negated


def _without_trailing_spaces(line: str) -> str:
    position = end = 0
    while position < len(line):
        step = 2 if line[position] == "\\" else 1
        if line[position] != " ":
            end = position + step
        position += step
    return line[:end]


class _NeverMatches(Exception):
    """The pattern is malformed: to git no error, but without effect."""


def _segments(pattern: str) -> list[list[str]]:
    """Return the pattern's parts between slashes, each a list of one-character expressions and runs of stars."""
    if not pattern:
        raise _NeverMatches
    segments: list[list[str]] = [[]]
    for token in _tokens(pattern):
        if token == "/":
            segments.append([])
        else:
            segments[-1].append(token)
    if not all(segments):
        raise _NeverMatches
    return segments


def _tokens(pattern: str) -> Iterator[str]:
    position = 0
    while position < len(pattern):
        char = pattern[position]
        position += 1
        if char == "*":
            start = position - 1
            while pattern.startswith("*", position):
                position += 1
            yield pattern[start:position]
        elif char == "?":
            yield _NOT_SLASH
        elif char == "[":
            expression, position = _set(pattern, position)
            yield expression
        elif char == "\\":
            if position == len(pattern):
                raise _NeverMatches
            yield re.escape(pattern[position])
            position += 1
        else:
            yield re.escape(char)


def _set(pattern: str, position: int) -> tuple[str, int]:
    """Return the expression of a set whose `[` stands before `position`, and where the text after it starts."""
    negated = pattern[position : position + 1] in ("!", "^")
    position += negated
    members: list[str] = []
    previous = ""
    """What a range may start with: "" after a range or a class."""
    first = True
    while first or not pattern.startswith("]", position):
        first = False
        if position >= len(pattern):
            raise _NeverMatches
        char = pattern[position]
        if char == "-" and previous and pattern[position + 1 : position + 2] not in ("", "]"):
            end, position = _escaped(pattern, position + 1)
            if previous <= end:
                members.append(f"{re.escape(previous)}-{re.escape(end)}")
            previous = ""
        elif pattern.startswith("[:", position) and (close := pattern.find("]", position + 2)) != -1:
            name = pattern[position + 2 : close - 1]
            if close == position + 2 or pattern[close - 1] != ":":
                members.append("\\[")
                previous, position = "[", position + 1
                continue
            if name not in _CLASSES:
                raise _NeverMatches
            members.append(_CLASSES[name])
            previous, position = "", close + 1
        else:
            previous, position = _escaped(pattern, position)
            members.append(re.escape(previous))
    inside = "".join(members)
    if negated:
        return f"[^/{inside}]", position + 1
    return (f"(?!/)[{inside}]" if inside else "(?!)"), position + 1


def _escaped(pattern: str, position: int) -> tuple[str, int]:
    """Return the character at `position`, a backslash before it taken away, and the position after it."""
    if pattern[position] == "\\":
        position += 1
        if position == len(pattern):
            raise _NeverMatches
    return pattern[position], position + 1


def _anywhere(pattern: str) -> str:
    """Return the expression of a pattern without a slash: it matches names at every level."""
    [segment] = _segments(pattern)
    return f"(?:[^/]+/)*{_segment(segment)}"


def _rooted(pattern: str) -> str:
    """Return the expression of a pattern that counts from its own folder."""
    # Git compares what stands before the first wildcard by itself, and so takes the stars of `ab**/c` to stand at the
    # start, against its manual: they reach into folders.
    glued = re.match(r"([^*?[\\]*[^*?[\\/])\*\*+(/|$)", pattern)
    if glued is None:
        return _path(_segments(pattern))
    start, rest = re.escape(glued[1]), pattern[glued.end() :]
    if not rest:
        return start + ("" if glued[2] else ".*")
    return f"{start}(?:.*/)?{_path(_segments(rest))}"


def _path(segments: list[list[str]]) -> str:
    """Return the expression of a path, part by part."""
    groups: list[list[str]] = [[]]
    for segment in segments:
        if _any_depth(segment):
            groups.append([])
        else:
            groups[-1].append(_segment(segment))
    if len(groups) == 1:
        return "/".join(groups[0])
    first, *middle, last = groups
    expression = "".join(f"{segment}/" for segment in first)
    for group in filter(None, middle):
        # The earliest place is as good as any later one, so what it took need never be given back.
        expression += f"(?>(?:[^/]+/)*?{'/'.join(group)}/)"
    return expression + (f"(?:[^/]+/)*{'/'.join(last)}" if last else ".+")


def _any_depth(segment: list[str]) -> bool:
    return len(segment) == 1 and segment[0].startswith("**")


def _segment(tokens: list[str]) -> str:
    """Return the expression of one part of a path."""
    pieces = [""]
    for token in tokens:
        if token.startswith("*"):
            pieces.append("")
        else:
            pieces[-1] += token
    if len(pieces) == 1:
        return pieces[0]
    first, *middle, last = pieces
    return first + "".join(f"(?>[^/]*?{piece})" for piece in middle if piece) + f"[^/]*{last}"
