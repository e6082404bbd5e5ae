"""Labelling by meaning: 2,000 support messages of a year, five labels that no keyword tells apart, counts by quarter.

The label of each message is that of the phrasing it was made from (phrasings.py). A person or model that labels every
message gets all counts; sampling or keywords do not come near.
"""

import json
import random
from collections import Counter
from pathlib import Path
from typing import Any

from benchmarks.questions import phrasings
from benchmarks.questions.question import Corpus, Result, Score, Truth, share

RECORDS = 2_000
SEED = 20250801
QUARTERS = ("2025-Q1", "2025-Q2", "2025-Q3", "2025-Q4")
WEIGHTS = {
    "2025-Q1": {"delivery": 18, "product": 26, "money": 14, "praise": 22, "question": 20},
    "2025-Q2": {"delivery": 15, "product": 22, "money": 21, "praise": 27, "question": 15},
    "2025-Q3": {"delivery": 24, "product": 17, "money": 17, "praise": 18, "question": 24},
    "2025-Q4": {"delivery": 37, "product": 14, "money": 19, "praise": 12, "question": 18},
}
ASIDE, HURRIED = 0.4, 0.3
"""Shares of the messages that say something beside the point, and that were typed in haste."""
COMPLAINTS = ("delivery", "product", "money")
CLOSE, FAIR = 0.05, 0.15
"""How far a count may be off, as a share of it, for the whole point and for half of it; two messages always may be."""
SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "counts": {
            "type": "object",
            "properties": {
                quarter: {
                    "type": "object",
                    "properties": {label: {"type": "integer"} for label in phrasings.LABELS},
                    "required": [*phrasings.LABELS],
                }
                for quarter in QUARTERS
            },
            "required": [*QUARTERS],
        },
        "delivery_share_of_complaints": {"type": "number"},
    },
    "required": ["counts", "delivery_share_of_complaints"],
}


def build(folder: Path) -> Corpus:
    """Write messages.jsonl and, beside it, the schema of the answer."""
    made = random.Random(SEED)
    rows, counts = [], {quarter: Counter[str]() for quarter in QUARTERS}
    for number in range(RECORDS):
        month = made.randrange(12)
        quarter = QUARTERS[month // 3]
        label = made.choices([*WEIGHTS[quarter]], [*WEIGHTS[quarter].values()])[0]
        counts[quarter][label] += 1
        rows.append(
            {
                "id": f"M{number + 1:04}",
                "month": f"2025-{month + 1:02}",
                "channel": made.choice(phrasings.CHANNELS),
                "text": _text(made, label, month),
            }
        )
    messages, schema = folder / "messages.jsonl", folder / "schema.json"
    messages.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    schema.write_text(json.dumps(SCHEMA, indent=1), encoding="utf-8")
    complaints = sum(count[label] for count in counts.values() for label in COMPLAINTS)
    of_delivery = sum(count["delivery"] for count in counts.values())
    truth: Truth = {
        "counts": {quarter: {label: counts[quarter][label] for label in phrasings.LABELS} for quarter in QUARTERS},
        "delivery_share_of_complaints": round(of_delivery / complaints, 4),
    }
    return Corpus(messages, _question(), truth, ("--schema", str(schema)))


def _question() -> str:
    labels = "\n".join(f"- {label}: {meaning}" for label, meaning in phrasings.LABELS.items())
    return (
        "Each record is a message from a customer of a shop for household goods. Label every message by what its "
        f"writer is mainly about, in meaning and not by keyword (some are ironic):\n{labels}\n"
        "How many messages of each label are there in each quarter of 2025 (months 01-03 are Q1, and so on), and what "
        "share of all complaints (delivery, product and money together, whole year) is about delivery? Answer with "
        'JSON: {"counts": {"2025-Q1": {"delivery": n, "product": n, "money": n, "praise": n, "question": n}, '
        '"2025-Q2": ..., "2025-Q3": ..., "2025-Q4": ...}, "delivery_share_of_complaints": number from 0 to 1}'
    )


def _text(made: random.Random, label: str, month: int) -> str:
    body = made.choice(phrasings.BY_LABEL[label])
    if made.random() < ASIDE:
        aside = made.choice(phrasings.ASIDES)
        body = f"{aside} {body}" if made.random() < 0.5 else f"{body} {aside}"
    pattern = made.choice(phrasings.OPENINGS) + body + made.choice(phrasings.CLOSINGS)
    text = pattern.format(
        item=made.choice(phrasings.ITEMS),
        name=made.choice(phrasings.NAMES),
        place=made.choice(phrasings.PLACES),
        day=made.choice(phrasings.DAYS),
        month=phrasings.MONTHS[(month + made.choice((-2, -1, 1, 2))) % 12],
        n=made.randrange(3, 12),
        order=f"{made.randrange(100_000, 999_999)}",
    )
    return _hurried(made, text) if made.random() < HURRIED else text


def _hurried(made: random.Random, text: str) -> str:
    """Return it as typed in haste: small letters, no apostrophes, two letters changed round here and there."""
    letters = list(text.lower().replace("'", "").replace(" you ", " u ").replace(" and ", " & "))
    for _ in range(made.randrange(1, 4)):
        at = made.randrange(len(letters) - 1)
        if letters[at].isalpha() and letters[at + 1].isalpha():
            letters[at], letters[at + 1] = letters[at + 1], letters[at]
    return "".join(letters)


def score(result: Result, truth: Truth) -> Score:
    """Judge the counts, one point each, and the share, which counts for four."""
    given = _answer(str(result.get("answer", "")))
    points: dict[str, float] = {}
    for quarter, wanted in truth["counts"].items():
        for label, count in wanted.items():
            said = _number(given, "counts", quarter, label)
            points[f"{quarter} {label}: {count}, said {said}"] = _near(said, count)
    right = truth["delivery_share_of_complaints"]
    said = _number(given, "delivery_share_of_complaints")
    off = abs(said - right) if said is not None else 1.0
    for part in range(1, 5):
        points[f"share of delivery ({part}/4): {right}, said {said}"] = (
            1.0 if off <= 0.01 else 0.5 if off <= 0.03 else 0.0
        )
    return share(points)


def ideal(truth: Truth) -> dict[str, Any]:
    """Return a result with every count right."""
    return {"answer": f"The counts are:\n```json\n{json.dumps(truth)}\n```"}


def _near(said: float | None, count: int) -> float:
    if said is None:
        return 0.0
    off = abs(said - count)
    return 1.0 if off <= max(2, CLOSE * count) else 0.5 if off <= max(4, FAIR * count) else 0.0


def _answer(text: str) -> Any:
    """Return the first JSON object of the answer that has counts; {} where there is none."""
    decoder = json.JSONDecoder()
    for start, char in enumerate(text):
        if char == "{":
            try:
                value, _ = decoder.raw_decode(text, start)
            except ValueError:
                continue
            if isinstance(value, dict) and "counts" in value:
                return value
    return {}


def _number(value: Any, *keys: str) -> float | None:
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None
