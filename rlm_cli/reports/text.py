"""The result as plain text: the answer first, then what it rests on."""

import re

from rlm_cli.places import place_name
from rlm_cli.report import Report
from rlm_cli.reports.finding_text import findings_text, tame
from rlm_cli.reports.words import no_answer, shortened
from rlm_cli.results import Result
from rlm_cli.types import SEVERITIES

_QUOTE = 600
"""Characters of a quote that are shown; a longer one is in the JSON whole."""
_HEADS = "evidence|doubt|places named in the answer that do not exist"
_HEAD = re.compile(rf"\W*({_HEADS})\W*:", re.IGNORECASE)
_HEAD_OF_FINDINGS = re.compile(
    rf"\W*({_HEADS}|findings|known|refuted|not reported|coverage|incomplete|{'|'.join(SEVERITIES)})\W*:", re.IGNORECASE
)
"""What begins a line of a report in which findings follow."""


def render_text(report: Report) -> str:
    """Return the answer, the doubt, the evidence and, where they were asked for, the findings; nothing else."""
    findings = findings_text(report)
    if findings is None:
        return answer_text(report.result)
    return f"{answer_text(report.result, _HEAD_OF_FINDINGS)}\n{findings}\n"


def answer_text(result: Result, heads: re.Pattern[str] = _HEAD) -> str:
    """Return the same of a result whose task is not at hand, as that of a recorded run: without findings.

    `heads`: what a line of the answer must not begin with.
    """
    parts = [_own(result.answer.strip("\n"), heads) or no_answer(result)]
    if result.doubt:
        parts.append(f"Doubt: {_own(result.doubt, heads)}")
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


def _own(text: str, heads: re.Pattern[str]) -> str:
    """Return a model's text with a sign before every line that could be taken for one of the report's own."""
    lines = tame(text).splitlines(keepends=True)
    return "".join(f"> {line}" if heads.match(line) else line for line in lines)


def _short(quote: str) -> str:
    return shortened(" ".join(quote.split()), _QUOTE)
