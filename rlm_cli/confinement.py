"""The operating system's layers around a process that reads or runs what others wrote; it puts them up itself.

Covered, each layer by itself, so that one which the system lacks costs that one alone:

    namespaces     no network device, no IPC object of anybody else
    uid            nobody, where we were root
    capabilities   none
    no_new_privs   no program that would be started gains rights
    landlock       no file can be opened, listed, made, removed or run; no TCP (from Linux 6.7 on); no abstract socket
                   and no signal out of the process (from 6.12 on); on newer ones no UDP and no socket among the files.
                   Rights, times and attributes of files it leaves to seccomp
    rlimits        time, processes, files, as the caller says
    memory         as much of it as the caller says; macOS does not limit that
    pdeathsig      it dies with its parent
    undumpable     neighbours of the same user cannot trace it; no core file
    seccomp        the few system calls that a finished Python needs, in the one way it needs them; all others are
                   refused with EPERM. Without it the process could take down the two layers before

On the other side, `hidden`: no process of our own user can look into this one, where the keys are.

Not covered: what is open already (the caller leaves open what it means to share); faults of the kernel within the
calls that are left; what time and caches tell. Landlock and seccomp are Linux on x86_64 and aarch64; elsewhere there
are limits, the change of user, and a process of its own. Names of directories that Python came from stand in its
memory, and lead nowhere.

Imports the standard library only: pdf_worker.py loads this file by its place, without the package.
"""

import contextlib
import ctypes
import errno
import functools
import os
import resource
import signal
import struct
import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Literal, NamedTuple

Level = Literal["full", "process"]
LEVELS: dict[Level, tuple[str, ...]] = {
    "full": ("capabilities", "no_new_privs", "landlock", "rlimits", "memory", "pdeathsig", "undumpable", "seccomp"),
    "process": ("rlimits",),
}
"""What has to stand at least; `full` has the uid too, where we are root. Namespaces are a bonus, often forbidden."""

MEANINGS = {
    "namespaces": "a network and IPC of its own, both empty",
    "uid": "nobody, where rlm is root",
    "capabilities": "none",
    "no_new_privs": "no program gains rights",
    "landlock": "no file can be opened, made, removed or run",
    "rlimits": "limits of time, processes and files",
    "memory": "a limit of memory",
    "pdeathsig": "dies with rlm",
    "undumpable": "cannot be traced by neighbours",
    "seccomp": "few system calls, all others refused",
}
"""Layer -> what it means, in the order in which they are put up."""

_NOBODY = 65534
_SET_PDEATHSIG, _GET_DUMPABLE, _SET_DUMPABLE, _SET_NO_NEW_PRIVS = 1, 3, 4, 38
_NEW_IPC, _NEW_USER, _NEW_NETWORK = 0x08000000, 0x10000000, 0x40000000


class Walls(NamedTuple):
    """What is in force around a process. A layer is named only when it was put up without an error."""

    standing: tuple[str, ...]
    missing: tuple[str, ...]
    """Those that are not, each as `name: why`."""


def confine(limits: Mapping[int, int], parent: int, calls: Iterable[str] = ()) -> Walls:
    """Put up the walls around this process, for good. It must have one thread, and have loaded all it will need.

    `limits`: kind of resource -> the most of it, unless less is in force. `parent` is the process that must outlive us.
    `calls`: names of system calls, of those in CALLS, that are left beside the ones for computing and talking.
    """
    root = os.geteuid() == 0
    layers: dict[str, Callable[[], object]] = {"uid": _become_nobody} if root else {}
    if sys.platform == "linux":
        layers = {
            "namespaces": functools.partial(_leave_namespaces, root),
            **layers,
            "capabilities": _drop_capabilities,
            "no_new_privs": functools.partial(_control, _SET_NO_NEW_PRIVS, 1),
            # Before the limits: it takes a descriptor for a moment.
            "landlock": _deny_paths,
        }
    memory = {kind: most for kind, most in limits.items() if kind == resource.RLIMIT_AS}
    layers["rlimits"] = functools.partial(_limit, {kind: most for kind, most in limits.items() if kind not in memory})
    layers["memory"] = functools.partial(_limit, memory)
    if sys.platform == "linux":
        # After the change of user, which clears the signal.
        layers["pdeathsig"] = functools.partial(_die_with, parent)
        layers["undumpable"] = functools.partial(_control, _SET_DUMPABLE, 0)
        # Last, because it would refuse the calls above.
        layers["seccomp"] = functools.partial(_deny_calls, (*_COMPUTING, *calls))
    standing, missing = [], []
    for name, put_up in layers.items():
        try:
            put_up()
        except (OSError, ValueError) as error:
            missing.append(f"{name}: {getattr(error, 'strerror', None) or error}")
        else:
            standing.append(name)
    if sys.platform != "linux":
        missing += [f"{name}: not on {sys.platform}" for name in MEANINGS if name not in ("uid", *layers)]
    return Walls(tuple(standing), tuple(missing))


