"""The process that reads archives may crash, hang or lie: that costs one archive, and nothing else."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.archives import PACKED, contents, opened, skips, tarred, zipped
from support.older_system import without

from rlm_cli import confinement
from rlm_cli.errors import InputError
from rlm_cli.loaders.archive import WORKER, ArchiveLimits

PRELUDE = """
import json, os, runpy, signal, socket, struct, sys, time
channel = socket.socket(fileno=int(sys.argv[1]))

def say(frame, content=b""):
    body = frame if isinstance(frame, bytes) else json.dumps(frame).encode()
    channel.sendall(struct.pack(">I", len(body)) + body + content)

def tell(*entries, content=b""):
    say({"entries": entries, "bytes": len(content)}, content)

"""
READY = 'say({"ready": [], "missing": []}); channel.recv(4); channel.recv(1 << 20)\n'
FIRST = READY + "tell(['take', 'first', 3], content=b'one')\n"
BEGUN = FIRST + "tell(['begin', 'large'], ['more', 3], content=b'two')\n"
STOP = "tell(['stop', None])\n"
DAMAGED, SLOW = {"x.zip": ("damaged archive", True)}, {"x.zip": ("archive took too long", True)}
LARGE = {"large": ("damaged", True)}


@pytest.fixture
def program(tmp_path: Path) -> Path:
    return tmp_path / "program.py"


# --- lies ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "lie",
    [
        "say(b'no json')",
        "say(b'[' * 100_000)",
        "say(b'[' + b'{},' * 5_000_000 + b'{}]')",
        "say([1, 2])",
        "say({})",
        "say({'entries': {'a': 1}})",
        "say({'entries': [1]})",
        "say({'entries': [[]]})",
        "tell([1, 2])",
        "tell(['open', 'a'])",
        "tell(['take', 'a', -1])",
        "tell(['take', 'a', True], content=b'x')",
        "tell(['take', 'a', 1.0], content=b'x')",
        "tell(['take', 'a', '1'], content=b'x')",
        "tell(['take', 'a', 10**400])",
        "tell(['take', 'a', 2], content=b'x')",
        "tell(['take', 'a', 1], content=b'xy')",
        "tell(['take', 'a', 1, 1], content=b'x')",
        "tell(['take', 1, 1], content=b'x')",
        "tell(['take', None, 1], content=b'x')",
        "tell(['take', 'a' * 1_000_000, 1], content=b'x')",
        'say(b\'{"entries": [["take", "\\\\ud800", 0]]}\')',
        "tell(['take', 'a', 21_000_000 - 10**6], content=b'x' * 20_000_000)",
        "tell(['more', 1], content=b'x')",
        "tell(['end', None])",
        "tell(['only', 'a'])",
        "tell(['link', 'a', 1])",
        "tell(['link', 'a', 'b' * 5000])",
        "tell(['skip', 'a', 'because'])",
        "tell(['skip', 'a', ['link']])",
        "tell(['note', 'send money'])",
        "tell(['stop', 'because'])",
        "tell(['stop', None], ['stop', None])",
        "tell(['stop'])",
        "say({'entries': [], 'bytes': -1})",
        "say({'entries': [], 'bytes': '1'})",
        "say({'entries': [], 'bytes': 1 << 40})",
        "say({'entries': [], 'bytes': 9}, b'x')",
        "channel.sendall(b'\\xff' * 9)",
        "os.kill(os.getpid(), signal.SIGSEGV)",
        "sys.exit(0)",
    ],
)
def test_what_breaks_the_rules_ends_the_reading_and_what_came_before_is_kept(program: Path, lie: str) -> None:
    program.write_text(PRELUDE + FIRST + lie)
    with opened(zipped({}), "x.zip", program=program) as archive:
        assert contents(archive) == {"first": b"one"}
        assert skips(archive) == DAMAGED


@pytest.mark.parametrize(
    "lie",
    [
        STOP,
        "tell(['begin', 'a'])",
        "tell(['take', 'a', 0])",
        "tell(['end', 'because'])",
        "for _ in range(40): tell(['more', 1_000_000], content=b'x' * 1_000_000)",
        "sys.exit(0)",
    ],
)
def test_a_file_that_does_not_end_as_it_should_is_damaged(program: Path, lie: str) -> None:
    program.write_text(PRELUDE + BEGUN + lie)
    with opened(zipped({}), "x.zip", program=program) as archive:
        assert contents(archive) == {"first": b"one"}
        assert skips(archive) == DAMAGED | LARGE


@pytest.mark.parametrize("lie", ["say({})", "tell(['take', 'a', -1])", "sys.exit(0)", "tell(['stop', 'damaged'])"])
def test_nothing_but_lies_is_refused(program: Path, lie: str) -> None:
    program.write_text(PRELUDE + READY + lie)
    with pytest.raises(InputError, match=r"x\.zip is damaged"), opened(zipped({}), "x.zip", program=program):
        pass


@pytest.mark.parametrize(
    ("flood", "why"),
    [
        (
            "while True: tell(['begin', 'a'], ['more', 1 << 20], ['end', None], content=bytes(1 << 20))",
            "its size",
        ),
        (
            "for n in range(1 << 30): tell(*(['take', f'{n}/{each}', 0] for each in range(500)))",
            "20,000 files",
        ),
        (
            "for number in range(1 << 30): tell(*(['skip', 'd/' * 90 + f'{number}/{each}/' + 'n' * 3800, 'link']"
            " for each in range(400)))",
            "20,000 files",
        ),
    ],
    ids=["bytes", "files", "long names"],
)
def test_floods_are_refused(program: Path, flood: str, why: str) -> None:
    program.write_text(PRELUDE + READY + flood)
    limits = ArchiveLimits(members=20_000)
    with pytest.raises(InputError, match=why), opened(zipped({}), "x.zip", program=program, limits=limits):
        pass


@pytest.mark.parametrize(
    "stall",
    [
        "time.sleep(600)",
        "channel.sendall(bytes([0, 0, 1, 0]))\nwhile True: channel.sendall(b' '); time.sleep(0.02)",
        "while True: tell(); time.sleep(0.02)",
    ],
)
def test_a_child_that_makes_no_progress_is_killed(program: Path, stall: str) -> None:
    program.write_text(PRELUDE + FIRST + stall)
    with opened(zipped({}), "x.zip", program=program, patience=1.5) as archive:
        assert contents(archive) == {"first": b"one"}
        assert skips(archive) == SLOW


def test_a_child_that_says_nothing_is_killed(program: Path) -> None:
    program.write_text(PRELUDE + READY + "time.sleep(600)")
    with pytest.raises(InputError, match="took too long"), opened(zipped({}), "x.zip", program=program, patience=1.5):
        pass


@pytest.mark.parametrize("silence", ["", "say({'ready': False})", "say(b'x')", "import no_such_module"])
def test_a_child_that_does_not_start_is_an_error_with_a_hint(program: Path, silence: str) -> None:
    program.write_text(PRELUDE + silence)
    with pytest.raises(InputError, match="their reader does not start") as error:  # noqa: SIM117
        with opened(zipped({}), "x.zip", program=program):
            pass
    assert error.value.hint


def test_names_from_the_child_lead_nowhere_and_are_safe_to_print(program: Path) -> None:
    names = ["../../etc/passwd", "/abs", "\x1b[2J\nx", "a\0b", "C:\\x"]
    tell = "".join(f"tell(['take', {name!r}, 1], content=b'x')\n" for name in names)
    program.write_text(PRELUDE + READY + tell + "tell(['take', '../\\x1b[2J', 1], content=b'x')\n" + STOP)
    with opened(zipped({}), "\x1b[2J.zip", program=program, kind="zip") as archive:
        assert archive.files == ["\x1b[2J", "\x1b[2J\nx", "a\0b", "abs", "etc/passwd", "x"]
        assert all(warning.isprintable() for warning in archive.warnings)
        assert len(archive.warnings) == 1


def test_the_child_inherits_nothing(program: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret")
    told = "told = f'{dict(os.environ)} {len(os.listdir(\"/dev/fd\"))} {os.getcwd()}'.encode()\n"
    program.write_text(PRELUDE + READY + told + "tell(['take', 'a', len(told)], content=told)\n" + STOP)
    inherited = os.open("/etc/hosts", os.O_RDONLY)
    os.set_inheritable(inherited, True)
    try:
        with opened(zipped({}), "x.zip", program=program) as archive:
            said = contents(archive)["a"].decode()
    finally:
        os.close(inherited)
    assert "sk-secret" not in said and "HOME" not in said
    # 0, 1 and 2, the socket, and the listing's own; the archive itself was not received.
    assert said.endswith(" 5 /")


# --- the real child -----------------------------------------------------------------------------------------------


def test_the_real_child_starts_without_the_package() -> None:
    for name in ("archive_worker.py", "archive_streams.py", "walled.py"):
        source = (WORKER.parent / name).read_text()
        assert "import rlm_cli" not in source and "from rlm_cli" not in source


def test_whoever_takes_the_child_over_can_do_nothing(program: Path) -> None:
    """The real worker, whose tarfile does what an attacker would do, and tells how far it came."""
    takeover = f"""
