"""What the context looks like, in a few lines: so that no iteration is spent on finding out.

Covered: sizes, documents by kind and folder, the largest; the record shape of a single text; a sample. Everything is
bounded, whatever the size of the context. Samples are quoted line by line, so that they cannot pass for the prompt.
"""

import csv
import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterable

from rlm_cli.context import Context, header
from rlm_cli.types import Document

_SAMPLE = 600
"""Characters each of head, middle and tail."""
_SHOWN_WHOLE = 2_400
"""Characters of a text that is shown whole: little more than its samples would take."""
_PROBE = 20_000
"""Characters from which a single document's shape is guessed."""
_TITLE = 200
_LARGEST = 10
_GROUPS = 12


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
        yield f"One document, {document.path!r}: {_record_shape(document, context.text(0, _PROBE))}"
        yield from _pages(context)
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
    yield from _pages(context)
    largest = sorted(documents, key=lambda document: document.span.start - document.span.end)[:_LARGEST]
    yield "Largest: " + ", ".join(
        f"{document.path} ({document.span.end - document.span.start:,})" for document in largest
    )


def _pages(context: Context) -> Iterable[str]:
    paged = [document for document in context.documents if document.pages]
    if not paged:
        return
    number = sum(len(document.pages) for document in paged)
    if len(context.documents) == 1:
        title = f" titled {_quoted_title(paged[0].title)}" if paged[0].title else ""
        yield f"{'PDF' if paged[0].kind == 'pdf' else 'Text'} of {number:,} pages{title}.{_printed(paged[0])}"
        row = "documents[0]"
    else:
        yield f"{len(paged):,} documents have pages, {number:,} together: {_counted(_sizes_of(paged))}"
        row = "a row"
    yield (
        f"Form feeds part the pages; they count from 1. Of {row}: .pages (how many), .page(n) (text of page n), "
        ".page_of(offset); a grep hit has .page"
    )


def _sizes_of(paged: list[Document]) -> Counter[str]:
    return Counter({document.path: len(document.pages) for document in paged})


def _quoted_title(title: str) -> str:
    return repr(title if len(title) <= _TITLE else title[:_TITLE] + "...")


def _printed(document: Document) -> str:
    """Say where the printed numbers begin to differ from those that count."""
    for number, page in enumerate(document.pages, 1):
        if page.label is not None and page.label != str(number):
            last = document.pages[-1].label
            return f" Printed numbers differ: page {number} is printed {page.label!r}, the last one {last!r}."
    return ""


def _counted(counter: Counter[str]) -> str:
    named = [f"{name} {number:,}" for name, number in counter.most_common(_GROUPS)]
    if len(counter) > _GROUPS:
        rest = sum(counter.values()) - sum(number for _, number in counter.most_common(_GROUPS))
        named.append(f"{len(counter) - _GROUPS} others {rest:,}")
    return ", ".join(named)


def _skips(context: Context) -> Iterable[str]:
    damaged = [each for each in context.documents if each.unreadable]
    if damaged:
        number = sum(len(each.unreadable) for each in damaged)
        named = ", ".join(each.path for each in damaged[:_GROUPS]) + ", ..." * (len(damaged) > _GROUPS)
        yield f"Damaged pages, which are empty here: {number:,}, in {named}"
    if context.skipped:
        yield "Not loaded: " + ", ".join(f"{number:,} {why}" for why, number in context.skipped_by_reason().items())


def _samples(context: Context) -> Iterable[str]:
    size = context.characters
    if size <= _SHOWN_WHOLE:
        yield "The whole text, its lines numbered:"
        yield from (_numbered(context, document) for document in context.documents)
        return
    middle = size // 2 - _SAMPLE // 2
    for name, start in (("Head", 0), (f"Middle, from offset {middle:,}", middle), ("Tail", size - _SAMPLE)):
        yield f"{name}:"
        yield _quoted(context.text(start, start + _SAMPLE))


def _numbered(context: Context, document: Document) -> str:
    lines = context.text(document.span.start, document.span.end).removesuffix("\n").split("\n")
    title = [f"| {header(document.path).rstrip()}"] if len(context.documents) > 1 else []
    return "\n".join([*title, *(f"| {number:4} {line}" for number, line in enumerate(lines, 1))])


def _quoted(text: str) -> str:
    return "\n".join(f"| {line}" for line in text.split("\n"))


# --- one document -------------------------------------------------------------------------------------------------


def _record_shape(document: Document, probe: str) -> str:
    lines = [line for line in probe.split("\n")[:-1] if line.strip()][:50] or [probe]
    return (
        _json_lines(lines)
        or _json_value(probe)
        or _table(document, lines)
        or _delimited(document, lines)
        or f"plain text, {document.lines:,} lines."
    )


def _json_lines(lines: list[str]) -> str | None:
    if len(lines) < 2:
        return None
    keys: defaultdict[str, int] = defaultdict(int)
    for line in lines:
        try:
            record = json.loads(line)
        except (ValueError, RecursionError):
            return None
        if not isinstance(record, dict):
            return None
        for key in record:
            keys[str(key)] += 1
    shown = ", ".join(sorted(keys, key=lambda key: -keys[key])[:20])
    return f"JSON lines, one object a line; keys seen: {shown}."


def _json_value(probe: str) -> str | None:
    start = probe.lstrip()[:1]
    if start not in ("{", "[") or not re.match(r'\s*[\[{]\s*(["\[{\]}]|-?\d|true|false|null)', probe):
        return None
    return f"looks like one JSON {'object' if start == '{' else 'array'}: try json.loads(context)."


def _table(document: Document, lines: list[str]) -> str | None:
    delimiter = {"csv": ",", "tsv": "\t"}.get(document.kind)
    if delimiter is None or len(lines) < 2:
        return None
    try:
        columns = next(csv.reader([lines[0]], delimiter=delimiter))
    except csv.Error:
        return None
    return f"{document.kind.upper()}, {document.lines:,} lines; columns: {', '.join(columns[:30])}."


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
