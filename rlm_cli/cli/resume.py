"""`rlm runs resume`: a recorded run again, with what is on record in place of calls, and on from where that ends."""

import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import asdict, replace
from pathlib import Path

from rlm_cli import __version__, analysis
from rlm_cli.amounts import cost, counted
from rlm_cli.analysis import CacheUse
from rlm_cli.cli.arguments import stdin_is_piped
from rlm_cli.cli.gating import Gating
from rlm_cli.cli.notices import before_the_run
from rlm_cli.cli.output import Output, conduct, opened
from rlm_cli.cli.waiting import waiting
from rlm_cli.errors import UsageError
from rlm_cli.loaders import LoadOptions
from rlm_cli.plain_values import from_plain
from rlm_cli.profiles import limited
from rlm_cli.trajectory import Beginning, Past, Record, Recorder, find_run, look_up, read_beginning
from rlm_cli.types import Limits


def resume(
    prefix: str | None,
    changed: Mapping[str, float | int | None],
    passwords: Sequence[str],
    output: Output,
    gating: Gating,
    cache: CacheUse,
    anyway: bool,
) -> int:
    """Go on with a run; return the exit code. Raises RlmError for what went wrong before it goes on."""
    run_id = find_run(prefix)
    beginning = read_beginning(run_id)
    # Those on record too: anybody may have written them.
    limits = limited(beginning.profile.limits, {**asdict(beginning.profile.limits), **changed})
    if not beginning.findings and (gating.asks_for_findings or any(each.is_of_findings for each in output.reports)):
        raise UsageError(
            f"the run {run_id} was not asked for findings: that there are none would say nothing",
            "ask anew: rlm analyze INPUT... QUESTION --findings",
        )
    _refuse_what_is_over(look_up(run_id), limits, beginning.verify)
    if "-" in beginning.inputs and not stdin_is_piped():
        raise UsageError(
            f"the text of {run_id} came by stdin, which is not kept", f"cat FILE | rlm runs resume {run_id}"
        )
    recorder, past = Recorder.resume(run_id)
    if limits != beginning.profile.limits:
        past.forget_limits()
        recorder.begin_with(replace(beginning, profile=replace(beginning.profile, limits=limits)))
    inputs = tuple(each if each == "-" else str(Path(beginning.folder, each)) for each in beginning.inputs)
    policy = gating.policy(inputs, from_plain(LoadOptions, beginning.loading), beginning.verify)
    with closing(recorder), opened(output, inputs, gating) as events:
        with waiting("reading the input again, getting the models ready", output.quiet) as watch:
            stdin = sys.stdin.buffer
            prepared = analysis.prepare_again(beginning, limits, passwords, stdin, watch, anyway)
        with closing(prepared.task.context):
            warned = (*prepared.task.warnings, *_doubts(beginning, past))
            prepared = replace(prepared, task=replace(prepared.task, warnings=warned))
            if prepared.task.changed is not None:  # from now on this is what it has to be
                recorder.begin_with(analysis.begun_again(beginning, prepared.task))
            notice = f"{before_the_run(prepared.task, prepared.choice)}\n{_spent(run_id, past, limits)}"
            return conduct(output, prepared, events, notice, cache, policy, recorder, past)


def _refuse_what_is_over(record: Record, limits: Limits, verifies: bool) -> None:
    if record.started is None or record.finished is None:
        return
    if verifies and any(each.verdict == "unchecked" for each in record.finished.findings):
        return  # the checks that failed are made again
    run_id, reason = record.run_id, record.finished.stop_reason
    if reason == "final":
        raise UsageError(f"the run {run_id} has given its answer", f"rlm runs show {run_id}")
    # Not run.json's: that has those of a sitting which did not come to begin.
    old, new = record.started.limits.get(reason), getattr(limits, reason, None)
    if old is not None and new is not None and new <= old:
        option = reason.replace("_", "-")
        raise UsageError(
            f"the run {run_id} has used up its {option} of {old:.15g}",
            f"rlm runs resume {run_id} --{option} {2 * old:.15g}",
        )


def _doubts(beginning: Beginning, past: Past) -> Iterator[str]:
    """Yield why the run may go otherwise than it went."""
    if past.damaged:
        yield f"the record is damaged: {counted(past.damaged, 'line')} of it cannot be used"
    if beginning.version != __version__:
        yield f"the run was begun with rlm {beginning.version}, this is {__version__}: what it says may be other words"


def _spent(run_id: str, past: Past, limits: Limits) -> str:
    """Return the line that says what is on record."""
    cap = "" if limits.max_cost is None else f" of {cost(limits.max_cost)}"
    return (
        f"resuming {run_id}: {counted(past.calls, 'call')} on record, {cost(past.usage.cost_usd)}{cap} and "
        f"{past.at:.0f} of {limits.timeout:g} s spent"
    )
