"""The result as a Markdown document, to keep or to post: an answer, or findings as a comment on a pull request."""

from collections.abc import Callable

from rlm_cli.finding_words import asked_for_findings
from rlm_cli.places import place_name
from rlm_cli.report import Report
from rlm_cli.reports.finding_markdown import findings_markdown
from rlm_cli.reports.markdown_safe import inline
from rlm_cli.reports.summary import remarks, summary_line
from rlm_cli.reports.words import no_answer, shortened
from rlm_cli.results import Citation
from rlm_cli.task import Task

_REMARK = 500
"""Characters of a warning in a comment."""


def render_markdown(report: Report) -> str:
    """Return question, answer, doubt, evidence and how the run went; or the findings, where they were asked for."""
    result = report.result
    if asked_for_findings(result, report.sifted):
        return findings_markdown(report, _run(report, lambda remark: inline(shortened(remark, _REMARK))))
    parts = [f"# {' '.join(report.hide(report.task.question).split())}", result.answer.strip("\n") or no_answer(result)]
    if result.doubt:
        parts.append(f"## Doubt\n\n{result.doubt}")
    evidence = [each for each in result.citations if each.quote is not None or not each.verified]
    if evidence:
        parts.append("## Evidence\n\n" + "\n\n".join(_item(each) for each in evidence))
    parts.append("## Run\n\n" + "\n".join(f"- {line}" for line in _run(report, str)))
    return "\n\n".join(parts) + "\n"


def _item(citation: Citation) -> str:
    if citation.quote is None:
        return f"- `{place_name(citation)}`: **no such place**"
    mark = "" if citation.verified else " **not found there**"
    fence = "```"
    while fence in citation.quote:
        fence += "`"
    quoted = "\n".join(f"  {line}" for line in [fence, *citation.quote.strip("\n").split("\n"), fence])
    return f"- `{place_name(citation)}`{mark}\n\n{quoted}"


def _run(report: Report, plain: Callable[[str], str]) -> list[str]:
    task, result, context = report.task, report.result, report.task.context
    skipped = ", ".join(f"{number} {reason}" for reason, number in context.skipped_by_reason().items())
    return [
        summary_line(result, len(context.documents), len(context.skipped), report.sifted),
        f"Models: root `{task.profile.root.model}`, sub `{task.profile.sub.model}` (profile {task.profile.name})",
        *_second_pass(task),
        f"Context: {len(context.documents):,} documents, {context.characters:,} characters, sha256 `{context.sha256}`",
        *([f"Not loaded: {skipped}"] if skipped else []),
        *(f"Warning: {plain(each)}" for each in remarks(result)),
    ]


def _second_pass(task: Task) -> list[str]:
    later = task.profile.refine
    if later is None:
        return []
    return [f"Second pass: root `{later.root.model}`, sub `{later.sub.model}` (profile {later.name})"]
