"""Profiles: named choices of models and limits, from YAML."""

from rlm_cli.profiles.choice import Choice, choose
from rlm_cli.profiles.folders import Found, find, shipped, visible
from rlm_cli.profiles.reading import Overrides, custom, load

__all__ = ["Choice", "Found", "Overrides", "choose", "custom", "find", "load", "shipped", "visible"]
