"""The questions with known answers: the same corpus every time, and scores that are right at both ends.

Covered: all but what the run itself does. Not covered: the web shop as it is fetched, for want of a network; its
patching and scoring are tested on a small stand-in.
"""

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from benchmarks.questions import chain, contract, messages, phrasings, planted, repository
from benchmarks.questions.flaws import FLAWS
from benchmarks.questions.look_alikes import LOOK_ALIKES
from benchmarks.questions.patches import Edit, Patch
from benchmarks.questions.question import Corpus, pieces
from benchmarks.questions.run import QUESTIONS, lost_iterations

from rlm_cli.loaders import load
from rlm_cli.rules import CATALOGUE

MADE = {"contract": contract.build, "messages": messages.build, "chain": chain.build}
DIGESTS = {"contract": "10d5dd129a33fbd1", "messages": "75aad2afdda71975", "chain": "2f5339e4d56c847a"}
"""Of question, truth and files, how they begin: scores of different runs are to be of the same thing."""


@pytest.fixture(scope="module")
def corpora(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Corpus]:
    return {name: build(tmp_path_factory.mktemp(name)) for name, build in MADE.items()}


def digest(corpus: Corpus) -> str:
    made = hashlib.sha256(json.dumps([corpus.question, corpus.truth]).encode())
    inside = corpus.input.rglob("*") if corpus.input.is_dir() else [corpus.input]
    for path in sorted(each for each in inside if each.is_file()):
        made.update(path.name.encode() + path.read_bytes())
    return made.hexdigest()


@pytest.mark.parametrize("name", MADE)
def test_a_corpus_is_the_same_every_time(name: str, corpora: dict[str, Corpus], tmp_path: Path) -> None:
    assert digest(MADE[name](tmp_path)) == digest(corpora[name])
    assert digest(corpora[name]).startswith(DIGESTS[name])


@pytest.mark.parametrize("name", MADE)
def test_the_truth_scores_one_and_nothing_scores_zero(name: str, corpora: dict[str, Corpus]) -> None:
    question, truth = QUESTIONS[name], corpora[name].truth
    assert json.loads(json.dumps(truth)) == truth
    assert question.score(question.ideal(truth), truth) == question.score(question.ideal(truth), truth)
    assert question.score(question.ideal(truth), truth).value == 1
    assert not question.score(question.ideal(truth), truth).missed
    nothing = question.score({"answer": ""}, truth)
    assert nothing.value == 0
    assert nothing.missed


@pytest.mark.parametrize("name", MADE)
def test_a_corpus_is_too_large_for_one_request(name: str, corpora: dict[str, Corpus]) -> None:
    context = load([str(corpora[name].input)]).context
    assert context.tokens > 30_000
    context.close()


# --- contract -----------------------------------------------------------------------------------------------------


def test_what_is_planted_in_the_contract_stands_on_its_page_and_nowhere_else(corpora: dict[str, Corpus]) -> None:
    context = load([str(corpora["contract"].input)]).context
    (document,) = context.documents
    assert len(document.pages) == contract.PAGES
    for each in (*planted.OBLIGATIONS, *planted.REST):
        found = context.find(each.text)
        assert found is not None, each.key
        assert context.page_of(document.path, found.offset)[0] == corpora["contract"].truth["pages"][each.key]
    text = context.text(0, context.characters)
    days = [*(deadline for deadline, _ in planted.OPERATORS.values()), *planted.OTHERS]
    assert all(" ".join(text.split()).count(day) == 1 for day in days)
    context.close()


def test_a_contract_answer_without_a_page_or_with_another_partys_duty_is_worth_less(corpora: dict[str, Corpus]) -> None:
    truth = corpora["contract"].truth
    full = contract.ideal(truth)["answer"]
    page = truth["pages"]["dredging"]
    without = contract.score({"answer": full.replace(f"p. {page}", "")}, truth)
    assert 0.9 < without.value < 1
    assert len(without.missed) == 1
    beside = contract.score({"answer": full.replace(f"p. {page}", f"p. {page + 1}")}, truth)
    assert without.value < beside.value < 1
    assert contract.score({"answer": f"{full}\n- piles by 30 November 2026"}, truth).beyond


def test_a_contract_answer_may_be_a_table(corpora: dict[str, Corpus]) -> None:
    truth = corpora["contract"].truth
    rows = [
        f"| {key} | {deadline} | EUR {amounts[0]} | {truth['pages'][key]} |"
        for key, (deadline, amounts) in planted.OPERATORS.items()
    ]
    scored = contract.score({"answer": "\n".join(rows)}, truth)
    assert not any(name.startswith(tuple(planted.OPERATORS)) for name in scored.missed)


# --- messages -----------------------------------------------------------------------------------------------------


def test_there_are_two_thousand_messages_of_many_phrasings(corpora: dict[str, Corpus]) -> None:
    rows = [json.loads(line) for line in corpora["messages"].input.read_text().splitlines()]
    assert len(rows) == 2_000
    assert all(set(row) == {"id", "month", "channel", "text"} for row in rows)
    assert len({text for texts in phrasings.BY_LABEL.values() for text in texts}) >= 120
    assert sum(len(row["text"].split()) for row in rows) / len(rows) < 26
    counts = corpora["messages"].truth["counts"]
    assert sum(number for quarter in counts.values() for number in quarter.values()) == 2_000


