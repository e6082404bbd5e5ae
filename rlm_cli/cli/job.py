"""One `rlm analyze` from its options to its exit code: choose, load, run, report.

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
from rlm_cli.cli.failures import say, say_error
from rlm_cli.cli.notices import before_the_run
from rlm_cli.cli.terminal import is_terminal, print_answer
from rlm_cli.cli.waiting import is_live, waiting
from rlm_cli.confinement import Level
from rlm_cli.display.plain import PlainLines
from rlm_cli.display.safe import safe
from rlm_cli.errors import UsageError
from rlm_cli.event_lines import write_event
from rlm_cli.events import Event
from rlm_cli.loaders import LoadOptions
from rlm_cli.profiles import Overrides, choose, custom, find, load
from rlm_cli.reports import remarks, render, summary_line
from rlm_cli.task import Task
from rlm_cli.trajectory import Recorder
from rlm_cli.types import ExitCode, Profile, Result


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """What `rlm analyze` was asked to do; cli/options.py says what each option means."""

    inputs: tuple[str, ...]
    question: str
    load_options: LoadOptions
    profile: str | None
    overrides: Overrides
    trusts_repository: bool
    require_sandbox: Level | None
    format: str
    output: str | None
    events: str | None
    quiet: bool
    allow_partial: bool
    cache: analysis.CacheUse
    recorded: bool


def perform(job: Job) -> int:
    """Do the job; return the exit code. Raises RlmError for what went wrong before the run began."""
    profile = _profile(job)
    with ExitStack() as stack:
        events = stack.enter_context(_opened("--events", job.events, job.inputs)) if job.events else None
        if job.output is not None:
            _check_writable(job.output, job.inputs)
        with waiting("reading the input, getting the models ready", job.quiet) as watch:
            prepared = analysis.prepare(
                job.inputs, job.question, profile, job.load_options, sys.stdin.buffer, job.require_sandbox, watch
            )
        task = prepared.task
        stack.callback(task.context.close)
        for warning in task.warnings:
            say(f"rlm: warning: {warning}")
        if prepared.result is not None:
            return _report(job, task, prepared.result, None)
        if not job.quiet:
            say(before_the_run(task))
        if events is not None and stat.S_ISREG(os.fstat(events.fileno()).st_mode):
            events.truncate(0)
        recorder = Recorder(task.run_id) if job.recorded else None
        with _watching(job, events, recorder) as watch:
            result = analysis.run(task, watch, job.cache)
        if recorder is not None:
            recorder.close()
        return _report(job, task, result, recorder)


def _profile(job: Job) -> Profile:
    if job.overrides.root_model and job.overrides.sub_model and not job.profile:
        return custom(job.overrides)
    choice = choose(job.profile)
    if choice.reason and not job.quiet:
        say(f"profile {choice.name}: {choice.reason}")
    found = find(choice.name, job.inputs, job.trusts_repository)
    return load(found, job.overrides, job.inputs, job.trusts_repository)


@contextmanager
def _watching(job: Job, events: BinaryIO | None, recorder: Recorder | None) -> Iterator[Callable[[Event], None]]:
    """Show, write and record events while a run goes on."""
    with _display(job) as show:

        def watch(event: Event) -> None:
            nonlocal events
            show(event)
            if recorder is not None:
                recorder.record(event)
            if events is not None:
                try:
                    write_event(event, events)
                except OSError as error:
                    say(f"rlm: warning: --events {job.events}: {error.strerror}; further events are missing there")
                    events = None

        yield watch


@contextmanager
def _display(job: Job) -> Iterator[Callable[[Event], None]]:
    if job.quiet:
        yield lambda event: None
    elif is_live(job.quiet):
        from rich.console import Console

        from rlm_cli.display.live import LiveDisplay

        with LiveDisplay(Console(stderr=True)) as display:
            yield display.show
    else:
        lines = PlainLines()
        yield lambda event: say(lines.line(event))


def _report(job: Job, task: Task, result: Result, recorder: Recorder | None) -> int:
    """Print what the run came to; return the exit code."""
    code: int = _exit_code(job, result)
    if job.format == "json" or result.status in ("complete", "partial"):
        code = _write_report(job, task, result, code)
        if job.output is None and is_live(job.quiet) and sys.stdout.isatty():
            say("")  # answer and account are on one screen
    not_recorded = [recorder.warning] if recorder is not None and recorder.warning is not None else []
    for warning in (*remarks(result), *not_recorded):
        if warning not in task.warnings:  # said before the run began
            say(f"rlm: warning: {warning}")
    if result.error is not None:
        say_error(result.error.message, result.error.hint)
    if recorder is not None and not not_recorded and not job.quiet:
        say(f"record: rlm runs show {task.run_id}")
    if not job.quiet or code != ExitCode.COMPLETE:
        say(summary_line(result, len(task.context.documents), len(task.context.skipped)))
    return code


def _exit_code(job: Job, result: Result) -> ExitCode:
    if result.status == "complete" or (result.status == "partial" and job.allow_partial):
        return ExitCode.COMPLETE
    if result.status == "partial":
        return ExitCode.INCOMPLETE
    if result.status == "interrupted" or result.error is None:
        return ExitCode.INTERRUPTED
    return result.error.exit_code


def _write_report(job: Job, task: Task, result: Result, code: int) -> int:
    report = render(job.format, task, result)
    if job.output is not None:
        try:
            Path(job.output).write_text(report, encoding="utf-8")
            return code
        except OSError as error:
            say(f"rlm: error: cannot write {job.output}: {error.strerror}; the answer goes to stdout instead")
            code = ExitCode.USAGE
    if job.format == "text" and is_terminal(sys.stdout):
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
