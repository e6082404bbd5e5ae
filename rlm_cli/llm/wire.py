"""The connections under litellm: a call is over when its time is, its body has an end, and a run can hang up.

Covered: a deadline for the whole exchange (httpx's timeout is one for each read, so a server that drips a byte now and
then holds a call for ever), a cap on the body, closing every connection of a run, proxies. Not covered: how a socket
does its part (sockets.py), what an error means (failures.py), whether to call again (retrying.py).

What it stands on: litellm sends everything through `litellm.client_session` (OpenAI's wire) and
`litellm.sync_transport` (all others), in the thread that called it. Both are one for the whole process, so what they
hold is a `Switchboard`, which finds the wire of the run by a context variable. A transport of one's own makes httpx
leave out the proxies of the environment: they are looked up here, by Python's own rules.
"""

import json
import ssl
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self
from urllib.request import getproxies, proxy_bypass

import httpcore
import httpx

from rlm_cli.llm.sockets import DEADLINE, Network

BODY_LIMIT = 64 * 1024 * 1024
"""Bytes of one reply, unpacked: four times what the sandbox takes in one frame, since JSON may spell a character with
six; small enough for many calls side by side to a server that never stops."""
_IDLE_SECONDS = 60.0
_ENCODINGS = ("gzip", "deflate")
"""Those that cannot make gigabytes of one piece."""

_Place = tuple[str, str, int | None, str | None]
"""Where a connection leads: scheme, host, port, and the proxy on the way."""

_CURRENT: ContextVar["Call | None"] = ContextVar("rlm_call", default=None)


@dataclass(eq=False, slots=True)
class Call:
    """One call while it is under way."""

    wire: "Wire"
    body: bytes = b""
    """The last reply that came whole, unpacked."""
    flooded: bool = False
    """The body went beyond the limit."""

    def broken_off(self) -> bool:
        """Tell whether the body is the beginning of a JSON object: somebody cut it and said that it was all."""
        text = self.body.decode("utf-8", "replace").strip()
        if not text.startswith("{"):
            return False
        try:
            json.loads(text)
        except json.JSONDecodeError as error:
            rest = text[error.pos :]
            return error.msg.startswith("Unterminated") or any(
                word.startswith(rest) for word in ("true", "false", "null")
            )
        except (ValueError, RecursionError):
            pass
        return False


class Wire:
    """The connections of one run. Any number of threads may call at once."""

    def __init__(self) -> None:
        self._network = Network()
        self._lock = threading.Lock()
        self._lanes: list[httpcore.ConnectionPool] = []
        self._idle: dict[_Place, list[httpcore.ConnectionPool]] = {}

    @property
    def closed(self) -> bool:
        return self._network.closed

    @contextmanager
    def call(self, seconds: float) -> Iterator[Call]:
        """What litellm sends inside goes over this wire and is over within `seconds`."""
        call = Call(self)
        before, deadline = _CURRENT.set(call), DEADLINE.set(time.monotonic() + seconds)
        try:
            yield call
        finally:
            _CURRENT.reset(before)
            DEADLINE.reset(deadline)

    def close(self) -> None:
        """Hang up: calls under way fail at once, none is begun any more."""
        self._network.close()
        with self._lock:
            lanes = list(self._lanes)
        for lane in lanes:
            lane.close()

    def send(self, request: httpx.Request, call: Call, context: ssl.SSLContext) -> httpx.Response:
        """Make one exchange, its body included."""
        if "accept-encoding" in request.headers:
            request.headers["accept-encoding"] = ", ".join(_ENCODINGS)
        url = request.url
        with _as_httpx():
            sent = httpcore.Request(
                request.method,
                httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path),
                headers=request.headers.raw,
                content=request.stream,
                extensions=request.extensions,
            )
            with self._lane(url, context) as lane:
                came = lane.handle_request(sent)
                try:
                    headers, call.body = _whole(came, call)
                finally:
                    came.close()
        said = {name: came.extensions[name] for name in ("http_version", "reason_phrase") if name in came.extensions}
        return httpx.Response(came.status, headers=headers, content=call.body, request=request, extensions=said)

    @contextmanager
    def _lane(self, url: httpx.URL, context: ssl.SSLContext) -> Iterator[httpcore.ConnectionPool]:
        """A connection that nobody else uses meanwhile: the one used last by a call to that place, or a new one.

        Measured at 64 wide: a call costs 23 % less CPU than over one pool that all threads share.
        """
        proxy = _proxy_for(url)
        place = url.scheme, url.host, url.port, proxy
        with self._lock:
            idle = self._idle.setdefault(place, [])
            lane = idle.pop() if idle else None
        if lane is None:
            lane = _open_lane(proxy, context, self._network)
            with self._lock:
                self._lanes.append(lane)
        try:
            yield lane
        finally:
            with self._lock:
                idle.append(lane)


