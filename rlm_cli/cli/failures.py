"""How a command ends when something goes wrong: a message, a hint and an exit code, never a traceback."""

import contextlib
import functools
import os
import signal
import sys
import threading
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NoReturn, ParamSpec

import typer

from rlm_cli.errors import RlmError
from rlm_cli.results import ExitCode

P = ParamSpec("P")


def say(text: str) -> None:
    """Write a line to stderr, harmless to a terminal; a stderr that is gone is no reason to fail."""
    from rlm_cli.cli.terminal import fitted

    try:
        sys.stderr.write(fitted(text, sys.stderr) + "\n")
        sys.stderr.flush()
    except (OSError, ValueError):
        return  # nobody is listening, and there is no other place to say so


def say_error(message: str, hint: str | None) -> None:
    """Write an error and what to do about it to stderr."""
    say(f"rlm: error: {message}" + (f"\nhint: {hint}" if hint else ""))


def reports_failures(command: Callable[P, None]) -> Callable[P, None]:
    """Decorate a command so that every way to fail has its message and its exit code."""

    @functools.wraps(command)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            with _terminated_like_interrupted():
                command(*args, **kwargs)
        except RlmError as error:
            say_error(str(error), error.hint)
            raise typer.Exit(error.exit_code) from error
        except KeyboardInterrupt as interrupt:
            say("rlm: interrupted")
            raise typer.Exit(ExitCode.INTERRUPTED) from interrupt
        except (typer.Exit, typer.Abort):
            raise
        except Exception as defect:
            # Left alone, Python would exit with 1, which here means that findings were made.
            if kwargs.get("debug"):
                traceback.print_exc()
            say_error(
                f"internal error: {type(defect).__name__}: {defect}",
                "this is a defect of rlm; please report it with what --debug shows",
            )
            raise typer.Exit(ExitCode.DEFECT) from defect

    return guarded


def leave(code: int) -> NoReturn:
    """End the process; at once where model calls that were given up are still open in threads of their own.

    The interpreter would wait for them, or, worse, deadlock with one that holds an import's lock.
    """
    if any(thread.name in ("rlm-call", "import-litellm") for thread in threading.enumerate()):
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(OSError, ValueError):
                stream.flush()
        os._exit(code)
    sys.exit(code)


@contextmanager
def _terminated_like_interrupted() -> Iterator[None]:
    """Let SIGTERM do what Ctrl-C does: end the run in order, with what was found."""

    def interrupt(signum: int, frame: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
