"""A contract of 300 pages, as a PDF, with what a lawyer would have to find planted in it.

Three parties build and run a container terminal. Planted: eight obligations with a calendar date, three of them the
Operator's (one under a name that it has elsewhere), two payment periods that contradict each other, a cap that an
amendment replaces, a defined term in another sense, and a term that nobody would expect. Pages are those of the PDF.
"""

import random
import re
import textwrap
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from benchmarks.questions import wording
from benchmarks.questions.planted import OBLIGATIONS, OPERATORS, OTHERS, REST, Planted
from benchmarks.questions.question import Corpus, Result, Score, Truth, pieces, share
from support.pdfs import pdf

SEED = 1871
PAGES, LINES, WIDTH = 300, 46, 88
QUESTION = (
    "I act for the Operator. (1) List every obligation of the Operator that has to be met by a fixed calendar date: "
    "what, deadline, penalty for missing it, page. Leave out those of other parties and those whose period is "
    "relative. (2) Which provisions contradict each other on payment, with the pages of both? (3) What limit of the "
    "Contractor's liability is in force, where does it stand, and what did it replace? (4) Is a defined term used in "
    "another sense "
    "somewhere? (5) Which single provision is most unusual for such a contract? Give the page for each, as `p. 12`."
)


def build(folder: Path) -> Corpus:
    """Write contract.pdf."""
    pages, places = _laid_out(_paragraphs())
    missing = {each.key for each in (*OBLIGATIONS, *REST)} - set(places)
    if missing or len(pages) != PAGES:
        raise ValueError(f"{len(pages)} pages, not planted: {sorted(missing)}")
    path = folder / "contract.pdf"
    path.write_bytes(pdf(pages, title="Harbour Concession Agreement"))
    return Corpus(path, QUESTION, {"pages": places}, ("--task", "contract"))


# --- the text -----------------------------------------------------------------------------------------------------


def _paragraphs() -> Iterator[tuple[str, str]]:
    """Yield (key, paragraph) without an end; the key is "" where nothing is planted."""
    made = random.Random(SEED)
    waiting: dict[int, list[Planted]] = {}
    for each in (*OBLIGATIONS, *REST):
        waiting.setdefault(each.section, []).append(each)
    yield "", "HARBOUR CONCESSION AGREEMENT"
    yield (
        "",
        (
            "between the Port of Westerhaven (the Employer), Halvorsen Cranes and Civil Works (the Contractor) and "
            "Tideline Terminals (the Operator), for the building, equipment and operation of the container terminal "
            "at the "
            "eastern basin, together with its Schedules and Amendments."
        ),
    )
    section = 0
    while True:
        section += 1
        kind = "CLAUSE" if section <= 80 else "SCHEDULE" if section <= 127 else "AMENDMENT"
        number = section if section <= 80 else section - 80 if section <= 127 else section - 127
        table = kind == "SCHEDULE" and made.random() < 0.5
        topic = made.choice(wording.TOPICS)
        title = made.choice(wording.TABLES) if table else topic.title
        yield "", f"{kind} {number}. {title.upper()}"
        body = [("", text) for text in (_rows(made) if table else _clauses(made, topic))]
        for each in waiting.get(section, []):
            body.insert(made.randrange(2, len(body)), (each.key, each.text))
        for at, (key, text) in enumerate(body, 1):
            yield key, f"{number}.{at} {text}"


def _clauses(made: random.Random, topic: wording.Topic) -> list[str]:
    """Return paragraphs on a topic and, as it goes on, on others; none says what another has said."""
    others = made.sample([each for each in wording.TOPICS if each is not topic], 3)
    waiting = [_shuffled(made, each) for each in (topic, *others)]
    found = []
    for _ in range(made.randrange(21, 33)):
        source = waiting[0] if waiting[0] and made.random() < 0.8 else made.choice([each for each in waiting if each])
        text, is_action = source.pop()
        if is_action:
            party = made.choice(wording.PARTIES)
            text = f"{party[0].upper()}{party[1:]} shall {text}, {made.choice(wording.CONDITIONS)}."
            if source and source[-1][1] and made.random() < 0.3:
                text += f" It shall also {source.pop()[0]}."
        if made.random() < 0.55:
            text += f" {made.choice(wording.RIDERS)}"
        found.append(_filled(made, text))
        if not any(waiting):
            break
    return found