class Switchboard(httpx.BaseTransport):
    """Sends each request over the wire of the run that it belongs to.

    What another part of the process sends through litellm goes its usual way.
    """

    def __init__(self, verify: ssl.SSLContext | str | bool) -> None:
        self._context = httpx.create_ssl_context(verify=verify)
        self._usual: httpx.Client | None = None

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        call = _CURRENT.get()
        if call is not None:
            return call.wire.send(request, call, self._context)
        if self._usual is None:
            self._usual = httpx.Client(verify=self._context)
        came = self._usual.send(request, stream=True, follow_redirects=False)
        return httpx.Response(came.status_code, headers=came.headers, stream=came.stream, extensions=came.extensions)

    def close(self) -> None:
        """Stay open: litellm closes clients that it has not used for a while, and this is in all of them."""

    def __exit__(
        self,
        kind: type[BaseException] | None = None,
        error: BaseException | None = None,
        traceback: TracebackType | None = None,
    ) -> None:
        self.close()

    def __enter__(self) -> Self:
        return self


def _open_lane(proxy: str | None, context: ssl.SSLContext, network: httpcore.NetworkBackend) -> httpcore.ConnectionPool:
    """Return what httpcore calls a pool, of one connection."""
    settings: dict[str, Any] = {
        "ssl_context": context,
        "max_connections": 1,
        "keepalive_expiry": _IDLE_SECONDS,
        "network_backend": network,
    }
    if proxy is None:
        return httpcore.ConnectionPool(**settings)
    told = httpx.Proxy(proxy)
    where = httpcore.URL(scheme=told.url.raw_scheme, host=told.url.raw_host, port=told.url.port, target=b"/")
    if told.url.scheme.startswith("socks"):
        try:
            return httpcore.SOCKSProxy(proxy_url=where, proxy_auth=told.raw_auth, **settings)
        except RuntimeError as error:  # httpcore's word for: a package is missing
            raise httpcore.ProxyError(f"a SOCKS proxy needs one more package: {error}") from error
    return httpcore.HTTPProxy(proxy_url=where, proxy_auth=told.raw_auth, **settings)


def _proxy_for(url: httpx.URL) -> str | None:
    """Return the proxy that the environment names for an address."""
    proxies = getproxies()
    named = proxies.get(url.scheme) or proxies.get("all")
    if not named or proxy_bypass(url.host):
        return None
    return named if "://" in named else f"http://{named}"


# --- bodies -------------------------------------------------------------------------------------------------------


class _Pieces(httpx.SyncByteStream):
    def __init__(self, stream: Iterable[bytes]) -> None:
        self._stream = stream

    def __iter__(self) -> Iterator[bytes]:
        yield from self._stream


def _whole(came: httpcore.Response, call: Call) -> tuple[httpx.Headers, bytes]:
    """Return the headers of a reply, and its body unpacked."""
    headers = httpx.Headers(came.headers)
    packed = headers.get("content-encoding", "identity").strip().lower()
    if packed not in (*_ENCODINGS, "identity"):
        raise httpcore.RemoteProtocolError(f"the reply is packed as {packed!r}, which was not asked for")
    assert isinstance(came.stream, Iterable)
    pieces, size = [], 0
    for piece in httpx.Response(came.status, headers=headers, stream=_Pieces(came.stream)).iter_bytes():
        pieces.append(piece)
        size += len(piece)
        if size > BODY_LIMIT:
            call.flooded = True
            raise httpcore.RemoteProtocolError(f"the reply is larger than {BODY_LIMIT:,} bytes")
    for name in ("content-encoding", "transfer-encoding", "content-length"):
        headers.pop(name, None)
    return headers, b"".join(pieces)


@contextmanager
def _as_httpx() -> Iterator[None]:
    """Raise httpcore's errors as httpx's of the same name, which is what litellm knows."""
    try:
        yield
    except (
        httpcore.TimeoutException,
        httpcore.NetworkError,
        httpcore.ProtocolError,
        httpcore.ProxyError,
        httpcore.UnsupportedProtocol,
    ) as error:
        raise getattr(httpx, type(error).__name__, httpx.TransportError)(str(error)) from error
