"""FINAL and FINAL_VAR: a value becomes the answer's text, its evidence is checked, and the session remembers it."""

import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from rlm_cli.sandbox.asking import Parent, claim_all, refuse_in_clean_up
from rlm_cli.sandbox.nearest import did_you_mean
from rlm_cli.sandbox.protocol import ANSWER_LIMIT, ANSWER_SIZE
from rlm_cli.sandbox.values import FailedReply, SubCallError

_GENERATOR = 0x20
"""The flag of a generator's code (inspect.CO_GENERATOR)."""


@dataclass(slots=True)
class Answer:
    """What the cell has answered so far; the last call counts, and only if the cell ends without an error."""

    text: str | None = None
    doubt: str | None = None
    open: bool = True
    """Not while memory is tidied up: then clean-ups run that an earlier cell has laid."""

    def clear(self) -> None:
        """Begin with a cell: nothing is answered, and it may be."""
        # An interrupt may have struck while memory was tidied up, and kept it from being opened again.
        self.text, self.doubt, self.open = None, None, True


def answer_text(value: Any, what: str) -> str:
    """Return the answer, or what else `what` is, as text: a str as it is, else as JSON, else as str() shows it.

    Raises ValueError for None, "" and what is too long, SubCallError where a failed sub-call lies inside.
    """
    if value is None or (isinstance(value, str) and not str.__str__(value).strip()):
        raise ValueError(f"{what} is empty; FINAL needs a value")
    if isinstance(value, str):
        text = str.__str__(value)
    else:
        try:
            text = json.dumps(value, ensure_ascii=False, default=_no_json)
        except (TypeError, ValueError, RecursionError):
            text = str.__str__(str(value))
    text = text.encode("utf-8", "backslashreplace").decode("utf-8")
    if len(text) > ANSWER_LIMIT:
        raise ValueError(f"{what} has {len(text):,} characters; the limit is {ANSWER_LIMIT:,}")
    size = len(json.dumps(text, ensure_ascii=False).encode("utf-8"))
    if size > ANSWER_SIZE:
        raise ValueError(
            f"{what} takes {size:,} bytes with control characters spelled out; the limit is {ANSWER_SIZE:,}"
        )
    return text


def _within_generator() -> bool:
    """Say whether a generator is among the callers: its clean-up may run whenever a later cell drops it."""
    frame = sys._getframe(1)
    while frame is not None:
        if frame.f_code.co_flags & _GENERATOR and frame.f_code.co_name != "<genexpr>":
            return True
        frame = frame.f_back  # type: ignore[assignment]
    return False


def _no_json(value: Any) -> Any:
    if isinstance(value, FailedReply):
        raise SubCallError(f"the answer holds a failed sub-call: {value.error}")
    raise TypeError


def finals(parent: Parent, given: Answer, variables: Callable[[], dict[str, Any]]) -> dict[str, Callable[..., None]]:
    """Return FINAL and FINAL_VAR, which write to `given`; `variables` returns what the code has stored."""

    def FINAL(answer: Any, evidence: Any = None, doubt: Any = None) -> None:
        """Give the answer; the run ends when this cell has finished without an error."""
        if not given.open or _within_generator():
            raise RuntimeError("FINAL does not count within a generator or a clean-up; call it in the cell itself")
        refuse_in_clean_up()
        if isinstance(answer, FailedReply):
            raise SubCallError(f"the answer is a failed sub-call: {answer.error}")
        text = answer_text(answer, "the answer")
        unsettled = None if doubt is None else answer_text(doubt, "the doubt")
        claim_all(parent, evidence)
        given.text, given.doubt = text, unsettled

    def FINAL_VAR(name: Any, evidence: Any = None, doubt: Any = None) -> None:
        """Give the value of the variable of this name as the answer."""
        if not isinstance(name, str):
            FINAL(name, evidence, doubt)
            return
        stored = variables()
        plain = str.__str__(name).strip()
        if plain not in stored and (not plain.isidentifier() or any(each is name for each in stored.values())):
            FINAL(name, evidence, doubt)  # the value itself was given: no variable can be called that, or one holds it
            return
        if plain not in stored:
            shown = plain if len(plain) <= 60 else plain[:60] + "..."
            instead = did_you_mean(plain, stored) or "FINAL(value) takes a value"
            raise NameError(f"FINAL_VAR: there is no variable named {shown!r}; {instead}")
        FINAL(stored[plain], evidence, doubt)

    return {"FINAL": FINAL, "FINAL_VAR": FINAL_VAR}
