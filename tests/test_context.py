"""The context: joining loses nothing, and every way from text to place agrees with a naive one."""

import itertools
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rlm_cli.context import STRIDE, Context, header, shown_path
from rlm_cli.context_writer import ContextWriter
from rlm_cli.tokens import count_tokens, estimate_tokens

texts = st.lists(
    st.sampled_from(
        ["a", "word", " ", "\n", "\r\n", "\n\n", "\r", "é", "語", "😀", "\u2028", "\x00", "===== d0 =====\n"]
    ),
    max_size=40,
).map("".join)


def written(*documents: str, several: bool | None = None) -> Context:
    writer = ContextWriter(len(documents) > 1 if several is None else several)
    for number, text in enumerate(documents):
        encoded = text.encode()
        writer.add(f"d{number}", [encoded[:3], encoded[3:4], encoded[4:]])  # cut within characters, too
    return writer.finish(["in"], [], tokens=100)


def found(context: Context, quote: str, path: str | None = None, near: int | None = None) -> tuple[str, int, int]:
    """Find a quote that is there; its offset leads to its first word."""
    place = context.find(quote, path, near)
    assert place is not None
    assert context.text(place.offset, place.offset + len(quote.split()[0])) == quote.split()[0]
    return place.path, place.line, place.end_line


def joined(*documents: str) -> str:
    """What several documents come to, written the simple way."""
    whole = ""
    for number, text in enumerate(documents):
        whole += ("\n" if whole and not whole.endswith("\n") else "") + header(f"d{number}") + text
    return whole


@given(st.lists(texts, min_size=2, max_size=4))
def test_joining_keeps_every_character_of_every_document(documents: list[str]) -> None:
    context = written(*documents)
    whole = context.text(0, context.characters)
    assert whole == joined(*documents)
    assert [whole[d.span.start : d.span.end] for d in context.documents] == documents
    assert context.size == len(whole.encode())
    assert context.lines == whole.count("\n") + (not whole.endswith("\n"))
    assert context.longest_line == max(map(len, whole.split("\n")))
    context.close()


@given(st.lists(texts, min_size=1, max_size=3), st.data())
def test_an_offset_leads_to_the_line_a_reader_would_count(documents: list[str], drawn: st.DataObject) -> None:
    context = written(*documents)
    whole = context.text(0, context.characters)
    offset = drawn.draw(st.integers(0, len(whole)))
    # The document it lies in; an offset between two belongs to the next, the very end to the last.
    document = next((d for d in context.documents if offset < d.span.end), context.documents[-1])
    inside = min(max(offset, document.span.start), document.span.end)
    line = whole.count("\n", document.span.start, inside) + 1
    assert context.locate(offset) == (document.path, line)
    context.close()


@given(texts, st.integers(-1, 15), st.integers(-1, 15))
def test_lines_are_those_a_reader_would_count(text: str, first: int, last: int) -> None:
    context = written("before\nit", text, "after")
    lines = [*text.split("\n")[:-1], text.split("\n")[-1]]
    kept = [line + "\n" for line in lines[:-1]] + ([lines[-1]] if lines[-1] else [])
    expected = "".join(kept[first - 1 : last]) if 1 <= first <= last else ""
    assert context.lines_of("d1", first, last) == expected
    document = context.document("d1")
    assert document is not None
    assert document.lines == len(kept)
    context.close()


@given(texts, st.integers(-3, 60), st.integers(-3, 60))
def test_any_slice_is_the_slice_of_the_text(text: str, start: int, end: int) -> None:
    context = written(text)
    assert context.text(start, end) == text[max(0, start) : max(0, end)]
    context.close()


