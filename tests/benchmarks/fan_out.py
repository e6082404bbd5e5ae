"""100 sub-calls of 0.2 s at 16 wide, through rlm and through bare litellm.completion in as many threads."""

import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent.parent))
os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"
os.environ["OPENAI_API_KEY"] = "none"

import litellm
from support.openai_server import OpenAIServer, Scripted

from rlm_cli import analysis
from rlm_cli.events import CodeFinished, CodeStarted, Event
from rlm_cli.types import Limits, ModelSpec, Price, Profile

CALLS, WIDTH, SECONDS, ROUNDS = 100, 16, 0.2, 5
CODE = f"```repl\nr = llm_query_batched([f'prompt {{n}}' for n in range({CALLS})])\n```"


def answer(body: dict[str, Any]) -> Scripted:
    if body["model"] == "sub":
        return Scripted("yes", delay=SECONDS)
    return Scripted(CODE if len(body["messages"]) == 2 else "FINAL(done)")


def through_rlm(server: OpenAIServer, file: Path) -> float:
    """Return the seconds that the cell with the batch took."""
    root, sub = (
        ModelSpec(f"openai/{name}", api_base=server.url, price=Price(0, 0), context_window=100_000)
        for name in ("root", "sub")
    )
    profile = Profile("benchmark", "", root, sub, Limits(concurrency=WIDTH))
    marks: list[float] = []

    def watch(event: Event) -> None:
        if isinstance(event, CodeStarted | CodeFinished):
            marks.append(time.perf_counter())

    prepared = analysis.prepare([str(file)], "q", profile)
    analysis.run(prepared.task, watch)
    return marks[1] - marks[0]


def through_litellm(server: OpenAIServer) -> float:
    """Return the seconds that the same calls take without rlm."""

    def call(number: int) -> Any:
        message = {"role": "user", "content": f"prompt {number}"}
        return litellm.completion("openai/sub", [message], api_base=server.url, max_tokens=8000, max_retries=0)

    started = time.perf_counter()
    with ThreadPoolExecutor(WIDTH) as pool:
        list(pool.map(call, range(CALLS)))
    return time.perf_counter() - started


def main() -> None:
    with tempfile.TemporaryDirectory() as folder, OpenAIServer(answer) as server:
        file = Path(folder, "input.txt")
        file.write_text("x\n")
        runs: list[Callable[[], float]] = [lambda: through_rlm(server, file), lambda: through_litellm(server)]
        for run in runs:
            run()  # the first calls of a process pay for imports and caches
        pairs = [[run() for run in runs] for _ in range(ROUNDS)]
    ours, bare = (statistics.median(each) for each in zip(*pairs, strict=True))
    ratio = statistics.median(one / other for one, other in pairs)
    print(
        f"{CALLS} sub-calls of {SECONDS} s, {WIDTH} wide: "
        f"rlm {ours:.2f} s, litellm {bare:.2f} s: {ratio:.2f}x (aim: 1.15x)"
    )


if __name__ == "__main__":
    main()
