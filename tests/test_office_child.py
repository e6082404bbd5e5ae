"""The process that reads office files may crash, hang or lie, and files be made against it: each costs itself."""

import importlib.util
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.office import archive, docx, epub, msg, pptx, rows, xls, xlsx

from rlm_cli.errors import InputError
from rlm_cli.loaders.office import DAMAGED, ENCRYPTED, LIBRARIES, SLOW, TOO_LARGE, WITHOUT_TEXT, WORKER, OfficeReader
from rlm_cli.loaders.tree import Unloadable

needs_extra = pytest.mark.skipif(
    not all(importlib.util.find_spec(each) for each in LIBRARIES), reason="rlm-cli[office] is not installed"
)

PRELUDE = """
import json, os, signal, socket, struct, sys, time
channel = socket.socket(fileno=int(sys.argv[1]))

def say(frame):
    body = frame if isinstance(frame, bytes) else json.dumps(frame).encode()
    channel.sendall(struct.pack(">I", len(body)) + body)

def head(**changed):
    say({"unit": "slide", "pages": 2, "title": "", "images": 0, "attachments": 0} | changed)

def page(**changed):
    say({"text": "one", "label": "", "more": False} | changed)

say({"ready": [], "missing": []}); channel.recv(4); channel.recv(1 << 20)
"""


def lying(folder: Path, lie: str, patience: float = 60) -> OfficeReader:
    """Return a reader whose child says this."""
    program = folder / "program.py"
    program.write_text(PRELUDE + lie)
    return OfficeReader(program, patience, libraries=())


def read(reader: OfficeReader, content: bytes = b"PK", limit: int = 1_000_000) -> str:
    """Return the text of a file."""
    with tempfile.TemporaryFile() as file:
        file.write(content)
        file.flush()
        return "".join(reader.pieces(reader.open(file.fileno()), limit))


def reason(reader: OfficeReader, content: bytes = b"PK") -> tuple[str, bool]:
    """Return why a file could not be read, and whether that is a failure."""
    with pytest.raises(Unloadable) as unloadable:
        read(reader, content)
    return unloadable.value.reason, unloadable.value.failed


# --- lies ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("lie", "why"),
    [
        ("", DAMAGED),
        ("say(b'no json')", DAMAGED),
        ("say({})", DAMAGED),
        ("say({'error': 'no such error'})", DAMAGED),
        ("say({'error': ['encrypted']})", DAMAGED),
        ("say({'error': 'encrypted'})", ENCRYPTED),
        ("say({'error': 'too large'})", TOO_LARGE),
        ("channel.sendall(b'\\xff' * 9)", TOO_LARGE),
        ("head(unit='chapter')", DAMAGED),
        ("head(unit=None)", DAMAGED),
        ("head(unit='')", DAMAGED),
        ("head(pages=True)", DAMAGED),
        ("head(pages='2')", DAMAGED),
        ("head(pages=-1)", DAMAGED),
        ("head(pages=10**7)", TOO_LARGE),
        ("head(title=None)", DAMAGED),
        ("head(title='x' * 1001)", DAMAGED),
        ("head(images=-1)", DAMAGED),
        ("head(images=10**30)", DAMAGED),
        ("head(attachments=1.5)", DAMAGED),
        ("head(); page()", DAMAGED),
        ("head(); page(); say({'text': 'two', 'label': ''})", DAMAGED),
        ("head(); page(); page(text=2)", DAMAGED),
        ("head(); page(); page(label=None)", DAMAGED),
        ("head(); page(); page(label='x' * 101)", DAMAGED),
        ("head(); page(); page(more=1)", DAMAGED),
        ("head(); page(); page(more=True)", DAMAGED),
        ("head(); page(); say({'error': 'damaged'})", DAMAGED),
        ("head(); page(); page(text='x' * 1_000_000)", TOO_LARGE),
        ("head()\nwhile True: page(more=True, text='x' * 10_000)", TOO_LARGE),
        ("head(); page(); os.kill(os.getpid(), signal.SIGSEGV)", DAMAGED),
        ("head(); page(); os.kill(os.getpid(), signal.SIGXCPU)", SLOW),
    ],
)
def test_what_breaks_the_rules_costs_the_file(tmp_path: Path, lie: str, why: str) -> None:
    reader = lying(tmp_path, lie)
    assert reason(reader) == (why, why != TOO_LARGE)
    assert reader.child is None or why == ENCRYPTED
    reader.close()


@pytest.mark.parametrize(
    "stall", ["time.sleep(600)", "head(); page(); time.sleep(600)", "head()\nwhile 1: page(more=True, text='')"]
)
def test_a_child_that_makes_no_progress_is_killed(tmp_path: Path, stall: str) -> None:
    reader = lying(tmp_path, stall, patience=1)
    assert reason(reader) == (SLOW, True)
    assert reader.child is None


