"""Settings: defaults, then those of the installation."""

import os
from pathlib import Path
from typing import Any

import yaml

SIGNING_KEY = "h7Qe2vT9wLx4zRmB0uKc8NdYp3sGfJa6"
TEST_SIGNING_KEY = "only-for-tests-no-session-is-signed-with-it"

DEFAULTS: dict[str, Any] = {
    "DATABASE": "/srv/shop/shop.sqlite",
    "CURRENCY": "EUR",
    "SHIPPING_CENTS": 690,
    "FREE_SHIPPING_FROM_CENTS": 8000,
}
KNOWN = {"currency", "shipping_cents", "free_shipping_from_cents", "database"}


def load(testing: bool) -> dict[str, Any]:
    if testing:
        return {**DEFAULTS, "TESTING": True, "DATABASE": ":memory:", "SECRET_KEY": TEST_SIGNING_KEY}
    return {**DEFAULTS, **of_installation(), "SECRET_KEY": SIGNING_KEY}


def of_installation() -> dict[str, Any]:
    """Return what the file that SHOP_SETTINGS names says."""
    path = Path(os.environ.get("SHOP_SETTINGS", "settings.yaml"))
    chosen = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
    unknown = set(chosen) - KNOWN
    if unknown:
        raise ValueError(f"unknown settings: {', '.join(sorted(unknown))}")
    return {name.upper(): value for name, value in chosen.items()}
