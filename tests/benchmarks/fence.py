"""What the fence costs: ten typical cells, compiled by the policy and run with the guards, against plain exec.

Both run in this process, one after the other, again and again; the fastest of each counts. The design's aim is a
geometric mean of 1.15.
"""

import builtins
import math
import time
from types import CodeType
from typing import Any

from rlm_cli.sandbox.clock import Clock
from rlm_cli.sandbox.guards import Guards
from rlm_cli.sandbox.modules import Modules
from rlm_cli.sandbox.names import built_ins
from rlm_cli.sandbox.policy import compile_block

ROUNDS = 25
LINES = "\n".join(
    f"2024-0{number % 9 + 1}-1{number % 10} user{number % 37} GET /item/{number} {200 + number % 5}"
    for number in range(20_000)
)
CELLS = dict(
    part.split("\n", 1)
    for part in r"""
=== regex
import re
p = re.compile(r'user(\d+) GET')
found = [m.group(1) for m in map(p.search, lines) if m]
=== finditer
import re
spans = []
for m in re.finditer(r'/item/(\d+)', text):
    spans.append((m.start(), m.group(1)))
=== line loops
n = 0
for line in lines:
    line = line.strip()
    if line and 'user7' in line:
        n += len(line)
=== counting
from collections import Counter, defaultdict
by_user = defaultdict(int)
seen = {}
for line in lines:
    user = line.split()[1]
    by_user[user] += 1
    seen[user] = seen.get(user, 0) + 1
top = Counter(by_user).most_common(3)
=== unpacking
total = 0
for line in lines:
    date, user, *rest, code = line.split()
    total += int(code)
=== slicing
parts = []
for start in range(0, len(text), 50):
    piece = text[start:start + 50]
    parts.append(piece[::-1][:10])
=== comprehensions
pairs = {l[:10]: len(l) for l in lines}
long = [l.upper() for l in lines if len(l) > 30]
s = sum(len(x) for x in long)
=== index loops
out = [0] * len(lines)
for i in range(len(lines)):
    out[i] = len(lines[i]) + (out[i - 1] if i else 0)
=== sorting
rows = [(l.split()[1], len(l), i) for i, l in enumerate(lines)]
rows.sort(key=lambda r: (r[0], -r[1]))
best = max(rows, key=lambda r: r[1])
=== attribute writes
class Row:
    def __init__(self, line):
        self.line = line
        self.size = len(line)
        self.hits = 0
    def hit(self):
        self.hits += 1
        self._last = self.size
rows = [Row(l) for l in lines]
for r in rows:
    r.hit()
""".split("\n=== ")[1:]
)


def fenced() -> dict[str, Any]:
    """Return a namespace as model-written code finds it."""
    names: dict[str, Any] = {"__name__": "__main__"}
    guards = Guards(names, Clock(0))
    names["__builtins__"] = built_ins(guards, Modules(guards, Clock(0), print), print)
    names.update(guards.hooks())
    return names


def seconds(code: CodeType, names: dict[str, Any]) -> float:
    names = {**names, "text": LINES, "lines": LINES.split("\n")}
    started = time.perf_counter()
    exec(code, names)
    return time.perf_counter() - started


def main() -> None:
    ratios = []
    print(f"{'cell':<18}{'exec, ms':>10}{'fence, ms':>11}{'ratio':>8}")
    for name, source in CELLS.items():
        plain, guarded = compile(source, "cell", "exec"), compile_block(source, "cell")
        best = [math.inf, math.inf]
        for _ in range(ROUNDS):
            best[0] = min(best[0], seconds(plain, {"__builtins__": builtins, "__name__": "__main__"}))
            # Its classes are its own only in the namespace that its guards know.
            names = fenced()
            names.update(text=LINES, lines=LINES.split("\n"))
            started = time.perf_counter()
            exec(guarded, names)
            best[1] = min(best[1], time.perf_counter() - started)
        ratios.append(best[1] / best[0])
        print(f"{name:<18}{1000 * best[0]:>10.2f}{1000 * best[1]:>11.2f}{ratios[-1]:>8.2f}")
    print(f"geometric mean {math.exp(sum(map(math.log, ratios)) / len(ratios)):.3f} (aim 1.15)")


if __name__ == "__main__":
    main()
