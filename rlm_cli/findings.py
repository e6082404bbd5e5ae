"""Claims about the text, checked against the text: what an answer says is where, is there or is marked as not there.

Covered: evidence with quotes (cite, FINAL's evidence) and references such as `src/main.c:12` and `contract.pdf p. 3` in
an answer's text. The program sets lines and pages; a model's word for them is only a hint. Knows the Context, and
nothing of models.
"""

import difflib
import re
from collections.abc import Iterator
from dataclasses import dataclass

from rlm_cli.context import Context, Found
from rlm_cli.quotes import TooManyPlaces
from rlm_cli.types import Citation, Document

# Bounded everywhere: an answer may be a million characters that a hostile text has dictated.
_NUMBER = r"(?:\d{1,9}|[ivxlcdm]{1,12}|[IVXLCDM]{1,12})(?!\w)"
_PAGE = rf"(?<![\w.])(?:[Pp]p?\.|[Pp]ages?)[ \u00a0]{{0,2}}(?P<page>{_NUMBER})(?: ?[-\u2013] ?(?P<last>{_NUMBER}))?"
_REFERENCE = re.compile(
    r"`(?P<quoted>[^`\n]{1,300}):(?P<qline>\d{1,9})(?:-(?P<qend>\d{1,9}))?`"
    r"|(?<![\w./+@~-])(?P<path>[\w./+@~-]{1,300}):(?P<line>\d{1,9})(?:-(?P<end>\d{1,9}))?"
    f"|{_PAGE}"
)
_WITH_PAGE = re.compile(_PAGE)
_WITH_LINE = re.compile(r"(?P<path>.+?):(?P<line>\d{1,9})(?:[-:]\d{1,9})?$")
_LONGEST_PLACE = 1_000
_LONGEST_QUOTE = 2_000
"""Characters."""
_LOOKED_BACK = 300
"""Characters before `p. 3` in which the name of its document may begin."""
_AROUND_NAMES = " ,;:(['\"*_`|-\u2013\u2014"
_BETWEEN_PAGES = {"", "and", "or", "to", "&", "see", "also"}


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
    if isinstance(place, int):
        if not 0 <= place < context.characters:
            return Refusal(f"offset {place} is outside the context (0 to {context.characters:,})")
        near = place
        path, _ = context.locate(place)
    else:
        named = _resolved(context, place)
        if named.document is None:
            return Refusal(f"no document is called {place[:200]!r}{_nearest(context, place[:200])}")
        path, pages = named.document.path, named.document.pages
        if named.line is not None:
            near = context.offset_of(path, named.line)
        elif named.page is not None and 1 <= named.page <= len(pages):
            near = pages[named.page - 1].start
    try:
        found = context.find(quote, path, near)
        elsewhere = context.find(quote) if found is None and len(context.documents) > 1 else None
    except TooManyPlaces:
        return Refusal("too much of the text begins like the quote: give the offset, or quote exactly as it stands")
    if found is None:
        where = f"; it stands in {_shown(context, elsewhere)}" if elsewhere is not None else ""
        return Refusal(f"the quote is not in {path}{where}. Copy it from the text, character by character")
    page, label = context.page_of(path, found.offset)
    return Citation(path, found.line, found.end_line, quote, verified=True, page=page, page_label=label)


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
    named = _resolved(context, place)
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
            if between is None or between.strip(_AROUND_NAMES + ")]\n") not in _BETWEEN_PAGES:
                document, name = self._before(match.start())
            end = match.end()
            page, last = self._page(document, match["page"]), self._page(document, match["last"] or match["page"])
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
        document = self._called(named) or _resolved(self._context, named).document
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
        before = re.sub(r"\s", " ", self._answer[max(0, start - _LOOKED_BACK) : start]).rstrip(_AROUND_NAMES)
        for word in (" on", " at", " see"):
            before = before.removesuffix(word).rstrip(_AROUND_NAMES)
        named, cut = None, len(before)
        for _ in range(8):
            cut = before.rfind(" ", 0, cut)
            named = self._called(before[cut + 1 :].lstrip(_AROUND_NAMES)) or named
            if cut < 0:
                break
        word = before.rpartition(" ")[2].lstrip(_AROUND_NAMES)
        if named is None and _looks_like_a_file(before, len(before) - len(word), word):
            return None, word
        return named or self._only_paged, ""

    def _called(self, name: str) -> Document | None:
        if name not in self._documents:
            self._documents[name] = self._context.document_called(name) if name else None
        return self._documents[name]

    def _page(self, document: Document | None, number: str) -> int | None:
        """Return the page of this number, else the one it is printed on; None for what is no page's number at all."""
        pages = document.pages if document is not None else ()
        if number.isdecimal() and 1 <= int(number) <= len(pages):
            return int(number)
        if document is not None:
            if document.path not in self._labels:
                labelled = {page.label: place for place, page in reversed([*enumerate(pages, 1)]) if page.label}
                self._labels[document.path] = labelled
            page = self._labels[document.path].get(number)
            if page is not None:
                return page
        return int(number) if number.isdecimal() else None


@dataclass(frozen=True, slots=True)
class _Named:
    """What a model calls a place."""

    document: Document | None
    line: int | None = None
    page: int | None = None


def _resolved(context: Context, named: str) -> _Named:
    """Resolve a document's path, or its unique ending, alone or with a line (`a.py:3`) or a page (`a.pdf p. 3`)."""
    named = named[:_LONGEST_PLACE].strip()
    whole = context.document_called(named)
    if whole is not None:
        return _Named(whole)
    line = _WITH_LINE.match(named)
    if line is not None:
        return _Named(context.document_called(line["path"]), line=int(line["line"]))
    page = _WITH_PAGE.search(named)
    if page is not None and page["page"].isdecimal():
        return _Named(context.document_called(named[: page.start()].strip(_AROUND_NAMES)), page=int(page["page"]))
    return _Named(None)


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
