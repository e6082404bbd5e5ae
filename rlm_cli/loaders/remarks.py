"""What the user is told about files that were not read, or not wholly: why, and what to do about it.

Knows the reasons of skips; everything here is safe to print once the names are.
"""

import shlex
from collections.abc import Iterator, Sequence

from rlm_cli.context_writer import MOST_PAGES
from rlm_cli.errors import InputError
from rlm_cli.loaders import pdf
from rlm_cli.loaders.decoding import BINARY

_OCR = "`ocrmypdf {} out.pdf` gives {} text"
HINTS = {
    "ignored": "--no-gitignore loads what git ignores",
    "hidden": "--hidden loads what starts with a dot",
    "too large": "--max-file-size takes larger files",
    "not included": "--include matches none of the files",
    "excluded": "--exclude leaves nothing",
    pdf.ENCRYPTED: "--password-file FILE, with the password on its first line",
    pdf.WRONG_PASSWORD: "each line of --password-file is tried as it is; is one missing?",
    pdf.WITHOUT_TEXT: _OCR.format("FILE", "it"),
    pdf.DAMAGED: "`qpdf FILE out.pdf` mends some",
}
"""Reason -> what to do about it when it left no text."""

_NAMED = {
    BINARY: ("is binary, not text", "unpack an archive and name the folder"),
    pdf.ENCRYPTED: ("is encrypted", HINTS[pdf.ENCRYPTED]),
    pdf.WRONG_PASSWORD: ("is encrypted, and no line of --password-file opens it", HINTS[pdf.WRONG_PASSWORD]),
    pdf.LOCKED: ("is locked in a way that cannot be opened here", "print it to another PDF where it can be opened"),
    pdf.DAMAGED: ("is damaged, or no PDF at all", HINTS[pdf.DAMAGED]),
    pdf.SLOW: ("took too long to read", f"a page may take {pdf.PATIENCE:g} s; try `pdftotext FILE out.txt`"),
    pdf.WITHOUT_TEXT: ("holds no text: is it scanned?", HINTS[pdf.WITHOUT_TEXT]),
    pdf.TOO_LARGE: (f"holds more than {pdf.MOST_TEXT:,} characters or {MOST_PAGES:,} pages", "split it"),
}
"""Reason -> what a file that the user named is told by."""

_SHOWN = 5


def refusal(shown: str, reason: str) -> InputError | None:
    """Return the error for a named file that cannot be read; None for a reason that is none, such as `empty`."""
    if reason not in _NAMED:
        return None
    what, hint = _NAMED[reason]
    return InputError(f"{shown} {what}", hint)


def on_encodings(names: Sequence[str]) -> Iterator[str]:
    """Yield the warning about files read as Latin-1."""
    if names:
        which = f"{names[0]} is" if len(names) == 1 else f"{len(names)} files ({names[0]}, ...) are"
        yield f"{which} not UTF-8 and read as Latin-1"


def on_pages(without_text: Sequence[tuple[str, int, Sequence[int]]]) -> Iterator[str]:
    """Yield warnings about PDFs with pages that hold no text: (name, pages in all, their numbers)."""
    for name, count, numbers in without_text[:_SHOWN]:
        some = f"{len(numbers)} of {count} pages hold no text ({ranges(numbers)})"
        which = some if len(numbers) < count else "it holds no text"
        yield f"{name}: {which}: scanned? {_OCR.format(shlex.quote(name), 'them')}"
    if len(without_text) > _SHOWN:
        yield f"{len(without_text) - _SHOWN} more PDFs have pages without text"


def on_attachments(attachments: Sequence[tuple[str, int]]) -> Iterator[str]:
    """Yield the warning about files within PDFs: (name, how many)."""
    if attachments:
        names = ", ".join(name for name, _ in attachments[:_SHOWN]) + (", ..." if len(attachments) > _SHOWN else "")
        number = sum(number for _, number in attachments)
        yield f"{number} {'files' if number > 1 else 'file'} attached to a PDF, not read ({names})"


def ranges(numbers: Sequence[int]) -> str:
    """Return ascending numbers in few words: 3-5, 9; the first few runs of them."""
    runs: list[list[int]] = []
    for number in numbers:
        if runs and number == runs[-1][1] + 1:
            runs[-1][1] = number
        else:
            runs.append([number, number])
    shown = [str(first) if first == last else f"{first}-{last}" for first, last in runs[: 2 * _SHOWN]]
    return ", ".join(shown) + (", ..." if len(runs) > len(shown) else "")
