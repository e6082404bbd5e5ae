"""What a stream is, and the answer as a person reads it there. Each stream is asked for itself."""

import os
import sys
from typing import TextIO

from rlm_cli.types import Result


def is_terminal(stream: TextIO) -> bool:
    """Tell whether a person looks at `stream`, on a terminal that can do more than type."""
    return stream.isatty() and os.environ.get("TERM") != "dumb"


def print_answer(result: Result) -> None:
    """Print the answer and what it rests on to stdout: rendered for a terminal, else as the plain text report."""
    from rlm_cli.reports import answer_text, no_answer, place

    if not is_terminal(sys.stdout):
        sys.stdout.write(answer_text(result))
        return
    from rich.console import Console

    from rlm_cli.display.answer import THEME, Evidence, answer_view

    console = Console(file=sys.stdout, theme=THEME, highlight=False)
    width = min(console.width, 120)
    evidence = [Evidence(place(each), each.quote, each.verified) for each in result.citations]
    answer = result.answer.strip("\n") or no_answer(result)
    console.print(answer_view(answer, result.doubt, evidence, width), width=width)
