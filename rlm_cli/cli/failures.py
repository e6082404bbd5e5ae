"""How a command ends when something goes wrong: a message, a hint and an exit code, never a traceback."""

import functools
import os
import signal
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NoReturn, ParamSpec

import typer

from rlm_cli.errors import ExitCode, RlmError

P = ParamSpec("P")


def say(text: str) -> None:
    """Write a line to stderr, harmless to a terminal; a stderr that is gone is no reason to fail."""
    from rlm_cli.display.safe import safe

    try:
        sys.stderr.write(safe(text) + "\n")
        sys.stderr.flush()
    except (OSError, ValueError):
        return  # nobody is listening, and there is no other place to say so


def say_error(error: RlmError) -> None:
    """Write an error and its hint to stderr."""
    say(f"rlm: error: {error}" + (f"\nhint: {error.hint}" if error.hint else ""))


def reports_failures(command: Callable[P, None]) -> Callable[P, None]:
    """Decorate a command so that every way to fail has its message and its exit code."""

    @functools.wraps(command)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> None:
        for stream in (sys.stdout, sys.stderr):
            if hasattr(stream, "reconfigure"):
                stream.reconfigure(encoding="utf-8", errors="backslashreplace")
        try:
            with _terminated_like_interrupted():
                command(*args, **kwargs)
        except RlmError as error:
            say_error(error)
            raise typer.Exit(error.exit_code) from error
        except KeyboardInterrupt as interrupt:
            say("rlm: interrupted")
            raise typer.Exit(ExitCode.INTERRUPTED) from interrupt
        except (typer.Exit, typer.Abort):
            raise
        except BrokenPipeError:
            leave_quietly(ExitCode.COMPLETE)
        except Exception as defect:
            # Left alone, Python would exit with 1, which here means that findings were made.
            if kwargs.get("debug"):
                traceback.print_exc()
            say(f"rlm: error: internal error: {type(defect).__name__}: {defect}")
            say("hint: this is a defect of rlm; please report it with what --debug shows")
            raise typer.Exit(ExitCode.DEFECT) from defect

    return guarded


def leave_quietly(code: int) -> NoReturn:
    """End with `code` although nobody reads stdout any more; what is still buffered goes nowhere."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    raise typer.Exit(code)


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
