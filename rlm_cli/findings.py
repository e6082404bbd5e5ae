"""Claims about the text, checked against the text: evidence with quotes (cite, FINAL's evidence).

The program sets lines, pages, cells and records; a model's word for them is only a hint. Knows the Context, and nothing
of models. Not covered: places that an answer names without a quote (references.py); what else a finding claims
(finding_claims.py).
"""

import difflib
from dataclasses import dataclass, replace

from rlm_cli.context import Context, Found
from rlm_cli.places import Place, numbered, place_name, placed, resolve, starts_of
from rlm_cli.quotes import TooManyPlaces
from rlm_cli.results import Citation
from rlm_cli.types import Document, Unit

_LONGEST_QUOTE = 2_000
"""Characters."""
_AGREEING = 4
"""Words of a quote that must stand somewhere before it is said how far it agrees: fewer stand there by chance."""
_COPY = "Copy it from the text, character by character"
_SHOWN = 60
"""Characters shown of what agrees, and of what the text has instead."""
_BEHIND = 1_000
"""Characters behind those words, and again behind a page break, in which the quote may go on."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a claim does not hold, as the model reads it."""

    reason: str


def check_claim(context: Context, place: str | int, quote: str) -> Citation | Refusal:
    """Return the citation of a quote that stands at `place`: an offset, or a document's path, which may have a line, a
    page, a cell or a record behind it.
    """
    found = find_claim(context, place, quote)
    return found if isinstance(found, Refusal) else found[0]


def find_claim(context: Context, place: Place | str | int, quote: str) -> tuple[Citation, Found] | Refusal:
    """Like `check_claim`; returns also where the quote begins and ends. A Place is one that was resolved already."""
    if not quote.strip():
        return Refusal("the quote is empty")
    if len(quote) > _LONGEST_QUOTE:
        return Refusal(f"the quote has {len(quote):,} characters, the most is {_LONGEST_QUOTE:,}: give what matters")
    near: int | None = None
    unit: Unit | None = None
    numbers: range | None = None
    if isinstance(place, int):
        if not 0 <= place < context.characters:
            return Refusal(f"offset {place} is outside the context (0 to {context.characters:,})")
        near = place
        path, _ = context.locate(place)
    else:
        named = place if isinstance(place, Place) else resolve(context, place)
        if named.document is None:
            return Refusal(f"no document is called {str(place)[:200]!r}{_nearest(context, str(place)[:200])}")
        path = named.document.path
        if named.line is not None:
            near = context.offset_of(path, named.line)
        if named.unit is not None:
            exist = _numbers_named(named.document, named)
            if isinstance(exist, Refusal):
                return exist
            unit, numbers = named.unit, exist
            near = starts_of(named.document, unit)[numbers.start - 1]
    try:
        found = _found_in(context, quote, path, unit, numbers) if unit and numbers else None
        by_line = near is not None and unit is None and not isinstance(place, int)
        found = found or (context.nearest(quote, path, near) if by_line and near is not None else None)
        found = found or context.find(quote, path, near)
        elsewhere = context.find(quote) if found is None and len(context.documents) > 1 else None
    except TooManyPlaces:
        return Refusal("too much of the text begins like the quote: give the offset, or quote exactly as it stands")
    if found is None:
        if elsewhere is not None:
            return Refusal(f"the quote is not in {path}; it stands in {_shown(context, elsewhere)}. {_COPY}")
        return Refusal(_agreement(context, quote, path, near) or f"the quote is not in {path}. {_COPY}")
    citation = placed(context, Citation(path, found.line, found.end_line, quote, verified=True), found.offset)
    if numbers and unit == "page" and citation.page not in numbers:
        return Refusal(
            f"the quote stands on {place_name(citation)}, not p. {numbers.start} (p. counts the pages from 1, not the "
            "printed numbers): correct the place, and the answer where it names it"
        )
    there = citation.cell if unit == "cell" else citation.record
    if numbers and unit != "page" and there not in numbers:
        where = f"{unit} {there}" if there else f"no {unit}"
        return Refusal(f"the quote stands in {where} of {path}, not in {unit} {numbers.start}: correct the place")
    return citation, found


