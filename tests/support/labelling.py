"""A sub-model that reads what llm_map asks, and labels what is good as praise."""

import json
import re


def items_of(prompt: str) -> dict[int, str]:
    """Read a prompt as the sub-model does."""
    fenced = re.search(r"`=== item NUMBER (\w{8}) ===`", prompt)
    if fenced is None:
        lines = re.findall(r'^(\d+): (".*")$', prompt, re.MULTILINE)
        return {int(number): json.loads(text) for number, text in lines}
    parts = re.split(rf"^=== (?:item (\d+)|end) {fenced[1]} ===\n", prompt, flags=re.MULTILINE)
    return {int(number): text[:-1] for number, text in zip(parts[1::2], parts[2::2], strict=True) if number}


def mood(text: str) -> str:
    return "praise" if "good" in text else "complaint"


def labelled(prompt: str) -> str:
    return "\n".join(f"{number}: {mood(text)}" for number, text in items_of(prompt).items())
