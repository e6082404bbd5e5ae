"""Every kind of file in one folder: each place leads from an offset to what a person can open, and back."""

import json
from pathlib import Path

import pytest
from support.office import docx, epub, pptx, rows, xlsx
from support.pdfs import pdf

from rlm_cli.context import Context
from rlm_cli.engine.shape import describe
from rlm_cli.findings import check_claim
from rlm_cli.loaders import load
from rlm_cli.loaders import office as office_module
from rlm_cli.loaders.office import NEEDS_EXTRA
from rlm_cli.loaders.papers import keys_of, title_of
from rlm_cli.places import place_name, resolve, starts_of
from rlm_cli.references import references
from rlm_cli.results import Citation
from rlm_cli.types import Document, Unit

NOTEBOOK = {"nbformat": 4, "cells": [{"cell_type": "code", "source": f"é = {n}\nprint()"} for n in range(3)]}
FILES = {
    "a.pdf": pdf(["one\nfirst", "two", "three\nlast"], title="A lease"),
    "b.pdf": pdf(["alone"]),
    "dump.txt": "page é\fpage two\nmore\f".encode(),
    "n.ipynb": json.dumps(NOTEBOOK).encode(),
    "rows.csv": 'id,größe\n1,"a\nb"\n2,é\n3,x\n'.encode(),
    "messages.jsonl": '{"t": "é"}\n\n{"t": "b"}\n'.encode(),
    "list.json": b'[{"a": 1}, {"a": [2, 3]},\n{"a": 3}]',
    "utf16.csv": "\ufeffid,größe\r\n1,é\r\n2,ü\r\n".encode("utf-16-le"),
    "src/app.py": "x = 1\ny = 'é'\n\nz = 3\n".encode(),
    "readme.md": b"# Title\n\ntext",
}
OFFICE = {
    "deck.pptx": pptx(["First", "Second é"]),
    "book.xlsx": xlsx({"Größen": rows(["a", "b"], [1, 2]), "Second": rows(["c"], [3])}),
    "letter.docx": docx("Dear all"),
    "novel.epub": epub(["Chapter one", "Chapter two"]),
}


def folder_of(root: Path, files: dict[str, bytes]) -> str:
    for name, content in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(content)
    return str(root)


@pytest.fixture(scope="module")
def context(tmp_path_factory: pytest.TempPathFactory) -> Context:
    return load([folder_of(tmp_path_factory.mktemp("all"), FILES)]).context


def each_place_round_trips(context: Context, document: Document) -> set[str]:
    """Check every character of a document; return the ways in which its places are named."""
    ways: set[str] = set()
    for offset in range(document.span.start, document.span.end):
        path, line = context.locate(offset)
        assert path == document.path
        assert context.offset_of(path, line) <= offset
        assert line == document.lines or offset < context.offset_of(path, line + 1)
        page, _ = context.page_of(path, offset)
        cell, record = context.part_of(path, offset)
        named: dict[Unit, int | None] = {"page": page, "cell": cell, "record": record}
        name = place_name(Citation(path, line, line, page=page, cell=cell, record=record))
        place = resolve(context, name.partition(" (line")[0])
        assert place.document is document
        for unit, number in named.items():
            starts = starts_of(document, unit)
            if number is None:
                assert not starts or offset < starts[0]
                continue
            assert (place.unit, place.number) == (unit, number)
            assert starts[number - 1] <= offset
            assert number == len(starts) or offset < starts[number]
            [reference] = references(context, f"see {name.partition(' (line')[0]}.")
            assert reference.verified
            ways.add(unit)
        if not any(named.values()):
            assert place.line == line
            ways.add("line")
    return ways


@pytest.mark.parametrize(
    ("path", "ways"),
    [
        ("a.pdf", {"page"}),
        ("b.pdf", {"page"}),
        ("dump.txt", {"page"}),
        ("n.ipynb", {"cell"}),
        ("rows.csv", {"line", "record"}),
        ("messages.jsonl", {"record"}),
        ("list.json", {"line", "record"}),
        ("utf16.csv", {"line", "record"}),
        ("src/app.py", {"line"}),
        ("readme.md", {"line"}),
    ],
)
def test_every_offset_leads_to_a_place_and_the_place_back(context: Context, path: str, ways: set[str]) -> None:
    document = context.document(path)
    assert document is not None
    assert each_place_round_trips(context, document) == ways


