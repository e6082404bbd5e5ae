"""Office files -> Markdown, read in a process of its own: parsers meet hostile bytes there, and this holds the keys.

Covered: one child for all of them, replaced when it crashes or hangs; the checks on what it says; why a file is not
read; slides and sheets as pages, so that `deck.pptx p. 3` can be cited. Not covered: the child's life
(reader_process.py), the conversion (office_worker.py), which needs the extra `office` and is never imported here.
"""

import importlib.util
import re
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rlm_cli.confinement import Level, Walls
from rlm_cli.context_writer import MOST_PAGES
from rlm_cli.errors import SandboxError
from rlm_cli.loaders.page_text import one_line, page_text
from rlm_cli.loaders.reader_process import Broken, ReaderProcess
from rlm_cli.loaders.tree import Unloadable

WORKER = Path(__file__).parent / "office_worker.py"
PATIENCE = 120.0
"""Seconds for whatever the child says next: a document without pages is converted in one go."""
_PATIENT_TIMES = 5
"""As much patience as there is for one file in all."""
MOST_TEXT = 500_000_000
"""Characters of one file, however small it is: its parts are compressed."""
LIBRARIES = ("markitdown", "mammoth", "pptx", "openpyxl", "xlrd", "olefile")
"""Modules that the child needs."""

NEEDS_EXTRA = "needs rlm-cli[office]"
ENCRYPTED = "encrypted office file"
DAMAGED = "damaged office file"
SLOW = "office file took too long"
WITHOUT_TEXT = "office file without text"
TOO_LARGE = "too large"
"""Reasons of skips."""
INSTALL = "pip install 'rlm-cli[office]'"
"""What to do about the first."""
_BROKEN = {"damaged": DAMAGED, "slow": SLOW, "too large": TOO_LARGE}
_TOLD = {"damaged": DAMAGED, "encrypted": ENCRYPTED, "too large": TOO_LARGE}
"""What the child says is wrong with a file -> reason."""

_COMPRESSED = (".docx", ".docm", ".pptx", ".pptm", ".xlsx", ".xlsm", ".epub")
_COMPOUND = (".xls", ".msg")
_ZIP, _OLE = b"PK\x03\x04", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_MICROSOFTS = re.compile(rb"PK\x03\x04.{26}(?:word|ppt|xl)/", re.DOTALL)
_EPUB = b"mimetypeapplication/epub+zip"
_MARKS = {"slide": "<!-- Slide number: {number} -->", "sheet": "## {label}", "": ""}
"""What has pages -> how each begins, as markitdown writes it."""
_LONGEST_TITLE, _LONGEST_LABEL = 1_000, 100
_MOST_COUNTED = 1 << 32


def is_office(head: bytes, path: str) -> bool:
    """Tell an office file that is read as Markdown, by its first bytes and what its name ends in.

    Both have to agree, since an `.xls` is often a table in plain text, a `.msg` the definition of a message, and a zip
    anything. A name without a dot, such as that of standard input, leaves it to the bytes.

    HTML is none, wherever it lies and however it is named. It is text that a model reads well; in a repository it is
    source, cited by its lines, which a conversion would make wrong. A rule such as "converted when it is named alone"
    or "where no source code lies beside it" would give one file two texts, and citations that hold in one run and not
    in the next. Whoever wants a page's text alone converts it first (`markitdown page.html > page.md`).
    """
    name = path.rpartition("/")[2].lower()
    if name.endswith(_COMPRESSED):
        # One that is encrypted is a compound file.
        return head.startswith((_ZIP, _OLE))
    if name.endswith(_COMPOUND):
        # Some programs write the newer kind of sheets under the older name.
        return head.startswith(_OLE) or (name.endswith(".xls") and _is_compressed(head))
    return "." not in name and _is_compressed(head)


def _is_compressed(head: bytes) -> bool:
    return head.startswith(_ZIP) and (_MICROSOFTS.search(head) is not None or _EPUB in head[:100])


@dataclass(slots=True)
class Office:
    """An office file that was opened; the lists fill while its `pieces` are taken."""

    title: str | None
    count: int
    """Pages: slides or sheets; 0 for a document without any."""
    unit: str
    """What a page is: `slide`, `sheet`, or nothing."""
    images: int
    """Pictures, which are not read."""
    attachments: int
    """Files within it, which are not read."""
    labels: list[str | None] = field(default_factory=list)
    """Names of sheets."""
    without_text: list[int] = field(default_factory=list)
    """Numbers of pages."""
    unreadable: list[int] = field(default_factory=list)
    """Numbers of pages; they count as empty."""


