"""Attempts at escape, each truly made: what is at stake, the cases (tests/hostile), and what came of each.

What is at stake are canaries: a secret in the host's environment, a file in its HOME, a listener on loopback, a folder
in which nothing may appear. An attempt has got out when the secret or the file's text comes back, the listener is
called, a file appears, the victim is touched, or the judge (stripped.py) finds in `loot` what no code may hold.

The attempts are made in a process of its own, which begins with the secret in its environment, as this user or as
another one:

    python hostile.py KIND LAYERS FOLDER        prints name -> what came of it, as JSON
"""

import contextlib
import importlib
import importlib.util
import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rlm_cli.context_writer import ContextWriter
from rlm_cli.errors import CellTimedOut, ReplDied
from rlm_cli.sandbox.host import ChildRepl
from rlm_cli.seams import Asked, BudgetTold, Cell, CellFinished, ClaimChecked, Claimed, SubAnswer, SubAnswers
from rlm_cli.types import Limits

CHILDREN = Path(__file__).parent / "children"
CASES = Path(__file__).parent.parent / "hostile"
JUDGE = "#judge"
VARIABLE = "RLM_CANARY_API_KEY"
NEEDS_ROOT, IF_ALLOWED = "needs root", "if allowed"
"""Marks of cases: only root can do that at all; many systems forbid it anyway."""


@dataclass(frozen=True, slots=True)
class Case:
    """One attempt. `marks` say what it needs to be able to succeed without any layer."""

    name: str
    code: str
    marks: tuple[str, ...] = ()


def cases_of(layer: str) -> dict[str, Case]:
    """Return the cases about a layer, `fence` or `wall`, by name. `=== name` begins one, `=== name [mark]` marks it."""
    return cases_in(sorted(CASES.glob(f"{layer}-*.txt")))


def cases_in(files: Sequence[Path]) -> dict[str, Case]:
    """Return the cases of these files by name; the name of the file stands before it."""
    found: dict[str, Case] = {}
    for path in files:
        for part in path.read_text(encoding="utf-8").split("\n=== ")[1:]:
            title, _, code = part.partition("\n")
            title, _, marks = title.rstrip("]").partition(" [")
            name = f"{path.stem.rpartition('-')[2]}: {title}"
            assert name not in found, f"{name} is there twice"
            found[name] = Case(name, code.strip() + "\n", tuple(filter(None, marks.split(", "))))
    return found


