"""`--task conversations` end to end: an export in JSON lines, labels by a sub-model, counts by code, records named."""

import json
import re
from collections import Counter
from pathlib import Path

import pytest
from support.runs import cell
from support.tasks import Work, tables

TEXTS = [
    ("My parcel never came and nobody answers", "delivery", "negative"),
    ("Works now, thank you so much", "login", "positive"),
    ("I want my money back at once or I call a lawyer", "refund", "negative"),
    ("The invoice shows another address", "billing", "neutral"),
    ("Cannot sign in since the update", "login", "negative"),
]
RECORDS = [
    {
        "id": f"c{number}",
        "date": f"2024-0{1 + number % 3}-{1 + number % 28:02}",
        "status": ["resolved", "open", None][number % 7 % 3],
        "escalated": number % 5 == 2 and number % 2 == 0,
        "text": f"{TEXTS[number % 5][0]} ({number})",
    }
    for number in range(60)
]
ISSUE = {record["id"]: TEXTS[number % 5][1] for number, record in enumerate(RECORDS)}
MOOD = {record["id"]: TEXTS[number % 5][2] for number, record in enumerate(RECORDS)}

PARSE = r"""
import json, collections
records = [json.loads(documents[0].record(n)) for n in range(1, documents[0].records + 1)]
print(len(records), "parsed", collections.Counter(each["status"] for each in records))
print(sum(not each["date"] for each in records), "without a date")
"""
LABEL = r"""
ISSUES, MOODS = ("delivery", "login", "refund", "billing", "other"), ("positive", "neutral", "negative")
texts = {n: each["text"] for n, each in enumerate(records, 1)}
issue = llm_map(texts, "Issue: what is it about?", allowed=ISSUES)
mood = llm_map(texts, "Sentiment: how does the customer feel?", allowed=MOODS)
labelled = {n: (issue[n], mood[n]) for n in texts if n in issue and n in mood}
half = {n: texts[n] for n in list(texts)[::2]}
again = llm_map(half, "Issue: name the one thing that has to be mended.", allowed=ISSUES)
agree = sum(issue[n] == again[n] for n in again)
print(len(labelled), "of", len(records), "labelled;", agree, "of", len(again), "agree;", len(issue.failed), "failed")
"""
ANSWER = r"""
def table(heading, columns, rows):
    lines = [columns, ["---"] * len(columns), *rows]
    return f"## {heading}\n\n" + "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines) + "\n"

issues = collections.Counter(issue for issue, mood in labelled.values())
first = {issue: min(n for n in labelled if labelled[n][0] == issue) for issue in issues}
resolution = []
for issue in issues:
    states = collections.Counter(records[n - 1]["status"] for n in labelled if labelled[n][0] == issue)
    known = states["resolved"] + states["open"]
    resolution.append([issue, states["resolved"], states["open"], states[None], f"{states['resolved']}/{known}"])
months = collections.defaultdict(collections.Counter)
for n, (issue, mood) in labelled.items():
    months[records[n - 1]["date"][:7]][mood] += 1
path = documents[0].path
answer = "\n".join([
    table("Issues", ["issue", "conversations", "share", "example"],
          [[issue, number, f"{number}/{len(records)}", f"{path} record {first[issue]}"]
           for issue, number in issues.most_common()]),
    table("Escalations", ["conversation", "outcome", "place"],
          [[each["id"], each["status"] or "unknown", f"{path} record {n}"]
           for n, each in enumerate(records, 1) if each["escalated"]]),
    table("Resolution", ["issue", "resolved", "unresolved", "unknown", "rate"], resolution),
    table("Sentiment", ["month", "conversations", "positive", "neutral", "negative"],
          [[month, moods.total(), *(moods[mood] for mood in MOODS)] for month, moods in sorted(months.items())]),
    f"Coverage: {len(records)} records parsed, {len(labelled)} labelled; {agree} of {len(again)} agree.",
])
FINAL(answer, evidence=[(f"{path} record {n}", records[n - 1]["text"]) for n in first.values()])
"""


class Labeller:
    """Labels by meaning, and gives one item a label that is not allowed, once."""

    def __init__(self) -> None:
        self.erred = False
        self.again = 0

    def __call__(self, prompt: str) -> str:
        self.again += "These items are asked again" in prompt
        lines = []
        for number, text in re.findall(r'(?m)^(\d+): "(.*)"$', prompt):
            [(issue, mood)] = [(issue, mood) for known, issue, mood in TEXTS if text.startswith(known)]
            label = mood if prompt.startswith("Sentiment") else issue
            if number == "7" and not self.erred:
                self.erred, label = True, "shouting"
            lines.append(f"{number}: {label}")
        return "\n".join(lines)


def test_an_export_gives_counts_that_its_records_bear_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOOPBACK_KEY", "k")
    export = tmp_path / "talks.jsonl"
    export.write_text("".join(json.dumps(each) + "\n" for each in RECORDS))
    labeller = Labeller()
    work = Work(tmp_path, export, "conversations", [cell(PARSE), cell(LABEL), cell(ANSWER)], labeller)
    result = work.result
    assert (
        "JSON lines, 60 records; keys, looked at in all 60 records: id (str), date (str 2024-01-01..2024-03-"
        in work.told(1)
    )
    assert "status (str 'resolved', 'open' or None), escalated (bool)" in work.told(1)
    assert "60 parsed" in work.told(2) and "0 without a date" in work.told(2)
    assert "60 of 60 labelled; 30 of 30 agree; 0 failed" in work.told(3)
    assert labeller.again == 1, "of the three maps one lacked a label"

    found = tables(result["answer"])
    issues = Counter(ISSUE.values())
    assert {row["issue"]: row["share"] for row in found["Issues"]} == {
        issue: f"{number}/60" for issue, number in issues.items()
    }
    for row in found["Issues"]:
        number = int(row["example"].removeprefix("talks.jsonl record "))
        assert ISSUE[RECORDS[number - 1]["id"]] == row["issue"]
    escalated = [number for number, record in enumerate(RECORDS, 1) if record["escalated"]]
    assert [row["place"] for row in found["Escalations"]] == [f"talks.jsonl record {number}" for number in escalated]
    for row in found["Resolution"]:
        states = Counter(record["status"] for record in RECORDS if ISSUE[str(record["id"])] == row["issue"])
        assert (row["resolved"], row["unresolved"], row["unknown"]) == tuple(
            str(states[state]) for state in ("resolved", "open", None)
        )
        assert row["rate"] == f"{states['resolved']}/{states['resolved'] + states['open']}"
    for row in found["Sentiment"]:
        moods = Counter(MOOD[str(record["id"])] for record in RECORDS if str(record["date"]).startswith(row["month"]))
        assert [int(row[mood]) for mood in ("positive", "neutral", "negative")] == [
            moods[mood] for mood in ("positive", "neutral", "negative")
        ]
        assert int(row["conversations"]) == moods.total()
    assert len(found["Sentiment"]) == 3

    quoted = [each for each in result["citations"] if each["quote"] is not None]
    assert len(quoted) == len(issues)
    for each in quoted:
        assert RECORDS[each["record"] - 1]["text"] == each["quote"]
    assert all(each["verified"] for each in result["citations"])
