"""What one run has to do: the question, the text and the choice of models."""

import secrets
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime

from rlm_cli.confinement import Level
from rlm_cli.context import Context
from rlm_cli.types import Profile, Strategy


@dataclass(frozen=True, slots=True)
class Task:
    """What one run has to do."""

    run_id: str
    question: str
    context: Context
    profile: Profile
    """Resolved: windows and prices are known as far as they can be."""
    warnings: tuple[str, ...] = ()
    """What was noticed while the inputs were read: the result has to say it too."""
    changed: str | None = None
    """How the input differs from what it was when the run, now resumed, was begun."""
    require_sandbox: Level | None = None
    """How much of a sandbox there must be; None: whatever the system has."""
    findings: bool = False
    """Findings are asked for: the answer is a list of them. They can be reported in any run."""
    verify: bool = True
    """Each finding is checked by a sub-call of its own."""
    redact: bool = True
    """Secrets are hidden from models that are not on this machine."""
    secrets_hidden: bool = False
    """The context has some that are, which the root model is told."""
    strategy: Strategy = "rlm"
    """How it is answered; `auto` is settled by now."""
    template: str | None = None
    """The kind of work, by the name that --task has for it."""
    schema: str | None = None
    """A JSON schema, as canonical JSON, that the answer has to fit; None: the answer is text."""
    earlier: str | None = None
    """Of a second pass: what it is told of the first."""

    @property
    def began(self) -> float | None:
        """Seconds since 1970 when the run was first begun, which its id says; None for an id that does not."""
        with suppress(ValueError):
            return datetime.strptime(self.run_id[:15], _TIME).replace(tzinfo=UTC).timestamp()
        return None


_TIME = "%Y%m%d-%H%M%S"


def new_run_id() -> str:
    """Return an id that begins with the time, in UTC, to a 4096th of a second: ids are in the order of their runs."""
    now = datetime.now(UTC)
    return f"{now.strftime(_TIME)}-{now.microsecond * 4096 // 1_000_000:03x}{secrets.token_hex(2)[1:]}"
