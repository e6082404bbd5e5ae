"""What a corpus with a question is, and what scoring an answer comes to.

Each corpus is a module of its own: `build(folder)` writes its files and returns a Corpus, the same on every machine;
`score(result, truth)` judges what `rlm analyze -f json` printed; `ideal(truth)` is a result that scores 1.0.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Result = Mapping[str, Any]
"""What `rlm analyze -f json` prints, read."""
Truth = dict[str, Any]
"""What was planted, as plain JSON values: fixed before any run, and kept outside the input."""


@dataclass(frozen=True)
class Corpus:
    """Files and what is asked of them."""

    input: Path
    question: str
    truth: Truth
    arguments: tuple[str, ...] = ()
    """Of `rlm analyze`, beside the input and the question."""


@dataclass(frozen=True)
class Score:
    """How good an answer was."""

    value: float
    """0 to 1."""
    missed: tuple[str, ...] = ()
    """What it lacks or has wrong."""
    beyond: tuple[str, ...] = ()
    """What it says beyond what was planted: to be judged by hand."""


def share(points: Mapping[str, float], beyond: tuple[str, ...] = ()) -> Score:
    """Return the mean of points from 0 to 1; what has less than 1 is missed."""
    missed = tuple(f"{name} ({point:g})" if point else name for name, point in points.items() if point < 1)
    return Score(round(sum(points.values()) / len(points), 3), missed, beyond)


def pieces(answer: str) -> list[str]:
    """Return the parts of an answer that say one thing each: table rows, list items with what is indented below."""
    found: list[str] = []
    for line in answer.splitlines():
        starts = re.match(r"\s?([-*•|#]|\d+[.)]|\(\w\))", line)
        if not line.strip():
            found.append("")
        elif starts or not found or not found[-1]:
            found.append(line)
        else:
            found[-1] += "\n" + line
    return [each for each in found if each.strip()]


def numbers(text: str) -> list[float]:
    """Return the numbers of a text, thousands separators taken out."""
    return [float(each.replace(",", "")) for each in re.findall(r"(?<![\w.])\d[\d,]*(?:\.\d+)?", text)]
