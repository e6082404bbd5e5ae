"""The process that reads PDFs may crash, hang or lie: that costs one PDF, and nothing else."""

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.pdfs import encrypted, pdf

from rlm_cli import confinement
from rlm_cli.errors import InputError
from rlm_cli.loaders.pdf import DAMAGED, ENCRYPTED, SLOW, TOO_LARGE, WITHOUT_TEXT, WORKER, PdfReader
from rlm_cli.loaders.tree import Unloadable

PRELUDE = f"""
import json, os, runpy, signal, socket, struct, sys, time
channel = socket.socket(fileno=int(sys.argv[1]))

def say(frame):
    body = frame if isinstance(frame, bytes) else json.dumps(frame).encode()
    channel.sendall(struct.pack(">I", len(body)) + body)

def be_honest():
    channel.detach()
    sys.modules.pop("__main__")
    runpy.run_path({str(WORKER)!r}, run_name="__main__")

"""
READY = 'say({"ready": [], "missing": []}); channel.recv(4); channel.recv(1 << 20)\n'
TWO_PAGES = READY + 'say({"pages": 2, "title": "", "attachments": 0})\n'
FIRST = 'say({"text": "one", "label": ""})\n'


@pytest.fixture
def program(tmp_path: Path) -> Path:
    return tmp_path / "program.py"


def read(reader: PdfReader, content: bytes, limit: int = 1_000_000) -> str:
    """Return the text of a PDF."""
    with tempfile.TemporaryFile() as file:
        file.write(content)
        file.flush()
        return "".join(reader.pieces(reader.open(file.fileno()), limit))


def reason(reader: PdfReader, content: bytes = b"%PDF-") -> tuple[str, bool]:
    """Return why a PDF could not be read, and whether that is a failure."""
    with pytest.raises(Unloadable) as unloadable:
        read(reader, content)
    return unloadable.value.reason, unloadable.value.failed


# --- lies ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("lie", "why"),
    [
        (READY, DAMAGED),
        (READY + "say(b'no json')", DAMAGED),
        (READY + "say(b'[' * 100_000)", DAMAGED),
        (READY + "say(b'[' + b'{},' * 5_000_000 + b'{}]')", DAMAGED),
        (READY + "say([1, 2])", DAMAGED),
        (READY + "say({})", DAMAGED),
        (READY + "say({'error': 'password'})", DAMAGED),
        (READY + "channel.sendall(b'\\xff' * 9)", TOO_LARGE),
        (READY + "say({'pages': 0, 'title': '', 'attachments': 0})", DAMAGED),
        (READY + "say({'pages': True, 'title': '', 'attachments': 0})", DAMAGED),
        (READY + "say({'pages': '2', 'title': '', 'attachments': 0})", DAMAGED),
        (READY + "say({'pages': 2, 'attachments': 0})", DAMAGED),
        (READY + "say({'pages': 2, 'title': ''})", DAMAGED),
        (READY + "say({'pages': 2, 'title': '', 'attachments': -1})", DAMAGED),
        (READY + "say({'pages': 2, 'title': 'x' * 1001, 'attachments': 0})", DAMAGED),
        (READY + "say({'pages': 10**9, 'title': '', 'attachments': 0})", TOO_LARGE),
        (TWO_PAGES + FIRST, DAMAGED),
        (TWO_PAGES + FIRST + "say({'label': ''})", DAMAGED),
        (TWO_PAGES + FIRST + "say({'text': 2, 'label': ''})", DAMAGED),
        (TWO_PAGES + FIRST + "say({'text': 'two'})", DAMAGED),
        (TWO_PAGES + FIRST + "say({'text': 'two', 'label': 'x' * 101})", DAMAGED),
        (TWO_PAGES + FIRST + "say({'text': 'x' * 1_000_000, 'label': ''})", TOO_LARGE),
        (TWO_PAGES + FIRST + "os.kill(os.getpid(), signal.SIGSEGV)", DAMAGED),
        (TWO_PAGES + FIRST + "os.kill(os.getpid(), signal.SIGXCPU)", SLOW),
    ],
)
def test_what_breaks_the_rules_costs_the_pdf_and_the_child(program: Path, lie: str, why: str) -> None:
    program.write_text(PRELUDE + lie)
    reader = PdfReader(program=program)
    assert reason(reader) == (why, why != TOO_LARGE)
    assert reader.child is None


@pytest.mark.parametrize(
    "stall",
    [
        READY + "time.sleep(600)",
        TWO_PAGES + FIRST + "time.sleep(600)",
        TWO_PAGES + FIRST + "channel.sendall(bytes([0, 0, 1, 0]))\nwhile True: channel.sendall(b' '); time.sleep(0.02)",
    ],
)
def test_a_child_that_makes_no_progress_is_killed(program: Path, stall: str) -> None:
    program.write_text(PRELUDE + stall)
    reader = PdfReader(program=program, patience=1.5)
    assert reason(reader) == (SLOW, True)
    assert reader.child is None


@pytest.mark.parametrize("silence", ["", "say({'ready': False})", "say(b'x')", "import no_such_module"])
def test_a_child_that_does_not_start_is_an_error_with_a_hint(program: Path, silence: str) -> None:
    program.write_text(PRELUDE + silence)
    with pytest.raises(InputError, match="their reader does not start") as error:
        read(PdfReader(program=program), pdf(["x"]))
    assert "pip install" in str(error.value.hint)


