"""The second pass: what a stronger model is given of what a first one has found.

Covered: what it is told of the first pass, and on which documents that rests. The text is the same whole one: what
overrules an answer stands, more often than not, where the first pass has not looked. Not covered: running it (loop.py).
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from rlm_cli.amounts import counted
from rlm_cli.context import Context
from rlm_cli.places import place_name
from rlm_cli.references import references
from rlm_cli.results import Citation, Finding
from rlm_cli.safe_text import safe_line
from rlm_cli.task import Task

_ANSWER = 12_000
"""Characters of the first answer that are shown."""
_QUOTES = 40
"""Pieces of evidence, and findings, that are shown."""
_QUOTE = 300
_PATHS = 40
"""Documents that are named."""


def second_task(
    task: Task, answer: str, doubt: str | None, evidence: Sequence[Citation], findings: Sequence[Finding]
) -> Task:
    """Return what is left to do when the first pass of `task` has come to this."""
    assert task.profile.refine is not None
    told = "\n".join(_told(answer, doubt, evidence, findings, cited(task.context, answer, evidence, findings)))
    # The money, the time and the rules are those of the whole run.
    models = replace(task.profile.refine, limits=task.profile.limits, rules=task.profile.rules)
    return replace(task, profile=models, strategy="rlm", earlier=told)


def cited(context: Context, answer: str, evidence: Iterable[Citation], findings: Iterable[Finding]) -> tuple[str, ...]:
    """Return the paths of the documents that a first pass rests on, in the order in which it names them."""
    places = (*evidence, *references(context, answer), *(each.place for each in findings))
    return tuple(dict.fromkeys(each.path for each in places if context.document(each.path) is not None))


def _told(
    answer: str, doubt: str | None, evidence: Sequence[Citation], findings: Sequence[Finding], paths: Sequence[str]
) -> Iterator[str]:
    yield (
        "Another model has had a first look; its session is gone, and its iterations count. What it came to is a hint "
        "and no proof: begin with its doubts and with what its answer turns on, and search the whole text, above all "
        "the documents that it does not cite, for what it missed or what overrules it. Give your own answer whole: the "
        "reader does not see the first one."
    )
    if paths:
        more = f" and {len(paths) - _PATHS:,} more" if len(paths) > _PATHS else ""
        yield f"It rests on {counted(len(paths), 'document')}: {', '.join(paths[:_PATHS])}{more}."
    yield "Its answer:"
    yield from _quoted(answer[:_ANSWER])
    if len(answer) > _ANSWER:
        yield f"[... {len(answer) - _ANSWER:,} characters more are not shown ...]"
    if doubt:
        yield "Its doubts:"
        yield from _quoted(doubt[:_ANSWER])
    if evidence:
        yield "Its evidence; each quote stands there, and whether it proves the point is yours to judge:"
        yield from _listed([f"{place_name(each)}: {safe_line(each.quote or '')[:_QUOTE]}" for each in evidence])
    if findings:
        yield "Findings it has reported, which stand unless they are refuted; do not report them again:"
        yield from _listed([f"{place_name(each.place)}: {each.rule_id}: {each.title}" for each in findings])


def _listed(lines: Sequence[str]) -> Iterator[str]:
    yield from (f"| {safe_line(each)}" for each in lines[:_QUOTES])
    if len(lines) > _QUOTES:
        yield f"| and {len(lines) - _QUOTES:,} more"


def _quoted(text: str) -> Iterator[str]:
    """Yield the lines of a text so that they cannot pass for ours."""
    yield from (f"| {line}" for line in text.split("\n"))
