"""A quote and how it is looked for: as it stands, or wrapped anew; on text made against it, for a bounded time.

Knows bytes of UTF-8, and nothing of documents.
"""

import json
import mmap
import re
from dataclasses import dataclass

_MOST_PLACES = 200_000
_OPENING = 8
"""Words."""
_MOST_WORDS = 4_000_000
"""That are compared at most behind places at which the opening of a quote stands."""
_WHITE_SPACE = (
    rb"(?:[\x09-\x0d\x1c-\x20]|\xc2[\x85\xa0]|\xe1\x9a\x80|\xe2\x80[\x80-\x8a\xa8\xa9\xaf]|\xe2\x81\x9f|\xe3\x80\x80)+"
)
"""What `str.split` takes for white space, in UTF-8."""


class TooManyPlaces(Exception):
    """More of the text begins like the quote than can be looked through."""


@dataclass(frozen=True, slots=True)
class Quote:
    """What is looked for: as it is, and with its white space free."""

    exact: bytes
    first_word: bytes
    pattern: re.Pattern[bytes]
    opening: re.Pattern[bytes]
    """The pattern of its first words."""
    words: int

    def search(self, text: mmap.mmap, start: int, end: int) -> tuple[int, int] | None:
        """Return the bytes from and up to which the quote stands, the exact form preferred.

        The pattern is tried at places that begin like it, and at a bounded number of those: on text made for it, a
        search by the pattern alone takes hours.
        """
        found = text.find(self.exact, start, end)
        if found >= 0:
            return found, found + len(self.exact)
        place, left = start, _MOST_WORDS
        for _ in range(_MOST_PLACES):
            place = text.find(self.first_word, place, end)
            if place < 0:
                return None
            if self.opening.match(text, place, end) is not None:
                if left < 0:
                    break
                left -= self.words
                match = self.pattern.match(text, place, end)
                if match is not None:
                    return match.span()
            place += 1
        raise TooManyPlaces

    def search_escaped(self, text: mmap.mmap, start: int, end: int) -> tuple[int, int] | None:
        """Return where the quote stands as JSON or CSV spells it: the text may have been read by their parsers."""
        plain = self.exact.decode("utf-8")
        spelled = [json.dumps(plain, ensure_ascii=ascii_only)[1:-1] for ascii_only in (False, True)]
        spelled += [each.replace("/", "\\/") for each in spelled]  # JSON may escape what it need not
        for each in dict.fromkeys([*spelled, plain.replace('"', '""')]):
            found = text.find(each.encode("utf-8"), start, end)
            if found >= 0:
                return found, found + len(each.encode("utf-8"))
        return None


def wanted_quote(text: str) -> Quote | None:
    """Return what to look for; None for what no text holds: white space alone, half a surrogate pair."""
    try:
        words = [word.encode("utf-8") for word in text.split()]
    except UnicodeEncodeError:
        return None
    if not words:
        return None
    whole, opening = (re.compile(_WHITE_SPACE.join(map(re.escape, those))) for those in (words, words[:_OPENING]))
    return Quote(text.strip().encode("utf-8"), words[0], whole, opening, len(words))
