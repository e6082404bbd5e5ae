"""Replies kept in a file and found there again, for tests of the cache."""

from contextlib import closing
from pathlib import Path

from support.requests import ask

from rlm_cli.llm.cached import KeptReplies
from rlm_cli.types import ModelSpec, Reply, Usage

SPEC = ModelSpec("openai/any", cache=True)
BILLED = Usage(1, 0, 300, 100, 20, 0.25)
MANY = range(60)


def text(number: int) -> str:
    """Of different sizes, so that some lie in a page with others and some take several."""
    return f"reply {number} " * (1 + number * number)


def keep(path: Path, numbers: range = MANY) -> tuple[str, ...]:
    with closing(KeptReplies(path=path, patience=0.05)) as kept:
        for number in numbers:
            kept.keep(ask(SPEC, f"prompt {number}"), Reply(text(number), BILLED))
    return kept.warnings


def found(path: Path, numbers: range = MANY) -> tuple[int, tuple[str, ...]]:
    """Look everything up; return how much was found, all of it right, and what was said."""
    hits = 0
    with closing(KeptReplies(path=path, patience=0.05)) as kept:
        for number in numbers:
            reply = kept.find(ask(SPEC, f"prompt {number}"))
            assert reply is None or (reply.text, reply.usage) == (text(number), BILLED)
            hits += reply is not None
    return hits, kept.warnings
