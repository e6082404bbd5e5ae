"""`--task papers` end to end: a sub-call a paper, and tables whose claims stand in the papers named."""

import json
import re
from pathlib import Path

import pytest
from support.pdfs import pdf
from support.runs import cell
from support.tasks import Work, tables

PAPERS = {
    "smith-2019.pdf": {"question": "naps and recall", "method": "trial", "sample": 40, "result": "improve",
                       "quote": "Naps improved recall by 12 percent", "gap": "older adults were not studied"},
    "jones-2020.pdf": {"question": "naps and recall", "method": "survey", "sample": 900, "result": "none",
                       "quote": "Naps had no effect on recall", "gap": "sleep was self-reported"},
    "meier-2021.pdf": {"question": "light and mood", "method": "trial", "sample": 60, "result": "improve",
                       "quote": "Bright light improved mood", "gap": "older adults were not studied"},
    "silva-2022.pdf": {"question": "light and mood", "method": "trial", "sample": 25, "result": "improve",
                       "quote": "Morning light raised mood scores", "gap": "no follow-up was made"},
}  # fmt: skip

READ = r"""
wanted = "Give JSON with question, method, sample, result, quote, gap."
prompts = [f"{wanted}\n<paper {each.key}>\n{each.text}" for each in documents]
replies = llm_query_batched(prompts)
import json
rows, failed = [], []
for each, reply in zip(documents, replies):
    row = json.loads(reply) if reply.ok else None
    if row is None or row["quote"] not in " ".join(each.text.split()):
        failed.append(each.key)
        continue
    rows.append({**row, "key": each.key, "path": each.path, "at": each.start + each.text.find(row["quote"].split()[0])})
print(len(rows), "of", len(documents), "papers read; not:", failed)
"""
AGAIN = r"""
for each in documents:
    if each.key in failed:
        row = json.loads(llm_query(f"The quote was not in the paper. Copy it.\n<paper {each.key}>\n{each.text}"))
        if row["quote"] in " ".join(each.text.split()):
            rows.append({**row, "key": each.key, "path": each.path, "at": each.start + each.text.find(row["quote"])})
            failed.remove(each.key)
print(len(rows), failed)
"""
ANSWER = r"""
import collections
def table(heading, columns, rows):
    lines = [columns, ["---"] * len(columns), *rows]
    return f"## {heading}\n\n" + "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines) + "\n"

by_question = collections.defaultdict(list)
for row in rows:
    by_question[row["question"]].append(row)
split = {question: those for question, those in by_question.items() if len({each["result"] for each in those}) > 1}
gaps = collections.defaultdict(list)
for row in rows:
    gaps[row["gap"]].append(row["key"])
def page(row):
    return f"{row['key']} p. {documents[row['path']].page_of(row['at'])}"

def means(row):
    return f"{row['method']} of {row['sample']}"

answer = "\n".join([
    table("Themes", ["theme", "found", "papers"],
          [[question, len(those), ", ".join(map(page, those))] for question, those in by_question.items()]),
    table("Contradictions", ["question", "one side", "other side", "why"],
          [[question, page(those[0]), page(those[1]), f"{means(those[0])} / {means(those[1])}"]
           for question, those in split.items()]),
    table("Methods", ["paper", "method", "data"], [[row["key"], row["method"], row["sample"]] for row in rows]),
    table("Gaps", ["gap", "named by"], [[gap, ", ".join(keys)] for gap, keys in gaps.items()]),
    f"Coverage: {len(rows)} of {len(documents)} papers, {len(failed)} without a quote.",
])
FINAL(answer, evidence=[(row["path"], row["quote"]) for row in rows])
"""


def reader(prompt: str) -> str:
    """Answer from the paper in the prompt; the first time one quote is invented."""
    [fields] = [paper for name, paper in PAPERS.items() if str(paper["quote"]) in " ".join(prompt.split())]
    invented = fields["question"] == "light and mood" and fields["sample"] == 25 and "Copy it" not in prompt
    return json.dumps({**fields, **({"quote": "Light cures all"} if invented else {})})


def test_a_folder_of_papers_gives_tables_that_the_papers_bear_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOOPBACK_KEY", "k")
    folder = tmp_path / "papers"
    folder.mkdir()
    for name, paper in PAPERS.items():
        text = (
            f"We studied {paper['sample']} people in a {paper['method']}.\n{paper['quote']}.\nLimits: {paper['gap']}."
        )
        (folder / name).write_bytes(pdf([f"On {paper['question']}\nA paper of {name[:5]}", text]))
    work = Work(tmp_path, folder, "papers", [cell(READ), cell(AGAIN), cell(ANSWER)], reader)
    result = work.result
    assert "3 of 4 papers read; not: ['silva2022']" in work.told(2)
    assert "4 []" in work.told(3)
    assert [body["model"] for body in work.requests].count("sub") == len(PAPERS) + 1

    found = tables(result["answer"])
    keys = {name: name.removesuffix(".pdf").replace("-", "") for name in PAPERS}
    assert {row["theme"]: set(re.findall(r"\w+\d{4}", row["papers"])) for row in found["Themes"]} == {
        question: {keys[name] for name, paper in PAPERS.items() if paper["question"] == question}
        for question in ("naps and recall", "light and mood")
    }
    assert [(row["one side"], row["other side"]) for row in found["Contradictions"]] == [
        ("jones2020 p. 2", "smith2019 p. 2")
    ]
    assert {(row["paper"], row["method"], row["data"]) for row in found["Methods"]} == {
        (keys[name], paper["method"], str(paper["sample"])) for name, paper in PAPERS.items()
    }
    assert {row["gap"]: set(row["named by"].split(", ")) for row in found["Gaps"]} == {
        str(gap): {keys[name] for name, paper in PAPERS.items() if paper["gap"] == gap}
        for gap in {paper["gap"] for paper in PAPERS.values()}
    }
    quoted = [each for each in result["citations"] if each["quote"] is not None]
    assert {(each["path"], each["page"], each["quote"]) for each in quoted} == {
        (name, 2, paper["quote"]) for name, paper in PAPERS.items()
    }
    assert all(each["verified"] for each in result["citations"])
