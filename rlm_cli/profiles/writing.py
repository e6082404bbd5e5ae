"""A profile as YAML again: what `extends`, settings and defaults have made of it, ready to be copied and changed."""

from dataclasses import asdict
from typing import Any

import yaml

from rlm_cli.types import ModelSpec, Profile, Prompts, Rule


def as_yaml(profile: Profile) -> str:
    """Return the whole profile; reading it gives the same profile back."""
    plain = {
        "name": profile.name,
        **({"description": profile.description} if profile.description else {}),
        "root": _model(profile.root),
        "sub": _model(profile.sub),
        "limits": asdict(profile.limits),
        **({"strategy": profile.strategy} if profile.strategy != "auto" else {}),
        **({"prompts": asdict(profile.prompts)} if profile.prompts != Prompts() else {}),
        **({"refine": profile.refine.name} if profile.refine is not None else {}),
        **({"rules": {each.id: _rule(each) for each in profile.rules}} if profile.rules else {}),
    }
    text: str = yaml.safe_dump(plain, sort_keys=False, allow_unicode=True, width=110)
    return text


def _rule(rule: Rule) -> dict[str, Any]:
    plain = asdict(rule)
    del plain["id"]
    return plain


def _model(spec: ModelSpec) -> dict[str, Any]:
    return {**_alone(spec), "fallbacks": [_alone(each) for each in spec.fallbacks], "cache": spec.cache}


def _alone(spec: ModelSpec) -> dict[str, Any]:
    plain = {**asdict(spec), "params": dict(spec.params)}
    del plain["fallbacks"], plain["cache"]
    if spec.price is None:
        del plain["price"]
    else:
        del plain["price"]["long"]  # known from litellm's table alone
    return plain
