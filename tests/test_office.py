"""Office files become Markdown: what is told as one, what is read of it, its slides and sheets as pages.

The files are made by hand (support/office.py). What the child may do wrong is tried in test_office_child.py.
"""

import importlib.util
import io
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator

import pytest
from support.office import archive, compound, docx, epub, msg, pptx, rows, xls, xlsx

from rlm_cli.loaders.office import (
    DAMAGED,
    ENCRYPTED,
    LIBRARIES,
    NEEDS_EXTRA,
    TOO_LARGE,
    WITHOUT_TEXT,
    Office,
    OfficeReader,
    is_office,
)
from rlm_cli.loaders.tree import Unloadable

INSTALLED = all(importlib.util.find_spec(each) for each in LIBRARIES)
needs_extra = pytest.mark.skipif(not INSTALLED, reason="rlm-cli[office] is not installed")

WORD = docx("Article 1\nThe tenant pays max_size.", title="Lease", images=2)
DECK = pptx(["first\n<!-- Slide number: 2 -->", "second", "third"], title="Deck")
BOOK = xlsx({"Q1": rows(["Name", "Amount"], ["Acme", 5.0])}, title="Accounts")
OLD_BOOK = xls({"Eins": [["Größe", 1.5]], "Zwei": [["x"]]})
NOVEL = epub(["<h1>One</h1><p>It was <b>night</b>.</p>", "<h1>Two</h1>"], title="Nights")
MAIL = msg("Offer", "Dear Anna,\nyes.", attachments=2)
LOCKED = compound({"EncryptedPackage": b"x" * 5000})


@pytest.fixture(scope="module")
def reader() -> Iterator[OfficeReader]:
    one = OfficeReader(patience=60)
    yield one
    one.close()


def read(reader: OfficeReader, content: bytes, limit: int = 10_000_000) -> tuple[Office, str]:
    with tempfile.TemporaryFile() as file:
        file.write(content)
        file.flush()
        office = reader.open(file.fileno())
        return office, "".join(reader.pieces(office, limit))


def reason(reader: OfficeReader, content: bytes, limit: int = 10_000_000) -> tuple[str, bool]:
    with pytest.raises(Unloadable) as unloadable:
        read(reader, content, limit)
    return unloadable.value.reason, unloadable.value.failed


# --- what is an office file ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "path", "told"),
    [
        (WORD, "a.docx", True),
        (WORD, "some.dir/A.DOCX", True),
        (DECK, "a.pptx", True),
        (BOOK, "a.xlsx", True),
        (BOOK, "a.xls", True),
        (NOVEL, "a.epub", True),
        (OLD_BOOK, "a.xls", True),
        (MAIL, "a.msg", True),
        (LOCKED, "a.docx", True),
        (WORD, "stdin", True),
        (NOVEL, "stdin", True),
        (archive({"a.txt": "word/ ppt/"}), "stdin", False),
        (archive({"[Content_Types].xml": "", "lib/a.dll": ""}), "package.nupkg", False),
        (WORD, "a.zip", False),
        (OLD_BOOK, "stdin", False),
        (b"Name\tAmount\n", "a.xls", False),
        (b"float64 x\nfloat64 y\n", "Point.msg", False),
        (b"<html><p>x</p></html>", "a.docx", False),
        (b"<!DOCTYPE html><p>x</p>", "a.html", False),
        (b"<!DOCTYPE html><p>x</p>", "stdin", False),
        (b"%PDF-1.7", "a.docx", False),
        (b"", "a.docx", False),
    ],
)
def test_an_office_file_is_told_by_its_bytes_and_its_name(content: bytes, path: str, told: bool) -> None:
    assert is_office(content[:8192], path) is told


# --- without the extra --------------------------------------------------------------------------------------------


def test_without_the_extra_the_reason_names_it_and_no_child_is_started() -> None:
    reader = OfficeReader(libraries=("no_such_module_anywhere",))
    assert reason(reader, WORD) == (NEEDS_EXTRA, True)
    assert reader.child is None


@pytest.mark.skipif(INSTALLED, reason="rlm-cli[office] is installed")
def test_where_nothing_is_installed_every_office_file_is_skipped_by_that_reason() -> None:
    assert reason(OfficeReader(), WORD) == (NEEDS_EXTRA, True)


def test_this_process_imports_none_of_the_parsers() -> None:
    uses = f"""
import sys, tempfile
from rlm_cli.loaders.office import OfficeReader, is_office
from rlm_cli.loaders.tree import Unloadable
reader = OfficeReader()
with tempfile.TemporaryFile() as file:
    file.write({WORD!r})
    file.flush()
    try:
        list(reader.pieces(reader.open(file.fileno())))
    except Unloadable:
        pass
reader.close()
print(sorted({{*{LIBRARIES!r}, "lxml", "bs4", "zipfile"}} & set(sys.modules)))
"""
    ran = subprocess.run([sys.executable, "-c", uses], capture_output=True, text=True, timeout=120, check=True)
    assert ran.stdout == "[]\n"


