"""PDFs become text by pages: what is read, what is skipped or refused, and with which words."""

import io
import os
import threading
from pathlib import Path

import pypdfium2
import pytest
from support.pdfs import encrypted, pdf, with_attachment

from rlm_cli.context import Context
from rlm_cli.engine.shape import describe
from rlm_cli.errors import InputError
from rlm_cli.loaders import LoadOptions, load
from rlm_cli.loaders.page_text import one_line, page_text
from rlm_cli.types import Skipped


def text_of(context: Context) -> str:
    return context.text(0, context.characters)


def labels(context: Context, path: str) -> list[str | None]:
    document = context.document(path)
    assert document is not None
    return [page.label for page in document.pages]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "in").mkdir()
    return tmp_path / "in"


# --- text and pages -----------------------------------------------------------------------------------------------


def test_pages_are_parted_by_lines_with_a_form_feed(folder: Path) -> None:
    (folder / "contract.pdf").write_bytes(
        pdf(["Article 1\nThe tenant pays.", "Article 2"], title="Lease\tof\u202e\n2020")
    )
    context = load([f"{folder}/contract.pdf"]).context
    assert text_of(context) == "Article 1\nThe tenant pays.\n\f\nArticle 2\n"
    [document] = context.documents
    assert (document.path, document.kind, document.lines) == ("contract.pdf", "pdf", 4)
    assert document.title == "Lease of 2020"
    assert [page.start for page in document.pages] == [0, text_of(context).index("\f") + 1]
    assert [context.page_of("contract.pdf", offset)[0] for offset in (0, 27, 28, 29, context.characters)] == [
        1,
        1,
        2,
        2,
        2,
    ]


def test_words_parted_at_the_end_of_a_line_are_whole_again(folder: Path) -> None:
    made = pdf(["Each obli-\ngation of the Les-\nsee: 12-\n34 and co-owner", "at the end of a page a word is par-"])
    raw = pypdfium2.PdfDocument(made)[0].get_textpage().get_text_range()
    assert "\x02" in raw or "\ufffe" in raw, "this pdfium marks no hyphens: the test says nothing"
    (folder / "a.pdf").write_bytes(made)
    text = text_of(load([str(folder)]).context)
    assert text == "Each obligation of the Lessee: 12-\n34 and co-owner\n\f\nat the end of a page a word is par-\n"


@pytest.mark.parametrize(
    ("extracted", "text"),
    [
        ("obli\x02\r\ngation of\r\n", "obligation of\n"),
        ("obli\ufffegation", "obligation\n"),
        ("obli\x02\r\n  gation", "obligation\n"),
        ("the end of a page, par\x02", "the end of a page, par-\n"),
        ("par\x02\n\nnew", "par-\n\nnew\n"),
        ("a\rb\r\nc  \nd", "a\nb\nc\nd\n"),
        ("a\fb\vc\x85d", "a\nb\nc\nd\n"),
        ("n\0ul \x1b[2J \x9b \x7f", "nul \ufffd[2J \ufffd \ufffd\n"),
        ("half \ud800 and \udfff none \uffff", "half \ufffd and \ufffd none \ufffd\n"),
        ("", "\n"),
        (" \r\n\t", "\n"),
    ],
)
def test_what_is_no_text_is_made_harmless(extracted: str, text: str) -> None:
    assert page_text(extracted) == text


def test_white_space_made_against_the_cleaning_takes_no_time() -> None:
    hostile = "\x02" + " " * 4_000_000 + "\x02\n" * 500_000
    assert page_text(hostile) == "-\n"


def test_titles_and_labels_are_one_line() -> None:
    assert one_line("a\nb\x1b[0m\u202e \ud800c") == "a b [0m c"


def test_chinese_and_letters_beyond_latin_1(folder: Path) -> None:
    (folder / "a.pdf").write_bytes(pdf(["合同双方约定违约金为百分之五\ncafé 10 %", "第二页"]))
    context = load([str(folder)]).context
    assert text_of(context) == "合同双方约定违约金为百分之五\ncafé 10 %\n\f\n第二页\n"
    assert context.page_of("a.pdf", text_of(context).index("第二页")) == (2, None)


def test_filled_in_form_fields_are_text(folder: Path) -> None:
    (folder / "form.pdf").write_bytes(pdf(["The party is:", "x"], fields={0: "ACME Holdings Ltd"}))
    assert text_of(load([str(folder)]).context) == "The party is:\nACME Holdings Ltd\n\f\nx\n"


