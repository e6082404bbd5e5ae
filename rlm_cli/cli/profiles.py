"""`rlm profiles`: which profiles there are, what is in them, and whether their models can be used."""

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from rlm_cli.cli.completion import profile_names
from rlm_cli.cli.failures import reports_failures, say
from rlm_cli.cli.help import GroupedCommand, with_examples

if TYPE_CHECKING:
    from rlm_cli.llm.checking import ModelCheck

profiles = typer.Typer(
    help="List, show and check profiles: named choices of models and limits.",
    short_help="List, show and check named choices of models.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


@profiles.callback()
def main() -> None:
    """Profiles are named choices of models and limits."""


@profiles.command(name="list", cls=GroupedCommand, epilog=with_examples("rlm profiles list"))
@reports_failures
def list_profiles() -> None:
    """List every profile, where it comes from and what it is for."""
    from rlm_cli.errors import ProfileError
    from rlm_cli.profiles import load, visible
    from rlm_cli.safe_text import safe_line

    found = visible()
    width = max((len(each.name) for each in found), default=0)
    for each in found:
        try:
            what = load(each).description
        except ProfileError as error:
            what = f"cannot be used: {error}"
        sys.stdout.write(f"{safe_line(each.name):<{width}}  {each.origin:<7}  {safe_line(what)}\n")


@profiles.command(
    name="show",
    cls=GroupedCommand,
    short_help="Print a profile whole, as YAML.",
    epilog=with_examples("rlm profiles show quality", "rlm profiles show quality > mine.yaml"),
)
@reports_failures
def show_profile(
    name: Annotated[
        str,
        typer.Argument(
            metavar="NAME|FILE", help="A profile's name, or the path of its file.", autocompletion=profile_names
        ),
    ],
) -> None:
    """Print a profile whole, as YAML: what it extends and the defaults included.

    The output is a profile itself. Windows and prices that stand as null come from litellm's table when a run begins.
    """
    from rlm_cli.profiles import as_yaml, find, load
    from rlm_cli.prompt_families import told
    from rlm_cli.safe_text import safe

    found = find(name)
    profile = load(found)
    how = told(profile.root, profile.prompts)
    sys.stdout.write(safe(f"# {found.path}\n# The root model is prompted as {how}.\n{as_yaml(profile)}"))


@profiles.command(
    name="check",
    cls=GroupedCommand,
    short_help="Say whether its models are known, priced and within reach.",
    epilog=with_examples("rlm profiles check", "rlm profiles check quality ./mine.yaml"),
)
@reports_failures
def check_profiles(
    names: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[NAME|FILE]...",
            help="Which ones; all of them if none is named.",
            autocompletion=profile_names,
        ),
    ] = None,
) -> None:
    """Say whether the models of profiles are known, priced and within reach, without calling them.

    Contacts model servers on this machine and the Ollama that OLLAMA_API_BASE names, and nobody else; a profile of the
    project's own makes it contact nobody, unless you name its path.

    Exits with 2 when a profile could not run even with every key set and every server started: its file is wrong,
    litellm does not know a model, or a price is unknown.
    """
    from rlm_cli.errors import ProfileError
    from rlm_cli.llm import check
    from rlm_cli.profiles import find, load, visible
    from rlm_cli.results import ExitCode
    from rlm_cli.safe_text import safe_line

    found = [find(name) for name in names] if names else visible()
    counts = {"ready": 0, "not ready": 0, "wrong": 0}
    for each in found:
        try:
            checks = check(load(each), asks_servers=each.origin != "project")
        except ProfileError as error:
            state, lines = "wrong", [f"  {safe_line(str(error))}"]
        else:
            state, lines = _state(checks), [line for check in checks for line in _lines(check)]
        counts[state] += 1
        sys.stdout.write("\n".join([f"{safe_line(each.name)}: {state}", *lines, ""]))
    if len(found) > 1:
        say(", ".join(f"{number} {state}" for state, number in counts.items() if number))
    if counts["wrong"]:
        raise typer.Exit(ExitCode.USAGE)


def _state(checks: "list[ModelCheck]") -> str:
    if any(each.wrong for each in checks):
        return "wrong"
    return "not ready" if any(each.missing for each in checks) else "ready"


def _lines(check: "ModelCheck") -> list[str]:
    """Return a model's lines: its id, what is known of it, what stands in the way."""
    from rlm_cli.addresses import whereabouts
    from rlm_cli.safe_text import safe_line

    spec = check.spec
    known = [whereabouts(spec)]
    if spec.context_window is not None:
        known.append(f"window {spec.context_window:,} tokens")
    if spec.model.startswith("offline/"):
        known.append("no language model, a fixed search policy")
    elif spec.price is None:
        known.append("price unknown")
    elif spec.price.free:
        known.append("free")
    else:
        cached = f", {spec.price.cached_input:g} cached" if spec.price.cached_input is not None else ""
        known.append(f"USD a million tokens: {spec.price.input:g} in{cached}, {spec.price.output:g} out")
    if check.retired_on is not None:
        known.append(f"ends {check.retired_on}, says litellm's table")
    notes = [note for note in (check.wrong, check.missing) if note is not None]
    return [
        f"  {check.role}: {safe_line(spec.model)}",
        *(f"    {safe_line(each)}" for each in ("; ".join(known), *notes)),
    ]
