"""Sub-calls of 0.2 s side by side, through rlm and through bare litellm.completion in as many threads.

Two settings, 100 calls at 16 wide and 1,000 at 64. Each measurement is a process of its own, which prints the seconds
of its batch, the CPU seconds that it took, and by how much its memory rose above what importing litellm had left. The
loopback server is another process: in ours it would hold up the very threads that are measured. The two take turns, and
the figure is the median of the ratios of neighbours, so that other work on the machine falls on both. A round in which
bare litellm loses a call, which it does now and then for a reason that was not found, is taken again and not counted.

    python tests/benchmarks/fan_out.py [ROUNDS]
"""

import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent.parent))
os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"
os.environ["OPENAI_API_KEY"] = "none"

SECONDS = 0.2
SETTINGS = ((100, 16), (1_000, 64))


def serve() -> None:
    """Be the server until stdin ends; the first line printed is its address."""
    from support.openai_server import OpenAIServer, Scripted

    def answer(body: dict[str, Any]) -> Scripted:
        if body["model"] == "sub":
            return Scripted("yes", delay=SECONDS)
        asked = body["messages"][1]["content"].partition("ask ")[2].partition(" times")[0]
        code = f"```repl\nr = llm_query_batched([f'prompt {{n}}' for n in range({asked})])\n```"
        return Scripted(code if len(body["messages"]) == 2 else "FINAL(done)")

    with OpenAIServer(answer) as server:
        print(server.url, flush=True)
        sys.stdin.read()


def peak() -> float:
    """Return the most memory that this process has had so far, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def through_rlm(url: str, calls: int, width: int) -> dict[str, float]:
    """Measure the cell with the batch."""
    from rlm_cli import analysis
    from rlm_cli.events import CodeFinished, CodeStarted, Event
    from rlm_cli.types import Limits, ModelSpec, Price, Profile

    root, sub = (
        ModelSpec(f"openai/{name}", api_base=url, price=Price(0, 0), context_window=100_000) for name in ("root", "sub")
    )
    limits = Limits(concurrency=width, max_subcalls=calls)
    marks: list[tuple[float, float]] = []

    def watch(event: Event) -> None:
        if isinstance(event, CodeStarted | CodeFinished):
            marks.append((time.perf_counter(), time.process_time()))

    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "input.txt")
        file.write_text("x\n")
        for number in (width, calls):  # the first calls of a process pay for connections and caches
            marks.clear()
            prepared = analysis.prepare(
                [str(file)], f"ask {number} times", Profile("benchmark", "", root, sub, limits, strategy="rlm")
            )
            before = peak()
            result = analysis.run(prepared.task, watch)
            assert result.usage_sub.calls == number, result
    (began, cpu), (ended, cpu_then) = marks
    return {"seconds": ended - began, "cpu": cpu_then - cpu, "memory": peak(), "more": peak() - before}


def through_litellm(url: str, calls: int, width: int) -> dict[str, float]:
    """Measure the same calls without rlm."""
    import litellm

    def call(number: int) -> Any:
        message = {"role": "user", "content": f"prompt {number}"}
        return litellm.completion("openai/sub", [message], api_base=url, max_tokens=8000, max_retries=0, timeout=10)

    call(-1)  # alone, so that litellm makes one client
    with ThreadPoolExecutor(width) as pool:
        list(pool.map(call, range(-width, 0)))
        before = peak()
        began, cpu = time.perf_counter(), time.process_time()
        list(pool.map(call, range(calls)))
        ended, cpu_then = time.perf_counter(), time.process_time()
    return {"seconds": ended - began, "cpu": cpu_then - cpu, "memory": peak(), "more": peak() - before}


def measured(what: str, url: str, calls: int, width: int) -> dict[str, float]:
    command = [sys.executable, __file__, what, url, str(calls), str(width)]
    quiet = subprocess.DEVNULL if what == "litellm" else None
    while True:
        ran = subprocess.run(command, stdout=subprocess.PIPE, stderr=quiet, text=True, timeout=300)
        if ran.returncode == 0:
            figures: dict[str, float] = json.loads(ran.stdout)
            return figures
        assert what == "litellm"
        print("  (litellm lost a call: once more)")


def compare(url: str, calls: int, width: int, rounds: int) -> None:
    pairs = [[measured(what, url, calls, width) for what in ("rlm", "litellm")] for _ in range(rounds)]

    def median(which: int, key: str) -> float:
        return statistics.median(pair[which][key] for pair in pairs)

    ratio = statistics.median(ours["seconds"] / bare["seconds"] for ours, bare in pairs)
    memory = statistics.median(ours["memory"] - bare["memory"] for ours, bare in pairs)
    print(f"{calls} sub-calls of {SECONDS} s, {width} wide, {rounds} rounds:")
    for which, name in enumerate(("rlm", "litellm")):
        cpu = median(which, "cpu") * 1000 / calls
        print(f"  {name:8} {median(which, 'seconds'):.2f} s, {cpu:.1f} ms CPU a call, {median(which, 'memory'):.0f} MB")
    print(f"  ratio {ratio:.2f} (aim: 1.15), {memory:.0f} MB more (aim: 100)")


def main(rounds: int = 5) -> None:
    command = [sys.executable, __file__, "serve"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        assert server.stdin is not None
        url = server.stdout.readline().strip()
        for calls, width in SETTINGS:
            compare(url, calls, width, rounds)
        server.stdin.close()


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["serve"]:
            serve()
        case ["rlm" | "litellm" as what, url, calls, width]:
            measure = through_rlm if what == "rlm" else through_litellm
            print(json.dumps(measure(url, int(calls), int(width))))
        case rest:
            main(*map(int, rest))
