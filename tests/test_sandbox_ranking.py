"""bm25: which words are found where, in what order pieces come, and what is printed of them."""

import math
import random
import re

import pytest
from support.repl import session_over

from rlm_cli.sandbox.ranking import ranking_over
from rlm_cli.sandbox.tables import Document, Documents

CODE = {
    "auth/tokens.py": "class AccessTokenStore:\n    def refresh_token(self, expires):\n"
    "        return HTTPToken2(expires)\n",
    "docs/policy.md": "# Policies\n\nEach token expires after an hour. The policy of stores is another one.\n",
    "misc/other.txt": "betokened tokenizer stored\nnothing here\n",
}


def pieces(documents: dict[str, str]) -> tuple[str, Documents]:
    context, rows = "", []
    for path, text in documents.items():
        context += f"===== {path} =====\n"
        start = len(context)
        context += text
        rows.append((path, start, len(context)))
    return context, Documents(
        Document(context, [], path, start, end, 1, 1, "txt", 0, None, 0, None, None, None, None)
        for path, start, end in rows
    )


def found(query: str, documents: dict[str, str] | None = None, k: int = 10) -> list[tuple[str, str]]:
    context, table = pieces(CODE if documents is None else documents)
    hits = ranking_over(context, table, lambda line: None)(query, k)
    assert all(context.startswith(hit.match, hit.offset) for hit in hits)
    return [(hit.path, hit.match) for hit in hits]


def test_hits_are_printed_with_score_place_text_and_totals() -> None:
    with session_over(CODE) as session:
        shown = session.value(
            "h = bm25('refresh tokens')\nprint(h[0].path, h[0].line, context[h[0].offset:][:7], h.total)"
        )
        assert re.fullmatch(
            r"\d\.\d auth/tokens\.py:2:     def refresh_token\(self, expires\):\n"
            r"\d\.\d docs/policy\.md:3: Each token expires after an hour\. The policy of stores is another one\.\n"
            r"2 of 2 pieces shown; pieces with each word: refresh 1, tokens 2\n"
            r"auth/tokens\.py 2 refresh 2",
            shown,
        )
        assert session.value("h = bm25('unheard of')") == "no hits; none of these words is there: unheard"
        assert session.value("h = bm25('token', k=1)").splitlines()[-1].startswith("1 of 2 pieces shown")
        assert session.value("print(len(bm25('token', path='docs/*')))").endswith("\n1")
        assert "KeyError" in session.error("bm25('token', path='nowhere.txt')")


@pytest.mark.parametrize(
    ("query", "matches"),
    [
        ("token", {"auth/tokens.py", "docs/policy.md"}),
        ("tokens", {"auth/tokens.py", "docs/policy.md"}),
        ("access", {"auth/tokens.py"}),
        ("http", {"auth/tokens.py"}),
        ("2", {"auth/tokens.py"}),
        ("AccessTokenStore", {"auth/tokens.py", "docs/policy.md"}),
        ("refresh_token", {"auth/tokens.py", "docs/policy.md"}),
        ("policy", {"docs/policy.md"}),
        ("policies", {"docs/policy.md"}),
        ("tokenizer", {"misc/other.txt"}),
        ("store", {"auth/tokens.py", "docs/policy.md"}),
        ("the", {"docs/policy.md"}),
        ("txt", set()),
    ],
)
def test_words_are_told_apart_as_in_identifiers(query: str, matches: set[str]) -> None:
    assert {path for path, _ in found(query)} == matches


@pytest.mark.parametrize("word", ["İstanbul", "straße", "Ελλάς", "москва", "合同违约", "🙂 xylem"])
def test_every_script_is_searched_and_places_stay_right(word: str) -> None:
    texts = {"a.txt": "İİİ 🙂 x\n" * 50, "b.txt": f"İİ before {word} behind\n", "c.txt": "nothing\n" * 50}
    assert next(path for path, _ in found(word, texts)) == "b.txt"


