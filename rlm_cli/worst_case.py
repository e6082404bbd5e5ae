"""The most that one call can come to, before it is made: what the Budget reserves.

Covered: the count of the prompt with its margins, the dearest price that may come to hold, and what a model's replies
have taught about both. Not covered: the account, and who may call (budget.py).
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass

from rlm_cli.tokens import prompt_tokens
from rlm_cli.types import Message, ModelSpec, Price

_TOKENIZER_MARGIN = 1.3
"""Tokenizers of other vendors need up to about this much more than the one that counts here."""
_MESSAGE_TOKENS = 8
_FORM_TOKENS = 400
"""What a provider says around a schema."""
_CALL_TOKENS = 100
"""What a server may put around a prompt: its template, a system prompt of its own."""


@dataclass(frozen=True, slots=True)
class Worst:
    """The most that a call can come to."""

    input_tokens: int
    output_tokens: int
    cost_usd: float
    """0 when the price is unknown: a cap then refuses to go on as soon as the first cost is."""

    @property
    def tokens(self) -> int:
        return self.input_tokens + self.output_tokens

    def __add__(self, other: "Worst") -> "Worst":
        return Worst(
            self.input_tokens + other.input_tokens,
            self.output_tokens + other.output_tokens,
            self.cost_usd + other.cost_usd,
        )

    def __sub__(self, other: "Worst") -> "Worst":
        return Worst(
            self.input_tokens - other.input_tokens,
            self.output_tokens - other.output_tokens,
            self.cost_usd - other.cost_usd,
        )

    @classmethod
    def of_call(cls, spec: ModelSpec, expected: int, lesson: "Lesson") -> "Worst":
        """Return the worst case of a call to `spec`, or to whichever of its fallbacks is the dearest."""
        # A provider that has counted more than we did once will do so again: as much more for each token of a longer
        # prompt, or, where it adds something to every prompt, as much more for each prompt.
        input_tokens = max(expected + lesson.more_input, math.ceil(expected * lesson.input_rate - 1e-6))
        outputs = [max(each.max_output_tokens, lesson.longest_output) for each in spec.candidates]
        costs = (_cost(each.price, input_tokens, most) for each, most in zip(spec.candidates, outputs, strict=True))
        return cls(input_tokens, max(outputs), max(costs))


NOTHING = Worst(0, 0, 0.0)


@dataclass(frozen=True, slots=True)
class Lesson:
    """By how much a model's replies have exceeded what was expected of them."""

    more_input: int = 0
    input_rate: float = 1.0
    longest_output: int = 0

    def with_reply(self, expected: int, given: int, taken: int) -> "Lesson":
        """Return the lesson after a reply that had `given` tokens of input, `taken` of output."""
        return Lesson(
            max(self.more_input, given - expected),
            max(self.input_rate, given / expected),
            max(self.longest_output, taken),
        )


UNTAUGHT = Lesson()


def expected_input(messages: Iterable[Message], further_tokens: int = 0) -> int:
    """Return the input tokens that a prompt is expected to have at most, by our own count and margins."""
    prompt = sum(prompt_tokens(message.text) + _MESSAGE_TOKENS for message in messages)
    return math.ceil((prompt + further_tokens) * _TOKENIZER_MARGIN) + _CALL_TOKENS


def form_tokens(schema: str | None) -> int:
    """Return what a JSON schema adds to a request whose messages state it already: it may be sent once more."""
    return 0 if schema is None else prompt_tokens(schema) + _FORM_TOKENS


def _cost(price: Price | None, input_tokens: int, output_tokens: int) -> float:
    """Return the most that so many tokens can cost."""
    if price is None:
        return 0.0
    # Some providers write prompts to their cache unasked, and a longer prompt may be the cheaper one: so the dearest of
    # what can come to hold does.
    tiers = [price, *(tier for tokens, tier in price.long if tokens <= input_tokens)]
    dearest = max(max(each.input, each.cached_input or 0.0, each.cache_write or 0.0) for each in tiers)
    return (input_tokens * dearest + output_tokens * max(each.output for each in tiers)) / 1_000_000