def test_counts_may_be_a_little_off_and_no_more(corpora: dict[str, Corpus]) -> None:
    truth = corpora["messages"].truth

    def off(by: float) -> float:
        counts = {
            quarter: {label: round(number * (1 + by)) for label, number in row.items()}
            for quarter, row in truth["counts"].items()
        }
        return messages.score({"answer": json.dumps({**truth, "counts": counts})}, truth).value

    assert off(0.04) == 1
    assert 0.5 < off(0.1) < 1
    assert off(0.5) < 0.2


# --- chain --------------------------------------------------------------------------------------------------------


def test_no_document_of_the_chain_holds_the_answer(corpora: dict[str, Corpus]) -> None:
    texts = [path.read_text() for path in corpora["chain"].input.rglob("*.txt")]
    assert len(texts) == chain.DOCUMENTS
    assert not any(chain.SINCE in text and chain.CONTRACT in text for text in texts)
    assert not any(chain.COMPANY in text and chain.CONTRACT in text for text in texts)


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("**Brandt & Sohn / C-4611 / 2024-10-28**", 1.0),
        ("Brandt & Sohn / C-4587 / 2024-09-01", 0.167),
        ("Kestrel Metrology / C-4410 / 2024-01-22", 0.0),
    ],
)
def test_a_wrong_turning_is_named(line: str, value: float, corpora: dict[str, Corpus]) -> None:
    scored = chain.score({"answer": f"It was changed.\n{line}"}, corpora["chain"].truth)
    assert scored.value == value
    assert any("decision" in each for each in scored.missed) == (value < 1)


# --- repository ---------------------------------------------------------------------------------------------------

SHOP = "def find(db, name):\n    return db.get(name)\n\n\ndef go(request):\n    return redirect('/')\n"
PATCHES = (
    Patch("x", (Edit("a.py", "db.get(name)", 'db.run("... " + name)', 'db.run("... " + name)'),), ("sql-injection",)),
    Patch("y", (Edit("a.py", "redirect('/')", "redirect(checked(request))", "redirect(checked(request))"),)),
)


def finding(line: int, rule: str = "sql-injection", path: str = "shop/a.py") -> dict[str, Any]:
    return {"rule_id": rule, "path": path, "line": line, "end_line": line, "title": "t"}


@pytest.fixture
def shop(tmp_path: Path) -> Corpus:
    # Far enough apart that a finding near one is not near the other.
    (tmp_path / "a.py").write_text(SHOP.replace("\n\n\n", "\n" * 20))
    return repository.corpus(tmp_path, PATCHES)


def test_flaws_are_planted_and_known_by_their_lines(shop: Corpus) -> None:
    lines = (shop.input / "a.py").read_text().splitlines()
    ((path, first, last),) = shop.truth["flaws"][0]["places"]
    assert (path, lines[first - 1 : last]) == ("a.py", ['    return db.run("... " + name)'])
    assert len(shop.truth["look_alikes"]) == 1
    with pytest.raises(ValueError, match="has 0 times"):
        repository.corpus(shop.input, PATCHES)


@pytest.mark.parametrize(
    ("findings", "value"),
    [
        ([finding(2)], 1.0),
        ([finding(2, "cross-site-scripting")], 0.5),
        ([finding(12)], 0.0),
        ([finding(2, path="b.py")], 0.0),
        ([finding(2), finding(22, "open-redirect")], 0.9),
        ([], 0.0),
    ],
)
def test_findings_score_by_place_and_rule(findings: list[dict[str, Any]], value: float, shop: Corpus) -> None:
    assert repository.score({"findings": findings}, shop.truth).value == value
    assert repository.score(repository.ideal(shop.truth), shop.truth).value == 1


def test_every_flaw_of_the_web_shop_has_a_rule_and_no_edit_tells_of_it() -> None:
    known = {rule.id for rule in CATALOGUE}
    assert (len(FLAWS), len(LOOK_ALIKES)) == (6, 3)
    for patch in FLAWS:
        assert set(patch.rules) <= known
        assert any(edit.shown_by for edit in patch.edits)
    for patch in (*FLAWS, *LOOK_ALIKES):
        for edit in patch.edits:
            assert edit.shown_by in edit.new
            assert not any(word in edit.new.lower() for word in ("flaw", "unsafe", "insecure", "attack", "vulnerab"))


# --- run ----------------------------------------------------------------------------------------------------------


def test_iterations_that_may_be_lost_are_told_with_their_error() -> None:
    def event(kind: str, path: str, **more: Any) -> dict[str, Any]:
        return {"type": kind, "path": path, **more}

    events = [
        event("iteration_started", "0/1"), event("model_replied", "0/1", text="code"), event("code_started", "0/1"),
        event("code_finished", "0/1", error="NameError: x\n  line 1"),
        event("iteration_started", "0/2"), event("model_replied", "0/2", text="Let me think."),
        event("iteration_started", "0/3"), event("model_replied", "0/3", text="code"), event("code_started", "0/3"),
        event("code_finished", "0/3", error=None), event("answer_given", "0/3"), event("run_finished", "0"),
    ]  # fmt: skip
    assert lost_iterations(events) == ["0/1: NameError: x", "0/2: no code ran: 'Let me think.'"]


def test_an_answer_is_taken_apart_by_what_it_lists() -> None:
    answer = "Two things:\n\n1. one\n   more of it\n  - and more\n2. two\n\n| a | b |\n| c | d |\nlast"
    assert pieces(answer) == [
        "Two things:",
        "1. one\n   more of it\n  - and more",
        "2. two",
        "| a | b |",
        "| c | d |\nlast",
    ]
