"""Claims about the text: what stands there is found, what does not is marked, and no claim can hang or end the host."""

from pathlib import Path

import pytest

from rlm_cli.context import Context
from rlm_cli.findings import Refusal, check_claim, unverified
from rlm_cli.loaders import load
from rlm_cli.references import references
from rlm_cli.results import Citation

FILES = {
    "src/app.py": "import os\n\n\ndef main():\n    return run(\n        1,\n        2,\n    )\n\n\nmain()\nmain()\n",
    "src/views.py": "def index():\n    return 1\n",
    "docs/read me.txt": "see  the\ttable\nbelow\n",
}


@pytest.fixture(scope="module")
def context(tmp_path_factory: pytest.TempPathFactory) -> Context:
    folder = tmp_path_factory.mktemp("in")
    for name, text in FILES.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text)
    return load([str(folder)]).context


def place(citation: Citation | Refusal) -> tuple[str, int | None, int | None]:
    assert isinstance(citation, Citation), citation
    assert citation.verified
    return citation.path, citation.line, citation.end_line


@pytest.mark.parametrize(
    ("where", "quote", "found"),
    [
        ("src/app.py", "import os", ("src/app.py", 1, 1)),
        ("app.py", "def main():", ("src/app.py", 4, 4)),
        ("./src/app.py", "return run(\n        1,", ("src/app.py", 5, 6)),
        ("src/app.py", "return run( 1, 2, )", ("src/app.py", 5, 8)),
        ("src/app.py", "main()", ("src/app.py", 4, 4)),
        ("src/app.py:12", "main()", ("src/app.py", 12, 12)),
        ("src/app.py:999999999", "main()", ("src/app.py", 12, 12)),
        ("docs/read me.txt", "the table below", ("docs/read me.txt", 1, 2)),
    ],
)
def test_a_quote_is_found_where_it_stands(
    context: Context, where: str, quote: str, found: tuple[str, int, int]
) -> None:
    assert place(check_claim(context, where, quote)) == found


def test_an_offset_chooses_among_several_places(context: Context) -> None:
    document = context.document("src/app.py")
    assert document is not None
    whole = context.text(document.span.start, document.span.end)
    last = document.span.start + whole.rindex("main()")
    assert place(check_claim(context, last, "main()")) == ("src/app.py", 12, 12)


@pytest.mark.parametrize(
    ("where", "quote", "said"),
    [
        ("src/app.py", "import sys", "the quote is not in src/app.py"),
        ("src/app.py", "def index():", "it stands in src/views.py:1"),
        ("src/apps.py", "x", "did you mean src/app.py"),
        ("lib/app.py", "x", "did you mean src/app.py?"),
        ("src/app.py", "  \n ", "the quote is empty"),
        ("src/app.py", "x" * 2_001, "the most is 2,000"),
        (10**12, "x", "outside the context"),
        (-1, "x", "outside the context"),
        ("src/app.py", "\ud800", "the quote is not in"),
    ],
)
def test_a_claim_that_does_not_hold_is_refused_with_what_to_do(
    context: Context, where: str | int, quote: str, said: str
) -> None:
    refused = check_claim(context, where, quote)
    assert isinstance(refused, Refusal)
    assert said in refused.reason


@pytest.mark.parametrize("where", ["in.txt:" + "9" * 5_000, "a" + ":1" * 5_000, ":" * 5_000, "\0", "a/" * 5_000, ""])
def test_no_place_is_too_odd(context: Context, where: str) -> None:
    assert isinstance(check_claim(context, where, "x"), Refusal)
    assert not unverified(context, where, "x").verified
    assert isinstance(references(context, where), list)


def test_text_made_to_be_slow_is_given_up_and_said(tmp_path: Path) -> None:
    (tmp_path / "slow.txt").write_text("a " * 1_000_000)
    context = load([str(tmp_path / "slow.txt")]).context
    refused = check_claim(context, "slow.txt", "a  " * 30 + "b")
    assert isinstance(refused, Refusal)
    assert "too much of the text begins like the quote" in refused.reason
    assert place(check_claim(context, "slow.txt", "a a a")) == ("slow.txt", 1, 1)
    assert references(context, "a" * 1_000_000) == []


def test_places_in_an_answer_are_checked_for_existence(context: Context) -> None:
    answer = (
        "See src/app.py:4, views.py:1-2 and `docs/read me.txt:2`; src/app.py:4 again. Not src/app.py:99, nor "
        "lib/gone.py:3. At 12:30 on localhost:8080 http://example.org:80/ nothing happened, ratio 3:1."
    )
    found = [(each.path, each.line, each.end_line, each.verified) for each in references(context, answer)]
    assert found == [
        ("src/app.py", 4, 4, True),
        ("src/views.py", 1, 2, True),
        ("docs/read me.txt", 2, 2, True),
        ("src/app.py", 99, 99, False),
        ("lib/gone.py", 3, 3, False),
    ]


def test_a_text_that_begins_like_a_long_quote_everywhere_is_given_up_early(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("a " * 60_000)
    context = load([str(tmp_path)]).context
    refused = check_claim(context, "a.txt", "a  " * 600 + "b")
    assert isinstance(refused, Refusal) and "too much of the text begins like the quote" in refused.reason
    context.close()
