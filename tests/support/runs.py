"""Whole runs over a loopback server, with the real sandbox, from scripted replies."""

from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from support.events import check_events
from support.openai_server import OpenAIServer, Scripted

from rlm_cli import analysis, schemas
from rlm_cli.budget import Budget
from rlm_cli.context import Context
from rlm_cli.engine import Engine
from rlm_cli.events import Event
from rlm_cli.llm import open_client
from rlm_cli.results import Result
from rlm_cli.sandbox import ChildRepl
from rlm_cli.task import Task
from rlm_cli.types import Limits, ModelSpec, Price, Profile


def cell(code: str) -> str:
    return f"```repl\n{code}\n```"


def of_child(messages: list[dict[str, str]]) -> bool:
    """They are those of a child run, and not of a sub-call whose reply has to fit a schema."""
    return messages[0]["role"] == "system" and not states_a_schema(messages[0]["content"])


def states_a_schema(first: str) -> bool:
    return first == schemas.stated(first.rpartition("\n")[2])


class Run:
    """One finished run: its result, its events and what the models were sent."""

    def __init__(
        self,
        folder: Path,
        root: Sequence[str | Scripted],
        sub: Callable[[str], str | Scripted] = lambda prompt: f"re {prompt}",
        child: Callable[[str, int], str | Scripted] = lambda first, given: "FINAL(nothing)",
        window: int = 100_000,
        text: str = "some text\n",
        program: Path | None = None,
        files: dict[str, str] | None = None,
        findings: bool = False,
        verify: bool = True,
        schema: str | None = None,
        interrupt_at: int | None = None,
        **limits: Any,
    ) -> None:
        """`program`: what the sandbox's child runs, where it is not the real one (children/). `files`: path -> text,
        in place of `text`. `child`: the reply of a child run's model to its first message and after so many replies.
        `interrupt_at`: the number of the event, from 0, at which the user presses Ctrl-C.
        """
        replies = list(root)

        def reply(body: dict[str, Any]) -> str | Scripted:
            messages = body["messages"]
            if body["model"] == "sub" and of_child(messages):
                return child(messages[1]["content"], len(messages) // 2 - 1)
            if body["model"] == "sub":
                return sub(messages[-1]["content"])
            return replies.pop(0) if len(replies) > 1 else replies[0]

        for name, content in (files or {"input.txt": text}).items():
            path = folder / "in" / name if files else folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content)
        self.events: list[Event] = []
        self._interrupt_at = interrupt_at
        with OpenAIServer(reply) as server:
            models = [
                ModelSpec(
                    f"openai/{name}", api_base=server.url, max_output_tokens=500, timeout=20, context_window=window,
                    price=Price(1, 10),
                )
                for name in ("root", "sub")
            ]  # fmt: skip
            profile = Profile("test", "", models[0], models[1], Limits(**limits), strategy="rlm")
            named = folder / "in" if files else folder / "input.txt"
            prepared = analysis.prepare([str(named)], "what?", profile, findings=findings, verify=verify, schema=schema)
            if program is None:
                self.result: Result = analysis.run(prepared.task, self._watch)
            else:
                self.result = self._drive(prepared.task, program)
            prepared.task.context.close()
            self.requests = server.requests

    def _watch(self, event: Event) -> None:
        self.events.append(event)
        if len(self.events) - 1 == self._interrupt_at:
            raise KeyboardInterrupt

    def _drive(self, task: Task, program: Path) -> Result:
        limits = task.profile.limits

        def open_repl(context: Context) -> ChildRepl:
            return ChildRepl(context, limits, 1_700_000_000.0, program)

        stream = Engine(open_client(task.profile), open_repl, Budget(limits)).run(task)
        while True:
            try:
                self.events.append(next(stream))
            except StopIteration as end:
                result: Result = end.value
                return result

    def of(self, *kinds: type[Event]) -> list[Any]:
        return [event for event in self.events if isinstance(event, kinds)]

    def told(self, iteration: int) -> str:
        """What the root model was told after an iteration."""
        roots = [body for body in self.requests if body["model"] == "root"]
        content: str = roots[iteration]["messages"][-1]["content"]
        return content

    def sub_prompts(self) -> list[str]:
        """What llm_query has sent."""
        sent = [body["messages"] for body in self.requests if body["model"] == "sub"]
        return [messages[-1]["content"] for messages in sent if not of_child(messages)]

    def child_requests(self) -> list[list[dict[str, str]]]:
        """The messages of each request that the model of a child run was sent."""
        sent = [body["messages"] for body in self.requests if body["model"] == "sub"]
        return [messages for messages in sent if of_child(messages)]

    def plain_events(self) -> list[dict[str, Any]]:
        return [event.to_json() for event in self.events]

    def check(self) -> None:
        """Hold the events to what holds for every run (events.py)."""
        check_events(self.plain_events(), {"usage": {"total": asdict(self.result.usage)}})
