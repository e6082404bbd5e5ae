"""Claims about the text, checked against the text: what an answer says is where, is there or is marked as not there.

Covered: evidence with quotes (cite, FINAL's evidence) and references such as `src/main.c:12` and `contract.pdf p. 3` in
an answer's text. The program sets lines and pages; a model's word for them is only a hint. Knows the Context, and
nothing of models.
"""

import difflib
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from rlm_cli.context import Context, Found
from rlm_cli.places import AROUND_NAMES, PAGE, Place, labels_of, pages_of, resolve
from rlm_cli.quotes import TooManyPlaces
from rlm_cli.types import Citation, Document

# Bounded everywhere: an answer may be a million characters that a hostile text has dictated.
_REFERENCE = re.compile(
    r"`(?P<quoted>[^`\n]{1,300}):(?P<qline>\d{1,9})(?:-(?P<qend>\d{1,9}))?`"
    r"|(?<![\w./+@~-])(?P<path>[\w./+@~-]{1,300}):(?P<line>\d{1,9})(?:-(?P<end>\d{1,9}))?"
    f"|{PAGE}"
)
_LONGEST_QUOTE = 2_000
"""Characters."""
_LOOKED_BACK = 300
"""Characters before `p. 3` in which the name of its document may begin."""
_BETWEEN_PAGES = {"", "and", "or", "to", "&", "see", "also"}
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
    """Return the citation of a quote that stands at `place`: an offset, or a document's path, which may have a line or
    a page behind it.
    """
    if not quote.strip():
        return Refusal("the quote is empty")
    if len(quote) > _LONGEST_QUOTE:
        return Refusal(f"the quote has {len(quote):,} characters, the most is {_LONGEST_QUOTE:,}: give what matters")
    near: int | None = None
    paged: range | None = None
    if isinstance(place, int):
        if not 0 <= place < context.characters:
            return Refusal(f"offset {place} is outside the context (0 to {context.characters:,})")
        near = place
        path, _ = context.locate(place)
    else:
        named = resolve(context, place)
        if named.document is None:
            return Refusal(f"no document is called {place[:200]!r}{_nearest(context, place[:200])}")
        path = named.document.path
        if named.line is not None:
            near = context.offset_of(path, named.line)
        if named.paged:
            exist = _pages_named(named.document, named)
            if isinstance(exist, Refusal):
                return exist
            paged = exist
            near = named.document.pages[paged.start - 1].start
    try:
        found = _found_on(context, quote, path, paged) if paged else None
        found = found or context.find(quote, path, near)
        elsewhere = context.find(quote) if found is None and len(context.documents) > 1 else None
    except TooManyPlaces:
        return Refusal("too much of the text begins like the quote: give the offset, or quote exactly as it stands")
    if found is None:
        if elsewhere is not None:
            return Refusal(f"the quote is not in {path}; it stands in {_shown(context, elsewhere)}. {_COPY}")
        return Refusal(_agreement(context, quote, path, near) or f"the quote is not in {path}. {_COPY}")
    page, label = context.page_of(path, found.offset)
    if paged and page not in paged:
        printed = f" (printed {label})" if label not in (None, str(page)) else ""
        return Refusal(
            f"the quote stands on {path} p. {page}{printed}, not p. {paged.start} (p. counts the pages from 1, not the "
            "printed numbers): correct the place, and the answer where it names it"
        )
    return Citation(path, found.line, found.end_line, quote, verified=True, page=page, page_label=label)


def _pages_named(document: Document, named: Place) -> range | Refusal:
    """Return the pages that a place names, all of which exist."""
    if not document.pages:
        return Refusal(f"{document.path} has no pages: name a line, as in {document.path}:1, or the path alone")
    if named.page is None or named.last is None or not 1 <= named.page <= named.last <= len(document.pages):
        wrong = named.called if named.page in (None, named.last) else f"{named.page}-{named.last}"
        return Refusal(f"{document.path} has the pages 1 to {len(document.pages):,}, not {wrong}")
    return range(named.page, named.last + 1)


def _found_on(context: Context, quote: str, path: str, pages: range) -> Found | None:
    """Look on these pages only: the quote may stand elsewhere too, and more exactly."""
    document = context.document(path)
    assert document is not None
    starts = [*(page.start for page in document.pages), document.span.end]
    return context.find(quote, path, starts[pages.start - 1], until=starts[pages.stop - 1])


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
    page, _ = context.page_of(found.path, found.offset)
    return f"{found.path}:{found.line}" if page is None else f"{found.path} p. {page}"


