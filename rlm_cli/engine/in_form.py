"""Replies that have to fit a JSON schema: what the sub-model is told, and asking it again where one does not fit.

Covered: the messages, the rounds, what becomes of a reply in the end. Not covered: what fits (schemas.py), how calls
are made: each asking is a call of its own, with its own place in the budget, the events and the record (subcalls.py).
"""

from collections.abc import Callable, Generator, Mapping
from dataclasses import replace

from rlm_cli import schemas
from rlm_cli.events import Event
from rlm_cli.seams import SubAnswer
from rlm_cli.types import Message

AGAIN = 2
"""How often a reply is asked for again, at most."""

Conversation = tuple[Message, ...]
Ask = Callable[[Mapping[int, Conversation]], Generator[Event, None, dict[int, SubAnswer] | str]]
"""Makes calls, and returns what they came to, or why none was made."""


def conversation(prompt: str, schema: str | None) -> Conversation:
    """Return what is sent: the prompt, behind one message about the form of the reply where it has one."""
    asked = Message("user", prompt)
    return (asked,) if schema is None else (Message("system", schemas.stated(schema)), asked)


def refusal(schema: str | None) -> str | None:
    """Return why a schema that comes from the sandbox is not used."""
    if schema is None:
        return None
    try:
        schemas.check_schema(schema, strict=True)
    except ValueError as why:
        return f"schema=: {why}; nothing was sent"
    return None


def bring_into_form(
    schema: str, asked: Mapping[int, Conversation], answers: dict[int, SubAnswer], ask: Ask
) -> Generator[Event, None, None]:
    """Make each of `answers` canonical JSON that fits, or a failure that says why; `asked`: what they answer."""
    for left in range(AGAIN, -1, -1):
        again: dict[int, Conversation] = {}
        for number, said in asked.items():
            answer = answers[number]
            if answer.text is None:
                continue
            try:
                text = schemas.canonical(schemas.parse(schema, answer.text))
            except ValueError as why:
                reason = f"it was cut at the output limit ({why})" if answer.truncated else str(why)
                answers[number] = SubAnswer(error=f"the reply does not fit the schema: {reason}")
                again[number] = (*said, Message("assistant", answer.text), Message("user", _mend(reason)))
            else:
                answers[number] = replace(answer, text=text, truncated=False)
        if not again or not left:
            return
        made = yield from ask(again)
        if isinstance(made, str):
            for number in again:
                answers[number] = SubAnswer(error=f"{answers[number].error}; it was not asked for again: {made}")
            return
        answers |= made
        asked = again


def _mend(reason: str) -> str:
    return f"Your reply does not fit the JSON schema: {reason}. Reply again: the whole value, mended, as JSON alone."
