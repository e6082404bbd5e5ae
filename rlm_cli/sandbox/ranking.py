"""bm25: the pieces of the text that a query is about, best first.

There is no index of words, which in Python costs seconds and more memory than the text: what is kept is where the
pieces begin and the text in lower case, and each word of a query is looked for in that. In 40 MB of source code a query
takes 0.05 s of CPU a word, one that is everywhere (`self`) 0.3 s; the first one 0.1 s and 40 MB beside.

Words are told apart as in identifiers (`token` is in token_store, accessToken, HTTPToken2 and tokens). The length of a
piece, which BM25 weighs by, is counted in characters.
"""

import math
import re
from array import array
from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from rlm_cli.sandbox.search import Hit, chosen, excerpt, visible
from rlm_cli.sandbox.tables import Document, Documents

_K1, _B = 1.2, 0.75
_PIECE = 2_000
"""Characters of a piece, at most."""
_BLOCK = 1_000_000
"""Characters that are kept together in lower case, about: one emoji makes four bytes of each of them."""
_LONGEST_WORD = 200
"""Characters in which the end of a word is looked for."""
_TERMS = 64
"""Words of a query."""
_WORDS = re.compile(r"[^\W_]+(?:_+[^\W_]+)*")
_PARTS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[^\W\d_A-Z]+|\d+|[^\W_]")
_UNSPACED = re.compile("[\u0e00-\u0eff\u1000-\u109f\u2e80-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]")
"""Scripts without spaces between words: any two characters of them are looked for as a word."""
_STOP = frozenset(
    "a an and are as at be by for from has have how in is it its of on or that the this to was were what when where "
    "which who why will with".split()
)
"""Not looked for where a query has other words."""


class RankedHit(Hit):
    """One piece of the text that a query is about; the place is where it is most so."""

    __slots__ = ("score",)

    def __init__(self, document: Document, line: int, offset: int, text: str, match: str, score: float) -> None:
        super().__init__(document, line, offset, text, match)
        self.score = score


class RankedHits(list[RankedHit]):
    """The hits that were shown; `total` counts all pieces that have a word of the query."""

    total = 0


def ranking_over(context: str, documents: Documents, show: Callable[[str], None]) -> Callable[..., RankedHits]:
    """Return bm25; `show` prints a line."""
    pieces = _Pieces(context, documents)

    def bm25(query: str, k: int = 10, path: Any = None) -> RankedHits:
        """Rank pieces of the context by the words of a query; prints and returns the best k.

        `path`: as for grep.
        """
        if not isinstance(query, str):
            raise TypeError(f"bm25 takes words as one str, not {type(query).__name__!r}")
        terms = _terms(str.__str__(query))
        if not terms:
            raise ValueError("the query has no words")
        inside = None if path is None else set(chosen(documents, path))
        pieces.get_ready()
        counts = {term: pieces.count(term) for term in terms}
        elsewhere, where = Counter[str](), ""
        if inside is not None:
            where = f" in {len(inside):,} of {len(documents):,} documents"
            within = {
                term: Counter({piece: n for piece, n in by_piece.items() if pieces.document(piece) in inside})
                for term, by_piece in counts.items()
            }
            elsewhere.update({term: len(by_piece) - len(within[term]) for term, by_piece in counts.items()})
            counts = within
        scores = pieces.score(counts)
        best = sorted(scores, key=lambda piece: (-scores[piece], piece))[: max(0, int(k))]
        hits = RankedHits(pieces.hit(piece, terms, counts, scores[piece]) for piece in best)
        hits.total = len(scores)
        _show(hits, counts, where, +elsewhere, show)
        return hits

    return bm25


