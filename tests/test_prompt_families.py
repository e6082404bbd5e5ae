"""Each kind of root model reads a prompt that suits it, made of the same truths."""

import re
from pathlib import Path

import pytest
from support.command import rlm
from support.openai_server import OpenAIServer
from support.repl import session_over

from rlm_cli import analysis
from rlm_cli.engine.families import SYSTEM, parts, system_prompt
from rlm_cli.engine.parsing import parse
from rlm_cli.errors import ProfileError
from rlm_cli.prompt_families import FAMILIES, chosen, family_of
from rlm_cli.seams import Asked, SubAnswer, SubAnswers
from rlm_cli.types import Limits, ModelSpec, Price, Profile, Prompts


@pytest.mark.parametrize(
    ("model", "family"),
    [
        ("openai/gpt-4o", "standard"),
        ("openai/gpt-4.1-mini", "standard"),
        ("anthropic/claude-opus-4-5", "standard"),
        ("deepinfra/deepseek-ai/DeepSeek-V3.2", "standard"),
        ("openai/gpt-5-chat-latest", "standard"),
        ("xai/grok-4-fast-non-reasoning", "standard"),
        ("offline/root", "standard"),
        ("openai/gpt-5.2", "reasoning"),
        ("openai/o3", "reasoning"),
        ("o4-mini", "reasoning"),
        ("azure/o1-preview", "reasoning"),
        ("deepseek/deepseek-reasoner", "reasoning"),
        ("openrouter/deepseek/deepseek-r1", "reasoning"),
        ("gemini/gemini-2.5-pro", "reasoning"),
        ("ollama/gpt-oss:20b", "reasoning"),
        ("moonshot/kimi-k2-thinking", "reasoning"),
        ("deepinfra/Qwen/Qwen3-235B-A22B-Thinking-2507", "reasoning"),
        ("deepinfra/Qwen/Qwen3-235B-A22B-Instruct-2507", "frugal"),
        ("ollama_chat/qwen3:32b", "frugal"),
        ("openrouter/qwen/qwen3-coder", "frugal"),
        ("ollama_chat/qwen3:30b-a3b", "frugal"),
        ("ollama_chat/qwen3:8b", "small"),
        ("ollama/llama3.2", "small"),
        ("ollama/gemma3n:e4b", "small"),
        ("groq/llama-3.1-8b-instant", "small"),
        ("ollama/deepseek-r1:14b", "small"),
        ("ollama/deepseek-r1:32b", "reasoning"),
        ("groq/mixtral-8x7b-32768", "standard"),
        ("ollama/deepseek-v3.1:671b-cloud", "standard"),
    ],
)
def test_a_models_id_tells_its_family(model: str, family: str) -> None:
    assert family_of(ModelSpec(model)) == family


@pytest.mark.parametrize(
    ("params", "family"),
    [
        ({"thinking": {"type": "enabled", "budget_tokens": 4_000}}, "reasoning"),
        ({"thinking": {"type": "disabled"}}, "standard"),
        ({"reasoning_effort": "high"}, "reasoning"),
        ({"reasoning_effort": "none"}, "standard"),
    ],
)
def test_parameters_that_have_a_model_reason_count(params: dict[str, object], family: str) -> None:
    assert family_of(ModelSpec("anthropic/claude-opus-4-5", params=params)) == family


@pytest.mark.parametrize("family", FAMILIES)
def test_every_family_is_short_and_says_what_must_be_true(family: str) -> None:
    system = next(text for name, text in SYSTEM.items() if name == family)
    assert len(system.split()) < (350 if family == "small" else 900)
    for part in (parts.TASK, parts.SHOWN, parts.HOSTILE, parts.LIMITS, parts.NAMES["FINAL"]):
        assert part in system
    described = [line for line in system.split("\n") if re.match(r"- \w+", line)]
    assert set(described) <= {line for each in parts.NAMES.values() for line in each.split("\n")}


