"""The kinds of work: what --task adds to a question, a file each.

`section` is what the root model reads of one. Knows a Task's fields, and nothing of the rest of the first message.
"""

from rlm_cli.engine.templates import code_quality, code_security, contract, conversations, papers
from rlm_cli.engine.templates.template import Template
from rlm_cli.errors import UsageError
from rlm_cli.task import Task

TEMPLATES = {
    each.name: each
    for each in (
        code_security.TEMPLATE,
        code_quality.TEMPLATE,
        contract.TEMPLATE,
        papers.TEMPLATE,
        conversations.TEMPLATE,
    )
}
"""By the name that --task has for each."""

_TABLES = (
    "Answer in these sections, each a Markdown table with these columns{made} (a cell is one line, | in it is \\|). "
    "Leave out what was not asked; say what was not found. Last: coverage in numbers."
)
_MADE = ", made in code from checked rows"

__all__ = ["TEMPLATES", "Template", "named", "section"]


def named(name: str) -> Template:
    """Return a template. Raises UsageError for a name that is none."""
    if name not in TEMPLATES:
        raise UsageError(f"there is no task {name!r}", f"there are {', '.join(TEMPLATES)}")
    return TEMPLATES[name]


def section(task: Task) -> list[str]:
    """Return the lines on a task's kind of work, a heading first and an empty line last; [] where it has none."""
    if task.template is None:
        return []
    template = named(task.template)
    lines = [f"- {line}" for line in template.needs]
    in_session = task.strategy == "rlm"
    if in_session:
        lines += ["How:", *(f"- {line}" for line in template.method)]
    if task.schema is None:
        lines += [] if template.findings else [_TABLES.format(made=_MADE if in_session else "")]
        lines += [f"- {line}" for line in template.form]
    return [f"# Task: {template.title}", "", *lines, ""]
