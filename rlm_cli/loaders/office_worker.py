"""The child that reads office files: a process within walls, since such a file may turn its reader against it.

    python -I -B office_worker.py SOCKET PARENT

Its life, and the walls, are walled.py's. It gets one file after another, and says what there is to know of it, then
its text in pieces, by pages where it has any (slides, sheets). What it says is checked by office.py.

Covered: markitdown's converters of Word, PowerPoint (slide by slide), EPUB and Outlook files, and no other of its
converters. Not covered: what a file is (office_kinds.py), sheets (office_sheets.py), and what the converters leave
out: headers and footers of Word, SmartArt, mail that is kept as RTF alone.
"""

import codecs
import datetime
import encodings
import importlib.util
import io
import pkgutil
import sys
import types
import warnings
import zipfile
from collections.abc import Iterable, Iterator
from typing import Any

for _unused in ("numpy", "pandas"):
    # Nothing here needs them, and they start threads, which Landlock's rules would not hold.
    sys.modules[_unused] = None  # type: ignore[assignment]
# It guesses at kinds of files with a neural network, and we know the kind.
sys.modules["magika"] = types.ModuleType("magika")

import charset_normalizer
import mammoth
import olefile
import pptx
from markitdown import StreamInfo
from markitdown.converters import DocxConverter, EpubConverter, HtmlConverter, OutlookMsgConverter, PptxConverter
from openpyxl import Workbook

_PIECE = 1_000_000
"""Characters of a frame; a line that is longer than this is parted."""
_SHORT = 1_000
"""Characters of a title; a label may have a tenth of that."""
_DRAWN = "{http://schemas.openxmlformats.org/drawingml/2006/main}"
_PLAIN_BODY = ("__substg1.0_1000001F", "__substg1.0_1000001E")
_HTML_BODY = "__substg1.0_10130102"
"""Where a mail keeps its text."""


