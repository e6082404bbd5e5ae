"""PDFs -> text by pages, read in a process of its own: pdfium is C++ on hostile bytes, and this process holds the keys.

Covered: the child's life (one for all PDFs, replaced when it crashes or hangs), the checks on what it says, why a PDF
is not read; while the child lives, no process of our own user can look into this one. Not covered: pdfium and the
walls around it (pdf_worker.py, the child), what a page's text becomes (page_text.py).
"""

import contextlib
import json
import os
import re
import signal
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeGuard

from rlm_cli.confinement import Level, Walls, hidden
from rlm_cli.context_writer import MOST_PAGES
from rlm_cli.errors import InputError, SandboxError
from rlm_cli.json_structure import structure
from rlm_cli.loaders.page_text import one_line, page_text
from rlm_cli.loaders.tree import Unloadable
from rlm_cli.strength import refuse_less

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

_PASSWORD, _SECURITY = 4, 5
"""pdfium's error codes."""
_LENGTH = struct.Struct(">I")
_FRAME_LIMIT = 16 << 20
"""Bytes of what the child says of one page."""
_PARTS = 1_000
"""Bytes of it that are no text."""
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
        self._child: _Child | None = None

    @property
    def child(self) -> int | None:
        """The child's process id, while there is one."""
        return self._child.pid if self._child is not None else None

    def start(self) -> Walls:
        """Start the child unless there is one; return what is in force around it."""
        if self._child is None:
            self._child = _Child(self._program, self._patience)
        if self._require is not None:
            try:
                refuse_less(self._require, "the reader of PDFs", *self._child.walls)
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
        except _Broken as broken:
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
            raise self._failed(_Broken(DAMAGED))
        if count < 1 or attachments < 0 or len(title) > _LONGEST_TITLE:
            raise self._failed(_Broken(DAMAGED))
        if count > MOST_PAGES:
            raise self._failed(_Broken(TOO_LARGE))
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
                    raise _Broken(DAMAGED)
                if text is None:
                    pdf.unreadable.append(number)
                lines = page_text(text or "")
                if text is not None and not lines.strip():
                    pdf.without_text.append(number)
                pdf.labels.append(one_line(label) or None)
                limit -= len(lines)
                if limit < 0:
                    raise _Broken(TOO_LARGE)
                yield lines if number == pdf.count else lines + "\f\n"
        except _Broken as broken:
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

    def _failed(self, broken: "_Broken") -> Unloadable:
        self.close()
        return Unloadable(broken.reason, failed=broken.reason != TOO_LARGE)


def _are_texts(value: Any) -> TypeGuard[list[str]]:
    return type(value) is list and all(type(each) is str for each in value)


class _Broken(Exception):
    """The child is of no further use; `reason` is that of the skip."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class _Child:
    """One process and the socket to it. It inherits nothing: no environment, no descriptor, no folder.

    Linux kills it when the THREAD that started it ends.
    """

    def __init__(self, program: Path, patience: float) -> None:
        self._closing = contextlib.ExitStack()
        self._socket, theirs = socket.socketpair()
        try:
            self._closing.enter_context(hidden())
            self._process = subprocess.Popen(
                [sys.executable, "-I", "-B", str(program), str(theirs.fileno()), str(os.getpid())],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                cwd="/",
                env={},
                pass_fds=(theirs.fileno(),),
                start_new_session=True,
            )
        except BaseException as error:
            self._socket.close()
            self._closing.close()
            if isinstance(error, OSError):
                raise InputError(f"PDFs cannot be read: no process can be started for it: {error.strerror}") from error
            raise
        finally:
            theirs.close()
        try:
            said = self.hear(patience)
            ready, missing = said.get("ready"), said.get("missing")
        except _Broken:
            ready = missing = None
        except BaseException:
            self.kill()
            raise
        if not _are_texts(ready) or not _are_texts(missing):
            self.kill()
            raise InputError("PDFs cannot be read: their reader does not start", "pip install 'pypdfium2>=5,<6'")
        self.walls = Walls(tuple(ready), tuple(missing))
        """What it said before it saw any PDF."""

    @property
    def pid(self) -> int:
        return self._process.pid

    def give(self, descriptor: int, passwords: Sequence[str]) -> None:
        """Hand over a PDF and the passwords to try."""
        body = json.dumps(passwords).encode()
        try:
            socket.send_fds(self._socket, [_LENGTH.pack(len(body))], [descriptor])
            self._socket.sendall(body)
        except OSError:
            raise _Broken(DAMAGED) from None

    def hear(self, patience: float) -> dict[str, Any]:
        """Return what the child says next. Raises _Broken."""
        deadline = time.monotonic() + patience
        (length,) = _LENGTH.unpack(self._take(_LENGTH.size, deadline))
        if length > _FRAME_LIMIT:
            raise _Broken(TOO_LARGE)
        body = self._take(length, deadline)
        if structure(body, _PARTS) > _PARTS:
            raise _Broken(DAMAGED)
        try:
            frame = json.loads(body)
        except (ValueError, RecursionError):
            raise _Broken(DAMAGED) from None
        if type(frame) is not dict:
            raise _Broken(DAMAGED)
        return frame

    def kill(self) -> int:
        """End it, with whatever it may have started, and reap it; returns how it ended."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._socket.close()
        status = self._process.wait()
        self._closing.close()
        return status

    def _take(self, size: int, deadline: float) -> bytes:
        received = bytearray()
        while len(received) < size:
            left = deadline - time.monotonic()
            if left <= 0:
                raise _Broken(SLOW)
            self._socket.settimeout(left)
            try:
                piece = self._socket.recv(min(size - len(received), 1 << 20))
            except TimeoutError:
                continue
            except OSError:
                piece = b""
            if not piece:
                raise _Broken(SLOW if self._ended() == -signal.SIGXCPU else DAMAGED)
            received += piece
        return bytes(received)

    def _ended(self) -> int | None:
        with contextlib.suppress(subprocess.TimeoutExpired):
            return self._process.wait(1.0)
        return None