def _numbers_named(document: Document, named: Place) -> range | Refusal:
    """Return the pages, cells or records that a place names, all of which exist."""
    assert named.unit is not None
    most = len(starts_of(document, named.unit))
    if not most:
        return Refusal(f"{document.path} has no {named.unit}s: name a line, as in {document.path}:1, or the path alone")
    if named.number is None or named.last is None or not 1 <= named.number <= named.last <= most:
        wrong = named.called if named.number in (None, named.last) else f"{named.number}-{named.last}"
        return Refusal(f"{document.path} has the {named.unit}s 1 to {most:,}, not {wrong}")
    return range(named.number, named.last + 1)


def _found_in(context: Context, quote: str, path: str, unit: Unit, numbers: range) -> Found | None:
    """Look in these pages, cells or records only: the quote may stand elsewhere too, and more exactly."""
    document = context.document(path)
    assert document is not None
    starts = starts_of(document, unit)
    until = starts[numbers.stop - 1] if numbers.stop <= len(starts) else document.span.end
    return context.find(quote, path, starts[numbers.start - 1], until=until)


def _agreement(context: Context, quote: str, path: str, near: int | None) -> str | None:
    """Say up to where a quote that is not in the document stands there; None when not even its beginning does.

    Cannot raise TooManyPlaces: the whole quote begins like its beginnings, and has been looked for already.
    """
    words = quote.split()
    beginning: Found | None = None
    least, most = _AGREEING, len(words) - 1
    while least <= most:
        number = (least + most) // 2
        found = context.find(" ".join(words[:number]), path, near)
        if found is None:
            most = number - 1
        else:
            beginning, least = found, number + 1
    if beginning is None:
        return None
    document = context.document(path)
    assert document is not None
    page, _, behind = context.text(beginning.end, min(beginning.end + 2 * _BEHIND, document.span.end)).partition("\f")
    over = len(page) <= _BEHIND and " ".join(words[most : most + 3]) in " ".join(behind.split())
    agreed = ("... " if most > 5 else "") + _cut(" ".join(words[max(0, most - 5) : most]), last=True)
    lines = (" ".join(line.split()) for line in f"{page}\n{behind}".splitlines())
    follows = _cut(" / ".join(filter(None, lines)))
    place = _shown(context, replace(beginning, line=beginning.end_line, offset=beginning.end - 1))
    return f"the quote agrees up to {agreed!r} ({place}), then the text has {follows!r}: " + (
        "quote one side of the page break" if over else "copy it from the text, character by character"
    )


def _cut(text: str, last: bool = False) -> str:
    if len(text) <= _SHOWN:
        return text
    return text[-_SHOWN:] if last else text[:_SHOWN].rstrip() + " ..."


def _shown(context: Context, found: Found) -> str:
    return place_name(replace(placed(context, Citation(found.path, found.line), found.offset), page_label=None))


def unverified(context: Context, place: str | int, quote: str) -> Citation:
    """Return a citation for a claim that does not hold, marked so: for a last word, which cannot be asked again."""
    if isinstance(place, int):
        if not 0 <= place < context.characters:
            return Citation(f"offset {place}", quote=quote)
        path, line = context.locate(place)
        return placed(context, Citation(path, line, line, quote), place)
    named = resolve(context, place)
    path = named.document.path if named.document is not None else place[:200]
    return numbered(Citation(path, named.line, named.line, quote), named.unit, named.number)


def _nearest(context: Context, named: str) -> str:
    name = named.rsplit("/", 1)[-1]
    same_name = [d.path for d in context.documents if d.path.rsplit("/", 1)[-1] == name][:3]
    # Similarity is quadratic in length; a sample of paths is enough for a hint.
    near = same_name or difflib.get_close_matches(named, [d.path for d in context.documents[:5000]], n=3)
    return f"; did you mean {', '.join(near)}?" if near else ""
