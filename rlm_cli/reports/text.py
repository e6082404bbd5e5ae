"""The result as plain text: the answer first, then what it rests on."""

import re

from rlm_cli.places import place_name
from rlm_cli.reports.words import no_answer
from rlm_cli.results import Result
from rlm_cli.task import Task

_QUOTE = 600
"""Characters of a quote that are shown; a longer one is in the JSON whole."""
_HEAD = re.compile(r"\W*(evidence|doubt|places named in the answer that do not exist)\W*:", re.IGNORECASE)


def render_text(task: Task, result: Result) -> str:
    """Return the answer, the doubt and the evidence; nothing else."""
    return answer_text(result)


def answer_text(result: Result) -> str:
    """Return the same of a result whose task is not at hand, as that of a recorded run."""
    parts = [_own(result.answer.strip("\n")) or no_answer(result)]
    if result.doubt:
        parts.append(f"Doubt: {_own(result.doubt)}")
    evidence = [each for each in result.citations if each.quote is not None]
    if evidence:
        lines = [
            f"  {place_name(each)}: {_short(each.quote or '')}{'' if each.verified else '  [not found there]'}"
            for each in evidence
        ]
        parts.append("\n".join(["Evidence:", *lines]))
    wrong = [place_name(each) for each in result.citations if each.quote is None and not each.verified]
    if wrong:
        parts.append(f"Places named in the answer that do not exist: {', '.join(wrong)}")
    return "\n\n".join(parts) + "\n"


def _own(text: str) -> str:
    """Return a model's text with a sign before every line that could be taken for one of the report's own."""
    lines = text.splitlines(keepends=True)
    return "".join(f"> {line}" if _HEAD.match(line) else line for line in lines)


def _short(quote: str) -> str:
    words = " ".join(quote.split())
    return words if len(words) <= _QUOTE else f"{words[: _QUOTE - 3]}..."
