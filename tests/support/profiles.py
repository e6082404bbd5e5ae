"""Profiles for tests."""

from pathlib import Path
from typing import Any

import yaml


def profile(folder: Path, url: str, **limits: Any) -> str:
    """Write a profile that points at a loopback server; return its path. The key is in LOOPBACK_KEY.

    It asks for the loop, whatever the size of the text.
    """
    model = {
        "api_base": url,
        "api_key_env": "LOOPBACK_KEY",
        "timeout": 3,
        "max_output_tokens": 500,
        "price": {"input": 1, "output": 10},
    }
    path = folder / "loopback.yaml"
    models = {role: {"model": f"openai/{role}", **model} for role in ("root", "sub")}
    content = {**models, "limits": limits, "strategy": "rlm"}
    path.write_text(yaml.safe_dump(content))
    return str(path)
