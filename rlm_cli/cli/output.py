"""From a task to an exit code: run it, show it, record it, print what it came to.

The only place that decides what goes to stdout and what to stderr.
"""

import os
import stat
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from rlm_cli import analysis
from rlm_cli.analysis import CacheUse, Prepared
from rlm_cli.cli.failures import say, say_error
from rlm_cli.cli.notices import after_the_run
from rlm_cli.cli.terminal import is_terminal, print_answer
from rlm_cli.cli.waiting import is_live
from rlm_cli.display.plain import PlainLines
from rlm_cli.display.safe import safe
from rlm_cli.errors import UsageError
from rlm_cli.event_lines import write_event
from rlm_cli.events import Event
from rlm_cli.reports import remarks, render, summary_line
from rlm_cli.results import ExitCode, Result
from rlm_cli.task import Task
from rlm_cli.trajectory import Past, Recorder
from rlm_cli.types import Limits


@dataclass(frozen=True, slots=True, kw_only=True)
class Output:
    """Where a run's answer and events go; cli/options.py says what each option means."""

    format: str
    file: str | None
    events: str | None
    quiet: bool
    allow_partial: bool


@contextmanager
def opened(output: Output, inputs: tuple[str, ...]) -> Iterator[BinaryIO | None]:
    """Open the file of events, and see to it that the answer can be written, before anything is paid for.

    Raises UsageError where one cannot be written, or is an input.
    """
    with ExitStack() as stack:
        events = stack.enter_context(_opened("--events", output.events, inputs)) if output.events else None
        if output.file is not None:
            _check_writable(output.file, inputs)
        yield events


def conduct(
    output: Output,
    prepared: Prepared,
    events: BinaryIO | None,
    notice: str,
    cache: CacheUse,
    recorder: Recorder | None = None,
    past: Past | None = None,
) -> int:
    """Run what is prepared and report it; return the exit code. `notice` is said before the first call."""
    task = prepared.task
    for warning in task.warnings:
        say(f"rlm: warning: {warning}")
    if prepared.result is not None:
        return _report(output, task, prepared.result, None)
    if not output.quiet:
        say(notice)
    if events is not None and stat.S_ISREG(os.fstat(events.fileno()).st_mode):
        events.truncate(0)
    with _watching(output, events, recorder) as watch:
        result = analysis.run(task, watch, cache, recorder, past)
    if recorder is not None:
        recorder.keep_result(render("json", task, result))
        recorder.close()
    return _report(output, task, result, recorder)


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


def _report(output: Output, task: Task, result: Result, recorder: Recorder | None) -> int:
    """Print what the run came to; return the exit code."""
    code: int = _exit_code(output, result)
    found = result.status in ("complete", "partial") or (result.status == "interrupted" and result.citations)
    if output.format == "json" or found:
        code = _write_report(output, task, result, code)
        if output.file is None and is_live(output.quiet) and sys.stdout.isatty():
            say("")  # answer and account are on one screen
    news = recorder.news() if recorder is not None else None
    for warning in (*remarks(result), *([news] if news is not None else [])):
        if warning not in task.warnings:  # said before the run began
            say(f"rlm: warning: {warning}")
    if result.error is not None:
        say_error(result.error.message, result.error.hint)
    if (hidden := after_the_run(task, result)) is not None and not output.quiet:
        say(hidden)
    if recorder is not None and recorder.warning is None and not output.quiet:
        say(f"record: rlm runs show {task.run_id}")
        if (further := to_go_on(result, task.profile.limits)) is not None:
            say(f"to go on: rlm runs resume {task.run_id}{further}")
    if not output.quiet or code != ExitCode.COMPLETE:
        say(summary_line(result, len(task.context.documents), len(task.context.skipped)))
    return code


def to_go_on(result: Result, limits: Limits) -> str | None:
    """Return the options with which a run can be resumed that has not come to its end; None where it has."""
    if result.stop_reason == "final":
        return None
    met = getattr(limits, result.stop_reason, None)
    return f" --{result.stop_reason.replace('_', '-')} {2 * met:.15g}" if met is not None else ""


def _exit_code(output: Output, result: Result) -> ExitCode:
    if result.status == "complete" or (result.status == "partial" and output.allow_partial):
        return ExitCode.COMPLETE
    if result.status == "partial":
        return ExitCode.INCOMPLETE
    if result.status == "interrupted" or result.error is None:
        return ExitCode.INTERRUPTED
    return result.error.exit_code


def _write_report(output: Output, task: Task, result: Result, code: int) -> int:
    report = render(output.format, task, result)
    if output.file is not None:
        try:
            Path(output.file).write_text(report, encoding="utf-8")
            return code
        except OSError as error:
            say(f"rlm: error: cannot write {output.file}: {error.strerror}; the answer goes to stdout instead")
            code = ExitCode.USAGE
    if output.format == "text" and is_terminal(sys.stdout):
        print_answer(result)
    else:
        sys.stdout.write(safe(report) if sys.stdout.isatty() else report)
    sys.stdout.flush()
    return code


def _check_writable(name: str, inputs: tuple[str, ...]) -> None:
    """Find out before the run, which may cost money, whether its answer can be written."""
    existed = os.path.lexists(name)
    with _opened("-o", name, inputs):
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
