"""How much one call of a model takes: code that packs many texts into few prompts has to know before it asks."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # the sandbox's child needs nothing of it
    from rlm_cli.types import ModelSpec, Profile

BYTES_A_TOKEN = 3
"""Of UTF-8, at the least, in nearly all text: a prompt that is packed by it is not refused for its size."""
_UNKNOWN = 100_000


@dataclass(frozen=True, slots=True)
class Window:
    """What fits into one call."""

    prompt: int
    """Bytes of UTF-8; where the window is not known, a size that hardly any model refuses."""
    reply: int
    """Tokens, thoughts included."""


def windows_of(profile: "Profile") -> dict[str, Window]:
    """Return the windows of a run's models by every name that a sub-call can have for them."""
    named = {}
    for role, spec in (("root", profile.root), ("sub", profile.sub)):
        named[spec.model] = named[role] = window_of(spec)
    return named


def window_of(spec: "ModelSpec") -> Window:
    if spec.context_window is None:
        return Window(_UNKNOWN, spec.max_output_tokens)
    room = max(0, spec.context_window - spec.max_output_tokens)
    return Window(room * BYTES_A_TOKEN, spec.max_output_tokens)