import os, runpy, socket, sys, tarfile
DEEDS = {{
    "open": lambda: os.open("/etc/hosts", os.O_RDONLY),
    "make": lambda: os.mkdir("/made-by-a-reader"),
    "socket": lambda: socket.socket(),
    "fork": lambda: os.fork() or os._exit(0),
    "signal": lambda: os.kill(os.getppid(), 0),
    "run": lambda: os.execv("/bin/true", ["true"]),
}}

def next_(self):
    if self.firstmember is not None:
        first, self.firstmember = self.firstmember, None
        return first
    if self.offset:
        self.fileobj.last = b""
        return None
    told = []
    for name, deed in DEEDS.items():
        try:
            deed()
        except OSError:
            continue
        told.append(name)
    made = tarfile.TarInfo(" ".join(["did:", *told]))
    self.offset = 1
    return made

tarfile.TarFile.next = next_
sys.argv[0] = {str(WORKER)!r}
runpy.run_path({str(WORKER)!r}, run_name="__main__")
"""
    program.write_text(takeover)
    with opened(tarred({"a": b"x"}), "x.tar", program=program) as archive:
        assert archive.files == ["did:"]


def test_less_of_a_sandbox_than_is_required_is_refused() -> None:
    asks = f"""
import sys
sys.path.insert(0, {str(Path(__file__).parent)!r})
from support.archives import LoadOptions, opened, zipped
from rlm_cli.errors import SandboxError
try:
    with opened(zipped({{"a": b"x"}}), "x.zip", LoadOptions(require_sandbox="full")) as archive:
        print(archive.files)
