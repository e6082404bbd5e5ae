"""What the user is told about files that were not read, or not wholly: why, and what to do about it.

Knows the reasons of skips; everything here is safe to print once the names are.
"""

import shlex
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from rlm_cli.context import shown_path
from rlm_cli.context_writer import MOST_PAGES
from rlm_cli.errors import InputError
from rlm_cli.loaders import office, pdf
from rlm_cli.loaders.decoding import ARCHIVE, BINARY
from rlm_cli.loaders.unpacking import NESTED
from rlm_cli.types import Secret, Skipped

_OCR = "`ocrmypdf {} out.pdf` gives {} text"
HINTS = {
    "ignored": "--no-gitignore loads what git ignores",
    "hidden": "--hidden loads what starts with a dot",
    "too large": "--max-file-size takes larger files",
    "not included": "--include matches none of the files",
    "excluded": "--exclude leaves nothing",
    "unchanged": "nothing has changed; without --changed-only all is loaded",
    "submodule": "`git submodule update --init --recursive` checks submodules out",
    "not checked out": "`git sparse-checkout disable` checks all out",
    **dict.fromkeys(("generated", "vendored", "minified", "lock"), "--no-generated leaves nothing"),
    pdf.ENCRYPTED: "--password-file FILE, with the password on its first line",
    pdf.WRONG_PASSWORD: "each line of --password-file is tried as it is; is one missing?",
    pdf.WITHOUT_TEXT: _OCR.format("FILE", "it"),
    pdf.DAMAGED: "`qpdf FILE out.pdf` mends some",
    "encrypted": "`unzip` it with its password, and name the folder",
    "damaged archive": "is the download complete?",
    ARCHIVE: "name an archive to load what is in it",
    NESTED: "unpack the outer archive, and name the folder",
    office.NEEDS_EXTRA: office.INSTALL,
    office.ENCRYPTED: "save it without its password",
    office.DAMAGED: "open it where it can be opened, and save it anew or as PDF",
}
"""Reason -> what to do about it when it left no text."""

_NAMED = {
    BINARY: ("is binary, not text", "zip and tar can be read; unpack other archives, and name the folder"),
    "encrypted": ("is encrypted", HINTS["encrypted"]),
    "damaged archive": ("is damaged", HINTS["damaged archive"]),
    pdf.ENCRYPTED: ("is encrypted", HINTS[pdf.ENCRYPTED]),
    pdf.WRONG_PASSWORD: ("is encrypted, and no line of --password-file opens it", HINTS[pdf.WRONG_PASSWORD]),
    pdf.LOCKED: ("is locked in a way that cannot be opened here", "print it to another PDF where it can be opened"),
    pdf.DAMAGED: ("is damaged, or no PDF at all", HINTS[pdf.DAMAGED]),
    pdf.SLOW: ("took too long to read", f"a page may take {pdf.PATIENCE:g} s; try `pdftotext FILE out.txt`"),
    pdf.WITHOUT_TEXT: ("holds no text: is it scanned?", HINTS[pdf.WITHOUT_TEXT]),
    office.NEEDS_EXTRA: ("is an office file, and what reads those is not installed", office.INSTALL),
    office.ENCRYPTED: ("is encrypted", HINTS[office.ENCRYPTED]),
    office.DAMAGED: ("is damaged, or no office file at all", HINTS[office.DAMAGED]),
    office.SLOW: ("took too long to read", "save it as PDF or as CSV"),
    office.WITHOUT_TEXT: ("holds no text", "are there pictures of text in it? OCR gives them some"),
    pdf.TOO_LARGE: (f"holds more than {pdf.MOST_TEXT:,} characters or {MOST_PAGES:,} pages", "split it"),
}
"""Reason -> what a file that the user named is told by."""

_SHOWN = 5
_MEANT = frozenset(("excluded", "not included", "unchanged", "deleted", "empty", "duplicate input"))
"""Reasons for which a file is skipped that the user has given, or that leave nothing to read."""


@dataclass(frozen=True, slots=True)
class Scanned:
    """A PDF with pages that hold no text."""

    name: str
    typed: str | None
    """What leads to the file in a shell; None for a stream."""
    count: int
    """Pages in all."""
    numbers: Sequence[int]
    """Of those without text."""


@dataclass(slots=True)
class Noticed:
    """What there is to say of files that were read."""

    guessed: list[tuple[str, str]] = field(default_factory=list)
    """(name, encoding)."""
    damaged_text: list[tuple[str, str]] = field(default_factory=list)
    """(name, encoding): it holds what that has no meaning for."""
    no_records: list[str] = field(default_factory=list)
    """Names of files that are not the JSON they say."""
    no_notebooks: list[tuple[str, str]] = field(default_factory=list)
    """(name, why it is read as JSON)."""
    pictures: list[tuple[str, int]] = field(default_factory=list)
    """(name, how many pictures that are not shown)."""
    attachments: list[tuple[str, int]] = field(default_factory=list)
    """(name, how many files within a PDF)."""
    scanned: list[Scanned] = field(default_factory=list)
    damaged_pages: list[tuple[str, Sequence[int]]] = field(default_factory=list)
    """(name, numbers of pages)."""

    def told(self) -> Iterator[str]:
        """Yield a warning for each."""
        yield from _on_damaged_pages(self.damaged_pages)
        yield from _on_encodings(self.guessed, self.damaged_text)
        yield from _on_structure(self.no_records, self.no_notebooks)
        yield from _on_pages(self.scanned)
        if self.pictures:
            number = sum(number for _, number in self.pictures)
            yield f"{_counted(number, 'picture')} not read: {_listed([name for name, _ in self.pictures])}"
        yield from _on_attachments(self.attachments)


