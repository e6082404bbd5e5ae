"""Profiles: named choices of models and limits, from YAML."""

from rlm_cli.profiles.choice import Choice, choose
from rlm_cli.profiles.folders import Found, find, shipped, visible
from rlm_cli.profiles.reading import Overrides, custom, load
from rlm_cli.profiles.writing import as_yaml

__all__ = ["Choice", "Found", "Overrides", "as_yaml", "choose", "custom", "find", "load", "shipped", "visible"]
