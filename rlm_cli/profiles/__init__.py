"""Profiles: named choices of models and limits, from YAML."""

from rlm_cli.profiles.choice import KEYS, Choice, choose
from rlm_cli.profiles.folders import Found, find, shipped, user_folder, visible
from rlm_cli.profiles.reading import Overrides, custom, limited, load
from rlm_cli.profiles.settings import Settings, read_settings
from rlm_cli.profiles.writing import as_yaml

__all__ = [
    "KEYS",
    "Choice",
    "Found",
    "Overrides",
    "Settings",
    "as_yaml",
    "choose",
    "custom",
    "find",
    "limited",
    "load",
    "read_settings",
    "shipped",
    "user_folder",
    "visible",
]
