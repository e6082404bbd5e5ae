"""Findings as a comment on a pull request: counts, a table, and the details of each behind a click.

All text of models and files goes through markdown_safe. A comment may have 65,536 characters: what does not fit is
counted. Not covered: a report on a question, whose answer is Markdown of its own (markdown.py).
"""

from collections.abc import Iterator, Sequence

from rlm_cli.amounts import counted
from rlm_cli.excerpts import excerpt_of
from rlm_cli.finding_words import (
    aside_words,
    check_words,
    coverage_words,
    incomplete_words,
    severity_words,
    withheld_words,
)
from rlm_cli.places import has_own_lines, place_name
from rlm_cli.report import Report
from rlm_cli.reports.markdown_safe import code, fenced, in_html, inline, paragraphs, wrapped
from rlm_cli.reports.words import no_answer, shortened
from rlm_cli.results import Citation, Finding

_MOST = 60_000
"""Characters of the whole, about."""
_ROWS = 100
_LISTED = 20
"""Findings that are named of those that are not reported."""
_TITLE, _MESSAGE, _ANSWER = 200, 4_000, 10_000
"""Characters that are shown of one: of a title or a reason, of a message, of the answer."""
_REMARKS = 20
"""Lines on how the run went."""


def findings_markdown(report: Report, run: Sequence[str]) -> str:
    """Return the whole comment; `run` says how the run went, a line each, of harmless Markdown."""
    reported = report.sifted.reported
    parts = [f"## rlm: {_counts(reported)}", *_statements(report)]
    if reported:
        parts.append("\n".join(_table(reported)))
    last = [*_asides(report), _answer(report), _folded("The run", _listed(run))]
    room = _MOST - sum(map(len, parts)) - sum(map(len, last))
    shown = 0
    for finding in reported:
        details = _details(report, finding)
        room -= len(details) + 2
        if room < 0:
            break
        parts.append(details)
        shown += 1
    if shown < len(reported):
        missing = counted(len(reported) - shown, "finding")
        parts.append(f"The details of {missing} are left out: a comment has room for no more. Other formats have all.")
    return "\n\n".join([*parts, *last]) + "\n"


def _listed(lines: Sequence[str]) -> str:
    more = [f"and {len(lines) - _REMARKS:,} more, in the JSON"] if len(lines) > _REMARKS else []
    return "\n".join(f"- {line}" for line in [*lines[:_REMARKS], *more])


def _counts(reported: Sequence[Finding]) -> str:
    return f"{counted(len(reported), 'finding')}: {severity_words(reported)}" if reported else "no findings"


def _statements(report: Report) -> Iterator[str]:
    """Yield what a reader has to know before the table."""
    result = report.result
    incomplete = incomplete_words(result)
    if incomplete is not None:
        yield f"**{incomplete.capitalize()}.**"
    words = [] if result.coverage is None else [coverage_words(result.coverage)]
    words += aside_words(report.sifted, result.rejected_findings)
    if words:
        yield f"{inline(', '.join(words))}."


def _table(findings: Sequence[Finding]) -> Iterator[str]:
    yield "| Severity | Finding | Place | Check |"
    yield "| --- | --- | --- | --- |"
    for each in findings[:_ROWS]:
        place = code(place_name(each.place), in_table=True)
        yield f"| {each.severity} | {inline(shortened(each.title, _TITLE))} | {place} | {each.verdict} |"
    if len(findings) > _ROWS:
        yield f"| | and {len(findings) - _ROWS:,} more | | |"


def _details(report: Report, finding: Finding) -> str:
    place = place_name(finding.place)
    about = f"{code(finding.rule_id)}" + (f" ({inline(finding.cwe)})" if finding.cwe else "")
    parts = [f"{about} at {code(place)}: {check_words(finding)}.", paragraphs(shortened(finding.message, _MESSAGE))]
    document = report.task.context.document(finding.path)
    parts.append(
        fenced(
            "\n".join(_code(report, finding)), document.kind if document is not None and has_own_lines(document) else ""
        )
    )
    if finding.reason:
        parts.append(f"The check: {inline(shortened(finding.reason, _MESSAGE))}")
    return _folded(
        f"{finding.severity}: {shortened(finding.title, _TITLE)} ({place})", "\n\n".join(filter(None, parts))
    )


def _code(report: Report, finding: Finding) -> Iterator[str]:
    excerpt = excerpt_of(report, finding)
    yield from (row.text for row in excerpt.rows)
    if excerpt.hidden:
        yield f"... {excerpt.hidden:,} more lines"


def _folded(summary: str, body: str) -> str:
    return f"<details>\n<summary>{in_html(summary)}</summary>\n\n{body}\n\n</details>"


def _asides(report: Report) -> Iterator[str]:
    sifted = report.sifted
    lists = {
        "Known": [(each, "") for each in sifted.known],
        "Refuted": [(each, each.reason or "") for each in sifted.refuted],
        "Not reported": [(each.finding, withheld_words(each)) for each in sifted.withheld],
    }
    for title, findings in lists.items():
        if findings:
            lines = [_item(finding, why) for finding, why in findings[:_LISTED]]
            if len(findings) > _LISTED:
                lines.append(f"- and {len(findings) - _LISTED:,} more")
            yield _folded(f"{title}: {len(findings):,}", "\n".join(lines))


def _item(finding: Finding, why: str) -> str:
    line = f"- {finding.severity}: {inline(shortened(finding.title, _TITLE))}, {code(place_name(finding.place))}"
    return line + (f" ({inline(shortened(why, _TITLE))})" if why else "")


def _answer(report: Report) -> str:
    result = report.result
    answer = result.answer.strip("\n")
    parts = [fenced(wrapped(shortened(answer, _ANSWER) or no_answer(result)), "text")]
    if result.doubt:
        parts.append(f"Doubt: {inline(shortened(result.doubt, _MESSAGE))}")
    wrong = [each for each in result.citations if not each.verified]
    items = [f"- {code(shortened(place_name(each), _TITLE))}: **{_why(each)}**" for each in wrong[:_LISTED]]
    if len(wrong) > _LISTED:
        items.append(f"- and {len(wrong) - _LISTED:,} more")
    parts += ["\n".join(items)] if items else []
    return _folded("What the model says of it all", "\n\n".join(parts))


def _why(citation: Citation) -> str:
    return "no such place" if citation.quote is None else "not found there"
