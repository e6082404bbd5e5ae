"""One `rlm analyze` from its options to its exit code: choose a profile, load the inputs, run."""

import sys
from contextlib import closing
from dataclasses import dataclass

from rlm_cli import analysis
from rlm_cli.amounts import counted
from rlm_cli.cli.failures import say
from rlm_cli.cli.gating import Gating
from rlm_cli.cli.notices import before_the_run
from rlm_cli.cli.output import Output, conduct, opened
from rlm_cli.cli.waiting import waiting
from rlm_cli.confinement import Level
from rlm_cli.gate import check_profile, surroundings_of
from rlm_cli.loaders import LoadOptions
from rlm_cli.profiles import Found, Overrides, choose, custom, find, load, read_settings
from rlm_cli.trajectory import tidy
from rlm_cli.types import Profile


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
    output: Output
    gating: Gating
    findings: bool
    verify: bool
    cache: analysis.CacheUse
    recorded: bool
    redact: bool
    template: str | None
    schema: str | None


def perform(job: Job) -> int:
    """Do the job; return the exit code. Raises RlmError for what went wrong before the run began."""
    profile = _profile(job)
    policy = job.gating.policy(job.inputs, job.load_options, job.verify)
    with opened(job.output, job.inputs, job.gating) as events:
        with waiting("reading the input, getting the models ready", job.output.quiet) as watch:
            prepared = analysis.prepare(
                job.inputs,
                job.question,
                profile,
                job.load_options,
                sys.stdin.buffer,
                job.require_sandbox,
                watch,
                job.findings,
                job.verify,
                job.redact,
                job.template,
                job.schema,
            )
        with closing(prepared.task.context):
            recorder = None
            if job.recorded and prepared.result is None:
                kept = read_settings()
                removed = tidy(kept.record_days, kept.record_megabytes)
                if removed.runs and not job.output.quiet:
                    say(f"removed {counted(removed.runs, 'record')} of old runs, {removed.bytes / 1e6:,.1f} MB")
                recorder = analysis.record(prepared.task, job.inputs, job.load_options)
            return conduct(
                job.output,
                prepared,
                events,
                before_the_run(prepared.task, prepared.choice),
                job.cache,
                policy,
                recorder,
            )


def _profile(job: Job) -> Profile:
    # Of what decides about findings the whole repository is part of the scan, though only some of it may be read.
    scanned = surroundings_of(job.inputs) if job.findings else job.inputs
    if job.overrides.refine is not None:
        _check_origin(job, find(job.overrides.refine, scanned, job.trusts_repository))
    if job.overrides.root_model and job.overrides.sub_model and not job.profile:
        return custom(job.overrides, scanned, job.trusts_repository)
    choice = choose(job.profile)
    if choice.reason and not job.output.quiet:
        say(f"profile {choice.name}: {choice.reason}")
    found = find(choice.name, scanned, job.trusts_repository)
    _check_origin(job, found)
    return load(found, job.overrides, scanned, job.trusts_repository)


def _check_origin(job: Job, found: Found) -> None:
    """Refuse a profile that the scanned branch may have written."""
    if job.findings and found.origin == "path" and not job.trusts_repository:
        check_profile(found.path, job.inputs)
