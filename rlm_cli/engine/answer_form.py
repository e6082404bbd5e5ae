"""Holds an answer against the form that was asked for, a JSON schema, and words what the root model is told of it."""

from dataclasses import replace

from rlm_cli import schemas
from rlm_cli.seams import Final


def fitted(final: Final, schema: str | None) -> Final:
    """Return the answer as canonical JSON, or as it is where no schema was given. Raises ValueError with the reason.

    A text that holds JSON stands for that; one that does not may itself be what is wanted.
    """
    if schema is None:
        return final
    try:
        value = schemas.parse(schema, final.answer)
    except ValueError as why:
        if schemas.misfit(schema, final.answer) is not None:
            raise ValueError(str(why)) from None
        value = final.answer
    return replace(final, answer=schemas.canonical(value))


def refused(why: ValueError) -> str:
    return (
        f"FINAL was not accepted: the answer does not fit the JSON schema asked for: {why}. Mend it and answer again."
    )


def taken_anyway(why: ValueError) -> str:
    """Return what the user is told of a last word that does not fit."""
    return f"the answer does not fit the schema: {why}"
