"""What a root reply holds: code blocks, and an answer in prose. Pure functions of the reply's text.

Code stands in fences tagged `repl` or `python`; an unclosed fence runs to the end of the reply. A prose FINAL counts
only outside every fence, where it opens a line and its last `)` ends one; its text is taken literally. Whether it is
accepted is the loop's decision, not this module's.
"""

import ast
import re
from dataclasses import dataclass
from typing import Literal

CODE_TAGS = ("repl", "python")

_FENCE = re.compile(r"^(?P<indent> {0,3})(?P<ticks>`{3,})[ \t]*(?P<tag>[^\s`]*)[^`\n]*$")
_FINAL_TEXT = re.compile(r"^FINAL\((?P<text>.*)\)[ \t\r]*$", re.MULTILINE | re.DOTALL)
_FINAL_VARIABLE = re.compile(
    r"^FINAL_VAR\([ \t]*(?P<quote>[\"'`]?)(?P<name>\w+)(?P=quote)[ \t]*\)[ \t\r]*$", re.MULTILINE
)


@dataclass(frozen=True, slots=True)
class ProseFinal:
    """An answer given outside code: literal text, or the name of a variable."""

    kind: Literal["text", "variable"]
    value: str


@dataclass(frozen=True, slots=True)
class Parsed:
    """One root reply, taken apart."""

    blocks: tuple[str, ...]
    """The code, block by block."""
    final: ProseFinal | None
    other_tags: tuple[str, ...]
    """Tags of fences that are not code for the REPL; "" for a fence without one."""
    unclosed: bool
    """The last code block's fence never ended."""
    words: str
    """Everything outside fences that is no FINAL: what a last word without an answer still says."""


def parse(reply: str) -> Parsed:
    """Take a reply apart; never fails."""
    lines = reply.split("\n")
    blocks: list[str] = []
    other_tags: list[str] = []
    stretches: list[list[str]] = [[]]
    unclosed = False
    index = 0
    while index < len(lines):
        opening = _FENCE.match(lines[index])
        if opening is None:
            stretches[-1].append(lines[index])
            index += 1
            continue
        tag = opening["tag"].lower()
        is_code = tag in CODE_TAGS
        end = _closing(lines, index + 1, len(opening["ticks"]), is_code)
        body = "\n".join(_unindented(line, len(opening["indent"])) for line in lines[index + 1 : end])
        unclosed = end is None and is_code and bool(body.strip())
        if is_code and body.strip():
            blocks.append(body)
        elif not is_code:
            other_tags.append(tag)
        stretches.append([])
        index = len(lines) if end is None else end + 1
    prose = ["\n".join(stretch) for stretch in stretches]
    final = next((found for each in prose if (found := _prose_final(each)) is not None), None)
    words = "\n".join(_FINAL_VARIABLE.sub("", _FINAL_TEXT.sub("", each)) for each in prose)
    return Parsed(tuple(blocks), final, tuple(other_tags), unclosed, words.strip())


def _unindented(line: str, indent: int) -> str:
    """Take as much indentation from a line as its fence has."""
    return line[min(indent, len(line) - len(line.lstrip(" "))) :]


def _closing(lines: list[str], start: int, ticks: int, is_code: bool) -> int | None:
    """Return the index of the line that closes a fence, or None.

    A line of backticks inside a triple-quoted string closes nothing: while the code so far ends within such a string,
    the next candidate is tried; when none helps, the first one counts.
    """
    bare = re.compile(rf" {{0,3}}`{{{ticks},}}[ \t]*\r?")
    candidates = [number for number in range(start, len(lines)) if bare.fullmatch(lines[number]) is not None]
    if is_code:
        for number in candidates:
            if not _ends_inside_string("\n".join(lines[start:number])):
                return number
    return candidates[0] if candidates else None


def _ends_inside_string(code: str) -> bool:
    try:
        ast.parse(code)
    except SyntaxError as error:
        return "unterminated triple-quoted" in (error.msg or "")
    except (ValueError, RecursionError, MemoryError):
        # Not Python at all (a NUL, absurd nesting): the sandbox will say so better than a guess here.
        return False
    return False


def _prose_final(prose: str) -> ProseFinal | None:
    # `.*` is greedy: the text ends at the last bracket that ends a line.
    variable, text = _FINAL_VARIABLE.search(prose), _FINAL_TEXT.search(prose)
    if variable is not None and (text is None or variable.start() < text.start()):
        return ProseFinal("variable", variable["name"])
    return ProseFinal("text", text["text"].strip()) if text is not None else None
