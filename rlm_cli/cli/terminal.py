"""What a stream is, and the answer as a person reads it there. Each stream is asked for itself."""

import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, TextIO

from rlm_cli.results import Result

if TYPE_CHECKING:
    from rich.text import Text

    from rlm_cli.report import Report

_WIDEST = 120
"""Cells of the widest line of an answer: longer ones are hard to read."""


def is_terminal(stream: TextIO) -> bool:
    """Tell whether a person looks at `stream`, on a terminal that can do more than type."""
    return stream.isatty() and os.environ.get("TERM") != "dumb"


def width() -> int:
    """Return how many cells a line of stdout has; 80 where it is no terminal and COLUMNS does not say."""
    from rich.console import Console

    return Console(file=sys.stdout).width


def fitted(text: str, stream: TextIO) -> str:
    """Return `text` as it goes to `stream`: harmless, and where that is a terminal, broken between words."""
    from rlm_cli.safe_text import safe

    text = safe(text)
    try:
        cells = os.get_terminal_size(stream.fileno()).columns
    except (OSError, ValueError):  # no terminal; no file either
        return text
    # No sign takes more than two cells.
    if not cells or all(2 * len(line) <= cells for line in text.split("\n")):
        return text
    from rlm_cli.display.lines import at_words

    return at_words(text, cells)


def print_lines(lines: Sequence["Text"]) -> None:
    """Print lines to stdout: in colour on a terminal, else as they are."""
    from rich.console import Console

    from rlm_cli.display.lines import joined

    # Not rich for a pipe: where a reader leaves early it ends the process with 1, which here means findings.
    if is_terminal(sys.stdout):
        Console(file=sys.stdout, highlight=False).print(joined(lines), soft_wrap=True)
    else:
        sys.stdout.write(joined(lines).plain + "\n")


def print_report(report: "Report") -> None:
    """Print the answer, what it rests on and the findings to stdout, a terminal."""
    from rich.console import Console

    from rlm_cli.display.findings import finding_lines

    print_answer(report.result)
    if lines := finding_lines(report, min(width(), _WIDEST)):
        console = Console(file=sys.stdout, highlight=False)
        console.print()
        for line in lines:
            console.print(line, soft_wrap=True)


def print_answer(result: Result) -> None:
    """Print the answer and what it rests on to stdout: rendered for a terminal, else as plain text."""
    from rlm_cli.places import place_name
    from rlm_cli.reports import answer_text, no_answer
    from rlm_cli.safe_text import safe

    if not is_terminal(sys.stdout):
        sys.stdout.write(safe(answer_text(result)))
        return
    from rich.console import Console

    from rlm_cli.display.answer import THEME, Evidence, answer_view

    console = Console(file=sys.stdout, theme=THEME, highlight=False)
    cells = min(console.width, _WIDEST)
    evidence = [Evidence(place_name(each), each.quote, each.verified) for each in result.citations]
    answer = result.answer.strip("\n") or no_answer(result)
    console.print(answer_view(answer, result.doubt, evidence, cells), width=cells)