def lacking(level: Level, walls: Iterable[str]) -> tuple[str, ...]:
    """Return what a level asks for and `walls`, around a child of this process, do not have."""
    asked = (*LEVELS[level], *(["uid"] if level == "full" and os.geteuid() == 0 else []))
    return tuple(name for name in asked if name not in walls)


# --- the other side -----------------------------------------------------------------------------------------------

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


def _is_dumpable() -> bool:
    try:
        return _call("prctl", _GET_DUMPABLE, 0, 0, 0, 0) == 1
    except OSError:
        return False


# --- users, privileges, limits ------------------------------------------------------------------------------------


def _leave_namespaces(root: bool) -> None:
    # Root can do so as it is. Others need a user namespace of their own, which some systems forbid.
    _call("unshare", _NEW_NETWORK | _NEW_IPC | (0 if root else _NEW_USER))


def _become_nobody() -> None:
    os.setgroups([])
    if sys.platform == "linux":
        os.setresgid(_NOBODY, _NOBODY, _NOBODY)
        os.setresuid(_NOBODY, _NOBODY, _NOBODY)
    else:
        # As root these set the real, the effective and the saved one.
        os.setgid(_NOBODY)
        os.setuid(_NOBODY)


def _drop_capabilities() -> None:
    # A user namespace of one's own comes with all of them, within it.
    version, this_thread, none = 0x20080522, 0, (0,) * 6
    head, sets = struct.pack("Ii", version, this_thread), struct.pack("6I", *none)
    _system("capset", head, sets)


def _limit(limits: Mapping[int, int]) -> None:
    refused: Exception | None = None
    for kind, most in limits.items():
        hard = resource.getrlimit(kind)[1]
        value = most if hard == resource.RLIM_INFINITY else min(most, hard)
        try:
            resource.setrlimit(kind, (value, value))
        except (OSError, ValueError) as error:
            refused = error
    if refused is not None:
        raise refused


