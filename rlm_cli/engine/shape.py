"""What the context looks like, in a few lines: so that no iteration is spent on finding out.

Covered: sizes, documents by kind and folder, the largest, where to begin; the form of a text, or of a few of many, and
code for it; a sample. Everything is bounded, whatever the size of the context. Samples are quoted line by line, so that
they cannot pass for the prompt.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace

from rlm_cli.context import Context, header
from rlm_cli.engine.entrances import entrances
from rlm_cli.engine.fields import json_value
from rlm_cli.engine.line_forms import form_of
from rlm_cli.engine.pages import about_pages, counted, number_of_pages
from rlm_cli.engine.parts import about_marks, about_papers, about_parts, code_for_parts, shape_of_parts
from rlm_cli.places import place_name, placed
from rlm_cli.results import Citation
from rlm_cli.types import Document

_SAMPLE = 500
"""Characters each of head, middle and tail, at most."""
_SHOWN_WHOLE = 8_000
"""Characters of a text that is shown whole: what one iteration's output may hold."""
_LINES_WHOLE = 400
"""Lines of such a text: each is shown with its number."""
_FORMS, _LOOKED_AT = 3, 30
"""Forms of documents among others that are told; how many documents are looked at for them."""
_LARGEST = 10
_MANY = 20
"""Documents of which but one sample is shown."""
_FOLDERS, _DEEPEST = 16, 4
"""Folders that are named, and how deep they are told apart."""
_GROUPS = 12
_FAILED = 5
_FEW = 8
"""Files that were not loaded which are named."""
_PATH = 200
_WORTH_IT = 0.1
"""Share of the text, below which a kind is not worth more words."""
_KNOWN_FORMS = frozenset("md markdown rst ipynb".split())
"""Among many documents, kinds of which it is known what they look like."""
IN_CODE = "In code: "
"""Begins a line with Python that takes a document apart."""


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
    documents = context.documents
    if len(documents) == 1:
        yield from _alone(context, documents[0])
        return
    yield (
        f"{len(documents):,} documents, each after a header line `===== path =====` (documents hold no header): "
        "files[path] is a document's text, `documents` the table."
    )
    yield "By kind: " + _by_kind(context)
    if "/" in "".join(document.path for document in documents):
        yield "By folder: " + _counted(_folders(documents), _FOLDERS)
    begin_with = entrances(documents)
    if begin_with:
        yield "Begin with: " + ", ".join(begin_with)
    yield from about_pages(context)
    yield from about_parts(context)
    yield from about_papers(context)
    yield from about_marks(context)
    yield from _forms(context)
    largest = sorted(documents, key=_size)[:_LARGEST]
    yield "Largest: " + ", ".join(f"{document.path} ({-_size(document):,})" for document in largest)


def _folders(documents: Sequence[Document]) -> Counter[str]:
    """Count documents by folder, as deep as few enough folders tell them apart."""
    counts: Counter[str] = Counter()
    for depth in range(1, _DEEPEST + 1):
        deeper = Counter(_folder(each.path, depth) for each in documents)
        if counts and len(counts) > 1 and len(deeper) > 2 * _FOLDERS:
            break
        counts = deeper
    return counts


def _folder(path: str, depth: int) -> str:
    parts = path.split("/")[:-1][:depth]
    return "".join(f"{part}/" for part in parts) or "."


def _size(document: Document) -> int:
    return document.span.start - document.span.end


def _alone(context: Context, document: Document) -> Iterable[str]:
    pages = number_of_pages(document) if document.pages else None
    shape, code = _form(context, document, 0)
    plain = f"{pages or 'plain text'}, {counted(document.lines, 'line')}"
    if shape is None:
        yield f"One document, {document.path!r}: {plain}."
    elif document.parts is None and not shape.startswith("one JSON"):
        yield f"One document, {document.path!r}: {plain}; {shape}"
    else:
        yield f"One document, {document.path!r}: {'; '.join(filter(None, (pages, shape)))}"
    if code is not None:
        yield f"{IN_CODE}{code.replace('documents[0].text', 'context')}"
    yield from about_pages(context)
    yield from about_parts(context)
    yield from about_marks(context)


