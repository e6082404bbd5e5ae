"""Text of models and files as Markdown that shows it and does nothing else, wherever GitHub or GitLab render it.

No HTML, link, table cell or fence begins or ends in it, nobody is mentioned and no issue is linked: a backslash makes
punctuation plain, and where the renderer looks for names after that, an invisible space parts the sign from the name.
"""

import html
import re
import textwrap

from rlm_cli.safe_text import safe, safe_line

_PART = "\u200b"
_NAMES = re.compile(r"(?<=[@#!~%$&])(?=\w)|(?<=GH-)(?=\d)|(?<=:)(?=//)|(?<=www)(?=\.)", re.IGNORECASE)
"""Where a mention, an issue, a label, an address begins."""
_SIGNS = re.compile(r"([\\`*_\[\]<>#|~&$^])")
_AT_THE_START = re.compile(r"^([-+=:/]|\d+(?=[.)]))")
"""What makes a line an item of a list, a heading or, at GitLab, a command."""
_LANGUAGE = re.compile(r"[a-z0-9+#]{1,12}", re.ASCII)
_WIDTH = 100


def inline(text: str) -> str:
    """Return text as one line of plain words."""
    return _plain(safe_line(text))


def paragraphs(text: str) -> str:
    """Return text of several lines, each of which stays one."""
    lines = [_plain(" ".join(line.split())) for line in safe(text).strip().splitlines()]
    # A backslash at the end of a line ends it where it is shown, too.
    pairs = zip(lines, [*lines[1:], ""], strict=False)
    return "\n".join(f"{line}\\" if line and following else line for line, following in pairs)


def _plain(line: str) -> str:
    line = _SIGNS.sub(r"\\\1", _NAMES.sub(_PART, line))
    return _AT_THE_START.sub(lambda sign: f"{sign[0]}\\" if sign[0].isdigit() else f"\\{sign[0]}", line)


def in_html(text: str) -> str:
    """Return text for between two tags on one line."""
    return html.escape(_NAMES.sub(_PART, safe_line(text)))


def code(text: str, in_table: bool = False) -> str:
    """Return text as a span of code on one line."""
    text = safe_line(text)
    runs = [len(run) for run in re.findall("`+", text)]
    ticks = "`" * (max(runs, default=0) + 1)
    space = " " if text.startswith("`") or text.endswith("`") else ""
    span = f"{ticks}{space}{text}{space}{ticks}"
    return span.replace("|", "\\|") if in_table else span


def fenced(text: str, language: str = "") -> str:
    """Return text as a block of code, behind a fence that it cannot end."""
    text = safe(text)
    fence = "`" * max(3, 1 + max(map(len, re.findall("`+", text)), default=0))
    named = language if _LANGUAGE.fullmatch(language) else ""
    return f"{fence}{named}\n{text.rstrip()}\n{fence}"


def wrapped(text: str) -> str:
    """Return text with its long lines broken between words, for a block of code that nobody wants to scroll."""
    return "\n".join(row for line in safe(text).splitlines() for row in _rows(line))


def _rows(line: str) -> list[str]:
    if len(line) <= _WIDTH:
        return [line]
    return textwrap.wrap(line, _WIDTH, break_long_words=False, break_on_hyphens=False)
