"""What a finding is judged by: the lines around its place, and the places that call the code it stands in.

Pure functions of the Context, for any language: which code encloses a line is told by indentation and a few shapes of
definitions, so what calls it may be missed. All of it bounded. Not covered: what is asked about it (verification.py).
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from rlm_cli.context import Context
from rlm_cli.results import Finding

_BEFORE, _BEHIND = 50, 30
"""Lines around a finding."""
_LONGEST = 300
"""Characters of a line; of a longer one the part around the quote."""
_CALLS = 6
_AROUND_CALLS = 4
_SEARCHED = 2_000
"""Places at which a name is looked at for a call."""
_WIDELY = 120
"""Lines above a place in which the definition around it is looked for."""
_NO_NAMES = frozenset(
    "if for while switch return catch elif else with except assert and or not in new sizeof foreach match".split()
)
_DEFINITIONS = (
    re.compile(r"\b(?:def|function|func|fn|fun|sub|proc|method)\s+(?:\([^)]{0,200}\)\s*)?([A-Za-z_$][\w$]{1,80})"),
    re.compile(r"\b([A-Za-z_$][\w$]{1,80})\s*[=:]\s*(?:async\s+)?(?:function\b|\([^)]{0,200}\)\s*=>|\w{1,80}\s*=>)"),
    # C, Java and their kin: a name with parentheses on a line that ends no statement.
    re.compile(r"^[ \t]*(?:[A-Za-z_][\w:<>\[\],.*&?]*[ \t*&]+){1,8}([A-Za-z_]\w{1,80})[ \t]*\([^;=]{0,300}$"),
)


@dataclass(frozen=True, slots=True)
class Calls:
    """Where a name is called."""

    name: str
    shown: tuple[str, ...]
    """Each as path and numbered lines."""
    total: int
    """Places found; there may be more where `all_searched` is not set."""
    all_searched: bool = True


def around(context: Context, finding: Finding) -> str:
    """Return the numbered lines around a finding; those it stands on are marked with `>`."""
    first = max(1, finding.line - _BEFORE)
    last = min(finding.end_line, finding.line + _BEHIND) + _BEHIND
    marked = range(finding.line, finding.end_line + 1)
    lines = _numbered(context, finding.path, first, last, marked, finding.column)
    return f"{finding.path}\n{lines}"


def calls(context: Context, finding: Finding) -> Calls | None:
    """Return the places that call the code a finding stands in; None where it stands in none that has a name."""
    defined = _defined(context, finding)
    if defined is None:
        return None
    name, at = defined
    found: list[tuple[bool, str, int]] = []
    searched = 0
    for path, line in _named(context, name):
        searched += 1
        if (path, line) != (finding.path, at) and (path, line) not in {each[1:] for each in found}:
            found.append((path == finding.path, path, line))
    # Code elsewhere first: what is near is seen already.
    chosen = sorted(found, key=lambda each: each[0])[:_CALLS]
    shown = tuple(
        f"{path}\n{_numbered(context, path, max(1, line - _AROUND_CALLS), line + _AROUND_CALLS, range(line, line + 1))}"
        for _, path, line in chosen
    )
    return Calls(name, shown, len(found), searched < _SEARCHED)


def _numbered(context: Context, path: str, first: int, last: int, marked: range, column: int = 1) -> str:
    lines = context.lines_of(path, first, last).removesuffix("\n").split("\n")
    return "\n".join(
        f"{'>' if number in marked else ' '} {number:>5} | {_cut(line, column if number in marked else 1)}"
        for number, line in enumerate(lines, first)
    )


def _cut(line: str, column: int) -> str:
    if len(line) <= _LONGEST:
        return line.rstrip()
    start = max(0, min(column - 1 - _LONGEST // 3, len(line) - _LONGEST))
    end = start + _LONGEST
    return f"{'[...]' if start else ''}{line[start:end]}{'[...]' if end < len(line) else ''}"


def _defined(context: Context, finding: Finding) -> tuple[str, int] | None:
    """Return the name of the code around a finding and the line of its definition."""
    first = max(1, finding.line - _WIDELY)
    lines = context.lines_of(finding.path, first, finding.line).removesuffix("\n").split("\n")
    own = _indentation(lines[-1])
    for number in range(finding.line, first - 1, -1):
        line = lines[number - first][:1_000]
        if not line.strip() or (number < finding.line and _indentation(line) >= max(1, own)):
            continue
        name = next((match[1] for shape in _DEFINITIONS if (match := shape.search(line))), None)
        if name is not None and name not in _NO_NAMES:
            return name, number
    return None


def _indentation(line: str) -> int:
    return len(line) - len(line.lstrip())


def _named(context: Context, name: str) -> Iterator[tuple[str, int]]:
    """Yield path and line of the places where a name stands before a parenthesis."""
    for number, offset in enumerate(context.occurrences(f"{name}(")):
        if number == _SEARCHED:
            return
        before = context.text(offset - 1, offset)
        if not (before.isalnum() or before in ("_", "$")):
            yield context.locate(offset)
