"""Runs `rlm` as a user would: in this process, which is quick once litellm is imported, or as a process of its own."""

import contextlib
import io
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import typer.main

from rlm_cli.cli.app import app


@dataclass(frozen=True)
class Ran:
    """What a command left behind."""

    code: int
    out: str
    err: str

    def json(self) -> dict[str, Any]:
        import json

        value: dict[str, Any] = json.loads(self.out)
        return value


def rlm(*arguments: str, stdin: bytes = b"") -> Ran:
    """Run the command in this process. `stdin` is what `-` reads."""
    out, err = (io.TextIOWrapper(io.BytesIO(), encoding="utf-8", write_through=True) for _ in range(2))
    before, sys.stdin = sys.stdin, io.TextIOWrapper(io.BytesIO(stdin))
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            try:
                typer.main.get_command(app).main(args=list(arguments), prog_name="rlm")
                code: Any = 0
            except SystemExit as leaving:
                code = leaving.code
    finally:
        sys.stdin = before
    return Ran(int(code or 0), _text(out), _text(err))


def start(*arguments: str, env: Mapping[str, str] | None = None, **options: Any) -> "subprocess.Popen[bytes]":
    """Start the command as a process; `options` are Popen's."""
    options = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **options}
    command = [sys.executable, "-c", "from rlm_cli.cli.app import app; app()", *arguments]
    return subprocess.Popen(command, env={**os.environ, **(env or {})}, **options)


def finish(process: "subprocess.Popen[bytes]", stdin: bytes | None = None) -> Ran:
    """Wait for a process; a minute without an end is a failure."""
    out, err = process.communicate(stdin, timeout=60)
    return Ran(process.returncode, (out or b"").decode(), (err or b"").decode())


def _text(stream: io.TextIOWrapper) -> str:
    raw = stream.buffer
    assert isinstance(raw, io.BytesIO)
    return raw.getvalue().decode("utf-8")
