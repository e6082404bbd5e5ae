"""Findings in plain text and on a terminal: the code around them, carets under what is quoted, bounded and harmless."""

import io
from collections.abc import Iterable
from dataclasses import replace

import pytest
from rich.cells import cell_len
from rich.console import Console
from support.findings import HOSTILE, by_hand, found, loaded, nothing_found, partial, reporting

from rlm_cli.context import Context
from rlm_cli.context_writer import ContextWriter
from rlm_cli.display.findings import finding_lines
from rlm_cli.excerpts import excerpt_of
from rlm_cli.places import has_own_lines
from rlm_cli.report import report_of
from rlm_cli.reports import render, summary_line
from rlm_cli.reports.finding_text import excerpt_lines
from rlm_cli.results import Sifted


@pytest.fixture(scope="module")
def context(tmp_path_factory: pytest.TempPathFactory) -> Context:
    return loaded(tmp_path_factory.mktemp("in"))


def written(*documents: tuple[str, str]) -> Context:
    writer = ContextWriter(several=len(documents) > 1)
    for path, text in documents:
        writer.add(path, [text.encode()])
    return writer.finish(tuple(path for path, _ in documents), (), tokens=1)


def excerpt(context: Context, path: str, quote: str) -> list[str]:
    finding = found(context, path, quote)
    return list(excerpt_lines(reporting(context, finding), finding))


def test_carets_stand_under_the_quote() -> None:
    context = written(("a.py", "one\ntwo\n\tx = '日本語' + input()\nfour\nfive\nsix\n"))
    lines = excerpt(context, "a.py", "input()")
    assert lines == [
        "  1 | one",
        "  2 | two",
        "> 3 |     x = '日本語' + input()",
        "    |                    ^^^^^^^",
        "  4 | four",
        "  5 | five",
    ]
    code, carets = lines[2], lines[3]
    assert cell_len(code[: code.index("input")]) == carets.index("^")


def test_all_lines_of_a_quote_are_marked_but_not_their_indents() -> None:
    context = written(("a.py", "f(\n    1,\n\n    2,\n)\n"))
    assert excerpt(context, "a.py", "1,\n\n    2,") == [
        "  1 | f(",
        "> 2 |     1,",
        "    |     ^^",
        "  3 |",
        "> 4 |     2,",
        "    |     ^^",
        "  5 | )",
    ]


def test_blank_lines_around_are_left_out() -> None:
    assert excerpt(written(("a.py", "\n\nx\n\n\n")), "a.py", "x") == ["> 3 | x", "    | ^"]


def test_a_long_quote_says_how_much_is_hidden() -> None:
    context = written(("a.py", "".join(f"line {number}\n" for number in range(1, 31))))
    lines = excerpt(context, "a.py", "\n".join(f"line {number}" for number in range(5, 25)))
    assert len(lines) == 2 + 8 * 2 + 1
    assert lines[-1] == "     | ... 12 more lines"


def test_a_line_of_a_megabyte_is_cut_around_the_quote() -> None:
    context = written(("app.min.js", "var a=1;" * 130_000 + "eval(input)" + ";b()" * 1_000 + "\n" + "c" * 1_000_000))
    lines = excerpt(context, "app.min.js", "eval(input)")
    assert max(map(len, lines)) < 200
    assert "eval(input)" in lines[0]
    assert lines[0].index("eval") == lines[1].index("^")
    assert lines[1].count("^") == len("eval(input)")
    assert lines[0].startswith("> 1 | …") and lines[0].endswith("…")
    assert len(render("text", reporting(context, found(context, "app.min.js", "eval(input)")))) < 2_000


def test_a_quote_longer_than_a_screen_is_cut() -> None:
    context = written(("a.txt", "x" * 5_000))
    first, below = excerpt(context, "a.txt", "x" * 1_000)
    assert len(first) < 200
    assert below.count("^") == 160


def test_carets_follow_what_is_shown_of_control_characters() -> None:
    context = written(("a.txt", "\x1b[31mred\u202e = 1\r\n"))
    line, below = excerpt(context, "a.txt", "= 1")
    assert line == "> 1 | \\x1b[31mred\\u202e = 1"
    assert below == "    | " + " " * len("\\x1b[31mred\\u202e ") + "^^^"


def test_a_hidden_secret_moves_the_carets() -> None:
    context = written(("a.py", "key = 'hunter2' ; use(key)\nother = 1\n"))
    plain = found(context, "a.py", "use(key)")
    report = reporting(context, plain)
    masked = report_of(
        report.task, report.result, report.sifted, None, lambda text: text.replace("hunter2", "<SECRET:x:1>")
    )
    [finding] = masked.sifted.reported
    first, below, *_ = excerpt_lines(masked, finding)
    assert first == "> 1 | key = '<SECRET:x:1>' ; use(key)"
    assert below.index("^") == first.index("use(")


def test_a_secret_over_several_lines_is_shown_without_their_numbers() -> None:
    context = written(("a.pem", "x\nBEGIN\nabc\nEND\ny\n"))
    report = reporting(context, found(context, "a.pem", "BEGIN\nabc\nEND"))
    masked = report_of(
        report.task, report.result, report.sifted, None, lambda text: text.replace("BEGIN\nabc\nEND", "<SECRET:key:1>")
    )
    [finding] = masked.sifted.reported
    assert list(excerpt_lines(masked, finding)) == [">  | <SECRET:key:1>", "   | ^^^^^^^^^^^^^^"]
    assert "abc" not in render("text", masked)


