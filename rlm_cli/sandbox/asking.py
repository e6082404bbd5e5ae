"""The child's questions to its parent: sub-calls, evidence, the budget. The functions here are what the code calls.

They are closures over the channel: no attribute leads from a function to what it closes over.
"""

import json
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

from rlm_cli.sandbox.interrupts import Interrupts
from rlm_cli.sandbox.protocol import (
    BATCH_LIMIT,
    FRAME_LIMIT,
    MESSAGE_LIMIT,
    MODEL_LIMIT,
    OFFSET_LIMIT,
    PIECE_LIMIT,
    PLACE_LIMIT,
    PROMPTS_LIMIT,
    QUOTE_LIMIT,
    RULE_LIMIT,
    SCHEMA_LIMIT,
    TITLE_LIMIT,
    Channel,
    Frame,
    encode,
    memory_of,
)
from rlm_cli.sandbox.search import Hit
from rlm_cli.sandbox.tables import Document
from rlm_cli.sandbox.values import FailedReply, Reply, SubCallError, in_form


def text_of(value: Any, what: str, most: int = FRAME_LIMIT // 2) -> str:
    """Return `value` as a plain str; raises TypeError or ValueError that names `what` when it is no sendable text.

    `most`: bytes that it may have.
    """
    if isinstance(value, FailedReply):
        raise SubCallError(f"{what} is a failed sub-call: {value.error}", value.partial)
    if not isinstance(value, str):
        raise TypeError(f"{what} must be a str, not {type(value).__name__!r}")
    plain = str.__str__(value)
    try:
        size = len(plain) if plain.isascii() else len(plain.encode("utf-8"))
    except UnicodeEncodeError as error:
        raise ValueError(f"{what} holds half a surrogate pair at character {error.start}, which is no text") from None
    if size > most:
        raise ValueError(f"{what} has {size:,} bytes; the most that can be sent is {most:,}")
    return plain


def short_text(value: Any, what: str, most: int, advice: str = "") -> str:
    """Like `text_of`, with a limit in characters."""
    plain = text_of(value, what)
    if len(plain) > most:
        raise ValueError(f"{what} has {len(plain):,} characters; the most is {most:,}{advice}")
    return plain


def refuse_in_clean_up() -> None:
    """Raise SubCallError in the clean-up of a generator: it may run in any later cell, whenever memory is tidied up."""
    handled = sys.exception()
    while handled is not None:
        if isinstance(handled, GeneratorExit):
            raise SubCallError("the clean-up of a generator can ask nothing and answer nothing")
        handled = handled.__context__


class Parent:
    """The other end of the channel, for one question at a time, and while a cell runs.

    Code that runs when a value is dropped can ask at any moment, also within another question: it is refused.
    """

    def __init__(self, channel: Channel, interrupts: Interrupts) -> None:
        self._channel = channel
        self._interrupts = interrupts

    def ask(
        self, prompts: list[str], model: str | None, batched: bool, fresh: bool, schema: str | None = None
    ) -> tuple[list[Reply | FailedReply], str | None]:
        """Send prompts and return what they came to, with the parent's summary; raises SubCallError when refused."""
        if (size := sum(map(memory_of, prompts))) > BATCH_LIMIT:
            raise ValueError(
                f"the batch takes {size:,} bytes of memory; the limit is {BATCH_LIMIT:,}: send it in parts"
            )
        frames = [encode({"tag": "prompt", "text": prompt}) for prompt in prompts]
        with self._undisturbed():
            head: Frame = {"tag": "asked", "count": len(prompts), "model": model, "batched": batched, "fresh": fresh}
            self._channel.send({**head, "schema": schema})
            for frame in frames:
                self._channel.send_encoded(frame)
            return self._answers()

    def delegate(
        self, tasks: list[tuple[str, str, int | None]], batched: bool
    ) -> tuple[list[Reply | FailedReply], str | None]:
        """Send (question, text, where the text begins in the context) each, and return what came of it, as `ask`."""
        if (size := sum(memory_of(each) for task in tasks for each in task[:2])) > BATCH_LIMIT:
            raise ValueError(f"the texts take {size:,} bytes of memory; the limit is {BATCH_LIMIT:,}: ask about parts")
        with self._undisturbed():
            self._channel.send({"tag": "delegated", "count": len(tasks), "batched": batched})
            for question, text, place in tasks:
                self._channel.send({"tag": "task", "question": question, "size": len(text), "place": place})
                for start in range(0, len(text), PIECE_LIMIT):
                    self._channel.send({"tag": "piece", "text": text[start : start + PIECE_LIMIT]})
            return self._answers()

    def _answers(self) -> tuple[list[Reply | FailedReply], str | None]:
        """Receive what was asked for whole; raises SubCallError when it is refused."""
        head = self._channel.receive()
        answers = []
        for _ in range(head["count"]):
            answers.append(answer := self._channel.receive())
            pairs: list[tuple[int, str]] = []
            while len(pairs) < answer["evidence"]:
                pairs += [(place, quote) for place, quote in self._channel.receive()["pairs"]]
            answer["pairs"] = pairs
        if head["refused"] is not None:
            raise SubCallError(head["refused"])
        return [_reply(answer) for answer in answers], head["summary"]

    def claim(self, place: Any, quote: Any, final: bool) -> str:
        """Have a quote checked and return where it stands; raises ValueError when it is refused.

        `final`: it belongs to an answer, and counts only with it.
        """
        plain = short_text(quote, "the quote", QUOTE_LIMIT, ": give the part that matters")
        answer = self._exchange({"tag": "claimed", "place": _place(place), "quote": plain, "final": final})
        if answer["refused"] is not None:
            raise ValueError(answer["refused"])
        return str(answer["place"])

    def report(self, finding: Frame) -> tuple[str | None, str]:
        """Have a finding checked. Returns where it stands, None where it is refused, and what there is to say."""
        answer = self._exchange({"tag": "reported", **finding})
        if answer["refused"] is not None:
            return None, str(answer["refused"])
        return str(answer["place"]), str(answer["note"])

    def budget(self) -> str:
        return str(self._exchange({"tag": "budget"})["text"])

    def _exchange(self, question: Frame) -> Frame:
        with self._undisturbed():
            self._channel.send(question)
            return self._channel.receive()

    def _undisturbed(self) -> AbstractContextManager[None]:
        refuse_in_clean_up()
        if not self._interrupts.askable:
            raise SubCallError("nothing can be asked from a clean-up that runs within another question or after a cell")
        return self._interrupts.shielded()


def _reply(answer: Frame) -> Reply | FailedReply:
    if answer["text"] is None:
        return FailedReply(answer["error"], answer["partial"])
    reply = Reply(answer["text"])
    reply.truncated, reply.evidence, reply.doubt = answer["truncated"], answer["pairs"], answer["doubt"]
    return reply


def sub_calls(parent: Parent, show: Callable[[str], None]) -> dict[str, Callable[..., Any]]:
    """Return llm_query and its batched form; `show` prints a line."""

    def send(prompts: list[str], model: Any, batched: bool, fresh: Any, schema: Any) -> list[Any]:
        if model is not None:
            model = short_text(model, "the model's name", MODEL_LIMIT, ": a text to ask about belongs into the prompt")
        if fresh is not True and fresh is not False:
            raise TypeError(f"fresh must be True or False, not {type(fresh).__name__!r}")
        form = None if schema is None else _schema(schema)
        replies, summary = parent.ask(prompts, model, batched, fresh, form)
        if summary:
            show(summary)
        return replies if form is None else list(map(in_form, replies))

    def llm_query(prompt: str, model: str | None = None, *, fresh: bool = False, schema: Any = None) -> Any:
        """Ask the sub-model; returns its reply. Raises SubCallError when the call fails. fresh: no known reply.

        schema: a JSON schema, as a dict; the reply is then a value that fits it, not text.
        """
        [reply] = send([_prompt(prompt, "the prompt")], model, False, fresh, schema)
        if isinstance(reply, FailedReply):
            raise SubCallError(reply.error)
        return reply

    def llm_query_batched(
        prompts: list[str], model: str | None = None, *, fresh: bool = False, schema: Any = None
    ) -> list[Any]:
        """Ask the sub-model in parallel; returns replies in the order of the prompts. A failed one has .ok False.

        fresh: each prompt is asked anew, equal ones too. schema: as for llm_query.
        """
        if isinstance(prompts, str):
            raise TypeError("llm_query_batched takes a list of prompts, not one str; for one use llm_query")
        checked = []
        for index, prompt in enumerate(prompts):
            if index == PROMPTS_LIMIT:
                raise ValueError(f"a batch takes at most {PROMPTS_LIMIT:,} prompts")
            checked.append(_prompt(prompt, f"prompt {index}"))
        return send(checked, model, True, fresh, schema) if checked else []

    return {"llm_query": llm_query, "llm_query_batched": llm_query_batched, "parallel_llm_query": llm_query_batched}


def _schema(value: Any) -> str:
    """Return a JSON schema as JSON; what it says is checked by the parent."""
    if not isinstance(value, dict):
        raise TypeError(
            "schema is a JSON schema as a dict, as in {'type': 'object', 'properties': {'label': {'type': 'string'}}}, "
            f"not {type(value).__name__!r}"
        )
    try:
        text = json.dumps(value, ensure_ascii=False, allow_nan=False)
    except (TypeError, ValueError, RecursionError) as error:
        raise ValueError(f"schema is no JSON: {error}") from None
    return short_text(text, "the schema", SCHEMA_LIMIT)


def _prompt(value: Any, what: str) -> str:
    plain = text_of(value, what)
    if not plain.strip():
        raise ValueError(f"{what} is empty")
    return plain


def evidence(parent: Parent, show: Callable[[str], None]) -> dict[str, Callable[..., Any]]:
    """Return cite(), report_finding() and budget()."""

    def cite(path_or_offset: str | int, quote: str) -> str:
        """Record a quote as evidence. Raises ValueError when it does not stand there."""
        found = parent.claim(path_or_offset, quote, final=False)
        show(f"cited: {found}")
        return found

    def budget() -> str:
        """Print and return what is left of the limits."""
        left = parent.budget()
        show(left)
        return left

    def report_finding(
        rule: str,
        title: str,
        message: str,
        path: str,
        quote: str,
        severity: str | None = None,
        cwe: str | int | None = None,
        confidence: float = 0.7,
        line: int | None = None,
    ) -> str | None:
        """Report a finding; prints and returns where its quote stands, None where it stands nowhere."""
        finding = {
            "rule": short_text(rule, "the rule", RULE_LIMIT),
            "title": short_text(title, "the title", TITLE_LIMIT, ": say the rest in the message"),
            "message": short_text(message, "the message", MESSAGE_LIMIT),
            "path": short_text(path, "the path", PLACE_LIMIT),
            "quote": short_text(quote, "the quote", QUOTE_LIMIT, ": give the part that matters"),
            "severity": None if severity is None else short_text(severity, "the severity", RULE_LIMIT),
            "cwe": None if cwe is None else short_text(str(cwe), "the CWE", RULE_LIMIT),
            "confidence": _share(confidence),
            "line": None if line is None else _line(line),
        }
        found, said = parent.report(finding)
        show(said)
        return found

    return {"cite": cite, "report_finding": report_finding, "budget": budget}


def _line(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"line is a number, not {type(value).__name__!r}")
    return max(-1, min(int(value), OFFSET_LIMIT))


def _share(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value <= 1:
        raise ValueError("confidence is a number from 0 to 1")
    return float(value)


_PAIR = "write [('a.py:12', 'words that stand there'), ...]"


def claim_all(parent: Parent, given: Any) -> None:
    """Have an answer's evidence checked: pairs (place, quote), dicts with path or offset and quote, or one such."""
    if given is None:
        return
    if isinstance(given, dict) and not {"path", "offset", "quote"} & set(given):
        given = list(given.items())
    if isinstance(given, dict) or (isinstance(given, tuple) and len(given) == 2 and isinstance(given[1], str)):
        given = [given]
    if isinstance(given, str):
        raise TypeError(f"evidence is a list of (path, quote) pairs, not a str: {_PAIR}")
    for number, each in enumerate(given, 1):
        if isinstance(each, dict):
            place, quote = each.get("path", each.get("offset")), each.get("quote")
        else:
            try:
                place, quote = each
            except (TypeError, ValueError):
                raise TypeError(f"evidence {number} is no pair of path and quote: {_PAIR}") from None
        try:
            parent.claim(place, quote, final=True)
        except (TypeError, ValueError) as error:
            raise type(error)(f"evidence {number}: {error}") from None


def _place(place: Any) -> str | int:
    if isinstance(place, Document):
        place = place.path
    elif isinstance(place, Hit):
        place = place.offset
    if isinstance(place, str):
        return short_text(place, "the path", PLACE_LIMIT)
    if isinstance(place, int) and not isinstance(place, bool):
        if not -OFFSET_LIMIT <= int(place) <= OFFSET_LIMIT:
            raise ValueError("this offset lies outside the context")
        return int(place)
    raise TypeError(f"a place is a document's path or an offset into context, not {type(place).__name__!r}")
