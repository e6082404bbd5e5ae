"""Root input tokens of a run of ten iterations, ours against the official library's, over the same text and replies.

    python -m venv elsewhere && elsewhere/bin/pip install rlms==0.1.3
    python tests/benchmarks/official_prompt.py elsewhere/bin/python [INPUT...]

Both programs run whole, with their defaults, against a loopback server that answers with the same ten scripted replies:
a note of some fifty words and a block of code each, three of them with calls of the sub-model; only the last differs,
by how an answer is given. What is counted is every message that came over the wire, with one tokenizer, and the same
few tokens for the frame of a message. The scripts differ in how much their code prints. Without INPUT the text is a
megabyte of Python's own library. A call whose prefix was sent before is counted in full; the share of such tokens,
which providers bill at a fraction, is printed beside it.
"""

import os
import subprocess
import sys
import tempfile
import tokenize
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent.parent))

from support.openai_server import OpenAIServer

from rlm_cli import analysis
from rlm_cli.loaders import load
from rlm_cli.tokens import count_tokens
from rlm_cli.types import Limits, ModelSpec, Price, Profile

QUESTION = (
    "Which functions open a file or a connection and may leave it open when an error is raised half-way? Name each "
    "with its path and line, the most likely to happen first, and say what would have to be true for it to happen."
)
FRAME = 4
"""Tokens that each message costs beside its text, about, with every provider."""
AIM = 0.5
SCRIPTS: dict[str, tuple[int, ...]] = {
    "short": (300, 500, 400, 700, 200, 600, 300, 500, 400),
    "medium": (1_500, 3_000, 2_000, 4_000, 800, 3_000, 2_500, 1_200, 900),
    "long": (3_000, 30_000, 6_000, 5_000, 1_500, 30_000, 6_000, 4_000, 1_500),
    "whole": (12_000, 30_000, 18_000, 20_000, 6_000, 30_000, 15_000, 20_000, 8_000),
}
"""Name -> about how many characters each reply's code prints, the last one's left out: it answers."""