def _die_with(parent: int) -> None:
    _control(_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it has died already
        os._exit(1)


# --- Landlock -----------------------------------------------------------------------------------------------------

_FILES_SINCE = {1: (1 << 13) - 1, 2: 1 << 13, 3: 1 << 14, 5: 1 << 15, 9: 1 << 16}
_NETWORK_SINCE = {4: 0b11, 10: 0b1100}
_SCOPES_SINCE = {6: 0b11}
"""Version of Landlock's interface -> what it added: access to files; TCP, UDP; abstract sockets and signals."""


def _deny_paths() -> None:
    """Deny every access that Landlock knows: a ruleset that handles all of them and allows none."""
    version = _system("landlock_create_ruleset", None, 0, 1)
    tables = (_FILES_SINCE, _NETWORK_SINCE, _SCOPES_SINCE)
    rules = struct.pack("QQQ", *(sum(bits for since, bits in each.items() if since <= version) for each in tables))
    descriptor = _system("landlock_create_ruleset", rules, len(rules), 0)
    try:
        _system("landlock_restrict_self", descriptor, 0)
    finally:
        os.close(descriptor)
    _must_refuse(lambda: os.open("/", os.O_RDONLY))


# --- seccomp ------------------------------------------------------------------------------------------------------

CALLS = {
    "brk": (12, 214),
    "clock_gettime": (228, 113),
    "close": (3, 57),
    "exit": (60, 93),
    "exit_group": (231, 94),
    "futex": (202, 98),
    "getrandom": (318, 278),
    "getrusage": (98, 165),
    "gettimeofday": (96, 169),
    "lseek": (8, 62),
    "madvise": (28, 233),
    "mmap": (9, 222),
    "mprotect": (10, 226),
    "mremap": (25, 216),
    "munmap": (11, 215),
    "prlimit64": (302, 261),
    "read": (0, 63),
    "recvfrom": (45, 207),
    "recvmsg": (47, 212),
    "restart_syscall": (219, 128),
    "rt_sigaction": (13, 134),
    "rt_sigprocmask": (14, 135),
    "rt_sigreturn": (15, 139),
    "sched_yield": (24, 124),
    "sendto": (44, 206),
    "sigaltstack": (131, 132),
    "write": (1, 64),
    # What puts the walls up; never left.
    "capset": (126, 91),
    "landlock_create_ruleset": (444, 444),
    "landlock_restrict_self": (446, 446),
    "seccomp": (317, 277),
}
"""System call -> its number on x86_64 and on aarch64, from the kernel's unistd.h."""
_COMPUTING = """
    brk clock_gettime close exit exit_group futex getrandom gettimeofday madvise mmap mprotect mremap munmap read
    recvfrom restart_syscall rt_sigaction rt_sigprocmask rt_sigreturn sched_yield sendto sigaltstack write
    """.split()
"""What is left to a Python that computes, takes an interrupt, and talks over the socket it has."""
_CLOCKS, _WITHOUT_CLOCK = 0xF, 0xFFFFFFFF & ~0x100
_PRIVATE_FUTEXES = (128, 129, 128 + 9, 128 + 10)
"""Waiting and waking, within this process."""
_EXECUTABLE, _HUGE, _CLOSE_ON_EXEC, _ALL = 4, 0x40000, 0x40000000, 0xFFFFFFFF
_ONLY: dict[str, tuple[tuple[int, int, tuple[int, ...]], ...]] = {
    # Else it tells the time that any other process has computed.
    "clock_gettime": ((0, _ALL & ~_CLOCKS, (0,)),),
    # Else it asks after other processes by their numbers.
    "futex": ((2, _WITHOUT_CLOCK, _PRIVATE_FUTEXES),),
    # No code that was not there before; no page of the few large ones.
    "mmap": ((4, _EXECUTABLE, (0,)), (6, _HUGE, (0,))),
    "mprotect": ((4, _EXECUTABLE, (0,)),),
    # Its own limits.
    "prlimit64": ((0, _ALL, (0,)),),
    # Plainly: no flag, no address.
    "sendto": ((6, _ALL, (0,)), (8, _ALL, (0,)), (9, _ALL, (0,))),
    "recvfrom": ((6, _ALL, (0,)), (8, _ALL, (0,)), (9, _ALL, (0,))),
    "recvmsg": ((4, _ALL, (0, _CLOSE_ON_EXEC)),),
}
"""Call -> what must be so: (which half of an argument, two to each and the lower first; its bits; what they may be)."""
_MACHINES = {"x86_64": (0, 0xC000003E), "aarch64": (1, 0xC00000B7)}
"""Machine -> its column in CALLS, and what the kernel calls it."""
_X32 = 0x40000000
"""From here on the same machine has calls of another kind."""
_LOAD, _AND, _EQUAL, _AT_LEAST, _RETURN = 0x20, 0x54, 0x15, 0x35, 0x06
_NUMBER_AT, _MACHINE_AT, _ARGUMENTS_AT = 0, 4, 16
_ALLOW, _REFUSE, _KILL = 0x7FFF0000, 0x00050000 | errno.EPERM, 0x80000000


def call_filter(machine: str, calls: Iterable[str]) -> bytes:
    """Return the program that lets through `calls` on `machine`, and refuses all others with EPERM.

    Eight bytes an instruction. A call in the manner of another machine ends the process. KeyError: unknown machine.
    """
    column, name = _MACHINES[machine]
    program = [(_LOAD, 0, 0, _MACHINE_AT), (_EQUAL, 1, 0, name), (_RETURN, 0, 0, _KILL), (_LOAD, 0, 0, _NUMBER_AT)]
    if machine == "x86_64":
        program += [(_AT_LEAST, 0, 1, _X32), (_RETURN, 0, 0, _KILL)]
    for call in sorted(set(calls)):
        checks = [each for check in _ONLY.get(call, ()) for each in _check(*check)]
        allowed = [*checks, (_RETURN, 0, 0, _ALLOW)]
        program += [(_EQUAL, 0, len(allowed), CALLS[call][column]), *allowed]
    return b"".join(struct.pack("HBBI", *each) for each in (*program, (_RETURN, 0, 0, _REFUSE)))


def _check(half: int, bits: int, values: tuple[int, ...]) -> list[tuple[int, int, int, int]]:
    """Return instructions that refuse a call unless these bits of half an argument are one of `values`."""
    left = len(values)
    compared = [(_EQUAL, left - place, 0, value) for place, value in enumerate(values)]
    return [(_LOAD, 0, 0, _ARGUMENTS_AT + 4 * half), (_AND, 0, 0, bits), *compared, (_RETURN, 0, 0, _REFUSE)]


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("instructions", ctypes.c_char_p))


def _deny_calls(calls: Iterable[str]) -> None:
    instructions = call_filter(_machine(), calls)
    set_filter, all_threads = 1, 1
    program = _Program(len(instructions) // 8, instructions)
    if _system("seccomp", set_filter, all_threads, ctypes.byref(program)) != 0:
        raise OSError(errno.EBUSY, "a thread could not be held")
    no_signal, our_own_group = 0, 0
    _must_refuse(lambda: os.kill(our_own_group, no_signal))


def _must_refuse(attempt: Callable[[], object]) -> None:
    try:
        attempt()
    except PermissionError:
        return
    raise OSError(errno.ENOTSUP, "put up, and does not hold")


# --- the C library ------------------------------------------------------------------------------------------------


def _machine() -> str:
    name = os.uname().machine
    if name not in _MACHINES or struct.calcsize("P") != 8:
        raise ValueError(f"not for this machine ({name})")
    return name


def _control(option: int, value: int) -> None:
    _call("prctl", option, value, 0, 0, 0)


def _system(name: str, *arguments: Any) -> int:
    """Make a system call that the C library may have no function for. Raises OSError, ValueError where unknown."""
    number = CALLS[name][_MACHINES[_machine()][0]]
    return _call("syscall", number, *arguments)


def _call(name: str, *arguments: Any) -> int:
    # As wide as registers are: a C function of variable arguments would find rubbish in the upper half of an int.
    wide = [ctypes.c_long(each) if isinstance(each, int) else each for each in arguments]
    function = getattr(ctypes.CDLL(None, use_errno=True), name)
    function.restype = ctypes.c_long if name == "syscall" else ctypes.c_int
    result: int = function(*wide)
    if result < 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
    return result
