"""A limit is a limit: over random prices, widths, limits, replies and failures the true bill stays within it.

The real engine, budget, threads and layers, between a provider that keeps the bill and a session that asks from a list.
"""

import threading
import time
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from support.events import check_events
from support.provider import BILLED, KNOWN, UNKNOWN, ListedRepl, Provider
from support.repl import context_of

from rlm_cli.budget import Budget
from rlm_cli.context import Context
from rlm_cli.engine import Engine
from rlm_cli.engine.prompts import SYSTEM
from rlm_cli.errors import ServerFailed
from rlm_cli.events import Event, SubcallStarted
from rlm_cli.llm.fallbacks import FallingBack
from rlm_cli.llm.layers import Remembering, Throttled
from rlm_cli.llm.retrying import Retrying
from rlm_cli.results import Result
from rlm_cli.seams import Asked, BudgetAsked, FromRepl, ModelClient
from rlm_cli.task import Task
from rlm_cli.types import Limits, Message, ModelSpec, Price, Profile

FAST = 300.0
"""Seconds that no run here comes near."""
UNSHRUNK = (Phase.explicit, Phase.generate)
"""Threads run otherwise each time: a smaller example would be looked for long, and not be found again."""


class _Time:
    """A clock that is moved on by waiting, which takes next to no time."""

    def __init__(self) -> None:
        self._slept = 0.0

    def clock(self) -> float:
        return time.monotonic() + self._slept

    def wait(self, condition: threading.Condition, seconds: float) -> None:
        if not condition.wait(min(seconds, 0.002)):
            self._slept += seconds


@pytest.fixture(scope="module")
def context() -> Iterator[Context]:
    made = context_of({"input.txt": "some text\n"})
    yield made
    made.close()


class Holding:
    """One run to its end, with every thread that it has left behind."""

    def __init__(
        self,
        context: Context,
        provider: Provider,
        models: tuple[ModelSpec, ModelSpec],
        limits: Limits,
        cells: list[list[FromRepl]],
        interrupted_at: int | None = None,
    ) -> None:
        moved = _Time()
        client: ModelClient = Throttled(provider, limits.concurrency)
        client = Remembering(FallingBack(Retrying(client, moved.clock, moved.wait), moved.clock))
        self.repl = ListedRepl(cells)
        self.budget = Budget(limits)
        self.provider, self.limits = provider, limits
        self.events: list[Event] = []
        task = Task("r", "what?", context, Profile("p", "", *models, limits))
        self.result = self._drive(Engine(client, lambda _: self.repl, self.budget), task, interrupted_at)
        provider.released.set()
        for thread in threading.enumerate():
            if thread.name == "rlm-call":
                thread.join(30)
                assert not thread.is_alive()

    def _drive(self, engine: Engine, task: Task, interrupted_at: int | None) -> Result:
        stream = engine.run(task)
        while True:
            try:
                interrupted = len(self.events) == interrupted_at
                event = stream.throw(KeyboardInterrupt()) if interrupted else next(stream)
                self.events.append(event)
                self.watch(event)
            except StopIteration as end:
                result: Result = end.value
                return result

    def watch(self, event: Event) -> None:
        """See an event before the engine goes on."""

    def check(self) -> None:
        """Hold the run to what is promised of limits and of the account."""
        usage, written_off = self.result.usage, self.budget.written_off
        assert usage.cost_usd is not None
        assert self.provider.cost <= usage.cost_usd + written_off.cost_usd + 1e-9
        assert self.provider.tokens <= usage.tokens + written_off.tokens
        if self.limits.max_cost is not None:
            assert self.provider.cost <= self.limits.max_cost + 1e-9
            assert usage.cost_usd + written_off.cost_usd <= self.limits.max_cost + 1e-9
        if self.limits.max_tokens is not None:
            assert self.provider.tokens <= self.limits.max_tokens
        assert len(self.provider.prompts) <= self.limits.max_subcalls
        assert self.result.subcalls <= self.limits.max_subcalls
        check_events([event.to_json() for event in self.events], {"usage": {"total": asdict(usage)}})


