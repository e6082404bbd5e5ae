"""`rlm analyze`: the options, and the run from arguments to exit code."""

from enum import StrEnum
from typing import Annotated

import typer

from rlm_cli.cli.failures import reports_failures

_INPUT, _MODELS, _LIMITS, _OUTPUT, _STORAGE = "Input", "Models", "Limits", "Output", "Storage"
"""The groups of the help."""


class Format(StrEnum):
    """The names of `reports.FORMATS`, which is not imported here: help has to be quick."""

    TEXT = "text"
    MARKDOWN = "markdown"
    JSON = "json"


@reports_failures
def analyze(
    arguments: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[INPUT]... QUESTION",
        ),
    ] = None,
    question_file: Annotated[
        str | None,
        typer.Option(
            "-Q",
            "--question-file",
            metavar="FILE",
            help="Read the question from FILE (- for stdin).",
            rich_help_panel=_INPUT,
        ),
    ] = None,
    include: Annotated[
        list[str] | None,
        typer.Option(
            "-i", "--include", metavar="GLOB", help="Load only these (gitignore syntax).", rich_help_panel=_INPUT
        ),
    ] = None,
    exclude: Annotated[
        list[str] | None,
        typer.Option(
            "-x", "--exclude", metavar="GLOB", help="Leave these out (gitignore syntax).", rich_help_panel=_INPUT
        ),
    ] = None,
    no_gitignore: Annotated[
        bool, typer.Option("--no-gitignore", help="Load ignored files too.", rich_help_panel=_INPUT)
    ] = False,
    hidden: Annotated[
        bool,
        typer.Option("--hidden", help="Load files and folders whose name begins with a dot.", rich_help_panel=_INPUT),
    ] = False,
    max_file_size: Annotated[
        str,
        typer.Option(
            "--max-file-size", metavar="SIZE", help="Skip larger files found in folders.", rich_help_panel=_INPUT
        ),
    ] = "20MB",
    exact_tokens: Annotated[
        bool, typer.Option("--exact-tokens", help="Count tokens exactly instead of estimating.", rich_help_panel=_INPUT)
    ] = False,
    profile: Annotated[
        str | None,
        typer.Option(
            "-p", "--profile", metavar="NAME|FILE", help="Which models and limits to use.", rich_help_panel=_MODELS
        ),
    ] = None,
    root_model: Annotated[
        str | None,
        typer.Option("--root-model", metavar="ID", help="Another root model, any litellm id.", rich_help_panel=_MODELS),
    ] = None,
    sub_model: Annotated[
        str | None,
        typer.Option("--sub-model", metavar="ID", help="Another sub-model, any litellm id.", rich_help_panel=_MODELS),
    ] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option(
            "--set", metavar="KEY=VALUE", help="Set a profile key, as in limits.max_cost=2.", rich_help_panel=_MODELS
        ),
    ] = None,
    trust_repo_config: Annotated[
        bool,
        typer.Option(
            "--trust-repo-config", help="Use a profile although it lies inside an input.", rich_help_panel=_MODELS
        ),
    ] = False,
    max_cost: Annotated[
        str | None, typer.Option("--max-cost", metavar="USD", help="Or none, for no cap.", rich_help_panel=_LIMITS)
    ] = None,
    max_iterations: Annotated[
        int | None, typer.Option("--max-iterations", metavar="N", help="Root replies.", rich_help_panel=_LIMITS)
    ] = None,
    max_subcalls: Annotated[
        int | None,
        typer.Option("--max-subcalls", metavar="N", help="Paid calls of the sub-model.", rich_help_panel=_LIMITS),
    ] = None,
    max_depth: Annotated[
        int | None,
        typer.Option("--max-depth", metavar="N", help="1: sub-calls are plain model calls.", rich_help_panel=_LIMITS),
    ] = None,
    max_tokens: Annotated[
        str | None,
        typer.Option(
            "--max-tokens", metavar="N", help="Input and output of all calls; or none.", rich_help_panel=_LIMITS
        ),
    ] = None,
    timeout: Annotated[
        float | None, typer.Option("--timeout", metavar="SECONDS", help="For the whole run.", rich_help_panel=_LIMITS)
    ] = None,
    concurrency: Annotated[
        int | None, typer.Option("--concurrency", metavar="N", help="Calls side by side.", rich_help_panel=_LIMITS)
    ] = None,
    format_: Annotated[
        Format, typer.Option("-f", "--format", help="How the answer is printed.", rich_help_panel=_OUTPUT)
    ] = Format.TEXT,
    output: Annotated[
        str | None,
        typer.Option(
            "-o", "--output", metavar="FILE", help="Write the answer to FILE, not to stdout.", rich_help_panel=_OUTPUT
        ),
    ] = None,
    events: Annotated[
        str | None,
        typer.Option("--events", metavar="FILE", help="Write every event as a JSON line.", rich_help_panel=_OUTPUT),
    ] = None,
    quiet: Annotated[
        bool, typer.Option("-q", "--quiet", help="Nothing on stderr but warnings and errors.", rich_help_panel=_OUTPUT)
    ] = False,
    debug: Annotated[
        bool, typer.Option("--debug", help="Show where an internal error arose.", rich_help_panel=_OUTPUT)
    ] = False,
    allow_partial: Annotated[
        bool,
        typer.Option("--allow-partial", help="Exit with 0 although the run is incomplete.", rich_help_panel=_OUTPUT),
    ] = False,
    no_record: Annotated[
        bool, typer.Option("--no-record", help="Do not record the run.", rich_help_panel=_STORAGE)
    ] = False,
) -> None:
    """Answer a question about files, folders, repositories or a pipe.

    The last argument is the question; those before it are inputs, - for stdin. Without INPUT a pipe on stdin is read.
    The answer goes to stdout, everything else to stderr.
    """
    from rlm_cli.cli import arguments as parsing
    from rlm_cli.cli.job import Job, perform

    question, inputs = parsing.question_and_inputs(arguments or [], question_file)
    limits: dict[str, float | int | None] = {}
    for name, given in {
        "max_iterations": max_iterations,
        "max_subcalls": max_subcalls,
        "max_depth": max_depth,
        "timeout": timeout,
        "concurrency": concurrency,
    }.items():
        if given is not None:
            limits[name] = given
    if max_cost is not None:
        limits["max_cost"] = parsing.amount_or_none("--max-cost", max_cost)
    if max_tokens is not None:
        limits["max_tokens"] = parsing.count_or_none("--max-tokens", max_tokens)
    job = Job(
        inputs=inputs,
        question=question,
        include=tuple(include or ()),
        exclude=tuple(exclude or ()),
        gitignore=not no_gitignore,
        hidden=hidden,
        max_file_size=parsing.size("--max-file-size", max_file_size),
        exact_tokens=exact_tokens,
        profile=profile,
        root_model=root_model,
        sub_model=sub_model,
        settings=tuple(settings or ()),
        trusts_repository=trust_repo_config,
        limits=limits,
        format=format_.value,
        output=output,
        events=events,
        quiet=quiet,
        debug=debug,
        allow_partial=allow_partial,
        recorded=not no_record,
    )
    raise typer.Exit(perform(job))