@settings(max_examples=25, deadline=None)
@given(
    st.lists(st.sampled_from(["x" * 5000 + "\n", "é" * 3000, "\r\n", "😀" * 20000 + "\n", "\n" * 9000]), max_size=12),
    st.data(),
)
def test_places_stay_right_far_into_a_large_text(blocks: list[str], drawn: st.DataObject) -> None:
    text = "".join(blocks)
    context = written("small\n", text)
    document = context.documents[1]
    offset = drawn.draw(st.integers(0, len(text)))
    if offset < len(text):
        assert context.text(document.span.start + offset, document.span.start + offset + 3) == text[offset : offset + 3]
        path, line = context.locate(document.span.start + offset)
        assert (path, line) == ("d1", text.count("\n", 0, offset) + 1)
        assert context.lines_of("d1", line, line) == text.split("\n")[line - 1] + (
            "\n" if line <= text.count("\n") else ""
        )
    context.close()


def test_a_quote_is_found_where_it_stands_though_it_was_wrapped_anew() -> None:
    context = written("one\ntwo", "a\nthe quick\r\n\u00a0 brown\u2003fox\nend")
    assert found(context, "quick brown fox") == ("d1", 2, 3)
    assert found(context, "the quick\u00a0brown") == ("d1", 2, 3)
    assert context.find("quick  fox") is None
    assert context.find("one", path="d1") is None
    assert context.find("===== d1 =====") is None
    assert context.find("   ") is None
    context.close()


def test_a_quote_with_half_a_character_is_not_taken_for_a_question_mark() -> None:
    context = written("why? because")
    assert context.find("why\udcff") is None
    assert found(context, "why?") == ("d0", 1, 1)
    context.close()


def test_a_quote_that_stands_twice_is_found_near_the_place_that_was_named() -> None:
    context = written("x\nsame\ny\nsame\n", "same")
    first, second = (document.span.start for document in context.documents)
    assert found(context, "same", near=first + 5) == ("d0", 4, 4)
    assert found(context, "same", near=first + 12) == ("d0", 2, 2)
    assert found(context, "same", near=second) == ("d1", 1, 1)
    assert found(context, "same") == ("d0", 2, 2)
    context.close()


def test_an_empty_document_can_be_asked_everything() -> None:
    context = written("")
    assert (context.lines, context.characters, context.find("x"), context.locate(0)) == (0, 0, None, ("d0", 1))
    with pytest.raises(ValueError, match="outside"):
        context.locate(1)
    context.close()


def test_a_document_that_turns_out_to_be_alone_has_no_header() -> None:
    text = "é" * STRIDE + "\nend"
    context = written(text, several=True)
    assert context.text(0, context.characters) == text
    assert context.documents[0].span.start == 0
    assert context.sha256 == written(text, several=False).sha256
    context.close()


def test_a_document_that_fails_half_way_leaves_no_trace() -> None:
    def failing() -> Iterator[bytes]:
        yield b"half\n" * 40_000
        raise RuntimeError("broken")

    writer = ContextWriter(several=True)
    writer.add("d0", [b"first"])
    with pytest.raises(RuntimeError):
        writer.add("broken", failing())
    writer.add("d1", [b"second"])
    context = writer.finish([], [], tokens=0)
    whole = written("first", "second")
    assert context.sha256 == whole.sha256
    assert context.text(0, context.characters) == joined("first", "second")
    context.close()
    whole.close()


def test_names_cannot_end_a_header_or_move_the_cursor() -> None:
    assert shown_path("a\n===== b\x1b[2J\u202e\udcff") == "a\\n===== b\\x1b[2J\\u202e\\udcff"
    assert shown_path("src/naïve 語.py") == "src/naïve 語.py"


def test_token_counts_survive_what_makes_tokenizers_panic() -> None:
    assert count_tokens(" " * 1_000_000) > 0
    text = "".join(
        f"line {number}: the value is {number * number}\n" for number in itertools.islice(range(10**6), 60_000)
    )
    encoded = text.encode()
    estimate = estimate_tokens(lambda start, size: encoded[start : start + size], len(encoded))
    assert abs(estimate / count_tokens(text) - 1) < 0.03
