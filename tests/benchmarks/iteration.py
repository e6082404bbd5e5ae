"""What an iteration costs beyond its model call, and the memory of the whole process tree, at a large context."""

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

import yaml
from support.openai_server import OpenAIServer

MEGABYTES = 200
ITERATIONS = 30
CODE = "```repl\nn = len(context)\nprint(n)\n```"
MEMORY_AT_REST = 350


def proportional_megabytes(root: int) -> float:
    """Return the PSS of a process and all its descendants."""
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                fields = (entry / "stat").read_text().rsplit(")", 1)[1].split()
            except OSError:
                continue  # it has ended meanwhile
            children.setdefault(int(fields[1]), []).append(int(entry.name))
    total, waiting = 0, [root]
    while waiting:
        process = waiting.pop()
        waiting += children.get(process, [])
        try:
            rollup = Path(f"/proc/{process}/smaps_rollup").read_text()
        except OSError:
            continue
        total += int(next(line for line in rollup.splitlines() if line.startswith("Pss:")).split()[1])
    return total / 1024


def main() -> None:
    with tempfile.TemporaryDirectory() as folder, OpenAIServer([CODE] * ITERATIONS + ["FINAL(done)"]) as server:
        text = Path(folder, "input.txt")
        with text.open("w") as file:
            for number in range(MEGABYTES):
                file.write(f"line {number:06} of a plain text, long enough to be one\n" * (1_000_000 // 51))
        model = {"model": "openai/m", "api_base": server.url, "price": {"input": 0, "output": 0}}
        profile = Path(folder, "profile.yaml")
        profile.write_text(yaml.safe_dump({"strategy": "rlm", "root": model, "sub": model}))
        events = Path(folder, "events.jsonl")
        run = subprocess.Popen(
            [
                sys.executable, "-c", "from rlm_cli.cli.app import app; app()",
                "analyze", str(text), "what is it?", "-p", str(profile), "--events", str(events), "-q", "--no-record",
            ],
            env={**os.environ, "OPENAI_API_KEY": "none"},
            stdout=subprocess.DEVNULL,
        )  # fmt: skip
        peak = 0.0
        while run.poll() is None:
            peak = max(peak, proportional_megabytes(run.pid))
            time.sleep(0.02)
        recorded = [json.loads(line) for line in events.read_text().splitlines()]
        size = text.stat().st_size / 1e6
    starts = [event["at"] for event in recorded if event["type"] == "iteration_started"]
    calls = [event["seconds"] for event in recorded if event["type"] == "model_replied"]
    beyond = [
        (after - before - call) * 1000 for before, after, call in zip(starts[1:], starts[2:], calls[1:], strict=False)
    ]
    print(
        f"{len(beyond)} iterations at {size:.0f} MB: {statistics.median(beyond):.1f} ms beyond the model call, "
        f"{max(beyond):.1f} at worst (aim: 10); the call itself {statistics.median(calls) * 1000:.1f} ms"
    )
    aim = 2.1 * size + MEMORY_AT_REST
    print(f"peak PSS of the process tree {peak:.0f} MB = {peak / size:.2f}x the context (aim: {aim:.0f} MB)")


if __name__ == "__main__":
    main()
