"""Makes office files: as small as their readers bear, without any library that reads or writes them.

    (folder / "deck.pptx").write_bytes(pptx(["first slide", "second slide"]))

Each is a zip of parts; `more` adds parts, or puts others in their place.
"""

import io
import struct
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape

_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006"
_RELATIONS = "http://schemas.openxmlformats.org/package/2006/relationships"
_TYPES = "application/vnd.openxmlformats-officedocument"
_WORD = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
_SHEETS = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_SLIDES = "http://schemas.openxmlformats.org/presentationml/2006/main"
_DRAWING = "http://schemas.openxmlformats.org/drawingml/2006/main"
_SECTOR, _SHORT = 512, 4096
_TABLE, _END = -3, -2
"""Of a compound file: bytes of a sector, and of what is no short stream; marks in its table."""

Parts = Mapping[str, str | bytes]
NOTHING: Mapping[str, str] = {}


def archive(parts: Parts) -> bytes:
    """Return a zip of these parts, the same on every run."""
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w") as file:
        for name, content in parts.items():
            how = zipfile.ZIP_STORED if name == "mimetype" else zipfile.ZIP_DEFLATED
            file.writestr(zipfile.ZipInfo(name, (2020, 1, 1, 0, 0, 0)), content, how)
    return written.getvalue()


def docx(body: str, title: str = "", images: int = 0, more: Parts = NOTHING) -> bytes:
    """Return a Word document; a body that begins with `<` is its XML, and any other the text of its paragraphs."""
    if not body.startswith("<"):
        body = "".join(f"<w:p><w:r><w:t>{escape(line)}</w:t></w:r></w:p>" for line in body.split("\n"))
    pictures = [(f"rId{number}", "image", f"media/image{number}.png") for number in range(images)]
    document = f'<w:document xmlns:w="{_WORD}"><w:body>{body}</w:body></w:document>'
    return archive(
        {
            **_frame("word/document.xml", f"{_TYPES}.wordprocessingml.document.main+xml", title),
            "word/document.xml": document,
            "word/_rels/document.xml.rels": _related(pictures),
            **{f"word/{target}": b"\x89PNG" for _, _, target in pictures},
            **more,
        }
    )


def pptx(slides: Sequence[str], title: str = "", more: Parts = NOTHING) -> bytes:
    """Return a presentation; each slide shows one text."""
    numbers = range(1, len(slides) + 1)
    listed = "".join(f'<p:sldId id="{255 + number}" r:id="rId{number}"/>' for number in numbers)
    names = f'xmlns:a="{_DRAWING}" xmlns:p="{_SLIDES}" xmlns:r="{_OFFICE}/relationships"'
    types = {f"ppt/slides/slide{number}.xml": f"{_TYPES}.presentationml.slide+xml" for number in numbers}
    return archive(
        {
            **_frame("ppt/presentation.xml", f"{_TYPES}.presentationml.presentation.main+xml", title, types),
            "ppt/presentation.xml": f"<p:presentation {names}><p:sldIdLst>{listed}</p:sldIdLst></p:presentation>",
            "ppt/_rels/presentation.xml.rels": _related(
                [(f"rId{number}", "slide", f"slides/slide{number}.xml") for number in numbers]
            ),
            **{f"ppt/slides/slide{number}.xml": _slide(names, slides[number - 1]) for number in numbers},
            **more,
        }
    )


def xlsx(sheets: Mapping[str, str], title: str = "", strings: str = "", more: Parts = NOTHING) -> bytes:
    """Return a workbook: name -> rows in XML, such as `<row r="1"><c r="A1"><v>5</v></c></row>`; style 1 is a date."""
    numbers = range(1, len(sheets) + 1)
    listed = "".join(
        f'<sheet name="{escape(name)}" sheetId="{number}" r:id="rId{number}"/>' for number, name in enumerate(sheets, 1)
    )
    types = {f"xl/worksheets/sheet{number}.xml": f"{_TYPES}.spreadsheetml.worksheet+xml" for number in numbers}
    types |= {"xl/styles.xml": f"{_TYPES}.spreadsheetml.styles+xml"}
    types |= {"xl/sharedStrings.xml": f"{_TYPES}.spreadsheetml.sharedStrings+xml"}
    return archive(
        {
            **_frame("xl/workbook.xml", f"{_TYPES}.spreadsheetml.sheet.main+xml", title, types),
            "xl/workbook.xml": f'<workbook xmlns="{_SHEETS}" xmlns:r="{_OFFICE}/relationships">'
            f"<sheets>{listed}</sheets></workbook>",
            "xl/_rels/workbook.xml.rels": _related(
                [(f"rId{number}", "worksheet", f"worksheets/sheet{number}.xml") for number in numbers]
            ),
            "xl/styles.xml": f'<styleSheet xmlns="{_SHEETS}"><cellXfs count="2"><xf numFmtId="0"/><xf numFmtId="14"/>'
            "</cellXfs></styleSheet>",
            "xl/sharedStrings.xml": f'<sst xmlns="{_SHEETS}">{strings}</sst>',
            **{f"xl/worksheets/sheet{number}.xml": _sheet(rows) for number, rows in enumerate(sheets.values(), 1)},
            **more,
        }
    )


