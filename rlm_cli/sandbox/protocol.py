"""How parent and child talk: JSON objects, each behind its length, over one socket.

Covered: framing, deadlines, the sizes both ends keep to. Not covered: what the objects mean (messages.py on the
parent's side, asking.py and session.py on the child's). Nothing here trusts the other end: a length that lies, bytes
that are no JSON, more values than there is a use for, or a value that is no object raise ValueError, silence raises
TimeoutError, a closed end EOFError.
"""

import json
import socket
import struct
import sys
import time
from typing import Any

from rlm_cli.json_structure import structure

FRAME_LIMIT = 16 * 1024 * 1024
"""Bytes of one frame. A prompt or a reply travels in one."""
PROMPTS_LIMIT = 10_000
"""Prompts of one batch."""
STRUCTURE_LIMIT = 64 * 1024
"""Bytes of what the parent hears in one frame, texts aside: 16 MB of brackets would become hundreds of objects."""
BATCH_LIMIT = 256 * 1024 * 1024
"""Bytes of one batch, all its prompts together, as they lie in memory (`memory_of`)."""
PIECE_LIMIT = 2_000_000
"""Characters of a child run's text in one frame, each of which can take six bytes there."""
EVIDENCE_AT_ONCE = 500
"""Quotes of a child run's evidence in one frame."""
OUTPUT_LIMIT = 1_000_000
"""Characters of one cell's output that are kept."""
ANSWER_LIMIT = 1_000_000
"""Characters of an answer, and of its doubt."""
ANSWER_SIZE = 4_000_000
"""Bytes of each of them in a frame, where one character can take seven. Both travel with the output, in one frame."""
MODEL_LIMIT = 200
"""Characters of a model's name."""
SCHEMA_LIMIT = 32_000
"""Characters of a JSON schema."""
PLACE_LIMIT = 1_000
"""Characters of a document's path."""
OFFSET_LIMIT = 1 << 60
"""An offset into the context, far beyond any."""
QUOTE_LIMIT = 2_000
"""Characters of a quote."""
RULE_LIMIT = 200
"""Characters of a rule's id, of a severity and of a CWE."""
TITLE_LIMIT = 200
"""Characters of a finding's title."""
MESSAGE_LIMIT = 4_000
"""Characters of a finding's message."""
ERROR_LIMIT = 2_000
"""Characters of an error's text, about."""
VARIABLES_LIMIT = 1_000
"""Names of variables that are reported."""
TAMPERED_LIMIT = 100
"""Names of the session that can have been overwritten; there are fewer."""

_LENGTH = struct.Struct(">I")
_CHUNK = 1 << 16

Frame = dict[str, Any]


class FrameTooLarge(ValueError):
    """What should be sent exceeds FRAME_LIMIT; nothing was sent."""


class Channel:
    """One end of the conversation. A deadline is a time.monotonic() value; None waits for ever."""

    def __init__(self, end: socket.socket, structure_limit: int = FRAME_LIMIT) -> None:
        self._socket = end
        self._structure_limit = structure_limit
        self._received = bytearray()
        self._waits: float | None = None
        """The socket's time limit."""

    def send(self, frame: Frame, deadline: float | None = None) -> None:
        """Send one frame whole. After any error but FrameTooLarge the channel is of no further use."""
        self.send_encoded(encode(frame), deadline)

    def send_encoded(self, body: bytes, deadline: float | None = None) -> None:
        """Send what `encode` returned."""
        try:
            for part in (_LENGTH.pack(len(body)), body):
                view = memoryview(part)
                while view:
                    self._allow(deadline)
                    view = view[self._socket.send(view) :]
        except (BrokenPipeError, ConnectionResetError) as error:
            raise EOFError("the other end is closed") from error

    def receive(self, deadline: float | None = None) -> Frame:
        """Return the next frame. After a TimeoutError what had come of it is kept for the next call.

        A deadline that has passed is one, whatever has come: the other end could have sent ahead for hours.
        """
        self._allow(deadline)
        (length,) = _LENGTH.unpack(self._take(_LENGTH.size, deadline, keep=True))
        if length > FRAME_LIMIT:
            raise ValueError(f"a frame of {length:,} bytes is announced; the limit is {FRAME_LIMIT:,}")
        body = self._take(_LENGTH.size + length, deadline)[_LENGTH.size :]
        if length > self._structure_limit and structure(body, self._structure_limit) > self._structure_limit:
            raise ValueError("a frame has too many parts")
        try:
            frame = json.loads(body.decode("utf-8"))
        except (ValueError, RecursionError) as error:
            raise ValueError(f"a frame is no JSON: {type(error).__name__}") from error
        if type(frame) is not dict:
            raise ValueError("a frame is no JSON object")
        return frame

    def waiting(self) -> bool:
        """Say whether anything has come that was not asked for. Raises EOFError when the other end is closed."""
        if self._received:
            return True
        self._socket.setblocking(False)
        self._waits = 0.0
        try:
            piece = self._socket.recv(1)
        except BlockingIOError:
            return False
        except OSError as error:
            raise EOFError("the other end is closed") from error
        if not piece:
            raise EOFError("the other end is closed")
        self._received += piece
        return True

    def close(self) -> None:
        self._socket.close()

    def _take(self, size: int, deadline: float | None, keep: bool = False) -> bytes:
        while len(self._received) < size:
            self._allow(deadline)
            try:
                piece = self._socket.recv(max(_CHUNK, size - len(self._received)))
            except ConnectionResetError as error:
                raise EOFError("the other end is closed") from error
            if not piece:
                raise EOFError("the other end is closed")
            self._received += piece
        taken = bytes(self._received[:size])
        if not keep:
            del self._received[:size]
        return taken

    def _allow(self, deadline: float | None) -> None:
        left = None if deadline is None else deadline - time.monotonic()
        if left is not None and left <= 0:
            raise TimeoutError
        # Not without need: the child, which never waits for a time, has no system call left for it.
        if left is not None or self._waits is not None:
            self._socket.settimeout(left)
            self._waits = left


def memory_of(prompt: str) -> int:
    """Return the bytes that a text takes in memory: one that is not ASCII takes up to four a character."""
    return sys.getsizeof(prompt)


def encode(frame: Frame) -> bytes:
    """Return a frame's bytes; half a surrogate pair, which is no text, becomes a question mark."""
    body = json.dumps(frame, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")
    if len(body) > FRAME_LIMIT:
        raise FrameTooLarge(f"{len(body):,} bytes in one frame; the limit is {FRAME_LIMIT:,}")
    return body
