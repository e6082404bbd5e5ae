"""How an error reads to the root model: type, message, line, that line's text, what is kept, what to do instead.

Only lines of the code's own blocks are shown, never the sandbox's frames or a path of the host.
"""

import builtins
import inspect
import re
import traceback
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePath
from types import FunctionType
from typing import Any

from rlm_cli.sandbox.interrupts import CellTimeout
from rlm_cli.sandbox.modules import Module, import_of
from rlm_cli.sandbox.nearest import QUESTION, did_you_mean
from rlm_cli.sandbox.policy import NotAllowed
from rlm_cli.sandbox.protocol import ERROR_LIMIT

_OF_FILES = "exists glob is_dir is_file iterdir open read_bytes read_text rglob stat write_bytes write_text".split()
_FILES = "there are no files and no network here; the text is in `context`, single documents in `files`"
_INSTEAD = {
    "open": _FILES,
    "input": "nobody is there to type; what is needed is in `context`",
    "eval": "use ast.literal_eval for literals, json.loads for JSON",
    "exec": "write the code itself into the block",
    "compile": "use ast.parse to look at source text, re.compile for patterns",
    "globals": "SHOW_VARS() lists the variables; to see whether one is there: try: x, except NameError: ...",
    "locals": "SHOW_VARS() lists the variables; keep values of your own in a dict",
    "memoryview": "slice bytes",
    "bytearray": "collect pieces in a list and join them: b''.join(pieces), bytes(list_of_ints)",
    "breakpoint": "print what you want to see",
    "help": "print(x.__doc__) shows a docstring",
    "exit": "a block ends at its last line",
    "quit": "a block ends at its last line",
    "anext": "async code is not available here",
    "aiter": "async code is not available here",
    "ExceptionGroup": "raise one exception",
    "display": "use print",
    "get_ipython": "this is plain Python; use print",
    "answer": "FINAL(answer) gives the answer",
    "FINAL_ANSWER": "FINAL(answer) gives the answer",
}
_FIELDS = "its fields are attributes, as in documents[0].path, .text"
_BY_MESSAGE = {
    r"'Documents' object has no attribute '(items|keys|values|get)'": "files maps paths to texts: files.items()",
    r"'Document' object is not subscriptable": _FIELDS,
    r"'Hit' object is not subscriptable": "a hit's fields are attributes: .path .line .offset .text",
    r"'Reply' object has no attribute": "a reply is a str itself",
    r"expected str instance, FailedReply found": "take those that came: [r for r in replies if r.ok]",
    r"f-string expression part cannot include a backslash": "put what has the backslash into a variable first",
    r"^f-string: (unmatched|expecting)": "inside an f-string use the other kind of quotes",
}
"""What to do about an error that says this, where Python says too little."""


@dataclass(frozen=True, slots=True)
class Block:
    """One block of code, and how its lines are called in a message."""

    source: str
    cell: int
    label: str
    """"" when the cell has this block only, else such as "block 2, "."""

    def line(self, number: int) -> str:
        lines = self.source.splitlines()
        return _bounded(lines[number - 1].strip(), 200) if 0 < number <= len(lines) else ""


def explain_unrun(error: BaseException, block: Block) -> str:
    """Describe why a block could not even start."""
    number = getattr(error, "line", None) or getattr(error, "lineno", None) or 0
    message = error.msg if isinstance(error, SyntaxError) else _message(error)
    lines = [f"{type(error).__name__}: {_bounded(str(message), 600)}"]
    if number:
        lines.append(f"{block.label}line {number}: {block.line(number)}")
    if isinstance(error, RecursionError | MemoryError) and not isinstance(error, NotAllowed):
        lines.append("The code is nested too deeply.")
    hint = _by_message(str(message)) or ("there is no shell here, only Python" if _is_magic(block, number) else None)
    if hint:
        lines.append(f"Hint: {hint}")
    lines.append("Nothing of this block has run; what earlier blocks and iterations have set is kept.")
    return "\n".join(lines)


def explain(error: BaseException, blocks: dict[str, Block], block: Block, names: Mapping[str, Any], limit: str) -> str:
    """Describe an error that ended a running block.

    `blocks`: every block so far by its file name; `names`: the namespace; `limit`: its time, as words.
    """
    try:
        return _explained(error, blocks, block, names, limit)
    except CellTimeout:
        raise
    except BaseException as another:  # noqa: BLE001 - the error's class, and what it holds, may be the code's own
        return f"{_kind(error)}: this error cannot be described ({_kind(another)} while trying)"


