"""How a question is answered: by the loop, by one request with the whole text, or by asking about each piece.

Covered: what `auto` chooses and why, what each way may cost, a choice that cannot be kept. Not covered: the ways
themselves (engine/). On text that fits the window one request is as good as the loop and costs less; beyond that, and
where there is code to be run by whoever cannot answer without, it is the loop.
"""

from collections.abc import Callable
from dataclasses import dataclass

from rlm_cli.errors import UsageError
from rlm_cli.estimate import NUMBERING, Costs, costs
from rlm_cli.types import ModelSpec, Profile, Strategy

MOST_DIRECT = 30_000
"""Tokens of a text: with as many, or more, one request is no longer the cheaper and the better way."""
_SHARE = 3
"""One part in so many of the root model's window, which the text has to be below."""
_MARGIN = 1.3
"""What another vendor's tokenizer may make of the tokens counted here."""


@dataclass(frozen=True, slots=True)
class Choice:
    """How a question is answered, and why so."""

    strategy: Strategy
    """Never `auto`."""
    why: str
    """A phrase, as in `1,240 tokens fit one request`."""
    costs: Costs | None = None
    """None: a price is unknown."""
    fits: bool = True
    """One request could hold the whole text."""


def choose(profile: Profile, tokens: int, request: Callable[[], int] | None = None, exact: bool = True) -> Choice:
    """Settle a profile's strategy for a text of so many tokens. Raises UsageError where it asks for what cannot be.

    `request` counts what the whole request would have, instructions and numbers of lines included; None: nobody knows.
    `exact`: the tokens are counted, not estimated.
    """
    root, about = profile.root, "" if exact else "~"
    direct = _Direct(root, tokens, request)
    found = costs(profile, tokens)
    # To count all of a large text, only to say that it would fit, takes longer than to begin.
    counts = tokens < MOST_DIRECT or profile.strategy == "direct"
    fits = not (direct if counts else _Direct(root, round(tokens * NUMBERING), None)).is_beyond()
    if profile.strategy == "auto":
        obstacle = _obstacle(profile, direct)
        if obstacle is None:
            return Choice("direct", f"{about}{tokens:,} tokens fit one request", found, fits)
        return Choice("rlm", about + obstacle if obstacle[0].isdigit() else obstacle, found, fits)
    if profile.strategy != "rlm":
        _check_possible(profile, direct)
    return Choice(profile.strategy, "as asked for", found, fits)


@dataclass(slots=True)
class _Direct:
    """The one request that would hold the whole text."""

    root: ModelSpec
    tokens: int
    request: Callable[[], int] | None
    _counted: int | None = None

    @property
    def size(self) -> int:
        """Its tokens; those of the text alone where nobody knows more."""
        if self._counted is None:
            self._counted = self.tokens if self.request is None else max(self.tokens, self.request())
        return self._counted

    @property
    def least(self) -> int:
        """What is known of its tokens without counting them for this."""
        return max(self.tokens, self._counted or 0)

    def is_beyond(self, margin: float = 1.0) -> bool:
        """It does not fit the root model's window, with the reply."""
        window = self.root.context_window
        if window is None:
            return False
        room = window - self.root.max_output_tokens
        # Most texts that do not fit are so large that they should not be put together to be counted.
        return self.tokens > room or self.size * margin > room


def _obstacle(profile: Profile, direct: _Direct) -> str | None:
    """Return why `auto` does not choose one request; None where nothing speaks against it."""
    windows = [each.context_window for each in profile.root.candidates if each.context_window is not None]
    tokens = direct.tokens
    if any(map(_is_offline, profile.root.candidates)):
        return "no language model"
    if profile.refine is not None:
        return "a second pass is to follow"
    if tokens >= MOST_DIRECT:
        return f"{tokens:,} tokens are more than one request should hold"
    if any(_SHARE * tokens >= window for window in windows):
        return f"{tokens:,} tokens are much of a window of {min(windows):,}"
    if any(_Direct(each, tokens, lambda: direct.size).is_beyond(_MARGIN) for each in profile.root.candidates):
        return f"{tokens:,} tokens leave too little room in a window of {min(windows):,}"
    return None


def _check_possible(profile: Profile, direct: _Direct) -> None:
    root, strategy = profile.root, profile.strategy
    if any(map(_is_offline, root.candidates)):
        raise UsageError(
            f"--strategy {strategy}: the offline root model only runs a fixed search, and cannot read",
            "--strategy rlm, or a profile with a language model",
        )
    if strategy == "direct" and direct.is_beyond():
        assert root.context_window is not None
        raise UsageError(
            f"--strategy direct: a request with the whole text has {direct.least:,} tokens or more; the window of "
            f"{root.model} takes {max(0, root.context_window - root.max_output_tokens):,} besides the reply",
            "--strategy rlm reads texts of any size",
        )


def _is_offline(spec: ModelSpec) -> bool:
    return spec.model.startswith("offline/")
