"""The layers around our children, each tried against what it is to stop, in processes of their own."""

import ctypes
import json
import os
import re
import socket
import struct
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from support.pdfs import pdf
from support.repl import session_over

from rlm_cli import confinement
from rlm_cli.confinement import _COMPUTING, CALLS, MEANINGS, call_filter
from rlm_cli.errors import SandboxError
from rlm_cli.loaders.pdf import PdfReader
from rlm_cli.strength import level_of, refuse_less

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="Linux's layers")

PRELUDE = f"""
import ctypes, importlib.util, json, os, resource, socket, sys
spec = importlib.util.spec_from_file_location("confinement", {confinement.__file__!r})
confinement = importlib.util.module_from_spec(spec)
spec.loader.exec_module(confinement)
"""
OPENS = """
def opens(path):
    reader = os.fork()
    if not reader:
        try:
            open(path, "rb").close()
        except PermissionError:
            os._exit(7)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(reader, 0)[1]) == 0

if os.geteuid() == 0:
    os.setgroups([]), os.setgid(65534), os.setuid(65534)
    ctypes.CDLL(None).prctl(4, 1, 0, 0, 0)  # as it is of a process that began as this user
mine = f"/proc/{os.getpid()}/environ"
told = [opens(mine)]
with confinement.hidden():
    told.append(opens(mine))
    with confinement.hidden():
        told.append(opens(mine))
    told.append(opens(mine))
    os.listdir("/proc/self/fd")
    inner, outer = os.pipe()
    os.write(outer, b"through /dev/fd")
    told.append(os.read(os.open(f"/dev/fd/{inner}", os.O_RDONLY), 99).decode())
print(*told, opens(mine))
"""
STANDING = """
alone, missing, deed = sys.argv[1:4]
put_up = {
    "namespaces": "_leave_namespaces", "uid": "_become_nobody", "capabilities": "_drop_capabilities",
    "landlock": "_deny_paths", "rlimits": "_limit", "pdeathsig": "_die_with", "seccomp": "_deny_calls",
}

def absent(*_):
    raise OSError(38, "Function not implemented")

for name, function in put_up.items():
    if name == missing or (alone and name != alone):
        setattr(confinement, function, absent)
walls = confinement.confine({resource.RLIMIT_FSIZE: 0}, os.getppid())
"""
REPORTS = (
    STANDING
    + """
print(json.dumps([walls.standing, walls.missing]))
"""
)
DEEDS = (
    STANDING
    + """
def attempt(deed):
    match deed:
        case "open": os.open(sys.argv[4], os.O_RDONLY)
        case "make": os.mkdir(sys.argv[4] + ".made")
        case "connect": socket.socket().connect(("127.0.0.1", int(sys.argv[5])))
        case "fork": os.fork() or os._exit(0)
        case "stat": os.stat(sys.argv[4])
        case "signal": os.kill(os.getppid(), 0)
        case "write": os.write(int(sys.argv[6]), b"x" * 100)
try:
    attempt(deed)
    told = "did"
except OSError as error:
    told = error.strerror
sys.stdout.write(told)
sys.stdout.flush()
os._exit(0)
"""
)


def said(program: str, *arguments: str, keep: int | None = None) -> str:
    """Run a program in a process of its own and return what it prints; `keep`: a descriptor that it is given."""
    command = [sys.executable, "-c", PRELUDE + program, *arguments]
    ran = subprocess.run(
        command, capture_output=True, text=True, timeout=60, check=True, pass_fds=[] if keep is None else [keep]
    )
    return ran.stdout.strip()


def is_dumpable() -> bool:
    dumpable: int = ctypes.CDLL(None).prctl(3, 0, 0, 0, 0)
    return dumpable == 1


def test_a_hidden_process_shows_its_environment_to_nobody_and_can_work_itself() -> None:
    assert said(OPENS) == "True False False False through /dev/fd True"


def report(alone: str = "", missing: str = "") -> tuple[list[str], list[str]]:
    standing, lacking = json.loads(said(REPORTS, alone, missing, ""))
    return standing, lacking


# --- each layer by itself -----------------------------------------------------------------------------------------

FULL = report() if sys.platform == "linux" else ([], [])
"""What this system has and has not."""


def has(name: str) -> pytest.MarkDecorator:
    return pytest.mark.skipif(name not in FULL[0], reason=f"this system lacks {name}")