def test_printed_labels(folder: Path) -> None:
    numbered = "0 <</S/r>> 2 <</S/D>> 4 <</P(A-)/S/D/St 7>>"
    (folder / "a.pdf").write_bytes(pdf(list("abcde"), labels=numbered))
    (folder / "b.pdf").write_bytes(pdf(list("ab")))
    context = load([str(folder)]).context
    assert labels(context, "a.pdf") == ["i", "ii", "1", "2", "A-7"]
    assert labels(context, "b.pdf") == [None, None]
    # Alone, it is written anew without its header: labels and pages stay.
    (folder / "b.pdf").write_bytes(b"")
    alone = load([str(folder)]).context
    assert labels(alone, "a.pdf") == ["i", "ii", "1", "2", "A-7"]
    assert alone.page_of("a.pdf", 0) == (1, "i")


def test_titles_and_labels_that_are_no_text_are_none(folder: Path) -> None:
    (folder / "a.pdf").write_bytes(pdf(["text"], title="half \ud800", labels="0 <</P<FEFFD800>>>"))
    context = load([f"{folder}/a.pdf"]).context
    assert (text_of(context), context.documents[0].title, labels(context, "a.pdf")) == ("text\n", None, [None])


def test_attached_files_are_not_read_and_said_to_be(folder: Path) -> None:
    (folder / "a.pdf").write_bytes(with_attachment(pdf(["The annex is attached."]), "annex.txt", b"attached text"))
    loaded = load([str(folder)])
    assert text_of(loaded.context) == "The annex is attached.\n"
    assert loaded.warnings == ("1 file within a document, not read (a.pdf)",)


def test_a_pdf_is_told_by_its_first_bytes_wherever_it_comes_from(folder: Path) -> None:
    made = pdf(["from a pipe"])
    [piped] = load(["-"], stdin=io.BytesIO(made)).context.documents
    assert (piped.path, piped.kind, len(piped.pages)) == ("stdin", "pdf", 1)
    os.mkfifo(folder / "63")
    writer = threading.Thread(target=(folder / "63").write_bytes, args=(made,))
    writer.start()
    assert text_of(load([f"{folder}/63"]).context) == "from a pipe\n"
    writer.join()
    (folder / "reply").write_bytes(b"HTTP/1.1 200 OK\r\n\r\n" + made)
    assert text_of(load([f"{folder}/reply"]).context) == "from a pipe\n"
    (folder / "about.py").write_text("if head.startswith(b'%PDF-1.4'):\n    pass\n")
    assert load([f"{folder}/about.py"]).context.documents[0].kind == "py"


def test_a_folder_of_pdfs_keeps_its_order_and_its_digest(folder: Path) -> None:
    for number in range(30):
        (folder / f"{number:02}.pdf").write_bytes(pdf([f"paper {number}", f"page two of {number}"]))
    (folder / "07b.txt").write_text("between")
    first, second = load([str(folder)]).context, load([str(folder)]).context
    assert first.sha256 == second.sha256
    assert [each.path for each in first.documents] == sorted(each.name for each in folder.iterdir())
    for document in first.documents:
        if document.kind == "pdf":
            assert first.text(document.span.start, document.span.end).startswith(f"paper {int(document.path[:2])}\n")
            assert [first.page_of(document.path, page.start)[0] for page in document.pages] == [1, 2]


def test_exact_tokens_are_counted_in_pdfs_too(folder: Path) -> None:
    (folder / "a.pdf").write_bytes(pdf(["one two three"]))
    context = load([str(folder)], LoadOptions(exact_tokens=True)).context
    assert (context.tokens, context.documents[0].tokens) == (4, 4)


# --- dumps --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "text", "pages"),
    [
        ("a.txt", "one\ftwo\fthree\f", 3),
        ("a.txt", "one\ftwo\fthree\n", 3),
        ("a.txt", "one\f", 1),
        ("a.txt", "one\f\f\fend", 4),
        ("a.txt", "one", 0),
        ("dump", "é" * 700_000 + "\f" + "語" * 700_000 + "\fend", 3),
        ("a.c", "one\ftwo", 0),
        ("a.el", "one\ftwo", 0),
        ("a.txt", "x\f" * 300_000, 0),
    ],
)
def test_form_feeds_are_pages_in_plain_text_only(folder: Path, name: str, text: str, pages: int) -> None:
    (folder / name).write_text(text)
    context = load([str(folder)]).context
    [document] = context.documents
    assert text_of(context) == text
    assert len(document.pages) == pages
    for number, page in enumerate(document.pages, 1):
        assert text.count("\f", 0, page.start) + 1 == number
        assert context.page_of(name, page.start) == (number, None)


# --- what cannot be read ------------------------------------------------------------------------------------------


