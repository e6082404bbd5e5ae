"""A process that reads hostile files for us: its life, and the checks on what it says.

Parsers of PDF, archives and office files work on bytes that may turn them against us, and this process holds the keys.
Covered: one child, started with nothing of ours, heard with deadlines, killed when it is of no further use; while it
lives, no process of our own user can look into this one. Not covered: the walls around it (walled.py, confinement.py),
what its frames mean (pdf.py, archive.py).
"""

import contextlib
import json
import os
import signal
import socket
import struct
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Literal, TypeGuard

from rlm_cli.confinement import Level, Walls, hidden
from rlm_cli.errors import InputError
from rlm_cli.json_structure import structure
from rlm_cli.strength import refuse_less

_LENGTH = struct.Struct(">I")
_FRAME_LIMIT = 16 << 20
"""Bytes of one frame, and of the bytes behind it."""
PARTS = 1_000
"""Parts of a frame's JSON that are no text."""

Why = Literal["damaged", "slow", "too large"]


class Broken(Exception):
    """The child is of no further use."""

    def __init__(self, why: Why) -> None:
        super().__init__(why)
        self.why = why


def _are_texts(value: Any) -> TypeGuard[list[str]]:
    return type(value) is list and all(type(each) is str for each in value)


class ReaderProcess:
    """One process and the socket to it. It inherits nothing: no environment, no descriptor, no folder.

    Linux kills it when the THREAD that started it ends.
    """

    def __init__(self, program: Path, what: str, hint: str, patience: float) -> None:
        """Start it. `what` it reads (`PDFs`) and the hint are for the InputError when it does not start."""
        self._what = what
        self._closing = contextlib.ExitStack()
        self._socket, theirs = socket.socketpair()
        try:
            self._closing.enter_context(hidden())
            self._process = subprocess.Popen(
                [sys.executable, "-I", "-B", str(program), str(theirs.fileno()), str(os.getpid())],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                cwd="/",
                env={},
                pass_fds=(theirs.fileno(),),
                start_new_session=True,
            )
        except BaseException as error:
            self._socket.close()
            self._closing.close()
            if isinstance(error, OSError):
                raise InputError(
                    f"{what} cannot be read: no process can be started for it: {error.strerror}"
                ) from error
            raise
        finally:
            theirs.close()
        try:
            said = self.hear(patience)
            ready, missing = said.get("ready"), said.get("missing")
        except Broken:
            ready = missing = None
        except BaseException:
            self.kill()
            raise
        if not _are_texts(ready) or not _are_texts(missing):
            self.kill()
            raise InputError(f"{what} cannot be read: their reader does not start", hint)
        self.walls = Walls(tuple(ready), tuple(missing))
        """What it said before it saw any file."""

    @property
    def pid(self) -> int:
        return self._process.pid

    def require(self, level: Level | None) -> None:
        """Raise SandboxError when less is in force around it."""
        if level is not None:
            refuse_less(level, f"the reader of {self._what}", *self.walls)

    def give(self, descriptor: int, asked: Any) -> None:
        """Hand over a file, and what is asked of it. Raises Broken."""
        body = json.dumps(asked).encode()
        try:
            socket.send_fds(self._socket, [_LENGTH.pack(len(body))], [descriptor])
            self._socket.sendall(body)
        except OSError:
            raise Broken("damaged") from None

    def hear(self, patience: float, parts: int = PARTS) -> dict[str, Any]:
        """Return what the child says next, within `patience` seconds; `parts`: the most of it that is no text.

        Raises Broken.
        """
        deadline = time.monotonic() + patience
        (length,) = _LENGTH.unpack(self._take(_LENGTH.size, deadline))
        if length > _FRAME_LIMIT:
            raise Broken("too large")
        body = bytes(self._take(length, deadline))
        if structure(body, parts) > parts:
            raise Broken("damaged")
        try:
            frame = json.loads(body)
        except (ValueError, RecursionError):
            raise Broken("damaged") from None
        if type(frame) is not dict:
            raise Broken("damaged")
        return frame

    def bytes_of(self, frame: dict[str, Any], patience: float) -> bytes | bytearray:
        """Return the bytes that follow a frame; none where it announces none. Raises Broken."""
        size = frame.get("bytes", 0)
        if type(size) is not int or size < 0:
            raise Broken("damaged")
        if size > _FRAME_LIMIT:
            raise Broken("too large")
        return self._take(size, time.monotonic() + patience)

    def kill(self) -> int:
        """End it, with whatever it may have started, and reap it; returns how it ended."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._socket.close()
        status = self._process.wait()
        self._closing.close()
        return status

    def _take(self, size: int, deadline: float) -> bytearray:
        received = bytearray(size)
        free = memoryview(received)
        while free:
            left = deadline - time.monotonic()
            if left <= 0:
                raise Broken("slow")
            self._socket.settimeout(left)
            try:
                count = self._socket.recv_into(free)
            except TimeoutError:
                continue
            except OSError:
                count = 0
            if not count:
                raise Broken("slow" if self._ended() == -signal.SIGXCPU else "damaged")
            free = free[count:]
        return received

    def _ended(self) -> int | None:
        with contextlib.suppress(subprocess.TimeoutExpired):
            return self._process.wait(1.0)
        return None