def rows(*rows: Sequence[str | float]) -> str:
    """Return rows in XML for `xlsx`."""
    return "".join(f"<row>{''.join(map(_cell, row))}</row>" for row in rows)


def epub(chapters: Sequence[str], title: str = "", more: Parts = NOTHING) -> bytes:
    """Return an EPUB of chapters in HTML."""
    numbers = range(len(chapters))
    items = "".join(f'<item id="c{number}" href="c{number}.xhtml"/>' for number in numbers)
    spine = "".join(f'<itemref idref="c{number}"/>' for number in numbers)
    return archive(
        {
            "mimetype": "application/epub+zip",
            "META-INF/container.xml": '<container><rootfiles><rootfile full-path="book.opf"/></rootfiles></container>',
            "book.opf": '<package xmlns:dc="http://purl.org/dc/elements/1.1/"><metadata>'
            f"<dc:title>{escape(title)}</dc:title></metadata>"
            f"<manifest>{items}</manifest><spine>{spine}</spine></package>",
            **{f"c{number}.xhtml": f"<html><body>{chapters[number]}</body></html>" for number in numbers},
            **more,
        }
    )


def xls(sheets: Mapping[str, Sequence[Sequence[str | float]]], encrypted: bool = False) -> bytes:
    """Return a workbook of the older kind (BIFF8) in its compound file."""

    def sheet(rows: Sequence[Sequence[str | float]]) -> bytes:
        cells = b""
        for row, values in enumerate(rows):
            for column, value in enumerate(values):
                place = struct.pack("<3H", row, column, 0)
                if isinstance(value, str):
                    text = struct.pack("<HB", len(value), 1) + value.encode("utf-16-le")
                    cells += _record(0x204, place + text)
                else:
                    cells += _record(0x203, place + struct.pack("<d", value))
        return _record(0x809, struct.pack("<4H8x", 0x600, 0x10, 0, 0)) + cells + _record(0x0A)

    bodies = [sheet(rows) for rows in sheets.values()]
    head = _record(0x809, struct.pack("<4H8x", 0x600, 0x05, 0, 0))
    if encrypted:
        head += _record(0x2F, struct.pack("<3H48x", 1, 1, 1))
    names = [struct.pack("<HBB", 0, len(name), 1) + name.encode("utf-16-le") for name in sheets]
    place = len(head) + sum(8 + len(name) for name in names) + len(_record(0x0A))
    for name, body in zip(names, bodies, strict=True):
        head += _record(0x85, struct.pack("<I", place) + name)
        place += len(body)
    return compound({"Workbook": head + _record(0x0A) + b"".join(bodies)})


def msg(subject: str, body: str | None, html: str | None = None, attachments: int = 0) -> bytes:
    """Return a mail as Outlook keeps it."""
    streams = {"__properties_version1.0": b"\0" * 32, "__substg1.0_0037001F": subject.encode("utf-16-le")}
    if body is not None:
        streams["__substg1.0_1000001F"] = body.encode("utf-16-le")
    if html is not None:
        streams["__substg1.0_10130102"] = html.encode()
    for number in range(attachments):
        streams[f"__attach_version1.0_#{number:08X}/__substg1.0_37010102"] = b"content"
    return compound(streams)


