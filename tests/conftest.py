"""What every test stands on: a home of its own, no keys, and no network beyond this machine."""

import os
import re
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"

# The same examples every time: a change is judged by what it changed, not by chance.
settings.register_profile("same-for-all", derandomize=True, deadline=None)
settings.load_profile("same-for-all")

_OF_THE_MACHINE = re.compile(
    r"RLM_.*|.*_(API_KEY|API_BASE|BASE_URL|PROXY)|CI|NO_COLOR|FORCE_COLOR|COLORTERM|COLUMNS|LINES",
    re.IGNORECASE,
)
"""Variables that decide how a command looks, or whom it calls and how."""


@pytest.fixture(autouse=True)
def own_home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Point home, configuration, cache and state at a fresh folder; take away what this machine's settings decide."""
    home = tmp_path_factory.mktemp("home")
    for name in list(os.environ):
        if _OF_THE_MACHINE.fullmatch(name):
            monkeypatch.delenv(name)
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("LOOPBACK_KEY", "sk-loopback-0123456789abcdef")
    for name, folder in {"CONFIG": ".config", "CACHE": ".cache", "STATE": ".local/state"}.items():
        monkeypatch.setenv(f"XDG_{name}_HOME", str(home / folder))
    return home


@pytest.fixture
def text(tmp_path: Path) -> str:
    """Return the path of a small contract."""
    path = tmp_path / "contract.txt"
    path.write_text("The tenant pays the landlord 500 euros.\nThe landlord repairs the roof.\n")
    return str(path)


@pytest.fixture(autouse=True, scope="session")
def loopback_only() -> Iterator[None]:
    """Refuse every connection that would leave the machine: a test that tries one fails loudly."""
    connect = socket.socket.connect

    def guarded(self: socket.socket, address: Any) -> None:
        if self.family in (socket.AF_INET, socket.AF_INET6) and address[0] not in ("127.0.0.1", "::1", "localhost"):
            raise OSError(f"a test tried to connect to {address[0]}")
        connect(self, address)

    socket.socket.connect = guarded  # type: ignore[method-assign, assignment]
    yield
    socket.socket.connect = connect  # type: ignore[method-assign]
