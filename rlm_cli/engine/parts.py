"""What the root model is told of cells and records, of papers, of files nobody wrote and of changes. All of it bounded.

Knows documents and their text, and nothing of the rest of the message.
"""

from collections import Counter
from collections.abc import Iterator

from rlm_cli.context import Context
from rlm_cli.engine.fields import RECORD, column_fields, json_fields
from rlm_cli.engine.pages import counted
from rlm_cli.types import Document

_NAMED = 8
_PAPERS = 40
_TITLE = 90


def about_parts(context: Context) -> Iterator[str]:
    """Yield lines about the documents that have cells or records."""
    for kind in ("record", "cell"):
        those = [each for each in context.documents if each.parts is not None and each.parts.kind == kind]
        if not those:
            continue
        total = sum(number_of_parts(each) for each in those)
        if len(context.documents) > 1:
            largest = sorted(those, key=lambda each: -number_of_parts(each))[:_NAMED]
            shown = ", ".join(f"{each.path} {number_of_parts(each):,}" for each in largest)
            more = f", {len(those) - len(largest):,} more" if len(those) > len(largest) else ""
            have = "has" if len(those) == 1 else "have"
            yield f"{counted(len(those), 'document')} {have} {kind}s, {total:,} together: {shown}{more}"
        example = those[0]
        parsed = "json.loads takes it" if kind == "record" and example.kind not in ("csv", "tsv") else "as it stands"
        yield (
            f"`{example.path} {kind} 3` is a place; {kind}s count from 1. Of {_row(context)}: .{kind}s (how many), "
            f".{kind}(n) (the text of {kind} n, {parsed}), .{kind}_of(offset into context); a grep hit has .{kind}"
        )


def _row(context: Context) -> str:
    return "documents[0]" if len(context.documents) == 1 else "a row of `documents`"


def number_of_parts(document: Document) -> int:
    return len(document.parts.starts) if document.parts is not None else 0


def shape_of_parts(context: Context, document: Document) -> str | None:
    """Return what a document with cells or records is: `JSON lines, 279 records; keys, ...: id (int 1..279), ...`."""
    if document.parts is None:
        return None
    count = number_of_parts(document)
    if document.parts.kind == "cell":
        return f"notebook of {counted(count, 'cell')}, sources and outputs"
    starts = document.parts.starts
    if document.kind in ("csv", "tsv"):
        columns, delimiter, headed = column_fields(context, document, starts)
        head = "a first line names the columns" if headed else "no header"
        return f"{document.kind.upper()}, {counted(count, 'record')}, delimiter {delimiter!r}, {head}; {columns}"
    before = context.text(document.span.start, min(starts[0], document.span.start + RECORD)).strip()
    form = "JSON lines" if not before else "JSON array" if before == "[" else "JSON object with a list"
    return "; ".join(filter(None, (f"{form}, {counted(count, 'record')}", json_fields(context, document, starts))))


def code_for_parts(context: Context, document: Document, number: int) -> str | None:
    """Return code that gives the records of a document, or its cells; `number` is its place in `documents`."""
    if document.parts is None:
        return None
    row = f"documents[{number}]"
    if document.parts.kind == "cell":
        return f"cells = [{row}.cell(n) for n in range(1, {row}.cells + 1)]"
    if document.kind not in ("csv", "tsv"):
        return f"import json; records = [json.loads({row}.record(n)) for n in range(1, {row}.records + 1)]"
    _, delimiter, headed = column_fields(context, document, document.parts.starts[:1])
    reader = "DictReader" if headed else "reader"
    return f"import csv, io; rows = list(csv.{reader}(io.StringIO({row}.text, newline=''), delimiter={delimiter!r}))"


def about_papers(context: Context) -> Iterator[str]:
    """Yield the keys and titles of documents that have a key to be cited by."""
    papers = [each for each in context.documents if each.key is not None]
    if not papers:
        return
    yield "Papers, each with a short key that names it in citations, as in `KEY p. 3` (.key, .title of a row):"
    for each in papers[:_PAPERS]:
        title = (each.title or "no title found")[:_TITLE]
        yield f"  {each.key}: {title}"
    if len(papers) > _PAPERS:
        yield f"  and {len(papers) - _PAPERS:,} more"


def about_marks(context: Context) -> Iterator[str]:
    """Yield what is not written by hand, and what changed."""
    marks = Counter(each.mark for each in context.documents if each.mark is not None)
    if marks:
        named = ", ".join(f"{number:,} {mark}" for mark, number in marks.most_common())
        yield f"Not written by hand: {named} (.mark of a row in `documents`)"
    if context.base is None:
        return
    changed = [each for each in context.documents if each.changed]
    some = ", ".join(f"{each.path} {_lines(each)}" for each in changed[:_NAMED])
    more = f" and {len(changed) - _NAMED:,} more" if len(changed) > _NAMED else ""
    yield (
        f"Changed since {context.base}: {counted(len(changed), 'document')}"
        + (f": {some}{more}" if changed else "")
        + ". (.changed of a row: pairs of first and last line; () where nothing changed)"
    )


def _lines(document: Document) -> str:
    assert document.changed is not None
    ranges = [f"{first}-{last}" if first != last else str(first) for first, last in document.changed[:3]]
    return "+".join(ranges) + ("+..." if len(document.changed) > 3 else "")
