"""Notebooks: cells with their sources and outputs, citable by cell; what is none is read as the JSON it is."""

import json
from pathlib import Path
from typing import Any

import pytest

from rlm_cli.context import Context
from rlm_cli.findings import Refusal, check_claim
from rlm_cli.loaders import LoadOptions, load
from rlm_cli.loaders.notebook import NotANotebook, cells_of
from rlm_cli.places import place_name
from rlm_cli.references import references
from rlm_cli.results import Citation


def code(source: str | list[str], *outputs: Any) -> dict[str, Any]:
    return {"cell_type": "code", "source": source, "outputs": list(outputs), "metadata": {}, "execution_count": 1}


def notebook(*cells: Any, version: Any = 4) -> str:
    return json.dumps({"nbformat": version, "nbformat_minor": 5, "metadata": {}, "cells": list(cells)})


CELLS = (
    {"cell_type": "markdown", "source": ["# Größe\n", "of things"]},
    code(["import os\n", "print(1)"], {"output_type": "stream", "text": ["1\n", "\x1b[31mred\x1b[0m\n"]}),
    code(
        "plot()",
        {"output_type": "display_data", "data": {"text/plain": ["<Figure>"], "image/png": "iVBOR" * 100}},
        {"output_type": "execute_result", "data": {"text/html": "<b>7</b>", "text/plain": "7"}},
    ),
    code("1/0", {"output_type": "error", "ename": "E", "evalue": "x", "traceback": ["\x1b[0;31mTrace", "back"]}),
    {"cell_type": "raw", "source": ""},
)  # fmt: skip


@pytest.fixture
def context(tmp_path: Path) -> Context:
    (tmp_path / "study.ipynb").write_text(notebook(*CELLS))
    return load([f"{tmp_path}/study.ipynb"]).context


def test_cells_come_with_sources_and_outputs_as_they_were_shown(context: Context) -> None:
    assert context.text(0, context.characters) == (
        "--- cell 1: markdown ---\n# Größe\nof things\n"
        "--- cell 2: code ---\nimport os\nprint(1)\n--- output ---\n1\nred\n"
        "--- cell 3: code ---\nplot()\n--- output ---\n<Figure>\n[image/png, 500 characters, not shown]\n"
        "--- output ---\n7\n"
        "--- cell 4: code ---\n1/0\n--- output ---\nTrace\nback\n"
        "--- cell 5: raw ---\n"
    )
    [document] = context.documents
    assert document.parts is not None
    assert (document.kind, document.parts.kind, len(document.parts.starts)) == ("ipynb", "cell", 5)


def test_pictures_that_are_not_shown_are_said(tmp_path: Path) -> None:
    (tmp_path / "study.ipynb").write_text(notebook(*CELLS))
    assert load([str(tmp_path)]).warnings == ("1 picture not read: study.ipynb",)


@pytest.mark.parametrize(
    ("place", "quote", "cell"),
    [("study.ipynb", "print(1)", 2), ("study.ipynb cell 3", "plot()", 3), ("study.ipynb cells 2-3", "<Figure>", 3)],
)
def test_quotes_are_cited_by_cell(context: Context, place: str, quote: str, cell: int) -> None:
    citation = check_claim(context, place, quote)
    assert isinstance(citation, Citation)
    assert (citation.cell, place_name(citation)) == (cell, f"study.ipynb cell {cell}")


@pytest.mark.parametrize(
    ("place", "quote", "why"),
    [
        ("study.ipynb cell 9", "plot()", "has the cells 1 to 5, not 9"),
        ("study.ipynb cell 2", "plot()", "stands in cell 3 of study.ipynb, not in cell 2"),
        ("study.ipynb record 2", "plot()", "has no records"),
        ("study.ipynb p. 2", "plot()", "has no pages"),
    ],
)
def test_a_wrong_cell_is_refused_with_the_right_one(context: Context, place: str, quote: str, why: str) -> None:
    refusal = check_claim(context, place, quote)
    assert isinstance(refusal, Refusal)
    assert why in refusal.reason


def test_cells_that_an_answer_names_are_checked(context: Context) -> None:
    named = references(context, "See study.ipynb cell 4, cells 2-3 and cell 77; in cell 1 too. A table cell is none.")
    assert [(each.path, each.cell, each.verified) for each in named] == [
        ("study.ipynb", 4, True), ("study.ipynb", 2, True), ("study.ipynb", 77, False), ("study.ipynb", 1, True),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (notebook(version=3), "nbformat 3"),
        (notebook(version="4"), "no notebook"),
        (notebook("x"), "no list of cells"),
        ('{"nbformat": 4}', "no list of cells"),
        ("[]", "no notebook"),
        ('{"nbformat": 4, "cells": [', "no JSON"),
        ("[" * 100_000, "no JSON"),
    ],
)
def test_what_is_no_notebook_of_this_version_is_read_as_text_and_said(tmp_path: Path, content: str, why: str) -> None:
    with pytest.raises(NotANotebook, match=why):
        cells_of(content.encode())
    (tmp_path / "old.ipynb").write_text(content)
    loaded = load([f"{tmp_path}/old.ipynb"])
    assert loaded.context.text(0, loaded.context.characters) == content
    assert loaded.warnings == (f"1 notebook not of nbformat 4, read as text: old.ipynb ({why})",)


@pytest.mark.parametrize(
    ("odd", "kept"),
    [
        ({}, "cell 2: of no type"),
        ({"cell_type": 7, "source": 5}, "--- cell 2: of no type ---\n5\n"),
        ({"cell_type": "code", "source": ["x", 1], "outputs": "no list"}, '["x", 1]'),
        (code("x", "no output", 3, {"output_type": "stream"}, {"data": {"image/png": 3}}), "no output"),
        (code("x", {"output_type": "error"}), "None: None"),
        (code("half \ud800"), "half \ufffd"),
    ],
)
def test_odd_cells_lose_nothing_and_break_nothing(tmp_path: Path, odd: Any, kept: str) -> None:
    (tmp_path / "n.ipynb").write_text(notebook(code("before"), odd, code("after")))
    context = load([f"{tmp_path}/n.ipynb"]).context
    text = context.text(0, context.characters)
    assert "before" in text
    assert "after" in text
    assert kept in text


def test_a_notebook_larger_than_the_limit_is_a_skip(tmp_path: Path) -> None:
    (tmp_path / "n.ipynb").write_text(notebook(code("x" * 2_000)))
    (tmp_path / "a.txt").write_text("x")
    context = load([str(tmp_path)], LoadOptions(max_file_size=1_000)).context
    assert [(each.path, each.reason) for each in context.skipped] == [("n.ipynb", "too large")]
