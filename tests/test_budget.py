"""The account: no limit is ever exceeded, not by calls side by side either, and the last word is always paid for."""

import sys
import threading
from dataclasses import replace
from pathlib import Path
from types import FrameType

import pytest
from support.runs import Run, cell

from rlm_cli.budget import Budget
from rlm_cli.errors import LimitReached
from rlm_cli.tokens import count_tokens
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
    budget.keep_back(SPEC, request().messages)
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


def test_another_attempt_is_admitted_only_where_the_lost_one_can_be_held_beside_it() -> None:
    budget = Budget(Limits(max_cost=0.011))  # two calls, and not three
    reservation = budget.admit(request())
    assert budget.admit_again(reservation)
    assert not budget.admit_again(reservation)
    budget.settle(reservation, None, lost=1)
    assert budget.written_off.cost_usd == pytest.approx(2 * budget.worst_case(SPEC, request().messages).cost_usd)
    with pytest.raises(LimitReached, match=r"\$0\.0102 held for calls of unknown end"):
        budget.admit(request())


def test_an_attempt_that_was_held_is_not_held_again_when_the_call_ends() -> None:
    budget = Budget(Limits())
    reservation = budget.admit(request())
    assert budget.admit_again(reservation)
    budget.settle(reservation, used(0.001), lost=1)
    assert budget.written_off == budget.worst_case(SPEC, request().messages)


def test_another_attempt_waits_for_what_open_calls_may_give_back() -> None:
    budget = Budget(Limits(max_cost=0.015))  # three attempts, if one of them is cheap
    cut, other = budget.admit(request()), budget.admit(request())
    let_through: list[bool] = []
    waiting = threading.Thread(target=lambda: let_through.append(budget.admit_again(cut)))
    waiting.start()
    assert not let_through
    budget.settle(other, used(0.001))
    waiting.join(timeout=10)
    assert let_through == [True]


def test_a_call_that_is_given_up_while_it_waits_is_not_let_through() -> None:
    budget = Budget(Limits(max_cost=0.015))
    cut, other = budget.admit(request()), budget.admit(request())
    let_through: list[bool] = []
    waiting = threading.Thread(target=lambda: let_through.append(budget.admit_again(cut)))
    waiting.start()
    while budget.written_off.tokens == 0:
        waiting.join(timeout=0.001)
    budget.write_off_open()
    waiting.join(timeout=10)
    assert let_through == [False]
    assert budget.written_off.cost_usd == pytest.approx(2 * budget.worst_case(SPEC, request().messages).cost_usd)
    assert not budget.admit_again(other)


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


def test_what_a_provider_counts_too_much_is_expected_of_longer_prompts_in_proportion() -> None:
    budget = Budget(Limits())
    short, long = (budget.worst_case(SPEC, request("word " * count).messages).input_tokens for count in (200, 4000))
    budget.settle(budget.admit(request("word " * 200)), used(0.0, input_tokens=3 * short))
    assert budget.worst_case(SPEC, request("word " * 4000).messages).input_tokens == 3 * long
    assert budget.worst_case(SPEC, request("word").messages).input_tokens > 2 * short


def test_a_model_that_wrote_more_than_its_cap_is_expected_to_do_so_again() -> None:
    budget = Budget(Limits())
    budget.settle(budget.admit(request()), used(0.0, output_tokens=3_000))
    assert budget.worst_case(SPEC, request().messages).output_tokens == 3_000


def test_what_a_reply_teaches_holds_for_calls_under_way_and_for_the_last_word() -> None:
    budget = Budget(Limits(max_cost=None, max_tokens=25_000))
    budget.keep_back(SPEC, request().messages)
    first, _ = budget.admit(request()), budget.admit(request())
    budget.settle(first, used(0.0, input_tokens=5_000))
    budget.admit(request())  # 5,005 used, twice 5,500 held with this one
    with pytest.raises(LimitReached, match="5,500 kept back"):
        budget.write_off_open()
        budget.admit(request())


def test_a_hidden_prompt_of_the_server_teaches_nothing() -> None:
    budget = Budget(Limits())
    before = budget.worst_case(SPEC, request("word " * 4000).messages)
    budget.settle(budget.admit(request()), used(0.0, input_tokens=90))
    assert budget.worst_case(SPEC, request("word " * 4000).messages) == before


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


def test_a_long_prompt_that_is_cheaper_is_reserved_for_at_the_dearer_price() -> None:
    spec = replace(SPEC, price=Price(2.0, 15.0, long=((1000, Price(1.0, 10.0)),)))
    worst = Budget(Limits()).worst_case(spec, request("word " * 2000).messages)
    assert worst.cost_usd == pytest.approx((worst.input_tokens * 2.0 + 500 * 15.0) / 1e6)


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


def test_a_large_prompt_is_counted_once_whoever_asks(tmp_path: Path) -> None:
    counted: list[int] = []

    def profile(frame: FrameType, event: str, _: object) -> None:
        if event == "call" and frame.f_code is count_tokens.__code__:
            counted.append(len(frame.f_locals["text"]))

    threading.setprofile(profile)
    sys.setprofile(profile)
    try:
        run = Run(tmp_path, [cell("llm_query('word ' * 60_001)\nFINAL('x')")], window=200_000)
    finally:
        sys.setprofile(None)
        threading.setprofile(None)
    assert len(run.sub_prompts()) == 1
    assert counted.count(5 * 60_001) == 1
