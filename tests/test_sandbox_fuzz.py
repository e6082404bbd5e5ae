"""Whatever bytes a child sends, its host hears something sound, or that the child is of no further use; and it goes on.

In one process a socket stands for the child, so that thousands of conversations can be tried; then real children send
bytes of their own choosing.
"""

import json
import socket
import struct
import time
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from support.repl import NOW, context_of

from rlm_cli.context import Context
from rlm_cli.errors import ReplDied, SandboxError
from rlm_cli.sandbox import ChildRepl
from rlm_cli.sandbox.messages import Inbox, read_ready
from rlm_cli.sandbox.protocol import (
    ANSWER_LIMIT,
    FRAME_LIMIT,
    MODEL_LIMIT,
    OUTPUT_LIMIT,
    PROMPTS_LIMIT,
    QUOTE_LIMIT,
    STRUCTURE_LIMIT,
    VARIABLES_LIMIT,
    Channel,
)
from rlm_cli.seams import Asked, BudgetAsked, Cell, CellFinished, Claimed, Delegated, FromRepl
from rlm_cli.types import Limits

CELL = 3
FINISHED = {
    "tag": "finished", "number": CELL, "output": "x", "characters": 1, "error": None, "final": None, "variables": ["a"],
    "tampered": [], "sizes": [],
}  # fmt: skip
SOUND: list[dict[str, Any]] = [
    FINISHED,
    {**FINISHED, "final": {"answer": "y", "doubt": None}},
    {**FINISHED, "error": "ValueError: no"},
    {"tag": "asked", "count": 2, "model": None, "batched": True, "fresh": True, "schema": "{}"},
    {"tag": "asked", "count": 1, "model": "sub", "batched": False, "fresh": False},
    {"tag": "prompt", "text": "p"},
    {"tag": "delegated", "count": 2, "batched": True},
    {"tag": "delegated", "count": 1, "batched": False},
    {"tag": "task", "question": "q", "size": 2, "place": None},
    {"tag": "task", "question": "q", "size": 2, "place": 7},
    {"tag": "piece", "text": "p"},
    {"tag": "claimed", "place": "a.txt", "quote": "q", "final": False},
    {"tag": "claimed", "place": -5, "quote": "q", "final": True},
    {"tag": "budget"},
    {"tag": "ready", "python": "3", "modules": [], "walls": [], "missing": []},
]
KEYS = sorted({key for frame in SOUND for key in frame} | {"answer", "doubt", "bogus"})


def framed(body: bytes, length: int | None = None) -> bytes:
    return struct.pack(">I", len(body) if length is None else length) + body


plain = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats() | st.text(max_size=20) | st.just("\ud800"),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=4),
    max_leaves=10,
)


@st.composite
def spoiled(draw: st.DrawFn) -> dict[str, Any]:
    """A sound frame with some of its fields gone, or of another kind."""
    frame = dict(draw(st.sampled_from(SOUND)))
    for key in draw(st.lists(st.sampled_from(sorted(frame)), max_size=3)):
        if draw(st.booleans()):
            frame.pop(key, None)
        else:
            frame[key] = draw(plain)
    return frame


frames = (
    st.sampled_from(SOUND).map(lambda frame: framed(json.dumps(frame).encode()))
    | spoiled().map(lambda frame: framed(json.dumps(frame).encode()))
    | plain.map(lambda value: framed(json.dumps(value).encode()))
    | st.binary(max_size=60).map(framed)
    | st.tuples(st.binary(max_size=20), st.integers(0, 2**32 - 1)).map(lambda pair: framed(*pair))
    | st.binary(max_size=12)
)
conversations = st.lists(frames, max_size=6).map(b"".join)


def check(message: FromRepl) -> None:
    """Assert that a message is what its type says, whoever sent it."""
    match message:
        case Asked():
            assert type(message.prompts) is tuple
            assert 1 <= len(message.prompts) <= PROMPTS_LIMIT
            assert all(type(each) is str for each in message.prompts)
            assert message.model is None or (type(message.model) is str and len(message.model) <= MODEL_LIMIT)
            assert type(message.batched) is bool
            assert type(message.fresh) is bool
            assert message.batched or len(message.prompts) == 1
            "".join(message.prompts).encode()
        case Delegated():
            assert 1 <= len(message.tasks) == len(message.places) <= PROMPTS_LIMIT
            assert all(type(question) is str and type(text) is str and text for question, text in message.tasks)
            assert all(place is None or type(place) is int for place in message.places)
            assert message.batched or len(message.tasks) == 1
            "".join(text for _, text in message.tasks).encode()
        case Claimed():
            assert type(message.place) in (int, str)
            assert type(message.quote) is str
            assert len(message.quote) <= QUOTE_LIMIT
            assert type(message.final) is bool
        case BudgetAsked():
            pass
        case CellFinished():
            assert type(message.output) is str
            assert len(message.output) <= 11 * OUTPUT_LIMIT
            assert type(message.output_characters) is int
            assert message.output_characters >= 0
            assert message.error is None or type(message.error) is str
            if message.final is not None:
                assert message.error is None
                assert type(message.final.answer) is str
                assert len(message.final.answer) <= ANSWER_LIMIT
                message.final.answer.encode()
            for names in (message.variables, message.tampered):
                assert len(names) <= VARIABLES_LIMIT
                assert all(type(name) is str and name.isidentifier() for name in names)
            message.output.encode()