def test_an_encrypted_pdf_is_opened_by_the_first_password_that_fits(folder: Path) -> None:
    (folder / "a.pdf").write_bytes(encrypted(pdf(["secret"]), "geheim é", "owner"))
    (folder / "b.pdf").write_bytes(pdf(["open"]))
    context = load([str(folder)], LoadOptions(passwords=("no", "geheim é"))).context
    assert text_of(context) == "===== a.pdf =====\nsecret\n===== b.pdf =====\nopen\n"
    assert text_of(load([f"{folder}/a.pdf"], LoadOptions(passwords=("owner",))).context) == "secret\n"


def test_an_encrypted_pdf_without_its_password_is_a_failure(folder: Path) -> None:
    (folder / "a.pdf").write_bytes(encrypted(pdf(["secret"]), "geheim", "owner"))
    (folder / "b.pdf").write_bytes(pdf(["open"]))
    with pytest.raises(InputError, match=r"a\.pdf is encrypted$") as error:
        load([f"{folder}/a.pdf"])
    assert "--password-file" in str(error.value.hint)
    with pytest.raises(InputError, match="no line of --password-file opens it") as error:
        load([f"{folder}/a.pdf"], LoadOptions(passwords=("hunter2",)))
    assert "hunter2" not in f"{error.value} {error.value.hint}"
    assert load([str(folder)]).context.skipped == (Skipped("a.pdf", "encrypted pdf", failed=True),)
    tried = load([str(folder)], LoadOptions(passwords=("hunter2",))).context
    assert tried.skipped == (Skipped("a.pdf", "encrypted pdf, wrong password", failed=True),)


def test_a_pdf_that_is_only_kept_from_being_changed_just_opens(folder: Path) -> None:
    (folder / "a.pdf").write_bytes(encrypted(pdf(["for all to read"]), "", "owner"))
    assert text_of(load([f"{folder}/a.pdf"]).context) == "for all to read\n"


def test_passwords_are_not_shown() -> None:
    assert "hunter2" not in repr(LoadOptions(passwords=("hunter2",)))


@pytest.mark.parametrize("content", [b"no PDF at all", b"%PDF-1.7\n", pdf(["x"])[:300], b"%PDF-1.7\n" + b"\xff" * 5000])
def test_a_damaged_pdf_is_a_failure(folder: Path, content: bytes) -> None:
    (folder / "a.pdf").write_bytes(content)
    (folder / "b.pdf").write_bytes(pdf(["fine"]))
    context = load([str(folder)]).context
    assert text_of(context) == "fine\n"
    assert context.skipped == (Skipped("a.pdf", "damaged pdf", failed=True),)
    with pytest.raises(InputError, match=r"a\.pdf is damaged, or no PDF at all"):
        load([f"{folder}/a.pdf"])


def test_what_was_wrong_with_one_pdf_is_not_said_of_the_next(folder: Path) -> None:
    (folder / "a.pdf").write_bytes(encrypted(pdf(["secret"]), "geheim", "owner"))
    (folder / "b.pdf").write_bytes(pdf([]))
    (folder / "c.pdf").write_bytes(pdf(["fine"]))
    reasons = {each.path: each.reason for each in load([str(folder)]).context.skipped}
    assert reasons == {"a.pdf": "encrypted pdf", "b.pdf": "damaged pdf"}


def test_pages_that_cannot_be_read_make_the_run_incomplete_and_keep_their_numbers(folder: Path) -> None:
    (folder / "a.pdf").write_bytes(pdf(["one", None, None, "four", None]))
    loaded = load([str(folder)])
    assert text_of(loaded.context) == "one\n\f\n\n\f\n\n\f\nfour\n\f\n\n"
    assert loaded.context.page_of("a.pdf", text_of(loaded.context).index("four")) == (4, None)
    assert loaded.context.documents[0].unreadable == (2, 3, 5)
    assert loaded.context.skipped == ()
    assert loaded.warnings == ("3 damaged pages could not be read: a.pdf p. 2-3, 5; `qpdf FILE out.pdf` mends some",)
    assert "Damaged pages, which are empty here: 3, in a.pdf" in describe(loaded.context)
    (folder / "a.pdf").write_bytes(pdf([None, None]))
    with pytest.raises(InputError, match="damaged"):
        load([f"{folder}/a.pdf"])


def test_pages_without_text_are_named_and_keep_their_numbers(folder: Path) -> None:
    name = "our contract.pdf"
    (folder / name).write_bytes(pdf(["one", "", " ", "four", "", "six"]))
    loaded = load([f"{folder}/{name}"])
    assert loaded.warnings == (
        "our contract.pdf: 3 of 6 pages hold no text (2-3, 5): scanned? "
        f"`ocrmypdf '{folder}/our contract.pdf' out.pdf` gives them text",
    )
    assert loaded.context.page_of(name, text_of(loaded.context).index("six")) == (6, None)
    assert loaded.context.skipped == ()