# --- what may come ------------------------------------------------------------------------------------------------


dollars = st.sampled_from((0.0, 0.1, 1.0, 2.5, 10.0, 40.0))


def price_of(parts: list[float | None], steps: list[tuple[int, Price]]) -> Price:
    return Price(parts[0] or 0.0, parts[1] or 0.0, parts[2], parts[3], tuple(sorted(steps, key=lambda step: step[0])))


parts = st.tuples(dollars, dollars, st.none() | dollars, st.none() | dollars).map(list)
plain_prices = st.builds(price_of, parts, st.just([]))
prices = st.builds(
    price_of,
    parts,
    st.lists(st.tuples(st.sampled_from((50, 115, 130, 500, 2_000, 9_000)), plain_prices), max_size=2),
)


@st.composite
def specs(draw: st.DrawFn, name: str, spares: int) -> ModelSpec:
    fallbacks = tuple(draw(specs(f"{name}-spare{n}", 0)) for n in range(draw(st.integers(0, spares))))
    return ModelSpec(
        f"openai/{name}",
        max_output_tokens=draw(st.sampled_from((1, 50, 500, 4_000))),
        price=draw(prices),
        fallbacks=fallbacks,
    )


@st.composite
def questions(draw: st.DrawFn) -> FromRepl:
    width = draw(st.sampled_from((64, 16, 2, 1, 0)))
    if width == 0:
        return BudgetAsked()
    size = draw(st.sampled_from((0, 10, 1_500)))
    first = draw(st.integers(0, 100))
    model = draw(st.sampled_from((None, None, "root")))
    return Asked(tuple(f"{number} {'word ' * size}" for number in range(first, first + width)), model, width > 1)


@st.composite
def runs(draw: st.DrawFn) -> dict[str, Any]:
    root, sub = draw(specs("root", 1)), draw(specs("sub", 2))
    budget = Budget(Limits())
    opening = budget.worst_case(root, (Message("system", SYSTEM), Message("user", "word " * 500)), 6_000)
    one = budget.worst_case(sub, (Message("user", "word " * draw(st.sampled_from((0, 10, 1_500)))),))
    last, calls = draw(st.sampled_from((2, 3, 4, 1))), draw(st.sampled_from((8.5, 40.5, 100.5, 1.5)))
    capped = draw(st.sampled_from(("cost", "cost", "cost", "tokens", "both", "neither")))
    limits = Limits(
        max_cost=last * opening.cost_usd + calls * one.cost_usd if capped in ("cost", "both") else None,
        max_tokens=int(last * opening.tokens + calls * one.tokens) if capped in ("tokens", "both") else None,
        max_subcalls=draw(st.sampled_from((1_000, 100, 20, 1, 0))),
        max_iterations=draw(st.integers(1, 4)),
        timeout=draw(st.sampled_from((FAST, FAST, FAST, FAST, 0.1))),
        concurrency=draw(st.sampled_from((64, 16, 3, 1))),
    )
    return {
        "models": (root, sub),
        "limits": limits,
        "provider": Provider(
            draw(st.integers(0, 10**6)),
            failing=draw(st.sampled_from((0.0, 0.1, 0.4))),
            hanging=0.0 if limits.timeout == FAST else 0.1,
            greedy=draw(st.booleans()),
        ),
        "cells": draw(st.lists(st.lists(questions(), min_size=1, max_size=3), min_size=1, max_size=3)),
        "interrupted_at": draw(st.sampled_from((None, None, None, 1, 8, 20, 60))),
    }


@settings(max_examples=150, phases=UNSHRUNK)
@given(drawn=runs())
def test_no_limit_is_ever_exceeded_and_every_cent_is_in_the_account(context: Context, drawn: dict[str, Any]) -> None:
    Holding(context, **drawn).check()


