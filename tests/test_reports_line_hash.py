"""GitHub's line hash: worked out by hand from its description, and by a rolling window as the description has it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rlm_cli.reports.line_hash import line_hashes

END = 65535


def by_hand(*units: int) -> str:
    """Return the hash of a hundred units, written as a sum of powers: the first has the highest."""
    assert len(units) <= 100
    return f"{sum(unit * 37 ** (99 - place) for place, unit in enumerate(units)) % 2**64:x}"


def rolled(text: str) -> dict[int, str]:
    """Return the same for all lines, read unit by unit through a window."""
    window, begun, counts, hashes = [0] * 100, [0] * 100, dict[int, int](), dict[int, str]()
    value = place = line = 0
    starts = True

    def push(unit: int) -> None:
        nonlocal value, place
        if begun[place]:
            counts[value] = counts.get(value, 0) + 1
            hashes[begun[place]] = f"{value:x}:{counts[value]}"
            begun[place] = 0
        value = (37 * value + unit - 37**100 * window[place]) % 2**64
        window[place] = unit
        place = (place + 1) % 100

    encoded = text.replace("\r\n", "\n").replace("\r", "\n").encode("utf-16-le")
    units = [int.from_bytes(encoded[at : at + 2], "little") for at in range(0, len(encoded), 2)]
    for unit in (*units, END):
        if unit in (32, 9):
            continue
        push_begins = line + 1 if starts else 0
        if push_begins:
            line += 1
        before = place
        push(unit)
        begun[before] = push_begins
        starts = unit == 10
    for _ in range(100):
        push(0)
    return hashes


def test_the_end_of_the_text_is_a_unit_and_then_zeros() -> None:
    assert line_hashes("", [1]) == {1: f"{by_hand(END)}:1"}
    assert line_hashes("a", [1]) == {1: f"{by_hand(97, END)}:1"}
    assert line_hashes("a\n", [1, 2]) == {1: f"{by_hand(97, 10, END)}:1", 2: f"{by_hand(END)}:1"}


def test_blanks_and_tabs_do_not_count() -> None:
    assert line_hashes(" \ta \t b\n  c", [1, 2]) == {
        1: f"{by_hand(97, 98, 10, 99, END)}:1",
        2: f"{by_hand(99, END)}:1",
    }


def test_a_hundred_units_count_and_no_more() -> None:
    assert line_hashes("x" * 300, [1]) == {1: f"{by_hand(*[120] * 100)}:1"}
    assert line_hashes("x" * 99 + "\nrest", [1]) == {1: f"{by_hand(*[120] * 99, 10)}:1"}


def test_a_character_beyond_the_plane_is_two_units() -> None:
    assert line_hashes("😀é", [1]) == {1: f"{by_hand(0xD83D, 0xDE00, 0xE9, END)}:1"}


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_line_ends_are_alike(end: str) -> None:
    text = end.join(["one", "", "two", ""])
    assert line_hashes(text, range(1, 5)) == line_hashes("one\n\ntwo\n", range(1, 5))


def test_the_same_again_is_counted() -> None:
    lines = ["x" * 120, "y", "x" * 120, "x" * 120]
    first = by_hand(*[120] * 100)
    hashes = line_hashes("\n".join(lines), [1, 3, 4])
    assert hashes == {1: f"{first}:1", 3: f"{first}:2", 4: f"{first}:3"}
    assert line_hashes("\n".join(lines), [4]) == {4: f"{first}:3"}


def test_lines_that_are_not_there_have_none() -> None:
    assert line_hashes("a\nb", [0, 3, 99]) == {}


def test_a_cr_alone_does_not_shift_our_lines() -> None:
    hashes = line_hashes("a\rb\nc", [1, 2])
    assert hashes == {1: f"{by_hand(97, 10, 98, 10, 99, END)}:1", 2: f"{by_hand(99, END)}:1"}


def test_known_hashes() -> None:
    """Values that GitHub's own action gives."""
    assert line_hashes("", [1]) == {1: "c129715d7a2bc9a3:1"}
    assert line_hashes(" a\nb\n  \t\tc\n d", range(1, 9)) == {
        1: "271789c17abda88f:1",
        2: "54703d4cd895b18:1",
        3: "180aee12dab6264:1",
        4: "a23a3dc5e078b07b:1",
    }


@given(st.lists(st.sampled_from(["a", "b", " ", "\t", "\n", "\r\n", "x" * 60, "é", "😀"]), max_size=40).map("".join))
def test_all_lines_agree_with_a_rolling_window(text: str) -> None:
    assert line_hashes(text, range(1, 100)) == rolled(text)