def _forms(context: Context) -> Iterable[str]:
    """Yield the forms of a few documents, the largest of their kind, and how many others may have them."""
    kinds, shares = Counter(each.kind for each in context.documents), _shares(context)
    numbered = sorted(enumerate(context.documents), key=lambda pair: _size(pair[1]))
    shown: set[str] = set()
    for number, document in numbered[:_LOOKED_AT]:
        unimportant = document.kind in shown or document.mark is not None or shares[document.kind] < _WORTH_IT
        if unimportant or document.kind in _KNOWN_FORMS or len(shown) == _FORMS:
            continue
        said, code = _form(context, document, number, alone=False)
        if said is not None and code is not None:
            shown.add(document.kind)
            others = f" (the largest of {kinds[document.kind]:,} {document.kind})" if kinds[document.kind] > 1 else ""
            yield f"{document.path[:_PATH]}{others}: {said}"
            yield f"{IN_CODE}{code}"


def _form(context: Context, document: Document, number: int, alone: bool = True) -> tuple[str | None, str | None]:
    """Return what a document is, by its records, its value or its lines, and code to take it apart."""
    text = f"documents[{number}].text"
    shape = shape_of_parts(context, document)
    if shape is not None:
        return shape, code_for_parts(context, document, number)
    if document.kind != "pdf" and alone:
        shape = json_value(context, document)
        if shape is not None:
            return shape, f"import json; value = json.loads({text})"
    form = form_of(context, document)
    return (form.said, form.code.replace("TEXT", text)) if form is not None else (None, None)


def _shares(context: Context) -> dict[str, float]:
    """Return kind -> its share of the characters."""
    sizes: Counter[str] = Counter()
    for each in context.documents:
        sizes[each.kind] -= _size(each)
    return {kind: size / max(1, context.characters) for kind, size in sizes.items()}


def _by_kind(context: Context) -> str:
    kinds, shares = Counter(each.kind for each in context.documents), _shares(context)
    named = _counted(kinds)
    most = [kind for kind in sorted(shares, key=lambda kind: (-shares[kind], kind))[:3] if shares[kind] >= _WORTH_IT]
    if len(kinds) == 1 or not most:
        return named
    return f"{named}; of the text " + ", ".join(f"{kind} {shares[kind]:.0%}" for kind in most)


def _counted(counter: Counter[str], most: int = 12) -> str:
    named = [f"{name[:_PATH]} {number:,}" for name, number in counter.most_common(most)]
    if len(counter) > most:
        rest = sum(counter.values()) - sum(number for _, number in counter.most_common(most))
        others = len(counter) - most
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
    # Two more places of very many files tell nothing.
    further = (
        () if len(context.documents) >= _MANY else (("Middle", size // 2 - _SAMPLE // 2), ("Tail", size - _SAMPLE))
    )
    for name, near in (("Head", 0), *further):
        start, sample = _lines_near(context, near)
        where = f", from offset {start:,} ({_place(context, start)})" if name == "Middle" else ""
        yield f"{name}{where}:"
        yield _quoted(sample)


def _lines_near(context: Context, start: int) -> tuple[int, str]:
    """Return a sample and where it begins: whole lines where they are short enough."""
    text = context.text(start, start + _SAMPLE)
    first = text.find("\n") + 1 if start else 0
    if not 0 < first < _SAMPLE // 2 or context.text(start - 1, start) == "\n":
        first = 0
    if start + _SAMPLE >= context.characters:
        return start + first, text[first:].removesuffix("\n")
    last = text.rfind("\n")
    return start + first, text[first : last if last > first + _SAMPLE // 3 else None]


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
