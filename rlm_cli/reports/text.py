"""The result as plain text: the answer first, then what it rests on."""

from rlm_cli.reports.words import no_answer, place
from rlm_cli.task import Task
from rlm_cli.types import Result

_QUOTE = 600
"""Characters of a quote that are shown; a longer one is in the JSON whole."""


def render_text(task: Task, result: Result) -> str:
    """Return the answer, the doubt and the evidence; nothing else."""
    return answer_text(result)


def answer_text(result: Result) -> str:
    """Return the same of a result whose task is not at hand, as that of a recorded run."""
    parts = [result.answer.strip("\n") or no_answer(result)]
    if result.doubt:
        parts.append(f"Doubt: {result.doubt}")
    evidence = [each for each in result.citations if each.quote is not None]
    if evidence:
        lines = [
            f"  {place(each)}: {_short(each.quote or '')}{'' if each.verified else '  [not found there]'}"
            for each in evidence
        ]
        parts.append("\n".join(["Evidence:", *lines]))
    wrong = [place(each) for each in result.citations if each.quote is None and not each.verified]
    if wrong:
        parts.append(f"Places named in the answer that do not exist: {', '.join(wrong)}")
    return "\n\n".join(parts) + "\n"


def _short(quote: str) -> str:
    words = " ".join(quote.split())
    return words if len(words) <= _QUOTE else f"{words[: _QUOTE - 3]}..."
