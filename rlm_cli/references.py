"""Places that an answer's text names, such as `src/main.c:12`, `contract.pdf p. 3` and `orders.jsonl record 7`.

Each becomes a citation that says whether the place exists. Not covered: quotes (findings.py).
"""

import re
from collections.abc import Iterator
from dataclasses import replace

from rlm_cli.context import Context
from rlm_cli.places import (
    AROUND_NAMES,
    PAGE,
    PART,
    labels_of,
    numbered,
    pages_of,
    part_named,
    placed,
    resolve,
    starts_of,
)
from rlm_cli.results import Citation
from rlm_cli.types import Document, Unit

# Bounded everywhere: an answer may be a million characters that a hostile text has dictated.
_REFERENCE = re.compile(
    r"`(?P<quoted>[^`\n]{1,300}):(?P<qline>\d{1,9})(?:-(?P<qend>\d{1,9}))?`"
    r"|(?<![\w./+@~-])(?P<path>[\w./+@~-]{1,300}):(?P<line>\d{1,9})(?:-(?P<end>\d{1,9}))?"
    f"|{PAGE}|{PART}"
)
_LOOKED_BACK = 300
"""Characters before `p. 3` in which the name of its document may begin."""
_BETWEEN_PAGES = {"", "and", "or", "to", "&", "see", "also"}


def references(context: Context, answer: str) -> list[Citation]:
    """Return the places that the answer's text names, each once, in order; `verified` says whether they exist."""
    found: dict[tuple[Citation, int | None], Citation] = {}
    for citation, last in _References(context, answer).all():
        # The last page of a range has no field of its own.
        found.setdefault((citation, last), citation)
    return list(found.values())


class _References:
    """One answer's references. What was looked up is kept: an answer can name one thing a hundred thousand times."""

    def __init__(self, context: Context, answer: str) -> None:
        self._context = context
        self._answer = answer
        self._documents: dict[str, Document | None] = {}
        self._labels: dict[str, dict[str, int]] = {}
        self._only: dict[Unit, Document | None] = {}
        """The only document that has such, where there is only one."""
        for unit in ("page", "cell", "record"):
            those = [document for document in context.documents if starts_of(document, unit)]
            self._only[unit] = those[0] if len(those) == 1 else None

    def all(self) -> Iterator[tuple[Citation, int | None]]:
        """Yield each reference, and the last page, cell or record it names."""
        document, name, end, named = None, "", -1, False
        for match in _REFERENCE.finditer(self._answer):
            unit: Unit = "page"
            if match["part"]:
                unit, number, last = part_named(match)
            elif match["page"] is None:
                citation = self._line(match)
                if citation is not None:
                    yield citation, None
                continue
            between = self._answer[end : match.start()] if 0 <= end <= match.start() <= end + 20 else None
            if between is None or between.strip(AROUND_NAMES + ")]\n") not in _BETWEEN_PAGES:
                document, name = self._before(match.start())
                named = document is not None
            end = match.end()
            document = document or (None if name else self._only[unit])
            first, until = self._pages(document, match) if unit == "page" else (number, last)
            if first is None or until is None or not (document or name):
                continue
            exists = document is not None and 1 <= first <= until <= len(starts_of(document, unit))
            if match["part"] and not named and (match["plural"] or not exists):
                continue  # "of 279 records 3 are open", "on record 2020": words, not a place
            path = document.path if document is not None else name
            label = document.pages[first - 1].label if exists and document and unit == "page" else None
            yield replace(numbered(Citation(path, verified=exists), unit, first), page_label=label), until

    def _line(self, match: re.Match[str]) -> Citation | None:
        named = match["quoted"] or match["path"]
        line = int(match["qline"] or match["line"])
        end = int(match["qend"] or match["end"] or line)
        document = self._called(named) or resolve(self._context, named).document
        if document is None:
            if not _looks_like_a_file(self._answer, match.start(), named):
                return None
            return Citation(named, line or None, end, None)
        citation = Citation(document.path, line or None, end, verified=1 <= line <= end <= max(1, document.lines))
        if citation.verified and (document.pages or document.parts):
            return placed(self._context, citation, self._context.offset_of(document.path, line))
        return citation

    def _before(self, start: int) -> tuple[Document | None, str]:
        """Return the document that the words before a number name; None: none.

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
        return named, ""

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
