"""The fixed root policy: what the offline root model replies at each iteration.

Three cells, the same for every question but for the constants at their head: look at the shape; search; ask the
sub-model about the best places, check what it says, and answer, with findings where they are asked for. A cell that
fails is followed by a plainer one, a last word by one that searches and answers without sub-calls. The code of the
cells is in offline_cells.py.
"""

from collections.abc import Iterable, Iterator

from rlm_cli.llm.offline_cells import ANSWER, ASK, GIVE, LOOK, NO_ASKING, REPORT, SEARCH
from rlm_cli.llm.offline_quality import DOUBT, QUALITY
from rlm_cli.llm.offline_sub import LINES, NONE, QUESTION
from rlm_cli.llm.risks import RISKS, about_security
from rlm_cli.llm.search_words import search_words
from rlm_cli.types import Message

OPENING = "# Question\n"
LAST_WORD = "last word"
FINDINGS = "\nFindings are asked for"
"""What a line of the first message begins with where a run is to report them."""
QUALITY_TASK = "# Task: quality of code"
"""The line behind a question about the quality of code, which is not searched for what is risky."""
_MOST_REPORTED = 50
"""Findings at most: a fixed pattern's are worth little each. How many more there were is said."""
_OF_A_KIND = 12
"""Lines of one construct that are ranked where findings are not asked for."""
_SHOWN = 500
"""Characters of the question that the sub-model is given."""


def opens_a_run(messages: tuple[Message, ...]) -> bool:
    """These are the messages of a root model: a system prompt, then the question and the context's description."""
    return len(messages) > 1 and messages[0].role == "system" and messages[1].text.startswith(OPENING)


def reply(messages: tuple[Message, ...]) -> str:
    """Return the next reply: a note and a cell, or an answer in prose where cells keep failing."""
    question = question_of(messages[1].text)
    done = sum(message.role == "assistant" for message in messages)
    last = messages[-1].text if done or LAST_WORD in _tail(messages[-1].text) else ""
    reports = asks_for_findings(messages[1].text)
    quality = asks_for_quality(messages[1].text)
    constants = _constants(question, reports, quality)
    search = (SEARCH, *([QUALITY] if quality else []))
    ending = (ANSWER, *([DOUBT] if quality else []), *([REPORT] if reports else []), GIVE)
    if LAST_WORD in _tail(last):
        return _cell("The run is ending: search and answer at once.", constants, *search, NO_ASKING, *ending)
    if done == 0:
        return _cell("First, the shape of the context.", LOOK)
    if done == 1:
        return _cell("Search for the question's words; rare ones weigh more.", constants, *search)
    if done == 2:
        return _cell("Ask the sub-model about the best places, check its lines, answer.", constants, ASK, *ending)
    if done == 3:
        return _cell("Plainer: search and answer at once.", constants, *search, NO_ASKING, *ending)
    return (
        "The search did not work here.\n\nFINAL(offline profile: no language model; its fixed search policy failed on "
        "this input and found nothing. What went wrong is in the recorded outputs.)"
    )


def question_of(first: str) -> str:
    """Return the text between "# Question" and the next heading."""
    lines = first.removeprefix(OPENING).split("\n")
    end = next((number for number, line in enumerate(lines) if line.startswith("# ")), len(lines))
    return "\n".join(lines[:end]).strip()


def asks_for_findings(first: str) -> bool:
    """A line of the program's own says so; the sample of the text that stands in between could imitate it."""
    before, _, rest = first.partition("\n# Context\n")
    return FINDINGS in before or FINDINGS in "\n" + rest.rpartition("\n# Session\n")[2]


def asks_for_quality(first: str) -> bool:
    """The kind of work stands behind the question, before the sample of the text."""
    return f"\n{QUALITY_TASK}\n" in first.partition("\n# Context\n")[0]


def _tail(text: str) -> str:
    """Return the part of a message that can speak of the last word: before it stands output, which could imitate it."""
    return text.rstrip().rpartition("\n\n")[2]


def _constants(question: str, reports: bool, quality: bool) -> str:
    """Return the assignments that a cell begins with. All of it is literals: the question's text is never code."""
    # A backtick could close the fence, a lone surrogate cannot be sent.
    shown = " ".join(question.replace("`", "'").encode("utf-8", "replace").decode().split())[:_SHOWN]
    searches_risks = about_security(question) or (reports and not quality)
    return "\n".join(
        [
            f"WORDS = {search_words(question)!r}",
            f"RISKS = {_rows(_risks()) if searches_risks else '[]'}",
            f"OF_A_KIND = {_MOST_REPORTED if reports else _OF_A_KIND}",
            *([f"MOST_REPORTED = {_MOST_REPORTED}"] if reports else []),
            f"PROMPT = {_prompt(shown)!r}",
            f"NONE = {NONE!r}",
        ]
    )


def _risks() -> Iterator[object]:
    for risk in RISKS:
        rule = (risk.rule.id, risk.rule.severity)
        yield risk.needles, risk.pattern, risk.weight, f"CWE-{risk.cwe}, {risk.reason}", rule


def _rows(rules: Iterable[object]) -> str:
    return "[\n" + "".join(f"    {rule!r},\n" for rule in rules).replace("`", "\\x60") + "]"


def _prompt(question: str) -> str:
    return (
        f"{QUESTION}{question}\nOf the lines below give back those that answer it best, at most three, each unchanged "
        f"and with its number. If none does, say: {NONE}.\n{LINES}\n"
    )


def _cell(note: str, *parts: str) -> str:
    code = "\n\n".join(part.strip("\n") for part in parts)
    return f"{note}\n\n```repl\n{code}\n```"
