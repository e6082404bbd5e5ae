"""Tells the root model what many tiny sub-calls have cost that a few packed ones would not: once or twice a run.

Covered: batches, and single calls one after another within a cell. What is answered from a cache costs nothing and
does not count, nor do votes, which want each call.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from rlm_cli.events import CallPath
from rlm_cli.tokens import prompt_tokens
from rlm_cli.types import ModelSpec
from rlm_cli.windows import window_of

MANY = 20
"""Prompts."""
TINY = 2_000
"""Characters of a prompt, on the average, below which it is one."""
_PACKED = 100_000
"""Characters of a prompt that takes many items, at most, however large the window is."""
_ITEMS = 100
"""Items of such a prompt."""
_FAR_LARGER = 4
"""Packed, there have to be this many times fewer calls."""
_TIMES = 2
"""A run."""


@dataclass(slots=True)
class Frugality:
    """What one run has been told, and its single calls since."""

    _told: int = 0
    _here: CallPath | None = None
    _single: list[str] = field(default_factory=list)

    def note(self, sent: Sequence[str], batched: bool, spec: ModelSpec, here: CallPath) -> str | None:
        """Return what is to be said after the prompts `sent` by one call in the iteration `here`, if anything is."""
        if not batched:
            sent = self._gathered(sent, here)
        if self._told >= _TIMES or len(sent) < MANY:
            return None
        size = sum(map(len, sent))
        if size >= TINY * len(sent):
            return None
        shared = _common_beginning(sent)
        room = min(window_of(spec).prompt, _PACKED) - len(shared)
        if room <= 0:
            return None
        calls = max(-(-(size - len(shared) * len(sent)) // room), -(-len(sent) // _ITEMS))
        if calls * _FAR_LARGER > len(sent):
            return None
        self._told += 1
        self._single = []
        return _said(len(sent), calls, prompt_tokens(shared), batched)

    def _gathered(self, sent: Sequence[str], here: CallPath) -> list[str]:
        if self._here != here:
            self._here, self._single = here, []
        self._single += [prompt for prompt in sent if len(prompt) < TINY]
        return self._single


def _common_beginning(texts: Sequence[str]) -> str:
    first, last = min(texts), max(texts)
    return first[
        : next((at for at, pair in enumerate(zip(first, last, strict=False)) if pair[0] != pair[1]), len(first))
    ]


def _said(prompts: int, calls: int, shared: int, batched: bool) -> str:
    packed = f"{calls} call{'s' * (calls != 1)}"
    saved = (prompts - calls) * shared
    again = f", and some {saved:,} tokens of their common beginning less" if saved >= prompts else ""
    kind = "tiny prompts" if batched else "tiny llm_query calls one after another"
    return (
        f"[{prompts} {kind}: packed, many numbered items to a prompt, they are {packed}, {prompts - calls} "
        f"fewer{again}. llm_map(items, instruction, allowed) does that.]"
    )