def _beside(name: str) -> Any:
    """Load a file that lies beside this one, by its place."""
    spec = importlib.util.spec_from_file_location(name, f"{__file__.rpartition('/')[0]}/{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


_kinds, _sheets = _beside("office_kinds"), _beside("office_sheets")

Frame = dict[str, Any]


def _read(file: Any, _asked: Any) -> Iterator[Frame]:
    try:
        yield from _frames(file)
    except _kinds.Refused as refused:
        yield {"error": refused.args[0]}
    except _sheets.Encrypted:
        yield {"error": "encrypted"}
    except MemoryError:
        yield {"error": "too large"}
    except Exception:  # noqa: BLE001 - parsers of hostile files raise whatever they come upon
        yield {"error": "damaged"}


def _frames(file: Any) -> Iterator[Frame]:
    kind, about = _kinds.kind_of(file)
    file.seek(0)
    match kind:
        case "docx":
            # Comments are part of what a document says; without this mammoth leaves them out.
            result = _converted(DocxConverter(), file, ".docx", style_map="comment-reference => sup")
            yield about
            yield from _pages([result.markdown])
        case "epub":
            result = _converted(EpubConverter(), file, ".epub")
            yield about | {"title": (result.title or "")[:_SHORT]}
            yield from _pages([result.markdown])
        case "msg":
            result, body = _mail(file)
            yield about | {"title": (result.title or "")[:_SHORT]}
            yield from _pages([f"{result.markdown}{body}"])
        case "pptx":
            slides = _presentation_of(file).slides
            yield about | {"unit": "slide", "pages": len(slides)}
            yield from _pages(_slide(slides, number) for number in range(len(slides)))
        case "xlsx" | "xls":
            count, sheets = (_sheets.sheets_of if kind == "xlsx" else _sheets.older_sheets_of)(file)
            yield about | {"unit": "sheet", "pages": count}
            for name, lines in sheets:
                yield from _page(lines, name)


def _pages(texts: Iterable[str | None]) -> Iterator[Frame]:
    for text in texts:
        if text is None:
            yield {"text": None, "label": "", "more": False}
        else:
            yield from _page(text.splitlines(keepends=True), "")


def _page(lines: Iterable[str], label: str) -> Iterator[Frame]:
    """Yield a page as pieces that end with a line, the last of them with `more` false."""
    held: list[str] = []
    size, label = 0, label[: _SHORT // 10]
    for line in lines:
        for start in range(0, len(line), _PIECE):
            part = line[start : start + _PIECE]
            if size + len(part) > _PIECE:
                yield {"text": "".join(held), "label": label, "more": True}
                held, size = [], 0
            held.append(part)
            size += len(part)
    yield {"text": "".join(held), "label": label, "more": False}


# --- text and slides ----------------------------------------------------------------------------------------------


def _converted(converter: Any, file: Any, extension: str, **options: Any) -> Any:
    """Return what a converter makes of a file, with names such as `max_size` as they stand there, not `max\\_size`."""
    plain = {"escape_asterisks": False, "escape_underscores": False}
    return converter.convert(file, StreamInfo(extension=extension), **plain, **options)


class _SlideConverter(PptxConverter):  # type: ignore[misc]
    """Looks into no picture: their names and descriptions are all that is shown of them."""

    def _get_image_info(self, shape: Any) -> tuple[None, None, None]:
        return None, None, None


_presentation_of = pptx.Presentation


def _one_slide(slide: Any) -> types.SimpleNamespace:
    return types.SimpleNamespace(slides=[slide])


def _slide(slides: Any, number: int) -> str | None:
    """Return a slide's text; None for one that cannot be read. The converter takes it for a presentation."""
    try:
        slide = slides[number]
        _ = slide.shapes  # that it has any, is what makes it a slide
        try:
            text: str = _converted(_SlideConverter(), slide, ".pptx").markdown
        except (NotImplementedError, ValueError, AttributeError, KeyError):
            # A shape of a kind that it does not know; the text is there nonetheless.
            return _paragraphs(slide)
    except MemoryError:
        raise
    except Exception:  # noqa: BLE001 - as above; the other slides may be whole
        return None
    return text.partition("\n")[2]  # without its number, which would always be the first


def _paragraphs(slide: Any) -> str:
    shown = [slide.element, *([slide.notes_slide.element] if slide.has_notes_slide else [])]
    found = [paragraph for each in shown for paragraph in each.iter(f"{_DRAWN}p")]
    return "\n".join("".join(text.text or "" for text in paragraph.iter(f"{_DRAWN}t")) for paragraph in found)


def _mail(file: Any) -> tuple[Any, str]:
    """Return what markitdown makes of a mail, and the body that it misses: one in HTML alone."""
    result, body = _converted(OutlookMsgConverter(), file, ".msg"), ""
    file.seek(0)
    with olefile.OleFileIO(file) as compound:
        if not any(map(compound.exists, _PLAIN_BODY)) and compound.exists(_HTML_BODY):
            content = io.BytesIO(compound.openstream(_HTML_BODY).read())
            body = f"\n\n{_converted(HtmlConverter(), content, '.html').markdown}"
    return result, body


# --- before the walls ---------------------------------------------------------------------------------------------

_WORD = {
    "_rels/.rels": '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"/>',
    "[Content_Types].xml": '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"/>',
    "word/document.xml": '<w:document xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"><w:body>'
    "<w:p><w:r><w:t>x</w:t></w:r></w:p></w:body></w:document>",
}
_BOOK = {
    "META-INF/container.xml": '<container><rootfiles><rootfile full-path="a.opf"/></rootfiles></container>',
    "a.opf": '<package><manifest><item id="a" href="a.html"/></manifest><spine><itemref idref="a"/></spine></package>',
    "a.html": "<h1>x</h1>",
}


def _warm_up() -> None:
    """Load what is loaded on first use, by reading one small file of each kind."""
    for codec in pkgutil.iter_modules(encodings.__path__):
        if codec.name not in ("aliases", "mbcs", "oem"):
            codecs.lookup(codec.name)
    charset_normalizer.from_bytes("Grüße aus Köln".encode("cp1252")).best()
    slides, sheets = io.BytesIO(), io.BytesIO()
    presentation = _presentation_of()
    presentation.slides.add_slide(presentation.slide_layouts[0])
    presentation.save(slides)
    book = Workbook()
    book.active["A1"] = datetime.datetime(2020, 1, 2)
    book.save(sheets)
    for sample in (slides, sheets, _archive(_WORD), _archive(_BOOK)):
        sample.seek(0)
        for frame in _frames(sample):
            if frame.get("text", "") is None:
                raise ValueError("a sample could not be read")


def _archive(parts: dict[str, str]) -> io.BytesIO:
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w") as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return written


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    pptx.Presentation = _one_slide
    # Else pictures would be written out as text, for the next step to throw away.
    mammoth.images.data_uri = mammoth.images.img_element(lambda _image: {"src": ""})
    _warm_up()
    _beside("walled").serve(_read)
