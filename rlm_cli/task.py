"""What one run has to do: the question, the text and the choice of models."""

from dataclasses import dataclass

from rlm_cli.confinement import Level
from rlm_cli.context import Context
from rlm_cli.types import Profile


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
    require_sandbox: Level | None = None
    """How much of a sandbox there must be; None: whatever the system has."""
