"""What somebody may have meant by a name that is not there."""

import difflib
from collections.abc import Iterable

QUESTION = "did you mean "


def did_you_mean(name: str, known: Iterable[str]) -> str | None:
    """Return "did you mean X or Y?"; None when nothing is near."""
    near = difflib.get_close_matches(
        name[:200], list(dict.fromkeys(each for each in known if isinstance(each, str))), n=3
    )
    return question(near)


def question(near: Iterable[str]) -> str | None:
    """Return the question after these names; None for none."""
    return f"{QUESTION}{' or '.join(near)}?" if near else None