@pytest.mark.parametrize("family", FAMILIES)
def test_the_examples_of_every_family_run(family: str) -> None:
    """What a prompt shows must work as it stands; FINAL's example is an answer."""
    system = next(text for name, text in SYSTEM.items() if name == family)
    parsed = parse(system)
    assert parsed.blocks

    def answer(asked: Asked) -> SubAnswers:
        return SubAnswers(tuple(SubAnswer(text="late parcel\nNONE") for _ in asked.prompts))

    with session_over({"a.txt": "notice of termination\n" * 9_000}, answer=answer) as session:
        for block in parsed.blocks:
            finished = session.run(block)
            assert finished.error is None
            assert finished.output or finished.final or block.startswith("#")


def test_reasoning_models_are_shown_no_example_and_small_ones_two() -> None:
    assert [len(parse(SYSTEM[each]).blocks) for each in ("reasoning", "standard", "small")] == [1, 1, 4]
    assert parts.EXAMPLE not in SYSTEM["reasoning"]
    assert len(SYSTEM["reasoning"]) < len(SYSTEM["standard"]) < len(SYSTEM["frugal"])


def test_a_profile_may_choose_the_family_or_the_whole_prompt() -> None:
    spec = ModelSpec("openai/gpt-4o")
    assert system_prompt(spec, Prompts()) == SYSTEM["standard"]
    assert system_prompt(spec, Prompts(family="small")) == SYSTEM["small"]
    assert system_prompt(spec, Prompts(family="small", system="Own words.")) == "Own words."
    assert chosen(spec, Prompts(family="frugal")) == "frugal"


def test_the_root_of_a_child_run_is_spoken_to_as_what_it_is() -> None:
    sub = ModelSpec("ollama_chat/qwen3:8b")
    assert system_prompt(sub, Prompts(family="reasoning", system="Own words."), child=True) == SYSTEM["small"]


def test_an_unknown_family_is_refused_with_the_names_there_are(tmp_path: Path) -> None:
    from rlm_cli.profiles import Overrides, find, load

    named = tmp_path / "own.yaml"
    named.write_text("extends: quality\nprompts:\n  family: terse\n")
    with pytest.raises(ProfileError, match=r"own.yaml, line 3: family must be one of standard, frugal, small, reason"):
        load(find(str(named)))
    with pytest.raises(ProfileError, match=r"--set prompts.family: .* must be one of standard"):
        load(find("quality"), Overrides(settings=("prompts.family=terse",)))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("extends: quality\n", "one of the family `reasoning`, by its id"),
        ("extends: private\n", "one of the family `frugal`, by its id"),
        ("extends: private\nprompts: {family: small}\n", "one of the family `small`, `prompts: {family: ...}` says so"),
        ("extends: private\nprompts: {system: Own words.}\n", "`prompts: {system: ...}` says"),
    ],
)
def test_show_says_which_family_a_profiles_root_gets(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "own.yaml").write_text(text)
    shown = rlm("profiles", "show", str(tmp_path / "own.yaml"))
    assert f"# The root model is prompted as {said}." in shown.out
    (tmp_path / "copy.yaml").write_text(shown.out)
    again = rlm("profiles", "show", str(tmp_path / "copy.yaml")).out
    assert again.split("\n", 1)[1] == shown.out.split("\n", 1)[1]


def test_what_a_profile_says_reaches_the_root_model(tmp_path: Path) -> None:
    (tmp_path / "input.txt").write_text("some text\n")
    with OpenAIServer(lambda body: "FINAL(done)") as server:
        spec = ModelSpec("openai/root", api_base=server.url, price=Price(1, 1))
        prompts = Prompts(family="small", advice="Amounts are in cents.")
        profile = Profile("t", "", spec, spec, Limits(), strategy="rlm", prompts=prompts)
        analysis.run(analysis.prepare([str(tmp_path / "input.txt")], "q", profile).task, lambda event: None)
        [request] = server.requests
    assert request["messages"][0]["content"] == SYSTEM["small"]
    assert "\n# Advice\n\nAmounts are in cents.\n" in request["messages"][1]["content"]