def compound(streams: Mapping[str, bytes]) -> bytes:
    """Return a file of Microsoft's older kind with these streams; `storage/stream` puts one into a storage.

    One sector has to do for each of its two tables: 60 KB, and 8 KB of streams below 4096 bytes.
    """
    root = _Entry("Root Entry", 5)
    entries, storages = [root], {"": root}

    def enter(entry: _Entry, storage: _Entry) -> _Entry:
        # Those of one storage hang together by their right sides.
        entry.right, storage.first = storage.first, len(entries)
        entries.append(entry)
        return entry

    for path, content in streams.items():
        storage, _, name = path.rpartition("/")
        if storage not in storages:
            storages[storage] = enter(_Entry(storage, 1), root)
        enter(_Entry(name, 2, content), storages[storage])

    short_table: list[int] = []
    for entry in entries:
        if 0 < len(entry.content) < _SHORT:
            entry.start = len(short_table)
            root.content += _padded(entry.content, 64)
            short_table += _chain(entry.start, len(root.content) // 64 - entry.start)
    folder_sectors = -(-len(entries) // 4)
    table = [_TABLE, _END, *_chain(2, folder_sectors)]
    contents = b""
    for entry in entries:
        if entry is root or len(entry.content) >= _SHORT:
            entry.start = len(table)
            contents += _padded(entry.content, _SECTOR)
            table += _chain(entry.start, -(-len(entry.content) // _SECTOR))
    assert max(len(table), len(short_table)) <= 128
    head = struct.pack(
        "<8s16x5H6x9I109i",
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
        *(0x3E, 3, 0xFFFE, 9, 6),
        *(0, 1, 2, 0, _SHORT, 1, 1, 0xFFFFFFFE, 0),
        *(0, *[-1] * 108),
    )
    tables = b"".join(struct.pack("<128i", *each, *[-1] * (128 - len(each))) for each in (table, short_table))
    return head + tables + _padded(b"".join(map(_Entry.packed, entries)), _SECTOR) + contents


@dataclass
class _Entry:
    name: str
    kind: int
    content: bytes = b""
    first: int = -1
    """What lies in it begins with this entry."""
    right: int = -1
    start: int = -2

    def packed(self) -> bytes:
        label = self.name.encode("utf-16-le") + b"\0\0"
        tree = struct.pack("<64sHBB3i36x", label, len(label), self.kind, 1, -1, self.right, self.first)
        return tree + struct.pack("<iQ", self.start, len(self.content))


def _padded(content: bytes, size: int) -> bytes:
    return content.ljust(-(-len(content) // size) * size, b"\0")


def _chain(start: int, sectors: int) -> list[int]:
    return [*range(start + 1, start + sectors), _END] if sectors else []


def _record(kind: int, content: bytes = b"") -> bytes:
    return struct.pack("<HH", kind, len(content)) + content


def _frame(main: str, kind: str, title: str, types: Mapping[str, str] = NOTHING) -> dict[str, str]:
    overrides = "".join(
        f'<Override PartName="/{name}" ContentType="{each}"/>' for name, each in {main: kind, **types}.items()
    )
    core_type = "application/vnd.openxmlformats-package.core-properties+xml"
    if title:
        overrides += f'<Override PartName="/docProps/core.xml" ContentType="{core_type}"/>'
    core = (
        '<cp:coreProperties xmlns:cp="http://schemas.openxmlformats.org/package/2006/metadata/core-properties" '
        f'xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:title>{escape(title)}</dc:title></cp:coreProperties>'
    )
    return {
        "[Content_Types].xml": '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
        '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        '<Default Extension="xml" ContentType="application/xml"/><Default Extension="png" ContentType="image/png"/>'
        f"{overrides}</Types>",
        "_rels/.rels": _related([("rId1", "officeDocument", main)]),
        **({"docProps/core.xml": core} if title else {}),
    }


def _related(relations: Sequence[tuple[str, str, str]]) -> str:
    listed = "".join(
        f'<Relationship Id="{name}" Type="{_OFFICE}/relationships/{kind}" Target="{target}"/>'
        for name, kind, target in relations
    )
    return f'<Relationships xmlns="{_RELATIONS}">{listed}</Relationships>'


def _slide(names: str, text: str) -> str:
    lines = "".join(f"<a:p><a:r><a:t>{escape(line)}</a:t></a:r></a:p>" for line in text.split("\n"))
    return (
        f'<p:sld {names}><p:cSld><p:spTree><p:nvGrpSpPr><p:cNvPr id="1" name=""/><p:cNvGrpSpPr/><p:nvPr/></p:nvGrpSpPr>'
        '<p:grpSpPr/><p:sp><p:nvSpPr><p:cNvPr id="2" name="Text"/><p:cNvSpPr txBox="1"/><p:nvPr/></p:nvSpPr><p:spPr/>'
        f"<p:txBody><a:bodyPr/>{lines}</p:txBody></p:sp></p:spTree></p:cSld></p:sld>"
    )


def _sheet(rows: str) -> str:
    return f'<worksheet xmlns="{_SHEETS}"><sheetData>{rows}</sheetData></worksheet>'


def _cell(value: str | float) -> str:
    if isinstance(value, str):
        return f'<c t="inlineStr"><is><t>{escape(value)}</t></is></c>' if value else "<c/>"
    return f"<c><v>{value!r}</v></c>"
