"""`rlm profiles`: which profiles there are."""

import sys

import typer

from rlm_cli.cli.failures import reports_failures

profiles = typer.Typer(help="List the profiles.", no_args_is_help=True, rich_markup_mode=None)


@profiles.callback()
def main() -> None:
    """Profiles are named choices of models and limits."""


@profiles.command(name="list")
@reports_failures
def list_profiles() -> None:
    """List every profile, where it comes from and what it is for."""
    from rlm_cli.display.safe import safe_line
    from rlm_cli.errors import ProfileError
    from rlm_cli.profiles import load, visible

    found = visible()
    width = max((len(each.name) for each in found), default=0)
    for each in found:
        try:
            what = load(each).description
        except ProfileError as error:
            what = f"cannot be used: {error}"
        sys.stdout.write(f"{safe_line(each.name):<{width}}  {each.origin:<7}  {safe_line(what)}\n")
