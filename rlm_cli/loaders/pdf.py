"""PDFs -> text by pages, read in a process of its own: pdfium is C++ on hostile bytes, and this process holds the keys.

Covered: one child for all PDFs, replaced when it crashes or hangs; the checks on what it says, why a PDF is not read.
Not covered: the child's life (reader_process.py), pdfium (pdf_worker.py), what a page's text becomes (page_text.py).
"""

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

WORKER = Path(__file__).parent / "pdf_worker.py"
PATIENCE = 60.0
"""Seconds for one page."""
_PATIENT_TIMES = 15
"""As much patience as there is for one PDF in all."""
MOST_TEXT = 500_000_000
"""Characters of one PDF, however small its file: pages can share what they show."""

ENCRYPTED = "encrypted pdf"
WRONG_PASSWORD = "encrypted pdf, wrong password"
LOCKED = "pdf locked in an unknown way"
DAMAGED = "damaged pdf"
SLOW = "pdf took too long"
WITHOUT_TEXT = "pdf without text"
TOO_LARGE = "too large"
"""Reasons of skips."""
_BROKEN = {"damaged": DAMAGED, "slow": SLOW, "too large": TOO_LARGE}

_PASSWORD, _SECURITY = 4, 5
"""pdfium's error codes."""
_LONGEST_TITLE, _LONGEST_LABEL = 1_000, 100
_MARK = re.compile(rb"%PDF-\d\.\d\s+%[\x80-\xff]{4}")
"""How a PDF begins behind junk, such as the head of an HTTP reply; a text may well speak of %PDF- alone."""


def is_pdf(head: bytes, name: str) -> bool:
    """Tell a PDF by its first 1024 bytes. Raises Unloadable for one that is a PDF by its name alone."""
    if name.lower().endswith(".pdf"):
        if b"%PDF-" not in head:
            raise Unloadable(DAMAGED, failed=True)
        return True
    return head.startswith(b"%PDF-") or _MARK.search(head) is not None


@dataclass(slots=True)
class Pdf:
    """A PDF that was opened; the lists fill while its `pieces` are taken."""

    title: str | None
    count: int
    """Pages."""
    attachments: int
    """Files within it, which are not read."""
    labels: list[str | None] = field(default_factory=list)
    without_text: list[int] = field(default_factory=list)
    """Numbers of pages."""
    unreadable: list[int] = field(default_factory=list)
    """Numbers of pages; they count as empty."""


class PdfReader:
    """Reads PDFs one after another. Raises InputError when it cannot start, SandboxError with less than `require`."""

    def __init__(
        self,
        passwords: Sequence[str] = (),
        program: Path = WORKER,
        patience: float = PATIENCE,
        require: Level | None = None,
    ) -> None:
        """`program` is what the child runs; tests give it one that lies."""
        self._passwords = list(passwords)
        self._require = require
        self._deadline = 0.0
        """Until when the PDF that was opened last must have been read."""
        self._program = program
        self._patience = patience
        self._child: ReaderProcess | None = None

    @property
    def child(self) -> int | None:
        """The child's process id, while there is one."""
        return self._child.pid if self._child is not None else None

    def start(self) -> Walls:
        """Start the child unless there is one; return what is in force around it."""
        if self._child is None:
            self._child = ReaderProcess(self._program, "PDFs", "pip install 'pypdfium2>=5,<6'", self._patience)
        try:
            self._child.require(self._require)
        except SandboxError:
            self.close()
            raise
        return self._child.walls

    def open(self, descriptor: int) -> Pdf:
        """Open the PDF in a file. Raises Unloadable; what it holds is read by `pieces`."""
        try:
            self.start()
            assert self._child is not None
            self._child.give(descriptor, self._passwords)
            self._deadline = time.monotonic() + _PATIENT_TIMES * self._patience
            head = self._hear()
        except Broken as broken:
            raise self._failed(broken) from None
        except BaseException:
            self.close()
            raise
        error = head.get("error")
        if type(error) is int:
            locked = {_PASSWORD: WRONG_PASSWORD if self._passwords else ENCRYPTED, _SECURITY: LOCKED}
            raise Unloadable(locked.get(error, DAMAGED), failed=True)
        count, title, attachments = head.get("pages"), head.get("title"), head.get("attachments")
        if type(count) is not int or type(attachments) is not int or type(title) is not str:
            raise self._failed(Broken("damaged"))
        if count < 1 or attachments < 0 or len(title) > _LONGEST_TITLE:
            raise self._failed(Broken("damaged"))
        if count > MOST_PAGES:
            raise self._failed(Broken("too large"))
        return Pdf(one_line(title) or None, count, attachments)

    def pieces(self, pdf: Pdf, limit: int = MOST_TEXT) -> Iterator[str]:
        """Yield the text of the PDF that was opened last: its pages, parted by lines that hold a form feed.

        Raises Unloadable, also when there are more than `limit` characters, or none but white space.
        """
        assert self._child is not None
        try:
            for number in range(1, pdf.count + 1):
                frame = self._hear()
                text, label = frame.get("text", 0), frame.get("label")
                if not (text is None or type(text) is str) or type(label) is not str or len(label) > _LONGEST_LABEL:
                    raise Broken("damaged")
                if text is None:
                    pdf.unreadable.append(number)
                lines = page_text(text or "")
                if text is not None and not lines.strip():
                    pdf.without_text.append(number)
                pdf.labels.append(one_line(label) or None)
                limit -= len(lines)
                if limit < 0:
                    raise Broken("too large")
                yield lines if number == pdf.count else lines + "\f\n"
        except Broken as broken:
            raise self._failed(broken) from None
        except BaseException:
            # What the child has still to say belongs to this PDF.
            self.close()
            raise
        if len(pdf.unreadable) == pdf.count:
            raise Unloadable(DAMAGED, failed=True)
        if len(pdf.unreadable) + len(pdf.without_text) == pdf.count:
            raise Unloadable(WITHOUT_TEXT)

    def close(self) -> None:
        """End the child, if there is one; the next PDF starts another."""
        if self._child is not None:
            self._child.kill()
            self._child = None

    def _hear(self) -> dict[str, Any]:
        assert self._child is not None
        return self._child.hear(min(self._patience, self._deadline - time.monotonic()))

    def _failed(self, broken: Broken) -> Unloadable:
        self.close()
        return Unloadable(_BROKEN[broken.why], failed=broken.why != "too large")
