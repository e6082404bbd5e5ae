"""A loopback server that speaks OpenAI's chat completions from a script, well or badly.

Covered: replies with usage, error statuses with headers, delays, bodies that are raw, cut off or missing; every request
is kept. Not covered: streaming, tools, several choices, anything but POST.

    with OpenAIServer(reply=["first", Scripted("second", output_tokens=7)]) as server:
        ModelSpec("openai/any", api_base=server.url, api_key_env="SOME_KEY")
        server.requests[0]["messages"]
"""

import json
import socket
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self


@dataclass(frozen=True, slots=True)
class Scripted:
    """One answer of the server. The defaults make a good reply."""

    text: str | None = ""
    input_tokens: int = 10
    cached_tokens: int = 0
    output_tokens: int = 5
    reasoning_tokens: int = 0
    """Part of `output_tokens`."""
    with_usage: bool = True
    finish_reason: str = "stop"
    refusal: str | None = None
    delay: float = 0.0
    """Seconds before anything is sent; closing the server ends it early."""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    error: Mapping[str, Any] | None = None
    """For a status other than 200: what stands under "error"."""
    raw: str | None = None
    """The body instead of all the above."""
    cut: bool = False
    """Announce the whole body, send half of it, hang up."""
    drop: bool = False
    """Hang up without a word."""


Body = dict[str, Any]
Script = str | Scripted | Sequence[str | Scripted] | Callable[[Body], str | Scripted]


def rate_limited(retry_after: float | None = None) -> Scripted:
    headers = {} if retry_after is None else {"Retry-After": f"{retry_after:g}"}
    return Scripted(status=429, headers=headers, error={"message": "Rate limit reached", "type": "requests"})


def wrong_key(key: str) -> Scripted:
    """What OpenAI says, part of the key included."""
    message = f"Incorrect API key provided: {key}. You can find your API key at https://platform.openai.com."
    return Scripted(status=401, error={"message": message, "type": "invalid_request_error", "code": "invalid_api_key"})


def unknown_model(name: str) -> Scripted:
    message = f"The model `{name}` does not exist or you do not have access to it."
    return Scripted(status=404, error={"message": message, "code": "model_not_found"})


class OpenAIServer:
    """Serves `reply`: one answer for all, a list in order (its last one stays), or a function of the request body."""

    def __init__(self, reply: Script = "ok") -> None:
        self._reply = reply
        self._lock = threading.Lock()
        self._closing = threading.Event()
        self._requests: list[Body] = []
        self._keys: list[str] = []
        self._failures: list[Exception] = []
        self._open = 0
        self._connections = 0
        self._widest = 0
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.home = self
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)

    @property
    def url(self) -> str:
        """The `api_base` to give."""
        return f"http://127.0.0.1:{self._server.server_address[1]}/v1"

    @property
    def requests(self) -> list[Body]:
        """Every request body so far, in order of arrival."""
        with self._lock:
            return list(self._requests)

    @property
    def keys(self) -> list[str]:
        """The bearer key of every request."""
        with self._lock:
            return list(self._keys)

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

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self._closing.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
        if self._failures and error is None:
            raise self._failures[0]

    def _connected(self) -> None:
        with self._lock:
            self._connections += 1

    def _answer(self, body: Body, key: str) -> Scripted:
        with self._lock:
            number = len(self._requests)
            self._requests.append(body)
            self._keys.append(key)
        try:
            reply = self._pick(body, number)
        except Exception as error:  # noqa: BLE001 - a bug in a test's script: shown to the client, raised at the end
            self._failures.append(error)
            return Scripted(status=400, error={"message": f"the test's script failed: {error!r}"})
        scripted = Scripted(reply) if isinstance(reply, str) else reply
        if scripted.delay:
            self._closing.wait(scripted.delay)
        return scripted

    def _pick(self, body: Body, number: int) -> str | Scripted:
        if callable(self._reply):
            return self._reply(body)
        if isinstance(self._reply, str | Scripted):
            return self._reply
        return self._reply[min(number, len(self._reply) - 1)]


def _body_of(scripted: Scripted, model: str) -> bytes:
    if scripted.raw is not None:
        return scripted.raw.encode()
    if scripted.status != 200:
        return json.dumps({"error": scripted.error or {"message": f"scripted {scripted.status}"}}).encode()
    message: Body = {"role": "assistant", "content": scripted.text}
    if scripted.refusal is not None:
        message["refusal"] = scripted.refusal
    body: Body = {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1,
        "model": model,
        "choices": [{"index": 0, "message": message, "finish_reason": scripted.finish_reason}],
    }
    if scripted.with_usage:
        body["usage"] = {
            "prompt_tokens": scripted.input_tokens,
            "completion_tokens": scripted.output_tokens,
            "total_tokens": scripted.input_tokens + scripted.output_tokens,
            "prompt_tokens_details": {"cached_tokens": scripted.cached_tokens},
            "completion_tokens_details": {"reasoning_tokens": scripted.reasoning_tokens},
        }
    return json.dumps(body).encode()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256
    home: OpenAIServer


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1
    server: _Server

    def setup(self) -> None:
        super().setup()
        self.server.home._connected()

    def do_POST(self) -> None:
        home = self.server.home
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        with home._lock:
            home._open += 1
            home._widest = max(home._widest, home._open)
        try:
            scripted = home._answer(body, self.headers.get("Authorization", "").removeprefix("Bearer "))
            payload = _body_of(scripted, body.get("model", ""))
        finally:
            with home._lock:
                home._open -= 1
        try:
            self._send(scripted, payload)
        except ConnectionError:
            self.close_connection = True  # the client has given up, as in tests of timeouts

    def _send(self, scripted: Scripted, payload: bytes) -> None:
        if scripted.drop:
            self._hang_up()
            return
        self.send_response(scripted.status)
        html = payload.lstrip()[:1] == b"<"
        self.send_header("Content-Type", "text/html" if html else "application/json")
        self.send_header("Content-Length", str(len(payload)))
        for name, value in scripted.headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(payload[: len(payload) // 2] if scripted.cut else payload)
        self.wfile.flush()
        if scripted.cut:
            self._hang_up()

    def _hang_up(self) -> None:
        self.close_connection = True
        self.connection.shutdown(socket.SHUT_RDWR)

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing: stderr belongs to the program under test."""
