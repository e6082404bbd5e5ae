"""The second pass: what a stronger model is given of what a first one has found.

Covered: which documents it gets, what it is told of the first pass. Not covered: running it (loop.py).
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from rlm_cli.amounts import counted
from rlm_cli.context import Context
from rlm_cli.narrowing import narrowed
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


def cited(context: Context, answer: str, evidence: Iterable[Citation], findings: Iterable[Finding]) -> set[str]:
    """Return the paths of the documents that a first pass rests on."""
    places = (*evidence, *references(context, answer), *(each.place for each in findings))
    return {each.path for each in places if context.document(each.path) is not None}


def second_task(
    task: Task, answer: str, doubt: str | None, evidence: Sequence[Citation], findings: Sequence[Finding]
) -> Task:
    """Return what is left to do when the first pass of `task` has come to this.

    Its context is a new one where documents are left out, and has to be closed then.
    """
    assert task.profile.refine is not None
    paths = cited(task.context, answer, evidence, findings)
    apart = 0 < len(paths) < len(task.context.documents)
    told = list(_told(answer, doubt, evidence, findings, len(paths), len(task.context.documents)))
    # The money, the time and the rules are those of the whole run.
    models = replace(task.profile.refine, limits=task.profile.limits, rules=task.profile.rules)
    return replace(
        task, profile=models, context=narrowed(task.context, paths) if apart else task.context, earlier="\n".join(told)
    )


def _told(
    answer: str, doubt: str | None, evidence: Sequence[Citation], findings: Sequence[Finding], documents: int, all_: int
) -> Iterator[str]:
    yield (
        "Another model has had a first look, and this is what it came to. It is a hint and no proof: check what the "
        "answer turns on, look for what was missed, and give your own answer whole; nobody reads this one."
    )
    if documents == 0:
        yield "It cited no document, so the context is the whole text."
    elif documents < all_:
        yield f"The context is the {counted(documents, 'document')} that it cited, of {all_:,}."
    yield "Its answer:"
    yield from _quoted(answer[:_ANSWER])
    if len(answer) > _ANSWER:
        yield f"[... {len(answer) - _ANSWER:,} characters more are not shown ...]"
    if doubt:
        yield "Its doubts:"
        yield from _quoted(doubt[:_ANSWER])
    if evidence:
        yield "Its evidence:"
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
