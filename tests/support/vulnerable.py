"""A small web application with twelve flaws, and what only looks like flaws; tests/vulnerable has it with the truth."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

FOLDER = Path(__file__).parent.parent / "vulnerable"
APPLICATION = FOLDER / "application"


@dataclass(frozen=True, slots=True)
class Spot:
    """Something in the application that a scanner would name."""

    rule: str
    path: str
    """Relative to APPLICATION."""
    line: int
    """Where the quote begins."""
    quote: str
    why: str
    """Why it is a flaw, or why it is none."""
    severity: str | None = None
    """None: it is no flaw."""
    cwe: str | None = None

    @property
    def end_line(self) -> int:
        return self.line + self.quote.count("\n")


def flaws() -> list[Spot]:
    """Return what has to be found."""
    return _spots("flaws")


def look_alikes() -> list[Spot]:
    """Return what must not be reported as confirmed."""
    return _spots("look_alikes")


def _spots(kind: str) -> list[Spot]:
    truth: Mapping[str, list[dict[str, Any]]] = yaml.safe_load((FOLDER / "truth.yaml").read_text())
    return [Spot(**each) for each in truth[kind]]
