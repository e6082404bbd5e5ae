"""Starts `rlm` as processes of its own in a tenth of the time: one process imports litellm once and forks for each.

Run as a program it is that process: it reads a line of JSON for each start (arguments, environment, where stdout and
stderr go) and answers with the child's number, and with its exit code once it has ended.
"""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self


class QuickStart:
    """The process that forks. Use as a context manager."""

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            [sys.executable, "-P", __file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
        )
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self._process.kill()
        self._process.communicate()

    def start(self, arguments: Sequence[str], out: Path, err: Path, env: Mapping[str, str] | None = None) -> int:
        """Start `rlm` with these arguments; return its process id."""
        assert self._process.stdin is not None
        order = {"arguments": list(arguments), "out": str(out), "err": str(err), "env": {**os.environ, **(env or {})}}
        self._process.stdin.write(json.dumps(order) + "\n")
        return self._said()

    def wait(self) -> int:
        """Return the exit code of what was started last; minus the signal that killed it."""
        return self._said()

    def _said(self) -> int:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line, "the process that starts others has died"
        return int(line)


def until(condition: Callable[[], bool]) -> None:
    """Wait until something has happened; a minute without it is a failure."""
    for _ in range(6_000):
        if condition():
            return
        time.sleep(0.01)
    raise AssertionError("it did not happen within a minute")


def main() -> None:
    from rlm_cli.cli.app import app
    from rlm_cli.llm.litellm_client import load

    load()
    for line in sys.stdin:
        order = json.loads(line)
        child = os.fork()
        if child == 0:
            os.environ.clear()
            os.environ.update(order["env"])
            for number, (name, flags) in enumerate(
                ((os.devnull, os.O_RDONLY), (order["out"], os.O_WRONLY), (order["err"], os.O_WRONLY))
            ):
                descriptor = os.open(name, flags | os.O_CREAT, 0o600)
                os.dup2(descriptor, number)
            signal.signal(signal.SIGINT, signal.default_int_handler)  # whatever this process was started with
            sys.argv = ["rlm", *order["arguments"]]
            app()
        sys.stdout.write(f"{child}\n")
        sys.stdout.flush()
        _, status = os.waitpid(child, 0)
        sys.stdout.write(f"{os.waitstatus_to_exitcode(status)}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
