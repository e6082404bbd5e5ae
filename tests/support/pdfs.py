"""Makes PDFs: pages of lines, with printed labels, a title, form fields and links, as small as they can be.

    (folder / "contract.pdf").write_bytes(pdf(["first page\nits second line", "second page"], labels="<</S/r>>"))

What is not Latin-1 is written in a font for Chinese, whose letters need no table. A "-" at the end of a line is a
hyphen of the kind that pdfium marks.
"""

import io
from collections.abc import Mapping, Sequence

import pypdf


def pdf(
    pages: Sequence[str | None],
    labels: str | None = None,
    title: str | None = None,
    fields: Mapping[int, str] = {},
    times: int = 1,
) -> bytes:
    """Return a PDF with these pages.

    `labels` is a number tree's content, such as `0 <</S/r>> 2 <</S/D>>`; `fields` puts a filled-in form field on a page
    (from 0); `times` lists all pages so often. A page that is None is listed and does not exist.
    """
    objects = ["", "", ""]  # the catalog, the page tree and the metadata come last
    western = _add(objects, "<</Type/Font/Subtype/Type1/BaseFont/Helvetica/Encoding/WinAnsiEncoding>>")
    letters = _add(
        objects,
        "<</Type/Font/Subtype/CIDFontType0/BaseFont/STSong-Light"
        "/CIDSystemInfo<</Registry(Adobe)/Ordering(GB1)/Supplement 4>>>>",
    )
    chinese = _add(
        objects,
        f"<</Type/Font/Subtype/Type0/BaseFont/STSong-Light/Encoding/UniGB-UCS2-H/DescendantFonts[{letters} 0 R]>>",
    )
    kids, forms = [], []
    fonts = f"/Resources<</Font<</W {western} 0 R/C {chinese} 0 R>>>>"
    for number, text in enumerate(pages):
        if text is None:
            kids.append("99999 0 R")
            continue
        content = _add(objects, _stream(_drawn(text)))
        annotations = ""
        if number in fields:
            look = f"<</Type/XObject/Subtype/Form/BBox[0 0 300 20]{fonts}"
            shown = _add(objects, _stream(_drawn(fields[number], "5 5"), look))
            box = "/Type/Annot/Subtype/Widget/FT/Tx/T(field)/Rect[72 100 372 120]/F 4"
            forms.append(_add(objects, f"<<{box}/V {_text(fields[number])}/AP<</N {shown} 0 R>>>>"))
            annotations = f"/Annots[{forms[-1]} 0 R]"
        page = f"<</Type/Page/Parent 2 0 R/MediaBox[0 0 612 792]{fonts}/Contents {content} 0 R{annotations}>>"
        kids.append(f"{_add(objects, page)} 0 R")
    kids *= times
    labelled = f"/PageLabels<</Nums[{labels}]>>" if labels else ""
    form = "/AcroForm<</Fields[" + " ".join(f"{each} 0 R" for each in forms) + "]>>" if forms else ""
    objects[0] = f"<</Type/Catalog/Pages 2 0 R{labelled}{form}>>"
    objects[1] = f"<</Type/Pages/Count {len(kids)}/Kids[{' '.join(kids)}]>>"
    objects[2] = f"<</Title {_text(title)}>>" if title else "<<>>"
    return _file(objects)


def encrypted(plain: bytes, user: str, owner: str) -> bytes:
    """Return the PDF locked; with an empty `user` password anybody may open it, if not print it."""
    writer = pypdf.PdfWriter(clone_from=io.BytesIO(plain))
    writer.encrypt(user, owner, algorithm="RC4-128")
    written = io.BytesIO()
    writer.write(written)
    return written.getvalue()


def with_attachment(plain: bytes, name: str, content: bytes) -> bytes:
    """Return the PDF with a file attached."""
    writer = pypdf.PdfWriter(clone_from=io.BytesIO(plain))
    writer.add_attachment(name, content)
    written = io.BytesIO()
    writer.write(written)
    return written.getvalue()


def _add(objects: list[str], body: str) -> int:
    objects.append(body)
    return len(objects)


def _drawn(text: str, at: str = "72 720") -> str:
    lines = " T* ".join(
        f"/{'W' if _is_western(line) else 'C'} 11 Tf {_text(line, bare=True)} Tj" for line in text.split("\n")
    )
    return f"BT {at} Td 13 TL {lines} ET"


def _is_western(text: str) -> bool:
    return all(ord(char) < 0x100 for char in text)


def _text(text: str, bare: bool = False) -> str:
    """Return a string in hex; `bare` without the mark that a title needs, but a page's text has not."""
    if _is_western(text) and bare:
        return f"<{text.encode('latin-1').hex()}>"
    return f"<{'' if bare else 'feff'}{text.encode('utf-16-be', 'surrogatepass').hex()}>"


def _stream(content: str, head: str = "<<") -> str:
    return f"{head}/Length {len(content)}>>\nstream\n{content}\nendstream"


def _file(objects: Sequence[str]) -> bytes:
    written, places = bytearray(b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n"), []
    for number, body in enumerate(objects, 1):
        places.append(len(written))
        written += f"{number} 0 obj\n{body}\nendobj\n".encode("ascii")
    table = "".join(f"{place:010} 00000 n \n" for place in places)
    trailer = f"trailer<</Size {len(places) + 1}/Root 1 0 R/Info 3 0 R>>\nstartxref\n{len(written)}\n%%EOF\n"
    return bytes(written) + f"xref\n0 {len(places) + 1}\n0000000000 65535 f \n{table}{trailer}".encode("ascii")
