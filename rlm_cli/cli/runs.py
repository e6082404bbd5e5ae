"""`rlm runs`: the recorded runs: which there are, one of them as it looked, going on with it, taking it along."""

import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from rlm_cli.amounts import counted
from rlm_cli.cli import options
from rlm_cli.cli.completion import recorded_ids
from rlm_cli.cli.failures import reports_failures, say, say_error
from rlm_cli.cli.help import GroupedCommand, with_examples

if TYPE_CHECKING:
    from rlm_cli.display.state import State
    from rlm_cli.results import Result
    from rlm_cli.trajectory import Record

_HEADS = ("ID", "AGE", "STATUS", "ITERATIONS", "COST", "QUESTION")

RunId = Annotated[
    str | None,
    typer.Argument(
        metavar="[ID]", help="A run's id, or its beginning; else the latest run.", autocompletion=recorded_ids
    ),
]

runs = typer.Typer(
    help="List, show, resume, export and remove recorded runs.",
    short_help="List, show, resume, export and remove recorded runs.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


@runs.callback()
def main() -> None:
    """Every run is recorded in the user's state folder, unless --no-record is given.

    Records are kept for 30 days, and as long as all together have less than 1 GB.
    """


@runs.command(name="list", cls=GroupedCommand, epilog=with_examples("rlm runs list", "rlm runs list -n 100"))
@reports_failures
def list_runs(
    limit: Annotated[int, typer.Option("-n", "--limit", metavar="N", min=1, help="How many.")] = 20,
) -> None:
    """List recorded runs, the newest first."""
    from rich.text import Text

    from rlm_cli.cli.terminal import is_terminal, print_lines, width
    from rlm_cli.display.lines import cut
    from rlm_cli.trajectory import look_up, run_ids, runs_folder

    ids = run_ids()
    if not ids:
        say(f"no runs recorded yet in {runs_folder()}")
        return
    rows = [_HEADS, *(_row(look_up(each)) for each in ids[:limit])]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEADS) - 1)]
    lines = []
    for *cells, question in rows:
        fixed = "  ".join(f"{cell:{side}{size}}" for cell, side, size in zip(cells, "<><>>", widths, strict=True))
        lines.append(Text(f"{fixed}  {question}"))
    print_lines([cut(each, width()) for each in lines] if is_terminal(sys.stdout) else lines)
    if len(ids) > limit:
        say(f"{len(ids) - limit:,} older ones are not listed: rlm runs list -n {len(ids)}")


@runs.command(
    cls=GroupedCommand,
    short_help="Show a recorded run as it looked.",
    epilog=with_examples("rlm runs show", "rlm runs show 20261122-1015"),
)
@reports_failures
def show(run_id: RunId = None) -> None:
    """Show a recorded run: its iterations, the answer and what it rests on."""
    from rich.text import Text

    from rlm_cli.cli.terminal import fitted, print_answer, print_lines, width
    from rlm_cli.display.findings import recorded_lines
    from rlm_cli.display.folding import fold
    from rlm_cli.display.screen import block, header, unfinished
    from rlm_cli.display.state import State
    from rlm_cli.errors import InputError
    from rlm_cli.safe_text import safe_line
    from rlm_cli.trajectory import find_run, is_cut_off, read_run

    found = find_run(run_id)
    state, damage = State(), None
    try:
        for event in read_run(found):
            state = fold(state, event)
    except InputError as error:
        # What stands before the damage is shown first.
        damage = error
    cells = width()
    for lines in (header(state, cells), *(block(each, cells, state.at) for each in state.run.iterations)):
        if lines:
            print_lines([*lines, Text()])
    if damage is not None:
        raise damage
    if state.finished is None:
        print_lines(unfinished(state.run, cells, is_cut_off(found)))
        return
    sys.stdout.flush()
    result = state.result(state.finished)
    print_answer(result)
    sys.stdout.write("\n")
    if found_lines := recorded_lines(result.findings, cells):
        print_lines([*found_lines, Text()])
    for line in _account(state, result):
        sys.stdout.write(f"{fitted(safe_line(line), sys.stdout)}\n")


@runs.command(
    cls=GroupedCommand,
    short_help="Go on with a run that was ended early.",
    epilog=with_examples("rlm runs resume", "rlm runs resume 20261122-1015 --max-cost 20"),
)
@reports_failures
def resume(
    run_id: RunId = None,
    anyway: Annotated[
        bool, typer.Option("--anyway", help="Go on although the input has changed.", rich_help_panel="Input")
    ] = False,
    password_file: options.PasswordFile = None,
    max_cost: options.MaxCost = None,
    max_iterations: options.MaxIterations = None,
    max_subcalls: options.MaxSubcalls = None,
    max_depth: options.MaxDepth = None,
    max_tokens: options.MaxTokens = None,
    timeout: options.Timeout = None,
    concurrency: options.Concurrency = None,
    reports: options.Reports = None,
    output: options.Output = None,
    events: options.Events = None,
    quiet: options.Quiet = False,
    debug: options.Debug = False,
    allow_partial: options.AllowPartial = False,
    trust_repo_config: options.TrustRepoConfig = False,
    fail_on: options.FailOn = None,
    baseline: options.Baseline = None,
    suppressions: options.Suppressions = None,
    min_confidence: options.MinConfidence = None,
    no_cache: options.NoCache = False,
    refresh_cache: options.RefreshCache = False,
) -> None:
    """Go on with a run that was killed, interrupted, stopped by a limit or failed.

    What is on record is not paid for again: the code runs anew in a fresh session, its calls are answered from the
    record, and the first call that is not there is made. What was spent counts as spent; give a higher limit to go on
    from one that was met. The input is read again and has to be the same.
    """
    from rlm_cli.cli import arguments as words
    from rlm_cli.cli.formats import wanted_reports
    from rlm_cli.cli.output import Output
    from rlm_cli.cli.resume import resume as go_on

    limits = words.limits(
        max_cost=max_cost,
        max_iterations=max_iterations,
        max_subcalls=max_subcalls,
        max_depth=max_depth,
        max_tokens=max_tokens,
        timeout=timeout,
        concurrency=concurrency,
    )
    passwords = words.passwords("--password-file", password_file) if password_file is not None else ()
    wanted = wanted_reports(reports or [], output)
    gating = words.gating(fail_on, baseline, suppressions, min_confidence, trust_repo_config)
    where = Output(reports=wanted, events=events, quiet=quiet, allow_partial=allow_partial)
    cache = words.cache_use(no_cache, refresh_cache)
    raise typer.Exit(go_on(run_id, limits, passwords, where, gating, cache, anyway))


