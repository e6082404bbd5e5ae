"""A chain over documents: sixty memos, tickets and minutes of a laboratory, and an answer that no document holds.

A ticket leads to a report, the report to an instrument by its nickname, the nickname, which has changed hands, to a
number, the number to a group, the group to whoever calibrates it: and that was decided three times. The other documents
speak of the same things in passing.
"""

import datetime
import random
import re
from pathlib import Path
from typing import Any

from benchmarks.questions.question import Corpus, Result, Score, Truth
from benchmarks.questions.small_talk import PEOPLE, SMALL_TALK, TOPICS

SEED = 7740
DOCUMENTS = 60
INSTRUMENTS = ("OV-01", "OV-04", "TF-04", "ST-09", "SP-11", "BA-03", "BA-07", "MI-02", "the Duchess")
QUESTION = (
    "A customer rejected a lot in ticket T-2291. Which company is, by the latest decision on record, responsible for "
    "calibrating the instrument on which the measurement behind that rejection was made, under which contract, and "
    "since what day? End your answer with one line of exactly this form: COMPANY / CONTRACT / YYYY-MM-DD"
)
COMPANY, CONTRACT, SINCE = "Brandt & Sohn", "C-4611", "2024-10-28"
NEAR_MISSES = {
    "Kestrel Metrology": "the first decision, or the other instrument",
    "C-4410": "the first decision",
    "C-4587": "the second decision, which was overruled",
    "2024-09-01": "the second decision, which was overruled",
    "Ormond Instruments": "the instrument that had the nickname before",
    "C-4399": "the instrument that had the nickname before",
}
"""What a reader says who has taken a wrong turning, and which."""

