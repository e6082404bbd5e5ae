"""A provider in this process that keeps the bill, and a session whose questions are a list: runs by the hundred.

What a call comes to (tokens, failures, how long it takes) is drawn from a seed, its prompt and the attempt at it, never
from the order in which threads happen to run.
"""

import hashlib
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from random import Random

from rlm_cli.errors import (
    CallTimedOut,
    ConnectionLost,
    EmptyReply,
    ModelError,
    RateLimited,
    Refused,
    RequestRejected,
    ServerFailed,
    Unreachable,
)
from rlm_cli.llm.litellm_client import cost_of
from rlm_cli.seams import Cell, CellFinished, Final, FromRepl, ReplFacts, ToRepl
from rlm_cli.types import Reply, Request, Usage
from rlm_cli.worst_case import expected_input

CODE = "```repl\npass\n```"
KNOWN = (ServerFailed, RateLimited, Unreachable, RequestRejected)
"""Failures that nobody is billed for."""
UNKNOWN = (ConnectionLost, CallTimedOut)
"""Failures that are billed here every time, though nobody is told."""
BILLED = (Refused, EmptyReply)
"""Failures that say what they were billed."""


@dataclass(slots=True)
class Provider:
    """Answers every model. Its bill is the truth, whatever has become of the caller."""

    seed: int = 0
    failing: float = 0.0
    """The share of the sub-model's attempts that fail; of the root model's it is a quarter of that."""
    kinds: tuple[type[ModelError], ...] = (*KNOWN, *UNKNOWN, *BILLED)
    """How attempts at the sub-model fail."""
    hanging: float = 0.0
    """The share of attempts that answer only after `release`."""
    counts: float = 1.0
    """Input tokens it counts at most, as a multiple of what the budget expects at most."""
    greedy: bool = False
    """It bills each call as dearly as its prompt, its cap and its price allow."""
    released: threading.Event = field(default_factory=threading.Event)
    cost: float = 0.0
    tokens: int = 0
    prompts: Counter[str] = field(default_factory=Counter)
    """What the sub-model was sent, and how often."""
    bills: list[tuple[Request, Usage]] = field(default_factory=list)
    _attempts: Counter[str] = field(default_factory=Counter)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def recall(self, request: Request) -> Reply | None:
        return None

    def close(self) -> None:
        self.released.set()

    def complete(self, request: Request) -> Reply:
        prompt = "\n".join(message.text for message in request.messages)
        with self._lock:
            self._attempts[prompt] += 1
            number = self._attempts[prompt]
            if request.role == "sub":
                self.prompts[prompt] += 1
        named = f"{self.seed} {number} {request.spec.model} {prompt}"
        chance = Random(hashlib.sha256(named.encode()).digest())
        time.sleep(chance.choice((0, 0, 0.0005, 0.002)))
        if chance.random() < self.hanging:
            self.released.wait(30)
        text = CODE if request.role == "root" else "yes"
        if chance.random() >= (self.failing if request.role == "sub" else self.failing / 4):
            return Reply(text, self._bill(request, chance), truncated=False)
        kind = chance.choice(self.kinds if request.role == "sub" else (ServerFailed, ConnectionLost))
        if kind in UNKNOWN:
            self._bill(request, chance)
        raise kind("it failed", usage=self._bill(request, chance) if kind in BILLED else None)

    def _bill(self, request: Request, chance: Random) -> Usage:
        """Charge for a call as dearly as its prompt and its cap allow, or for less."""
        most = int(expected_input(request.messages) * self.counts)
        price = request.spec.price
        assert price is not None
        taken = request.spec.max_output_tokens
        # Where a step of the price begins or ends, a shorter prompt may be the dearer one.
        lengths = {most, *(each for step, _ in price.long for each in (step - 1, step) if 0 < each <= most)}
        if self.greedy:
            ways = [(given, *way) for given in lengths for way in ((given, 0), (0, given), (0, 0))]
        else:
            given = chance.choice((*sorted(lengths), chance.randint(1, most)))
            cached = chance.choice((0, given, chance.randint(0, given)))
            ways = [(given, cached, chance.choice((0, given - cached)))]
            taken = chance.randint(0, taken)
        cost, given, cached = max(
            (cost_of(price, given, cached, written, taken) or 0.0, given, cached) for given, cached, written in ways
        )
        usage = Usage(1, 0, given, cached, taken, cost)
        with self._lock:
            self.bills.append((request, usage))
            self.tokens += usage.tokens
            self.cost += cost
        return usage


class ListedRepl:
    """A session that asks what is on its list, a list for each cell; when they are used up it answers."""

    facts = ReplFacts("3.12.0", ("re",), ("process",))

    def __init__(self, cells: Sequence[Sequence[FromRepl]]) -> None:
        self._cells = [list(cell) for cell in cells]
        self._left: Iterator[FromRepl] = iter(())
        self.answers: list[ToRepl] = []

    def send(self, cell: Cell) -> None:
        over = CellFinished("", 0, None, None if self._cells and cell.number else Final("done"), ())
        asked = self._cells.pop(0) if self._cells and cell.number else []
        self._left = iter([*asked, over])

    def receive(self, timeout: float) -> FromRepl:
        return next(self._left)

    def answer(self, answer: ToRepl) -> None:
        self.answers.append(answer)

    def close(self) -> None:
        """There is nothing to close."""
