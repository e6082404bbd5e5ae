"""What the shell offers when Tab is pressed. Quiet: where something is wrong there is just nothing to offer."""

from rlm_cli.errors import RlmError


def profile_names(incomplete: str) -> list[str]:
    """Return the names of profiles that begin so; paths are the shell's own business."""
    from rlm_cli.profiles import visible

    try:
        return [each.name for each in visible() if each.name.startswith(incomplete)]
    except (OSError, RlmError):
        return []


def recorded_ids(incomplete: str) -> list[str]:
    """Return the ids of recorded runs that begin so."""
    from rlm_cli.trajectory import run_ids

    try:
        return [each for each in run_ids() if each.startswith(incomplete)]
    except RlmError:
        return []