def test_a_pdf_without_any_text_is_refused_or_skipped_with_a_way_out(folder: Path) -> None:
    (folder / "scan.pdf").write_bytes(pdf(["", ""]))
    with pytest.raises(InputError, match=r"scan\.pdf holds no text") as error:
        load([f"{folder}/scan.pdf"])
    assert f"`ocrmypdf {folder}/scan.pdf out.pdf` gives it text" == error.value.hint
    with pytest.raises(InputError, match="no text; skipped: 1 pdf without text") as error:
        load([str(folder)])
    assert "ocrmypdf" in str(error.value.hint)
    (folder / "a.txt").write_text("text")
    loaded = load([str(folder)])
    assert loaded.context.skipped == (Skipped("scan.pdf", "pdf without text"),)
    hint = f"`ocrmypdf {folder}/scan.pdf out.pdf` gives it text"
    assert loaded.warnings == (f"scan.pdf: it holds no text: scanned? {hint}",)


def test_many_scanned_pdfs_are_told_of_in_few_lines(folder: Path) -> None:
    for number in range(20):
        (folder / f"{number:02}.pdf").write_bytes(pdf(["x", ""]))
    warnings = load([str(folder)]).warnings
    assert len(warnings) == 6
    assert warnings[0].startswith("00.pdf: 1 of 2 pages holds no text (2): scanned? ")
    assert warnings[-1] == "15 more PDFs have pages without text"
    for number in range(6, 20):
        (folder / f"{number:02}.pdf").unlink()
    (folder / "z.pdf").write_bytes(pdf(["", ""]))
    (folder / "05.pdf").write_bytes(pdf(["text"]))
    warnings = load([str(folder)]).warnings
    assert warnings[0].startswith("z.pdf: it holds no text: scanned? ")
    assert warnings[-1] == "1 more PDF has pages without text"


def test_the_command_that_a_hint_gives_can_be_copied(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scan = pdf(["one", ""])
    (folder / "below").mkdir()
    for name in ("below/a.pdf", "-b.pdf", "c\nd.pdf"):
        (folder / name).write_bytes(scan)
    monkeypatch.chdir(folder)
    with (folder / "below" / "a.pdf").open("rb") as stdin:
        piped = load(["-"], stdin=stdin).warnings
    warnings = [*load(["."]).warnings, *load(["below/"]).warnings, *load(["below/a.pdf"]).warnings]
    warnings += [*load(["-b.pdf"]).warnings, *load([f"{folder}/c\nd.pdf"]).warnings, *piped]
    given = [warning.split("`ocrmypdf ")[1].split(" out.pdf`")[0] for warning in warnings]
    assert given == [
        "./-b.pdf", "./below/a.pdf", "FILE", "below/a.pdf", "below/a.pdf", "./-b.pdf", "FILE", "FILE"
    ]  # fmt: skip


def test_what_could_not_be_read_is_named_by_reason_with_the_way_out(folder: Path) -> None:
    for number in range(7):
        (folder / f"{number}.pdf").write_bytes(b"no PDF")
    (folder / "locked.pdf").write_bytes(encrypted(pdf(["secret"]), "geheim", "owner"))
    (folder / "notes.txt").write_text("text")
    (folder / "skipped.bin").write_bytes(bytes(range(256)))
    assert load([str(folder)]).warnings == (
        "7 files could not be read, damaged pdf: 0.pdf, 1.pdf, 2.pdf, 3.pdf, 4.pdf and 2 more; "
        "`qpdf FILE out.pdf` mends some",
        "1 file could not be read, encrypted pdf: locked.pdf; "
        "--password-file FILE, with the password on its first line",
    )


def test_the_size_limit_of_folders_holds_for_the_file_and_for_its_text(folder: Path) -> None:
    small, large = pdf(["x"]), pdf(["x" * 50] * 40)
    (folder / "a.pdf").write_bytes(small)
    (folder / "b.pdf").write_bytes(large)
    limited = load([str(folder)], LoadOptions(max_file_size=len(small)))
    assert limited.context.skipped == (Skipped("b.pdf", "too large"),)
    # A file may be small whose pages all show the same.
    shared = pdf(["word " * 200], times=3000)
    (folder / "b.pdf").write_bytes(shared)
    limited = load([str(folder)], LoadOptions(max_file_size=len(shared)))
    assert limited.context.skipped == (Skipped("b.pdf", "too large"),)
    assert load([f"{folder}/b.pdf"]).context.characters > 1_000_000
    # What had been read of it by then is no text to ask about.
    (folder / "a.pdf").unlink()
    with pytest.raises(InputError, match="the inputs hold no text; skipped: 1 too large"):
        load([str(folder)], LoadOptions(max_file_size=len(shared)))