def _shuffled(made: random.Random, topic: wording.Topic) -> list[tuple[str, bool]]:
    """Return its sentences; True with one that somebody is to do."""
    mixed = [*((text, True) for text in topic.actions), *((text, False) for text in topic.remarks)]
    made.shuffle(mixed)
    return mixed


def _rows(made: random.Random) -> list[str]:
    about = "The following {applies|is agreed} for berths <number> and <number>; quantities are {per year|in all}."
    head = _filled(made, about)
    return [
        head,
        *(
            f"{made.choice(wording.GOODS)}, item {made.randrange(1000, 9999)}, drawing W-{made.randrange(100, 999)} "
            f"rev. "
            f"{made.choice('ABCDE')}: {made.randrange(1, 60)} pieces, kept at store {made.randrange(1, 9)}, checked "
            f"every "
            f"{made.randrange(2, 30)} months"
            for _ in range(made.randrange(36, 72))
        ),
    ]


_RANGES = {
    "days": (3, 25), "months": (2, 18), "weeks": (4, 30), "hours": (2, 96), "clause": (1, 80), "schedule": (1, 48),
    "number": (1, 40), "metres": (2, 60), "percent": (5, 140), "kilometres": (20, 90),
}  # fmt: skip


def _filled(made: random.Random, text: str) -> str:
    text = re.sub(r"\{([^{}]*)\}", lambda match: made.choice(match[1].split("|")), text)
    return re.sub(r"<(\w+)>", lambda match: str(made.randrange(*_RANGES[match[1]])), text)


def _laid_out(paragraphs: Iterator[tuple[str, str]]) -> tuple[list[str], dict[str, int]]:
    """Return the pages, and the page on which each planted paragraph begins; none runs over its page's end."""
    pages: list[list[str]] = [[]]
    places: dict[str, int] = {}
    for key, text in paragraphs:
        lines = [*textwrap.wrap(text, WIDTH), ""]
        if len(pages[-1]) + len(lines) > LINES:
            if len(pages) == PAGES:
                break
            pages.append([])
        if key:
            places[key] = len(pages)
        pages[-1] += lines
    shown = []
    for number, lines in enumerate(pages, 1):
        filled = [*lines, *[""] * (LINES - len(lines))]
        shown.append(
            "\n".join([*filled, f"Harbour Concession Agreement, Port of Westerhaven, page {number} of {PAGES}"])
        )
    return shown, places


# --- the score ----------------------------------------------------------------------------------------------------