except SandboxError as error:
    print(error)
"""
    command = [sys.executable, "-c", asks]
    root = {**os.environ, "PYTHONPATH": str(Path(confinement.__file__).parent.parent)}
    whole = subprocess.run(command, env=root, capture_output=True, text=True, timeout=60, check=True).stdout
    lacking = subprocess.run(
        command, env=root, capture_output=True, text=True, timeout=60, check=True, preexec_fn=without("seccomp")
    ).stdout
    assert whole == "['a']\n" or "is not complete here" in whole
    assert "the sandbox that holds the reader of archives is not complete here: seccomp" in lacking


# --- hostile archives ---------------------------------------------------------------------------------------------

WHOLE = {
    "x.zip": zipped({"a.txt": b"one" * 99, "b/c.txt": b"two", "b/\u00fc": b"three"}),
    **{f"x{ending}": pack(tarred({"a.txt": b"one" * 99, "n" * 120: b"two"})) for ending, pack in PACKED.items()},
}


@settings(max_examples=150)
@given(
    st.sampled_from([*WHOLE]), st.lists(st.tuples(st.integers(0, 12_000), st.binary(max_size=8)), max_size=6), st.data()
)
def test_a_mutated_archive_is_read_or_refused(name: str, patches: list[tuple[int, bytes]], data: st.DataObject) -> None:
    content = bytearray(WHOLE[name])
    for place, patch in patches:
        content[place % len(content) : place % len(content) + len(patch)] = patch
    del content[data.draw(st.integers(len(content) // 3, len(content))) :]
    try:
        with opened(bytes(content), name, kind=name[2:], patience=30) as archive:
            found = contents(archive)
            assert set(found) == set(archive.files)
            told = [*archive.skipped.values(), *archive.warnings]
            assert bytes(content) == WHOLE[name] or told or found or name == "x.zip"
    except InputError as error:
        assert str(error).startswith(f"{name} ")


def header(**fields: bytes) -> bytes:
    """Return a tar's header with fields that the library would not write."""
    places = {"name": 0, "size": 124, "kind": 156, "link": 157, "magic": 257, "sparse": 386}
    made = bytearray(512)
    for field, value in ({"name": b"a", "size": b"0", "kind": b"0", "magic": b"ustar\x0000"} | fields).items():
        made[places[field] : places[field] + len(value)] = value
    made[148:156] = b"%06o\0 " % (sum(made[:148]) + 256 + sum(made[156:]))
    return bytes(made)


@pytest.mark.parametrize(
    "content",
    [
        header(size=b"\xff" * 12),
        header(size=b"\x80" + b"\xff" * 11),
        header(kind=b"L", size=b"77777777777"),
        header(kind=b"x", size=b"\x80" + b"\xff" * 11),
        header(kind=b"L", size=b"1") + b"x" * 512,
        (header(kind=b"L", size=b"1") + b"x".ljust(512, b"\0")) * 3000,
        header(kind=b"x", size=b"20") + b"99999999999 path=a\n\n".ljust(512, b"\0") + header(),
        header(kind=b"x", size=b"52") + b"20 GNU.sparse.major=1\n22 GNU.sparse.minor=0\n".ljust(512, b"\0")
        + header(size=b"1000") + b"99999999999\n".ljust(512, b"\0"),
        header(kind=b"S", magic=b"ustar  \0", sparse=b"77777777777 77777777777 ") + bytes(512),
        header(kind=b"1", link=b"a"),
    ],
    ids=[
        "less than nothing", "a size beyond all", "a name of 8 GB", "a header of 2^95", "a name for nothing",
        "names of names", "a line that lies", "a map without end", "a hole of 8 GB", "a link to itself",
    ],
)  # fmt: skip
def test_tars_made_against_their_readers(content: bytes) -> None:
    good = tarred({"good": b"x"})
    for made in (content, content + good):
        try:
            with opened(made, "x.tar", patience=30) as archive:
                assert contents(archive).keys() == set(archive.files)
                assert archive.skipped or archive.files or archive.warnings
        except InputError as error:
            assert str(error).startswith("x.tar ")


def test_reading_goes_on_with_the_next_archive() -> None:
    for _ in range(2):
        with opened(WHOLE["x.zip"], "x.zip") as archive:
            assert len(archive.files) == 3
