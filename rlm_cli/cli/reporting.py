"""What a run came to, told: its reports to their files and to stdout, the account to stderr, and an exit code.

Not covered: running it (output.py), which findings count (gate/), what a report looks like (reports/).
"""

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from rlm_cli.amounts import counted
from rlm_cli.cli.failures import say, say_error
from rlm_cli.cli.formats import Wanted
from rlm_cli.cli.notices import after_the_run
from rlm_cli.cli.terminal import is_terminal, print_report
from rlm_cli.cli.waiting import is_live
from rlm_cli.gate import Policy, failing, sift
from rlm_cli.report import Report, report_of
from rlm_cli.reports import remarks, render, summary_line
from rlm_cli.results import ExitCode, Result
from rlm_cli.safe_text import safe
from rlm_cli.task import Task
from rlm_cli.trajectory import Recorder
from rlm_cli.types import Limits


@dataclass(frozen=True, slots=True)
class Reporting:
    """What is told of a run, where, and which of its findings count."""

    reports: tuple[Wanted, ...]
    quiet: bool
    allow_partial: bool
    policy: Policy
    hide: Callable[[str], str]
    """Takes secrets out of what is reported."""
    removed: frozenset[str] = frozenset()
    """Files at which reports are wanted, and one of an earlier run lay."""

    def tell(self, task: Task, result: Result, recorder: Recorder | None) -> int:
        """Print what the run came to; return the exit code."""
        sifted, warnings = sift(result.findings, task.context, self.policy)
        report = report_of(task, result, sifted, self.policy.fail_on, self.hide)
        if recorder is not None:
            recorder.keep_result(render("json", report))
            recorder.close()
        code = self._exit_code(report)
        # To stdout last: when that fails, there is an end.
        for wanted in sorted(self.reports, key=lambda each: each.file is None):
            code = self._write(wanted, report, code)
        news = recorder.news() if recorder is not None else None
        for warning in (*remarks(report.result), *warnings, *([news] if news is not None else [])):
            if warning not in task.warnings:  # said before the run began
                say(f"rlm: warning: {warning}")
        if result.error is not None:
            say_error(result.error.message, result.error.hint)
        if (hidden := after_the_run(task, result)) is not None and not self.quiet:
            say(hidden)
        if recorder is not None and recorder.warning is None and not self.quiet:
            say(f"record: rlm runs show {task.run_id}")
            if (further := to_go_on(result, task.profile.limits, task.verify)) is not None:
                say(f"to go on: rlm runs resume {task.run_id}{further}")
        if code == ExitCode.FINDINGS:
            grave = counted(len(failing(sifted, self.policy)), "finding")
            say(f"{grave} of level {self.policy.fail_on} or above: exit code {code:d} (--fail-on)")
        if not self.quiet or code != ExitCode.COMPLETE:
            documents, skipped = len(task.context.documents), len(task.context.skipped)
            say(summary_line(report.result, documents, skipped, report.sifted))
        return code

    def _exit_code(self, report: Report) -> int:
        result = report.result
        if result.status == "complete" or (result.status == "partial" and self.allow_partial):
            return ExitCode.FINDINGS if failing(report.sifted, self.policy) else ExitCode.COMPLETE
        if result.status == "partial":
            return ExitCode.INCOMPLETE
        if result.status == "interrupted" or result.error is None:
            return ExitCode.INTERRUPTED
        return result.error.exit_code

    def _write(self, wanted: Wanted, report: Report, code: int) -> int:
        """Write one report where it is wanted, if there is enough to report; return the exit code."""
        result = report.result
        came = result.status in ("complete", "partial")
        partly = result.status == "interrupted" and (result.citations or result.findings)
        if wanted.is_of_findings and not came:
            if wanted.file in self.removed:
                say(f"rlm: warning: {wanted.file} was removed: it was an earlier run's, and this one has no report")
            return code
        if not (came or partly or wanted.format == "json"):
            return code
        text = render(wanted.format, report)
        if wanted.file is not None:
            try:
                Path(wanted.file).write_text(text, encoding="utf-8")
                return code
            except OSError as error:
                say(f"rlm: error: cannot write {wanted.file}: {error.strerror}; the report goes to stdout instead")
                code = ExitCode.USAGE
        if wanted.format == "text" and is_terminal(sys.stdout):
            print_report(report)
        else:
            sys.stdout.write(safe(text) if sys.stdout.isatty() else text)
        sys.stdout.flush()
        if wanted.file is None and is_live(self.quiet) and sys.stdout.isatty():
            say("")  # answer and account are on one screen
        return code


def remove_stale(reports: Sequence[Wanted]) -> frozenset[str]:
    """Remove the reports of findings of an earlier run, and return their names: whoever picks one up would take it for
    this run's. Before this one begins: once it is killed, or ends by a defect, there is nobody to do so.
    """
    removed = set()
    for name in [each.file for each in reports if each.is_of_findings and each.file is not None]:
        path = Path(name).resolve()
        try:
            if path.is_file() and path.stat().st_size:
                path.unlink()
                removed.add(name)
        except OSError as error:
            say(f"rlm: warning: {name} is an earlier run's, and cannot be removed: {error.strerror}")
    return frozenset(removed)


def to_go_on(result: Result, limits: Limits, verifies: bool) -> str | None:
    """Return the options with which a run can be resumed that has not come to its end; None where it has."""
    if result.stop_reason == "final":
        unchecked = sum(each.verdict == "unchecked" for each in result.findings) if verifies else 0
        if not unchecked:
            return None
        return f" --max-subcalls {limits.max_subcalls + unchecked}" if "max_subcalls" in result.limits_reached else ""
    met = getattr(limits, result.stop_reason, None)
    return f" --{result.stop_reason.replace('_', '-')} {2 * met:.15g}" if met is not None else ""