def test_half_characters_and_controls_from_the_child_do_no_harm(program: Path) -> None:
    program.write_text(PRELUDE + TWO_PAGES + FIRST + r"""say(b'{"text": "\\ud800 \\u0000\\u001b[2J", "label": ""}')""")
    assert read(PdfReader(program=program), b"%PDF-") == "one\n\f\n\ufffd \ufffd[2J\n"


# --- one child, replaced when it must be ----------------------------------------------------------------------------


def test_one_child_reads_all_pdfs_and_a_crash_costs_one_of_them(program: Path, tmp_path: Path) -> None:
    starts = tmp_path / "starts"
    crash = f"with open({str(starts)!r}, 'a') as file: print('start', file=file)\n" + (
        f"if open({str(starts)!r}).read().count('start') == 1:\n    {READY}    os.abort()\nbe_honest()"
    )
    program.write_text(PRELUDE + crash)
    reader = PdfReader(program=program)
    assert reason(reader, pdf(["crash"])) == (DAMAGED, True)
    assert [read(reader, pdf([f"text {number}"])) for number in range(5)] == [f"text {n}\n" for n in range(5)]
    assert starts.read_text() == "start\n" * 2
    reader.close()


def test_what_is_left_of_one_pdf_is_never_taken_for_the_next() -> None:
    reader = PdfReader()
    with tempfile.TemporaryFile() as file:
        file.write(pdf(["first"] * 50))
        file.flush()
        pieces = reader.pieces(reader.open(file.fileno()))
        assert next(pieces).startswith("first")
        del pieces  # as when the context cannot be kept
    assert read(reader, pdf(["second"])) == "second\n"
    reader.close()


def test_the_child_inherits_nothing(program: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret")
    tell = "say({'text': f'{dict(os.environ)} {len(os.listdir(\"/dev/fd\"))} {os.getcwd()}', 'label': ''})\n"
    program.write_text(PRELUDE + READY + 'say({"pages": 1, "title": "", "attachments": 0})\n' + tell)
    inherited = os.open("/etc/hosts", os.O_RDONLY)
    os.set_inheritable(inherited, True)
    try:
        told = read(PdfReader(program=program), b"%PDF-")
    finally:
        os.close(inherited)
    assert "sk-secret" not in told and "HOME" not in told
    # 0, 1 and 2, the socket, and the listing's own; the PDF itself was not received.
    assert told.endswith(" 5 /\n")


def test_the_real_child_has_its_limits_and_starts_without_the_package() -> None:
    for source in (WORKER.read_text(), Path(confinement.__file__).read_text()):
        assert "import rlm_cli" not in source and "from rlm_cli" not in source
    reader = PdfReader()
    assert read(reader, pdf(["x"])) == "x\n"
    assert reader.child is not None
    limits = Path(f"/proc/{reader.child}/limits")
    if limits.exists():
        told = dict(line.rsplit(None, 3)[0:2] for line in limits.read_text().splitlines() if line.startswith("Max"))
        assert told["Max address space"] == str(4 << 30)
        assert told["Max core file size"] == told["Max file size"] == "0"
    reader.close()
    assert reader.child is None


# --- hostile PDFs -------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def reader() -> Iterator[PdfReader]:
    one = PdfReader(("geheim",), patience=20)
    yield one
    one.close()


WHOLE = (
    pdf(
        ["Article 1\nThe tenant pays.", "第二页", ""], labels="0 <</S/r>> 2 <</S/D>>", title="Lease", fields={0: "ACME"}
    ),
    encrypted(pdf(["secret"] * 3), "geheim", "owner"),
)


@settings(max_examples=150)
@given(st.sampled_from(WHOLE), st.lists(st.tuples(st.integers(0, 5000), st.binary(max_size=8)), max_size=12), st.data())
def test_a_mutated_pdf_is_read_or_refused(
    reader: PdfReader, whole: bytes, patches: list[tuple[int, bytes]], data: st.DataObject
) -> None:
    content = bytearray(whole)
    for place, patch in patches:
        content[place % len(content) : place % len(content) + len(patch)] = patch
    del content[data.draw(st.integers(len(content) // 3, len(content))) :]
    try:
        text = read(reader, bytes(content))
    except Unloadable as unloadable:
        assert unloadable.reason in (DAMAGED, ENCRYPTED, WITHOUT_TEXT, TOO_LARGE, "encrypted pdf, wrong password") or (
            unloadable.reason == "pdf locked in an unknown way"
        )
    else:
        assert text.strip()
    assert read(reader, pdf(["still here"])) == "still here\n"


@pytest.mark.parametrize(
    "content",
    [
        b"%PDF-1.7\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj 2 0 obj<</Type/Pages/Count 9/Kids[2 0 R]>>endobj "
        b"trailer<</Root 1 0 R>>",
        b"%PDF-1.7\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj 2 0 obj<</Type/Pages/Count 999999999/Kids[]>>endobj "
        b"trailer<</Root 1 0 R>>",
        b"%PDF-1.7\n" + b"[" * 1_000_000,
        pdf(["x"], labels="0 <</S/r>> " * 20_000),
        pdf(["x"]).replace(b"/Length ", b"/Length 99999999 %"),
    ],
    ids=["a page tree in itself", "a thousand million pages", "brackets", "labels", "a length that lies"],
)
def test_pdfs_made_against_their_readers(reader: PdfReader, content: bytes) -> None:
    try:
        assert read(reader, content).strip()
    except Unloadable as unloadable:
        assert unloadable.reason in (DAMAGED, WITHOUT_TEXT, TOO_LARGE)
    assert read(reader, pdf(["still here"])) == "still here\n"
