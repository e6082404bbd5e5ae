"""Asks model servers on this machine, or the user's own Ollama, whether they are there: the lists they offer, no model.

Covered: Ollama and servers that speak OpenAI's protocol. Not covered: providers on the network, which are never asked
anything before the run.
"""

import json
import os
import urllib.error
import urllib.request
from typing import Any

from rlm_cli.addresses import OLLAMA, provider_of
from rlm_cli.types import ModelSpec

OLLAMA_ADDRESS = "http://localhost:11434"
_PATIENCE = 3.0
"""Seconds."""
_LARGEST = 1 << 20
"""Bytes of an answer that are read."""


def obstacle(spec: ModelSpec) -> str | None:
    """Return why a local server cannot serve the model, with what to do; None when it says that it can."""
    if provider_of(spec.model) in OLLAMA:
        return _ollama_obstacle(spec)
    assert spec.api_base is not None
    names = offered(f"{spec.api_base.rstrip('/')}/models", spec.api_key_env)
    wanted = spec.model.partition("/")[2]
    if names is None:
        return f"nothing answers at {spec.api_base}: start the server"
    return f"the server at {spec.api_base} does not offer {wanted}" if names and wanted not in names else None


def ollama_address() -> str:
    """Return where Ollama is expected: OLLAMA_API_BASE, as litellm reads it, or the usual place."""
    return os.environ.get("OLLAMA_API_BASE") or OLLAMA_ADDRESS


def offered(url: str, key_variable: str | None = None) -> list[str] | None:
    """Return the names a server lists; [] when it answers something else, None when it does not answer."""
    if not url.startswith(("http://", "https://")):
        return None
    key = os.environ.get(key_variable, "") if key_variable else ""
    request = urllib.request.Request(url, headers={"Authorization": f"Bearer {key}"} if key else {})
    # No proxy: it would answer for a server that is not there.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=_PATIENCE) as answer:
            return _names(json.loads(answer.read(_LARGEST)))
    except (urllib.error.HTTPError, UnicodeDecodeError, json.JSONDecodeError):
        return []
    except (OSError, ValueError):
        return None


def _ollama_obstacle(spec: ModelSpec) -> str | None:
    address = (spec.api_base or ollama_address()).rstrip("/")
    names = offered(f"{address}/api/tags")
    wanted = spec.model.partition("/")[2]
    if names is None:
        return f"no Ollama answers at {address}: ollama serve"
    if wanted in names or f"{wanted}:latest" in names:
        return None
    return f"Ollama has no {wanted}: ollama pull {wanted}"


def _names(listed: Any) -> list[str]:
    """Return the names in Ollama's list (`models`, `name`) or OpenAI's (`data`, `id`)."""
    if not isinstance(listed, dict):
        return []
    rows = [row for key in ("models", "data") for row in listed.get(key) or [] if isinstance(row, dict)]
    return [name for row in rows if isinstance(name := row.get("name") or row.get("id"), str)]
