"""The child that reads PDFs: a process within walls, since a PDF may turn its reader against it.

    python -I -B pdf_worker.py SOCKET PARENT

It imports nothing of this package but confinement.py, by its place. It says which walls stand, gets one PDF after
another as a descriptor, with the passwords to try, and says how many pages there are, then each page's text and printed
label. What it says is checked by pdf.py.

Covered, once pdfium is loaded and before a PDF is seen: no environment, folder or descriptor of the parent's, and the
walls of confinement.py. Not covered: PDFs of one run, and the passwords, are seen by the same process: one can falsify
the text of those that follow.
"""

import codecs
import contextlib
import functools
import importlib.util
import io
import json
import os
import resource
import socket
import struct
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pypdfium2
from pypdfium2 import raw

_LENGTH = struct.Struct(">I")
_CPU_SECONDS = 600
"""For one PDF."""
LIMITS = {resource.RLIMIT_AS: 4 << 30, resource.RLIMIT_FSIZE: 0, resource.RLIMIT_NPROC: 0, resource.RLIMIT_CORE: 0}
CALLS = ("getrusage", "lseek", "prlimit64", "recvmsg")
"""System calls for taking a PDF, reading in it, and limiting our own time."""
_held: list[Any] = []
"""A first way for pdfium to call us: it needs memory that holds code, and there is no more of that within the walls."""
_PIECE = 1 << 16
"""Bytes that are read at once."""
_SHORT = 1_000
"""Characters of a title; a label may have a tenth of that."""
_OWN_CONTENT = (raw.FPDF_ANNOT_WIDGET, raw.FPDF_ANNOT_FREETEXT)
"""Annotations that are part of what a reader sees on the page: filled-in form fields, typed-on text."""


def _serve(channel: socket.socket, walls: Any) -> None:
    _send(channel, {"ready": walls.standing, "missing": walls.missing})
    while True:
        head, descriptors, _, _ = socket.recv_fds(channel, _LENGTH.size, 1)
        if not head:
            return
        passwords = json.loads(_take(channel, *_LENGTH.unpack(head)))
        with io.BufferedReader(_File(descriptors[0]), _PIECE) as file:
            for frame in _read(file, passwords):
                _send(channel, frame)


class _File(io.RawIOBase):
    """A file that may only be read: Python's own asks for its status, which is not among our calls."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET, /) -> int:
        return os.lseek(self._descriptor, offset, whence)

    def readinto(self, buffer: Any, /) -> int:
        piece = os.read(self._descriptor, len(buffer))
        buffer[: len(piece)] = piece
        return len(piece)

    def close(self) -> None:
        if not self.closed:
            os.close(self._descriptor)
        super().close()


def _read(file: Any, passwords: list[str]) -> Iterator[dict[str, Any]]:
    _allow(_CPU_SECONDS)
    access, _held = pypdfium2.internal.get_bufreader(file)  # what is held must live as long as the PDF
    handle, error = _opened(access, passwords)
    if not handle:
        yield {"error": error}
        return
    with pypdfium2.PdfDocument(handle) as pdf:
        if len(pdf) < 1:
            yield {"error": raw.FPDF_ERR_FORMAT}
            return
        pdf.init_forms()
        title = _name(lambda: pdf.get_metadata_value("Title"))[:_SHORT]
        yield {"pages": len(pdf), "title": title, "attachments": pdf.count_attachments()}
        for index in range(len(pdf)):
            # The label before the page: flattening changes the document.
            label = _name(functools.partial(pdf.get_page_label, index))
            yield {"text": _page(pdf, index), "label": label if len(label) <= _SHORT // 10 else ""}


def _name(read: Callable[[], str]) -> str:
    """Return a title or a label; one that is no text counts as none."""
    try:
        return read()
    except UnicodeDecodeError:
        return ""


def _opened(access: Any, passwords: list[str]) -> tuple[Any, int]:
    """Return pdfium's handle of the PDF, opened by the first password that fits, most need none; else its error."""
    error = 0
    for password in [None, *(each.encode() for each in passwords)]:
        handle = raw.FPDF_LoadCustomDocument(access, password)
        if handle:
            return handle, 0
        error = raw.FPDF_GetLastError()
        if error != raw.FPDF_ERR_PASSWORD:
            break
    return None, error


def _page(pdf: pypdfium2.PdfDocument, index: int) -> str | None:
    """Return a page's text; None where the page cannot be read."""
    try:
        page = pdf[index]
        if _has_own_content(page):
            raw.FPDFPage_Flatten(page, raw.FLAT_NORMALDISPLAY)
            page.close()
            page = pdf[index]
        with contextlib.closing(page):
            text: str = page.get_textpage().get_text_range()
            return text
    except pypdfium2.PdfiumError:
        return None


def _has_own_content(page: pypdfium2.PdfPage) -> bool:
    for number in range(raw.FPDFPage_GetAnnotCount(page)):
        annotation = raw.FPDFPage_GetAnnot(page, number)
        kind = raw.FPDFAnnot_GetSubtype(annotation)
        raw.FPDFPage_CloseAnnot(annotation)
        if kind in _OWN_CONTENT:
            return True
    return False


def _send(channel: socket.socket, frame: dict[str, Any]) -> None:
    body = json.dumps(frame).encode()
    channel.sendall(_LENGTH.pack(len(body)) + body)


def _take(channel: socket.socket, size: int) -> bytes:
    received = bytearray()
    while len(received) < size:
        piece = channel.recv(size - len(received))
        if not piece:
            raise EOFError
        received += piece
    return bytes(received)


def _allow(seconds: int) -> None:
    """Let this process compute for so long from now on."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    most, hard = int(used.ru_utime + used.ru_stime) + seconds, resource.getrlimit(resource.RLIMIT_CPU)[1]
    with contextlib.suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_CPU, (most if hard == resource.RLIM_INFINITY else min(most, hard), hard))


def _confined(parent: int) -> Any:
    """Put up the walls; return which stand and which do not, as confinement.Walls.

    Nobody may be unable to read where Python lies, so that whatever is loaded on first use is loaded here.
    """
    codecs.lookup("utf-16-le")  # of pdfium's texts
    _held.append(pypdfium2.internal.get_bufreader(io.BytesIO()))
    place = f"{__file__.rpartition('/')[0]}/../confinement.py"
    spec = importlib.util.spec_from_file_location("confinement", place)
    assert spec is not None
    assert spec.loader is not None
    confinement = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(confinement)
    return confinement.confine(LIMITS, parent, CALLS)


if __name__ == "__main__":
    socket_number, parent = map(int, sys.argv[1:])
    _serve(socket.socket(fileno=socket_number), _confined(parent))
