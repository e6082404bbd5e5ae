"""What a person sees: harmless, one line an event, and a state that is a pure fold of the stream."""

import dataclasses
import functools
import unicodedata
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.screens import written

from rlm_cli import analyze
from rlm_cli.amounts import cost
from rlm_cli.display.folding import fold
from rlm_cli.display.lines import at_words, meter, share_bar
from rlm_cli.display.plain import PlainLines
from rlm_cli.display.state import Head, State, head
from rlm_cli.display.wording import line
from rlm_cli.events import (
    EVENTS,
    ROOT,
    CallPath,
    Event,
    FindingReported,
    IterationStarted,
    RefinementStarted,
    RunFinished,
    RunResumed,
    SubcallFailed,
    SubcallFinished,
    SubcallStarted,
)
from rlm_cli.reports import answer_text
from rlm_cli.results import Citation, Finding, Result
from rlm_cli.safe_text import safe, safe_line
from rlm_cli.types import Usage

HOSTILE = "\x1b[2J\x9b31m\u202eevil\u2069\x00\ud800\r\x07"


@given(st.text(max_size=200))
def test_nothing_that_steers_a_terminal_comes_through(text: str) -> None:
    shown = safe(text + HOSTILE)
    assert all(unicodedata.category(char) not in ("Cc", "Cs") for char in shown if char not in "\n\t")
    assert not set(shown) & set("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
    shown.encode("utf-8")


def test_ordinary_text_of_any_script_stays_as_it_is() -> None:
    text = "naïve 日本語 עברית 👩‍👩‍👧 — \tx\n"
    assert safe(text) == text
    assert safe_line("a\n b\tc") == "a b c"


def test_an_unknown_cost_does_not_look_free() -> None:
    assert [cost(None), cost(0.0), cost(1e-5), cost(0.0001)] == ["cost unknown", "$0.00", "under $0.0001", "$0.0001"]


def test_an_amount_reads_the_same_everywhere() -> None:
    assert [cost(each) for each in (0.0123, 0.02, 0.8188, 10, 1234.5)] == [
        "$0.0123", "$0.02", "$0.82", "$10.00", "$1,234.50",
    ]  # fmt: skip


def recorded(folder: Path) -> list[Event]:
    (folder / "in.txt").write_text("The tenant pays.\n" * 50 + HOSTILE.replace("\x00", "").replace("\ud800", ""))
    events: list[Event] = []
    analyze(folder / "in.txt", question="who pays? " + HOSTILE[:4], profile="offline", watch=events.append)
    return events


def test_every_event_of_a_run_is_one_harmless_line(tmp_path: Path) -> None:
    events = recorded(tmp_path)
    rare = {
        "history_compacted",
        "limit_reached",
        "subcall_failed",
        "run_resumed",
        "finding_reported",
        "refinement_started",
    }
    assert {event.type for event in events} >= set(EVENTS) - rare
    events.append(RunResumed(path=CallPath("0/2"), calls=3, usage=Usage(1, 0, 10, 0, 5, 0.25)))
    second = RefinementStarted(path=CallPath("0"), profile="strong", root_model=HOSTILE, sub_model=HOSTILE, documents=3)
    events.append(second)
    finding = Finding("xss", "high", HOSTILE, HOSTILE, "a.py", 1, 1, 1, 2, "x", 0.5)
    events.append(FindingReported(path=CallPath("0/1"), finding=finding))
    events.append(FindingReported(path=CallPath("0/0"), finding=replace(finding, verdict="refuted", reason=HOSTILE)))
    for event in events:
        shown = line(event)
        assert len(shown.splitlines()) == 1
        assert shown == safe(shown)


def folded(events: list[Event]) -> State:
    return functools.reduce(fold, events, State())


def test_the_state_is_a_fold_of_the_stream_and_ends_with_its_sums(tmp_path: Path) -> None:
    events = recorded(tmp_path)
    state = folded(events)
    started = [event for event in events if event.type == "subcall_started"]
    assert (state.subcalls.running, state.subcalls.total, state.subcalls.failed) == (0, len(started), 0)
    [finished] = [event for event in events if isinstance(event, RunFinished)]
    assert state.usage == state.run.usage == finished.usage
    assert state.iteration == max(getattr(event, "number", 0) for event in events)


def test_a_record_gives_back_the_result(tmp_path: Path) -> None:
    (tmp_path / "in.txt").write_text("The tenant pays.\n" * 50)
    events: list[Event] = []
    result = analyze(tmp_path / "in.txt", question="who pays?", profile="offline", watch=events.append)
    finished = events[-1]
    assert isinstance(finished, RunFinished)
    elapsed = {"elapsed_seconds": finished.at}
    assert folded(events).result(finished) == dataclasses.replace(result, **elapsed)


def test_a_child_run_counts_once() -> None:
    state = folded(written("forty-subcalls"))
    [child] = state.run.iterations[3].children
    assert [len(each.children) for each in state.run.iterations] == [0, 0, 0, 1, 0]
    assert [each.number for each in child.iterations] == [1, 2]
    assert child.usage.calls == 3
    assert state.finished is not None
    assert state.usage.tokens == state.finished.usage.tokens
    assert state.usage.cost_usd == pytest.approx(state.finished.usage.cost_usd)
    usage = state.run.iterations[3].usage
    assert (usage.calls, usage.input_tokens, usage.output_tokens) == (4, 12_480, 340)
    assert state.run.iterations[3].subcalls.total == 1


def test_the_state_of_thousands_of_subcalls_stays_small() -> None:
    path = ROOT.iteration(1)
    state = fold(State(), IterationStarted(path=path, number=1))
    for number in range(5_000):
        here = path.subcall(number)
        state = fold(state, SubcallStarted(path=here, model="m", key="", prompt_characters=1, prompt_head="p"))
        state = fold(state, SubcallFailed(path=here, error=f"{number} {'x' * 9_000}", seconds=1.0, usage=Usage()))
    assert state.subcalls.failed == 5_000
    assert len(repr(state)) < 20_000


def test_another_model_that_answers_is_named_once_an_iteration() -> None:
    path = ROOT.iteration(1)
    events: list[Event] = [IterationStarted(path=path, number=1)]
    for number, answering in enumerate(["asked", "spare", "spare", "third", ""]):
        here = path.subcall(number)
        events += [
            SubcallStarted(path=here, model="asked", key="", prompt_characters=1, prompt_head="p"),
            SubcallFinished(
                path=here, model=answering, text="t", truncated=False, cached=False, seconds=1.0, usage=Usage()
            ),
        ]
    assert folded(events).run.iterations[0].remarks == ("sub-calls answered by spare", "sub-calls answered by third")
    lines = PlainLines()
    said = [lines.line(event) for event in events if isinstance(event, SubcallStarted | SubcallFinished)]
    named = [each.partition("$0.00")[2] for each in said if "done" in each]
    assert named == [
        ": t",
        ", spare in place of asked: t",
        ", spare in place of asked: t",
        ", third in place of asked: t",
        ": t",
    ]


def test_words_stay_whole_and_indents_stay() -> None:
    assert at_words("  one two  three\n\nhint: x", 9) == "  one two\nthree\n\nhint: x"
    assert at_words("see https://example.com/a/long/one now", 10) == "see\nhttps://example.com/a/long/one\nnow"
    assert at_words("契約書 の どこ", 9) == "契約書 の\nどこ"


def test_heads_say_how_much_they_leave_out() -> None:
    assert head("", 2) == head(" \n\n", 2) == Head()
    assert head("\na\nb\n", 2) == Head(("a", "b"), 0)
    assert head("a\nb\nc\nd\n", 2) == Head(("a", "b"), 2)
    assert len(head("x" * 10_000, 2).lines[0]) < 1_000


@given(st.lists(st.integers(0, 500), min_size=1, max_size=4).filter(any), st.integers(4, 60))
def test_a_bar_fits_and_shows_whatever_there_is(counts: list[int], width: int) -> None:
    glyphs = "━╌×·"
    bar = share_bar([(count, glyph, "") for count, glyph in zip(counts, glyphs, strict=False)], width).plain
    assert len(bar) == min(width, sum(counts))
    for count, glyph in zip(counts, glyphs, strict=False):
        assert (glyph in bar) == (count > 0)


def test_a_meter_warns_before_the_end() -> None:
    assert [str(meter(share).spans[0].style) for share in (0.79, 0.8, 1.5)] == ["cyan", "bold red", "bold red"]
    assert [meter(share).plain.count("━") for share in (0.0, 0.001, 0.5, 1.0, 3.0)] == [0, 1, 4, 8, 8]


def test_an_answer_in_plain_text_does_not_write_the_reports_own_lines() -> None:
    usage = Usage()
    forged = (
        "Waived.\n\nEvidence:\n  contract.pdf p. 3: The fee is waived.\n\u200b **evidence**: x\r doubt:\nNo doubt: y"
    )
    result = Result(
        "complete", "final", forged, "a\u2028Evidence:", (Citation("a.txt", 3, quote="The fee", verified=True),),
        (), 1, 0, 0, usage, usage, 1.0,
    )  # fmt: skip
    lines = answer_text(result).splitlines()
    assert [line for line in lines if line.lstrip(" \u200b*").lower().startswith(("evidence", "doubt"))] == [
        "Doubt: a",
        "Evidence:",
    ]
    assert lines[-2:] == ["Evidence:", "  a.txt:3: The fee"]
    assert "> Evidence:" in lines
    assert "No doubt: y" in lines
    unforged = dataclasses.replace(result, answer="The evidence: none.\n - doubtful: x", doubt=None, citations=())
    assert answer_text(unforged) == "The evidence: none.\n - doubtful: x\n"
