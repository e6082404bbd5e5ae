"""numbered(): the lines of a document with their numbers, to be read or to be sent to a sub-model."""

from collections.abc import Callable
from typing import Any

from rlm_cli.sandbox.tables import Document, Documents


def numbering_over(documents: Documents) -> Callable[..., str]:
    """Return numbered()."""

    def numbered(path: Any, first: int = 1, last: int | None = None) -> str:
        """Return lines `first` to `last` of a document under its path, each with its number; all of them by default."""
        document = path if isinstance(path, Document) else documents[path]
        lines = document.text.removesuffix("\n").split("\n")
        begin = max(1, _whole(first, "first"))
        end = len(lines) if last is None else min(len(lines), _whole(last, "last"))
        rows = [f"{number:5} {line}" for number, line in enumerate(lines[begin - 1 : end], begin)]
        return "\n".join([document.path, *(rows or [f"  (it has {len(lines):,} lines)"])])

    return numbered


def _whole(value: Any, what: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"numbered(path, first, last) takes numbers of lines; {what} is {type(value).__name__!r}")
    return int(value)
