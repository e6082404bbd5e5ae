"""Shortens output for the root model: head and tail, cut at line ends, and never without saying so."""

SHOWN = 8_000
"""Characters of one iteration's output that the root model sees."""
_TOLERANCE = 1.1
"""Where a cut would save less than this, there is none."""
_LINE = 1_500
"""Characters of one line that it sees, when there is more than that line."""


def shorten(text: str, whole: str, total: int | None = None, limit: int = SHOWN) -> str:
    """Return `text` within about `limit` characters.

    `whole` says where the whole text can be had, as in "out[3]"; `total` is how long it really was, when `text` is
    itself only a part.
    """
    total = len(text) if total is None else total
    if len(text) <= limit * _TOLERANCE:
        return text
    given, there = text, f"whole text in {whole}"
    text = "\n".join(_shorten_line(line, whole, limit) for line in text.split("\n"))
    if len(text) <= limit:
        return text
    head, tail = _head(text, limit * 2 // 3), _tail(text, limit // 3)
    hidden = total - len(head) - len(tail)
    if text == given and total == len(text):  # what is seen can be counted off from what there is
        there = f"print({whole}[{len(head)}:{len(text) - len(tail)}]) shows them"
    return f"{head}\n[... {hidden:,} of {total:,} characters hidden; {there} ...]\n{tail}"


def _shorten_line(line: str, whole: str, limit: int) -> str:
    if len(line) <= min(_LINE, limit):
        return line
    keep = min(_LINE, limit) // 2
    hidden = f"{len(line) - 2 * keep:,} characters of this line hidden; whole text in {whole}"
    return f"{line[:keep]}[... {hidden} ...]{line[-keep:]}"


def _head(text: str, size: int) -> str:
    cut = text.rfind("\n", 0, size)
    return text[: cut if cut > size // 2 else size]


def _tail(text: str, size: int) -> str:
    start = len(text) - size
    cut = text.find("\n", start)
    return text[cut + 1 if 0 <= cut < start + size // 2 else start :]
