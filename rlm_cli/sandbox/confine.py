"""The operating system's walls around the child, put up by the child itself before any foreign code runs.

Covered: resource limits (memory, processes, files, CPU), an unprivileged user where we are root, death with the
parent, no core dumps and no tracing by neighbours, no new privileges.
Not covered yet: Landlock, seccomp and namespaces. Until then code that escaped the policy could read what this user
may read and could open sockets; `walls` never names a layer that is not in force.
Every layer stands by itself: one that the system refuses is left out and not named.
"""

import ctypes
import math
import os
import resource
import signal
import sys
from collections.abc import Callable
from dataclasses import dataclass

_NOBODY = 65534
_GIGABYTE = 1 << 30
_SET_PDEATHSIG, _SET_DUMPABLE, _SET_NO_NEW_PRIVS = 1, 4, 38
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


def confine(allowed: Room, parent: int) -> tuple[str, ...]:
    """Put up the walls and return the names of those that stand. `parent` is the process that must outlive us."""
    walls = []
    if os.geteuid() == 0 and _holds(_become_nobody):
        walls.append("uid")
    if _holds(lambda: _limit_resources(allowed)):
        walls.append("rlimits")
    if sys.platform == "linux":
        # In this order: a change of user clears the death signal.
        if _holds(lambda: _control(_SET_PDEATHSIG, signal.SIGKILL)):
            walls.append("pdeathsig")
        if os.getppid() != parent:
            os._exit(1)
        if _holds(lambda: _control(_SET_DUMPABLE, 0)):
            walls.append("undumpable")
        if _holds(lambda: _control(_SET_NO_NEW_PRIVS, 1)):
            walls.append("no_new_privs")
    # Landlock, then seccomp, go here: last, because they would refuse the calls above.
    return tuple(walls)


def _holds(wall: Callable[[], None]) -> bool:
    try:
        wall()
    except (OSError, ValueError):
        return False
    return True


def _become_nobody() -> None:
    os.setgroups([])
    os.setresgid(_NOBODY, _NOBODY, _NOBODY)
    os.setresuid(_NOBODY, _NOBODY, _NOBODY)


def _limit_resources(allowed: Room) -> None:
    limits = [
        (resource.RLIMIT_AS, allowed.memory),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_NPROC, 0),
        (resource.RLIMIT_CORE, 0),
        # 0, 1 and 2 are taken and what is open stays open: no further file, whatever it is.
        (resource.RLIMIT_NOFILE, 3),
    ]
    if allowed.cpu_seconds is not None:
        limits.append((resource.RLIMIT_CPU, allowed.cpu_seconds))
    for name, most in limits:
        hard = resource.getrlimit(name)[1]
        value = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(name, (value, value))


def _control(option: int, value: int) -> None:
    if ctypes.CDLL(None, use_errno=True).prctl(option, value, 0, 0, 0) != 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
