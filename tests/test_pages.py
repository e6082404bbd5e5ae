"""Pages: how an answer and its evidence name them, and how they are checked and shown."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.pages import contract_in, several_in

from rlm_cli.budget import Budget
from rlm_cli.context import Context
from rlm_cli.engine.progress import Progress
from rlm_cli.findings import Refusal, check_claim, unverified
from rlm_cli.loaders import load
from rlm_cli.places import place_name
from rlm_cli.references import references
from rlm_cli.results import Citation
from rlm_cli.types import Limits


@pytest.fixture(scope="module")
def several(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Context]:
    context = several_in(tmp_path_factory.mktemp("several"))
    yield context
    context.close()


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Context]:
    context = contract_in(tmp_path_factory.mktemp("alone"))
    yield context
    context.close()


# --- evidence -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("where", "quote", "page", "label", "line"),
    [
        ("contract.pdf", "The tenant pays", 3, "1", 7),
        ("contract.pdf p. 4", "Article 2", 4, "2", 9),
        ("contract.pdf, p. 4", "pays", 4, "2", 10),
        ("`contract.pdf` page 3", "pays", 3, "1", 7),
        ("contract.pdf:9", "pays", 4, "2", 10),
        ("contract.pdf p. ii", "Preface", 2, "ii", 4),
        ("contract.pdf printed p. 1", "The tenant", 3, "1", 7),
        ("contract.pdf p. 2 (printed)", "pays", 4, "2", 10),
        ("contract.pdf pp. 3-4", "The landlord", 4, "2", 10),
        ("contract.pdf p. 3", "the rent. Article 2", 3, "1", 7),
        ("lost page mix.pdf p. 2", "kept", 2, None, 3),
        ("Our contract.pdf p. 1", "the rate is 5 %", 1, None, 2),
        ("contract.pdf", "the rent. Article 2", 3, "1", 7),
        ("dump.txt p. 2", "page two and the end", 2, None, 2),
        ("a.py", "y = 2", None, None, 3),
    ],
)
def test_a_quote_is_cited_with_the_page_on_which_it_begins(
    several: Context, where: str, quote: str, page: int | None, label: str | None, line: int
) -> None:
    cited = check_claim(several, where, quote)
    assert isinstance(cited, Citation), cited
    assert (cited.page, cited.page_label, cited.line, cited.verified) == (page, label, line, True)


@pytest.mark.parametrize(
    ("where", "quote", "said"),
    [
        ("contract.pdf p. 99", "Preface", "contract.pdf has the pages 1 to 4, not 99"),
        ("contract.pdf p. 0", "Preface", "contract.pdf has the pages 1 to 4, not 0"),
        ("contract.pdf pp. 4-3", "Preface", "contract.pdf has the pages 1 to 4, not 4-3"),
        ("contract.pdf p. xi", "Preface", "contract.pdf has the pages 1 to 4, not xi"),
        ("a.py p. 1", "y = 2", "a.py has no pages: name a line, as in a.py:1, or the path alone"),
        (
            "contract.pdf p. 1",
            "The tenant pays",
            "the quote stands on contract.pdf p. 3 (printed 1), not p. 1 (p. counts the pages from 1, not the printed "
            "numbers): correct the place, and the answer where it names it",
        ),
        ("dump.txt p. 1", "page two", "the quote stands on dump.txt p. 2, not p. 1 (p. counts"),
    ],
)
def test_a_wrong_page_is_refused_with_the_right_one(several: Context, where: str, quote: str, said: str) -> None:
    refused = check_claim(several, where, quote)
    assert isinstance(refused, Refusal), refused
    assert refused.reason.startswith(said)


def test_the_page_named_counts_where_the_quote_stands_on_several(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("so be it\fso  be\nit\fso be it\f")
    context = load([f"{tmp_path}/a.txt"]).context
    pages = [check_claim(context, f"a.txt p. {number}", "so be it") for number in (1, 2, 3)]
    assert [each.page for each in pages if isinstance(each, Citation)] == [1, 2, 3]


TWO_SIDES = (
    "Head\nThe tenant keeps, at his own expense, the premises\nPage 1\n\fMaster Agreement\n"
    "in good order and hands them over clean.\n\f"
)


@pytest.mark.parametrize(
    ("quote", "said"),
    [
        (
            "The tenant keeps, at his own expense, the premises in good order",
            "the quote agrees up to '... his own expense, the premises' (a.txt p. 1), then the text has 'Page 1 / "
            "Master Agreement / in good order and hands them ove ...': quote one side of the page break",
        ),
        (
            "in good order and hands them down clean.",
            "the quote agrees up to '... good order and hands them' (a.txt p. 2), then the text has 'over clean.': "
            "copy it from the text, character by character",
        ),
        (
            "The tenant keeps, at her own expense, the premises",
            "the quote agrees up to 'The tenant keeps, at' (a.txt p. 1), then the text has 'his own expense, the "
            "premises / Page 1 / Master Agreement / ...': copy it from the text, character by character",
        ),
        ("The tenant sells", "the quote is not in a.txt. Copy it from the text, character by character"),
        ("", "the quote is empty"),
    ],
)
def test_a_quote_that_agrees_for_a_while_is_told_how_far(tmp_path: Path, quote: str, said: str) -> None:
    (tmp_path / "a.txt").write_text(TWO_SIDES)
    refused = check_claim(load([f"{tmp_path}/a.txt"]).context, "a.txt", quote)
    assert isinstance(refused, Refusal)
    assert refused.reason == said


def test_an_offset_leads_to_its_page(alone: Context) -> None:
    text = alone.text(0, alone.characters)
    cited = check_claim(alone, text.rindex("Article"), "pays")
    assert isinstance(cited, Citation)
    assert (cited.page, cited.page_label) == (4, "2")
    held = unverified(alone, text.rindex("Article"), "sells")
    assert (held.page, held.page_label, held.verified) == (4, "2", False)
    assert unverified(alone, "contract.pdf p. 3", "sells").page == 3


def test_a_refusal_names_the_page_where_the_quote_stands(several: Context) -> None:
    refused = check_claim(several, "contract.pdf", "the rate is 5 %")
    assert isinstance(refused, Refusal)
    assert "it stands in annex/Our contract.pdf p. 1." in refused.reason


# --- references in an answer ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "written",
    [
        "contract.pdf p. 3", "contract.pdf, p. 3", "(contract.pdf p. 3)", "`contract.pdf` p. 3", "`contract.pdf p. 3`",
        "contract.pdf (p. 3)", "contract.pdf page 3", "contract.pdf, page 3.", "contract.pdf p.3",
        "**contract.pdf**, p. 3",
        "contract.pdf pp. 3-4", "contract.pdf pages 3\u20134", "contract.pdf on page 3", "| contract.pdf | p. 3 |",
        "see contract.pdf,\np. 3", "contract.pdf Page 3", "contract.pdf \u2014 p. 3",
    ],
)  # fmt: skip
def test_a_page_is_named_in_many_ways(several: Context, written: str) -> None:
    [named] = references(several, f"The rent is due ({written}), it says.")
    assert (named.path, named.page, named.page_label, named.verified) == ("contract.pdf", 3, "1", True)
    assert (named.line, named.end_line, named.quote) == (None, None, None)


@pytest.mark.parametrize(
    ("answer", "found"),
    [
        ("see Our contract.pdf p. 2", [("annex/Our contract.pdf", 2, True)]),
        ("`annex/Our contract.pdf p. 2`", [("annex/Our contract.pdf", 2, True)]),
        (
            "contract.pdf p. 3, p. 4 and p. 9",
            [("contract.pdf", 3, True), ("contract.pdf", 4, True), ("contract.pdf", 9, False)],
        ),
        ("contract.pdf p. 5", [("contract.pdf", 5, False)]),
        ("contract.pdf pp. 4-3", [("contract.pdf", 4, False)]),
        ("contract.pdf pp. 3-9", [("contract.pdf", 3, False)]),
        ("contract.pdf p. ii", [("contract.pdf", 2, True)]),
        ("contract.pdf, printed p. 2, and p. 2", [("contract.pdf", 4, True), ("contract.pdf", 2, True)]),
        ("contract.pdf p. 2 (printed)", [("contract.pdf", 4, True)]),
        ("contract.pdf p. 3 (printed 1)", [("contract.pdf", 3, True)]),
        ("contract.pdf printed page 4", [("contract.pdf", 4, True)]),
        ("contract.pdf p. 0", [("contract.pdf", 0, False)]),
        ("contract.pdf p. 3 and contract.pdf p. 3", [("contract.pdf", 3, True)]),
        ("dump.txt p. 2 but a.py p. 2", [("dump.txt", 2, True), ("a.py", 2, False)]),
        ("missing.pdf p. 2", [("missing.pdf", 2, False)]),
        ("no document named, p. 2", []),
        ("contract.pdf has a page mix, an app. 3 and p.m. 3", []),
        ("at 12:30 p. m., stop. 3 pages", []),
    ],
)
def test_references_to_pages_are_checked(several: Context, answer: str, found: list[tuple[str, int, bool]]) -> None:
    assert [(each.path, each.page, each.verified) for each in references(several, answer)] == found


@pytest.mark.parametrize(
    ("answer", "found"),
    [
        ("The tenant pays (p. 3). The landlord pays (page 4).", [(3, True), (4, True)]),
        ("pp. 3-4", [(3, True)]),
        ("as p. ii says", [(2, True)]),
        ("p. 17", [(17, False)]),
        ("missing.pdf p. 1", [(1, False)]),
    ],
)
def test_with_one_document_its_pages_need_no_name(alone: Context, answer: str, found: list[tuple[int, bool]]) -> None:
    assert [(each.page, each.verified) for each in references(alone, answer)] == found


@pytest.mark.parametrize(
    "answer",
    ["p. 3 to 900", "p. 3 through 900", "p. 3\u2014900", "p. 3\u2212900", "p. 3 -- 900", "pp. 3-900", "p. 900"],
)
def test_a_range_that_ends_beyond_the_document_does_not_hold(alone: Context, answer: str) -> None:
    [citation] = references(alone, f"See contract.pdf {answer}.")
    assert not citation.verified


@pytest.mark.parametrize("answer", ["p. 3,000", "p. 3'000", "p. 3\u2019000", "p. 3\u202f000", "p. 3.5", "p. 3\u200b0"])
def test_the_start_of_a_longer_number_is_no_page(alone: Context, answer: str) -> None:
    assert not any(each.verified for each in references(alone, f"See contract.pdf {answer} of it."))
    assert any(each.verified for each in references(alone, "See contract.pdf p. 3, p. 4. It ends there."))


def test_a_line_of_a_document_with_pages_has_its_page_too(several: Context) -> None:
    named, beyond = references(several, "contract.pdf:7 and contract.pdf:99 p")
    assert (named.line, named.page, named.page_label, named.verified) == (7, 3, "1", True)
    assert (beyond.line, beyond.page, beyond.verified) == (99, None, False)


@pytest.mark.parametrize(
    "part",
    ["p. 1 ", "contract.pdf p. 3, ", "p. iii", "x.pdf p. ", " " * 300 + "p. 1", "`contract.pdf ", "a " * 8 + "p. 7 "]
)  # fmt: skip
def test_answers_made_against_the_search_for_pages_end(several: Context, part: str) -> None:
    # Steps of the search are bounded, so that twice the answer is twice the work; no clock is asserted.
    answer = part * (300_000 // len(part))
    assert len(references(several, answer)) <= len(re.findall(r"p\.|:", answer))


@pytest.mark.parametrize(
    ("evidence", "answer", "named"),
    [
        ([("contract.pdf p. 2", "lies")], "contract.pdf p. 1, p. 2 and p. 99", [(None, 1), (None, 99)]),
        ([("contract.pdf", "The tenant pays")], "contract.pdf p. 3 and p. 4", [(None, 4)]),
        ([("dump.txt p. 2", "page two")], "dump.txt p. 2", []),
        ([("contract.pdf", "The tenant pays")], "contract.pdf:7 and contract.pdf:6", [(6, 3)]),
        ([("contract.pdf", "lies")], "contract.pdf p. 1", [(None, 1)]),
        ([("dump.txt", "page one"), ("a.py", "lies")], "a.py:2 and a.py:3", [(2, None), (3, None)]),
    ],
)
def test_a_reference_is_left_out_only_where_evidence_stands_at_its_place(
    several: Context, evidence: list[tuple[str, str]], answer: str, named: list[tuple[int | None, int | None]]
) -> None:
    progress = Progress(answer=answer)
    for where, quote in evidence:
        checked = check_claim(several, where, quote)
        progress.citations[unverified(several, where, quote) if isinstance(checked, Refusal) else checked] = None
    cited = progress.result("complete", "final", several, Budget(Limits())).citations
    assert [(each.line, each.page) for each in cited if each.quote is None] == named
    assert len(cited) == len(evidence) + len(named)


# --- as it is shown -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("citation", "shown"),
    [
        (Citation("a.pdf", 812, 814, page=12), "a.pdf p. 12"),
        (Citation("a.pdf", 812, 812, page=12, page_label="12"), "a.pdf p. 12"),
        (Citation("a.pdf", 812, 812, page=12, page_label="vi"), "a.pdf p. 12 (printed vi)"),
        (Citation("a.pdf", page=12), "a.pdf p. 12"),
        (Citation("a.py", 3, 4), "a.py:3-4"),
        (Citation("a.py"), "a.py"),
    ],
)
def test_reports_show_pages_where_there_are_pages(citation: Citation, shown: str) -> None:
    assert place_name(citation) == shown
