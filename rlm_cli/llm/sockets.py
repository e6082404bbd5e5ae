"""The sockets under the calls of one run: each read and write keeps to the call's deadline, and all can be hung up.

Covered: connecting, TLS, reading, writing, ending what goes on from another thread. Not covered: what is said over them
(wire.py). httpcore takes a `NetworkBackend` for all of this, its public way to bring one's own.
"""

import socket
import ssl
import threading
import time
from collections.abc import Iterable
from contextlib import suppress
from contextvars import ContextVar
from typing import Any

import httpcore

DEADLINE: ContextVar[float | None] = ContextVar("rlm_call_deadline", default=None)
"""When the call of this thread has to be over, by the monotonic clock."""
_CONNECT_SECONDS = 10.0
"""For one connection, and as many for TLS: a host that does not take it up by then is better tried again."""
_PIECE = 64 * 1024
"""Bytes written at a time: the deadline is looked at between them."""


class Network(httpcore.NetworkBackend):
    """Opens connections until it is closed, and closes what it has opened then."""

    def __init__(self) -> None:
        self.closed = False
        self._lock = threading.Lock()
        self._streams: set[_Stream] = set()
        self._real = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        if self.closed:
            raise httpcore.ConnectError("the run is over")
        seconds = _within(_CONNECT_SECONDS, httpcore.ConnectTimeout)
        return self.keep(_Stream(self._real.connect_tcp(host, port, seconds, local_address, socket_options), self))

    def close(self) -> None:
        """Hang up every connection, whoever uses it, and open none any more."""
        with self._lock:
            self.closed = True
            streams = list(self._streams)
        for stream in streams:
            stream.hang_up()

    def keep(self, stream: "_Stream") -> "_Stream":
        """Note a connection that was opened; raises ConnectError when that was too late."""
        with self._lock:
            if not self.closed:
                self._streams.add(stream)
                return stream
        stream.close()
        raise httpcore.ConnectError("the run is over")

    def forget(self, stream: "_Stream") -> None:
        with self._lock:
            self._streams.discard(stream)


class _Stream(httpcore.NetworkStream):
    """A connection that keeps to the deadline of the call that uses it, and that others can hang up."""

    def __init__(self, inner: httpcore.NetworkStream, network: Network) -> None:
        self._inner = inner
        self._network = network
        self._lock = threading.Lock()

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._inner.read(max_bytes, _within(timeout, httpcore.ReadTimeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        for start in range(0, len(buffer), _PIECE):
            self._inner.write(buffer[start : start + _PIECE], _within(timeout, httpcore.WriteTimeout))

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        seconds = _within(_CONNECT_SECONDS, httpcore.ConnectTimeout)
        secured = _Stream(self._inner.start_tls(ssl_context, server_hostname, seconds), self._network)
        self._network.forget(self)
        return self._network.keep(secured)

    def close(self) -> None:
        self._network.forget(self)
        with self._lock:
            self._inner.close()

    def hang_up(self) -> None:
        """End what goes on here, from another thread: whoever reads or writes finds the connection gone."""
        with self._lock, suppress(OSError):
            # Not the SSLSocket's own method: it takes the encryption away first, under the hands of a writer.
            socket.socket.shutdown(self._inner.get_extra_info("socket"), socket.SHUT_RDWR)

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)


def _within(timeout: float | None, late: type[Exception]) -> float | None:
    """Return the timeout of one step of the current call; raises `late` when its time is over."""
    deadline = DEADLINE.get()
    if deadline is None:
        return timeout
    left = deadline - time.monotonic()
    if left <= 0:
        raise late("the time of the call is over")
    return left if timeout is None else min(timeout, left)
