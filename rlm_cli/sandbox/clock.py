"""Time that repeats: a replayed run reads the same times again.

The clock starts where the parent says and moves one millisecond each time it is read, so that code which waits for a
time to pass, or divides by one, comes to an end. `sleep` moves it and does not wait.
"""

import datetime
import time
from collections.abc import Callable
from typing import Any

_TICK = 1_000_000


class Clock:
    """`now` is in seconds since 1970, UTC."""

    def __init__(self, now: float) -> None:
        self._now = round(now * 1e9)

    def nanoseconds(self) -> int:
        self._now += _TICK
        return self._now

    def seconds(self) -> float:
        return self.nanoseconds() / 1e9

    def reading(self, kind: type, name: str) -> Callable[..., Any]:
        """Return what stands in for `kind.name`: now, utcnow or today of datetime or date."""
        if not issubclass(kind, datetime.datetime):
            return lambda: kind.fromtimestamp(self.seconds())  # type: ignore[attr-defined]
        if name == "now":
            return lambda tz=None: kind.fromtimestamp(self.seconds(), tz)
        return lambda: kind.fromtimestamp(self.seconds())

    def names(self) -> dict[str, Any]:
        """Return what the module `time` holds."""

        def broken_down(seconds: float | None = None) -> time.struct_time:
            return time.gmtime(self.seconds() if seconds is None else seconds)

        def text(seconds: float | None = None) -> str:
            return time.asctime(broken_down(seconds))

        def sleep(seconds: float) -> None:
            self._now += round(max(0.0, seconds) * 1e9)

        def strftime(form: str, moment: Any = None) -> str:
            return time.strftime(form, broken_down() if moment is None else moment)

        def asctime(moment: Any = None) -> str:
            return time.asctime(broken_down() if moment is None else moment)

        def strptime(text: str, form: str = "%a %b %d %H:%M:%S %Y") -> time.struct_time:
            return time.strptime(text, form)

        readings = dict.fromkeys(("time", "perf_counter", "monotonic", "process_time"), self.seconds)
        whole = {f"{name}_ns": self.nanoseconds for name in readings}
        readings_in_functions = {name: _plain(read) for name, read in {**readings, **whole}.items()}
        return {
            **readings_in_functions,
            "gmtime": broken_down,
            "localtime": broken_down,
            "ctime": text,
            "sleep": sleep,
            "strftime": strftime,
            "asctime": asctime,
            "strptime": strptime,
            "mktime": lambda moment: time.mktime(moment),
            "struct_time": time.struct_time,
        }


def _plain(read: Callable[[], float]) -> Callable[[], float]:
    """Wrap a bound method: copy.deepcopy copies what a method is bound to, and functions not at all."""
    return lambda: read()