def test_a_child_that_does_not_start_is_an_error_with_a_hint(tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text("import no_such_module")
    with pytest.raises(InputError, match="their reader does not start") as error:
        read(OfficeReader(program, libraries=()))
    assert error.value.hint == "pip install 'rlm-cli[office]'"


def test_controls_marks_and_page_breaks_from_the_child_do_no_harm(tmp_path: Path) -> None:
    lie = r"""head(unit="sheet", title="a\n\x1b[2J"); page(label="x\n\f## y", text="a\f\x1b[2Jb\x00")
say(b'{"text": "\\ud800", "label": "", "more": false}')"""
    reader = lying(tmp_path, lie)
    assert read(reader) == "## x ## y\na\n\ufffd[2Jb\n\f\n## \n\ufffd\n"
    reader.close()


def test_the_child_inherits_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret")
    tell = 'head(unit="", pages=0); page(text=f"{dict(os.environ)} {len(os.listdir(\'/dev/fd\'))} {os.getcwd()}")'
    reader = lying(tmp_path, tell)
    told = read(reader)
    reader.close()
    assert "sk-secret" not in told and "HOME" not in told
    # 0, 1 and 2, the socket, and the listing's own; the file itself was not received.
    assert told.endswith(" 5 /\n")


# --- files made against their readers -----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def reader() -> Iterator[OfficeReader]:
    one = OfficeReader(patience=60)
    yield one
    one.close()


WORD = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
SHEET = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
LAUGHS = "<!DOCTYPE x [<!ENTITY a 'ha'>{}]>".format(
    "".join(f"<!ENTITY {chr(98 + level)} '{f'&{chr(97 + level)};' * 10}'>" for level in range(9))
)
DOCUMENT = f'<w:document xmlns:w="{WORD}"><w:body><w:p><w:r><w:t>{{}}</w:t></w:r></w:p></w:body></w:document>'
OUTSIDE = "<!DOCTYPE x [<!ENTITY a SYSTEM 'file:///etc/passwd'>]>"
CELL = f'<worksheet xmlns="{SHEET}"><sheetData><row><c t="inlineStr"><is><t>{{}}</t></is></c></row></sheetData>'
CELL += "</worksheet>"
ABOVE = "<p><item id='a' href='../../../etc/passwd'/><itemref idref='a'/></p>"
WIDE = "".join(f'<row><c r="XFD{number}"><v>1</v></c></row>' for number in range(1, 500))
HOSTILE = {
    "entities in a document": docx("x", more={"word/document.xml": LAUGHS + DOCUMENT.format("&j;")}),
    "entities in a title": docx("x", "y", more={"docProps/core.xml": LAUGHS + "<x>&j;</x>"}),
    "entities in a slide": pptx(["x"], more={"ppt/slides/slide1.xml": LAUGHS + "<x>&j;</x>"}),
    "entities in a sheet": xlsx({"S": ""}, more={"xl/worksheets/sheet1.xml": LAUGHS + CELL.format("&j;")}),
    "entities in a book": epub(["x"], more={"book.opf": LAUGHS + "<x>&j;</x>"}),
    "a file from outside in a document": docx("x", more={"word/document.xml": OUTSIDE + DOCUMENT.format("A&a;B")}),
    "a file from outside in a sheet": xlsx({"S": ""}, more={"xl/worksheets/sheet1.xml": OUTSIDE + CELL.format("&a;")}),
    "a chapter above the book": epub(["x"], more={"book.opf": ABOVE}),
    "a text far larger than its file": xlsx(
        {"S": '<row><c t="s"><v>0</v></c></row>' * 100}, strings=f"<si><t>{'x' * 1_000_000}</t></si>"
    ),
    "rows as wide as they can be": xlsx({"S": WIDE}),
    "folders within folders": epub(["<div>" * 20_000 + "x"]),
    "a picture of zeros": docx("x", more={"word/media/image.png": bytes(50_000_000)}),
    "a name that leads out": archive({"../../word/x": "x", "word/../../x": "x"}),
}  # fmt: skip


@needs_extra
@pytest.mark.parametrize("name", HOSTILE)
def test_files_made_against_their_readers(reader: OfficeReader, name: str) -> None:
    try:
        text = read(reader, HOSTILE[name])
    except Unloadable as unloadable:
        assert unloadable.reason in (DAMAGED, TOO_LARGE, WITHOUT_TEXT)
    else:
        assert "root:" not in text and len(text) < 1_000_000
    assert read(reader, docx("still here")) == "still here\n"


WHOLE = (
    docx("Article 1\nThe tenant pays.", "Lease", 1),
    pptx(["one", "two"]),
    xlsx({"S": rows(["a", 1.0])}),
    xls({"S": [["a", 1.0]]}),
    epub(["<h1>One</h1>"]),
    msg("Offer", "yes"),
)


@needs_extra
@settings(max_examples=150)
@given(st.sampled_from(WHOLE), st.lists(st.tuples(st.integers(0, 9000), st.binary(max_size=8)), max_size=6), st.data())
def test_a_mutated_file_is_read_or_refused(
    reader: OfficeReader, whole: bytes, patches: list[tuple[int, bytes]], data: st.DataObject
) -> None:
    content = bytearray(whole)
    for place, patch in patches:
        content[place % len(content) : place % len(content) + len(patch)] = patch
    del content[data.draw(st.integers(len(content) // 3, len(content) * 3)) :]
    try:
        text = read(reader, bytes(content))
    except Unloadable as unloadable:
        assert unloadable.reason in (DAMAGED, ENCRYPTED, WITHOUT_TEXT, TOO_LARGE)
    else:
        assert text.strip()
    assert read(reader, docx("still here")) == "still here\n"


# --- the walls ----------------------------------------------------------------------------------------------------


@needs_extra
def test_the_real_child_stands_within_its_walls_and_is_one_for_all_files() -> None:
    reader = OfficeReader()
    for whole in WHOLE:
        assert read(reader, whole)
    child = Path(f"/proc/{reader.child}")
    walls = set(reader.start().standing)
    if child.exists():
        status = (child / "status").read_text()
        assert "Threads:\t1\n" in status
        assert {"rlimits", "pdeathsig", "undumpable", "no_new_privs"} <= walls
        if os.geteuid() == 0:
            assert "Uid:\t65534\t65534\t65534\t65534\n" in status
    reader.close()
    assert reader.child is None


def test_the_worker_and_what_it_loads_import_nothing_of_the_package() -> None:
    for name in ("office_worker.py", "office_kinds.py", "office_sheets.py"):
        source = (WORKER.parent / name).read_text()
        assert "import rlm_cli" not in source and "from rlm_cli" not in source
