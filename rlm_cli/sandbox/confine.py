"""The walls around the child, as large as its work needs, put up by the child before any foreign code runs.

Covered: how much memory and time it may use; no process, no file. What the walls are, and what they do not cover:
confinement.py.
"""

import math
import resource
from dataclasses import dataclass

from rlm_cli import confinement

_GIGABYTE = 1 << 30
_FALLBACK_SIZE = 512 << 20


@dataclass(frozen=True, slots=True)
class Room:
    """What the child may use."""

    memory: int
    """Bytes of address space."""
    cpu_seconds: int | None


def room(interpreter: int, context_size: int, ascii: bool, seconds: float) -> Room:
    """Size the child: 1 GB and 4 times the context (6 times where it is not ASCII) on top of the interpreter.

    `interpreter` is `address_space()` before the context is loaded; `seconds` the run's time limit, 0 for none.
    """
    cpu = math.ceil(seconds) + 120 if 0 < seconds < 1e6 else None
    return Room(interpreter + _GIGABYTE + context_size * (4 if ascii else 6), cpu)


def address_space() -> int:
    """Return the bytes of address space in use now; a round figure where the system does not tell."""
    try:
        with open("/proc/self/statm", "rb") as file:  # noqa: PTH123 - pathlib costs the child a millisecond
            return int(file.read().split()[0]) * resource.getpagesize()
    except OSError:
        return _FALLBACK_SIZE


def confine(allowed: Room, parent: int) -> confinement.Walls:
    """Put up the walls and say which stand. `parent` is the process that must outlive us."""
    limits = {
        resource.RLIMIT_AS: allowed.memory,
        resource.RLIMIT_FSIZE: 0,
        resource.RLIMIT_NPROC: 0,
        resource.RLIMIT_CORE: 0,
        # What is open stays open: no further file, whatever it is, and none in the place of one that was closed.
        resource.RLIMIT_NOFILE: 0,
    }
    if allowed.cpu_seconds is not None:
        limits[resource.RLIMIT_CPU] = allowed.cpu_seconds
    return confinement.confine(limits, parent)
