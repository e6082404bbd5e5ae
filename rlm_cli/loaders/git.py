"""Runs git so that a hostile repository cannot answer with a program of its own, nor without end.

Covered: what every call has in common: configuration that would run a program is overruled, nothing is fetched, our
environment leads nowhere else, answers have a deadline and a size. Not covered: what is asked (repository.py,
commits.py), calls outside the repository (own_repository.py).

No command asked may filter, convert or compare what is in the work tree (add, diff, status, checkout, archive,
cat-file --filters, ls-files -m): no setting turns a repository's filters off.
"""

import os
import selectors
import subprocess
import tempfile
import time
from collections.abc import Sequence
from typing import IO

DEADLINE = 60.0
"""Seconds for one git call: a repository may point git at a file that never ends."""

MOST = 1 << 28
"""Bytes of one answer: ten small objects can make a tree of billions of files."""
_MOST_COMPLAINTS = 1 << 20
_PIECE = 1 << 18

_SAFE = (
    "--no-pager",
    "--no-replace-objects",
    "--literal-pathspecs",
    "-c", "core.fsmonitor=false",
    "-c", "core.hooksPath=/dev/null",
    "-c", "protocol.allow=never",
    "-c", "safe.bareRepository=explicit",
)  # fmt: skip
"""Configuration of the repository's own that would run a program, or fetch what a partial clone lacks."""


class GitRefused(Exception):
    """Git is absent, or will not answer; the message says why."""

    def __init__(self, message: str, status: int | None = None) -> None:
        super().__init__(message)
        self.status = status
        """What git ended with; None where it did not get so far."""

    @classmethod
    def after(cls, status: int, complaints: str) -> "GitRefused":
        """Return what a git that ended with a status has to say for itself."""
        lines = [line for line in complaints.splitlines() if line.strip()]
        told = [line for line in lines if not line.startswith(("warning: ", "hint: "))] or lines
        return cls(told[0].removeprefix("fatal: ") if told else f"git ended with status {status}", status)


def _command(folder: str, *arguments: str) -> list[str]:
    """Return the command line of a call in a folder."""
    return ["git", *_SAFE, "-C", folder, *arguments]


def _environment() -> dict[str, str]:
    """Return ours without what would send git to another repository (GIT_DIR inside a hook, say) or make it talk."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("GIT_") or name.startswith("GIT_CONFIG_")
    }
    return kept | {
        "GIT_ALLOW_PROTOCOL": "none",  # stronger than protocol.ext.allow in a configuration, as protocol.allow is not
        "GIT_NO_LAZY_FETCH": "1",
        "GIT_OPTIONAL_LOCKS": "0",
        "GIT_TERMINAL_PROMPT": "0",
        "LC_ALL": "C",
    }


def ask(folder: str, deadline: float, *arguments: str, said: bytes = b"", most: int = MOST) -> tuple[bytes, str]:
    """Return git's standard output and what it said on standard error; `said` is its standard input.

    Raises GitRefused.
    """
    status, answer, complaints = run(_command(folder, *arguments), _environment(), deadline, said, most)
    if status != 0:
        raise GitRefused.after(status, complaints)
    return answer, complaints


def run(
    words: Sequence[str],
    variables: dict[str, str],
    deadline: float,
    said: bytes = b"",
    most: int = MOST,
    folder: str | None = None,
) -> tuple[int, bytes, str]:
    """Return a command's status, output and complaints. Raises GitRefused."""
    with tempfile.TemporaryFile() as told:
        told.write(said)
        told.seek(0)
        process = start(words, variables, told, subprocess.PIPE, folder)
    with process:
        try:
            answer, complaints = _gathered(process, time.monotonic() + deadline, most)
            return process.wait(1), answer, complaints
        except (TimeoutError, subprocess.TimeoutExpired):
            raise GitRefused(f"git gave no answer within {deadline:g} s") from None
        finally:
            process.kill()


def start(
    words: Sequence[str], variables: dict[str, str], told: IO[bytes] | int, complaints: int, folder: str | None = None
) -> subprocess.Popen[bytes]:
    """Start git; its standard output is a pipe. Raises GitRefused."""
    try:
        return subprocess.Popen(
            words, stdin=told, stdout=subprocess.PIPE, stderr=complaints, env=variables, cwd=folder, bufsize=0
        )
    except FileNotFoundError:
        raise GitRefused("git is not installed") from None
    except OSError as error:
        raise GitRefused(f"git cannot be started: {error.strerror}") from None


def _gathered(process: subprocess.Popen[bytes], until: float, most: int) -> tuple[bytes, str]:
    assert process.stdout is not None
    assert process.stderr is not None
    answer, complaints = bytearray(), bytearray()
    with selectors.DefaultSelector() as waiting:
        waiting.register(process.stdout, selectors.EVENT_READ, answer)
        waiting.register(process.stderr, selectors.EVENT_READ, complaints)
        while waiting.get_map():
            left = until - time.monotonic()
            ready = waiting.select(left) if left > 0 else []
            if not ready:
                raise TimeoutError
            for key, _ in ready:
                piece = os.read(key.fd, _PIECE)
                if not piece:
                    waiting.unregister(key.fileobj)
                key.data.extend(piece)
            if len(answer) > most:
                raise GitRefused(f"git's answer is larger than {most:,} bytes")
            del complaints[_MOST_COMPLAINTS:]
    return bytes(answer), os.fsdecode(bytes(complaints))
