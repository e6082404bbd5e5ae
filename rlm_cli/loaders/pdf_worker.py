"""The child that reads PDFs: a process within walls, since a PDF may turn its reader against it.

    python -I -B pdf_worker.py SOCKET PARENT

Its life, and the walls, are walled.py's. It gets one PDF after another, with the passwords to try, and says how many
pages there are, then each page's text and printed label. What it says is checked by pdf.py.
"""

import codecs
import contextlib
import functools
import importlib.util
import io
from collections.abc import Callable, Iterator
from typing import Any

import pypdfium2
from pypdfium2 import raw

_held: list[Any] = []
"""A first way for pdfium to call us: it needs memory that holds code, and there is no more of that within the walls."""
_SHORT = 1_000
"""Characters of a title; a label may have a tenth of that."""
_OWN_CONTENT = (raw.FPDF_ANNOT_WIDGET, raw.FPDF_ANNOT_FREETEXT)
"""Annotations that are part of what a reader sees on the page: filled-in form fields, typed-on text."""


def _read(file: Any, passwords: list[str]) -> Iterator[dict[str, Any]]:
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


def _walled() -> Any:
    """Load what all readers share, by its place."""
    spec = importlib.util.spec_from_file_location("walled", f"{__file__.rpartition('/')[0]}/walled.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


if __name__ == "__main__":
    codecs.lookup("utf-16-le")  # of pdfium's texts
    _held.append(pypdfium2.internal.get_bufreader(io.BytesIO()))
    _walled().serve(_read)
