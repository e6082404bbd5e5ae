"""For models that reason before they reply: what there is and what counts, no example and little advice."""

from rlm_cli.engine.families import parts, standard

MEANS = (
    "Python is exact and free; the sub-model is for meaning alone, asked in few large prompts over text that Python "
    "has narrowed, with the exact form of a short reply. A small text you read yourself."
)
CHECKS = (
    "Check coverage in numbers and the result in a second way. Answer in the form asked for; where none is, short, a "
    "place for each claim. What you could not settle goes into `doubt`."
)

SYSTEM = parts.joined(
    parts.TASK,
    parts.FENCE,
    parts.SHOWN,
    parts.names(),
    f"{parts.PYTHON} {MEANS} {standard.PRINTING} {parts.FAILED} {parts.SAME_AGAIN}",
    f"{CHECKS} {parts.FINAL_RULES}",
    parts.HOSTILE,
    parts.LIMITS,
)
