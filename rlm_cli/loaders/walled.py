"""What every child that reads hostile files shares: the walls, the way it gets files and says what is in them.

    python -I -B SOME_worker.py SOCKET PARENT

A worker loads this file by its place, and this file confinement.py by its: children import nothing of the package.
The child says which walls stand, then gets one file after another as a descriptor, with what is asked of it (JSON), and
answers with frames: a length, JSON, and where that has `bytes`, as many bytes behind it. What it says is checked by
reader_process.py and whoever uses that.

Covered, before a file is seen: no environment, folder or descriptor of the parent's, and the walls of confinement.py.
Not covered: files of one run are seen by the same process: one can falsify what is read of those that follow.
"""

import contextlib
import importlib.util
import io
import json
import os
import resource
import socket
import struct
import sys
from collections.abc import Callable, Iterable, Iterator
from typing import Any

LENGTH = struct.Struct(">I")
_CPU_SECONDS = 600
"""For one file."""
LIMITS = {resource.RLIMIT_AS: 4 << 30, resource.RLIMIT_FSIZE: 0, resource.RLIMIT_NPROC: 0, resource.RLIMIT_CORE: 0}
CALLS = ("getrusage", "lseek", "prlimit64", "recvmsg")
"""System calls for taking a file, reading in it, and limiting our own time."""
_PIECE = 1 << 16
"""Bytes that are read at once."""

Frame = dict[str, Any] | tuple[dict[str, Any], bytes]
Read = Callable[[Any, Any], Iterator[Frame]]
"""(binary file, what is asked) -> what is in it."""


def serve(read: Read, limits: dict[int, int] = LIMITS, calls: Iterable[str] = CALLS) -> None:
    """Put up the walls, say which stand, and read file after file until the parent is gone.

    Nobody may be unable to read where Python lies: whatever is loaded on first use must have been loaded before.
    """
    socket_number, parent = map(int, sys.argv[1:])
    channel = socket.socket(fileno=socket_number)
    walls = _confinement().confine(limits, parent, calls)
    _send(channel, {"ready": walls.standing, "missing": walls.missing})
    while True:
        head, descriptors, _, _ = socket.recv_fds(channel, LENGTH.size, 1)
        if not head:
            return
        asked = json.loads(_take(channel, *LENGTH.unpack(head)))
        _allow(_CPU_SECONDS)
        with io.BufferedReader(_File(descriptors[0]), _PIECE) as file:
            for frame in read(file, asked):
                _send(channel, *(frame if isinstance(frame, tuple) else (frame,)))


class _File(io.RawIOBase):
    """A file that may only be read: Python's own asks for its status, which is not among our calls."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET, /) -> int:
        return os.lseek(self._descriptor, offset, whence)

    def readinto(self, buffer: Any, /) -> int:
        piece = os.read(self._descriptor, len(buffer))
        buffer[: len(piece)] = piece
        return len(piece)

    def close(self) -> None:
        if not self.closed:
            os.close(self._descriptor)
        super().close()


def _send(channel: socket.socket, frame: dict[str, Any], content: bytes = b"") -> None:
    body = json.dumps(frame | {"bytes": len(content)} if content else frame).encode()
    channel.sendall(LENGTH.pack(len(body)) + body)
    if content:
        channel.sendall(content)


def _take(channel: socket.socket, size: int) -> bytes:
    received = bytearray()
    while len(received) < size:
        piece = channel.recv(size - len(received))
        if not piece:
            raise EOFError
        received += piece
    return bytes(received)


def _allow(seconds: int) -> None:
    """Let this process compute for so long from now on."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    most, hard = int(used.ru_utime + used.ru_stime) + seconds, resource.getrlimit(resource.RLIMIT_CPU)[1]
    with contextlib.suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_CPU, (most if hard == resource.RLIM_INFINITY else min(most, hard), hard))


def _confinement() -> Any:
    place = f"{__file__.rpartition('/')[0]}/../confinement.py"
    spec = importlib.util.spec_from_file_location("confinement", place)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