def test_the_order_is_that_of_bm25() -> None:
    chance = random.Random(7)
    words = [f"w{chr(97 + n)}" for n in range(20)]
    texts = {f"{n}.txt": " ".join(chance.choices(words, k=chance.randint(3, 90))) + "\n" for n in range(60)}
    query = "wa wb wc"
    mean = sum(map(len, texts.values())) / len(texts)

    def score(text: str) -> float:
        total = 0.0
        for term in query.split():
            having = sum(term in other.split() for other in texts.values())
            often = text.split().count(term)
            weight = math.log(1 + (len(texts) - having + 0.5) / (having + 0.5))
            total += weight * often * 2.2 / (often + 1.2 * (0.25 + 0.75 * len(text) / mean))
        return total

    context, table = pieces(texts)
    hits = ranking_over(context, table, lambda line: None)(query, 60)
    expected = {path: score(text) for path, text in texts.items() if score(text)}
    assert {hit.path: pytest.approx(hit.score) for hit in hits} == expected
    assert [hit.score for hit in hits] == sorted((hit.score for hit in hits), reverse=True)


def test_a_long_document_is_ranked_by_its_pieces() -> None:
    filler = "".join(f"line {n} of something else\n" for n in range(1_000))
    texts = {"long.txt": f"{filler}the needle and the thread\n{filler}a thread\n{filler}", "short.txt": "thread\n"}
    with session_over(texts) as session:
        lines = session.value("h = bm25('needle thread')\nprint([(x.path, x.line) for x in h])").splitlines()
    assert lines[-1] == "[('long.txt', 1001), ('short.txt', 1), ('long.txt', 2002)]"


def test_a_text_of_one_line_is_cut_too() -> None:
    texts = {"a.json": "x " * 50_000 + "needle " + "y " * 50_000}
    with session_over(texts) as session:
        shown = session.value("h = bm25('needle')\nprint(len(h[0].text), h[0].line)")
    assert "1: ... x x" in shown
    assert shown.endswith("206 1")


def test_an_interrupt_leaves_no_half_of_what_is_kept() -> None:
    texts = {f"{n}.txt": "some words of this and that\n" * 20_000 for n in range(20)} | {"last.txt": "needle\n"}
    with session_over(texts) as session:
        session.run("h = bm25('needle that')", timeout=0.01)
        assert session.value("print(bm25('needle')[0].path)").endswith("\nlast.txt")


@pytest.mark.parametrize(
    ("call", "says"),
    [
        ("bm25(['token'])", "TypeError: bm25 takes words as one str, not 'list'"),
        ("bm25(' -- ')", "ValueError: the query has no words"),
        ("bm25('token', limit=3)", "TypeError: bm25() got an unexpected keyword argument 'limit'"),
    ],
)
def test_a_wrong_call_is_a_clear_error(call: str, says: str) -> None:
    with session_over(CODE) as session:
        assert says in session.error(call)


def test_an_empty_context_has_no_hits() -> None:
    with session_over({"empty.txt": ""}) as session:
        assert session.value("print(len(bm25('a word')))").endswith("\n0")


def test_a_hit_can_be_printed_and_control_characters_are_spelled_out() -> None:
    with session_over({"a.txt": "\x1b[31m needle\n"}) as session:
        assert session.value("h = bm25('needle', k=0)\nprint(bm25('needle')[0])").splitlines()[-1] == (
            "a.txt:1: \\x1b[31m needle"
        )


# --- long lines, and parts of the text ----------------------------------------------------------------------------


@pytest.mark.parametrize("words", ["x ", "x", "中"])
def test_a_word_is_found_wherever_a_long_line_is_cut(words: str) -> None:
    for before in (1_990, 1_996, 2_000):
        text = (words * 2_000)[:before] + " password " + "y" * 3_000
        with session_over({"a.min.js": text}) as session:
            assert session.value("print([hit.match for hit in bm25('password')])").endswith("['password']")


def test_a_word_at_the_edge_of_a_block_is_found() -> None:
    text = "lorem ipsum dolor " * 80_000
    text = text[:999_996] + " password " + text[1_000_006:]
    with session_over({"big.json": text}) as session:
        assert session.value("print(len(bm25('password')))").endswith("1")


def test_a_word_that_stands_elsewhere_is_not_said_to_be_absent() -> None:
    with session_over({"src/a.txt": "alpha\n", "notes.txt": "beta\n"}) as session:
        said = session.value("hits = bm25('beta', path='src/*')")
        assert "no hits in 1 of 2 documents" in said
        assert "pieces of other documents with each word: beta 1" in said
        assert "pieces in 1 of 2 documents shown; pieces with each word: alpha 1" in session.value(
            "hits = bm25('alpha', path='src/*')"
        )
