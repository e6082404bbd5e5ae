"""Records of JSON, JSON lines and CSV: where they begin is told from the text, which stays as it is."""

import csv
import io
import itertools
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rlm_cli.context import Context
from rlm_cli.context_writer import ContextWriter
from rlm_cli.loaders import load
from rlm_cli.loaders import records as records_module
from rlm_cli.loaders.records import NotRecords, may_have_records, record_starts


def starts(kind: str, text: bytes) -> list[int] | None:
    if not may_have_records(kind, text):
        return None
    found = record_starts(kind, lambda start, size: text[start : start + size])
    return None if found is None else list(found)


def pieces(kind: str, text: str) -> list[str]:
    """Return the text from each record's start to the next one's."""
    content = text.encode()
    edges = [*(starts(kind, content) or [len(content)]), len(content)]
    return [content[one:other].decode() for one, other in itertools.pairwise(edges) if one < other]


@pytest.mark.parametrize(
    ("kind", "text", "records"),
    [
        ("json", '[{"a": 1}, {"b": "]}["},\n [3]]', ['{"a": 1}, ', '{"b": "]}["},\n ', "[3]]"]),
        ("json", '{"n": 2, "messages": [{"t": "\\"[{"}, {"t": "é"}]}', ['{"t": "\\"[{"}, ', '{"t": "é"}]}']),
        ("json", '{"a": {"b": {"list": [{"longer": 1}, {"longer": 2}]}}}', ['{"longer": 1}, ', '{"longer": 2}]}}}']),
        ("json", '{"a": 1}\n{"a": 2}', ['{"a": 1}\n', '{"a": 2}']),
        ("json", "[[1, 2], [3]]", ["[1, 2], ", "[3]]"]),
        ("json", '{"a": 1}', []),
        ("json", '{"long": "' + "x" * 99 + '", "few": [{}]}', []),
        ("json", "[1, 2]", []),
        ("json", '"text"', []),
        ("jsonl", '{"a": 1}\n\n{"b": 2}\r\n[3]\n', ['{"a": 1}\n\n', '{"b": 2}\r\n', "[3]\n"]),
        ("ndjson", '{"a": 1}', ['{"a": 1}']),
        ("log", '{"a": 1}\n{"a": 2}\n', ['{"a": 1}\n', '{"a": 2}\n']),
        ("text", '[{"a": 1},\n {"a": 2}]', ['{"a": 1},\n ', '{"a": 2}]']),
        ("text", "{ no json }\n", []),
        ("md", '{"a": 1}\n{"a": 2}\n', []),
        ("csv", 'id,text\n1,"two\nlines, ""quoted"""\n\n2,é\n', ['1,"two\nlines, ""quoted"""\n\n', "2,é\n"]),
        ("csv", "1;2\n3;4", ["1;2\n", "3;4"]),
        ("csv", "id,id\n1,2\n", ["id,id\n", "1,2\n"]),
        ("csv", "id,text\n", []),
        ("tsv", "a\tb\r\n1\t2,3\r\n", ["1\t2,3\r\n"]),
    ],
)
def test_records_begin_where_they_begin(kind: str, text: str, records: list[str]) -> None:
    assert pieces(kind, text) == records


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("json", "Not found"),
        ("json", '{"a": 1,}'),
        ("json", '[{"a": 1}'),
        ("json", "[" * 20_000 + "]" * 20_000),
        ("json", "[" * 2_000_000),
        ("json", '["' + "x" * 2_000_000),
        ("json", '[{"a": "' + "x" * 2_000_000 + '"})'.replace(")", "}")),
        ("jsonl", "one\ntwo\n"),
        ("jsonl", '{"a": 1}\n' + "no json\n" * 9),
    ],
)
def test_what_is_no_json_is_said_to_be_none(kind: str, text: str) -> None:
    with pytest.raises(NotRecords):
        starts(kind, text.encode())


VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(st.sampled_from('ab"\\/[]{},:\né😀\u2028'), max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)
RECORDS = st.lists(
    st.dictionaries(
        st.sampled_from(
            ["a", "b c", '"é'],
        ),
        VALUES,
        min_size=1,
    ),
    min_size=1,
    max_size=9,
)


