"""How much of a sandbox there is: its level in a word, and the refusal to go on with less than was asked for."""

from collections.abc import Sequence

from rlm_cli.confinement import LEVELS, Level, lacking
from rlm_cli.errors import SandboxError

_HINTS = {
    "landlock": "Landlock needs Linux 5.13 or newer, with landlock among those that the kernel's lsm= names",
    "seccomp": "seccomp needs Linux on x86_64 or aarch64, and a container that lets it be used",
    "uid": "this root may not change to another user: run rlm as an ordinary user",
}


def level_of(walls: Sequence[str]) -> Level | None:
    """Return the highest level that these layers around a child of this process amount to."""
    return next((level for level in LEVELS if not lacking(level, walls)), None)


def refuse_less(level: Level, what: str, walls: Sequence[str], missing: Sequence[str]) -> None:
    """Raise SandboxError, naming what is missing and why, unless `walls` amount to `level`.

    `what` is held by them; `missing`: layers that could not be put up, each as `name: why`.
    """
    absent = lacking(level, walls)
    if not absent:
        return
    reasons = {each.partition(":")[0]: each for each in missing}
    named = "; ".join(reasons.get(name, name) for name in absent)
    hint = next((_HINTS[name] for name in absent if name in _HINTS), "run rlm on Linux, x86_64 or aarch64")
    raise SandboxError(
        f"--require-sandbox {level}: the sandbox that holds {what} is not complete here: {named}",
        f"{hint}; `rlm doctor` shows what is in force",
    )
