"""The operating system's layers around a process that reads or runs what others wrote; it puts them up itself.

Covered: an unprivileged user where we are root, resource limits, death with the parent, no core dumps and no tracing
by neighbours, no new privileges, no network (`without_network`, where the system lets us); and, on the other side,
`hidden`: neighbours of the same user cannot look into this process, where the keys are.
Not covered yet: Landlock and seccomp. Until then a process within reads the files that its user may read, and reaches
sockets that have a place among the files.
Every layer stands by itself: one that the system refuses is left out and not named.

Imports the standard library only: pdf_worker.py loads this file by its place, without the package.
"""

import contextlib
import ctypes
import functools
import os
import resource
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Mapping

_NOBODY = 65534
_SET_PDEATHSIG, _GET_DUMPABLE, _SET_DUMPABLE, _SET_NO_NEW_PRIVS = 1, 3, 4, 38
_NEW_USER, _NEW_NETWORK = 0x10000000, 0x40000000


def confine(limits: Mapping[int, int], parent: int) -> tuple[str, ...]:
    """Put up the walls and return the names of those that stand.

    `limits`: kind of resource -> the most of it, unless less is in force. `parent` is the process that must outlive us.
    """
    walls = []
    if os.geteuid() == 0 and _holds(_become_nobody):
        walls.append("uid")
    held = [_holds(functools.partial(_limit, kind, most)) for kind, most in limits.items()]
    if all(held):
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


def without_network() -> tuple[str, ...]:
    """Leave the network for an empty one, and return that wall's name if it stands. Goes before `confine`.

    Root can do so as it is. Others need a user namespace of their own, which some systems forbid and which takes one
    thread only.
    """
    namespaces = _NEW_NETWORK if os.geteuid() == 0 else _NEW_USER | _NEW_NETWORK
    return ("netns",) if sys.platform == "linux" and _holds(lambda: _call("unshare", namespaces)) else ()


_hiding = threading.Lock()
_hidden, _restored = 0, False


@contextlib.contextmanager
def hidden() -> Iterator[None]:
    """Let no process of the same user read this one's memory or environment, for as long as any `with` of it lasts.

    Where we are root, the change of user does that. The price: no core dump and no debugger meanwhile. What a process
    reads of itself under /proc stays readable but for a few files, such as environ, that nothing here reads.
    """
    global _hidden, _restored
    with _hiding:
        if not _hidden:
            _restored = sys.platform == "linux" and _is_dumpable() and _holds(lambda: _control(_SET_DUMPABLE, 0))
        _hidden += 1
    try:
        yield
    finally:
        with _hiding:
            _hidden -= 1
            if not _hidden and _restored:
                _holds(lambda: _control(_SET_DUMPABLE, 1))


def _holds(wall: Callable[[], object]) -> bool:
    try:
        wall()
    except (OSError, ValueError):
        return False
    return True


def _become_nobody() -> None:
    os.setgroups([])
    os.setresgid(_NOBODY, _NOBODY, _NOBODY)
    os.setresuid(_NOBODY, _NOBODY, _NOBODY)


def _limit(kind: int, most: int) -> None:
    hard = resource.getrlimit(kind)[1]
    value = most if hard == resource.RLIM_INFINITY else min(most, hard)
    resource.setrlimit(kind, (value, value))


def _is_dumpable() -> bool:
    try:
        return _call("prctl", _GET_DUMPABLE, 0, 0, 0, 0) == 1
    except OSError:
        return False


def _control(option: int, value: int) -> None:
    _call("prctl", option, value, 0, 0, 0)


def _call(name: str, *arguments: int) -> int:
    result: int = getattr(ctypes.CDLL(None, use_errno=True), name)(*arguments)
    if result < 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
    return result
