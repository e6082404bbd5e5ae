"""Prices and windows as they stand in the table in litellm's wheel, without the seconds that importing litellm takes.

For estimates only: what a call is reserved and billed by comes from litellm itself (catalogue.py), which also knows
aliases and what the environment redirects.
"""

import importlib.util
import json
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

from rlm_cli.addresses import OLLAMA, is_loopback, provider_of
from rlm_cli.llm.catalogue import FREE, price_of
from rlm_cli.llm.offline_client import WINDOW, is_offline
from rlm_cli.types import ModelSpec, Profile

_TABLE = "model_prices_and_context_window_backup.json"


def listed(profile: Profile) -> Profile:
    """Return the profile with windows and prices filled in as far as the table has them under the models' own ids."""
    later = listed(profile.refine) if profile.refine is not None else None
    return replace(profile, root=_listed(profile.root), sub=_listed(profile.sub), refine=later)


def _listed(spec: ModelSpec) -> ModelSpec:
    if is_offline(spec):
        return replace(spec, context_window=spec.context_window or WINDOW, price=FREE)
    if provider_of(spec.model) in OLLAMA or is_loopback(spec.api_base):
        return replace(spec, price=spec.price or FREE)
    row = _row(spec.model)
    window = row.get("max_input_tokens")
    return replace(
        spec,
        context_window=spec.context_window or (window if isinstance(window, int) else None),
        price=spec.price or price_of(row, str(spec.params.get("service_tier", ""))),
    )


def _row(model: str) -> dict[str, Any]:
    table = _table()
    row = table.get(model) or table.get(model.partition("/")[2])
    return row if isinstance(row, dict) else {}


@cache
def _table() -> dict[str, Any]:
    found = importlib.util.find_spec("litellm")
    path = Path(found.origin).parent / _TABLE if found is not None and found.origin is not None else None
    if path is None or not path.is_file():
        return {}
    table: dict[str, Any] = json.loads(path.read_bytes())
    return table
