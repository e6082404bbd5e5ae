"""A client whose answers are a list, and a clock that moves only by waiting."""

import threading
from collections.abc import Callable

from rlm_cli.errors import ModelError
from rlm_cli.types import ModelSpec, Reply, Request, Usage

SPEC = ModelSpec("openai/any")
GOOD = Reply("good", Usage(calls=1, input_tokens=3, output_tokens=1))


class Time:
    """A clock that moves only by sleeping."""

    def __init__(self) -> None:
        self.now = 100.0
        self.slept: list[float] = []

    def clock(self) -> float:
        return self.now

    def wait(self, condition: threading.Condition, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


class Listed:
    """A client that goes through a list of outcomes; the last one stays."""

    def __init__(self, *outcomes: Reply | ModelError, during: Callable[[Request], object] | None = None) -> None:
        self.outcomes = outcomes
        self.asked: list[Request] = []
        self.during = during
        self.closed = False

    def complete(self, request: Request) -> Reply:
        self.asked.append(request)
        if self.during is not None:
            self.during(request)
        outcome = self.outcomes[min(len(self.asked), len(self.outcomes)) - 1]
        if isinstance(outcome, ModelError):
            raise outcome
        return outcome

    def recall(self, request: Request) -> Reply | None:
        return None

    def close(self) -> None:
        self.closed = True
