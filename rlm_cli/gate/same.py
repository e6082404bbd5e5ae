"""By what a finding is known again: its fingerprint, or its rule, path and text."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Known:
    """A finding of an earlier run."""

    fingerprint: str
    """As rlm makes it; "" where there is none."""
    place: tuple[str, str, str] | None
    """Rule, path and normalised quote; None where one of them is not told."""


def normalised(quote: str) -> str:
    """Return a quote in which each run of white space is one space."""
    return " ".join(quote.split())
