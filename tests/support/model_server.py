"""A loopback model server without a wire of its own: scripts, kept requests, delays, errors and broken connections.

Each wire is a subclass in a module beside this one (openai_server.py, anthropic_server.py, ...) that says where calls
go, how a `Scripted` becomes a body, how an error looks, and where the key and the prompt stand in a request. A script
that is a function gets the request in one form on all wires: OpenAI's, with texts for contents.

    with AnthropicServer(reply=["first", Scripted("second", output_tokens=7)]) as server:
        ModelSpec("anthropic/any", api_base=server.url, api_key_env="SOME_KEY")
        server.requests[0]["system"]

Not covered: streaming, tools, several choices.
"""

import json
import select
import socket
import struct
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from time import monotonic
from types import TracebackType
from typing import Any, ClassVar, Literal, Self


@dataclass(frozen=True, slots=True)
class Scripted:
    """One answer of the server. The defaults make a good reply; each wire reports the counts in its own way."""

    text: str | None = ""
    input_tokens: int = 10
    """All of the prompt, the cached and the newly written part included."""
    cached_tokens: int = 0
    cache_write_tokens: int = 0
    output_tokens: int = 5
    reasoning_tokens: int = 0
    """Part of `output_tokens`."""
    with_usage: bool = True
    finish_reason: str = "stop"
    """`stop`, `length` and `content_filter` become the wire's own words; others are sent as they are."""
    refusal: str | None = None
    """The provider declines before there is a text, and says this."""
    thinking: str | None = None
    """What the model thought, apart from its text."""
    delay: float = 0.0
    """Seconds before anything is sent; closing the server ends it early, and so does a client that hangs up."""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    error: Mapping[str, Any] | None = None
    """For a status other than 200: what the wire's error says."""
    raw: str | bytes | None = None
    """The body instead of all the above."""
    cut: bool = False
    """Announce the whole body, send half of it, hang up."""
    drop: bool = False
    """Hang up without a word."""
    reset: bool = False
    """Announce the whole body, send half of it, reset the connection."""
    endless: Literal["fast", "slow", "headers"] | None = None
    """Never stop sending: a body as fast as it is read, one byte of it now and then, or headers now and then."""


Body = dict[str, Any]
Script = str | Scripted | Sequence[str | Scripted] | Callable[[Body], str | Scripted]


def rate_limited(retry_after: float | None = None) -> Scripted:
    headers = {} if retry_after is None else {"Retry-After": f"{retry_after:g}"}
    return Scripted(status=429, headers=headers, error={"message": "Rate limit reached", "type": "requests"})