class OfficeReader:
    """Reads office files one after another.

    Raises InputError when it cannot start, SandboxError with less than `require`, and Unloadable where the extra
    `office` is not installed.
    """

    def __init__(
        self,
        program: Path = WORKER,
        patience: float = PATIENCE,
        require: Level | None = None,
        libraries: Sequence[str] | None = None,
    ) -> None:
        """`program` is what the child runs, and `libraries` what it needs; tests give it one that lies."""
        self._require = require
        self._deadline = 0.0
        """Until when the file that was opened last must have been read."""
        self._program = program
        self._patience = patience
        self._libraries = LIBRARIES if libraries is None else libraries
        self._child: ReaderProcess | None = None

    @property
    def child(self) -> int | None:
        """The child's process id, while there is one."""
        return self._child.pid if self._child is not None else None

    def start(self) -> Walls:
        """Start the child unless there is one; return what is in force around it."""
        if self._child is None:
            # Looked for, not imported.
            if any(importlib.util.find_spec(each) is None for each in self._libraries):
                raise Unloadable(NEEDS_EXTRA, failed=True)
            self._child = ReaderProcess(self._program, "office files", INSTALL, self._patience)
        try:
            self._child.require(self._require)
        except SandboxError:
            self.close()
            raise
        return self._child.walls

    def open(self, descriptor: int) -> Office:
        """Open the office file in a file. Raises Unloadable; what it holds is read by `pieces`."""
        try:
            self.start()
            assert self._child is not None
            self._child.give(descriptor, None)
            self._deadline = time.monotonic() + _PATIENT_TIMES * self._patience
            return _opened(self._hear())
        except Broken as broken:
            raise self._failed(broken) from None
        except Unloadable as told:
            if told.reason == TOO_LARGE:
                # What it had in memory is seldom given back.
                self.close()
            raise
        except BaseException:
            self.close()
            raise

    def pieces(self, office: Office, limit: int = MOST_TEXT) -> Iterator[str]:
        """Yield the text of the file that was opened last: its pages, if any, parted by lines that hold a form feed.

        Raises Unloadable, also when there are more than `limit` characters, or none but white space.
        """
        assert self._child is not None
        blank = True
        try:
            for number in range(1, max(office.count, 1) + 1):
                empty = True
                for piece, has_text in self._page(office, number):
                    empty = empty and not has_text
                    limit -= len(piece)
                    if limit < 0:
                        raise Broken("too large")
                    yield piece
                if empty and number not in office.unreadable[-1:]:
                    office.without_text.append(number)
                blank = blank and empty
        except Broken as broken:
            raise self._failed(broken) from None
        except BaseException:
            # What the child has still to say belongs to this file.
            self.close()
            raise
        if office.unreadable and len(office.unreadable) == office.count:
            raise Unloadable(DAMAGED, failed=True)
        if blank:
            raise Unloadable(WITHOUT_TEXT)

    def _page(self, office: Office, number: int) -> Iterator[tuple[str, bool]]:
        """Yield pieces of a page, or of a document without pages, and whether they say more than which page it is."""
        mark: str | None = None
        more: Any = True
        while more:
            frame = self._hear()
            text, label, more = frame.get("text", 0), frame.get("label"), frame.get("more")
            if not (text is None or type(text) is str) or type(label) is not str or type(more) is not bool:
                raise Broken("damaged")
            if len(label) > _LONGEST_LABEL:
                raise Broken("damaged")
            if text is None:
                office.unreadable.append(number)
                more = False
            if mark is None:
                name = one_line(label)
                mark = _MARKS[office.unit].format(number=number, label=name)
                office.labels += [name or None] if office.unit else []
                yield (f"{mark}\n" if mark else ""), False
            if text and not text.isspace():
                yield page_text(text), True
        if number < office.count:
            yield "\f\n", False

    def close(self) -> None:
        """End the child, if there is one; the next file starts another."""
        if self._child is not None:
            self._child.kill()
            self._child = None

    def _hear(self) -> dict[str, Any]:
        assert self._child is not None
        frame = self._child.hear(min(self._patience, self._deadline - time.monotonic()))
        why = frame.get("error")
        if why is None:
            return frame
        if type(why) is not str or why not in _TOLD:
            raise Broken("damaged")
        raise Unloadable(_TOLD[why], failed=why != "too large")

    def _failed(self, broken: Broken) -> Unloadable:
        self.close()
        return Unloadable(_BROKEN[broken.why], failed=broken.why != "too large")


def _opened(head: dict[str, Any]) -> Office:
    """Return what the child says of a file first. Raises Broken, Unloadable."""
    unit, title = head.get("unit"), head.get("title")
    counts = [head.get(each) for each in ("pages", "images", "attachments")]
    if type(unit) is not str or unit not in _MARKS or type(title) is not str or len(title) > _LONGEST_TITLE:
        raise Broken("damaged")
    numbers = [each for each in counts if type(each) is int and 0 <= each < _MOST_COUNTED]
    if len(numbers) < len(counts) or (numbers[0] and not unit):
        raise Broken("damaged")
    pages, images, attachments = numbers
    if pages > MOST_PAGES:
        raise Broken("too large")
    if unit and not pages:
        raise Unloadable(WITHOUT_TEXT)
    return Office(one_line(title) or None, pages, unit, images, attachments)