# --- what is read -------------------------------------------------------------------------------------------------


@needs_extra
def test_a_word_document_is_read_with_its_title_and_its_pictures_counted(reader: OfficeReader) -> None:
    office, text = read(reader, WORD)
    assert text == "Article 1\n\nThe tenant pays max_size.\n"
    assert (office.title, office.count, office.unit, office.images, office.labels) == ("Lease", 0, "", 2, [])


@needs_extra
def test_headings_tables_pictures_and_comments_are_markdown_and_no_picture_is_written_out(reader: OfficeReader) -> None:
    names = 'xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main" '
    names += 'xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships" '
    names += 'xmlns:d="http://schemas.openxmlformats.org/drawingml/2006/wordprocessingDrawing" '
    names += 'xmlns:p="http://schemas.openxmlformats.org/drawingml/2006/picture"'
    text = "<w:p><w:r><w:t>{}</w:t></w:r></w:p>".format
    picture = f'<w:p><w:r><w:drawing><d:inline {names}><d:docPr descr="a map"/><a:graphic><a:graphicData><p:pic>'
    picture += '<p:blipFill><a:blip r:embed="rId0"/></p:blipFill></p:pic></a:graphicData></a:graphic></d:inline>'
    picture += "</w:drawing></w:r></w:p>"
    table = f"<w:tbl><w:tr><w:tc>{text('A')}</w:tc><w:tc>{text('B')}</w:tc></w:tr></w:tbl>"
    heading = '<w:p><w:pPr><w:pStyle w:val="Heading1"/></w:pPr><w:r><w:t>Head</w:t></w:r></w:p>'
    styles = '<w:styles xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main">'
    styles += '<w:style w:type="paragraph" w:styleId="Heading1"><w:name w:val="heading 1"/></w:style></w:styles>'
    remark = '<w:comments xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main">'
    remark += f'<w:comment w:id="7" w:initials="AB">{text("Really?")}</w:comment></w:comments>'
    body = heading + table + picture + '<w:p><w:r><w:commentReference w:id="7"/></w:r></w:p>'
    more: dict[str, str | bytes] = {
        "word/styles.xml": styles,
        "word/comments.xml": remark,
        "word/media/image0.png": b"\x89PNG" * 100_000,
    }
    office, read_text = read(reader, docx(body, images=1, more=more))
    assert "# Head\n" in read_text and "| A | B |" in read_text and "![a map]()" in read_text
    assert "[AB1]" in read_text and "Really?" in read_text
    assert office.images == 1 and len(read_text) < 1000


@needs_extra
def test_slides_are_pages_whatever_they_say_of_themselves(reader: OfficeReader) -> None:
    office, text = read(reader, DECK)
    first, second, third = text.split("\f\n")
    assert first == "<!-- Slide number: 1 -->\nfirst\n<!-- Slide number: 2 -->\n"
    assert (second, third) == ("<!-- Slide number: 2 -->\nsecond\n", "<!-- Slide number: 3 -->\nthird\n")
    assert (office.title, office.count, office.unit, office.labels) == ("Deck", 3, "slide", [None] * 3)


@needs_extra
def test_a_slide_without_text_and_one_that_is_damaged_are_told_and_cost_no_other(reader: OfficeReader) -> None:
    office, text = read(reader, pptx(["", "second", "x"], more={"ppt/slides/slide3.xml": "<x/>"}))
    assert text.count("\f\n") == 2 and "second" in text
    assert (office.without_text, office.unreadable) == ([1], [3])


@needs_extra
def test_a_slide_with_a_shape_of_no_known_kind_keeps_its_text(reader: OfficeReader) -> None:
    with zipfile.ZipFile(io.BytesIO(pptx(["odd & <even>"]))) as made:
        slide = made.read("ppt/slides/slide1.xml").decode().replace("txBox", "unknown")
    assert "odd & <even>\n" in read(reader, pptx(["x"], more={"ppt/slides/slide1.xml": slide}))[1]


@needs_extra
def test_sheets_are_pages_with_values_as_they_are(reader: OfficeReader) -> None:
    cells = '<row r="9"><c r="B9" s="1"><v>45000</v></c><c r="C9"><f>1+1</f><v>2</v></c><c r="D9"><f>2+2</f></c>'
    cells += '<c r="E9" t="b"><v>1</v></c><c r="F9" t="e"><v>#N/A</v></c></row>'
    table = rows(["Code", "a|b\nc"], ["NA", 1e-9], [], [5.0, "", 1234567.891234], [0.1 + 0.2])
    office, text = read(reader, xlsx({"Q1": table, "Empty": "", "Größe 2": cells}, title="Accounts"))
    first, empty, last = text.split("\f\n")
    assert first.splitlines() == [
        "## Q1",
        r"| Code | a\|b<br>c |",
        "| --- | --- |",
        "| NA | 1e-09 |",
        "",
        "| 5 |  | 1234567.891234 |",
        "| --- | --- | --- |",
        "| 0.3 |",
    ]
    assert empty == "## Empty\n"
    assert last.splitlines()[:2] == ["## Größe 2", "|  | 2023-03-15 | 2 | =2+2 | TRUE | #N/A |"]
    assert (office.unit, office.labels, office.without_text) == ("sheet", ["Q1", "Empty", "Größe 2"], [2])
    assert office.title == "Accounts"


