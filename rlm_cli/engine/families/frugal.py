"""For models that, left alone, make thousands of tiny sub-calls (Qwen is known for it): the standard prompt, and what
a sub-call has to be worth.
"""

from rlm_cli.engine.families import parts, standard

SUBCALLS = (
    "Sub-calls are dear here. A whole run needs a dozen; one for each line, record or file is wrong. Before a batch, "
    "have code count its prompts and their characters: when there are more than ten, or they are shorter than about "
    "20,000 characters each, narrow the text further or put more items into each prompt. Do not call llm_query in a "
    "loop, and do not ask what a search or a count can decide."
)

SYSTEM = parts.joined(
    parts.TASK,
    parts.EXAMPLE,
    parts.SHOWN,
    parts.names(),
    parts.PYTHON,
    standard.MEANS,
    SUBCALLS,
    f"{standard.PRINTING} {parts.FAILED} {parts.SAME_AGAIN}",
    f"{standard.CHECKS} {parts.FINAL_RULES}",
    parts.HOSTILE,
    parts.LIMITS,
)
