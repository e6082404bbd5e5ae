"""The conversation with the root model: append-only, so that providers can serve its prefix from their caches.

One assistant message an iteration, each followed by one user message: what the code printed and what is left. Folding
old outputs changes the prefix, so it happens only when the model's window is nearly full.
"""

from dataclasses import dataclass, replace

from rlm_cli.tokens import prompt_tokens
from rlm_cli.types import Message

_FULL = 0.75
"""The share of the window, less the reply's part, at which old outputs are folded."""
_KEPT_WHOLE = 2
"""The latest outputs, which are never folded."""


@dataclass(frozen=True, slots=True)
class _Exchange:
    reply: str
    outcome: str
    folded: str
    """What stands for `outcome` once it is folded; names out[n]."""


class History:
    """The messages of one run."""

    def __init__(self, system: str, first: str) -> None:
        self._opening = (Message("system", system), Message("user", first))
        self._exchanges: list[_Exchange] = []

    def add(self, reply: str, outcome: str, folded: str) -> None:
        """Append one iteration: the reply, and what came of it. An empty reply is stored as words that say so."""
        self._exchanges.append(_Exchange(reply if reply.strip() else "(an empty reply)", outcome, folded))

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
        result = list(self._opening)
        for exchange in self._exchanges:
            result += [Message("assistant", exchange.reply), Message("user", exchange.outcome)]
        return tuple(result)

    def tokens(self) -> int:
        return sum(prompt_tokens(message.text) for message in self.messages())

    def compact(self, window: int | None, reserved: int) -> tuple[int, int, int] | None:
        """Fold old outputs, oldest first, when the prompt nears `window` tokens less `reserved` for the reply.

        Returns (outputs folded, tokens before, tokens after), or None when nothing had to be done.
        """
        if window is None:
            return None
        before = self.tokens()
        if before <= _FULL * (window - reserved):
            return None
        foldable = [
            index
            for index, exchange in enumerate(self._exchanges[:-_KEPT_WHOLE])
            if len(exchange.folded) < len(exchange.outcome)
        ]
        if not foldable:
            return None
        # Half at a time: each folding costs the cached prefix, so it should not be due again at once.
        due = foldable[: max(1, (len(foldable) + 1) // 2)]
        for index in due:
            exchange = self._exchanges[index]
            self._exchanges[index] = replace(exchange, outcome=exchange.folded)
        return len(due), before, self.tokens()
