"""Which way of being spoken to suits a model: the families there are, and the one that its id tells.

Covered: the names, for profiles to check and to show; a guess from the id and its parameters, which a profile may set
right with `prompts: {family: NAME}`. Not covered: the words themselves (engine/families).
"""

import re
from typing import Any, Literal, get_args

from rlm_cli.addresses import OLLAMA, provider_of
from rlm_cli.types import ModelSpec, Prompts

Family = Literal["standard", "frugal", "small", "reasoning"]
FAMILIES: tuple[Family, ...] = get_args(Family)

_SMALL = 15.0
"""Billions of parameters up to which a model is small."""
_SIZE = re.compile(r"(?<![a-z0-9.])e?(?:(\d+)x)?(\d+(?:\.\d+)?)b(?![a-z0-9])")
"""As in 8b, 3.8b, e4b, 8x7b; not the a3b of a mixture, which says how much of it is active."""
_REASONING = re.compile(
    r"(?:^|/)(?:o[1-9](?:-|$)|gpt-[5-9](?!.*chat)|gpt-oss|deepseek-reasoner|magistral|qwq|grok-(?:3-mini|[4-9])"
    r"|gemini-(?:2\.5|[3-9][\d.]*)-(?:pro|flash(?!-lite)))|[-_](?:thinking|reasoning|reasoner)\b|deepseek[-.]r1"
)
_NOT_REASONING = re.compile(r"non-reasoning|no-?think")
_FRUGAL = re.compile(r"qwen")


def family_of(spec: ModelSpec) -> Family:
    """Return the family of a model by its litellm id, and by whether its parameters have it reason."""
    name = spec.model.lower()
    if _is_small(name):
        return "small"
    if _reasons(spec.params) or (_REASONING.search(name) and not _NOT_REASONING.search(name)):
        return "reasoning"
    return "frugal" if _FRUGAL.search(name) else "standard"


def chosen(spec: ModelSpec, prompts: Prompts) -> Family:
    """Return the family that a profile names for its root model, else the one that the model's id tells."""
    named = [each for each in FAMILIES if each == prompts.family]
    return named[0] if named else family_of(spec)


def told(spec: ModelSpec, prompts: Prompts) -> str:
    """Return how a profile's root model is prompted, and why, as the end of a sentence."""
    if prompts.system is not None:
        return "`prompts: {system: ...}` says"
    why = "`prompts: {family: ...}` says so" if prompts.family is not None else "by its id"
    return f"one of the family `{chosen(spec, prompts)}`, {why}"


def _is_small(name: str) -> bool:
    sizes = [float(size) * int(experts or 1) for experts, size in _SIZE.findall(name)]
    if sizes:
        return max(sizes) <= _SMALL
    # Without a size Ollama serves the smallest that is of use; what runs in its cloud is large.
    return provider_of(name) in OLLAMA and "cloud" not in name and "gpt-oss" not in name


def _reasons(params: Any) -> bool:
    effort, thinking = params.get("reasoning_effort"), params.get("thinking")
    if isinstance(thinking, dict):
        return thinking.get("type") != "disabled"
    return bool(thinking) or effort not in (None, "", "none", "disable")
