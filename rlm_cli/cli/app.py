"""The front door: `rlm` and its commands. Each command's own file has its options."""

import sys
from typing import Annotated, Any

import typer

from rlm_cli import __version__
from rlm_cli.cli.analyze import analyze
from rlm_cli.cli.cache import cache
from rlm_cli.cli.doctor import doctor
from rlm_cli.cli.failures import leave, say_error
from rlm_cli.cli.help import GroupedCommand, with_examples
from rlm_cli.cli.inspect import inspect
from rlm_cli.cli.profiles import profiles
from rlm_cli.cli.runs import runs
from rlm_cli.cli.streams import open_streams
from rlm_cli.errors import UsageError


class App(typer.Typer):
    """The application, and how its process ends."""

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        open_streams()
        code = 0
        try:
            try:
                super().__call__(*args, **kwargs)
            finally:
                # A full disk may show only now.
                sys.stdout.flush()
        except SystemExit as leaving:
            code = leaving.code if isinstance(leaving.code, int) else 0
        except UsageError as error:
            say_error(str(error), error.hint)
            code = error.exit_code
        leave(code)


app = App(
    name="rlm",
    help="Ask questions of text far larger than any model's window.",
    epilog=with_examples(
        'rlm analyze ./repo "where are passwords stored?"',
        "rlm profiles check",
        "rlm analyze --help",
    ),
    no_args_is_help=True,
    add_completion=True,
    # Plain help costs a third of what rich markup does, and starts every session.
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command(
    name="analyze",
    cls=GroupedCommand,
    short_help="Answer a question about files, folders or a pipe.",
    epilog=with_examples(
        'rlm analyze ./repo "find vulns"',
        'rlm analyze contract.pdf "who owes whom, and when?" -p quality --max-cost 2',
        'cat support.jsonl | rlm analyze "which issues were escalated?" -f json',
    ),
)(analyze)
app.command(
    name="inspect",
    cls=GroupedCommand,
    short_help="Show what would be loaded, how large it is, what it may cost.",
    epilog=with_examples("rlm inspect ./repo", "rlm inspect ./repo --exact-tokens -f json", "rlm inspect papers.zip"),
)(inspect)
app.add_typer(profiles, name="profiles")
app.add_typer(runs, name="runs")
app.add_typer(cache, name="cache")
app.command(
    name="doctor",
    cls=GroupedCommand,
    short_help="Show what a run would find on this machine.",
    epilog=with_examples("rlm doctor"),
)(doctor)


def _print_version(asked: bool) -> None:
    if asked:
        typer.echo(f"rlm {__version__}")
        raise typer.Exit


@app.callback()
def main(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """Ask questions of text far larger than any model's window."""
