"""The conversation with the root model: append-only, so that providers can serve its prefix from their caches.

One assistant message an iteration, each followed by one user message: what the code printed and what is left. Folding
old outputs, or putting a summary in place of old exchanges, changes the prefix: when that is due compaction.py decides.
"""

from dataclasses import dataclass, replace

from rlm_cli.tokens import prompt_tokens
from rlm_cli.types import Message

_KEPT_WHOLE = 2
"""The latest exchanges, which are neither folded nor summarised."""


@dataclass(frozen=True, slots=True)
class _Exchange:
    numbers: tuple[int, ...]
    """Its iteration; the iterations that it stands for where it is a summary."""
    reply: str
    outcome: str
    folded: str
    """What stands for `outcome` once it is folded; names out[n]."""

    @property
    def tokens(self) -> int:
        return prompt_tokens(self.reply) + prompt_tokens(self.outcome)


class History:
    """The messages of one run."""

    def __init__(self, system: str, first: str) -> None:
        self._opening = (Message("system", system), Message("user", first))
        self._exchanges: list[_Exchange] = []
        self._iterations = 0

    def add(self, reply: str, outcome: str, folded: str) -> None:
        """Append one iteration: the reply, and what came of it. An empty reply is stored as words that say so."""
        self._iterations += 1
        said = reply if reply.strip() else "(an empty reply)"
        self._exchanges.append(_Exchange((self._iterations,), said, outcome, folded))

    def append_to_last(self, text: str) -> None:
        """Add a paragraph to the message that is sent next, for good."""
        if self._exchanges:
            last = self._exchanges[-1]
            self._exchanges[-1] = replace(last, outcome=f"{last.outcome}\n\n{text}", folded=f"{last.folded}\n\n{text}")
        else:
            system, first = self._opening
            self._opening = (system, replace(first, text=f"{first.text}\n\n{text}"))

    def messages(self) -> tuple[Message, ...]:
        """Return all messages, system prompt first, ending with a user message."""
        return (*self._opening, *_said(self._exchanges))

    def tokens(self) -> int:
        return sum(prompt_tokens(message.text) for message in self.messages())

    # --- making room ---------------------------------------------------------------------------------------------

    def fold(self, everything: bool = False) -> tuple[int, ...]:
        """Fold the older half of the outputs that can be, or all of them; return their iterations."""
        foldable = [
            index
            for index, exchange in enumerate(self._exchanges[:-_KEPT_WHOLE])
            if len(exchange.folded) < len(exchange.outcome)
        ]
        due = foldable if everything else foldable[: (len(foldable) + 1) // 2]
        for index in due:
            exchange = self._exchanges[index]
            self._exchanges[index] = replace(exchange, outcome=exchange.folded)
        return tuple(number for index in due for number in self._exchanges[index].numbers)

    @property
    def least_tokens(self) -> int:
        """Tokens of the messages, were everything folded that can be."""
        old = self._exchanges[:-_KEPT_WHOLE]
        return self.tokens() - sum(
            max(0, prompt_tokens(exchange.outcome) - prompt_tokens(exchange.folded)) for exchange in old
        )

    @property
    def old_tokens(self) -> int:
        """Tokens of all that a summary would stand for."""
        return sum(exchange.tokens for exchange in self._exchanges[:-_KEPT_WHOLE])

    @property
    def old_iterations(self) -> tuple[int, ...]:
        """The iterations that a summary would stand for."""
        return tuple(number for exchange in self._exchanges[:-_KEPT_WHOLE] for number in exchange.numbers)

    def asking_for_summary(self, request: str) -> tuple[Message, ...]:
        """Return the opening and the old exchanges, with the request for a summary of them at the end."""
        *old, last = self._exchanges[:-_KEPT_WHOLE]
        return (*self._opening, *_said([*old, replace(last, outcome=f"{last.outcome}\n\n{request}")]))

    def summarise(self, summary: str, note: str) -> None:
        """Put a summary, as the model's own words, and a note about it in place of the old exchanges."""
        there = _Exchange(self.old_iterations, summary, note, note)
        self._exchanges[:-_KEPT_WHOLE] = [there]


def _said(exchanges: list[_Exchange]) -> list[Message]:
    pairs = ((Message("assistant", each.reply), Message("user", each.outcome)) for each in exchanges)
    return [message for pair in pairs for message in pair]
