"""Findings as a comment: rendered as GitHub does, model text is words in its own place and nothing else."""

import re
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from support.findings import HOSTILE, by_hand, found, loaded, reporting

from rlm_cli.context import Context
from rlm_cli.reports import render
from rlm_cli.reports.markdown_safe import code, fenced, in_html, inline, paragraphs
from rlm_cli.safe_text import safe

MARKDOWN = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
OURS = set("details summary h2 p strong table thead tbody tr th td code pre ul li br".split())
BREAKOUTS = [
    "</details><script>alert(1)</script>", "<!-- ", "| a | b |", "```\n# head\n```", "~~~\n", "@octocat and @org/team",
    "#12, GH-12, org/repo#12 and !7", "![x](http://example.com/x.png)", "[x](http://example.com)", "[x]: http://a.com",
    "http://example.com www.example.com a@example.com", "<http://example.com>", "# head", "- item", "+ item", "1. item",
    "1) item", "> quoted", "head\n===", "head\n---", "    indented", "\tindented", "*a* _b_ **c** ~~d~~ `e`", "a\\",
    "\\", "&lt;b&gt; &#64;you", "***", "/close", "$x^2$", "one\ntwo\n\nfour", "`" * 5, "a | b ` c | d", HOSTILE,
]  # fmt: skip


@pytest.fixture(scope="module")
def context(tmp_path_factory: pytest.TempPathFactory) -> Context:
    return loaded(tmp_path_factory.mktemp("in"))


class Reader(HTMLParser):
    """Reads what was rendered: its tags, balanced, and its text outside code."""

    def __init__(self, rendered: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.open: list[str] = []
        self.words = ""
        self.code = ""
        self.attributes: set[str] = set()
        self.feed(rendered)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes |= {name for name, _ in attrs}
        self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "code" in self.open:
            self.code += data
        else:
            self.words += data

    def handle_comment(self, data: str) -> None:
        raise AssertionError("a comment")


def names_nobody(words: str) -> bool:
    return not re.search(r"[@#!]\w|GH-\d|://|www\.", words)


@pytest.mark.parametrize("text", BREAKOUTS)
def test_model_text_is_words_in_its_own_place(context: Context, text: str) -> None:
    finding = found(context, "app/db.py", "db.close()", title=text, message=text, reason=text)
    comment = render("markdown", reporting(context, finding, answer=text, doubt=text, warnings=(text,)))
    read = Reader(MARKDOWN.render(comment))
    assert set(read.tags) <= OURS
    assert (read.tags.count("details"), read.tags.count("h2"), read.tags.count("table")) == (3, 1, 1)
    assert (read.tags.count("tr"), read.tags.count("td"), read.tags.count("pre")) == (2, 4, 2)
    assert read.attributes <= {"class"}
    assert names_nobody(read.words), read.words
    assert "\n/close" not in comment.replace("```text\n/close", "")


@given(st.text(max_size=60))
def test_a_line_comes_out_as_it_went_in(text: str) -> None:
    line = inline(text)
    assert "\n" not in line
    read = Reader(MARKDOWN.render(f"x {line}"))
    assert read.tags == ["p"]
    assert read.words.replace("\u200b", "").split() == ["x", *safe(text).replace("\u200b", "").split()]
    assert names_nobody(read.words)


@given(st.lists(st.sampled_from([*BREAKOUTS, "", "word", "2. x", "= =", "--"]), max_size=5).map("\n".join))
def test_paragraphs_are_paragraphs(text: str) -> None:
    read = Reader(MARKDOWN.render(paragraphs(text)))
    assert set(read.tags) <= {"p", "br"}
    assert names_nobody(read.words)


@given(st.text(alphabet="`~ \nabc#<|", max_size=40))
def test_no_code_ends_its_block_or_its_span(text: str) -> None:
    block = Reader(MARKDOWN.render(f"{fenced(text)}\n\nafter"))
    assert block.tags == ["pre", "code", "p"]
    assert block.code.rstrip() == text.rstrip()
    if text.strip():
        span = Reader(MARKDOWN.render(f"x {code(text)} y"))
        assert span.tags == ["p", "code"]
        row = Reader(MARKDOWN.render(f"| a | b |\n| --- | --- |\n| {code(text, in_table=True)} | b |\n"))
        assert (row.tags.count("td"), row.tags.count("code")) == (2, 1)


@given(st.text(max_size=40))
def test_no_text_is_a_tag(text: str) -> None:
    read = Reader(MARKDOWN.render(f"<details>\n<summary>{in_html(text)}</summary>\n\nx\n\n</details>\n"))
    assert read.tags == ["details", "summary", "p"]


def test_a_language_is_a_word() -> None:
    assert fenced("x", "py").startswith("```py\n")
    assert fenced("x", "p`y").startswith("```\n")


def test_a_comment_has_room_for_what_matters_most(context: Context) -> None:
    finding = found(context, "app/db.py", "db.close()", message="word " * 100)
    comment = render("markdown", reporting(context, *[finding] * 500))
    assert len(comment) < 65_536
    assert "## rlm: 500 findings: 500 high" in comment
    assert "| | and 400 more | | |" in comment
    shown = comment.count("<summary>high: ")
    assert shown > 20
    assert f"The details of {500 - shown} findings are left out" in comment


def test_a_report_on_a_question_is_its_answer(context: Context) -> None:
    report = reporting(context, answer="**Yes.**", coverage=None)
    assert render("markdown", report).startswith("# find vulns\n\n**Yes.**\n\n## Run\n")


def test_a_long_answer_cannot_crowd_out_the_findings(context: Context) -> None:
    finding = found(context, "app/db.py", "db.close()")
    comment = render("markdown", reporting(context, finding, answer="x " * 200_000, doubt="y" * 100_000))
    assert len(comment) < 65_536
    assert "<summary>high: SQL built from input" in comment


def test_what_is_not_reported_is_listed_apart(context: Context) -> None:
    comment = render("markdown", by_hand(context))
    assert comment.index("<summary>Refuted: 1") > comment.index("<summary>Known: 1") > comment.index("low: No date")