# (day, kind, subject, paragraphs): the documents that the answer rests on, and those beside the way.
PLACED: tuple[tuple[str, str, str, tuple[str, ...]], ...] = (
    (
        "2024-07-02", "ticket", "T-2291: Halden Dairy rejects a lot",
        ("Customer: Halden Dairy, contact Mrs Aune. Lot: L-7740, delivered 28 June.",
         "The customer refuses the lot. They do not question the visual inspection, which they call fine; what they "
         "will not accept is the moisture value, 14.9 where the contract says 14.0 at most. They refer to our own "
         "report LR-318 that came with the papers, not to a measurement of theirs.",
         "Sales asks for a second measurement before anything is taken back. Ticket stays open."),
    ),
    (
        "2024-06-21", "memo", "Reports of week 25",
        ("Finished this week: LR-315 (tensile, day shift), LR-316 (tensile, day shift), LR-317 (sieving, by hand), "
         "LR-318 (moisture, the night of 19 June, done by {b} on Old Bess, the new balance being moved), "
         "LR-319 (pH).",
         "LR-320 was begun and stopped; the sample had been mixed up with that of LR-302 and will be drawn again."),
    ),
    (
        "2023-11-14", "memo", "What the machines are called",
        ("New colleagues have asked for it, so here is the list. Old Bess is the drying analyser AN-14. The Duchess is "
         "the tensile frame TF-03. Number Nine is the sieve tower ST-09, and nobody knows why.",
         "Please use the numbers in reports. The nicknames are not in the inventory."),
    ),
    (
        "2024-05-13", "minutes", "Laboratory meeting",
        ("AN-14 failed its last check by a wide margin and repairing it is not worth the money. It was taken out of "
         "the building this morning and will be scrapped. {a} takes it off the inventory.",
         "The night shift has already handed its nickname down to the analyser that stands in its place, AN-22. There "
         "was laughter; it was pointed out that the list of November is out of date with that.",),
    ),
    (
        "2024-02-05", "memo", "Groups of instruments",
        ("For the calibration plan the instruments are now in groups. Group thermal: AN-14, AN-22, OV-01 to OV-06. "
         "Group mechanical: TF-03, TF-04, ST-09. Group optical: SP-11, SP-12, MI-02.",
         "Single instruments can be moved between groups with the consent of quality; that has to be minuted."),
    ),
    (
        "2024-03-18", "minutes", "Laboratory meeting",
        ("Quality agrees that AN-22 is moved to group balances, because it is used for weighing in the first place and "
         "its certificate says so. AN-14 stays where it is.",
         "Group balances is with that: BA-01 to BA-08 and AN-22. {a} corrects the plan."),
    ),
    (
        "2024-01-22", "memo", "Who calibrates what",
        ("Contracts from this year on. Thermal: Ormond Instruments, C-4399. Mechanical: Ormond Instruments, C-4400. "
         "Balances: Kestrel Metrology, C-4410. Optical: in house.",
         "The certificates go to {c}, not to the laboratory."),
    ),
    (
        "2024-08-19", "minutes", "Meeting of quality and purchasing",
        ("Kestrel Metrology has raised its prices twice. From 1 September 2024 the balances group goes to Brandt & "
         "Sohn under C-4587. Purchasing tells Kestrel Metrology.",
         "Mechanical stays where it is until the end of the year."),
    ),
    (
        "2024-10-14", "ticket", "T-2377: contract for the weighing equipment",
        ("Legal has found that C-4587 was signed by someone who may not sign for that amount. It is void from the "
         "start. What was done under it in September is paid by invoice, and Kestrel Metrology holds the fort "
         "meanwhile as under C-4410.",
         "A new contract with the same company, C-4611, is signed and begins on the Monday after next week's audit, "
         "which starts on 22 October and lasts three days. From then on C-4410 is at an end."),
    ),
    (
        "2024-11-12", "memo", "Certificates",
        ("Brandt & Sohn have sent the certificates for BA-01 to BA-08. Theirs for AN-22 is still to come; the "
         "analyser has been with them for a week and is covered by the same contract.",
         "Ormond Instruments asks whether it may offer for the rest. Not before spring, says purchasing."),
    ),
    # Beside the way.
    (
        "2024-07-09", "ticket", "T-2296: Halden Dairy, lot L-7741",
        ("The next lot of the same customer, accepted. Report LR-324, moisture 13.6, measured on OV-02 by {c}.",
         "No connection with T-2291 but the customer. Closed."),
    ),
    (
        "2024-07-15", "memo", "Second measurement for Halden Dairy",
        ("The second measurement of lot L-7740 was made on OV-03 and gives 13.9. It is LR-331. The customer has been "
         "told and stays with the first value until we can explain the difference.",),
    ),
    (
        "2024-04-08", "ticket", "T-2204: Old Bess shows E7",
        ("Error E7 again on AN-14, the third time this year. {b} has cleaned the lamp. Watch it.",
         "Ormond Instruments came on the 11th under C-4399 and could do no more than we had."),
    ),
    (
        "2024-09-02", "memo", "Optical instruments",
        ("SP-12 goes to Kestrel Metrology once, for the yearly check that we cannot do in house; this is a single "
         "order and no contract.",),
    ),
    (
        "2024-08-05", "minutes", "Laboratory meeting",
        ("Old Bess has a new keyboard. The Duchess squeaks. OV-05 is lent to the works in the valley until October and "
         "is calibrated there by Dahl & Partners, C-901, for that time.",),
    ),
    (
        "2024-10-07", "minutes", "Meeting of quality and purchasing",
        ("Brandt & Sohn were on time in September. Thermal could follow in spring; nothing is decided. C-4399 runs on.",
         "The audit is fixed for the week of 22 October."),
    ),
)  # fmt: skip