@st.composite
def near_misses(draw: st.DrawFn) -> dict[str, Any]:
    """Runs that cannot but meet their cap: a wide batch at a greedy provider that fails much, for a cheap root."""
    sub = draw(specs("sub", 1).filter(lambda spec: any(each.price and each.price.output for each in spec.candidates)))
    root = ModelSpec("openai/root", max_output_tokens=100, price=Price(0.0, 0.01))
    size = draw(st.sampled_from((0, 200)))
    one = Budget(Limits()).worst_case(sub, (Message("user", "word " * size),))
    tokens = draw(st.booleans())
    calls = draw(st.sampled_from((1.2, 3.5, 20.5, 90.5)))
    limits = Limits(
        max_cost=None if tokens else 0.0001 + calls * one.cost_usd,
        max_tokens=30_000 + int(calls * one.tokens) if tokens else None,
        max_iterations=1,
        max_subcalls=1_000,
        concurrency=draw(st.sampled_from((64, 16))),
    )
    return {
        "models": (root, sub),
        "limits": limits,
        "provider": Provider(
            draw(st.integers(0, 10**6)),
            failing=draw(st.sampled_from((0.4, 0.9))),
            kinds=draw(st.sampled_from(((*KNOWN, *UNKNOWN, *BILLED), UNKNOWN, (ServerFailed, *UNKNOWN)))),
            greedy=True,
        ),
        "cells": [[Asked(tuple(f"{number} {'word ' * size}" for number in range(64)), None, True)]],
    }


@settings(max_examples=100, phases=UNSHRUNK)
@given(drawn=near_misses())
def test_a_cap_in_the_middle_of_a_failing_batch_holds_too(context: Context, drawn: dict[str, Any]) -> None:
    Holding(context, **drawn).check()


@settings(max_examples=60, phases=UNSHRUNK)
@given(drawn=runs())
def test_the_last_word_is_always_paid_for(context: Context, drawn: dict[str, Any]) -> None:
    drawn["provider"].failing = 0.0
    drawn["interrupted_at"] = None
    run = Holding(context, **drawn)
    # Its money is kept back; on a busy machine its time may be over all the same.
    late = any(each.startswith("no last word: the time limit") for each in run.result.warnings)
    if run.result.iterations and run.result.stop_reason != "timeout" and not late:
        assert not any(each.startswith("no last word") for each in run.result.warnings)
        assert run.result.answer


class Idling(Holding):
    """A run whose events nobody looks at for a while once the first sub-call has begun."""

    def watch(self, event: Event) -> None:
        if isinstance(event, SubcallStarted) and event.path == "0/1.1":
            time.sleep(0.05)


@pytest.mark.parametrize("factor", [1.0, 3.0])
@pytest.mark.parametrize("width", [1, 8, 64])
def test_a_provider_that_counts_too_much_gets_no_further_than_the_calls_in_flight(
    context: Context, width: int, factor: float
) -> None:
    root = ModelSpec("openai/root", max_output_tokens=10, price=Price(0.0, 0.0))
    sub = ModelSpec("openai/sub", max_output_tokens=10, price=Price(1.0, 1.0))
    prompts = tuple(f"{number} {'word ' * 1_500}" for number in range(300))
    one = Budget(Limits()).worst_case(sub, (Message("user", prompts[0]),)).cost_usd
    limits = Limits(max_cost=20.5 * one, max_subcalls=1_000, max_iterations=1, concurrency=width)
    run = Idling(context, Provider(counts=factor, greedy=True), (root, sub), limits, [[Asked(prompts, None, True)]])
    assert limits.max_cost is not None
    beyond = max(0.0, run.provider.cost - limits.max_cost)
    assert beyond <= min(width, 20) * (factor - 1) * one * 1.01
    assert run.result.usage.cost_usd == pytest.approx(run.provider.cost)
    assert run.result.stop_reason == "max_cost"
    assert beyond == 0 or (factor, width) in ((3.0, 8), (3.0, 64))