def heard(sent: bytes) -> tuple[list[FromRepl], str]:
    """Return what a host makes of these bytes, and how the conversation ended."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.setblocking(False)
        theirs.sendall(sent)
        theirs.shutdown(socket.SHUT_WR)
        channel, inbox = Channel(ours, STRUCTURE_LIMIT), Inbox(CELL)
        messages: list[FromRepl] = []
        try:
            while True:
                message = inbox.take(channel.receive(time.monotonic() + 60))
                if message is not None:
                    messages.append(message)
        except (EOFError, ValueError) as end:
            return messages, type(end).__name__


@settings(max_examples=1500)
@given(conversations)
@example(framed(b'{"tag": "finished"' + b"9" * 5000 + b"}"))
@example(framed(b'{"tag": 1e999, "tag": NaN}'))
@example(framed(b'{"tag": "budget"}') * 3 + b"\0")
def test_a_host_hears_what_is_sound_or_that_it_is_over(sent: bytes) -> None:
    messages, end = heard(sent)
    assert end in ("EOFError", "ValueError", "JSONDecodeError")
    for message in messages:
        check(message)


@settings(max_examples=300)
@given(plain | spoiled())
def test_what_a_child_says_of_itself_is_checked_too(frame: Any) -> None:
    if not isinstance(frame, dict):
        return
    try:
        facts = read_ready(frame)
    except ValueError:
        return
    assert type(facts.python) is str
    for names in (facts.modules, facts.walls, facts.walls_missing):
        assert all(type(name) is str for name in names)


@given(st.sampled_from(SOUND[:3]), st.integers(-10, 10))
def test_the_end_of_another_cell_is_not_believed(frame: dict[str, Any], number: int) -> None:
    messages, _ = heard(framed(json.dumps({**frame, "number": number}).encode()))
    assert bool(messages) == (number == CELL)


@pytest.mark.parametrize(
    "body",
    [
        b"[" * FRAME_LIMIT,
        b"[]," * (FRAME_LIMIT // 3),
        b'{"tag":"finished","x":[' + b"{}," * 5_000_000 + b"{}]}",
        b'{"tag":"finished","x":[' + b'"",' * 5_000_000 + b'""]}',
        b'"' + b'\\"' * 8_000_000,
        b'{"tag":"prompt","text":"' + b"x" * (FRAME_LIMIT - 100) + b"\xf0\x9f\x98\x80" + b'"}',
    ],
)
def test_a_frame_takes_no_more_memory_than_its_text(body: bytes) -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        channel = Channel(ours, STRUCTURE_LIMIT)
        channel._received += framed(body)  # 16 MB fit no socket
        tracemalloc.start()
        try:
            channel.receive(time.monotonic() + 60)
        except ValueError:
            pass
        finally:
            _, peak = tracemalloc.get_traced_memory()
            tracemalloc.stop()
    # The bytes, cut out and decoded, at four bytes a character where there is an emoji among them.
    assert peak < 12 * FRAME_LIMIT


# --- real children ------------------------------------------------------------------------------------------------

SENDS = """
import os, socket, struct, sys
end = socket.socket(fileno=int(sys.argv[1]))
def hear():
    length = struct.unpack(">I", end.recv(4, socket.MSG_WAITALL))[0]
    end.recv(length, socket.MSG_WAITALL)
hear(), hear()
ready = b'{"tag": "ready", "python": "3", "modules": [], "walls": [], "missing": []}'
end.sendall(struct.pack(">I", len(ready)) + ready)
hear()
end.sendall(bytes.fromhex("HEX"))
os._exit(0)
"""


@pytest.fixture(scope="module")
def context() -> Iterator[Context]:
    made = context_of({"a.txt": "alpha\n"})
    yield made
    made.close()


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(sent=conversations)
def test_a_real_child_that_sends_anything_costs_its_own_life_at_most(
    context: Context, tmp_path: Path, sent: bytes
) -> None:
    program = tmp_path / "sends.py"
    program.write_text(SENDS.replace("HEX", sent.hex()))
    repl = ChildRepl(context, Limits(), NOW, program)
    try:
        repl.send(Cell(CELL, ("pass",)))
        message = repl.receive(20)
        check(message)
        while not isinstance(message, CellFinished):
            repl._question = None  # it waits for no answer
            message = repl.receive(20)
            check(message)
    except ReplDied:
        pass
    except SandboxError as error:  # pragma: no cover - says what else came
        raise AssertionError(error) from error
    finally:
        repl.close()