@dataclass
class Stakes:
    """The canaries of one host."""

    home: Path
    drop: Path
    """A folder that anybody may write to."""
    secret: str = field(default_factory=lambda: os.environ[VARIABLE])
    text: str = field(default_factory=lambda: secrets.token_hex(8))
    listener: socket.socket = field(default_factory=lambda: socket.create_server(("127.0.0.1", 0)))

    def __post_init__(self) -> None:
        self.lay_out()
        self.datagrams = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.datagrams.bind(self.listener.getsockname())
        self.local = socket.socket(socket.AF_UNIX)
        self.local.bind(f"{self.drop}/socket")
        (self.drop / "socket").chmod(0o777)
        self.abstract = socket.socket(socket.AF_UNIX)
        self.abstract.bind(f"\0rlm-{self.text}")
        for each in (self.local, self.abstract):
            each.listen()
        for each in (self.listener, self.datagrams, self.local, self.abstract):
            each.setblocking(False)

    def lay_out(self) -> None:
        """Put everything in its place (again)."""
        for path in sorted(self.drop.rglob("*"), reverse=True):
            if path.name != "socket":
                path.rmdir() if path.is_dir() and not path.is_symlink() else path.unlink()
        (self.home / "canary.txt").write_text(self.text)
        (self.drop / "victim").write_text("untouched")
        (self.drop / "victim").chmod(0o666)

    def filled_in(self, code: str) -> str:
        """Return a case's code with the names of what is at stake."""
        values = {
            "@HOME@": str(self.home), "@FILE@": str(self.home / "canary.txt"), "@DROP@": str(self.drop),
            "@PORT@": str(self.listener.getsockname()[1]), "@PARENT@": str(os.getpid()), "@VARIABLE@": VARIABLE,
            "@ABSTRACT@": f"rlm-{self.text}", "@MACHINE@": os.uname().machine,
        }  # fmt: skip
        for name, value in values.items():
            code = code.replace(name, value)
        return code

    def harm(self, said: "Said") -> list[str]:
        """Return what has come of an attempt that said this."""
        came = []
        everything = f"{said.output}{said.error}{said.verdict}"
        if self.secret in everything:
            came.append("the secret of the environment")
        if self.text in everything.replace(f"rlm-{self.text}", ""):
            came.append("the file in HOME")
        if "GOT" in said.output or "<code object" in said.output:
            came.append(said.output.strip()[:200])
        if "loot " in said.verdict:
            came.append(said.verdict.strip()[:200])
        with contextlib.suppress(BlockingIOError):
            self.datagrams.recv(100)
            came.append("a datagram")
        for each in (self.listener, self.local, self.abstract):
            with contextlib.suppress(BlockingIOError):
                each.accept()[0].close()
                came.append("a call to a listener")
        there = {each.name for each in self.drop.iterdir()} - {"victim", "socket"}
        if there:
            came.append(f"files: {sorted(there)}")
        victim = self.drop / "victim"
        if not victim.is_file() or victim.read_text() != "untouched" or victim.stat().st_mode & 0o777 != 0o666:
            came.append("a touched file")
        if not (self.home / "canary.txt").is_file():
            came.append("the file in HOME is gone")
        return came


def attempts(layers: str, cases: Sequence[Case], stakes: Stakes, timeout: float = 10.0) -> dict[str, list[str]]:
    """Make the attempts against a child with these layers; return name -> what came of each, [] for nothing."""
    came: dict[str, list[str]] = {}
    if layers == "bare":
        # Part of the wall on the host's side.
        importlib.import_module("rlm_cli.sandbox.process").hidden = contextlib.nullcontext  # type: ignore[attr-defined]
    with attacked(layers) as child:
        harmless = child.said(["print(6 * 7)"], timeout)
        assert harmless.output == "42\n", f"a child with {layers} does not work: {harmless}"
        for case in cases:
            came[case.name] = _harm_of(case, child, stakes, timeout)
            if layers == "bare" and not came[case.name]:
                # Earlier attempts may have been at its process; it is to have the best of chances.
                child.close()
                came[case.name] = _harm_of(case, child, stakes, timeout)
    return came


def _harm_of(case: Case, child: "Attacked", stakes: Stakes, timeout: float) -> list[str]:
    stakes.lay_out()
    return stakes.harm(child.said(stakes.filled_in(case.code).split("\n---\n"), timeout))


@dataclass(slots=True)
class Said:
    """All that an attempt gave away."""

    output: str = ""
    error: str = ""
    verdict: str = ""
    """Of the judge."""


class Attacked:
    """A child under attack, replaced when it is gone."""

    def __init__(self, layers: str) -> None:
        self._program = CHILDREN / f"{layers}.py"
        writer = ContextWriter(several=False)
        writer.add("notes.txt", [b"alpha\nbeta 7\n"])
        self._context = writer.finish(["test"], [], 100)
        self._repl: ChildRepl | None = None
        self._number = 0

    def said(self, cells: Sequence[str], timeout: float) -> Said:
        """Run cells, then ask the judge about them."""
        said = Said()
        try:
            for code in cells:
                finished = self._run(code, timeout)
                said.output, said.error = said.output + finished.output, said.error + (finished.error or "")
            judged = self._run(JUDGE, timeout)
            said.verdict = f"{judged.output}{judged.error or ''}"
        except (CellTimedOut, ReplDied) as error:  # one that does not even start is no attempt
            said.error += f"\n{error}"
            self.close()
        return said

    def _run(self, source: str, timeout: float) -> CellFinished:
        if self._repl is None:
            self._repl = ChildRepl(self._context, Limits(), 1_700_000_000.0, self._program)
        self._number += 1
        self._repl.send(Cell(self._number, (source,)))
        while True:
            message = self._repl.receive(timeout)
            if isinstance(message, CellFinished):
                return message
            if isinstance(message, Asked):
                self._repl.answer(SubAnswers(tuple(SubAnswer(text=f"got {each}") for each in message.prompts)))
            elif isinstance(message, Claimed):
                self._repl.answer(ClaimChecked(refused="the quote is not there"))
            else:
                self._repl.answer(BudgetTold("much"))

    def close(self) -> None:
        if self._repl is not None:
            self._repl.close()
            self._repl = None