@pytest.mark.parametrize(
    ("layer", "deed"),
    [
        pytest.param(layer, deed, marks=has(layer))
        for layer, deeds in {
            "landlock": ("open", "make", "connect", "signal"),
            "seccomp": ("open", "make", "connect", "fork", "stat", "signal"),
            "namespaces": ("connect",),
            "rlimits": ("write",),
        }.items()
        for deed in deeds
    ],
)
def test_a_layer_alone_stops_what_it_is_there_to_stop(layer: str, deed: str, tmp_path: Path) -> None:
    """The file is our own and nobody else's; what the layer is said to stop is done where the layer is missing."""
    secret = tmp_path / "secret"
    secret.write_text("x")
    for each in (tmp_path, *tmp_path.parents):  # it is the layer that has to stop who is nobody now
        if each.stat().st_uid == os.geteuid() and each.is_relative_to(tempfile.gettempdir()):
            each.chmod(0o777)
    with socket.create_server(("127.0.0.1", 0)) as server, tempfile.TemporaryFile() as file:
        arguments = (deed, str(secret), str(server.getsockname()[1]), str(file.fileno()))
        held = said(DEEDS, layer, "", *arguments, keep=file.fileno())
        free = said(DEEDS, "none", "", *arguments, keep=file.fileno())
    version = int(os.uname().release.split(".")[0]), int(os.uname().release.split(".")[1])
    if layer == "landlock" and version < {"connect": (6, 7), "signal": (6, 12)}.get(deed, (0, 0)):
        pytest.skip("this kernel's Landlock does not know of that")
    assert free == "did"
    assert held != "did"


def test_a_system_that_does_not_limit_memory_has_its_other_limits() -> None:
    """As macOS, whose setrlimit refuses it."""
    refusing = """
real = resource.setrlimit
def refuses(kind, limits):
    if kind == resource.RLIMIT_AS:
        raise ValueError("current limit exceeds maximum limit")
    real(kind, limits)
resource.setrlimit = refuses
walls = confinement.confine({resource.RLIMIT_AS: 1 << 30, resource.RLIMIT_FSIZE: 0}, os.getppid())
print(json.dumps([walls.standing, walls.missing]))
"""
    standing, missing = json.loads(said(refusing))
    assert "rlimits" in standing
    assert missing[-1] == "memory: current limit exceeds maximum limit"


@pytest.mark.parametrize("missing", ["namespaces", "landlock", "seccomp", "capabilities", "rlimits", "pdeathsig"])
def test_a_layer_that_is_missing_costs_itself_alone_and_is_named(missing: str) -> None:
    standing, lacking = report(missing=missing)
    assert set(standing) == set(FULL[0]) - {missing, *(["memory"] if missing == "rlimits" else [])}
    assert f"{missing}: Function not implemented" in lacking


def test_the_levels_are_what_the_layers_make_of_them() -> None:
    whole = ["policy", "process", *MEANINGS]
    assert level_of(whole) == "full"
    assert level_of([each for each in whole if each != "namespaces"]) == "full"
    for each in ("memory", "landlock", "seccomp", "no_new_privs", "undumpable", "pdeathsig", "capabilities"):
        assert level_of([wall for wall in whole if wall != each]) == "process"
    assert level_of(["policy", "process"]) is None
    assert (level_of([each for each in whole if each != "uid"]) == "full") == (os.geteuid() != 0)


def test_less_than_is_required_is_refused_by_name() -> None:
    walls = [each for each in MEANINGS if each != "seccomp"]
    refuse_less("process", "code", walls, [])
    with pytest.raises(SandboxError) as refused:
        refuse_less("full", "code", walls, ["seccomp: Function not implemented", "namespaces: not allowed"])
    assert str(refused.value).endswith("is not complete here: seccomp: Function not implemented")
    assert refused.value.exit_code == 5
    assert "rlm doctor" in (refused.value.hint or "")


# --- the filter of system calls -----------------------------------------------------------------------------------

ALLOWED, REFUSED, KILLED = 0x7FFF0000, 0x00050001, 0x80000000
NAMES = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7, "i386": 0x40000003}


def verdict(program: bytes, machine: str, number: int, *arguments: int) -> int:
    """Run the filter over one call, as the kernel does (classic BPF: load, mask, jump, return)."""
    given = struct.pack("IIQ6Q", number, NAMES[machine], 0, *arguments, *[0] * (6 - len(arguments)))
    instructions = [struct.unpack_from("HBBI", program, place) for place in range(0, len(program), 8)]
    accumulator = place = 0
    while True:
        code, if_true, if_false, value = instructions[place]
        place += 1
        match code:
            case 0x20:
                (accumulator,) = struct.unpack_from("I", given, value)
            case 0x54:
                accumulator &= value
            case 0x15:
                place += if_true if accumulator == value else if_false
            case 0x35:
                place += if_true if accumulator >= value else if_false
            case 0x06:
                return int(value)
            case _:
                raise AssertionError(f"unknown instruction {code:#x}")


@pytest.mark.parametrize(("machine", "column"), [("x86_64", 0), ("aarch64", 1)])
def test_the_filter_lets_through_what_is_listed_and_nothing_else(machine: str, column: int) -> None:
    listed = {"read", "sendto", "prlimit64"}
    program = call_filter(machine, listed)
    numbers = {CALLS[name][column] for name in listed}
    for number in range(1000):
        assert verdict(program, machine, number) == (ALLOWED if number in numbers else REFUSED)
    other = "aarch64" if machine == "x86_64" else "x86_64"
    assert verdict(program, other, CALLS["read"][column]) == KILLED
    assert verdict(program, "i386", 3) == KILLED
    for number in (0x40000000, 0x40000001, 0xFFFFFFFF):
        assert verdict(program, machine, number) == (KILLED if machine == "x86_64" else REFUSED)


