"""Screens of written runs, letter by letter, and what holds for every screen: it fits, it is harmless, it is calm."""

import io
import unicodedata

import pytest
from rich.console import Console
from rich.text import Text
from support.screens import FOLDER, MOMENTS, WIDTHS, above, drawn, state_of

from rlm_cli.display.answer import THEME, Evidence, answer_view
from rlm_cli.display.code import highlighted
from rlm_cli.display.screen import block, status


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("moment", MOMENTS)
def test_a_screen_looks_as_it_did(moment: str, width: int) -> None:
    assert drawn(moment, width) == (FOLDER / f"{moment}.{width}.txt").read_text()


@pytest.mark.parametrize("width", [20, 60, 61, 80, 140])
@pytest.mark.parametrize("moment", MOMENTS)
def test_every_line_fits_ends_where_its_words_do_and_steers_nothing(moment: str, width: int) -> None:
    state = state_of(*MOMENTS[moment])
    under_way = [line for each in state.run.iterations for line in block(each, width, state.at)]
    for line in [*above(state, width), *under_way, *status(state, width, state.at)]:
        assert line.cell_len <= width
        assert line.plain == line.plain.rstrip(" ")
        assert harmless(line.plain)


def harmless(text: str) -> bool:
    return not any(unicodedata.category(char) in ("Cc", "Cs") or char in "\u202e\u2066" for char in text)


def on_a_terminal(answer: str, evidence: list[Evidence] | None = None) -> str:
    """Return an answer as it stands on a terminal of 60 columns, with every code a terminal would take in."""
    out = io.StringIO()
    console = Console(file=out, width=60, force_terminal=True, color_system="truecolor", theme=THEME, highlight=False)
    console.print(answer_view(answer, None, evidence or [], 60))
    return out.getvalue()


def words(screen: str) -> str:
    return Text.from_ansi(screen).plain


def test_markdown_is_rendered() -> None:
    shown = words(on_a_terminal("# Title\n\nSome *emphasis* and `code`.\n\n- one\n- two\n\n```python\nx = 1\n```"))
    assert [line for line in shown.splitlines() if line] == [
        "Answer", "Title", "Some emphasis and code.", " • one", " • two", "  x = 1",
    ]  # fmt: skip


def test_markdown_hides_nothing() -> None:
    shown = words(
        on_a_terminal("Vec<u8> and <script>x</script>\nline two [a](http://b/c) ![d](file:///e)\n\n<div>\nf\n</div>")
    )
    for each in (
        "Vec<u8>",
        "<script>x</script>\nline two",
        "a (http://b/c)",
        "![d](file:///e)",
        "<div>\n  f\n  </div>",
    ):
        assert each in shown


def test_json_is_no_markdown() -> None:
    assert '{"*a*": "__b__", "c": ["- d"]}' in words(on_a_terminal('{"*a*": "__b__", "c": ["- d"]}'))


@pytest.mark.parametrize(
    "hostile",
    [
        "\x1b]8;;http://evil/\x1b\\x\x1b]8;;\x1b\\",
        "[x](http://evil/)",
        "![x](http://evil/)",
        "<http://evil/>",
        "a &#x202e; b &#27;[2J &#13; c",
        "`\x1b[31m`\n\n```\n\x1b[2J\r\n```\n\n| \x1b[1m | b |\n|---|---|\n| \x07 | d |",
        "# \x1b[5m\n\n> \x9b31m",
    ],
)
def test_an_answer_steers_no_terminal(hostile: str) -> None:
    shown = on_a_terminal(hostile, [Evidence(hostile, hostile, False), Evidence(hostile, None, False)])
    assert "\x1b]" not in shown, "no links, no titles"
    assert harmless(words(shown).replace("\n", ""))
    codes = {part.partition("m")[0] for part in shown.split("\x1b[")[1:]}
    assert all(set(code) <= set("0123456789;") for code in codes), "nothing but colours"


def test_what_does_not_hold_is_marked_in_words() -> None:
    shown = words(
        on_a_terminal("x", [Evidence("a:1", "q", True), Evidence("b:2", "r", False), Evidence("c:3", None, False)])
    )
    assert "✓ a:1\n    q" in shown
    assert "✗ b:2  not found there\n    r" in shown
    assert "✗ c:3  no such place" in shown


def plain_words(answer: str) -> str:
    """Return what is shown below the heading, as words."""
    shown = words(on_a_terminal(answer)).removeprefix("Answer\n")
    return " ".join(shown.split())


@pytest.mark.parametrize(
    "hiding",
    [
        '[terms](http://a "the fee is waived")',
        "text\n\n[fee]: http://a\n",
        "```the fee is waived\nx\n```",
        "```the-fee-is-waived\nx\n```",
        "> " * 25 + "the fee is waived",
        "- " * 25 + "the fee is waived",
        "1. a\n5. b",
    ],
)
def test_where_markdown_would_hide_words_the_answer_stands_as_it_was_written(hiding: str) -> None:
    shown = words(on_a_terminal(hiding)).removeprefix("Answer\n")
    assert "".join(shown.split()) == "".join(hiding.split())


@pytest.mark.parametrize(
    ("rendered", "hidden_sign"),
    [
        ("**bold** " + "word" * 50, "*"),
        ("*5* &lt; 6 &amp; R&amp;D", "*"),
        ("1. *a*\n2. b\n   ```python\n   x = 1\n   ```", "*"),
        ("| name | what |\n|---|---|\n| " + "*first* long words " * 6 + " | " + "second long words " * 6 + "|", "*"),
        ("## a\n\n~~~js\nx\n~~~\n\n[b](http://c/d)", "#"),
    ],
)
def test_markdown_that_hides_no_word_is_rendered_still(rendered: str, hidden_sign: str) -> None:
    assert hidden_sign not in plain_words(rendered)


def test_an_answer_nested_too_deeply_for_json_is_text() -> None:
    assert plain_words("[" * 1_200).replace(" ", "") == "[" * 1_200


def test_the_signs_of_checked_evidence_are_not_the_answers_to_write() -> None:
    forged = "Waived.\n\nEvidence\n\n\u00a0\u00a0✓ contract.pdf p. 3 ✔ ✅\n\n`✗` &#10003; &check;"
    shown = words(on_a_terminal(forged, [Evidence("a:1", "q", True)]))
    assert [line for line in shown.splitlines() if set(line) & set("✓✔✅✗")] == ["  ✓ a:1"]
    assert "(yes) contract.pdf p. 3" in shown


@pytest.mark.parametrize(
    ("code", "language", "coloured"),
    [
        ("if x: return 1", "python", True),
        ("if x: return 1\n" * 4_000, "python", False),
        ("if x: return 1", "ng2", False),
        ("<a>" * 10, "apacheconf", False),
    ],
)
def test_code_is_coloured_in_few_languages_and_up_to_a_length(code: str, language: str, coloured: bool) -> None:
    lines = highlighted(code, language)
    assert any(span.style for line in lines for span in line.spans) == coloured
    assert "\n".join(line.plain for line in lines) == code.rstrip("\n")


def test_a_quote_of_one_long_line_is_shown_to_its_end() -> None:
    quote = " ".join(["The invoice falls due"] + ["upon receipt of the goods"] * 4 + ["or the right is forfeited"])
    shown = words(on_a_terminal("x", [Evidence("a:1", quote, True)]))
    assert quote in " ".join(shown.split())
