"""Whole runs, in one process, whose servers misbehave by script: one batch of sub-calls, then the answers."""

import json
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from support.model_server import ModelServer, Scripted
from support.openai_server import OpenAIServer

from rlm_cli import analysis
from rlm_cli.events import CodeFinished, Event
from rlm_cli.results import Result
from rlm_cli.types import Limits, ModelSpec, Price, Profile

Script = Callable[[str, int], str | Scripted]
"""The reply to a prompt that is asked for the n-th time, counted from 1."""

KEY_NAME = "LOOPBACK_KEY"
PRICE = Price(1.0, 10.0)
_BATCH = """```repl
replies = llm_query_batched([f"p{{n}}" for n in range({number})])
for reply in replies:
    print(str(reply)[:40] if reply.ok else "FAILED " + reply.error)
FINAL([str(reply) if reply.ok else None for reply in replies])
```"""


def batch(number: int) -> str:
    """Return a root reply that asks p0, p1 ... at once and answers with what came: None for what failed."""
    return _BATCH.format(number=number)


def fine(prompt: str, _: int) -> str:
    return f"re {prompt}"


class WireRun:
    """One finished run: its result, its events, and how often the server was asked what."""

    def __init__(
        self,
        folder: Path,
        sub: Script = fine,
        root: str | Script = "",
        number: int = 4,
        server_of: type[ModelServer] = OpenAIServer,
        provider: str = "openai",
        spec: Mapping[str, Any] | None = None,
        stand_in: str | None = None,
        **limits: Any,
    ) -> None:
        """`spec`: fields of both models' specs; `stand_in`: a model that answers where the sub-model has failed."""
        self.counts: Counter[str] = Counter()
        self.events: list[Event] = []
        first = root or batch(number)

        def reply(body: dict[str, Any]) -> str | Scripted:
            prompt = str(body["messages"][-1]["content"])
            if body["model"] == "root":
                self.counts["root"] += 1
                return first if isinstance(first, str) else first(prompt, self.counts["root"])
            name = prompt if body["model"] == "sub" else f"{body['model']}:{prompt}"
            self.counts[name] += 1
            return sub(name, self.counts[name])

        (folder / "input.txt").write_text("some text\n")
        with server_of(reply) as self.server:
            fields: dict[str, Any] = {"max_output_tokens": 500, "timeout": 20, "price": PRICE, "api_key_env": KEY_NAME}
            fields |= {"api_base": self.server.url, **(spec or {})}
            others = () if stand_in is None else (ModelSpec(f"{provider}/{stand_in}", **fields),)
            models = ModelSpec(f"{provider}/root", **fields), ModelSpec(f"{provider}/sub", **fields, fallbacks=others)
            profile = Profile("test", "", *models, Limits(**limits), strategy="rlm")
            prepared = analysis.prepare([str(folder / "input.txt")], "what?", profile)
            self.result: Result = analysis.run(prepared.task, self.events.append)
            prepared.task.context.close()
            self.left_alone = self.server.await_open(0)
            """No connection was left open."""

    @property
    def answers(self) -> list[str | None]:
        answers: list[str | None] = json.loads(self.result.answer)
        return answers

    @property
    def asked(self) -> int:
        """Requests for sub-calls that the server has seen."""
        return self.counts.total() - self.counts["root"]

    @property
    def failures(self) -> dict[str, int]:
        return dict(self.result.failed_subcalls)

    @property
    def printed(self) -> str:
        """What the code has printed, as the root model sees it."""
        return "".join(event.output for event in self.events if isinstance(event, CodeFinished))
