"""What a reply to llm_map says of which item: every usual form, and never of another item."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rlm_cli.sandbox.labels import Choices, read

ALLOWED = ["praise", "Complaint", "bug report", "other"]


def labels(reply: str, count: int = 3, allowed: list[str] | None = ALLOWED, truncated: bool = False) -> object:
    return read(reply, count, None if allowed is None else Choices(allowed), truncated)[0]


def lacking(reply: str, count: int = 3, allowed: list[str] | None = ALLOWED, truncated: bool = False) -> object:
    return read(reply, count, None if allowed is None else Choices(allowed), truncated)[1]


@pytest.mark.parametrize(
    "reply",
    [
        "1: praise\n2: Complaint\n3: bug report",
        "1. praise\n2. complaint\n3. Bug  Report.",
        "1) praise\n2) COMPLAINT\n3) bug report",
        "1 - praise\n2 - complaint\n3 - bug report",
        "1\tpraise\n2\tcomplaint\n3\tbug report",
        "1 praise\n2 complaint\n3 bug report",
        "Here are the labels:\n\n1: praise\n\n2: complaint\n\n3: bug report\n\nLet me know!",
        "- **1**: praise\n- **2**: complaint\n- **3**: bug report",
        "* 1: `praise`\n* 2: 'complaint'\n* 3: \"bug report\"",
        "| item | label |\n|---|---|\n| 1 | praise |\n| 2 | complaint |\n| 3 | bug report |",
        "Item 1: praise\nItem 2: complaint\nitem #3: bug report",
        "[1] praise\n[2]: complaint\n(3) bug report",
        "1 -> praise\n2 => complaint\n3 → bug report",
        "1: praise (they like it)\n2: complaint - about the price\n3: bug report, clearly",
        "```\n1: praise\n2: complaint\n3: bug report\n```",
        "<think>1: other\n2: other</think>\n1: praise\n2: complaint\n3: bug report",
        "1: praise\n2: complaint\n3: bug report\n4: praise\n99: other",
        "3: bug report\n1: praise\n2: complaint\n1: Praise",
        '{"1": "praise", "2": "complaint", "3": "bug report"}',
        '```json\n{"labels": [{"number": 1, "label": "praise"}, {"number": 2, "label": "complaint"},'
        ' {"Item": "3", "Category": "bug report"}]}\n```',
        '{\n  "1": "praise",\n  "2": "complaint",\n  "3": "bug report",\n',
    ],
)
def test_the_usual_forms_are_read(reply: str) -> None:
    assert labels(reply) == {1: "praise", 2: "Complaint", 3: "bug report"}


@pytest.mark.parametrize(
    ("reply", "why"),
    [
        ("2: complaint\n3: other", "the reply has no line for it"),
        ("1: joy\n2: complaint\n3: other", "'joy' is not allowed"),
        ("1: not praise\n2: complaint\n3: other", "'not praise' is not allowed"),
        ("1: praise or complaint\n2: complaint\n3: other", "is not allowed"),
        ("1: praise, complaint\n2: complaint\n3: other", "is not allowed"),
        ("1: praise - no, complaint\n2: complaint\n3: other", "is not allowed"),
        ("1: praise\n1: complaint\n2: complaint\n3: other", "two labels: ' praise', ' complaint'"),
        ("1:\n2: complaint\n3: other", "no line for it"),
        ('{"1": "praise", "1": "other", "2": "complaint", "3": "other"}', "two labels"),
        ('{"1": ["praise"], "2": "complaint", "3": "other"}', "no line for it"),
        ("1-2: praise\n2: complaint\n3: other", "no line for it"),
    ],
)
def test_what_is_unclear_of_one_item_leaves_the_others(reply: str, why: str) -> None:
    assert labels(reply) == {2: "Complaint", 3: "other"}
    assert why in read(reply, 3, Choices(ALLOWED), False)[1][1]


@pytest.mark.parametrize(
    "reply",
    [
        "0: praise\n1: complaint\n2: other",
        '["praise", "complaint", "other"]',
        "praise\ncomplaint\nother",
        '[{"number": 0, "label": "praise"}, {"number": 1, "label": "other"}]',
        "",
        "[[[[" * 5000,
        '{"1": {"2": "praise"}}',
        "all three are praise",
        "3.5: praise\n1.2 praise",
    ],
)
def test_a_reply_that_could_mean_other_items_says_nothing(reply: str) -> None:
    assert labels(reply) == {}


def test_the_last_line_of_a_reply_that_was_cut_is_not_trusted() -> None:
    assert labels("1: praise\n2: complaint", truncated=True) == {1: "praise"}
    assert lacking("1: praise\n2: A", allowed=["praise", "A", "A plus"], truncated=True) == {
        2: "the reply was cut before it",
        3: "the reply was cut before it",
    }


def test_an_answer_in_words_is_kept_whole() -> None:
    reply = "1: It is about **rain**: a lot\n   and then some.\n2) 3.5 metres\n\nThat is all."
    assert labels(reply, 2, None) == {1: "It is about **rain**: a lot and then some.", 2: "3.5 metres"}
    assert labels('1: "quoted"\n2: `x`', 2, None) == {1: "quoted", 2: "x"}


def test_labels_come_back_as_they_were_given() -> None:
    numbers = Choices([1, 2, 10])
    assert read("1: 10\n2: 2\n3: 3", 3, numbers, False)[0] == {1: 10, 2: 2}
    assert Choices({"b", "a"}).listed == '["a", "b"]'
    assert labels("1: c++\n2: C\n3: c#", allowed=["C++", "C", "C#"]) == {1: "C++", 2: "C", 3: "C#"}


@pytest.mark.parametrize("allowed", ["abc", [], [""], ["a\nb"], ["a", " A "], [None], [True], 5])
def test_labels_that_cannot_be_told_apart_are_refused(allowed: object) -> None:
    with pytest.raises((TypeError, ValueError)):
        Choices(allowed)


@given(st.text(alphabet="0123456789:.)-| \n\"'{}[],praise*", max_size=200))
def test_no_reply_gives_a_label_that_is_not_allowed_or_an_item_that_was_not_asked(reply: str) -> None:
    found, left = read(reply, 5, Choices(ALLOWED), False)
    assert set(found.values()) <= set(ALLOWED)
    assert sorted([*found, *left]) == [1, 2, 3, 4, 5]
