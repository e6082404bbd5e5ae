"""`rlm doctor`: what a run would find on this machine."""

import sys

import typer

from rlm_cli.cli.failures import reports_failures


@reports_failures
def doctor() -> None:
    """Show what a run would find here: versions, keys, model servers, tokenizer, sandbox, folders.

    Keys are named, never shown. Nothing is sent to a provider; model servers on this machine are asked which models
    they have. Exits with 5 when the sandbox does not work, else with 0.
    """
    from rlm_cli.checkup import checkup
    from rlm_cli.safe_text import safe_line

    code = 0
    for section in checkup():
        lines = [section.title]
        for fact in section.facts:
            lines.append(f"  {safe_line(fact.name):<14} {safe_line(fact.value)}")
            if fact.failure is not None:
                code = fact.failure.exit_code
                lines += [f"  hint: {safe_line(fact.failure.hint)}"] if fact.failure.hint else []
        sys.stdout.write("\n".join([*lines, ""]))
        sys.stdout.flush()
    raise typer.Exit(code)
