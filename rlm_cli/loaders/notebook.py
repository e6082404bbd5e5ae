"""Jupyter notebooks -> text by cells: sources as they were written, outputs as they were shown.

Covered: nbformat 4. Not covered: pictures (their kind and size is said), widgets; other versions, which are read as the
JSON they are.
"""

import json
import re
from dataclasses import dataclass
from typing import Any

MOST = 64 << 20
"""Bytes of a notebook; a larger one is read as JSON."""
_COLOURS = re.compile(r"\x1b\[[0-9;:?]*[ -/]*[@-~]")


class NotANotebook(Exception):
    """It is none, or one of another version; the message says which."""


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell as text."""

    text: str
    """Ends in a newline."""
    pictures: int
    """Outputs that are no text."""


def cells_of(content: bytes | bytearray) -> list[Cell]:
    """Return a notebook's cells. Raises NotANotebook."""
    try:
        notebook = json.loads(content)
    except (ValueError, RecursionError):
        raise NotANotebook("no JSON") from None
    version = notebook.get("nbformat") if isinstance(notebook, dict) else None
    if version != 4:
        raise NotANotebook(f"nbformat {version}" if type(version) is int else "no notebook")
    cells = notebook.get("cells")
    if not isinstance(cells, list) or not all(isinstance(cell, dict) for cell in cells):
        raise NotANotebook("no list of cells")
    return [_cell(number, cell) for number, cell in enumerate(cells, 1)]


def _cell(number: int, cell: dict[str, Any]) -> Cell:
    kind = cell.get("cell_type")
    lines = [f"--- cell {number}: {kind if isinstance(kind, str) else 'of no type'} ---", _joined(cell.get("source"))]
    pictures = 0
    outputs = cell.get("outputs")
    for output in outputs if isinstance(outputs, list) else []:
        shown, picture = _output(output) if isinstance(output, dict) else (str(output), False)
        lines += ["--- output ---", shown]
        pictures += picture
    return Cell("".join(line if line.endswith("\n") else line + "\n" for line in lines if line), pictures)


def _output(output: dict[str, Any]) -> tuple[str, bool]:
    """Return what an output shows, and whether it is more than text."""
    if output.get("output_type") == "error":
        trace = _joined(output.get("traceback"), "\n")
        return _COLOURS.sub("", trace or f"{output.get('ename')}: {output.get('evalue')}"), False
    if "text" in output:
        return _COLOURS.sub("", _joined(output["text"])), False
    shown = output.get("data")
    if not isinstance(shown, dict):
        return "", False
    others = [f"[{kind}, {len(_joined(value)):,} characters, not shown]" for kind, value in shown.items()
              if isinstance(kind, str) and not kind.startswith("text/") and kind != "application/json"]  # fmt: skip
    text = next((_joined(shown[kind]) for kind in ("text/markdown", "text/plain", "text/html") if kind in shown), "")
    return "\n".join(filter(None, [_COLOURS.sub("", text), *others])), bool(others)


def _joined(value: Any, between: str = "") -> str:
    """Return a text that may be given as a list of lines; what is neither is shown as JSON."""
    if isinstance(value, str):
        return value
    if isinstance(value, list) and all(isinstance(line, str) for line in value):
        return between.join(value)
    return "" if value is None else json.dumps(value, ensure_ascii=False)
