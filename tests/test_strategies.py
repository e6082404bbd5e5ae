"""How a question is answered: what auto chooses at the edges, what cannot be chosen, what each way costs."""

from collections.abc import Callable

import pytest

from rlm_cli.cli.notices import strategy_line
from rlm_cli.errors import UsageError
from rlm_cli.estimate import costs
from rlm_cli.strategies import MOST_DIRECT, Choice, choose
from rlm_cli.types import ModelSpec, Price, Profile, Strategy

PRICE = Price(1.0, 10.0)


def profile(window: int | None = 1_000_000, strategy: Strategy = "auto", cap: int = 1_000) -> Profile:
    root = ModelSpec("x/root", context_window=window, max_output_tokens=cap, price=PRICE)
    return Profile("p", "", root, ModelSpec("x/sub", price=PRICE), strategy=strategy)


def chosen(tokens: int, of: Profile, request: Callable[[], int] | None = None) -> str:
    return choose(of, tokens, request).strategy


def test_auto_takes_one_request_below_thirty_thousand_tokens() -> None:
    assert chosen(MOST_DIRECT - 1, profile()) == "direct"
    assert chosen(MOST_DIRECT, profile()) == "rlm"
    assert chosen(MOST_DIRECT - 1, profile(window=None)) == "direct"
    assert chosen(1, profile()) == "direct"


def test_auto_takes_one_request_below_a_third_of_the_window() -> None:
    assert chosen(9_999, profile(window=30_000)) == "direct"
    assert chosen(10_000, profile(window=30_000)) == "rlm"


def test_auto_leaves_room_for_the_instructions_the_numbers_and_the_reply() -> None:
    # 16,000 less 4,000 for the reply is 12,000, of which other tokenizers may need three for every ten.
    of = profile(window=16_000, cap=4_000)
    assert chosen(5_000, of, lambda: 9_200) == "direct"
    assert chosen(5_000, of, lambda: 9_300) == "rlm"


def test_auto_looks_at_the_narrowest_of_the_models_that_may_answer() -> None:
    spare = ModelSpec("x/spare", context_window=12_000, max_output_tokens=500)
    root = ModelSpec("x/root", context_window=200_000, fallbacks=(spare,))
    of = Profile("p", "", root, root)
    assert chosen(3_999, of) == "direct"
    assert chosen(4_000, of) == "rlm"


def test_auto_keeps_to_the_loop_where_nobody_reads_or_a_second_pass_follows() -> None:
    offline = ModelSpec("offline/root")
    assert choose(Profile("p", "", offline, offline), 10).why == "no language model"
    later = Profile("p", "", ModelSpec("x/r"), ModelSpec("x/s"), refine=profile())
    assert chosen(10, later) == "rlm"


def test_a_request_is_not_put_together_where_the_text_is_large() -> None:
    def request() -> int:
        raise AssertionError("it was counted")

    assert chosen(2_000_000, profile(), request) == "rlm"
    assert not choose(profile(), 2_000_000, request).fits
    assert choose(profile(), 800_000, request).fits
    assert not choose(profile(), 900_000, request).fits, "its numbers need room too"


def test_a_strategy_that_is_asked_for_is_taken() -> None:
    assert chosen(10, profile(strategy="rlm")) == "rlm"
    assert chosen(10, profile(strategy="map-reduce")) == "map-reduce"
    assert chosen(900_000, profile(strategy="direct")) == "direct"
    assert chosen(10**9, profile(strategy="direct", window=None)) == "direct"


@pytest.mark.parametrize(("tokens", "request_size"), [(1_000_001, None), (998_000, 999_001)])
def test_one_request_that_does_not_fit_is_refused(tokens: int, request_size: int | None) -> None:
    with pytest.raises(UsageError, match="the window of x/root takes 999,000 besides") as error:
        choose(profile(strategy="direct"), tokens, None if request_size is None else lambda: request_size)
    assert "--strategy rlm" in str(error.value.hint)


@pytest.mark.parametrize("strategy", ["direct", "map-reduce"])
def test_a_root_model_that_cannot_read_is_refused(strategy: Strategy) -> None:
    spare = ModelSpec("x/r", fallbacks=(ModelSpec("offline/root"),))
    for root in (ModelSpec("offline/root"), spare):
        with pytest.raises(UsageError, match="the offline root model"):
            choose(Profile("p", "", root, ModelSpec("x/s"), strategy=strategy), 10)


def test_the_costs_are_arithmetic() -> None:
    found = costs(profile(), 100_000)
    assert found is not None
    assert found.direct == pytest.approx((115_000 + 700) * 1e-6 + 500 * 1e-5)
    # Five pieces of 25,000 tokens, each with 700 around it and 500 of notes; the root model reads those.
    assert found.map_reduce == pytest.approx((115_000 + 3_500 + 2_500 + 700) * 1e-6 + (2_500 + 500) * 1e-5)
    assert costs(Profile("p", "", ModelSpec("x/r"), ModelSpec("x/s", price=PRICE)), 10) is None


def test_the_line_says_what_why_and_what_each_way_would_cost() -> None:
    line = strategy_line(choose(profile(), 1_240))
    assert line == (
        "strategy direct: 1,240 tokens fit one request; direct about $0.007, rlm $0.03 to $0.34, map-reduce about $0.01"
    )
    assert "~1,240 tokens fit" in strategy_line(choose(profile(), 1_240, exact=False))
    large = strategy_line(choose(profile(), 40_000_000))
    assert large.startswith(
        "strategy rlm: 40,000,000 tokens are more than one request should hold; direct does not fit"
    )
    assert strategy_line(choose(profile(strategy="rlm"), 1_240)).startswith("strategy rlm: as asked for; direct about")


def test_the_line_names_no_costs_where_there_are_none_or_nobody_knows() -> None:
    free = ModelSpec("x/y", price=Price(0.0, 0.0))
    assert strategy_line(choose(Profile("p", "", free, free), 10)) == "strategy direct: 10 tokens fit one request"
    unknown = ModelSpec("x/y")
    assert strategy_line(choose(Profile("p", "", unknown, unknown), 10)).endswith("fit one request")
    assert strategy_line(Choice("rlm", "why not")) == "strategy rlm: why not"
