"""One run in several sittings: begun, ended early in some way, and resumed, as commands over one loopback server.

Without the cache of replies, which would answer much that the record is to answer.
"""

import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from support.command import Ran, rlm
from support.openai_server import OpenAIServer, Scripted
from support.profiles import profile
from support.runs import of_child, states_a_schema

from rlm_cli.trajectory import run_folder, run_ids
from rlm_cli.trajectory.sealed_lines import opened


def cell(code: str) -> str:
    return f"```repl\n{code}\n```"


VARYING: list[str | Scripted] = [
    cell("first = llm_query_batched([f'item {n}' for n in range(5)])\nprint(first, budget())\nprint(object())"),
    cell("second = llm_query('one') + llm_query('two')\nprint(llm_query('item 3'), second)\n1 / 0"),
    cell("try:\n    llm_query_batched([str(n) for n in range(90)])\nexcept SubCallError as error:\n    print(error)"),
    "just words",
    cell("FINAL(' | '.join(first) + second, evidence=[('input.txt', 'pays 500')], doubt='none')"),
]
"""With all that may come out otherwise when it is run again: what is left, what a batch cost, addresses of memory."""


class Sittings:
    """A server whose root model goes through `root` by the number of replies it has given, and a text to ask about."""

    def __init__(
        self,
        folder: Path,
        root: list[str | Scripted],
        sub: Callable[[str], str | Scripted] = lambda prompt: f"re {prompt}",
        text: str = "the tenant pays 500 euros\n",
        child: Callable[[str, int], str | Scripted] = lambda question, given: "FINAL(nothing)",
        **limits: Any,
    ) -> None:
        """`child`: the reply of a child run's model to its question and after so many replies."""
        self.root, self.sub, self.child = root, sub, child
        self.input = folder / "input.txt"
        self.input.write_text(text)
        self.server = OpenAIServer(self._reply)
        self._folder, self._limits = folder, limits

    def __enter__(self) -> "Sittings":
        self.server.__enter__()
        self.profile = profile(self._folder, self.server.url, **self._limits)
        return self

    def __exit__(self, *error: Any) -> None:
        self.server.__exit__(*error)

    def _reply(self, body: dict[str, Any]) -> str | Scripted:
        messages = body["messages"]
        given = sum(message["role"] == "assistant" for message in messages)
        if body["model"] == "sub" and of_child(messages):
            return self.child(question_of(messages[1]["content"]), given)
        if body["model"] == "sub":
            return self.sub(messages[-1]["content"])
        reply: str | Scripted = self.root[min(given, len(self.root) - 1)]
        return reply

    def begin(self, *options: str) -> Ran:
        return rlm("analyze", str(self.input), "who pays?", "-p", self.profile, "--no-cache", *options)

    def resume(self, *options: str, stdin: bytes = b"") -> Ran:
        return rlm("runs", "resume", "--no-cache", *options, stdin=stdin)

    @property
    def run_id(self) -> str:
        return run_ids()[0]

    def record(self, name: str = "calls.jsonl") -> Path:
        path: Path = run_folder(self.run_id) / name
        return path

    def asked(self) -> Counter[str]:
        """Count the requests at the server, each by its last message; those of runs by how many came before."""
        return Counter(
            called([each["content"] for each in body["messages"]], body["model"] == "root")
            for body in self.server.requests
        )


def question_of(first: str) -> str:
    return first.split("\n")[2]


def called(messages: list[str], of_root: bool) -> str:
    """Name a request: `root 4`, `child what? 4`, or the prompt of a plain sub-call."""
    if of_root:
        return f"root {len(messages)}"
    plain = len(messages) == 1 or states_a_schema(messages[0])
    return messages[-1] if plain else f"child {question_of(messages[1])} {len(messages)}"


def events(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def answered(record: bytes) -> set[str]:
    """Return what is answered in the whole lines of a record, named as `asked` does."""
    texts: dict[str, str] = {}
    sent: dict[str, str] = {}
    found = set()
    for line in record.splitlines(keepends=True):
        if not line.endswith(b"\n"):
            break
        told = json.loads(opened(line) or b"{}")
        if "message" in told:
            texts[told["message"]] = told["text"]
        elif "messages" in told:
            sent[told["path"]] = called([texts[digest] for _, digest in told["messages"]], told["role"] == "root")
        elif "reply" in told:
            found.add(sent[told["path"]])
    return found
