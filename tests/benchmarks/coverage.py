"""What it costs to tell which documents were looked at: while prompts are sent, and once at the end.

Two runs over the same text, each in a process of its own: one whose sub-calls are sent 100 prompts of 500,000
characters, and one that greps for imports in half of the documents. CPU seconds, and by how much the memory rose.

    python tests/benchmarks/coverage.py FOLDER
"""

import random
import resource
import subprocess
import sys
import time

from rlm_cli.context import Context
from rlm_cli.engine.coverage import Seen, coverage
from rlm_cli.loaders import load

PROMPTS, SIZE = 100, 500_000


def peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def prompts(context: Context) -> list[str]:
    return [context.text(start, start + SIZE) for start in range(0, min(context.characters, PROMPTS * SIZE), SIZE)]


def hits(context: Context) -> list[str]:
    half = random.Random(1).sample(context.documents, len(context.documents) // 2)
    shown = []
    for document in half:
        lines = context.text(document.span.start, document.span.end).split("\n")
        shown += [f"{document.path}:{number}: {line}" for number, line in enumerate(lines, 1) if "import" in line]
    return ["\n".join(shown[start : start + 100]) for start in range(0, len(shown), 100)]


def measure(name: str, folder: str) -> None:
    context = load([folder]).context
    texts = prompts(context) if name == "prompts" else hits(context)
    before, began = peak(), time.process_time()
    seen = Seen()
    for text in texts:
        seen.add(text)
    added, adding = time.process_time(), peak()
    found = coverage(context, seen)
    ended = time.process_time()
    characters = sum(map(len, texts))
    print(
        f"{name:8} {len(texts):,} texts of {characters / 1e6:.1f} M characters: {added - began:.2f} s, "
        f"{adding - before:.0f} MB more; at the end, over {context.characters / 1e6:.0f} M characters in "
        f"{found.offered:,} documents: {ended - added:.2f} s, {peak() - adding:.0f} MB more; {found.looked_at:,} seen"
    )


if __name__ == "__main__":
    if len(sys.argv) == 3:
        measure(sys.argv[2], sys.argv[1])
    else:
        for name in ("prompts", "hits"):
            subprocess.run([sys.executable, __file__, sys.argv[1], name], check=True, timeout=600)