def unverified(context: Context, place: str | int, quote: str) -> Citation:
    """Return a citation for a claim that does not hold, marked so: for a last word, which cannot be asked again."""
    if isinstance(place, int):
        if not 0 <= place < context.characters:
            return Citation(f"offset {place}", quote=quote)
        path, line = context.locate(place)
        page, label = context.page_of(path, place)
        return Citation(path, line, line, quote, page=page, page_label=label)
    named = resolve(context, place)
    path = named.document.path if named.document is not None else place[:200]
    return Citation(path, named.line, named.line, quote, page=named.page)


def references(context: Context, answer: str) -> list[Citation]:
    """Return the places that the answer's text names, each once, in order; `verified` says whether they exist."""
    found: dict[tuple[str, int | None, int | None, int | None], Citation] = {}
    for citation, last in _References(context, answer).all():
        # The last page of a range has no field of its own.
        found.setdefault((citation.path, citation.line, citation.end_line or last, citation.page), citation)
    return list(found.values())


class _References:
    """One answer's references. What was looked up is kept: an answer can name one thing a hundred thousand times."""

    def __init__(self, context: Context, answer: str) -> None:
        self._context = context
        self._answer = answer
        self._documents: dict[str, Document | None] = {}
        self._labels: dict[str, dict[str, int]] = {}
        paged = [document for document in context.documents if document.pages]
        self._only_paged = paged[0] if len(paged) == 1 else None

    def all(self) -> Iterator[tuple[Citation, int | None]]:
        """Yield each reference, and the last page it names."""
        document, name, end = None, "", -1
        for match in _REFERENCE.finditer(self._answer):
            if match["page"] is None:
                citation = self._line(match)
                if citation is not None:
                    yield citation, None
                continue
            between = self._answer[end : match.start()] if 0 <= end <= match.start() <= end + 20 else None
            if between is None or between.strip(AROUND_NAMES + ")]\n") not in _BETWEEN_PAGES:
                document, name = self._before(match.start())
            end = match.end()
            page, last = self._pages(document, match)
            if page is None or last is None or not (document or name):
                continue
            pages = document.pages if document is not None else ()
            exists = 1 <= page <= last <= len(pages)
            label = pages[page - 1].label if exists else None
            path = document.path if document is not None else name
            yield Citation(path, verified=exists, page=page, page_label=label), last

    def _line(self, match: re.Match[str]) -> Citation | None:
        named = match["quoted"] or match["path"]
        line = int(match["qline"] or match["line"])
        end = int(match["qend"] or match["end"] or line)
        document = self._called(named) or resolve(self._context, named).document
        if document is None:
            if not _looks_like_a_file(self._answer, match.start(), named):
                return None
            return Citation(named, line or None, end, None)
        exists = 1 <= line <= end <= max(1, document.lines)
        page, label = None, None
        if exists and document.pages:
            page, label = self._context.page_of(document.path, self._context.offset_of(document.path, line))
        return Citation(document.path, line or None, end, None, exists, page, label)

    def _before(self, start: int) -> tuple[Document | None, str]:
        """Return the document that the words before a page number name, else the only one with pages.

        The second value is the name of a file that does not exist.
        """
        before = re.sub(r"\s", " ", self._answer[max(0, start - _LOOKED_BACK) : start]).rstrip(AROUND_NAMES)
        for word in (" on", " at", " see"):
            before = before.removesuffix(word).rstrip(AROUND_NAMES)
        named, cut = None, len(before)
        for _ in range(8):
            cut = before.rfind(" ", 0, cut)
            named = self._called(before[cut + 1 :].lstrip(AROUND_NAMES)) or named
            if cut < 0:
                break
        word = before.rpartition(" ")[2].lstrip(AROUND_NAMES)
        if named is None and _looks_like_a_file(before, len(before) - len(word), word):
            return None, word
        return named or self._only_paged, ""

    def _called(self, name: str) -> Document | None:
        if name not in self._documents:
            self._documents[name] = self._context.document_called(name) if name else None
        return self._documents[name]

    def _pages(self, document: Document | None, match: re.Match[str]) -> tuple[int | None, int | None]:
        path = document.path if document is not None else ""
        if path not in self._labels:
            self._labels[path] = labels_of(document)
        return pages_of(document, match, self._labels[path])


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