# In what both programs have; {n} is the number of characters.
STEPS = (
    """I start with the shape of the text: how it is divided, which names are used most, and what a typical part looks \
like. I do not want to read it whole, so I print counts and the beginning only, and decide from that where to look.
```repl
import re
from collections import Counter
lines = context.split("\\n")
words = Counter(re.findall(r"[a-z_]{{4,}}", context))
report = "\\n".join(f"{{word}}: {{count}}" for word, count in words.most_common(4000))
print(len(context), len(lines))
print(report[:{n}])
```""",
    """Next I collect every place that opens something. I search for several wordings, since files, sockets, processes \
and databases are opened in different ways, and look at what stands on those lines before I narrow them down.
```repl
openers = re.compile(r"(?<![.\\w])open\\(|socket\\(|connect\\(|Popen\\(|urlopen\\(|mkstemp\\(|[a-z]+ = |return ")
hits = [(number, line) for number, line in enumerate(lines, 1) if openers.search(line)]
print(len(hits), "places")
text = "\\n".join(f"{{number}}: {{line}}" for number, line in hits)
print(text[:{n}])
```""",
    """Many of these are inside a with statement and so are closed whatever happens. I take them out and count what is \
left, and print a sample of the rest with the line that follows, to see whether a try stands there.
```repl
safe = re.compile(r"^\\s*(async )?with |closing\\(|enter_context\\(")
left = [(number, line) for number, line in hits if not safe.search(line)]
print(len(left), "of", len(hits), "are not in a with statement")
after = [*lines[1:], ""]
sample = "\\n".join(f"{{number}}: {{line}}\\n    {{after[number - 1]}}" for number, line in left)
print(sample[:{n}])
```""",
    """Now I need the functions around those places. I look upwards from each to the nearest def with less \
indentation, and group by function, so that each is judged once and with all its lines.
```repl
def around(number):
    indent = len(lines[number - 1]) - len(lines[number - 1].lstrip())
    for above in range(number - 1, 0, -1):
        line = lines[above - 1]
        if line.lstrip().startswith(("def ", "async def ")) and len(line) - len(line.lstrip()) < indent:
            return above
    return None
functions = {{}}
for number, line in left[:3000]:
    functions.setdefault(around(number), []).append(number)
functions.pop(None, None)
print(len(functions), "functions")
names = "\\n".join(f"{{above}}: {{lines[above - 1].strip()}} -> {{functions[above][:5]}}" for above in functions)
print(names[:{n}])
```""",
    """Whether a function closes what it opened is a question of meaning. I pack the functions into a few large \
prompts, with the definition of what counts first, and ask for one line for each with its number.
```repl
RULE = "For each function below say, one a line, NUMBER: yes or no, whether it may leave something open on an error.\\n"
bodies = [f"### {{above}}\\n" + "\\n".join(lines[above - 1:above + 30]) for above in list(functions)[:120]]
packs = ["\\n\\n".join(bodies[start:start + 40]) for start in range(0, len(bodies), 40)]
replies = llm_query_batched([RULE + pack for pack in packs])
print(len(packs), "prompts,", [len(str(reply)) for reply in replies])
print("\\n".join(str(reply) for reply in replies)[:{n}])
```""",
    """I read the most suspicious ones myself, because a short verdict may have missed a finally further down. I print \
them whole, with their line numbers, so that I can quote from them later.
```repl
chosen = list(functions)[:60]
shown = []
for above in chosen:
    end = min(above + 40, len(lines))
    shown.append("\\n".join(f"{{number}}: {{lines[number - 1]}}" for number in range(above, end)))
print("\\n\\n".join(shown)[:{n}])
```""",
    """Some of these hand the opened thing to their caller, who has to close it, and those are no leaks. I ask \
once more for the borderline ones, the other way round, so that the two answers check each other.
```repl
AGAIN = "Which of these functions give what they opened to their caller? Reply with their numbers, commas between.\\n"
second = llm_query(AGAIN + "\\n\\n".join(bodies[:40]))
print(second)
print("\\n".join(f"{{number}}: {{lines[number - 1]}}" for number, _ in left)[:{n}])
```""",
    """I check the coverage in numbers: how many places were found, how many were judged, how many not, and whether \
there are wordings that I did not search for. Then I look at the near misses.
```repl
judged = {{number for above in list(functions)[:120] for number in functions[above]}}
others = [(number, line) for number, line in enumerate(lines, 1) if ".close()" in line or "finally:" in line]
print(len(left), "places,", len(judged), "judged,", len(others), "closing lines")
print("\\n".join(f"{{number}}: {{line}}" for number, line in others)[:{n}])
```""",
    """The list is nearly there. I put it together with places and reasons in one variable, and look at it once before \
I answer, so that no line number is off.
```repl
rows = [f"- line {{above}}: {{lines[above - 1].strip()}} opens at {{functions[above][0]}}" for above in chosen]
draft = "\\n".join(rows)
summary = llm_query("Sort these by how likely the error is, most likely first; keep each line as it is.\\n" + draft)
print(len(rows), "rows;", len(summary))
print(draft[:{n}])
```""",
)
LAST = """The draft agrees with what I have read. I give it as the answer, with what was not covered.
```repl
{given}
```"""
OURS = 'FINAL("Functions that may leave something open:\\n" + draft[:2000])'
THEIRS = 'answer["content"] = "Functions that may leave something open:\\n" + draft[:2000]\nanswer["ready"] = True'
SUB_REPLY = "\n".join(f"{number}: {'yes' if number % 7 == 0 else 'no'}" for number in range(100, 2000, 17))

DRIVER = """
import sys
from rlm import RLM
url, text, question = sys.argv[1:]
models = [{"model_name": name, "base_url": url, "api_key": "none"} for name in ("root", "sub")]
rlm = RLM(backend="openai", backend_kwargs=models[0], other_backends=["openai"], other_backend_kwargs=[models[1]])
print(rlm.completion(open(text, encoding="utf-8").read(), root_prompt=question).response)
"""
"""What the other program runs, with its defaults; a sub-model of its own, so that its calls can be told apart."""


@dataclass(frozen=True)
class Count:
    """What the root model was sent in one run."""

    requests: int
    parts: Counter[str]
    """system, first, replies, outputs, turns -> tokens over all requests."""
    repeated: int
    """Tokens of messages that the request before had at the same place."""

    @property
    def total(self) -> int:
        return sum(self.parts.values())


def replies(script: str, last: str) -> list[str]:
    steps = [step.format(n=size) for step, size in zip(STEPS, SCRIPTS[script], strict=True)]
    return [*steps, LAST.format(given=last)]


