"""`--task contract` end to end: a contract in PDF, a root model that works as told, tables that agree with it."""

import re
from pathlib import Path

import pytest
from support.pdfs import pdf
from support.runs import cell
from support.tasks import Work, tables

CLAUSES = {
    # number: (page, clause, what a careful reader makes of it: party, obligation, deadline, penalty)
    "1.1": (1, '"Business Day" means a day on which banks in Bern are open.', None),
    "2.1": (1, "The Supplier shall deliver the pumps within 20 Business Days of each order.",
            ("Supplier", "deliver the pumps", "20 Business Days from the order", "see 2.2")),
    "2.2": (2, "For each day of delay the Supplier shall pay 0.5 % of the price, at most 5 %.",
            ("Supplier", "pay for delay", "each day", "0.5 % a day | at most 5 %")),
    "3.1": (2, "The Buyer shall pay each invoice within 30 days, failing which 8 % interest runs.",
            ("Buyer", "pay invoices", "30 days", "8 % interest")),
    "4.1": (3, "Either party may terminate with a notice of three (3) months.", None),
    "5.1": (3, "The Supplier must keep the design secret as Section 9.9 provides.",
            ("Supplier", "keep the design secret", "-", "-")),
    "6.1": (4, "The Buyer's liability is unlimited; the Supplier's is limited to CHF 1.", None),
    "7.1": (4, "Termination needs a notice of six (6) months before the year ends.", None),
    "8.1": (5, "Where clauses conflict, the one with the higher number prevails.", None),
}  # fmt: skip
PARTIES = 'between Alpha Pumps AG (the "Supplier")\nand Beta Water Ltd (the "Buyer").'
OWED = {number: clause[2] for number, clause in CLAUSES.items() if clause[2] is not None}

COLLECT = r"""
import re
sections = [(m.start(), m[1], m[2]) for m in re.finditer(r'(?m)^ {0,8}((?:\d{1,3}\.)+\d{0,3}) +(\S.*)$', context)]
text_of, at_of = {}, {}
for index, (at, number, title) in enumerate(sections):
    end = sections[index + 1][0] if index + 1 < len(sections) else len(context)
    text_of[number], at_of[number] = " ".join(context[at:end].split()[1:]), at
duties = [number for number in text_of if re.search(r"\b(shall|must|agrees|undertakes)\b", text_of[number])]
referred = {(number, target) for number in text_of for target in re.findall(r"Section (\d+\.\d+)", text_of[number])}
missing = sorted(pair for pair in referred if pair[1] not in text_of)
found = [(number, re.search(r"notice of \w+ \((\d+)\) months", text_of[number])) for number in text_of]
notices = [(number, match[1]) for number, match in found if match]
print(len(sections), "sections,", len(duties), "with duties,", missing, notices)
"""
ASK = r"""
numbered = "\n".join(f"{n}| {text_of[each]}" for n, each in enumerate(duties, 1))
reply = llm_query("Who owes what? One line a clause: number; party; obligation; deadline; penalty\n" + numbered)
parts = [[part.strip() for part in line.split(";")] for line in reply.splitlines()]
owed = {duties[int(number) - 1]: fields for number, *fields in parts}
print(len(owed), "of", len(duties), "labelled")
"""
ANSWER = r"""
def cells(row):
    return "| " + " | ".join(" ".join(str(each).split()).replace("|", "\\|") for each in row) + " |"

def table(heading, columns, rows):
    return "\n".join([f"## {heading}", "", cells(columns), cells(["---"] * len(columns)), *map(cells, rows), ""])

def place(number):
    return f"{documents[0].path} p. {documents[0].page_of(at_of[number])}"

parties = re.findall(r'(\w+ \w+ \w+) \(the "(\w+)"\)', " ".join(context[:sections[0][0]].split()))
(one, three), (other, six) = notices
answer = "\n".join([
    table("Parties", ["party", "called", "place"], [[*each, f"{documents[0].path} p. 1"] for each in parties]),
    table("Obligations", ["party", "obligation", "deadline", "penalty", "place"],
          [[*owed[each], place(each)] for each in duties]),
    table("Conflicts", ["clause", "against", "difference", "prevails"],
          [[f"{one} ({place(one)})", f"{other} ({place(other)})", f"{three} months / {six} months", other],
           *([number, target, "there is no such section", "-"] for number, target in missing)]),
    f"Coverage: {len(sections)} sections read, {len(owed)} of {len(duties)} duties labelled.",
])
FINAL(answer, evidence=[(at_of[each], text_of[each][:60]) for each in (*duties, one, other)])
"""


@pytest.fixture
def contract(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LOOPBACK_KEY", "k")
    pages: list[str | None] = []
    for number in range(1, 6):
        clauses = [f"{name} {text}" for name, (page, text, _) in CLAUSES.items() if page == number]
        pages.append("\n".join([*([f"SUPPLY AGREEMENT\n{PARTIES}"] if number == 1 else []), *clauses]))
    (tmp_path / "supply.pdf").write_bytes(pdf(pages, title="Supply agreement"))
    return tmp_path / "supply.pdf"


def reader(prompt: str) -> str:
    """Answer as one who reads the clauses it is sent, whatever their number."""
    lines = []
    for number, text in re.findall(r"(?m)^(\d+)\| (.*)$", prompt):
        [owed] = [made for name, made in OWED.items() if made is not None and CLAUSES[name][1] == text]
        lines.append("; ".join([number, *owed]))
    return "\n".join(lines)


def test_the_tables_of_a_contract_agree_with_it_and_cite_its_pages(contract: Path, tmp_path: Path) -> None:
    work = Work(tmp_path, contract, "contract", [cell(COLLECT), cell(ASK), cell(ANSWER)], reader)
    result = work.result
    assert "9 sections, 4 with duties, [('5.1', '9.9')] [('4.1', '3'), ('7.1', '6')]" in work.told(2)
    assert "numbered sections: 9 of 12 lines" in work.told(1)

    found = tables(result["answer"])
    assert [(row["party"], row["called"]) for row in found["Parties"]] == [
        ("Alpha Pumps AG", "Supplier"), ("Beta Water Ltd", "Buyer"),
    ]  # fmt: skip
    expected = {(*owed, f"supply.pdf p. {CLAUSES[number][0]}") for number, owed in OWED.items() if owed is not None}
    assert {tuple(row.values()) for row in found["Obligations"]} == expected
    assert [(row["clause"], row["against"], row["prevails"]) for row in found["Conflicts"]] == [
        ("4.1 (supply.pdf p. 3)", "7.1 (supply.pdf p. 4)", "7.1"), ("5.1", "9.9", "-"),
    ]  # fmt: skip

    quoted = [each for each in result["citations"] if each["quote"] is not None]
    assert len(quoted) == len(OWED) + 2
    assert all(each["verified"] for each in result["citations"])
    for each in quoted:
        assert any(page == each["page"] and text.startswith(each["quote"]) for page, text, _ in CLAUSES.values())
    named = {each["page"] for each in result["citations"] if each["quote"] is None}
    assert named <= {1, 2, 3, 4}


def test_a_question_of_ones_own_keeps_its_words_and_gains_what_the_kind_adds(contract: Path, tmp_path: Path) -> None:
    work = Work(tmp_path, contract, "contract", ["FINAL(The Buyer.)"], reader, question="Whose liability is unlimited?")
    assert work.result["answer"] == "The Buyer."
    assert work.told(1).startswith("# Question\n\nWhose liability is unlimited?\n\n# Task: a contract\n")
