"""Loading side by side with the least it can cost, and with the peers that are installed: CPU, wall, peak memory.

    python tests/benchmarks/loading.py FOLDER...       trees
    python tests/benchmarks/loading.py FILE.pdf...     PDFs, against bare pypdfium2

The floor is walk + read + decode + join of the same files in one Python process. Each row is a process of its own, its
children included; the least of three runs. Peers are tried where their commands are on PATH, and stopped after 300 s.
"""

import contextlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

RUNS = 3
PATIENCE = 300.0

FLOOR = """
import os, sys
texts = []
for folder, folders, files in os.walk(sys.argv[1]):
    if ".git" in folders:
        folders.remove(".git")
    for name in files:
        path = os.path.join(folder, name)
        if os.path.isfile(path) and not os.path.islink(path):
            with open(path, "rb") as file:
                content = file.read()
            try:
                texts.append(content.decode())
            except UnicodeDecodeError:
                pass
whole = "".join(texts)
print(len(whole.encode()))
"""
LOAD = """
import sys
from rlm_cli.loaders import loading
loading.estimate_tokens = lambda read, size: 0  # measured by itself
context = loading.load(sys.argv[1:]).context
print(context.size)
"""
NOTHING = "import sys; from rlm_cli.loaders import load; print(0)"
BARE_PDF = """
import sys, pypdfium2
with pypdfium2.PdfDocument(sys.argv[1]) as pdf:
    print(sum(len(page.get_textpage().get_text_range()) for page in pdf))
"""
NO_PDF = "import sys, pypdfium2; print(0)"
TOKENS = """
import json, sys, time
from rlm_cli import tokens
from rlm_cli.loaders import load
context = load(sys.argv[1:]).context
read = lambda start, size: context._bytes(start, min(start + size, context.size))
tokens.count_tokens("warm")
started = time.process_time()
estimated = tokens.estimate_tokens(read, context.size)
estimating = time.process_time() - started
texts = [context.text(start, start + 1_000_000) for start in range(0, min(context.characters, 100_000_000), 1_000_000)]
started = time.perf_counter()
exact = sum(map(tokens.count_tokens, texts))
one_thread = time.perf_counter() - started
started = time.perf_counter()
assert sum(tokens.count_each(texts)) == exact
all_threads = time.perf_counter() - started
size = sum(map(len, texts))
if size < context.characters:
    exact = sum(tokens.count_each(context.text(s, s + 1_000_000) for s in range(0, context.characters, 1_000_000)))
print(json.dumps([estimated, estimating, exact, size / one_thread / 1e6, size / all_threads / 1e6]))
"""
PEERS = {
    "repomix": ["repomix", "--no-security-check", "--no-git-sort-by-changes", "--quiet", "-o", "/dev/null"],
    "gitingest": ["gitingest", "-o", "/dev/null"],
    "files-to-prompt": ["files-to-prompt", "-o", "/dev/null"],
}


class Measured:
    """What one process took."""

    def __init__(self, cpu: float, wall: float, megabytes: float, out: str) -> None:
        self.cpu = cpu
        self.wall = wall
        self.megabytes = megabytes
        self.out = out


def measure(command: list[str], runs: int = RUNS) -> Measured | None:
    """Return the least of several runs; None when it fails or takes too long."""
    found: Measured | None = None
    for _ in range(runs):
        with tempfile.TemporaryFile() as out:
            started = time.perf_counter()
            process = subprocess.Popen(command, stdout=out, stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL)
            killed = False
            while True:
                pid, status, usage = os.wait4(process.pid, os.WNOHANG)
                if pid:
                    break
                if time.perf_counter() - started > PATIENCE:
                    process.kill()
                    killed = True
                time.sleep(0.002)
            wall = time.perf_counter() - started
            process.returncode = os.waitstatus_to_exitcode(status)
            if killed or process.returncode != 0:
                return None
            out.seek(0)
            one = Measured(
                usage.ru_utime + usage.ru_stime, wall, usage.ru_maxrss / 1024, out.read().decode("utf-8", "replace")
            )
        found = one if found is None or one.cpu < found.cpu else found
    return found


def python(code: str, *arguments: str) -> list[str]:
    return [sys.executable, "-c", code, *arguments]


def show(name: str, one: Measured | None, floor: Measured | None = None) -> None:
    if one is None:
        print(f"  {name:<28} failed, or stopped after {PATIENCE:.0f} s")
        return
    ratio = f"{one.cpu / floor.cpu:6.2f}x of the floor" if floor is not None else ""
    print(f"  {name:<28} {one.cpu:7.2f} s CPU {one.wall:7.2f} s wall {one.megabytes:7.0f} MB {ratio}")


def without(one: Measured | None, start: Measured | None) -> Measured | None:
    """Return what is left of a row without what starting took."""
    if one is None or start is None:
        return None
    return Measured(max(1e-9, one.cpu - start.cpu), one.wall - start.wall, one.megabytes, one.out)


def tree(folder: str) -> None:
    bare, empty = measure(python("print(0)")), measure(python(NOTHING))
    floor = without(measure(python(FLOOR, folder)), bare)
    assert floor is not None
    size = int(floor.out)
    print(f"{Path(folder).name}: {size / 1e6:,.1f} MB of UTF-8")
    show("floor", floor)
    show("rlm, loading", without(measure(python(LOAD, folder)), empty), floor)
    inspect = measure([str(Path(sys.executable).with_name("rlm")), "inspect", folder])
    show("rlm inspect, whole command", inspect, floor)
    if inspect is not None:
        allowed = 1.3 * size / 1e6 + 150
        print(f"  {'':28} peak {inspect.megabytes:.0f} MB, allowed {allowed:.0f} MB")
    counted = measure(python(TOKENS, folder), runs=1)
    if counted is not None:
        estimated, estimating, exact, one_thread, all_threads = json.loads(counted.out)
        error = 100 * (estimated - exact) / exact
        print(f"  tokens ~{estimated:,} for {exact:,}: {error:+.2f} % in {1000 * estimating:.0f} ms CPU")
        print(f"  exact count {all_threads:.1f} M characters/s; tiktoken on one thread {one_thread:.1f}")
    for name, command in PEERS.items():
        if shutil.which(command[0]) is not None:
            show(name, measure([*command, folder], runs=1), floor)


def pdf(path: str) -> None:
    bare = without(measure(python(BARE_PDF, path)), measure(python(NO_PDF)))
    print(Path(path).name)
    show("bare pypdfium2", bare)
    ours = without(measure(python(LOAD, path)), measure(python(NOTHING)))
    # The child's start is part of ours: it is paid once a run, however many PDFs there are.
    show("rlm, loading", ours, bare)


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        for each in sys.argv[1:]:
            (pdf if each.lower().endswith(".pdf") else tree)(each)
