"""Which of many words a long text holds, quickly.

To look for each word by itself takes 50 ms for 100 MB and a word, one expression of them all 3 s. A tokenizer looks for
the tokens of its pattern by a vectorised search for many words: 80 ms for forty, 0.2 s for a thousand, 0.65 s for
20,000, and nothing else becomes a token.

Not covered: where a word stands (`bytes.find` says that, once it is known to be there); a word that stands in the text
only where it overlaps another.
"""

import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    pass

BLOCK = 1 << 16
"""Bytes searched at once: few, for memory that is asked for by the megabyte costs more to get than to search."""


class Needles:
    """A set of words, at most some 20,000 of them. Any number of threads may search."""

    def __init__(self, words: Sequence[bytes]) -> None:
        """`words`: none twice, not empty; ASCII."""
        import tiktoken

        # Longer ones first: where one begins with another, the longer is what is found.
        self._words = sorted(words, key=len, reverse=True)
        self._encoding = tiktoken.Encoding(
            "needles",
            pat_str="|".join(re.escape(word.decode("ascii")) for word in self._words),
            mergeable_ranks={word: number for number, word in enumerate(self._words)},
            special_tokens={},
        )

    def among(self, text: bytes) -> set[bytes]:
        """Return the words that a text of BLOCK bytes or little more holds; longer texts cost more than their size."""
        return {self._words[number] for number in set(self._encoding.encode_ordinary(text.decode("latin-1")))}

    def blocks(
        self, text: bytes, start: int = 0, end: int | None = None, size: int = BLOCK
    ) -> Iterator[tuple[int, int, set[bytes]]]:
        """Yield (first, last, words) for each block of the text: those that begin at `first` or later, before `last`.

        Blocks without a word are left out.
        """
        end = len(text) if end is None else end
        longest = len(self._words[0]) if self._words else 1
        while start < end:
            last = min(end, start + size)
            if found := self.among(text[start : min(end, last + longest - 1)]):
                yield start, last, found
            start = last