@contextmanager
def attacked(layers: str) -> Iterator[Attacked]:
    child = Attacked(layers)
    try:
        yield child
    finally:
        child.close()


# --- in a process of its own --------------------------------------------------------------------------------------


def came_of(kind: str, layers: str, folder: Path, user: int | None = None) -> dict[str, list[str]]:
    """Make all attempts of a kind in a fresh process, of this user or another; return name -> what came of each.

    `folder` must be one that `user` may enter. Raises LookupError when there is no Python that they may run.
    """
    home, drop = folder / "home", folder / "drop"
    home.mkdir()
    drop.mkdir()
    drop.chmod(0o777)
    program = [sys.executable, __file__]
    identity: dict[str, Any] = {}
    if user is not None:
        os.chown(home, user, user)
        program = _program_for(user, folder)
        identity = {"user": user, "group": user, "extra_groups": []}
    environment = {VARIABLE: secrets.token_hex(8), "HOME": str(home), "PATH": os.environ["PATH"]}
    command = [*program, kind, layers, str(folder)]
    ran = subprocess.run(
        command, env=environment, cwd="/", capture_output=True, text=True, check=False, timeout=300, **identity
    )
    assert ran.returncode == 0, ran.stderr
    came: dict[str, list[str]] = json.loads(ran.stdout)
    return came


def _program_for(user: int, folder: Path) -> list[str]:
    """Put what another user needs where they may read it: a Python, the package, RestrictedPython, the attempts."""
    tests = CASES.parent
    restricted = importlib.util.find_spec("RestrictedPython")
    assert restricted is not None
    assert restricted.origin is not None
    sources = {
        "rlm_cli": tests.parent / "rlm_cli",
        "RestrictedPython": Path(restricted.origin).parent,
        "tests/support": tests / "support",
        "tests/hostile": CASES,
    }
    for name, source in sources.items():
        shutil.copytree(source, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    subprocess.run([_python_of(user), "-m", "venv", "--without-pip", folder / "venv"], check=True)
    [packages] = folder.glob("venv/lib/python3*/site-packages")
    (packages / "attempts.pth").write_text(f"{folder}\n{folder / 'tests'}\n")
    return [str(folder / "venv/bin/python"), str(folder / "tests/support/hostile.py")]


def _python_of(user: int) -> str:
    names = ("python3.11", "python3.12", "python3.13", "python3")
    places = [Path(place) for place in os.environ["PATH"].split(os.pathsep)]
    for python in (Path(sys.executable), *(place / name for name in names for place in places)):
        fit = "import sys, venv; sys.exit(not (3, 11) <= sys.version_info < (3, 14))"
        try:
            subprocess.run([python, "-c", fit], user=user, group=user, extra_groups=[], check=True)
        except (OSError, subprocess.CalledProcessError):
            continue
        return str(python)
    raise LookupError("there is no Python here that another user may run")


def main(kind: str, layers: str, folder: str) -> None:
    stakes = Stakes(Path(folder, "home"), Path(folder, "drop"))
    sys.stdout.write(json.dumps(attempts(layers, list(cases_of(kind).values()), stakes)))


if __name__ == "__main__":
    main(*sys.argv[1:])
