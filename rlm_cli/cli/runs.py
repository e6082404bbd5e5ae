"""`rlm runs`: the recorded runs, and one of them as it looked on the screen."""

import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from rlm_cli.cli.completion import recorded_ids
from rlm_cli.cli.failures import reports_failures, say
from rlm_cli.cli.help import GroupedCommand, with_examples

if TYPE_CHECKING:
    from rlm_cli.display.state import State
    from rlm_cli.trajectory import Record
    from rlm_cli.types import Result

_HEADS = ("ID", "AGE", "STATUS", "ITERATIONS", "COST", "QUESTION")

runs = typer.Typer(
    help="List and show recorded runs.",
    short_help="List and show recorded runs.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


@runs.callback()
def main() -> None:
    """Every run is recorded in the user's state folder, unless --no-record is given."""


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
def show(
    run_id: Annotated[
        str | None,
        typer.Argument(
            metavar="[ID]", help="A run's id, or its beginning; else the latest run.", autocompletion=recorded_ids
        ),
    ] = None,
) -> None:
    """Show a recorded run: its iterations, the answer and what it rests on."""
    from rich.text import Text

    from rlm_cli.cli.terminal import fitted, print_answer, print_lines, width
    from rlm_cli.display.folding import fold
    from rlm_cli.display.safe import safe_line
    from rlm_cli.display.screen import block, header, unfinished
    from rlm_cli.display.state import State
    from rlm_cli.errors import InputError
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
    for line in _account(state, result):
        sys.stdout.write(f"{fitted(safe_line(line), sys.stdout)}\n")


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
    from rlm_cli.display.safe import safe_line

    run_id = safe_line(record.run_id)
    if record.started is None:
        return run_id, _age(record.run_id), "damaged", "-", "-", safe_line(record.damage or "")
    question = safe_line(record.started.question[:1_000])
    if record.damage is not None:
        return run_id, _age(record.run_id), "damaged", "-", "-", f"{safe_line(record.damage)}: {question}"
    status, spent = "unfinished", "-"
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
