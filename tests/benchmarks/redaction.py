"""What hiding secrets costs: CPU of whole runs with 100 prompts of 50,000 characters, and of half a million.

The same run twice, with `redact: true` and `redact: false`, over a loopback server that is taken to be in the cloud.
"""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

import yaml
from support.openai_server import OpenAIServer
from support.planted import PLANTED

from rlm_cli.redaction import Redactor

PROMPTS = 100
CODE = """```repl
prompts = [f"{{n}}: " + context[n * {size} : (n + 1) * {size}] for n in range({prompts})]
replies = llm_query_batched(prompts)
print(sum(reply.ok for reply in replies))
```"""
ROUNDS = 3


def source(size: int, every: int) -> str:
    """Return Python code of the standard library, with a secret after so many files."""
    parts, total, plants, number = list[str](), 0, [plant.line for plant in PLANTED.values()], 0
    files = sorted(Path(os.__file__).parent.rglob("*.py"))
    while total < size:
        for path in files:
            text = path.read_text("utf-8", "ignore")
            parts += (text, plants[number // every % len(plants)] if number % every == 0 else "", "\n")
            total, number = total + len(text), number + 1
            if total >= size:
                break
    return "".join(parts)[:size]


def seconds_of(folder: Path, text: Path, size: int, redact: bool) -> float:
    """Return the CPU seconds of one run, its children included."""
    with OpenAIServer([CODE.format(size=size, prompts=PROMPTS), *["ok"] * PROMPTS, "FINAL(done)"]) as server:
        model = {"model": "openai/m", "api_base": server.url, "price": {"input": 0, "output": 0}, "redact": redact}
        profile = folder / "profile.yaml"
        profile.write_text(
            yaml.safe_dump(
                {"strategy": "rlm", "root": model, "sub": model, "limits": {"timeout": 900, "concurrency": 2}}
            )
        )
        words = ["analyze", str(text), "what is it?", "-p", str(profile), "-q", "--no-record", "--no-cache"]
        process = subprocess.Popen(
            [sys.executable, "-c", "from rlm_cli.cli.app import app; app()", *words],
            env={**os.environ, "OPENAI_API_KEY": "none"},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        _, status, used = os.wait4(process.pid, 0)
        if status or len(server.requests) != PROMPTS + 2:
            raise SystemExit(f"the run failed: {status}, {len(server.requests)} requests")
    return used.ru_utime + used.ru_stime


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        text = Path(folder, "input.txt")
        for size, every in ((50_000, 100), (500_000, 100), (500_000, 1)):
            content = source(PROMPTS * size, every)
            text.write_text(content)
            redactor, encoded = Redactor(), content.encode()
            begun = time.process_time()
            redactor.learn(encoded[at : at + (1 << 20)] for at in range(0, len(encoded), 1 << 20))
            learning = (time.process_time() - begun) * 1e8 / len(encoded)
            begun = time.process_time()
            for at in range(0, len(content), size):
                redactor.hide(content[at : at + size])
            hiding = (time.process_time() - begun) / PROMPTS
            runs = [[seconds_of(Path(folder), text, size, redact) for redact in (True, False)] for _ in range(ROUNDS)]
            on, off = (min(each) for each in zip(*runs, strict=True))
            number = sum(redactor.hidden.values())
            print(f"{PROMPTS} prompts of {size:,}, a secret in every {every} files: {number} secrets")
            print(f"  100 MB are looked through in {learning:.2f} s, a prompt in {hiding * 1000:.2f} ms")
            print(f"  {on:.2f} s of CPU, {off:.2f} s without redaction: {on / off - 1:+.1%}")


if __name__ == "__main__":
    main()
