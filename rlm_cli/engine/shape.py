"""What the context looks like, in a few lines: so that no iteration is spent on finding out.

Covered: sizes, documents by kind and folder, the largest; the record shape of a single text; a sample. Everything is
bounded, whatever the size of the context. Samples are quoted line by line, so that they cannot pass for the prompt.
"""

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace

from rlm_cli.context import Context, header
from rlm_cli.engine.pages import about_pages, counted, number_of_pages
from rlm_cli.engine.parts import about_marks, about_papers, about_parts, shape_of_parts
from rlm_cli.places import place_name, placed
from rlm_cli.results import Citation
from rlm_cli.types import Document

_SAMPLE = 600
"""Characters each of head, middle and tail."""
_SHOWN_WHOLE = 8_000
"""Characters of a text that is shown whole: what one iteration's output may hold."""
_LINES_WHOLE = 400
"""Lines of such a text: each is shown with its number."""
_PROBE = 20_000
"""Characters from which a single document's shape is guessed."""
_LARGEST = 10
_GROUPS = 12
_FAILED = 5
_FEW = 8
"""Files that were not loaded which are named."""
_PATH = 200


def describe(context: Context) -> str:
    """Return the description, several lines, sample included."""
    return "\n".join([_sizes(context), *_shape(context), *_skips(context), "", *_samples(context)])


def _sizes(context: Context) -> str:
    about = "" if context.tokens_exact else "about "
    # The last part only: where a folder lies on this machine is nobody's business.
    names = [each.rstrip("/").rsplit("/", 1)[-1] or each for each in context.inputs]
    inputs = ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
    return (
        f"`context` is one str of {context.characters:,} characters in {context.lines:,} lines, {about}"
        f"{context.tokens:,} tokens; longest line {context.longest_line:,} characters. Input: {inputs}."
    )


def _shape(context: Context) -> Iterable[str]:
    if len(context.documents) == 1:
        [document] = context.documents
        shape = shape_of_parts(context, document)
        if shape is None and document.kind != "pdf":
            shape = _record_shape(document, context.text(0, _PROBE))
        pages = number_of_pages(document) if document.pages else None
        plain = f"{pages or 'plain text'}, {counted(document.lines, 'line')}."
        yield f"One document, {document.path!r}: {plain if shape is None else '; '.join(filter(None, (pages, shape)))}"
        yield from about_pages(context)
        yield from about_parts(context)
        yield from about_marks(context)
        return
    documents = context.documents
    yield (
        f"{len(documents):,} documents, each after a header line `===== path =====` (documents hold no header): "
        "files[path] is a document's text, `documents` the table."
    )
    yield "By kind: " + _counted(Counter(document.kind for document in documents))
    folders = Counter(document.path.split("/")[0] + "/" if "/" in document.path else "." for document in documents)
    if len(folders) > 1:
        yield "By top folder: " + _counted(folders)
    yield from about_pages(context)
    yield from about_parts(context)
    yield from about_papers(context)
    yield from about_marks(context)
    largest = sorted(documents, key=lambda document: document.span.start - document.span.end)[:_LARGEST]
    yield "Largest: " + ", ".join(
        f"{document.path} ({document.span.end - document.span.start:,})" for document in largest
    )


def _counted(counter: Counter[str]) -> str:
    named = [f"{name} {number:,}" for name, number in counter.most_common(_GROUPS)]
    if len(counter) > _GROUPS:
        rest = sum(counter.values()) - sum(number for _, number in counter.most_common(_GROUPS))
        others = len(counter) - _GROUPS
        named.append(f"{others} other{'s' * (others != 1)} {rest:,}")
    return ", ".join(named)


def _skips(context: Context) -> Iterable[str]:
    damaged = [each for each in context.documents if each.unreadable]
    if damaged:
        number = sum(len(each.unreadable) for each in damaged)
        named = ", ".join(each.path for each in damaged[:_GROUPS]) + ", ..." * (len(damaged) > _GROUPS)
        yield f"Damaged pages, which are empty here: {number:,}, in {named}"
    if context.skipped:
        yield "Not loaded: " + ", ".join(f"{number:,} {why}" for why, number in context.skipped_by_reason().items())
    few = [each for each in context.skipped if not each.failed]
    if 0 < len(few) <= _FEW:
        yield "  " + ", ".join(f"{each.path[:_PATH]} ({each.reason})" for each in few)
    failed = [each for each in context.skipped if each.failed]
    if failed:
        named = ", ".join(f"{each.path[:_PATH]} ({each.reason})" for each in failed[:_FAILED])
        more = f" and {len(failed) - _FAILED:,} more" if len(failed) > _FAILED else ""
        yield f"Could not be read, so the context lacks: {named}{more}"


def _samples(context: Context) -> Iterable[str]:
    size = context.characters
    if size <= _SHOWN_WHOLE and context.lines <= _LINES_WHOLE:
        yield "The whole text, its lines numbered:"
        yield from (_numbered(context, document) for document in context.documents)
        return
    middle = size // 2 - _SAMPLE // 2
    there = f"Middle, from offset {middle:,} ({_place(context, middle)})"
    for name, start in (("Head", 0), (there, middle), ("Tail", size - _SAMPLE)):
        yield f"{name}:"
        yield _quoted(context.text(start, start + _SAMPLE))


def _place(context: Context, offset: int) -> str:
    path, line = context.locate(offset)
    if len(context.documents) == 1:
        page, _ = context.page_of(path, offset)
        return f"line {line:,}" if page is None else f"p. {page}"
    return place_name(replace(placed(context, Citation(path, line), offset), page_label=None))


def _numbered(context: Context, document: Document) -> str:
    lines = context.text(document.span.start, document.span.end).removesuffix("\n").split("\n")
    title = [f"| {header(document.path).rstrip()}"] if len(context.documents) > 1 else []
    return "\n".join([*title, *(f"| {number:4} {line}" for number, line in enumerate(lines, 1))])


def _quoted(text: str) -> str:
    return "\n".join(f"| {line}" for line in text.split("\n"))


# --- one document -------------------------------------------------------------------------------------------------


def _record_shape(document: Document, probe: str) -> str | None:
    lines = [line for line in probe.split("\n")[:-1] if line.strip()][:50] or [probe]
    return _json_value(probe) or _delimited(document, lines)


def _json_value(probe: str) -> str | None:
    start = probe.lstrip()[:1]
    if start not in ("{", "[") or not re.match(r'\s*[\[{]\s*(["\[{\]}]|-?\d|true|false|null)', probe):
        return None
    return f"looks like one JSON {'object' if start == '{' else 'array'}: try json.loads(context)."


def _delimited(document: Document, lines: list[str]) -> str | None:
    """Recognise records such as `Date || User || Message`: the same separator equally often in most lines."""
    if len(lines) < 5:
        return None
    for separator in (" || ", "\t", " | ", ";"):
        counts = Counter(line.count(separator) for line in lines)
        number, frequency = counts.most_common(1)[0]
        if number >= 1 and frequency >= 0.8 * len(lines):
            return f"{document.lines:,} lines, most of them {number + 1} fields separated by {separator!r}."
    return None