def build(folder: Path) -> Corpus:
    """Write the folder of documents."""
    made, home = random.Random(SEED), folder / "laboratory"
    documents = [*PLACED]
    first = datetime.date(2023, 10, 2)
    while len(documents) < DOCUMENTS:
        day = first + datetime.timedelta(days=made.randrange(0, 420))
        if day.weekday() < 5:
            kind = made.choice(("memo", "ticket", "minutes"))
            documents.append((day.isoformat(), kind, _subject(made, kind), ()))
    documents.sort(key=lambda each: each[:3])
    for number, (written, kind, subject, paragraphs) in enumerate(documents, 1):
        path = home / f"{kind}s".replace("minutess", "minutes") / f"{written}-{number:02}.txt"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(_document(made, written, kind, subject, paragraphs), encoding="utf-8")
    truth: Truth = {"company": COMPANY, "contract": CONTRACT, "since": SINCE, "near_misses": NEAR_MISSES}
    return Corpus(home, QUESTION, truth)


def _subject(made: random.Random, kind: str) -> str:
    topic = made.choice(TOPICS)
    if kind == "ticket":
        return f"T-{made.choice([*range(2100, 2200), *range(2300, 2370)])}: {topic.lower()}"
    return topic if kind == "memo" else made.choice(("Laboratory meeting", "Meeting of the shift leaders"))


def _document(made: random.Random, written: str, kind: str, subject: str, paragraphs: tuple[str, ...]) -> str:
    people = made.sample(PEOPLE, 4)
    named = dict(zip("abcd", people, strict=True))
    talk = [_paragraph(made) for _ in range(made.randrange(5, 10))]
    at = made.randrange(1, len(talk))
    body = [*talk[:at], *(each.format(**named) for each in paragraphs), *talk[at:]]
    head = {
        "memo": f"MEMO\nDate: {written}\nFrom: {people[0]}\nTo: all shifts\nSubject: {subject}",
        "ticket": f"TICKET {subject}\nOpened: {written} by {people[0]}\nAssigned to: {people[1]}",
        "minutes": f"MINUTES, {subject}\nDate: {written}\nPresent: {', '.join(people)}",
    }[kind]
    return head + "\n\n" + "\n\n".join(body) + "\n"


def _paragraph(made: random.Random) -> str:
    sentences = made.sample(SMALL_TALK, made.randrange(3, 7))
    return " ".join(
        sentence.format(
            **dict(zip(("who", "other"), made.sample(PEOPLE, 2), strict=True)),
            n=made.randrange(2, 40),
            room=f"{made.choice('ABCD')}{made.randrange(101, 140)}",
            instrument=made.choice(INSTRUMENTS),
            report=f"LR-{made.choice([*range(201, 312), *range(340, 420)])}",
            lot=f"L-{made.choice([*range(7600, 7730), *range(7750, 7900)])}",
            day=made.choice(("Monday", "Tuesday", "Wednesday", "Thursday", "Friday")),
        )
        for sentence in sentences
    )


def score(result: Result, truth: Truth) -> Score:
    """Judge the last line of that form: all three right, or half of the share that is."""
    answer = str(result.get("answer", ""))
    lines = re.findall(r"([^/\n]+)/([^/\n]+)/\s*[*`\"']*(\d{4}-\d\d-\d\d)", answer)
    said = tuple(part.strip(" \t*`\"'-:.") for part in lines[-1]) if lines else ()
    wanted = (truth["company"], truth["contract"], truth["since"])
    right = [each for each, want in zip(said, wanted, strict=False) if each.casefold() == want.casefold()]
    if len(right) == 3:
        return Score(1.0)
    missed = tuple(
        f"{want}, said {said[at] if said else 'nothing'}" for at, want in enumerate(wanted) if want not in right
    )
    turnings = tuple(f"{each}: {why}" for each, why in truth["near_misses"].items() if each in said)
    return Score(round(len(right) / 3 * 0.5, 3), (*missed, *turnings))


def ideal(truth: Truth) -> dict[str, Any]:
    """Return a result with the right line."""
    return {"answer": f"They were changed twice.\n\n{truth['company']} / {truth['contract']} / {truth['since']}"}
