"""From a task to an exit code: run it, show it as it goes on, record it. What it came to is told by reporting.py.

These two alone decide what goes to stdout and what to stderr.
"""

import os
import stat
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from rlm_cli import analysis
from rlm_cli.analysis import CacheUse, Prepared
from rlm_cli.cli.failures import say
from rlm_cli.cli.formats import Wanted
from rlm_cli.cli.gating import Gating
from rlm_cli.cli.reporting import Reporting, remove_stale
from rlm_cli.cli.waiting import is_live
from rlm_cli.display.plain import PlainLines
from rlm_cli.errors import RlmError, UsageError
from rlm_cli.event_lines import write_event
from rlm_cli.events import Event
from rlm_cli.gate import Policy
from rlm_cli.redaction import Redactor
from rlm_cli.results import ExitCode
from rlm_cli.trajectory import Past, Recorder


@dataclass(frozen=True, slots=True, kw_only=True)
class Output:
    """Where a run's reports and events go; cli/options.py says what each option means."""

    reports: tuple[Wanted, ...]
    events: str | None
    quiet: bool
    allow_partial: bool


@contextmanager
def opened(output: Output, inputs: tuple[str, ...], gating: Gating) -> Iterator[BinaryIO | None]:
    """Open the file of events, and see to it that the reports can be written, before anything is paid for.

    Raises UsageError where one cannot be written, is an input, or is what findings are held against.
    """
    with ExitStack() as stack:
        _check_apart(output, gating)
        events = stack.enter_context(_opened("--events", output.events, inputs)) if output.events else None
        for each in output.reports:
            if each.file is not None:
                _check_writable(each.option, each.file, inputs)
        try:
            yield events
        except RlmError as error:
            if error.exit_code != ExitCode.USAGE:
                remove_stale(output.reports)
            raise


def conduct(
    output: Output,
    prepared: Prepared,
    events: BinaryIO | None,
    notice: str,
    cache: CacheUse,
    policy: Policy,
    recorder: Recorder | None = None,
    past: Past | None = None,
) -> int:
    """Run what is prepared and report it; return the exit code. `notice` is said before the first call, `policy` says
    which findings count.
    """
    task = prepared.task
    redactor = Redactor()
    hide = redactor.hide if task.redact else str
    removed = remove_stale(output.reports)
    reporting = Reporting(output.reports, output.quiet, output.allow_partial, policy, hide, removed)
    for warning in task.warnings:
        say(f"rlm: warning: {warning}")
    if prepared.result is not None:
        return reporting.tell(task, prepared.result, None)
    if not output.quiet:
        say(notice)
    if events is not None and stat.S_ISREG(os.fstat(events.fileno()).st_mode):
        events.truncate(0)
    with _watching(output, events, recorder) as watch:
        result = analysis.run(task, watch, cache, recorder, past, redactor)
    return reporting.tell(task, result, recorder)


@contextmanager
def _watching(output: Output, events: BinaryIO | None, recorder: Recorder | None) -> Iterator[Callable[[Event], None]]:
    """Show, write and record events while a run goes on."""
    with _display(output) as show:

        def watch(event: Event) -> None:
            nonlocal events
            show(event)
            if recorder is not None:
                recorder.record(event)
                if (news := recorder.news()) is not None:  # now: the run may be killed before it is over
                    say(f"rlm: warning: {news}")
            if events is not None:
                try:
                    write_event(event, events)
                except OSError as error:
                    say(f"rlm: warning: --events {output.events}: {error.strerror}; further events are missing there")
                    events = None

        yield watch


@contextmanager
def _display(output: Output) -> Iterator[Callable[[Event], None]]:
    if output.quiet:
        yield lambda event: None
    elif is_live(output.quiet):
        from rich.console import Console

        from rlm_cli.display.live import LiveDisplay

        with LiveDisplay(Console(stderr=True)) as display:
            yield display.show
    else:
        lines = PlainLines()
        yield lambda event: say(lines.line(event))


def _check_apart(output: Output, gating: Gating) -> None:
    """Raise UsageError where two reports are the same file under whatever names, or one is a baseline: a run would
    know then what the one before it has found, and a second try clear what the first did not.
    """
    read = [("--baseline", gating.baseline), ("--suppressions", gating.suppressions)]
    taken = {_identity(name): f"the file of {option}" for option, name in read if name is not None}
    for option, name in [("--events", output.events), *((each.option, each.file) for each in output.reports)]:
        if name is None or (Path(name).exists() and not Path(name).is_file()):
            continue  # /dev/null takes any number
        if (other := taken.get(_identity(name))) is not None:
            raise UsageError(f"{option} {name}: that is {other} too", "give each a file of its own")
        taken[_identity(name)] = f"the file of {option}"


def _identity(name: str) -> tuple[int, int] | str:
    try:
        found = Path(name).stat()
    except (OSError, ValueError):
        return os.path.realpath(name)
    return found.st_dev, found.st_ino


def _check_writable(option: str, name: str, inputs: tuple[str, ...]) -> None:
    """Find out before the run, which may cost money, whether its answer can be written."""
    existed = os.path.lexists(name)
    with _opened(option, name, inputs):
        pass
    if not existed:
        Path(name).unlink()


@contextmanager
def _opened(option: str, name: str, inputs: tuple[str, ...]) -> Iterator[BinaryIO]:
    """Open a file to be written, without emptying it yet. Raises UsageError, also when it is one of the inputs."""
    target = Path(name)
    if target.exists() and any(Path(each).exists() and target.samefile(each) for each in inputs):
        raise UsageError(f"{option} {name}: that is an input, and it would be overwritten")
    try:
        descriptor = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o666)
    except OSError as error:
        raise UsageError(f"{option} {name}: cannot write there: {error.strerror}") from error
    with os.fdopen(descriptor, "wb", buffering=0) as file:
        yield file