def _explained(
    error: BaseException, blocks: dict[str, Block], block: Block, names: Mapping[str, Any], limit: str
) -> str:
    places = [
        (blocks[frame.f_code.co_filename], line, frame.f_code.co_name)
        for frame, line in traceback.walk_tb(error.__traceback__)
        # No line: interrupted before the first one.
        if frame.f_code.co_filename in blocks and line
    ]
    title = _title(error, limit)
    lines = [title]
    where = ""
    if places:
        origin, number, _ = places[0]
        where = f"{origin.label}line {number}"
        lines.append(f"{where}: {origin.line(number)}")
    if len(places) > 1:
        inner, number, function = places[-1]
        home = where.rpartition("line")[0] if inner is block else inner.label
        home = home if inner.cell == block.cell else f"iteration {inner.cell}, {home}"
        lines.append(f"in {_bounded(function, 80)}, {home}line {number}: {inner.line(number)}")
    if where in ("line 1", "block 1, line 1"):
        lines.append("Nothing was set before it: send the block again, corrected. What earlier iterations set is kept.")
    else:
        lines.append(f"Variables set before {where or 'that'} are kept: send again only what follows, corrected.")
    hint = None if QUESTION in title else _hint(error, names)
    if hint:
        lines.append(f"Hint: {hint}")
    return "\n".join(lines)


def stopped(limit: str) -> str:
    """Return how the end of a cell's time is told; `limit` is that time, as words."""
    less = "less when the run's time is nearly over; waiting for models does not count"
    return f"CellTimeout: the code was stopped (it may compute for {limit}, {less})"


def _title(error: BaseException, limit: str) -> str:
    if isinstance(error, CellTimeout):
        return stopped(limit)
    message = _bounded(_message(error), ERROR_LIMIT // 2)
    return f"{_kind(error)}: {message}" if message else _kind(error)


def _kind(error: BaseException) -> str:
    # An own class can be given any name.
    return _bounded(str.__str__(type(error).__name__), 100)


def _message(error: BaseException) -> str:
    try:
        return str.__str__(str(error)).encode("utf-8", "backslashreplace").decode("utf-8")
    except CellTimeout:
        raise
    except BaseException as another:  # noqa: BLE001 - the class may be the code's own and do anything
        return f"(its message cannot be shown: {type(another).__name__})"


def _hint(error: BaseException, names: Mapping[str, Any]) -> str | None:
    if (told := _by_message(_message(error))) is not None:
        return told
    if type(error) is TypeError and (form := _form(_message(error), names)) is not None:
        return form
    if isinstance(error, NameError) and type(error.name) is str:
        if error.name in _INSTEAD:
            return _INSTEAD[error.name]
        if (missing := import_of(error.name)) is not None:
            return f"it was not imported: {missing}"
        known = [each for each in (*names, *_public_built_ins()) if each.isidentifier()]
        return did_you_mean(error.name, known)
    if isinstance(error, AttributeError) and type(error.name) is str:
        if isinstance(error.obj, Module):  # it has said so itself
            return None
        if isinstance(error.obj, PurePath) and error.name in _OF_FILES:
            return _FILES
        return did_you_mean(error.name, [each for each in dir(error.obj) if not each.startswith("_")])
    if isinstance(error, MemoryError):
        return "the sandbox's memory is full; delete large values (del name), work on slices or generators"
    if isinstance(error, RecursionError):
        return "use a loop and a list in place of deep recursion"
    if isinstance(error, CellTimeout):
        return "do less in one block: search with find or re on slices, avoid nested quantifiers, keep partial results"
    if isinstance(error, SystemExit):
        return _INSTEAD["exit"]
    return None


def _by_message(message: str) -> str | None:
    return next((hint for pattern, hint in _BY_MESSAGE.items() if re.search(pattern, message[:300])), None)


def _is_magic(block: Block, number: int) -> bool:
    return block.line(number)[:1] in ("!", "%")


def _form(message: str, names: Mapping[str, Any]) -> str | None:
    """Return what a function of the session takes that was called in another way."""
    called = re.match(r"(\w+)\(\) (got|takes|missing)", message[:300])
    function = names.get(called[1]) if called else None
    if called is None or not isinstance(function, FunctionType) or not function.__module__.startswith("rlm_cli."):
        return None
    taken = (str(each.replace(annotation=each.empty)) for each in inspect.signature(function).parameters.values())
    return f"{called[1]}({', '.join(taken)})"


def _public_built_ins() -> list[str]:
    return [name for name in vars(builtins) if not name.startswith("_") and name not in _INSTEAD]


def _bounded(text: str, size: int) -> str:
    if len(text) <= size:
        return text
    head, tail = size * 2 // 3, size // 3
    return f"{text[:head]} [... {len(text) - head - tail:,} characters ...] {text[-tail:]}"