@runs.command(
    cls=GroupedCommand,
    short_help="Write a recorded run to one file.",
    epilog=with_examples("rlm runs export", "rlm runs export 20261122-1015 -o run.tar.gz"),
)
@reports_failures
def export(
    run_id: RunId = None,
    output: Annotated[
        str | None, typer.Option("-o", "--output", metavar="FILE", help="Where to; else ID.tar.gz, here.")
    ] = None,
) -> None:
    """Write all that is on record of a run to a .tar.gz: its events, its requests and replies, its result.

    It holds what the models were sent, so it is as private as the input.
    """
    from pathlib import Path

    from rlm_cli.trajectory import export as write
    from rlm_cli.trajectory import find_run

    found = find_run(run_id)
    target = Path(f"{found}.tar.gz" if output is None else output)
    size = write(found, target)
    say(f"{target}: {size:,} bytes, as private as the input")


@runs.command(
    cls=GroupedCommand,
    short_help="Remove recorded runs.",
    epilog=with_examples("rlm runs rm 20261122-1015", "rlm runs rm --older-than 7", "rlm runs rm --all"),
)
@reports_failures
def rm(
    run_ids: Annotated[
        list[str] | None,
        typer.Argument(metavar="[ID]...", help="A run's id, or its beginning.", autocompletion=recorded_ids),
    ] = None,
    older_than: Annotated[
        float | None, typer.Option("--older-than", metavar="DAYS", min=0, help="Those that began longer ago.")
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="All of them.")] = False,
) -> None:
    """Remove recorded runs for good. One that is still going on is left alone."""
    from rlm_cli import trajectory
    from rlm_cli.errors import UsageError
    from rlm_cli.results import ExitCode

    named = [trajectory.find_run(each) for each in run_ids or ()]
    if sum([bool(named), older_than is not None, every]) != 1:
        raise UsageError("which runs? name some, or --older-than DAYS, or --all", "rlm runs list shows which there are")
    if older_than is not None:
        named = trajectory.older_than(older_than)
    elif every:
        named = trajectory.run_ids()
    removed, code = [], ExitCode.COMPLETE
    for each in dict.fromkeys(named):
        try:
            removed.append(trajectory.remove(each))
        except UsageError as error:
            say_error(str(error), error.hint)
            code = ExitCode.USAGE
    say(f"removed {counted(len(removed), 'run')}, {sum(each.bytes for each in removed):,} bytes")
    raise typer.Exit(code)


def _account(state: "State", result: "Result") -> Iterator[str]:
    """Yield what stands on stderr at the end of a run."""
    from rlm_cli.reports import remarks, summary_line

    for remark in remarks(result):
        yield f"warning: {remark}"
    if state.finished is not None and state.finished.error is not None:
        yield f"error: {state.finished.error}"
        if state.finished.hint is not None:
            yield f"hint: {state.finished.hint}"
    loaded = state.loaded
    yield summary_line(result, loaded.documents if loaded else 0, sum(loaded.skipped.values()) if loaded else 0)


def _row(record: "Record") -> tuple[str, ...]:
    from rlm_cli.amounts import cost
    from rlm_cli.safe_text import safe_line

    run_id, question = safe_line(record.run_id), safe_line(record.question[:1_000])
    if record.damage is not None:
        why = safe_line(record.damage)
        return run_id, _age(record.run_id), "damaged", "-", "-", f"{why}: {question}" if question else why
    status, spent = "running" if record.running else "unfinished", "-"
    if record.finished is not None:
        usd = record.finished.usage.cost_usd
        status, spent = record.finished.status, "unknown" if usd is None else cost(usd)
    return run_id, _age(record.run_id), status, f"{record.iterations}", spent, question


def _age(run_id: str) -> str:
    """Return how long ago the run began; its id begins with the time, in UTC."""
    try:
        began = datetime.strptime(run_id[:15], "%Y%m%d-%H%M%S").replace(tzinfo=UTC)
    except ValueError:
        return "-"
    seconds = max(0, int((datetime.now(UTC) - began).total_seconds()))
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds // size:,} {unit}"
    return f"{seconds} s"