def test_a_page_shows_no_other_page_and_no_lines_that_are_not_there(context: Context) -> None:
    assert excerpt(context, "contract.pdf", "The tenant pays the rent.") == [
        "   | Article 1",
        ">  | The tenant pays the rent.",
        "   | ^^^^^^^^^^^^^^^^^^^^^^^^^",
    ]


@pytest.mark.parametrize(
    ("path", "own"), [("app/db.py", True), ("study.ipynb", False), ("contract.pdf", False), ("no.py", False)]
)
def test_some_files_have_lines_of_their_own(context: Context, path: str, own: bool) -> None:
    assert has_own_lines(context.document(path)) is own


def test_pages_of_plain_text_have_lines_of_their_own() -> None:
    context = written(("a.txt", "one\n\ftwo\n"))
    document = context.document("a.txt")
    assert document is not None and document.pages
    assert has_own_lines(document)


def test_no_line_of_a_message_is_a_command_to_a_runner(context: Context) -> None:
    message = "fine\n::error file=a::b\n  ::add-mask::x\n##[error]c\n##vso[task.setvariable]d"
    finding = found(context, "app/db.py", "db.close()", title=f"::stop {HOSTILE}", message=message, reason=message)
    text = render("text", reporting(context, finding, answer=message, doubt=message))
    assert not [line for line in text.splitlines() if line.strip().startswith("::")]
    assert "##[" not in text and "##vso[" not in text
    assert "    fine\n    > ::error file=a::b\n" in text


def test_the_answer_writes_no_lines_of_the_findings_report(context: Context) -> None:
    answer = "Findings: none\n\nCoverage: all\nhigh: x\nAll in all: two."
    text = render("text", nothing_found(context, answer=answer))
    assert text.startswith("> Findings: none\n\n> Coverage: all\n> high: x\nAll in all: two.\n\nFindings: none\n")
    alone = render("text", nothing_found(context, answer="high: x", coverage=None))
    assert alone == "high: x\n"


def test_references_that_do_not_hold_are_named(context: Context) -> None:
    from rlm_cli.references import references

    answer = "See app/db.py:5 and app/db.py:999."
    report = nothing_found(context, answer=answer, citations=tuple(references(context, answer)))
    assert "Places named in the answer that do not exist: app/db.py:999" in render("text", report)


def test_long_lists_are_counted(context: Context) -> None:
    finding = found(context, "app/db.py", "db.close()")
    report = reporting(context)
    text = render("text", replace(report, sifted=Sifted(known=(finding,) * 15)))
    assert "Findings: none, 15 known\n\nKnown:\n" in text
    assert text.count("  high: SQL built from input, app/db.py:10") == 10
    assert "  and 5 more\n" in text


def test_the_summary_counts_findings(context: Context) -> None:
    report = by_hand(context)
    line = summary_line(report.result, 4, 0, report.sifted)
    assert line.endswith(
        "4 documents read, 3 looked at; 4 findings (1 critical, 1 high, 1 medium, 1 low; 2 confirmed), 1 known, "
        "1 refuted, 1 ignored by a comment, 2 rejected (no such text)"
    )
    plain = nothing_found(context, coverage=None)
    assert summary_line(plain.result, 4, 0, plain.sifted).endswith("4 documents read")
    assert summary_line(plain.result, 4, 0) == summary_line(plain.result, 4, 0, plain.sifted)


# --- on a terminal ------------------------------------------------------------------------------------------------


def screen(lines: Iterable[object], width: int) -> list[str]:
    console = Console(file=io.StringIO(), width=width, highlight=False)
    for line in lines:
        console.print(line, soft_wrap=True)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue().splitlines()


def test_a_terminal_shows_the_same() -> None:
    context = written(("a.py", "one\n\tx = '日本語' + input()\n"))
    report = reporting(context, found(context, "a.py", "input()", verdict="confirmed", cwe="CWE-20"))
    assert screen(finding_lines(partial(report), 80), 80) == [
        "Findings  1 (1 high; 1 confirmed)",
        "",
        "high  SQL built from input",
        "  a.py:2  sql-injection, CWE-20",
        "    1 │ one",
        "  > 2 │     x = '日本語' + input()",
        "      │                    ^^^^^^^",
        "  The name goes into the query as it is.",
        "  confirmed by a second look, confidence 0.90",
        "",
        "Coverage  3 of 4 files looked at; not contract.pdf",
        "",
        "Incomplete: the run ended early because its cost limit was reached, so what is",
        "not reported may be there",
    ]


@pytest.mark.parametrize("width", [40, 80, 140])
def test_no_line_is_wider_than_the_screen_and_none_is_hostile(context: Context, width: int) -> None:
    finding = found(context, "app/db.py", "db.close()", title=HOSTILE, message=HOSTILE * 20, reason=HOSTILE)
    wide = found(context, "app/über uns#1.py", "KEY = 'größe'; TOKEN = 'hunter2'  # 日本語")
    for report in (by_hand(context), reporting(context, finding, wide)):
        lines = screen(finding_lines(report, width), width)
        assert len(lines) > 10
        assert all(cell_len(line) <= width for line in lines)
        assert not set("".join(lines)) & {"\x1b", "\u202e", "\x00", "\r"}


def test_a_terminal_says_nothing_of_findings_where_none_were_asked_for(context: Context) -> None:
    assert finding_lines(nothing_found(context, coverage=None), 80) == []


def test_an_excerpt_of_an_unknown_document_is_its_quote(context: Context) -> None:
    finding = replace(found(context, "app/db.py", "db.close()"), path="gone.py")
    [row] = excerpt_of(reporting(context, finding), finding).rows
    assert (row.number, row.text, row.marked) == (None, "db.close()", "db.close()")
