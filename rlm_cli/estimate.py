"""What a run may come to in money, before anything is sent: arithmetic, with its assumptions.

Of the loop a range: the least is a question that a few searches settle; the most, one for which the sub-model reads the
whole text once. Of one request, and of one for each piece, what the text alone comes to. A run may fall outside of it;
the cap is what holds, and is no part of it: an estimate beyond the cap says that the cap is low. Knows prices and token
counts, and asks nobody.
"""

from dataclasses import dataclass, replace

from rlm_cli.types import ModelSpec, Profile

_FEW, _MANY = 3, 15
"""Iterations."""
_FIRST_PROMPT, _GROWTH, _REPLY = 3_000, 1_500, 500
"""Tokens: the system prompt and the first message, what an iteration adds to the history, what the root replies."""
_PIECE, _FINDING = 25_000, 500
"""Tokens: a sub-prompt (some 100,000 characters), and what the sub-model replies to it."""
_WORDS, NUMBERING = 700, 1.15
"""Tokens of what is said around a text that is sent whole; what a text grows to when its lines are numbered."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """USD."""

    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Costs:
    """What each way to answer may come to, in USD."""

    direct: float
    """Of one request with the whole text, whether or not it fits."""
    rlm: Estimate
    map_reduce: float


def estimate(profile: Profile, tokens: int) -> Estimate | None:
    """Return what a run of the loop over `tokens` tokens may cost; None where a price is unknown."""
    root, sub, limits = profile.root, profile.sub, profile.limits
    if root.price is None or sub.price is None:
        return None
    low = _exploring(root, min(_FEW, limits.max_iterations))
    high = _exploring(root, min(_MANY, limits.max_iterations)) + _reading(sub, tokens, limits.max_subcalls)
    if profile.refine is None:
        return Estimate(low, high)
    # At most the second pass reads the whole text again.
    later = estimate(replace(profile.refine, limits=limits), tokens)
    return None if later is None else Estimate(low + later.low, high + later.high)


def costs(profile: Profile, tokens: int) -> Costs | None:
    """Return what each strategy may cost over `tokens` tokens; None where a price is unknown."""
    rlm = estimate(profile, tokens)
    if rlm is None:
        return None
    shown = round(tokens * NUMBERING)
    piece = _piece(profile.sub)
    pieces = max(1, -(-shown // piece))
    asking = _cost(profile.sub, shown + pieces * _WORDS, pieces * _FINDING)
    answering = _cost(profile.root, pieces * _FINDING + _WORDS, _REPLY)
    return Costs(_cost(profile.root, shown + _WORDS, _REPLY), rlm, asking + answering)


def _exploring(root: ModelSpec, iterations: int) -> float:
    """Each iteration sends the whole history again."""
    sent = iterations * _FIRST_PROMPT + (_GROWTH + _REPLY) * iterations * (iterations - 1) // 2
    return _cost(root, sent, iterations * _REPLY)


def _reading(sub: ModelSpec, tokens: int, most: int) -> float:
    piece = _piece(sub)
    pieces = min(-(-tokens // piece), most)
    return _cost(sub, min(tokens, pieces * piece), pieces * _FINDING)


def _piece(sub: ModelSpec) -> int:
    if sub.context_window is None:
        return _PIECE
    return max(1, min(_PIECE, sub.context_window - sub.max_output_tokens))


def _cost(spec: ModelSpec, given: int, taken: int) -> float:
    assert spec.price is not None
    return (given * spec.price.input + taken * spec.price.output) / 1_000_000
