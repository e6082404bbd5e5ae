"""What the child may say. Every field is checked for presence, type and size; the child may be anybody by now.

A frame that breaks a rule raises ValueError; what the host makes of it is the end of the child. Nothing is cut or
mended here: the child's own code keeps to the same limits, so that only a child that lies exceeds them.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from rlm_cli.context import Context
from rlm_cli.places import labels_differ
from rlm_cli.sandbox.protocol import (
    ANSWER_LIMIT,
    BATCH_LIMIT,
    ERROR_LIMIT,
    EVIDENCE_AT_ONCE,
    FRAME_LIMIT,
    MESSAGE_LIMIT,
    MODEL_LIMIT,
    OFFSET_LIMIT,
    OUTPUT_LIMIT,
    PIECE_LIMIT,
    PLACE_LIMIT,
    PROMPTS_LIMIT,
    QUOTE_LIMIT,
    RULE_LIMIT,
    SCHEMA_LIMIT,
    TAMPERED_LIMIT,
    TITLE_LIMIT,
    VARIABLES_LIMIT,
    Frame,
    FrameTooLarge,
    encode,
    memory_of,
)
from rlm_cli.seams import (
    Asked,
    BudgetAsked,
    BudgetTold,
    CellFinished,
    ClaimChecked,
    Claimed,
    Delegated,
    Final,
    FromRepl,
    ReplFacts,
    Reported,
    SubAnswer,
    SubAnswers,
    ToRepl,
)
from rlm_cli.types import Limits
from rlm_cli.windows import Window

_ROWS_SIZE = 1 << 20
"""Characters of paths in one frame of documents, about."""
_LABELS = 10_000
"""Labels of pages in one frame."""
_STARTS = 100_000
"""Starts of cells and records in one frame."""
_SLACK = 1_000
"""What a marker line or a hint may add to a limit."""


class Inbox:
    """Puts the frames of one cell together; a batch takes several."""

    def __init__(self, number: int) -> None:
        self._number = number
        self._asked: Frame | None = None
        self._prompts: list[str] = []
        self._size = 0
        self._tasks: _Tasks | None = None

    def take(self, frame: Frame) -> FromRepl | None:
        """Return what the frame says, or None when more has to come."""
        tag = frame.get("tag")
        if self._asked is not None:
            return self._take_prompt(frame)
        if self._tasks is not None:
            delegated = self._tasks.take(frame)
            self._tasks = self._tasks if delegated is None else None
            return delegated
        if tag == "asked":
            count = _whole(frame, "count", 1, PROMPTS_LIMIT)
            batched = _one(frame, "batched", bool)
            if count != 1 and not batched:
                raise ValueError("several prompts for one call")
            model, fresh = _text_or_none(frame, "model", MODEL_LIMIT), _one(frame, "fresh", bool)
            schema = _text_or_none(frame, "schema", SCHEMA_LIMIT)
            self._asked = {"count": count, "model": model, "batched": batched, "fresh": fresh, "schema": schema}
            return None
        if tag == "delegated":
            self._tasks = _Tasks(_whole(frame, "count", 1, PROMPTS_LIMIT), _one(frame, "batched", bool))
            return None
        if tag == "claimed":
            if type(frame.get("place")) is int:
                place: str | int = _whole(frame, "place", -OFFSET_LIMIT, OFFSET_LIMIT)
            else:
                place = _text(frame, "place", PLACE_LIMIT)
            return Claimed(place, _text(frame, "quote", QUOTE_LIMIT), _one(frame, "final", bool))
        if tag == "reported":
            return _reported(frame)
        if tag == "budget":
            return BudgetAsked()
        if tag == "finished":
            return self._finished(frame)
        raise ValueError("an unknown tag")

    def _take_prompt(self, frame: Frame) -> Asked | None:
        assert self._asked is not None
        if frame.get("tag") != "prompt":
            raise ValueError("a prompt was due")
        prompt = _text(frame, "text", FRAME_LIMIT)
        self._size += memory_of(prompt)
        if self._size > BATCH_LIMIT:
            raise ValueError("a batch is too large")
        self._prompts.append(prompt)
        if len(self._prompts) < self._asked["count"]:
            return None
        head = self._asked
        asked = Asked(tuple(self._prompts), head["model"], head["batched"], head["fresh"], head["schema"])
        self.__init__(self._number)  # type: ignore[misc]
        return asked

    def _finished(self, frame: Frame) -> CellFinished:
        if _whole(frame, "number", 0, 1 << 40) != self._number:
            raise ValueError("another cell's end")
        error = _text_or_none(frame, "error", 2 * ERROR_LIMIT + _SLACK)
        final = frame.get("final")
        if final is not None:
            if type(final) is not dict or error is not None:
                raise ValueError("an answer from a cell that failed")
            final = Final(_text(final, "answer", ANSWER_LIMIT), _text_or_none(final, "doubt", ANSWER_LIMIT))
            if not final.answer.strip():
                raise ValueError("an empty answer")
        return CellFinished(
            output=_text(frame, "output", 10 * OUTPUT_LIMIT + _SLACK),
            output_characters=_whole(frame, "characters", 0, 1 << 60),
            error=error,
            final=final,
            variables=_identifiers(frame, "variables", VARIABLES_LIMIT),
            tampered=_identifiers(frame, "tampered", TAMPERED_LIMIT),
            sizes=_lines(frame, "sizes", VARIABLES_LIMIT),
        )


class _Tasks:
    """Puts the texts of one `Delegated` together, each from as many pieces as it takes."""

    def __init__(self, count: int, batched: bool) -> None:
        if count != 1 and not batched:
            raise ValueError("several tasks for one call")
        self._count, self._batched = count, batched
        self._tasks: list[tuple[str, str]] = []
        self._places: list[int | None] = []
        self._question: str | None = None
        """Of the task whose text is under way."""
        self._pieces: list[str] = []
        self._missing = 0
        """Characters of that text that are still to come."""
        self._size = 0

    def take(self, frame: Frame) -> Delegated | None:
        """Return what was asked, or None when more has to come."""
        if self._question is None:
            if frame.get("tag") != "task":
                raise ValueError("a task was due")
            self._question = self._counted(_text(frame, "question", FRAME_LIMIT))
            self._missing = _whole(frame, "size", 1, BATCH_LIMIT)
            self._places.append(None if frame.get("place") is None else _whole(frame, "place", 0, OFFSET_LIMIT))
            return None
        if frame.get("tag") != "piece":
            raise ValueError("a piece of a text was due")
        piece = self._counted(_text(frame, "text", min(PIECE_LIMIT, self._missing)))
        if not piece:
            raise ValueError("an empty piece")
        self._pieces.append(piece)
        self._missing -= len(piece)
        if self._missing:
            return None
        self._tasks.append((self._question, "".join(self._pieces)))
        self._question, self._pieces = None, []
        if len(self._tasks) < self._count:
            return None
        return Delegated(tuple(self._tasks), self._batched, tuple(self._places))

    def _counted(self, text: str) -> str:
        self._size += memory_of(text)
        if self._size > BATCH_LIMIT + _SLACK * PROMPTS_LIMIT:  # a text in pieces takes a little more than whole
            raise ValueError("the texts are too large")
        return text


def _reported(frame: Frame) -> Reported:
    line = None if frame.get("line") is None else _whole(frame, "line", -OFFSET_LIMIT, OFFSET_LIMIT)
    confidence: float = _one(frame, "confidence", float)
    if not 0 <= confidence <= 1:
        raise ValueError("confidence is out of range")
    return Reported(
        rule=_text(frame, "rule", RULE_LIMIT),
        title=_text(frame, "title", TITLE_LIMIT),
        message=_text(frame, "message", MESSAGE_LIMIT),
        path=_text(frame, "path", PLACE_LIMIT),
        quote=_text(frame, "quote", QUOTE_LIMIT),
        severity=_text_or_none(frame, "severity", RULE_LIMIT),
        cwe=_text_or_none(frame, "cwe", RULE_LIMIT),
        confidence=confidence,
        line=line,
    )


def read_ready(frame: Frame) -> ReplFacts:
    """Return what the child says of itself when it is ready; raises ValueError."""
    if frame.get("tag") == "failed":
        raise ValueError(_text(frame, "reason", 500))
    if frame.get("tag") != "ready":
        raise ValueError("it was not ready")
    return ReplFacts(
        _text(frame, "python", 50),
        _texts(frame, "modules", 500),
        _texts(frame, "walls", 50),
        _texts(frame, "missing", 50),
    )


def hello(context: Context, limits: Limits, now: float, windows: Mapping[str, Window]) -> Iterator[Frame]:
    """Yield what the child has to know before it can be ready."""
    yield {
        "tag": "hello",
        "size": context.size,
        "documents": len(context.documents),
        "now": now,
        "seconds": limits.timeout,
        "cell_seconds": limits.cell_timeout,
        "windows": {name: [window.prompt, window.reply] for name, window in windows.items()},
    }
    rows: list[list[Any]] = []
    size = 0
    for each in context.documents:
        # Where its pages begin the child can see for itself.
        labels = len(each.pages) if labels_differ(each) else 0
        span = each.span
        parts = [each.parts.kind, len(each.parts.starts)] if each.parts is not None else [None, 0]
        shape = [each.lines, each.tokens, each.kind, len(each.pages), *parts]
        rows.append([labels, each.path, span.start, span.end, *shape, each.mark, each.changed, each.title, each.key])
        size += len(each.path) + 100
        if size > _ROWS_SIZE:
            yield {"tag": "documents", "rows": rows}
            rows, size = [], 0
    if rows:
        yield {"tag": "documents", "rows": rows}
    for document in filter(labels_differ, context.documents):
        for first in range(0, len(document.pages), _LABELS):
            yield {"tag": "labels", "labels": [page.label for page in document.pages[first : first + _LABELS]]}
    for document in context.documents:
        starts = document.parts.starts if document.parts is not None else ()
        for first in range(0, len(starts), _STARTS):
            yield {"tag": "starts", "starts": list(starts[first : first + _STARTS])}


def frames_of(answer: ToRepl) -> Iterator[bytes]:
    """Yield the encoded frames of an answer. A reply too large for a frame becomes a failed one that says so."""
    if isinstance(answer, SubAnswers):
        yield encode(
            {"tag": "answers", "count": len(answer.answers), "refused": answer.refused, "summary": answer.summary}
        )
        for each in answer.answers:
            yield from _sub_answer(each)
    elif isinstance(answer, ClaimChecked):
        yield encode({"tag": "checked", "place": answer.place, "refused": answer.refused, "note": answer.note})
    else:
        yield encode({"tag": "told", "text": answer.text})


def _sub_answer(answer: SubAnswer) -> Iterator[bytes]:
    error = answer.error if answer.text is not None or answer.error is not None else "no reply"
    head = {"tag": "answer", "text": answer.text, "error": error, "truncated": answer.truncated}
    try:
        yield encode({**head, "partial": answer.partial, "doubt": answer.doubt, "evidence": len(answer.evidence)})
    except FrameTooLarge:
        yield encode(
            {**head, "text": None, "error": "the reply is too large", "partial": None, "doubt": None, "evidence": 0}
        )
        return
    for first in range(0, len(answer.evidence), EVIDENCE_AT_ONCE):
        yield encode({"tag": "evidence", "pairs": answer.evidence[first : first + EVIDENCE_AT_ONCE]})


def answers(question: FromRepl | None, answer: ToRepl) -> bool:
    """Say whether `answer` is one to `question`."""
    if isinstance(question, Asked):
        return isinstance(answer, SubAnswers) and (
            answer.refused is not None or len(answer.answers) == len(question.prompts)
        )
    if isinstance(question, Delegated):
        return isinstance(answer, SubAnswers) and (
            answer.refused is not None or len(answer.answers) == len(question.tasks)
        )
    if isinstance(question, Claimed | Reported):
        return isinstance(answer, ClaimChecked)
    return isinstance(question, BudgetAsked) and isinstance(answer, BudgetTold)


# --- fields -------------------------------------------------------------------------------------------------------


def _one(frame: Frame, key: str, kind: type) -> Any:
    value = frame.get(key)
    if type(value) is not kind:
        raise ValueError(f"{key} is no {kind.__name__}")
    return value


def _whole(frame: Frame, key: str, least: int, most: int) -> int:
    value: int = _one(frame, key, int)
    if not least <= value <= most:
        raise ValueError(f"{key} is out of range")
    return value


def _text(frame: Frame, key: str, limit: int) -> str:
    value: str = _one(frame, key, str)
    return _sound(value, key, limit)


def _text_or_none(frame: Frame, key: str, limit: int) -> str | None:
    return None if frame.get(key) is None else _text(frame, key, limit)


def _texts(frame: Frame, key: str, limit: int) -> tuple[str, ...]:
    values = _one(frame, key, list)
    if len(values) > limit:
        raise ValueError(f"{key} has too many items")
    if not all(type(value) is str for value in values):
        raise ValueError(f"{key} holds what is no str")
    return tuple(_sound(value, key, 500) for value in values)


def _identifiers(frame: Frame, key: str, limit: int) -> tuple[str, ...]:
    """Return names: what is no name could, shown to the user, pass for a line of ours."""
    names = _texts(frame, key, limit)
    if not all(name.isidentifier() and len(name) <= 200 for name in names):
        raise ValueError(f"{key} holds what is no name")
    return names


def _lines(frame: Frame, key: str, limit: int) -> tuple[str, ...]:
    lines = _texts(frame, key, limit)
    if not all(line.isprintable() for line in lines):
        raise ValueError(f"{key} holds what is no line")
    return lines


def _sound(value: str, key: str, limit: int) -> str:
    if len(value) > limit:
        raise ValueError(f"{key} is too long")
    try:
        value.isascii() or value.encode("utf-8")
    except UnicodeEncodeError:
        raise ValueError(f"{key} holds half a surrogate pair") from None
    return value
