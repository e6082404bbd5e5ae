"""Text cut into pieces at sensible places: a rule for the session's smart_chunk and for the engine alike.

Pure functions of the text. Not covered: which pieces make a prompt, and how large that may be.
"""

import re

_HEADING = re.compile(r"\n(?=#{1,6} \S|={3,} \S|(?i:chapter|section|article|part)\s+[\dIVXLC]+\b)")
_SENTENCE_ENDS = (". ", "! ", "? ", ".\n", "!\n", "?\n", '." ', ".) ", "\u3002", "\uff01", "\uff1f")


def smart_chunk(text: str, target_size: int = 100_000) -> list[str]:
    """Cut text at headings, blank lines or sentences into pieces of at most `target_size` characters.

    "".join(pieces) is the text again; no piece is empty.
    """
    if not isinstance(text, str):
        raise TypeError(f"smart_chunk takes a str, not {type(text).__name__!r}")
    if target_size < 1:
        raise ValueError("target_size must be at least 1")
    pieces = []
    start = 0
    while len(text) - start > target_size:
        cut = best_cut(text, start + max(1, target_size // 2), start + target_size)
        pieces.append(text[start:cut])
        start = cut
    if start < len(text):
        pieces.append(text[start:])
    return pieces


def best_cut(text: str, first: int, last: int) -> int:
    """Return the best place to cut in first..last: before a heading, else after a page or a blank line, a sentence,
    a word.
    """
    headings = [found.end() for found in _HEADING.finditer(text, first - 1, last)]
    if headings:
        return headings[-1]
    for marks in (("\n\n", "\f", "\f\n"), _SENTENCE_ENDS, ("\n",), (" ",)):
        ends = [place + len(mark) for mark in marks if (place := text.rfind(mark, first - 1, last)) >= 0]
        if ends:
            return max(ends)
    return last
