"""A text, or a folder of them, asked about by the real command over a loopback server that answers by a function."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import yaml
from support.command import Ran, rlm
from support.events import check_events
from support.openai_server import OpenAIServer, Scripted

Answer = str | Scripted
WINDOW = 128_000
EVIDENCE = "```evidence\n{}\n```\nDoubt: {}\n"


def reply(answer: str, *evidence: str, doubt: str = "none") -> str:
    """Return a reply in the form that is asked for."""
    return f"{answer}\n\n" + EVIDENCE.format("\n".join(evidence), doubt)


class Asking:
    """What the server was sent, and what the command came to."""

    def __init__(
        self,
        folder: Path,
        files: Mapping[str, str],
        root: Answer | list[Answer],
        sub: Answer | Callable[[str], Answer] = "NONE",
        window: int | None = WINDOW,
        settings: Mapping[str, Any] | None = None,
        **limits: Any,
    ) -> None:
        """`window`: of both models; `settings`: further keys of the profile. Files: one is named itself, several by
        their folder.
        """
        self.folder, self.root, self._sub = folder, root, sub
        for name, text in files.items():
            path = folder / "in" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        self.input = folder / "in" / next(iter(files)) if len(files) == 1 else folder / "in"
        self.server = OpenAIServer(self._reply)
        self._window, self._settings, self._limits = window, settings or {}, limits

    def __enter__(self) -> "Asking":
        self.server.__enter__()
        model = {
            "api_base": self.server.url,
            "api_key_env": "LOOPBACK_KEY",
            "timeout": 5,
            "max_output_tokens": 500,
            "price": {"input": 1, "output": 10},
            **({"context_window": self._window} if self._window is not None else {}),
        }
        models = {role: {"model": f"openai/{role}", **model} for role in ("root", "sub")}
        self.profile = self.folder / "asking.yaml"
        self.profile.write_text(yaml.safe_dump({**models, "limits": self._limits, **self._settings}))
        return self

    def __exit__(self, *error: Any) -> None:
        self.server.__exit__(*error)

    def _reply(self, body: dict[str, Any]) -> Answer:
        if body["model"] == "sub":
            prompt = body["messages"][-1]["content"]
            return self._sub(prompt) if callable(self._sub) else self._sub
        if isinstance(self.root, list):
            return self.root.pop(0) if len(self.root) > 1 else self.root[0]
        return self.root

    def ask(self, *options: str, question: str = "who pays?") -> Ran:
        return rlm("analyze", str(self.input), question, "-p", str(self.profile), "--no-cache", *options)

    def result(self, *options: str, code: int = 0) -> dict[str, Any]:
        """Ask; return the result, once its events are what those of any run are."""
        events = self.folder / "events.jsonl"
        ran = self.ask("-f", "json", "--events", str(events), *options)
        assert ran.code == code, ran.err
        result = ran.json()
        self.events = [json.loads(line) for line in events.read_text().splitlines()]
        check_events(self.events, result)
        return result

    @property
    def kinds(self) -> list[str]:
        return [each["type"] for each in self.events]

    def requests(self, model: str) -> list[list[dict[str, str]]]:
        """The messages of each request to a model, in order."""
        return [body["messages"] for body in self.server.requests if body["model"] == model]
