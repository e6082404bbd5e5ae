"""`rlm inspect`: what would be loaded and why files are skipped, how large it is, what a run may cost. Calls nobody."""

import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING

from rlm_cli.cli import options
from rlm_cli.cli.failures import reports_failures, say

if TYPE_CHECKING:
    from rlm_cli.types import Profile


@reports_failures
def inspect(
    inputs: options.Inputs = None,
    include: options.Include = None,
    exclude: options.Exclude = None,
    no_gitignore: options.NoGitignore = False,
    hidden: options.Hidden = False,
    no_generated: options.NoGenerated = False,
    max_file_size: options.MaxFileSize = "20MB",
    password_file: options.PasswordFile = None,
    exact_tokens: options.ExactTokens = False,
    rev: options.Rev = None,
    base: options.Base = None,
    changed_only: options.ChangedOnly = False,
    profile: options.ProfileName = None,
    require_sandbox: options.RequireSandbox = None,
    format_: options.InspectFormat = options.TextOrJson.TEXT,
    skipped: options.Skipped = False,
    quiet: options.Quiet = False,
    debug: options.Debug = False,
) -> None:
    """Show what would be loaded: tokens by folder, the largest files, what is skipped and why, memory, cost.

    Without INPUT a pipe on stdin is read, else the folder you are in. Nothing leaves this machine. Counts begin with ~
    unless --exact-tokens counts them.

    Exits with 0, or with 3 when something that should have been read could not be.
    """
    import typer

    from rlm_cli.cli import arguments as words
    from rlm_cli.cli.waiting import waiting
    from rlm_cli.inspection import inspect as inspected
    from rlm_cli.loaders import load
    from rlm_cli.reports import inspection_json, inspection_text
    from rlm_cli.results import ExitCode

    chosen = words.load_options(
        include=include,
        exclude=exclude,
        no_gitignore=no_gitignore,
        hidden=hidden,
        no_generated=no_generated,
        max_file_size=max_file_size,
        password_file=password_file,
        exact_tokens=exact_tokens,
        rev=rev,
        base=base,
        changed_only=changed_only,
        require_sandbox=require_sandbox.value if require_sandbox is not None else None,
    )
    named = words.inputs_or_here(inputs or [])
    with waiting("reading the input", quiet) as watch:
        loaded = load(named, chosen, sys.stdin.buffer, watch)
    try:
        for warning in loaded.warnings:
            say(f"rlm: warning: {warning}")
        inspection = inspected(loaded.context, list(_profiles(profile)), loaded.warnings, loaded.secrets)
        if format_.value == "json":
            sys.stdout.write(inspection_json(inspection))
        else:
            from rlm_cli.safe_text import safe

            sys.stdout.write(safe(inspection_text(inspection, every_skip=skipped)))
        sys.stdout.flush()
        failed = any(each.failed for each in loaded.context.skipped)
        failed = failed or any(each.unreadable for each in loaded.context.documents)
    finally:
        loaded.context.close()
    if failed:
        raise typer.Exit(ExitCode.INCOMPLETE)


def _profiles(name: str | None) -> "Iterator[Profile]":
    """Yield the profile that is named, else all that can be read, with the prices that are known."""
    from rlm_cli.errors import ProfileError
    from rlm_cli.llm import listed
    from rlm_cli.profiles import find, load, visible

    if name is not None:
        yield listed(load(find(name)))
        return
    for found in visible():
        try:
            yield listed(load(found))
        except ProfileError as error:
            say(f"rlm: warning: profile {found.name} cannot be used: {error}")
