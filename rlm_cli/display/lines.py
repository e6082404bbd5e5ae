"""Lines of a screen: cut, wrapped and measured in terminal cells, and always harmless to print."""

import io
import re
from collections.abc import Iterable, Iterator, Sequence

from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from rlm_cli.safe_text import safe, safe_line

_RULER = Console(file=io.StringIO(), width=80)
"""What Text.wrap asks for; nothing is printed to it."""


def cut(text: Text, width: int) -> Text:
    """Return `text` without what does not fit into `width` cells, an ellipsis for it."""
    short = text.copy()
    short.truncate(max(1, width), overflow="ellipsis")
    return short


def flat(text: str) -> str:
    """Return one line of code or output as it can stand on a screen."""
    return safe(text.replace("\n", " ")).expandtabs(4)


def wrapped(text: str, width: int, limit: int, style: str = "") -> list[Text]:
    """Return `text` as at most `limit` lines of words, the last one with an ellipsis when there is more."""
    lines = list(Text(safe_line(text), style).wrap(_RULER, max(1, width))) if text else []
    for each in lines:
        each.rstrip()
    if len(lines) > limit:
        del lines[limit:]
        lines[-1] = cut(lines[-1] + " …" if lines[-1].cell_len < width - 1 else lines[-1] + "……", width)
    return lines


def at_words(text: str, width: int) -> str:
    """Return `text` with its long lines broken between words; a word longer than a line stays whole, to be copied."""
    return "\n".join(row for line in text.split("\n") for row in _rows(line, width))


def _rows(line: str, width: int) -> Iterator[str]:
    row = ""
    for word in re.findall(r"\s*\S+", line):
        if row and cell_len(row + word) > width:
            yield row
            word = word.lstrip()
            row = ""
        row += word
    yield row


def behind(first: Text, lines: Iterable[Text], rest: Text | None = None) -> Iterator[Text]:
    """Yield `lines`, `first` before the first of them and `rest`, else as many blanks, before the others."""
    margin = first
    for line in lines:
        # Not `margin + line`, whose style would be the margin's.
        whole = Text.assemble(margin, line)
        whole.rstrip()
        yield whole
        margin = rest if rest is not None else Text(" " * first.cell_len)


def joined(lines: Sequence[Text]) -> Text:
    """Return lines as one text to print."""
    return Text("\n").join(lines)


# --- bars ---------------------------------------------------------------------------------------------------------


def share_bar(parts: Sequence[tuple[int, str, str]], width: int) -> Text:
    """Return a bar of at most `width` cells that shows `parts`: (how many, a glyph, its style).

    One cell each as long as they fit, else in proportion; whatever there is at all has a cell.
    """
    total = sum(count for count, _, _ in parts)
    cells = [count if total <= width else max(count * width // total, count > 0) for count, _, _ in parts]
    if total > width:
        cells[cells.index(max(cells))] += width - sum(cells)
    return Text.assemble(*((glyph * count, style) for count, (_, glyph, style) in zip(cells, parts, strict=True)))


def meter(share: float, width: int = 8) -> Text:
    """Return how much of something is used, from 0 to 1; from 0.8 on it warns."""
    filled = min(width, max(round(share * width), share > 0))
    return Text.assemble(("━" * filled, "bold red" if share >= 0.8 else "cyan"), ("─" * (width - filled), "dim"))