NULL, SOMEWHERE = 0, 1 << 40
ASKED: dict[str, tuple[list[tuple[int, ...]], list[tuple[int, ...]]]] = {
    "clock_gettime": ([(0,), (1,), (11,)], [(16,), (0xFFFFFFFF & ~(1234 << 3) | 2,), (0x80000000,)]),
    "futex": ([(NULL, 128), (NULL, 129), (NULL, 0x189)], [(NULL, 0), (NULL, 6), (NULL, 134), (NULL, 137 | 0x200)]),
    "mmap": ([(NULL, 4096, 3, 0x22)], [(NULL, 4096, 7, 0x22), (NULL, 4096, 4, 2), (NULL, 4096, 3, 0x40022)]),
    "mprotect": ([(NULL, 4096, 3)], [(NULL, 4096, 5), (NULL, 4096, 4)]),
    "prlimit64": ([(0, 7)], [(1234, 7), (1, 7)]),
    "sendto": ([(5, NULL, 9)], [(5, NULL, 9, 1), (5, NULL, 9, 0, SOMEWHERE), (5, NULL, 9, 0, 8)]),
    "recvfrom": ([(5, NULL, 9)], [(5, NULL, 9, 0x40), (5, NULL, 9, 0, SOMEWHERE)]),
    "recvmsg": ([(5, NULL, 0), (5, NULL, 0x40000000)], [(5, NULL, 1), (5, NULL, 0x2000)]),
}  # fmt: skip
"""Call -> arguments with which it is let through, and others with which it is not."""


@pytest.mark.parametrize(("machine", "column"), [("x86_64", 0), ("aarch64", 1)])
@pytest.mark.parametrize("call", ASKED)
def test_a_call_is_let_through_in_the_way_it_is_needed(call: str, machine: str, column: int) -> None:
    program = call_filter(machine, [call, "write"])
    for arguments in ASKED[call][0]:
        assert verdict(program, machine, CALLS[call][column], *arguments) == ALLOWED, arguments
    for arguments in ASKED[call][1]:
        assert verdict(program, machine, CALLS[call][column], *arguments) == REFUSED, arguments


def test_what_puts_the_walls_up_is_not_left() -> None:
    for machine, column in (("x86_64", 0), ("aarch64", 1)):
        program = call_filter(machine, _COMPUTING)
        for name in ("capset", "seccomp", "landlock_restrict_self", "prlimit64", "recvmsg"):
            assert verdict(program, machine, CALLS[name][column]) == REFUSED


UNISTD = {
    "x86_64": Path("/usr/include/x86_64-linux-gnu/asm/unistd_64.h"),
    "aarch64": Path("/usr/include/asm-generic/unistd.h"),
}


@pytest.mark.parametrize(("machine", "column"), [("x86_64", 0), ("aarch64", 1)])
def test_the_numbers_are_the_kernels(machine: str, column: int) -> None:
    if not UNISTD[machine].exists():
        pytest.skip("the kernel's headers are not installed")
    found = re.findall(r"#define __NR(?:3264)?_(\w+)\s+(\d+)", UNISTD[machine].read_text())
    numbers = {name: int(number) for name, number in found}
    assert {name: each[column] for name, each in CALLS.items()} == {name: numbers[name] for name in CALLS}


# --- our own children ---------------------------------------------------------------------------------------------


@pytest.mark.skipif(not is_dumpable(), reason="this process is hidden anyway")
def test_this_process_is_hidden_while_a_child_of_ours_lives() -> None:
    with session_over(), tempfile.TemporaryFile() as file:
        assert not is_dumpable()
        file.write(pdf(["x"]))
        file.flush()
        reader = PdfReader()
        reader.open(file.fileno())
        reader.close()
        assert not is_dumpable()
    assert is_dumpable()


def test_the_real_reader_of_pdfs_stands_within_its_walls() -> None:
    with tempfile.TemporaryFile() as file:
        file.write(pdf(["x"], title="Lease"))
        file.flush()
        reader = PdfReader()
        opened = reader.open(file.fileno())
        assert (opened.title, list(reader.pieces(opened))) == ("Lease", ["x\n"])
    child = Path(f"/proc/{reader.child}")
    lines = (child / "status").read_text().splitlines()
    told = {key: value.strip() for key, _, value in (line.partition(":") for line in lines)}
    rows = (child / "limits").read_text().splitlines()
    hard = {row[:26].strip(): row[26:].split()[1] for row in rows[1:]}
    walls = set(reader.start().standing)
    assert {"rlimits", "pdeathsig", "undumpable", "no_new_privs"} <= walls
    assert told["NoNewPrivs"] == "1"
    assert {hard[f"Max {name}"] for name in ("processes", "file size", "core file size")} == {"0"}
    if os.geteuid() == 0:
        assert told["Uid"].split() == ["65534"] * 4
        assert (told["Groups"], told["CapEff"]) == ("", "0" * 16)
        if "namespaces" in walls:
            assert (child / "ns" / "net").readlink() != Path("/proc/self/ns/net").readlink()
    reader.close()