def refusal(shown: str, reason: str, typed: str | None) -> InputError | None:
    """Return the error for a named file that cannot be read; None for a reason that is none, such as `empty`.

    `typed` is what leads to the file in a shell; None for a stream.
    """
    if reason not in _NAMED:
        return None
    what, hint = _NAMED[reason]
    if reason == pdf.WITHOUT_TEXT:
        hint = _OCR.format(_argument(typed), "it")
    return InputError(f"{shown} {what}", hint)


def _argument(typed: str | None) -> str:
    """Return what a file is called on a command line that can be copied; FILE where there is no such thing."""
    if typed is None or shown_path(typed) != typed:
        return "FILE"
    return shlex.quote(f"./{typed}" if typed.startswith("-") else typed)


def on_unread(skipped: Sequence[Skipped]) -> Iterator[str]:
    """Yield a warning for each reason for which files that should have been read could not be."""
    names = defaultdict(list)
    for each in skipped:
        if each.failed:
            names[each.reason].append(each.path)
    for reason, those in names.items():
        hint = f"; {_NAMED[reason][1]}" if reason in _NAMED else ""
        yield f"{_counted(len(those), 'file')} could not be read, {reason}: {_listed(those)}{hint}"


def on_changed(skipped: Sequence[Skipped]) -> Iterator[str]:
    """Yield a warning for what a branch has changed and nobody reads: it could hide something there."""
    named = [f"{each.path} ({each.reason})" for each in skipped if each.reason not in _MEANT]
    if named:
        yield f"changed since the base and not read: {_listed(named)}"


def _on_damaged_pages(damaged: Sequence[tuple[str, Sequence[int]]]) -> Iterator[str]:
    if damaged:
        pages = _counted(sum(len(numbers) for _, numbers in damaged), "damaged page")
        where = _listed([f"{name} p. {ranges(numbers)}" for name, numbers in damaged])
        yield f"{pages} could not be read: {where}; {HINTS[pdf.DAMAGED]}"


def _counted(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'s' * (number != 1)}"


def _listed(names: Sequence[str], most: int = _SHOWN) -> str:
    return ", ".join(names[:most]) + (f" and {len(names) - most:,} more" if len(names) > most else "")


def _on_encodings(guessed: Sequence[tuple[str, str]], damaged: Sequence[tuple[str, str]]) -> Iterator[str]:
    if guessed:
        by = defaultdict(list)
        for name, encoding in guessed:
            by[encoding].append(name)
        most = sorted(by.items(), key=lambda each: (-len(each[1]), each[0]))
        read = "; ".join(f"{encoding} {_listed(names, 2)}" for encoding, names in most[:_SHOWN])
        more = f"; and {_counted(len(most) - _SHOWN, 'more encoding')}" if len(most) > _SHOWN else ""
        yield f"{_counted(len(guessed), 'file')} not in UTF-8, read as {read}{more}"
    if damaged:
        named = _listed([f"{name} ({encoding})" for name, encoding in damaged])
        yield f"{_counted(len(damaged), 'file')} with characters that are none, read as \ufffd: {named}"


def _on_structure(no_records: Sequence[str], no_notebooks: Sequence[tuple[str, str]]) -> Iterator[str]:
    if no_records:
        files = _counted(len(no_records), "file")
        yield f"{files} not the JSON or table that the name says, read as text: {_listed(no_records)}"
    if no_notebooks:
        named = _listed([f"{name} ({why})" for name, why in no_notebooks])
        yield f"{_counted(len(no_notebooks), 'notebook')} not of nbformat 4, read as text: {named}"


def _on_pages(scanned: Sequence[Scanned]) -> Iterator[str]:
    # Those without any text first.
    for each in sorted(scanned, key=lambda each: len(each.numbers) < each.count)[:_SHOWN]:
        which, them = "it holds no text", "it"
        if len(each.numbers) < each.count:
            hold, them = ("holds", "it") if len(each.numbers) == 1 else ("hold", "them")
            which = f"{len(each.numbers):,} of {each.count:,} pages {hold} no text ({ranges(each.numbers)})"
        yield f"{each.name}: {which}: scanned? {_OCR.format(_argument(each.typed), them)}"
    if len(scanned) > _SHOWN:
        more = len(scanned) - _SHOWN
        yield f"{_counted(more, 'more PDF')} {'has' if more == 1 else 'have'} pages without text"


def _on_attachments(attachments: Sequence[tuple[str, int]]) -> Iterator[str]:
    if attachments:
        names = ", ".join(name for name, _ in attachments[:_SHOWN]) + (", ..." if len(attachments) > _SHOWN else "")
        number = sum(number for _, number in attachments)
        yield f"{_counted(number, 'file')} within a document, not read ({names})"


def on_secrets(secrets: Sequence[Secret]) -> Iterator[str]:
    """Yield the warning about what looks like a secret, and is loaded all the same."""
    if secrets:
        named = [each.path if each.line is None else f"{each.path}:{each.line}" for each in secrets]
        listed = _listed([f"{name} ({each.kind})" for name, each in zip(named, secrets, strict=True)])
        yield f"{_counted(len(secrets), 'possible secret')} in the input: {listed}; -x leaves files out"


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