class ModelServer:
    """Serves `reply`: one answer for all, a list in order (its last one stays), or a function of the request."""

    base_path: ClassVar[str] = ""
    """What follows the host in an `api_base`."""

    def __init__(self, reply: Script = "ok") -> None:
        self._reply = reply
        self._lock = threading.Lock()
        self._closing = threading.Event()
        self._requests: list[Body] = []
        self._asked: list[Body] = []
        self._keys: list[str] = []
        self._paths: list[str] = []
        self._failures: list[Exception] = []
        self._open = 0
        self._connections = 0
        self._hung_up = 0
        self._widest = 0
        self._lines: set[socket.socket] = set()
        self._changed = threading.Condition(self._lock)
        self._returns: list[threading.Timer] = []
        self._server, self._thread = self._listen(0)

    # --- the wire ------------------------------------------------------------------------------------------------

    def serves(self, path: str) -> bool:
        """Calls of this wire go to this path."""
        raise NotImplementedError

    def key(self, headers: "Message[str, str]") -> str:
        """Return the key that a request carries."""
        raise NotImplementedError

    def read(self, body: Body, path: str) -> Body:
        """Return the request in OpenAI's form: `model`, and `messages` whose contents are texts."""
        raise NotImplementedError

    def write(self, scripted: Scripted, model: str) -> Body:
        """Return the body of a good reply."""
        raise NotImplementedError

    def complain(self, status: int, error: Mapping[str, Any]) -> Body:
        """Return the body of an error; `error` holds a `message` and what else a script says of it."""
        raise NotImplementedError

    # --- what was asked ------------------------------------------------------------------------------------------

    @property
    def url(self) -> str:
        """The `api_base` to give."""
        return f"http://127.0.0.1:{self._server.server_address[1]}{self.base_path}"

    @property
    def requests(self) -> list[Body]:
        """Every request body so far, as it came, in order of arrival."""
        with self._lock:
            return list(self._requests)

    @property
    def asked(self) -> list[Body]:
        """The same in OpenAI's form."""
        with self._lock:
            return list(self._asked)

    def forget(self) -> None:
        """Forget what was asked so far."""
        with self._lock:
            for kept in (self._requests, self._asked, self._keys, self._paths):
                kept.clear()

    @property
    def keys(self) -> list[str]:
        """The key of every request."""
        with self._lock:
            return list(self._keys)

    @property
    def paths(self) -> list[str]:
        """The path of every request, those that are not served included."""
        with self._lock:
            return list(self._paths)

    @property
    def widest(self) -> int:
        """The most requests that were being answered at one moment."""
        with self._lock:
            return self._widest

    @property
    def connections(self) -> int:
        """How many connections clients have opened."""
        with self._lock:
            return self._connections

    @property
    def hung_up(self) -> int:
        """How many requests lost their client before the reply was sent."""
        with self._lock:
            return self._hung_up

    def await_open(self, number: int) -> bool:
        """Wait until that many connections are open, no more and no less; False: they never are."""
        with self._changed:
            return self._changed.wait_for(lambda: len(self._lines) == number, 20)

    def await_asked(self, number: int) -> bool:
        """Wait until that many requests have come."""
        with self._changed:
            return self._changed.wait_for(lambda: len(self._requests) >= number, 20)

    # --- serving -------------------------------------------------------------------------------------------------

    def go_away(self, seconds: float) -> None:
        """Break all connections and refuse new ones for that long. To be called from a script."""
        self._returns.append(threading.Timer(seconds, self._return))
        threading.Thread(target=self._leave, args=(self._server, self._returns[-1]), daemon=True).start()

    def _leave(self, server: "_Server", back: threading.Timer) -> None:
        server.socket.close()  # first of all: from here on connections are refused
        self.hang_up()
        server.shutdown()
        back.start()

    def _return(self) -> None:
        self._server, self._thread = self._listen(self._server.server_address[1])
        self._thread.start()

    def hang_up(self) -> None:
        """Break all connections."""
        with self._lock:
            lines = list(self._lines)
        for line in lines:
            with suppress(OSError):
                line.shutdown(socket.SHUT_RDWR)

    def _listen(self, port: int) -> "tuple[_Server, threading.Thread]":
        server = _Server(("127.0.0.1", port), _Handler)
        server.home = self
        return server, threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self._closing.set()
        for timer in self._returns:
            timer.join()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
        if self._failures and error is None:
            raise self._failures[0]

    def _connected(self, line: socket.socket) -> None:
        with self._changed:
            self._connections += 1
            self._lines.add(line)
            self._changed.notify_all()

    def _disconnected(self, line: socket.socket) -> None:
        with self._changed:
            self._lines.discard(line)
            self._changed.notify_all()

    def _wait(self, seconds: float, line: socket.socket) -> None:
        """Wait while the client does; raises ConnectionError when it hangs up."""
        until = monotonic() + seconds
        while (left := until - monotonic()) > 0 and not self._closing.is_set():
            ready, _, _ = select.select([line], [], [], min(left, 0.02))
            if ready and line.recv(1, socket.MSG_PEEK) == b"":
                raise ConnectionAbortedError("the client has hung up")

    def _payload(self, body: Body, path: str, headers: "Message[str, str]") -> tuple[Scripted, bytes]:
        with self._lock:
            self._paths.append(path)
        if not self.serves(path):
            wrong = Scripted(status=404, error={"message": f"nothing is served at {path}"})
            return wrong, json.dumps(self.complain(404, wrong.error or {})).encode()
        asked = self.read(body, path)
        scripted = self._answer(body, asked, self.key(headers))
        if scripted.raw is not None:
            return scripted, scripted.raw.encode() if isinstance(scripted.raw, str) else scripted.raw
        if scripted.status != 200:
            error = scripted.error or {"message": f"scripted {scripted.status}"}
            return scripted, json.dumps(self.complain(scripted.status, error)).encode()
        return scripted, json.dumps(self.write(scripted, asked["model"])).encode()

    def _answer(self, body: Body, asked: Body, key: str) -> Scripted:
        with self._changed:
            number = len(self._requests)
            self._requests.append(body)
            self._asked.append(asked)
            self._keys.append(key)
            self._changed.notify_all()
        try:
            reply = self._pick(asked, number)
        except Exception as error:  # noqa: BLE001 - a bug in a test's script: shown to the client, raised at the end
            self._failures.append(error)
            return Scripted(status=400, error={"message": f"the test's script failed: {error!r}"})
        return Scripted(reply) if isinstance(reply, str) else reply

    def _pick(self, asked: Body, number: int) -> str | Scripted:
        if callable(self._reply):
            return self._reply(asked)
        if isinstance(self._reply, str | Scripted):
            return self._reply
        return self._reply[min(number, len(self._reply) - 1)]


