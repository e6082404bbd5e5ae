"""Which code in a piece of Markdown is quoted from the text that it is about: not the remedy, not a mere name.

Covered: fences, inline code, quotations, numbered lines, differences. Not covered: whether it stands in that text.
"""

import re
import textwrap
from collections.abc import Callable, Sequence

from rlm_cli.engine.named.markdown_tree import field_in

_INLINE = re.compile(
    r"(?<!`)``(?!`)[ ]?((?:(?!``)[^\n]){1,2000}?)[ ]?``(?!`)"
    r"|(?<!`)`(?!`)([^`\n]{1,2000})`(?!`)"
)
_IDENTIFIER = re.compile(r"[\w.:$@-]*(?:\(\))?")
_NUMBERED = re.compile(r"^\s*(?:L|>)?\s*\d{1,6}\s?[|:]? ?(.*)$")
_ELLIPSIS = re.compile(r"^\s*(?:#|//|/\*|<!--|--)?\s*(?:\.\.\.|\u2026)\s*(?:\*/|-->)?.*$")
_REMEDY = re.compile(
    r"\b(?:use|using|replace|instead|should|switch to|change|fix|fixed|remediation|recommend\w*|prefer"
    r"|mitigat\w+|better|"
    r"safe version|secure version|e\.g\.|such as|correct\w*)\b[^`\n]{0,60}$",
    re.IGNORECASE,
)


def inline_codes(text: str) -> list[str]:
    """Return what stands in backticks, on one line each."""
    return [match[1] or match[2] for match in _INLINE.finditer(text)]


def quote_in(
    lines: Sequence[str],
    fences: Sequence[tuple[int, str, str]],
    cell: str | None,
    is_name: Callable[[str], bool],
) -> str:
    """Return the quote of a claim; "" where there is none. `fences`: (lines before it, language, text)."""
    if cell is not None and cell.strip():
        codes = inline_codes(cell)
        joined = "\n".join(codes) if codes else re.sub(r"<br\s?/?>", "\n", cell)
        return joined.strip()
    remedy = _remedies(lines)
    labelled, others = [], []
    for number, line in enumerate(lines):
        found = field_in(line)
        if remedy[number]:
            continue
        for match in _INLINE.finditer(line):
            code = (match[1] or match[2]).strip()
            if is_name(code) or _REMEDY.search(line[: match.start()][-100:]):
                continue
            if found is not None and found[0] == "quote":
                labelled.append(code)
            elif not _IDENTIFIER.fullmatch(code):
                others.append(code)
        if found is not None and found[0] == "quote" and "`" not in found[1] and len(found[1]) > 3:
            labelled.append(found[1].strip('*_ "\u201c\u201d'))
    if labelled:
        return labelled[0]
    for before, language, text in fences:
        if before and (remedy[before - 1] or _REMEDY.search(lines[before - 1].rstrip("*_: ")[-100:])):
            continue
        if code := _fenced(text, language):
            return code
    if others:
        return max(others, key=len)
    quoted = [line.lstrip("> ") for line in lines if line.startswith(">")]
    return "\n".join(quoted)


def _remedies(lines: Sequence[str]) -> list[bool]:
    """Tell of each line whether it says what to do instead."""
    marks, inside = [], False
    for line in lines:
        found = field_in(line)
        if found is not None:
            inside = found[0] == "fix"
        marks.append(inside)
    return marks


def _fenced(text: str, language: str) -> str:
    """Return the code of a fence as it may stand in a file: without numbers, added lines and what was left out."""
    lines = text.split("\n")
    if language.lower() in ("diff", "patch"):
        lines = [line[1:] for line in lines if line[:1] in "- " and not line.startswith("---")]
    numbered = [_NUMBERED.match(line) for line in lines if line.strip()]
    if len(numbered) > 0 and all(numbered) and re.match(r"\s*(?:L|>)?\s*\d+\s?[|:]", next(filter(str.strip, lines))):
        lines = [match[1] if (match := _NUMBERED.match(line)) else line for line in lines]
    parts: list[list[str]] = [[]]
    for line in lines:
        if _ELLIPSIS.match(line):
            parts.append([])
        else:
            parts[-1].append(line)
    longest = max(("\n".join(part).strip("\n") for part in parts), key=lambda part: len(part.strip()))
    return textwrap.dedent(longest)