def score(result: Result, truth: Truth) -> Score:
    """Judge obligations, contradiction, cap, term and the unusual provision, each a point; pages are a part of it."""
    answer = str(result.get("answer", ""))
    pages: Mapping[str, int] = truth["pages"]
    parts = pieces(answer)
    points: dict[str, float] = {}
    for key, (deadline, amounts) in OPERATORS.items():
        about = _about(parts, _date(deadline))
        fined = any(_has_amount(about, amount) for amount in amounts)
        points[f"{key}: {deadline}, EUR {amounts[0]}, p. {pages[key]}"] = (
            0.4 * bool(about) + 0.3 * fined + 0.3 * _paged(about, pages[key])
        )
    paid = _about(parts, r"(?i)\b(60|sixty)\b.{0,400}\b(30|thirty)\b|\b(30|thirty)\b.{0,400}\b(60|sixty)\b")
    points[f"payment: 30 days p. {pages['payment']}, 60 days p. {pages['payment again']}"] = (
        0.4 * bool(paid) + 0.3 * _paged(paid, pages["payment"]) + 0.3 * _paged(paid, pages["payment again"])
    )
    capped = _about(parts, r"(?i)18[.,\s]?5(00[.,\s]?000)?\b")
    before = bool(re.search(r"\b12[.,\s]?(0|m)", capped))
    points[f"cap: EUR 18,500,000 a year p. {pages['amended cap']}, for EUR 12,000,000 p. {pages['cap']}"] = (
        0.5 * bool(capped) + 0.25 * _paged(capped, pages["amended cap"]) + 0.25 * before
    )
    term = _about(parts, r"(?i)completion")
    points[f"term: Completion p. {pages['completion']}, otherwise p. {pages['completion again']}"] = 0.5 * bool(
        term
    ) + 0.5 * _paged(term, pages["completion again"])
    odd = _about(
        parts, r"(?i)change\w*\s+(of\s+|in\s+|its\s+|the\s+)*(name|legal)|background (software|ip)|name or legal form"
    )
    points[f"unusual: software passes on a change of name p. {pages['unusual']}"] = 0.6 * bool(odd) + 0.4 * _paged(
        odd, pages["unusual"]
    )
    named = tuple(f"names {day}, a date of another party" for day in OTHERS if re.search(_date(day), answer))
    return share({name: round(value, 3) for name, value in points.items()}, named)


def ideal(truth: Truth) -> dict[str, Any]:
    """Return a result that has it all."""
    pages = truth["pages"]
    lines = [
        f"- {key}, by {deadline}, EUR {amounts[0]}, p. {pages[key]}" for key, (deadline, amounts) in OPERATORS.items()
    ]
    return {
        "answer": "\n".join([
            *lines,
            f"- Payment within 30 days (p. {pages['payment']}) or 60 days (p. {pages['payment again']})",
            f"- The cap is EUR 18,500,000 a year (p. {pages['amended cap']}), for EUR 12,000,000 (p. {pages['cap']})",
            f"- Completion has another sense on p. {pages['completion again']}",
            f"- On a change of name the background software passes, p. {pages['unusual']}",
        ])
    }  # fmt: skip


def _about(parts: list[str], pattern: str) -> str:
    """Return the parts of the answer that speak of it, and what follows each up to 300 characters."""
    found = []
    for at, part in enumerate(parts):
        if re.search(pattern, part, re.DOTALL):
            found.append(part)
        elif at + 1 < len(parts) and re.search(pattern, part + "\n" + parts[at + 1], re.DOTALL):
            found.append(part + "\n" + parts[at + 1])
    return "\n".join(found)


def _date(deadline: str) -> str:
    """Return a pattern for a date in the usual ways of writing one."""
    day, month, year = deadline.split()
    number = (
        "January February March April May June July August September October November December".split().index(month) + 1
    )
    return (
        rf"(?i)\b0?{day}(st|nd|rd|th)?\.? (of )?{month[:3]}\w* {year}|\b{month[:3]}\w* 0?{day}(st|nd|rd|th)?,? {year}"
        rf"|{year}-{number:02}-{int(day):02}|\b0?{day}[./]0?{number}[./]{year}"
    )


def _has_amount(text: str, amount: str) -> bool:
    return re.search(rf"\b{amount.replace(',', '[,.  ]?')}\b", text) is not None


def _paged(text: str, page: int) -> float:
    """1.0 where the page is named, 0.5 where one beside it is."""
    spans = re.findall(r"(?i)\b(?:p|pp|pg|page|pages)\b\.?\s*((?:\d+(?:\s*(?:,|and|&|/|-|–|to)\s*)?)+)", text)
    named = {int(each) for span in spans for each in re.findall(r"\d+", span)}
    if not named:  # a table with a column of pages
        named = {int(each) for each in re.findall(r"\|\s*(\d{1,3})\s*(?=\|)", text)}
    return 1.0 if page in named else 0.5 if {page - 1, page + 1} & named else 0.0