def text_of(content: Any) -> str:
    """Return the text of a message's content, which is one or a list of blocks."""
    return content if isinstance(content, str) else "".join(block["text"] for block in content)


_RESET = struct.pack("ii", 1, 0)
"""For SO_LINGER: closing a socket drops what is not sent yet, and says so."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256
    home: ModelServer

    def shutdown_request(self, request: Any) -> None:
        """Close a connection; one that is to be reset must not be ended politely first."""
        if request.getsockopt(socket.SOL_SOCKET, socket.SO_LINGER, 8) != _RESET:
            super().shutdown_request(request)
        self.close_request(request)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1
    server: _Server

    def setup(self) -> None:
        super().setup()
        self.server.home._connected(self.connection)

    def finish(self) -> None:
        self.server.home._disconnected(self.connection)
        with suppress(ConnectionError):
            super().finish()

    def handle_one_request(self) -> None:
        try:
            super().handle_one_request()
        except ConnectionError:
            self.close_connection = True  # the server or the client has broken off between two requests

    def do_POST(self) -> None:
        home = self.server.home
        told = self.rfile.read(length := int(self.headers["Content-Length"]))
        if len(told) < length:
            self.close_connection = True  # the client has hung up before it had asked
            return
        body = json.loads(told)
        with home._lock:
            home._open += 1
            home._widest = max(home._widest, home._open)
        try:
            try:
                scripted, payload = home._payload(body, self.path, self.headers)
                home._wait(scripted.delay, self.connection)
            finally:
                with home._lock:
                    home._open -= 1
            self._send(scripted, payload)
        except ConnectionError:
            self.close_connection = True  # the client has given up, as in tests of timeouts
            with home._lock:
                home._hung_up += 1

    def _send(self, scripted: Scripted, payload: bytes) -> None:
        if scripted.drop:
            self._hang_up()
            return
        self.send_response(scripted.status)
        html = payload.lstrip()[:1] == b"<"
        self.send_header("Content-Type", "text/html" if html else "application/json")
        for name, value in scripted.headers.items():
            self.send_header(name, value)
        if scripted.endless:
            self._send_without_end(scripted.endless)
        self.send_header("Content-Length", str(len(payload)))
        self.end_headers()
        broken = scripted.cut or scripted.reset
        self.wfile.write(payload[: len(payload) // 2] if broken else payload)
        self.wfile.flush()
        if scripted.cut:
            self._hang_up()
        if scripted.reset:
            self.close_connection = True
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)

    def _send_without_end(self, how: str) -> None:
        """Send until the client hangs up, which raises ConnectionError."""
        if how == "headers":
            self.flush_headers()
        else:
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
        piece = {"fast": b"10000\r\n" + b" " * 0x10000 + b"\r\n", "slow": b"1\r\n \r\n", "headers": b"X-A: b\r\n"}
        while not self.server.home._closing.is_set():
            self.wfile.write(piece[how])
            self.wfile.flush()
            if how != "fast":
                self.server.home._wait(0.05, self.connection)
        raise ConnectionAbortedError("the server is closed")

    def _hang_up(self) -> None:
        self.close_connection = True
        self.connection.shutdown(socket.SHUT_RDWR)

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing: stderr belongs to the program under test."""
