"""Asks model servers on this machine, or the user's own Ollama, whether they are there: the lists they offer, no model.

Covered: Ollama and servers that speak OpenAI's protocol. Not covered: anything on the network, which is never asked
before the run. No key is sent and no redirection followed: an address may come from a file that nobody has read, and
whatever listens there may answer anything.
"""

import http.client
import json
import os
import threading
import urllib.error
import urllib.request
from typing import Any

from rlm_cli.addresses import OLLAMA, is_loopback, provider_of, shown_address
from rlm_cli.types import ModelSpec

OLLAMA_ADDRESS = "http://localhost:11434"
_PATIENCE = 3.0
"""Seconds for the whole answer."""
_LARGEST = 1 << 20
"""Bytes of an answer that are read."""


def obstacle(spec: ModelSpec) -> str | None:
    """Return why a local server cannot serve the model, with what to do; None when it says that it can."""
    if provider_of(spec.model) in OLLAMA:
        return _ollama_obstacle(spec)
    assert spec.api_base is not None
    names = offered(f"{spec.api_base.rstrip('/')}/models")
    wanted = spec.model.partition("/")[2]
    if names is None:
        return f"nothing answers at {shown_address(spec.api_base)}: start the server"
    return (
        f"the server at {shown_address(spec.api_base)} does not offer {wanted}"
        if names and wanted not in names
        else None
    )


def ollama_address() -> str:
    """Return where Ollama is expected: OLLAMA_API_BASE, as litellm reads it, or the usual place."""
    return os.environ.get("OLLAMA_API_BASE") or OLLAMA_ADDRESS


def offered(url: str) -> list[str] | None:
    """Return the names a server lists; [] when it answers something else, None when it does not answer in time."""
    if not url.startswith(("http://", "https://")):
        return None
    came: list[list[str] | None] = []
    # In a thread: a server that sends a byte now and then would keep every single read within its time limit.
    asking = threading.Thread(target=lambda: came.append(_listed(url)), daemon=True)
    asking.start()
    asking.join(_PATIENCE)
    return came[0] if came else None


class _Stay(urllib.request.HTTPRedirectHandler):
    """Takes a redirection for the answer."""

    def redirect_request(self, *_: Any) -> None:
        return None


def _listed(url: str) -> list[str] | None:
    # No proxy: it would answer for a server that is not there.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), _Stay)
    try:
        with opener.open(url, timeout=_PATIENCE) as answer:
            return _names(json.loads(answer.read(_LARGEST)))
    except (
        urllib.error.HTTPError,
        http.client.HTTPException,
        UnicodeDecodeError,
        json.JSONDecodeError,
        RecursionError,
    ):
        return []  # something is there that does not list models
    except (OSError, ValueError):
        return None


def _ollama_obstacle(spec: ModelSpec) -> str | None:
    address = (spec.api_base or ollama_address()).rstrip("/")
    if not is_loopback(address) and address != ollama_address().rstrip("/"):
        return None
    names = offered(f"{address}/api/tags")
    wanted = spec.model.partition("/")[2]
    if names is None:
        return f"no Ollama answers at {shown_address(address)}: ollama serve"
    if wanted in names or f"{wanted}:latest" in names:
        return None
    return f"Ollama has no {wanted}: ollama pull {wanted}"


def _names(listed: Any) -> list[str]:
    """Return the names in Ollama's list (`models`, `name`) or OpenAI's (`data`, `id`)."""
    if not isinstance(listed, dict):
        return []
    lists = [found for key in ("models", "data") if isinstance(found := listed.get(key), list)]
    rows = [row for found in lists for row in found if isinstance(row, dict)]
    return [name for row in rows if isinstance(name := row.get("name") or row.get("id"), str)]