class _Pieces:
    """The text cut at line ends, and the same text in lower case. Made on first use, all of it or nothing."""

    def __init__(self, context: str, documents: Documents) -> None:
        self._context = context
        self._documents = documents
        self._blocks: list[tuple[int, str]] = []
        """(where it begins in the context, its text in lower case)"""
        self._starts = array("Q")
        self._ends = array("Q")
        self._document_starts: list[int] = []
        self._ready = False

    def get_ready(self) -> None:
        if self._ready:
            return
        starts, ends = array("Q"), array("Q")
        for document in self._documents:
            for start, end in _cut(self._context, document.start, document.end):
                starts.append(start)
                ends.append(end)
        blocks: list[tuple[int, str]] = []
        begin = starts[0] if starts else 0
        for end in ends:
            if end - begin >= _BLOCK or end == ends[-1]:
                blocks.append((begin, _small(self._context[begin:end])))
                begin = end
        self._blocks = blocks
        self._document_starts = [document.start for document in self._documents]
        self._starts, self._ends = starts, ends
        self._ready = True

    def document(self, piece: int) -> Document:
        return self._documents[bisect_right(self._document_starts, self._starts[piece]) - 1]

    def places(self, term: str, start: int = 0, end: int | None = None) -> Iterator[int]:
        """Yield where a word stands, in order."""
        pattern, apart = _pattern(term)
        first = max(0, bisect_right(self._blocks, start, key=lambda block: block[0]) - 1)
        for begin, text in self._blocks[first:] if end is None else self._blocks[first : first + 1]:
            # A word may go beyond the piece that it begins in.
            until = len(text) if end is None else end - begin + _LONGEST_WORD
            for found in pattern.finditer(text, max(0, start - begin), until):
                place = begin + found.start()
                if end is not None and place >= end:
                    return
                if not apart or (self._begins(place) and self._ends_at(begin + found.end())):
                    yield place

    def count(self, term: str) -> Counter[int]:
        """Return how often a word stands in which piece."""
        counts: Counter[int] = Counter()
        piece, last = -1, -1
        for place in self.places(term):
            if place >= last:
                piece = bisect_right(self._starts, place) - 1
                last = self._ends[piece]
            if place < last:  # else it is in a header
                counts[piece] += 1
        return counts

    def score(self, counts: dict[str, Counter[int]]) -> dict[int, float]:
        pieces = len(self._starts)
        mean = sum(self._ends) - sum(self._starts) or 1
        scores: dict[int, float] = {}
        for by_piece in counts.values():
            weight = self.weight(by_piece)
            for piece, often in by_piece.items():
                length = (self._ends[piece] - self._starts[piece]) * pieces / mean
                gain = weight * often * (_K1 + 1) / (often + _K1 * (1 - _B + _B * length))
                scores[piece] = scores.get(piece, 0.0) + gain
        return scores

    def weight(self, by_piece: Counter[int]) -> float:
        return math.log(1 + (len(self._starts) - len(by_piece) + 0.5) / (len(by_piece) + 0.5))

    def hit(self, piece: int, terms: Sequence[str], counts: dict[str, Counter[int]], score: float) -> RankedHit:
        """Return a piece as a hit, at the line that has most of the query."""
        start, end = self._starts[piece], self._ends[piece]
        found = sorted((place, term) for term in terms for place in self.places(term, start, end))
        weights = {term: self.weight(counts[term]) for term in terms}
        lines: dict[int, dict[str, int]] = {}
        for at, word in found:
            lines.setdefault(self._context.rfind("\n", start, at), {}).setdefault(word, at)
        if not lines:  # a form of a word that is only found with what stands behind the piece
            lines = {start: {terms[0]: start}}
        best = max(lines.values(), key=lambda line: sum(weights[word] for word in line))
        term = max(best, key=lambda word: weights[word])
        place = best[term]
        document = self.document(piece)
        line = 1 + self._context.count("\n", document.start, place)
        last = place + len(term)
        return RankedHit(
            document, line, place, excerpt(self._context, document, place, last, 200), self._context[place:last], score
        )

    def _begins(self, place: int) -> bool:
        """Say whether a word can begin there: behind what is no letter or digit, or where a capital begins one."""
        if place == 0:
            return True
        before, here = self._context[place - 1], self._context[place]
        if not before.isalnum() or before.isdigit() != here.isdigit():
            return True
        if not here.isupper():
            return False
        return not before.isupper() or self._context[place + 1 : place + 2].islower()

    def _ends_at(self, place: int) -> bool:
        if place >= len(self._context):
            return True
        before, here = self._context[place - 1], self._context[place]
        if not here.isalnum() or before.isdigit() != here.isdigit():
            return True
        if not here.isupper():
            return False
        return not before.isupper() or self._context[place + 1 : place + 2].islower()


def _cut(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    while end - start > _PIECE:
        line_end = text.rfind("\n", start + _PIECE // 2, start + _PIECE) + 1
        cut = line_end or text.rfind(" ", start + _PIECE // 2, start + _PIECE) + 1 or _between(text, start + _PIECE)
        yield start, cut
        start = cut
    if start < end:
        yield start, end


def _between(text: str, place: int) -> int:
    """Return a place near this one, before it, at which no word is cut; this one where there is none."""
    near = range(place, place - _LONGEST_WORD, -1)
    return next((at for at in near if not (text[at - 1].isalnum() and text[at].isalnum())), place)


def _small(text: str) -> str:
    # One letter's small form has two characters; places have to stay the same.
    return text.replace("\u0130", "I").lower()


def _terms(query: str) -> list[str]:
    """Return the words of a query, the parts of identifiers among them, in lower case."""
    found: dict[str, None] = {}
    for word in _WORDS.findall(query):
        parts = _PARTS.findall(word)
        for term in (word, *(parts if len(parts) > 1 else ())):
            small = _small(term)
            if _UNSPACED.search(small):
                found |= dict.fromkeys([small[at : at + 2] for at in range(max(1, len(small) - 1))])
            else:
                found[small] = None
    words = [term for term in found if term not in _STOP]
    return (words or list(found))[:_TERMS]


def _pattern(term: str) -> tuple[re.Pattern[str], bool]:
    """Return what finds a word, its plural among its forms, and whether it has to stand apart."""
    if _UNSPACED.search(term):
        return re.compile(re.escape(term)), False
    if not term.isalpha() or len(term) < 3:
        return re.compile(re.escape(term)), True
    if term.endswith("ies") and len(term) > 4:
        return re.compile(re.escape(term[:-3]) + "(?:ies|y)"), True
    if term.endswith("y") and term[-2] not in "aeiou":
        return re.compile(re.escape(term[:-1]) + "(?:ies|y)"), True
    if term.endswith("s") and not term.endswith(("ss", "us", "is")):
        return re.compile(re.escape(term[:-1]) + "s?"), True
    return re.compile(re.escape(term) + "(?:es|s)?"), True


def _show(
    hits: RankedHits,
    counts: dict[str, Counter[int]],
    where: str,
    elsewhere: Counter[str],
    show: Callable[[str], None],
) -> None:
    for hit in hits:
        show(f"{hit.score:.1f} {hit!r}")
    words = ", ".join(f"{visible(term)} {len(by_piece):,}" for term, by_piece in list(counts.items())[:20])
    if hits.total:
        show(f"{len(hits):,} of {hits.total:,} pieces{where} shown; pieces with each word: {words}")
    else:
        show(f"no hits{where}; none of these words is there: {', '.join(map(visible, list(counts)[:20]))}")
        if elsewhere:
            others = ", ".join(f"{visible(term)} {number:,}" for term, number in elsewhere.most_common(20))
            show(f"pieces of other documents with each word: {others}")