@needs_extra
def test_older_sheets_are_read_alike(reader: OfficeReader) -> None:
    office, text = read(reader, OLD_BOOK)
    assert text == "## Eins\n| Größe | 1.5 |\n| --- | --- |\n\f\n## Zwei\n| x |\n| --- |\n"
    assert office.labels == ["Eins", "Zwei"]


@needs_extra
def test_a_long_sheet_comes_in_pieces_of_whole_lines(reader: OfficeReader) -> None:
    content = xlsx({"S": rows(*[(number, "some text " * 20) for number in range(12_000)])})
    with tempfile.TemporaryFile() as file:
        file.write(content)
        file.flush()
        pieces = list(reader.pieces(reader.open(file.fileno())))
    assert len(pieces) > 3 and all(piece.endswith("\n") for piece in pieces)
    lines = "".join(pieces).splitlines()
    assert (lines[1], lines[-1]) == ("| 0 | " + ("some text " * 20).strip() + " |", lines[-1])
    assert [line.split(" | ")[0] for line in lines[3:]] == [f"| {number}" for number in range(1, 12_000)]


@needs_extra
def test_books_and_mails_are_read(reader: OfficeReader) -> None:
    office, text = read(reader, NOVEL)
    assert office.title == "Nights" and "# One\n\nIt was **night**.\n\n# Two\n" in text
    office, text = read(reader, MAIL)
    assert office.title == "Offer" and text.endswith("Dear Anna,\nyes.\n")
    assert office.attachments == 2
    assert "Hello **world**" in read(reader, msg("x", None, "<p>Hello <b>world</b></p>"))[1]


@needs_extra
def test_a_mail_kept_in_a_way_that_is_not_read_counts_as_a_file_within(reader: OfficeReader) -> None:
    kept = {"__properties_version1.0": b"\0" * 32, "__substg1.0_10090102": b"rtf"}
    assert read(reader, compound(kept))[0].attachments == 1


@needs_extra
def test_a_title_that_cannot_be_read_takes_no_text_with_it(reader: OfficeReader) -> None:
    office, text = read(reader, docx("x", title="y", more={"docProps/core.xml": "no xml"}))
    assert (office.title, text) == (None, "x\n")


@needs_extra
@pytest.mark.parametrize(
    ("content", "why"),
    [
        (LOCKED, (ENCRYPTED, True)),
        (xls({"S": [["x"]]}, encrypted=True), (ENCRYPTED, True)),
        (epub(["x"], more={"META-INF/encryption.xml": '<e><m Algorithm="aes128-cbc"/></e>'}), (ENCRYPTED, True)),
        (WORD[: len(WORD) // 2], (DAMAGED, True)),
        (compound({"WordDocument": b"x" * 5000}), (DAMAGED, True)),
        (archive({"a.txt": "x"}), (DAMAGED, True)),
        (docx("x", more={"word/document.xml": "no xml"}), (DAMAGED, True)),
        (pptx(["x"], more={"ppt/slides/slide1.xml": "<x/>"}), (DAMAGED, True)),
        (docx(""), (WITHOUT_TEXT, False)),
        (pptx(["", ""]), (WITHOUT_TEXT, False)),
        (pptx([]), (WITHOUT_TEXT, False)),
        (xlsx({"S": ""}), (WITHOUT_TEXT, False)),
    ],
)
def test_what_cannot_be_read_says_why_and_costs_the_child_nothing(
    reader: OfficeReader, content: bytes, why: tuple[str, bool]
) -> None:
    reader.start()
    child = reader.child
    assert reason(reader, content) == why
    assert read(reader, WORD)[1].startswith("Article 1")
    assert reader.child == child


@needs_extra
def test_more_text_than_is_wanted_is_too_large(reader: OfficeReader) -> None:
    assert reason(reader, docx("x" * 1000), limit=500) == (TOO_LARGE, False)
    assert read(reader, WORD)[1].startswith("Article 1")


@needs_extra
def test_fonts_that_are_kept_from_copying_leave_a_book_readable(reader: OfficeReader) -> None:
    locked = '<e><m Algorithm="http://www.idpf.org/2008/embedding"/></e>'
    assert "# One" in read(reader, epub(["<h1>One</h1>"], more={"META-INF/encryption.xml": locked}))[1]
