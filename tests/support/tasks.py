"""Small corpora for the kinds of work, each with a known answer, and `rlm analyze --task` over them on loopback."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from support.command import Ran, rlm
from support.openai_server import OpenAIServer, Scripted
from support.profiles import profile

_SETTINGS = [word for each in ("strategy=rlm", "root.timeout=60", "sub.timeout=60") for word in ("--set", each)]


class Work:
    """One `rlm analyze INPUT --task KIND` with a scripted root model: its outcome and what the models were sent."""

    def __init__(
        self,
        folder: Path,
        named: Path,
        kind: str,
        root: list[str],
        sub: Callable[[str], str | Scripted],
        *options: str,
        question: str | None = None,
    ) -> None:
        replies = list(root)

        def reply(body: dict[str, Any]) -> str | Scripted:
            if body["model"] == "sub":
                return sub(body["messages"][-1]["content"])
            return replies.pop(0) if len(replies) > 1 else replies[0]

        with OpenAIServer(reply) as server:
            chosen = profile(folder, server.url, timeout=60)
            asked = [question] if question is not None else []
            self.ran: Ran = rlm(
                "analyze",
                str(named),
                *asked,
                "--task",
                kind,
                "-p",
                chosen,
                *_SETTINGS,
                *(options or ("-f", "json")),
            )
            self.requests = server.requests

    @property
    def result(self) -> dict[str, Any]:
        assert self.ran.code == 0, self.ran.err
        return self.ran.json()

    def told(self, iteration: int) -> str:
        """What the root model was told before an iteration, from 1."""
        roots = [body for body in self.requests if body["model"] == "root"]
        content: str = roots[iteration - 1]["messages"][-1]["content"]
        return content


def tables(answer: str) -> dict[str, list[dict[str, str]]]:
    """Return heading -> rows of the table below it, as Markdown has them."""
    found: dict[str, list[dict[str, str]]] = {}
    heading, columns = "", list[str]()
    for line in answer.split("\n"):
        if line.startswith("## "):
            heading, columns = line.removeprefix("## "), []
        elif line.startswith("|"):
            cells = [each.strip().replace("\\|", "|") for each in re.split(r"(?<!\\)\|", line.strip().strip("|"))]
            if not columns:
                columns = cells
            elif not set(line) <= set("|-: "):
                assert len(cells) == len(columns), line
                found.setdefault(heading, []).append(dict(zip(columns, cells, strict=True)))
    return found