def written(kind: str, records: list[Any], style: Callable[[Any], str]) -> str:
    if kind == "jsonl":
        return "".join(f"{style(each)}\n" for each in records)
    return f"[{', '.join(map(style, records))}]\n"


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(records=RECORDS, kind=st.sampled_from(["json", "jsonl"]), ascii_only=st.booleans(), cut=st.integers(1, 50))
def test_every_record_of_what_json_writes_is_found_whole(
    records: list[Any], kind: str, ascii_only: bool, cut: int
) -> None:
    text = written(kind, records, lambda each: json.dumps(each, ensure_ascii=ascii_only)).encode()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(records_module, "PIECE", cut)  # strings and escapes are cut everywhere
        found = record_starts(kind, lambda start, size: text[start : start + size])
    assert found is not None
    decoder = json.JSONDecoder()
    assert [decoder.raw_decode(text[start:].decode())[0] for start in found] == records


CELLS = st.text(st.sampled_from('ab,;"\n\r\t é😀1'), max_size=6)


@settings(max_examples=150, deadline=None)
@given(rows=st.lists(st.lists(CELLS, min_size=2, max_size=2), min_size=1, max_size=8))
def test_every_row_of_what_csv_writes_is_found_whole(rows: list[list[str]]) -> None:
    buffer = io.StringIO()
    csv.writer(buffer, quoting=csv.QUOTE_ALL).writerows([["first", "second"], *rows])
    text = buffer.getvalue()
    # A row of two cells that hold nothing is a row.
    assert [next(csv.reader(io.StringIO(each, newline=""))) for each in pieces("csv", text)] == rows


# --- places round-trip ----------------------------------------------------------------------------------------------


@settings(max_examples=60, deadline=None)
@given(
    texts=st.lists(st.text(st.sampled_from("ab\né語😀 "), min_size=1, max_size=30), min_size=1, max_size=12),
    several=st.booleans(),
)
def test_part_starts_given_in_bytes_come_back_in_characters(texts: list[str], several: bool) -> None:
    writer = ContextWriter(several=True)
    if several:
        writer.add("é.txt", ["vorher é\n".encode()])
    encoded = [each.encode() for each in texts]
    writer.add("n", iter(encoded))
    writer.part("cell", [sum(map(len, encoded[:number])) for number in range(len(encoded))])
    context = writer.finish(["in"], [], tokens=0)
    document = context.documents[-1]
    assert document.parts is not None
    begins = [*document.parts.starts, document.span.end]
    assert [context.text(one, other) for one, other in itertools.pairwise(begins)] == texts
    for number, begin in enumerate(document.parts.starts, 1):
        assert context.part_of("n", begin) == (number, None)
        assert context.part_of("n", begin + len(texts[number - 1]) - 1) == (number, None)
    context.close()


def context_of(folder: Path, **files: str) -> Context:
    for name, text in files.items():
        (folder / name.replace("_", ".")).write_text(text, encoding="utf-8")
    return load([str(folder)]).context


def test_offsets_lead_to_records_and_what_lies_before_the_first_to_none(tmp_path: Path) -> None:
    context = context_of(tmp_path, a_csv="näme,n\nx,1\ny,2\n", b_json='[{"k": "é"},\n{"k": 2}]\n', c_py="x = 1\n")
    document = context.document("a.csv")
    assert document is not None
    assert [context.part_of("a.csv", document.span.start + at) for at in (0, 6, 7, 10, 11)] == [
        (None, None), (None, None), (None, 1), (None, 1), (None, 2),
    ]  # fmt: skip
    assert context.part_of("c.py", context.documents[-1].span.start) == (None, None)
    second = context.find('"k": 2')
    assert second is not None
    assert context.part_of(second.path, second.offset) == (None, 2)


def test_a_named_stream_of_json_lines_has_records_too(tmp_path: Path) -> None:
    loaded = load(["-"], stdin=io.BytesIO(b'{"user": "ann"}\n{"user": "bob"}\n'))
    [document] = loaded.context.documents
    assert document.parts is not None
    assert (document.parts.kind, list(document.parts.starts)) == ("record", [0, 16])


def test_json_that_is_none_is_loaded_as_text_and_said(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text("<html>not found</html>")
    (tmp_path / "b.json").write_text('{"fine": 1}')
    loaded = load([str(tmp_path)])
    assert [document.path for document in loaded.context.documents] == ["a.json", "b.json"]
    assert loaded.warnings == ("1 file not the JSON or table that the name says, read as text: a.json",)
