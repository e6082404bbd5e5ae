"""The result as a Markdown document, to keep or to post."""

from rlm_cli.places import place_name
from rlm_cli.reports.summary import remarks, summary_line
from rlm_cli.reports.words import no_answer
from rlm_cli.results import Citation, Result
from rlm_cli.task import Task


def render_markdown(task: Task, result: Result) -> str:
    """Return question, answer, doubt, evidence and how the run went."""
    parts = [f"# {' '.join(task.question.split())}", result.answer.strip("\n") or no_answer(result)]
    if result.doubt:
        parts.append(f"## Doubt\n\n{result.doubt}")
    evidence = [each for each in result.citations if each.quote is not None or not each.verified]
    if evidence:
        parts.append("## Evidence\n\n" + "\n\n".join(_item(each) for each in evidence))
    parts.append("## Run\n\n" + "\n".join(f"- {line}" for line in _run(task, result)))
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


def _run(task: Task, result: Result) -> list[str]:
    context = task.context
    skipped = ", ".join(f"{number} {reason}" for reason, number in context.skipped_by_reason().items())
    return [
        summary_line(result, len(context.documents), len(context.skipped)),
        f"Models: root `{task.profile.root.model}`, sub `{task.profile.sub.model}` (profile {task.profile.name})",
        f"Context: {len(context.documents):,} documents, {context.characters:,} characters, sha256 `{context.sha256}`",
        *([f"Not loaded: {skipped}"] if skipped else []),
        *(f"Warning: {each}" for each in remarks(result)),
    ]
