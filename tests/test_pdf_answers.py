"""A question about a long PDF in, an answer with the right pages out: the whole way, through the real command."""

import json
import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from support.command import Ran, finish, rlm, start
from support.openai_server import OpenAIServer
from support.pdfs import encrypted, pdf
from support.profiles import profile

SCHEMA = json.loads((Path(__file__).parent / "contract" / "result.schema.json").read_text())
FILLER = "The parties shall co-operate in good faith and keep all records as section {0}.{1} of this deed provides."
FACTS = {
    7: "The Lessee shall indemnify the Lessor against all claims.",
    123: "Late payment bears a penalty of 7.5 percent a month.",
    487: "The deposit of 48,000 euros falls due on 1 March 2031.",
}
"""Page -> what stands there and nowhere else."""


def contract(count: int) -> bytes:
    """Return a contract with four pages of front matter, numbered i to iv, and the facts on their pages."""
    pages = []
    for number in range(1, count + 1):
        lines = [f"ARTICLE {number}", *(FILLER.format(number, line) for line in range(35))]
        if number in FACTS:
            lines[20:20] = [FACTS[number]]
        pages.append("\n".join(lines))
    return pdf(pages, labels="0 <</S/r>> 4 <</S/D>>", title="Deed of lease")


@pytest.fixture(scope="module")
def deed(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("deed") / "deed.pdf"
    path.write_bytes(contract(500))
    return str(path)


def fenced(code: str) -> str:
    return f"Search.\n\n```repl\n{code}\n```"


def printed(citation: dict[str, Any]) -> tuple[str, int, str | None, bool]:
    return citation["path"], citation["page"], citation["page_label"], citation["verified"]


def test_a_scripted_model_finds_its_facts_and_the_citations_have_their_pages(deed: str, tmp_path: Path) -> None:
    search = "for hit in grep('penalty of|deposit of'):\n    print(hit.page, cite(hit.offset, hit.text))"
    answer = "FINAL('A penalty of 7.5 % (deed.pdf p. 123); a deposit (p. 487); more on p. 501.', [('p', 'q')][:0])"
    with OpenAIServer([fenced(search), fenced(answer)]) as server:
        ran = rlm("analyze", deed, "which sums?", "-p", profile(tmp_path, server.url), "-f", "json")
        opening, told = server.requests[0]["messages"][1]["content"], server.requests[1]["messages"][-1]["content"]
    assert "'deed.pdf': PDF of 500 pages titled 'Deed of lease', 18,502 lines.\n" in opening
    assert "Printed numbers differ: pages 1-4 are i-iv, 5-500 are 1-496 (.printed(n)).\n" in opening
    assert re.search(r"Middle, from offset 917,\d{3} \(p\. 251\):\n", opening)
    assert "places in it are written with the page, as in `deed.pdf p. 12`" in opening
    assert "123 deed.pdf p. 123\n" in told and "487 deed.pdf p. 487\n" in told
    assert re.search(r"deed\.pdf:\d+ \(p\. 123\): Late payment bears", told)
    result = ran.json()
    jsonschema.validate(result, SCHEMA)
    assert [printed(each) for each in result["citations"]] == [
        ("deed.pdf", 123, "119", True),
        ("deed.pdf", 487, "483", True),
        ("deed.pdf", 501, None, False),
    ]
    assert [each["quote"] for each in result["citations"][:2]] == [FACTS[123], FACTS[487]]
    assert all(each["line"] for each in result["citations"][:2])


def test_evidence_may_name_the_page(deed: str, tmp_path: Path) -> None:
    answer = f"FINAL('all claims', evidence=[('deed.pdf p. 7', {FACTS[7]!r})])"
    with OpenAIServer(fenced(answer)) as server:
        options = ("-p", profile(tmp_path, server.url))
        text, markdown = (rlm("analyze", deed, "q", *options, "-f", form).out for form in ("text", "markdown"))
    assert text == f"all claims\n\nEvidence:\n  deed.pdf p. 7 (printed 3): {FACTS[7]}\n"
    assert "- `deed.pdf p. 7 (printed 3)`\n" in markdown


def test_a_long_quote_is_shown_up_to_600_characters(deed: str, tmp_path: Path) -> None:
    code = "page = documents[0].page(7)\nFINAL('all claims', evidence=[('deed.pdf p. 7', page[:{}])])"
    shown = []
    for length in (600, 700):
        with OpenAIServer(fenced(code.format(length))) as server:
            ran = rlm("analyze", deed, "q", "-p", profile(tmp_path, server.url))
        shown.append(ran.out.rstrip("\n").partition("(printed 3): ")[2])
    assert (len(shown[0]), shown[0][-3:] == "...") == (600, False)
    assert (len(shown[1]), shown[1][-3:]) == (600, "...")


def test_a_wrong_page_is_told_and_corrected(deed: str, tmp_path: Path) -> None:
    answer = "FINAL('all claims (deed.pdf p. {0})', evidence=[('deed.pdf p. {0}', {1!r})])"
    with OpenAIServer([fenced(answer.format(page, FACTS[7])) for page in (3, 7)]) as server:
        ran = rlm("analyze", deed, "q", "-p", profile(tmp_path, server.url))
        told = server.requests[1]["messages"][-1]["content"]
    assert "evidence 1: the quote stands on deed.pdf p. 7 (printed 3), not p. 3 (p. counts the pages from 1" in told
    assert ran.out == f"all claims (deed.pdf p. 7)\n\nEvidence:\n  deed.pdf p. 7 (printed 3): {FACTS[7]}\n"


def test_the_offline_profile_cites_pages(tmp_path: Path) -> None:
    (tmp_path / "deed.pdf").write_bytes(contract(300))
    ran = finish(start("analyze", f"{tmp_path}/deed.pdf", "What is the penalty for late payment?", "-p", "offline"))
    assert ran.code == 0, ran.err
    assert f"deed.pdf p. 123: {FACTS[123]} — " in ran.out
    assert f"  deed.pdf p. 123 (printed 119): {FACTS[123]}\n" in ran.out


def test_a_pdf_comes_by_a_pipe_and_a_dump_has_the_same_pages(tmp_path: Path) -> None:
    question = "Against which claims must the Lessee indemnify the Lessor?"
    piped = finish(start("analyze", question, "-p", "offline", stdin=-1), contract(60))
    assert f"stdin p. 7 (printed 3): {FACTS[7]}" in piped.out
    (tmp_path / "deed.txt").write_text(
        "".join(f"page {number}\n{FACTS.get(number, '')}\n\f" for number in range(1, 61))
    )
    dumped = rlm("analyze", f"{tmp_path}/deed.txt", question, "-p", "offline")
    assert f"  deed.txt p. 7: {FACTS[7]}\n" in dumped.out


# --- passwords ------------------------------------------------------------------------------------------------------


def locked(folder: Path) -> str:
    path = folder / "locked.pdf"
    path.write_bytes(encrypted(pdf(["The fee is 900 euros."]), "geheim 1", "owner"))
    return str(path)


def asked(folder: Path, passwords: str | bytes, *options: str) -> Ran:
    (folder / "passwords").write_bytes(passwords if isinstance(passwords, bytes) else passwords.encode())
    return rlm(
        "analyze",
        locked(folder),
        "What is the fee?",
        "-p",
        "offline",
        "--password-file",
        f"{folder}/passwords",
        *options,
    )


def test_passwords_come_from_a_file_and_go_nowhere(tmp_path: Path, own_home: Path) -> None:
    events = tmp_path / "events.jsonl"
    ran = asked(tmp_path, "wrong\r\ngeheim 1\n", "--events", str(events), "-f", "json")
    assert ran.code == 0
    assert "900 euros" in ran.json()["answer"]
    recorded = b"".join(path.read_bytes() for path in own_home.rglob("*") if path.is_file())
    assert b"900 euros" in recorded
    assert b"geheim" not in recorded + ran.out.encode() + ran.err.encode() + events.read_bytes()


def test_without_the_password_it_says_what_to_type(tmp_path: Path) -> None:
    ran = rlm("analyze", locked(tmp_path), "What is the fee?", "-p", "offline")
    assert ran.code == 2
    assert "locked.pdf is encrypted\n" in ran.err and "--password-file FILE" in ran.err
    ran = asked(tmp_path, "wrong\n")
    assert ran.code == 2
    assert "no line of --password-file opens it" in ran.err and "wrong" not in ran.err.replace("wrong password", "")


@pytest.mark.parametrize(
    ("content", "said"), [(b"", "it holds no password"), (b"\n\n", "it holds no password"), (b"\xff", "not UTF-8")]
)
def test_a_useless_password_file_is_refused(tmp_path: Path, content: bytes, said: str) -> None:
    ran = asked(tmp_path, content)
    assert (ran.code, said in ran.err) == (2, True)
    missing = rlm("analyze", locked(tmp_path), "q", "-p", "offline", "--password-file", f"{tmp_path}/none")
    assert missing.code == 2 and "No such file" in missing.err


def test_an_encrypted_pdf_in_a_folder_makes_the_run_incomplete(tmp_path: Path) -> None:
    locked(tmp_path)
    (tmp_path / "scan.pdf").write_bytes(pdf([""]))
    (tmp_path / "notes.txt").write_text("The fee is 800 euros.\n")
    ran = rlm("analyze", str(tmp_path), "What is the fee?", "-p", "offline", "-f", "json")
    assert (ran.code, ran.json()["status"]) == (3, "partial")
    assert ran.json()["context"]["skipped"] == {"encrypted pdf": 1, "pdf without text": 1}
    assert f"scan.pdf: it holds no text: scanned? `ocrmypdf {tmp_path}/scan.pdf out.pdf` gives it text" in ran.err
    assert "1 file could not be read, encrypted pdf: locked.pdf; --password-file FILE" in ran.err
    *named, counted = ran.json()["warnings"]
    assert counted == "not everything could be read: 1 encrypted pdf"
    assert all(f"rlm: warning: {each}\n" in ran.err for each in (*named, counted))
    assert len(named) == 2


def test_a_damaged_page_is_no_file_that_was_skipped(tmp_path: Path) -> None:
    (tmp_path / "a.pdf").write_bytes(pdf(["The fee is 800 euros.", None]))
    (tmp_path / "b.pdf").write_bytes(b"no PDF")
    ran = rlm("analyze", str(tmp_path), "What is the fee?", "-p", "offline", "-f", "json")
    assert (ran.code, ran.json()["status"]) == (3, "partial")
    assert ran.json()["warnings"][-1] == "not everything could be read: 1 damaged pdf, 1 damaged page"
    assert ran.json()["context"]["skipped"] == {"damaged pdf": 1}
    assert "1 damaged page could not be read: a.pdf p. 2; " in ran.err
    assert "1 file skipped" in ran.err