def test_office_files_have_places_too(tmp_path: Path) -> None:
    pytest.importorskip("markitdown")
    loaded = load([folder_of(tmp_path, OFFICE)])
    assert [(each.path, len(each.pages)) for each in loaded.context.documents] == [
        ("book.xlsx", 2), ("deck.pptx", 2), ("letter.docx", 0), ("novel.epub", 0),
    ]  # fmt: skip
    ways = {each.path: each_place_round_trips(loaded.context, each) for each in loaded.context.documents}
    assert ways == {"book.xlsx": {"page"}, "deck.pptx": {"page"}, "letter.docx": {"line"}, "novel.epub": {"line"}}
    cited = check_claim(loaded.context, "deck.pptx p. 2", "Second é")
    assert isinstance(cited, Citation)
    assert cited.page == 2
    cited = check_claim(loaded.context, "book.xlsx", "## Second")
    assert isinstance(cited, Citation)
    assert place_name(cited) == "book.xlsx p. 2 (printed Second)"
    alone = load([f"{tmp_path}/deck.pptx"]).context
    assert "One document, 'deck.pptx': PPTX of 2 pages (slides)" in describe(alone)


def test_without_the_extra_an_office_file_is_named_with_what_to_install_and_the_rest_is_loaded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder_of(tmp_path, OFFICE | {"a.txt": b"x"})
    monkeypatch.setattr(office_module, "LIBRARIES", ("no_such_library",))
    loaded = load([str(tmp_path)])
    assert [each.path for each in loaded.context.documents] == ["a.txt"]
    assert {each.reason for each in loaded.context.skipped} == {NEEDS_EXTRA}
    [warning] = loaded.warnings
    assert warning.startswith("4 files could not be read, needs rlm-cli[office]: ")
    assert warning.endswith("; pip install 'rlm-cli[office]'")


# --- papers ---------------------------------------------------------------------------------------------------------


def test_several_papers_have_keys_and_titles_and_can_be_cited_by_them(tmp_path: Path) -> None:
    papers = {
        "Smith et al. - 2021 - Things.pdf": pdf(["Things\nThe effect is 5 %", "end"], title="Of things"),
        "2512.24601v1.pdf": pdf(["arXiv:2512.24601v1\nOn Looking Twice at Things\nA. Author\nAbstract"]),
        "notes.md": b"mine",
    }
    context = load([folder_of(tmp_path, papers)]).context
    assert [(each.key, each.title) for each in context.documents] == [
        ("2512.24601", "On Looking Twice at Things"), ("smith2021", "Of things"), (None, None),
    ]  # fmt: skip
    told = describe(context)
    assert "  2512.24601: On Looking Twice at Things\n  smith2021: Of things\n" in told
    cited = check_claim(context, "smith2021 p. 1", "The effect is 5 %")
    assert isinstance(cited, Citation)
    assert place_name(cited) == "Smith et al. - 2021 - Things.pdf p. 1"
    [named] = references(context, "It is small (smith2021 p. 2).")
    assert (named.path, named.page, named.verified) == ("Smith et al. - 2021 - Things.pdf", 2, True)


def test_a_single_paper_needs_no_key(tmp_path: Path) -> None:
    assert [each.key for each in load([folder_of(tmp_path, {"a.pdf": FILES["a.pdf"]})]).context.documents] == [None]


@pytest.mark.parametrize(
    ("paths", "keys"),
    [
        (["in/2512.24601v1.pdf", "2401.00001.pdf"], ["2512.24601", "2401.00001"]),
        (["Smith et al. - 2021 - On Things.pdf", "smith_2021_b.pdf"], ["smith2021", "smith2021-2"]),
        (["Doe, J. 2019.pdf"], ["doe2019"]),
        (["x/Annual report (final).pdf", "annual-report_final.pdf"], ["annual-report-final", "annual-report-final-2"]),
        (["a very long name that goes on and on.pdf", "论文.pdf"], ["a-very-long-name-that", "论文"]),
        (["---.pdf"], ["paper"]),
    ],
)  # fmt: skip
def test_keys_are_short_and_no_two_the_same(paths: list[str], keys: list[str]) -> None:
    assert keys_of(paths) == keys


@pytest.mark.parametrize(
    ("given", "beginning", "title"),
    [
        ("On Things", "whatever", "On Things"),
        ("Microsoft Word - a.doc", "Journal of X\nThe Shape of Water and\nIce\nJ. D.", "The Shape of Water and Ice"),
        ("untitled", "12 34 56\n", None),
        (None, "https://example.org/x\nA. B.\nLearning to Look\fA second page", "Learning to Look"),
        ("paper.tex", "", None),
    ],
)  # fmt: skip
def test_a_title_is_what_a_file_says_or_what_stands_first(given: str | None, beginning: str, title: str | None) -> None:
    assert title_of(given, beginning) == title
