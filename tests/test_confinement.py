"""The layers around our children, each tried against what it is to stop, in processes of their own."""

import ctypes
import os
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from support.pdfs import pdf
from support.repl import session_over

from rlm_cli import confinement
from rlm_cli.loaders.pdf import PdfReader

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="Linux's layers")

PRELUDE = f"""
import ctypes, importlib.util, os, socket, sys
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
CONNECTS = """
walls = confinement.without_network()
walls += confinement.confine({}, os.getppid())
try:
    socket.socket().connect(("127.0.0.1", int(sys.argv[1])))
    print(*walls, "connected")
except OSError:
    print(*walls, "refused")
"""


def said(program: str, *arguments: str) -> str:
    ran = subprocess.run(
        [sys.executable, "-c", PRELUDE + program, *arguments], capture_output=True, text=True, timeout=60, check=True
    )
    return ran.stdout.strip()


def is_dumpable() -> bool:
    dumpable: int = ctypes.CDLL(None).prctl(3, 0, 0, 0, 0)
    return dumpable == 1


def test_a_hidden_process_shows_its_environment_to_nobody_and_can_work_itself() -> None:
    assert said(OPENS) == "True False False False through /dev/fd True"


def test_who_has_left_the_network_reaches_nothing_of_it() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        *walls, came = said(CONNECTS, str(server.getsockname()[1])).split()
    assert came == ("refused" if "netns" in walls else "connected")
    assert {"pdeathsig", "undumpable", "no_new_privs"} <= set(walls)
    assert ("uid" in walls) == (os.geteuid() == 0)


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
    walls = set(reader.walls)
    assert {"rlimits", "pdeathsig", "undumpable", "no_new_privs"} <= walls
    assert told["NoNewPrivs"] == "1"
    assert {hard[f"Max {name}"] for name in ("processes", "file size", "core file size")} == {"0"}
    if os.geteuid() == 0:
        assert told["Uid"].split() == ["65534"] * 4
        assert (told["Groups"], told["CapEff"]) == ("", "0" * 16)
        if "netns" in walls:
            assert (child / "ns" / "net").readlink() != Path("/proc/self/ns/net").readlink()
    reader.close()
    assert reader.walls == ()
