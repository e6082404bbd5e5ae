"""The extractive sub-model: gives back the lines of its prompt that match best, unchanged.

It knows the prompt that offline_root.py writes, and the beginning of the one that has a finding checked; of any other
it takes the first paragraph for the question and the rest for the text.
"""

import math
import re

from rlm_cli.llm.risks import about_security, risk_of
from rlm_cli.llm.search_words import search_words

QUESTION = "Question: "
LINES = "# Lines"
NONE = "none"
CHECK = "Check one finding"
"""How a prompt begins that asks whether a finding holds."""
UNSURE = "unsure: offline is no language model"
_MOST = 3
_NUMBERED = re.compile(r"\d+\| ?")


def reply(prompt: str) -> str:
    """Return up to three lines of the prompt, best first, or "none"; it cannot judge, and says so when asked to."""
    if prompt.startswith(CHECK):
        return UNSURE
    question, lines = _split(prompt)
    secure = about_security(question)
    words = search_words(question)
    folded = [_NUMBERED.sub("", line, count=1).lower() for line in lines]
    counts = {word: sum(word in line for line in folded) for word in words}
    scored = []
    for number, (line, small) in enumerate(zip(lines, folded, strict=True)):
        score = sum(math.log(1 + len(lines) / counts[word]) for word in words if word in small)
        if secure and (risk := risk_of(line)) is not None:
            score += 5 * risk.weight
        if score:
            scored.append((-score, number, line))
    return "\n".join(line for _, _, line in sorted(scored)[:_MOST]) or NONE


def _split(prompt: str) -> tuple[str, list[str]]:
    """Return the question and the lines to choose from, empty ones left out."""
    head, marked, rest = prompt.partition(f"\n{LINES}\n")
    if not marked:
        head, _, rest = prompt.strip().partition("\n\n")
        if not rest:
            head, _, rest = prompt.strip().partition("\n")
    question = next((line for line in head.split("\n") if line.startswith(QUESTION)), head).removeprefix(QUESTION)
    return question, [line for line in rest.split("\n") if _NUMBERED.sub("", line, count=1).strip()]