def served(script: str, last: str) -> OpenAIServer:
    waiting = replies(script, last)

    def reply(body: dict[str, Any]) -> str:
        return SUB_REPLY if body["model"] == "sub" else waiting.pop(0)

    return OpenAIServer(reply)


def counted(bodies: list[dict[str, Any]]) -> Count:
    parts: Counter[str] = Counter()
    repeated, before = 0, list[dict[str, Any]]()
    for body in bodies:
        messages, same, answered = body["messages"], True, False
        for number, message in enumerate(messages):
            text = message["content"]
            tokens = count_tokens(text) + FRAME
            same = same and number < len(before) and before[number] == message
            repeated += tokens if same else 0
            if message["role"] == "assistant":
                parts["replies"] += tokens
                answered = True
            elif message["role"] == "system":
                parts["system"] += tokens
            elif not answered:
                parts["first"] += tokens
            else:
                line = count_tokens(_last_line(text))
                parts["turns"] += line
                parts["outputs"] += tokens - line
        before = messages
    return Count(len(bodies), parts, repeated)


def _last_line(text: str) -> str:
    """Return the line of a message that only says which turn it is; "" where there is none."""
    line = text.rstrip("\n").rpartition("\n")[2]
    return line if line.startswith(("iteration ", "Turn ")) else ""


def theirs(python: str, script: str, text: Path) -> Count:
    with served(script, THEIRS) as server:
        ran = subprocess.run(
            [python, "-c", DRIVER, server.url, str(text), QUESTION], capture_output=True, text=True, timeout=300
        )
        if ran.returncode or "may leave something open" not in ran.stdout:
            sys.exit(f"the official library did not finish:\n{ran.stdout[-2000:]}{ran.stderr[-2000:]}")
        return counted([body for body in server.asked if body["model"] == "root"])


def ours(script: str, inputs: list[str]) -> tuple[Count, list[str]]:
    """Return the count, and the errors that cells ended in."""
    with served(script, OURS) as server:
        root, sub = (
            ModelSpec(f"openai/{name}", api_base=server.url, price=Price(1, 10), context_window=200_000)
            for name in ("root", "sub")
        )
        profile = Profile("benchmark", "", root, sub, Limits(), strategy="rlm")
        prepared = analysis.prepare(inputs, QUESTION, profile)
        events: list[dict[str, Any]] = []
        result = analysis.run(prepared.task, lambda event: events.append(event.to_json()))
        prepared.task.context.close()
        if "may leave something open" not in result.answer:
            sys.exit(f"rlm did not finish: {result.answer} {result.error} {result.warnings}")
        errors = [event["error"] for event in events if event["type"] == "code_finished" and event["error"]]
        return counted([body for body in server.asked if body["model"] == "root"]), errors


def own_text(folder: Path) -> Path:
    """Write a megabyte of Python's library, in the order of its names."""
    parts: list[str] = []
    size = 0
    for path in sorted(Path(os.__file__).parent.glob("*.py")):
        with tokenize.open(path) as file:
            parts.append(f"# ----- {path.name}\n{file.read()}")
        size += len(parts[-1])
        if size > 1_000_000:
            break
    text = folder / "library.txt"
    text.write_text("".join(parts), encoding="utf-8")
    return text


def main(python: str, *inputs: str) -> None:
    os.environ["OPENAI_API_KEY"] = "none"
    names = ["system", "first", "replies", "outputs", "turns"]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        named = list(inputs) or [str(own_text(folder))]
        whole = folder / "whole.txt"
        context = load(named).context
        whole.write_text(context.text(0, context.characters), encoding="utf-8")
        print(f"{context.characters:,} characters, {len(context.documents)} documents")
        context.close()
        print(f"{'':15}{'calls':>6}" + "".join(f"{each:>9}" for each in names) + f"{'total':>10}{'sent before':>13}")
        for script in SCRIPTS:
            other = theirs(python, script, whole)
            mine, errors = ours(script, named)
            for who, count in (("official", other), ("rlm", mine)):
                row = "".join(f"{count.parts[each]:9,}" for each in names)
                share = count.repeated / count.total
                print(f"{script:7}{who:8}{count.requests:6}{row}{count.total:10,}{share:13.0%}")
            print(f"{'':7}ratio {mine.total / other.total:.2f} (aim: {AIM})")
            for error in errors:
                print(f"{'':7}a cell of rlm's run failed: {error.splitlines()[0]}")


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    main(*sys.argv[1:])
