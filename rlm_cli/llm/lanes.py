"""An httpx client for many threads: each call has a connection to itself, and hands it on when it is over.

httpx's own pool is shared by all threads. It looks through all its connections twice a call, which at 64 wide is a
tenth of the CPU, and it may close one that another thread has just been given: that call then hangs to its timeout
(encode/httpcore issue 1110).
"""

import threading
from typing import Any

import httpx

_IDLE_SECONDS = 60.0
_Origin = tuple[str, str, int | None]


class Lanes(httpx.Client):
    """As many clients of one connection as there are calls at once; `settings` are those of each."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self._settings = settings
        self._idle: dict[_Origin, list[httpx.Client]] = {}
        self._lock = threading.Lock()

    def send(self, request: httpx.Request, *, stream: bool = False, **options: Any) -> httpx.Response:
        """Send it over a connection that nobody else uses meanwhile; a streamed reply takes the shared ones."""
        if stream:
            return super().send(request, stream=True, **options)
        origin = (request.url.scheme, request.url.host, request.url.port)
        with self._lock:
            idle = self._idle.setdefault(origin, [])
            # The one used last, so that those too many are left alone until their server forgets them.
            lane = idle.pop() if idle else None
        if lane is None:
            limits = httpx.Limits(max_connections=1, max_keepalive_connections=1, keepalive_expiry=_IDLE_SECONDS)
            lane = httpx.Client(**self._settings, limits=limits)
        try:
            return lane.send(request, **options)
        finally:
            with self._lock:
                idle.append(lane)

    def close(self) -> None:
        """Close all that is idle."""
        with self._lock:
            idle = [lane for lanes in self._idle.values() for lane in lanes]
            self._idle.clear()
        for lane in idle:
            lane.close()
        super().close()
