"""The account: no limit is ever exceeded, not by calls side by side either, and the last word is always paid for."""

import threading
from dataclasses import replace

import pytest

from rlm_cli.budget import Budget
from rlm_cli.errors import LimitReached
from rlm_cli.types import Limits, Message, ModelSpec, Price, Request, Usage

SPEC = ModelSpec("openai/x", max_output_tokens=500, price=Price(1.0, 10.0))


def request(text: str = "hello", spec: ModelSpec = SPEC) -> Request:
    return Request("sub", spec, (Message("user", text),), timeout=10)


def used(cost: float | None, input_tokens: int = 10, output_tokens: int = 5) -> Usage:
    return Usage(calls=1, input_tokens=input_tokens, output_tokens=output_tokens, cost_usd=cost)


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_side_by_side_calls_cannot_overdraw_together() -> None:
    budget = Budget(Limits(max_cost=0.05))
    spent: list[float] = []

    def call() -> None:
        try:
            reservation = budget.admit(request())
        except LimitReached:
            return
        budget.settle(reservation, used(0.005))
        spent.append(0.005)

    threads = [threading.Thread(target=call) for _ in range(64)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    total = budget.usage().cost_usd
    assert total == pytest.approx(sum(spent))
    assert total is not None
    assert 0.04 <= total <= 0.05


def test_a_call_waits_for_what_open_calls_may_give_back() -> None:
    budget = Budget(Limits(max_cost=0.008))
    first = budget.admit(request())
    admitted: list[object] = []
    waiting = threading.Thread(target=lambda: admitted.append(budget.admit(request())))
    waiting.start()
    assert not admitted
    budget.settle(first, used(0.001))
    waiting.join(timeout=10)
    assert len(admitted) == 1


def test_what_is_kept_back_is_there_for_the_last_word_only() -> None:
    budget = Budget(Limits(max_cost=0.012))
    budget.keep_back(budget.worst_case(SPEC, request().messages))
    budget.settle(budget.admit(request()), used(0.004))
    with pytest.raises(LimitReached, match="kept back for the last word") as refused:
        budget.admit(request())
    assert refused.value.limit == "max_cost"
    budget.admit(request(), last_word=True)


def test_a_call_nobody_knows_the_end_of_stays_held_but_is_not_reported_as_spent() -> None:
    budget = Budget(Limits(max_cost=0.006))
    budget.settle(budget.admit(request()), None)
    assert budget.usage().cost_usd == 0
    with pytest.raises(LimitReached):
        budget.admit(request())


def test_lost_attempts_are_held_beside_the_one_that_succeeded() -> None:
    budget = Budget(Limits(max_cost=0.02))
    budget.settle(budget.admit(request()), used(0.005), lost=2)
    assert budget.usage().cost_usd == 0.005
    with pytest.raises(LimitReached):
        budget.admit(request())


def test_tokens_are_capped_like_money() -> None:
    budget = Budget(Limits(max_cost=None, max_tokens=1200))
    budget.settle(budget.admit(request()), used(0.0, 400, 300))
    with pytest.raises(LimitReached) as refused:
        budget.admit(request())
    assert refused.value.limit == "max_tokens"
    assert "700 used" in str(refused.value)


def test_a_provider_that_counts_more_than_we_do_is_believed_from_then_on() -> None:
    budget = Budget(Limits())
    before = budget.worst_case(SPEC, request().messages)
    budget.settle(budget.admit(request()), used(0.0, input_tokens=1000))
    assert budget.worst_case(SPEC, request().messages).input_tokens == 1000 > before.input_tokens


def test_calls_side_by_side_teach_the_same_lesson_once() -> None:
    budget = Budget(Limits())
    for reservation in [budget.admit(request()) for _ in range(5)]:
        budget.settle(reservation, used(0.0, input_tokens=1000))
    assert budget.worst_case(SPEC, request().messages).input_tokens == 1000


def test_a_prompt_is_reserved_for_at_the_price_of_writing_it_to_a_cache() -> None:
    budget = Budget(Limits())
    spec = replace(SPEC, price=Price(4.0, 10.0, 0.4, 5.0))
    worst = budget.worst_case(spec, request().messages)
    assert worst.cost_usd == pytest.approx((worst.input_tokens * 5.0 + 500 * 10.0) / 1e6)
    given_away = replace(SPEC, price=Price(4.0, 10.0, 0.4, 0.0))
    worst = budget.worst_case(given_away, request().messages)
    assert worst.cost_usd == pytest.approx((worst.input_tokens * 4.0 + 500 * 10.0) / 1e6)


def test_a_long_prompt_is_reserved_for_at_the_price_of_long_prompts() -> None:
    budget = Budget(Limits())
    spec = replace(SPEC, price=Price(1.0, 10.0, long=((1000, Price(2.0, 15.0)),)))
    short, long = (budget.worst_case(spec, request("word " * count).messages) for count in (100, 2000))
    assert short.cost_usd == pytest.approx((short.input_tokens * 1.0 + 500 * 10.0) / 1e6)
    assert long.cost_usd == pytest.approx((long.input_tokens * 2.0 + 500 * 15.0) / 1e6)


def test_an_unknown_price_makes_the_cost_unknown() -> None:
    budget = Budget(Limits(max_cost=None))
    budget.settle(budget.admit(request()), used(0.5))
    budget.settle(budget.admit(request(spec=ModelSpec("x/y"))), used(None))
    assert budget.usage().cost_usd is None


def test_a_cap_does_not_go_on_with_a_cost_it_cannot_know() -> None:
    budget = Budget(Limits(max_cost=1))
    budget.settle(budget.admit(request()), used(None))
    with pytest.raises(LimitReached, match="unknown"):
        budget.admit(request())


def test_subcalls_are_taken_all_or_none_and_the_refusal_names_what_is_left() -> None:
    budget = Budget(Limits(max_subcalls=5))
    budget.take_subcalls(3)
    with pytest.raises(LimitReached, match="2 of 5 left"):
        budget.take_subcalls(3)
    assert budget.subcalls == 3
    budget.take_subcalls(2)


def test_a_cell_may_store_what_came_after_the_calls_were_abandoned() -> None:
    now = [0.0]
    budget = Budget(Limits(timeout=100), clock=lambda: now[0])
    assert budget.seconds_left() == pytest.approx(85)
    assert budget.cell_seconds_left() == pytest.approx(85 + 0.33 * 15)
    assert budget.cell_seconds_left(last_word=True) == budget.seconds_left(last_word=True) == 100
    now[0] = 86
    assert budget.seconds_left() < 0 < budget.cell_seconds_left()


def test_time_for_the_last_word_is_kept_back_from_the_start() -> None:
    clock = Clock()
    budget = Budget(Limits(timeout=100), clock)
    clock.now = 90
    with pytest.raises(LimitReached) as refused:
        budget.admit(request())
    assert refused.value.limit == "timeout"
    budget.admit(request(), last_word=True)
    clock.now = 100
    with pytest.raises(LimitReached):
        budget.admit(request(), last_word=True)
