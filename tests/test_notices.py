"""The line before the first call: who sees what, where they are, what it may cost."""

import pytest

from rlm_cli.addresses import host_of, whereabouts
from rlm_cli.cli.notices import before_the_run
from rlm_cli.context_writer import ContextWriter
from rlm_cli.estimate import estimate
from rlm_cli.task import Task
from rlm_cli.types import Limits, ModelSpec, Price, Profile

CLOUD = ModelSpec("anthropic/claude", price=Price(5.0, 25.0), context_window=200_000)
LOCAL = ModelSpec("ollama_chat/qwen3", price=Price(0.0, 0.0), context_window=32_768)
OFFLINE = ModelSpec("offline/root", price=Price(0.0, 0.0))


def line(root: ModelSpec, sub: ModelSpec, tokens: int = 1_000_000, max_cost: float | None = 10.0) -> str:
    writer = ContextWriter(several=False)
    writer.add("a.txt", [b"text"])
    with_tokens = writer.finish(["a.txt"], [], tokens)
    try:
        return before_the_run(Task("id", "why?", with_tokens, Profile("p", "", root, sub, Limits(max_cost=max_cost))))
    finally:
        with_tokens.close()


def test_the_line_names_who_sees_what_and_the_cap() -> None:
    said = line(CLOUD, LOCAL)
    assert said.startswith(
        "profile p: root anthropic/claude (anthropic) sees samples and REPL output; "
        "sub ollama_chat/qwen3 (on this machine) sees pieces of the text; estimate $"
    )
    assert said.endswith(", at most $10.00")
    assert "\n" not in said
    assert "nothing leaves" not in said


def test_the_models_that_may_stand_in_are_named_too() -> None:
    root = ModelSpec(
        "anthropic/claude", price=Price(5.0, 25.0), fallbacks=(ModelSpec("openai/gpt", price=Price(1, 2)),)
    )
    assert "root anthropic/claude (anthropic), or when it fails openai/gpt (openai), sees" in line(root, LOCAL)
    keeping = ModelSpec("ollama_chat/a", price=Price(0.0, 0.0), fallbacks=(CLOUD,))
    assert "nothing leaves" not in line(keeping, LOCAL)


def test_nothing_leaves_and_nothing_costs_where_that_is_so() -> None:
    assert line(LOCAL, LOCAL).endswith("; nothing leaves this machine; it costs nothing")
    assert line(OFFLINE, OFFLINE).endswith("a fixed search policy; nothing leaves this machine")
    # Free, and yet it goes to somebody.
    elsewhere = ModelSpec("openai/own", api_base="https://llm.example.com/v1", price=Price(0.0, 0.0))
    assert "(llm.example.com)" in line(elsewhere, LOCAL)
    assert "nothing leaves" not in line(elsewhere, LOCAL)


def test_an_unknown_price_is_no_estimate() -> None:
    said = line(ModelSpec("openai/x"), LOCAL, max_cost=None)
    assert said.endswith("a price is unknown, no cap")


@pytest.mark.parametrize(
    ("spec", "where"),
    [
        (ModelSpec("openai/gpt-5.2"), "openai"),
        (ModelSpec("openai/x", api_base="http://127.0.0.1:8000/v1"), "this machine"),
        (ModelSpec("openai/x", api_base="http://[::1]:8000/v1"), "this machine"),
        (ModelSpec("openai/x", api_base="https://user:secret@llm.example.com:8443/v1"), "llm.example.com"),
        (ModelSpec("ollama/x"), "this machine"),
        (ModelSpec("ollama_chat/x", api_base="http://gpu.example.com:11434"), "gpu.example.com"),
        (ModelSpec("offline/root"), "this machine"),
    ],
)
def test_where_calls_go(spec: ModelSpec, where: str) -> None:
    assert whereabouts(spec) == where


def test_what_is_no_url_shows_no_credentials() -> None:
    assert host_of("http://[broken") == "http://[broken"
    assert "secret" not in host_of("user:secret@nonsense")


def profile(root: ModelSpec = CLOUD, sub: ModelSpec = CLOUD, **limits: float) -> Profile:
    return Profile("p", "", root, sub, Limits(**limits))  # type: ignore[arg-type]


def test_the_estimate_is_arithmetic() -> None:
    found = estimate(profile(sub=LOCAL), 1_000_000)
    assert found is not None
    # Three iterations: 3 first prompts, 2,000 tokens more in the second and 4,000 in the third; 500 out each.
    assert found.low == pytest.approx((3 * 3_000 + 6_000) * 5e-6 + 1_500 * 25e-6)
    assert found.high == pytest.approx((15 * 3_000 + 2_000 * 105) * 5e-6 + 7_500 * 25e-6)


def test_the_sub_model_reads_the_text_once_as_far_as_sub_calls_and_window_go() -> None:
    free_root = ModelSpec("ollama_chat/r", price=Price(0.0, 0.0))
    reading = ModelSpec("x/y", price=Price(1.0, 0.0), context_window=200_000)
    for tokens, calls, most in ((1_000_000, 100, 1.0), (1_000_000, 4, 0.1), (10, 100, 1e-5), (10**9, 100, 2.5)):
        found = estimate(profile(free_root, reading, max_subcalls=calls), tokens)
        assert found is not None
        assert found.high == pytest.approx(most)
    narrow = ModelSpec("x/y", price=Price(1.0, 0.0), context_window=10_000, max_output_tokens=8_000)
    found = estimate(profile(free_root, narrow, max_subcalls=10), 1_000_000)
    assert found is not None
    assert found.high == pytest.approx(0.02)


def test_a_cap_below_the_estimate_is_not_hidden_by_it() -> None:
    assert "estimate $0.11 to $6.96, at most $0.02" in line(CLOUD, CLOUD, max_cost=0.02)


def test_the_estimate_knows_what_it_cannot_know() -> None:
    assert estimate(profile(sub=ModelSpec("x/y")), 10) is None
