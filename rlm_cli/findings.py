"""Claims about the text, checked against the text: what an answer says is where, is there or is marked as not there.

Covered: evidence with quotes (cite, FINAL's evidence) and references such as `src/main.c:12` in an answer's text.
The program sets the lines; a model's word for them is only a hint. Knows the Context, and nothing of models.
"""

import difflib
import re
from dataclasses import dataclass

from rlm_cli.context import Context, TooManyPlaces
from rlm_cli.types import Citation

# Bounded everywhere: an answer may be a million characters that a hostile text has dictated.
_REFERENCE = re.compile(
    r"`(?P<quoted>[^`\n]{1,300}):(?P<qline>\d{1,9})(?:-(?P<qend>\d{1,9}))?`"
    r"|(?<![\w./+@~-])(?P<path>[\w./+@~-]{1,300}):(?P<line>\d{1,9})(?:-(?P<end>\d{1,9}))?"
)
_WITH_LINE = re.compile(r"(?P<path>.+?):(?P<line>\d{1,9})(?:[-:]\d{1,9})?$")
_LONGEST_PLACE = 1_000
_LONGEST_QUOTE = 2_000
"""Characters."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a claim does not hold, as the model reads it."""

    reason: str


def check_claim(context: Context, place: str | int, quote: str) -> Citation | Refusal:
    """Return the citation of a quote that stands at `place`, a document's path (with or without :line) or an offset."""
    if not quote.strip():
        return Refusal("the quote is empty")
    if len(quote) > _LONGEST_QUOTE:
        return Refusal(f"the quote has {len(quote):,} characters, the most is {_LONGEST_QUOTE:,}: give what matters")
    path: str | None
    near: int | None = None
    if isinstance(place, int):
        if not 0 <= place < context.characters:
            return Refusal(f"offset {place} is outside the context (0 to {context.characters:,})")
        near = place
        path, _ = context.locate(place)
    else:
        path, line = resolve_path(context, place)
        if path is None:
            return Refusal(f"no document is called {place[:200]!r}{_nearest(context, place[:200])}")
        if line is not None:
            near = context.offset_of(path, line)
    try:
        found = context.find(quote, path, near)
        elsewhere = context.find(quote) if found is None and len(context.documents) > 1 else None
    except TooManyPlaces:
        return Refusal("too much of the text begins like the quote: give the offset, or quote exactly as it stands")
    if found is None:
        where = f"; it stands in {elsewhere[0]}:{elsewhere[1]}" if elsewhere is not None else ""
        return Refusal(f"the quote is not in {path}{where}. Copy it from the text, character by character")
    path, line, end_line = found
    return Citation(path, line, end_line, quote, verified=True)


def unverified(context: Context, place: str | int, quote: str) -> Citation:
    """Return a citation for a claim that does not hold, marked so: for a last word, which cannot be asked again."""
    if isinstance(place, int):
        inside = 0 <= place < context.characters
        path, line = context.locate(place) if inside else (f"offset {place}", None)
        return Citation(path, line, line, quote, verified=False)
    found, line = resolve_path(context, place)
    return Citation(found or place[:200], line, line, quote, verified=False)


def references(context: Context, answer: str) -> list[Citation]:
    """Return the places that the answer's text names, each once, in order; `verified` says whether they exist."""
    found: dict[tuple[str, int, int], Citation] = {}
    for match in _REFERENCE.finditer(answer):
        named = match["quoted"] or match["path"]
        line = int(match["qline"] or match["line"])
        end = int(match["qend"] or match["end"] or line)
        path, _ = resolve_path(context, named)
        if path is None and not _looks_like_a_file(answer, match.start(), named):
            continue
        document = context.document(path) if path is not None else None
        exists = document is not None and 1 <= line <= end <= max(1, document.lines)
        citation = Citation(path or named, line or None, end, None, verified=exists)
        found.setdefault((citation.path, line, end), citation)
    return list(found.values())


def resolve_path(context: Context, named: str) -> tuple[str | None, int | None]:
    """Return (path of the document, line) for what a model calls it: the path, its unique ending, either with :line."""
    named = named[:_LONGEST_PLACE].strip()
    whole = _document_called(context, named)
    match = _WITH_LINE.match(named) if whole is None else None
    if match is None:
        return whole, None
    return _document_called(context, match["path"]), int(match["line"])


def _document_called(context: Context, named: str) -> str | None:
    if context.document(named) is not None:
        return named
    ending = "/" + named.removeprefix("./").lstrip("/")
    same = [document.path for document in context.documents if ("/" + document.path).endswith(ending)]
    return same[0] if len(same) == 1 else None


def _looks_like_a_file(answer: str, start: int, named: str) -> bool:
    """Tell `lib/a.py:3` from a clock's 12:30, a host's :8080 and a URL."""
    if answer[max(0, start - 3) : start].endswith("://") or "//" in named:
        return False
    return re.search(r"\.[A-Za-z]\w{0,5}$", named) is not None and not named.endswith((".com", ".org", ".net", ".io"))


def _nearest(context: Context, named: str) -> str:
    name = named.rsplit("/", 1)[-1]
    same_name = [d.path for d in context.documents if d.path.rsplit("/", 1)[-1] == name][:3]
    # Similarity is quadratic in length; a sample of paths is enough for a hint.
    near = same_name or difflib.get_close_matches(named, [d.path for d in context.documents[:5000]], n=3)
    return f"; did you mean {', '.join(near)}?" if near else ""
