"""Tables of an answer on a terminal: readable at any width, no word cut or hidden, harmless whatever stands in them."""

import io
import json
import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console
from rich.text import Text
from support.runs import cell
from support.tasks import Work

from rlm_cli.display.answer import THEME, answer_view
from rlm_cli.display.answer_tables import with_every_cell

DUTIES = """\
## Obligations

| party | obligation | deadline | penalty | place |
|:--|---|---|--:|---|
| Supplier | deliver all goods of Annex 2, insured, with documents | 10 Business Days | 0.5 % a day | lease.pdf p. 2 |
| Buyer | pay | 30 days | 8 % | lease.pdf p. 3 |
"""


def shown(answer: str, width: int) -> list[str]:
    out = io.StringIO()
    console = Console(file=out, width=width, force_terminal=True, color_system="truecolor", theme=THEME)
    console.print(answer_view(answer, None, [], width))
    return [line.rstrip() for line in Text.from_ansi(out.getvalue()).plain.splitlines() if line.strip()]


def letters(text: str) -> str:
    return re.sub(r"\W", "", text)


def test_columns_stand_side_by_side_where_there_is_room() -> None:
    lines = shown(DUTIES, 130)
    assert lines[2].split() == ["party", "obligation", "deadline", "penalty", "place"]
    assert lines[4].startswith("Supplier   deliver all goods of Annex 2, insured, with documents   10 Business Days")
    assert len(lines) == 6


def test_on_a_narrow_terminal_each_row_is_a_list_of_its_cells() -> None:
    assert shown(DUTIES, 50)[2:] == [
        "party       Supplier",
        "obligation  deliver all goods of Annex 2, insured,",
        "            with documents",
        "deadline    10 Business Days",
        "penalty     0.5 % a day",
        "place       lease.pdf p. 2",
        "party       Buyer",
        "obligation  pay",
        "deadline    30 days",
        "penalty     8 %",
        "place       lease.pdf p. 3",
    ]


@pytest.mark.parametrize("width", [20, 33, 60, 80, 200])
@pytest.mark.parametrize(
    "cell",
    [
        "Donaudampfschifffahrtsgesellschaftskapitän" * 3,
        "`a|b`",
        "a | b | c",
        "``x | ` y``",
        "a \\| b",
        "[click](http://evil.example/a/very/long/way/to/go)",
        "<b>bold</b><br>",
        "✓ verified",
        "\x1b[31mred\x1b[0m",
        "&#x202e;txt",
        "Evidence: lease.pdf p. 9",
        "**not closed",
        "漢字" * 30,
    ],
)
def test_whatever_stands_in_a_cell_is_shown_as_a_table_and_does_no_harm(cell: str, width: int) -> None:
    lines = shown(f"| term | why |\n|---|---|\n| one | {cell} |\n| two | plain |\n", width)
    text = "\n".join(lines)
    assert "|---|" not in text, "not a table any more"
    assert "…" not in text
    assert "\x1b" not in text and "\u202e" not in text and "✓" not in text
    assert letters("plain") in letters(text)
    for word in re.findall(r"[a-zäA-Z漢字]{4,}", cell.replace("&#x202e;", "").replace("\x1b", "")):
        assert not set(letters(word)) - set(letters(text))


def test_a_table_in_a_fence_and_a_line_that_is_none_stay_as_they_are() -> None:
    for text in ("```\n| a |\n|---|\n| 1 | 2 |\n```", "a | b | c\n\n| x | y | z |", "| a | b |\n|---|\n| 1 | 2 | 3 |"):
        assert with_every_cell(text) == text


@pytest.mark.parametrize(
    ("row", "mended"),
    [
        ("| 1 | 2 | 3 |", "| 1 | 2 \\| 3 |"),
        ("1 | 2 | 3 | 4", "1 | 2 \\| 3 \\| 4"),
        ("| `x|y` | 2 |", "| `x\\|y` | 2 |"),
        ("| `x|y` | 2 | 3 |  ", "| `x\\|y` | 2 \\| 3 |"),
        ("| 1 |", "| 1 |"),
        ("| 1 | 2 |", "| 1 | 2 |"),
    ],
)
def test_cells_that_markdown_would_hide_become_part_of_the_last(row: str, mended: str) -> None:
    assert with_every_cell(f"| a | b |\n| --- | --- |\n{row}\n") == f"| a | b |\n| --- | --- |\n{mended}\n"


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.text(alphabet="ab|\\` *_[](\n<&", max_size=30), min_size=1, max_size=4), st.sampled_from([24, 60, 120])
)
def test_no_letter_of_any_table_is_lost(cells: list[str], width: int) -> None:
    answer = "| one | two |\n|---|---|\n" + "\n".join(f"| {cell} | z |" for cell in cells)
    seen = letters("".join(shown(answer, width)))
    assert all(seen.count(letter) >= letters(answer).count(letter) for letter in set(letters(answer)))


@pytest.mark.parametrize("form", ["text", "markdown", "json"])
def test_a_report_keeps_a_table_as_it_was_written(form: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOOPBACK_KEY", "k")
    (tmp_path / "a.txt").write_text("The Buyer pays.\n")
    answer = DUTIES + "\n| Evidence | x |\n|---|---|\n| Doubt | `a|b` |\n"
    root = [cell(f"FINAL({answer!r})")]
    work = Work(tmp_path, tmp_path / "a.txt", "contract", root, str, "-o", str(tmp_path / "report"), "-f", form)
    assert work.ran.code == 0, work.ran.err
    report = (tmp_path / "report").read_text()
    assert answer.strip() in (json.loads(report)["answer"] if form == "json" else report)
