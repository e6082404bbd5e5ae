"""Records and cells as the root model meets them: what it is told, what the session has, how quotes are checked."""

import json
from pathlib import Path

import pytest
from support.repl import session_over
from support.runs import Run, cell

from rlm_cli.context import Context
from rlm_cli.engine.shape import describe
from rlm_cli.findings import Refusal, check_claim
from rlm_cli.loaders import load
from rlm_cli.places import place_name
from rlm_cli.references import references
from rlm_cli.results import Citation

MESSAGES = [
    {"id": 1, "user": "ann", "text": 'It\'s "broken"\nsince May / June'},
    {"id": 2, "user": "bob", "text": "Größe passt, 語😀"},
    {"id": 3, "user": "cy", "text": "refund me"},
]


def loaded(folder: Path, **files: str) -> Context:
    for name, text in files.items():
        (folder / name.replace("__", ".")).write_text(text, encoding="utf-8")
    return load([str(folder)]).context


@pytest.fixture(params=["jsonl", "json", "object", "ascii"])
def export(request: pytest.FixtureRequest, tmp_path: Path) -> Context:
    """The same three messages, as programs export them."""
    text = {
        "jsonl": "".join(json.dumps(each, ensure_ascii=False) + "\n" for each in MESSAGES),
        "json": json.dumps(MESSAGES, indent=2, ensure_ascii=False),
        "object": json.dumps({"messages": MESSAGES}),
        "ascii": json.dumps(MESSAGES).replace("/", "\\/"),
    }[request.param]
    return loaded(tmp_path, **{"export__jsonl" if request.param == "jsonl" else "export__json": text})


@pytest.mark.parametrize(
    ("quote", "record"),
    [
        ('"broken"\nsince May', 1),  # as json.loads gives it, with what JSON escapes
        ("since May / June", 1),
        ("Größe passt, 語😀", 2),
        ("refund me", 3),
    ],
)
def test_a_quote_in_its_plain_form_is_found_however_the_format_escapes_it(
    export: Context, quote: str, record: int
) -> None:
    path = export.documents[0].path
    for place in (path, f"{path} record {record}", export.documents[0].parts.starts[record - 1]):  # type: ignore[union-attr]
        citation = check_claim(export, place, quote)
        assert isinstance(citation, Citation), citation
        assert (citation.record, citation.verified) == (record, True)
        assert place_name(citation) == f"{path} record {record} (line {citation.line})"


def test_a_quote_of_another_record_is_refused_with_the_right_one(export: Context) -> None:
    path = export.documents[0].path
    refusal = check_claim(export, f"{path} record 1", "refund me")
    assert isinstance(refusal, Refusal)
    assert f"stands in record 3 of {path}, not in record 1" in refusal.reason
    refusal = check_claim(export, f"{path} record 4", "refund me")
    assert isinstance(refusal, Refusal)
    assert "has the records 1 to 3, not 4" in refusal.reason


def test_csv_quotes_are_found_as_they_are_and_as_they_are_meant(tmp_path: Path) -> None:
    context = loaded(tmp_path, a__csv='id,text\n1,"He said ""no"" twice"\n2,plain\n')
    for quote in ('He said "no" twice', 'He said ""no"" twice'):
        citation = check_claim(context, "a.csv", quote)
        assert isinstance(citation, Citation)
        assert (citation.record, citation.line) == (1, 2)
    assert isinstance(check_claim(loaded(tmp_path, a__csv="", b__txt='say ""no""\n'), "b.txt", 'say "no"'), Refusal)


def test_records_that_an_answer_names_are_checked_and_mere_words_are_not(export: Context) -> None:
    path = export.documents[0].path
    answer = f"Of 279 records 3 are open. See {path} record 2 and record 3; {path} record 9. Track record 2020 stands."
    named = [(each.record, each.verified) for each in references(export, answer)]
    assert named == [(2, True), (3, True), (9, False)]


def test_the_model_is_told_what_the_records_are(tmp_path: Path) -> None:
    context = loaded(tmp_path, export__jsonl="".join(json.dumps(each) + "\n" for each in MESSAGES))
    told = describe(context)
    assert (
        "One document, 'export.jsonl': JSON lines, 3 records; keys, looked at in all 3 records: id (int 1..3), " in told
    )
    assert "`export.jsonl record 3` is a place; records count from 1. Of documents[0]: .records (how many)" in told
    context = loaded(tmp_path, b__csv="id,größe\n1,2\n", c__txt="x")
    told = describe(context)
    assert "2 documents have records, 4 together: export.jsonl 3, b.csv 1\n" in told


def test_a_single_table_is_told_with_its_columns(tmp_path: Path) -> None:
    told = describe(loaded(tmp_path, b__csv="id,größe\n1,2\n"))
    assert "One document, 'b.csv': CSV, 1 record, delimiter ',', a first line names the columns; columns, " in told
    assert "looked at in 1 record: id (int 1), größe (int 2)" in told


def test_the_session_cuts_records_out_whole(export: Context) -> None:
    with session_over(export) as session:
        assert session.value("print(documents[0].records, documents[0].cells)") == "3 0"
        whole = "import json\nprint([json.loads(documents[0].record(n))['id'] for n in (1, 2, 3)])"
        assert session.value(whole) == "[1, 2, 3]"
        assert session.value("print(documents[0].record_of(context.index('refund')))") == "3"
        assert session.value("hit, = grep('refund')\nprint(hit.record)").endswith("3")
        assert "(record 3)" in session.value("grep('refund')")
        assert "has the records 1 to 3, not 4" in session.error("documents[0].record(4)")
        assert "has no cells" in session.error("documents[0].cell(1)")


def test_the_session_cuts_rows_and_cells_out_too(tmp_path: Path) -> None:
    notebook = json.dumps({"nbformat": 4, "cells": [{"cell_type": "code", "source": f"é{n}"} for n in (1, 2)]})
    context = loaded(tmp_path, a__csv='id,t\n1,"x\ny"\n2,z\n', b__ipynb=notebook)
    with session_over(context) as session:
        assert session.value("print([documents['a.csv'].record(1), documents['a.csv'].record(2)])") == repr(
            ['1,"x\ny"', "2,z"]
        )
        assert session.value("print(documents['b.ipynb'].cell(2))") == "--- cell 2: code ---\né2\n"
        assert session.value("print(documents['b.ipynb'].cell_of(context.index('é2')))") == "2"
        assert session.value("print(documents['a.csv'].record_of(documents['a.csv'].start))") == "None"


def test_a_run_over_an_export_cites_records(tmp_path: Path) -> None:
    text = "".join(json.dumps(each) + "\n" for each in MESSAGES)
    search = cell("import json\nprint([json.loads(documents[0].record(n))['user'] for n in (1, 2, 3)])")
    final = cell("FINAL('ann complains (input.txt record 1)', evidence=[('input.txt record 1', '\"broken\"')])")
    run = Run(tmp_path, [search, final], text=text)
    assert "['ann', 'bob', 'cy']" in run.told(1)
    assert [(each.record, each.verified) for each in run.result.citations] == [(1, True)]
    assert run.result.status == "complete"
