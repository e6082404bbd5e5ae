"""What a report is made of: a task, what it came to, which findings count, and what no reader is to see.

The renderers (reports/) and the display take all their text from here, so that secrets are hidden in one place. Not
covered: how a secret is told (redaction.py), which findings count (gate/).
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from rlm_cli.results import Citation, Finding, Result, Sifted
from rlm_cli.task import Task
from rlm_cli.types import Severity


@dataclass(frozen=True, slots=True)
class Report:
    """Everything that a renderer may show. Make one with `report_of`."""

    task: Task
    result: Result
    """With secrets hidden, as is all else here."""
    sifted: Sifted
    fail_on: Severity | None = None
    """Findings at or above it fail a CI job; None: none does."""
    hide: Callable[[str], str] = field(default=str, repr=False)

    def lines(self, path: str, first: int, last: int) -> str:
        """Return lines of a document (from 1, both included). Raises KeyError for an unknown path."""
        return self.hide(self.task.context.lines_of(path, first, last))


def report_of(
    task: Task, result: Result, sifted: Sifted, fail_on: Severity | None = None, hide: Callable[[str], str] = str
) -> Report:
    """Return the report on a result, whose secrets `hide` takes out of any text."""

    def hidden(finding: Finding) -> Finding:
        reason = None if finding.reason is None else hide(finding.reason)
        title, message, quote = hide(finding.title), hide(finding.message), hide(finding.quote)
        return replace(finding, title=title, message=message, quote=quote, reason=reason)

    def cited(citation: Citation) -> Citation:
        return citation if citation.quote is None else replace(citation, quote=hide(citation.quote))

    shown = replace(
        result,
        answer=hide(result.answer),
        doubt=None if result.doubt is None else hide(result.doubt),
        citations=tuple(map(cited, result.citations)),
        warnings=tuple(map(hide, result.warnings)),
        findings=tuple(map(hidden, result.findings)),
    )
    apart = Sifted(
        tuple(map(hidden, sifted.reported)),
        tuple(map(hidden, sifted.known)),
        tuple(map(hidden, sifted.refuted)),
        tuple(replace(each, finding=hidden(each.finding), reason=hide(each.reason)) for each in sifted.withheld),
        sifted.against_baseline,
    )
    return Report(task, shown, apart, fail_on, hide)
