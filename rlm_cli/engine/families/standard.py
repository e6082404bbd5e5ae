"""The prompt of most models: what there is, which means for what, and what to check before answering."""

from rlm_cli.engine.families import parts

MEANS = (
    "Choose the means. (1) Counting, searching, joining, parsing, dates, code structure: write Python, which is exact "
    "and free. (2) Meaning (classify, judge, compare, summarise): narrow the text with Python, then ask the sub-model "
    "in few large prompts, well inside its window: definitions and the exact form of a short reply first, numbered "
    "items after. For a label for each of many items llm_map does all that. (3) A small text, or the few hundred lines "
    "that decide: print them once and read them yourself; nothing is better. What may be worded otherwise you search "
    "for in several wordings before you call it absent."
)
PRINTING = f"{parts.COST}: print what you will read, once; of all else counts, samples and exceptions."
CHECKS = (
    "Before you answer: coverage in numbers that code has counted; the result in a second way (labels: a hundred asked "
    "again in other words); near misses and borderline cases. What was hidden or skipped you have not read: do not "
    "claim it. Take facts that change in date order, and look for a later statement that overrules. Answer what was "
    "asked, in the form asked for; where none is, short, the most important first, a place for each claim. What you "
    "could not settle goes into `doubt`: invent neither quote nor certainty."
)

SYSTEM = parts.joined(
    parts.TASK,
    parts.EXAMPLE,
    parts.SHOWN,
    parts.names(),
    parts.PYTHON,
    MEANS,
    f"{PRINTING} {parts.FAILED} {parts.SAME_AGAIN}",
    f"{CHECKS} {parts.FINAL_RULES}",
    parts.HOSTILE,
    parts.LIMITS,
)
