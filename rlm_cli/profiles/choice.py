"""Which profile a run uses when several could be meant, and why: the reason is told to the user."""

import os
from dataclasses import dataclass

from rlm_cli.errors import ProfileError
from rlm_cli.profiles.folders import user_folder
from rlm_cli.profiles.settings import read_settings

KEYS = {"ANTHROPIC_API_KEY": "enterprise", "OPENAI_API_KEY": "openai", "GEMINI_API_KEY": "speed"}
"""Variable -> profile, in the order in which they are looked for."""


@dataclass(frozen=True, slots=True)
class Choice:
    name: str
    """As `folders.find` takes it."""
    reason: str
    """Why this one; "" when the user named it on the command line."""


def choose(named: str | None) -> Choice:
    """Return the profile to use: as named, else the environment's, else the configured one, else by the keys set.

    Raises ProfileError when nothing says which: the offline profile is never chosen silently.
    """
    if named:
        return Choice(named, "")
    if from_environment := os.environ.get("RLM_PROFILE"):
        return Choice(from_environment, "RLM_PROFILE is set")
    if configured := read_settings().profile:
        return Choice(configured, f"{user_folder() / 'config.yaml'} says so")
    for variable, name in KEYS.items():
        if os.environ.get(variable):
            return Choice(name, f"{variable} is set")
    keys = ", ".join(f"{variable} ({name})" for variable, name in KEYS.items())
    raise ProfileError(
        f"no profile was named and no key is set: looked for -p, RLM_PROFILE, {keys}",
        "set a key, name a profile (`rlm profiles list`), or try `-p offline`: no key, no network, no language model",
    )
