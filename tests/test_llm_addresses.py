"""Where calls go when the environment says so: the same place as litellm's own choice, and what the user is told."""

import pytest
from support.anthropic_server import AnthropicServer
from support.gemini_server import GeminiServer
from support.model_server import ModelServer
from support.ollama_server import OllamaServer
from support.openai_server import OpenAIServer
from support.requests import ask

from rlm_cli.addresses import whereabouts
from rlm_cli.errors import ProfileError
from rlm_cli.llm.catalogue import Catalogue
from rlm_cli.llm.litellm_client import NO_KEY, LitellmClient, load
from rlm_cli.types import ModelSpec, Price


def filled(spec: ModelSpec) -> ModelSpec:
    return Catalogue(load).resolve(spec)


@pytest.mark.parametrize(
    ("model", "server_of", "address", "key"),
    [
        ("openai/gpt-5.2", OpenAIServer, "OPENAI_BASE_URL", "OPENAI_API_KEY"),
        ("gpt-5.2", OpenAIServer, "OPENAI_API_BASE", "OPENAI_API_KEY"),
        ("anthropic/claude-haiku-4-5", AnthropicServer, "ANTHROPIC_API_BASE", "ANTHROPIC_API_KEY"),
        ("anthropic/claude-haiku-4-5", AnthropicServer, "ANTHROPIC_BASE_URL", "ANTHROPIC_API_KEY"),
        ("gemini/gemini-2.5-flash", GeminiServer, "GEMINI_API_BASE", "GEMINI_API_KEY"),
        ("gemini/gemini-2.5-flash", GeminiServer, "GEMINI_API_BASE", "GOOGLE_API_KEY"),
        ("ollama_chat/qwen3", OllamaServer, "OLLAMA_API_BASE", "OLLAMA_API_KEY"),
        ("deepseek/deepseek-chat", OpenAIServer, "DEEPSEEK_API_BASE", "DEEPSEEK_API_KEY"),
        ("together_ai/deepseek-ai/DeepSeek-V3", OpenAIServer, "TOGETHER_AI_API_BASE", "TOGETHER_API_KEY"),
        ("mistral/mistral-large-latest", OpenAIServer, "MISTRAL_AZURE_API_BASE", "MISTRAL_API_KEY"),
        ("openrouter/anthropic/claude-opus-4.5", OpenAIServer, "OPENROUTER_API_BASE", "OPENROUTER_API_KEY"),
        ("xai/grok-4", OpenAIServer, "XAI_API_BASE", "XAI_API_KEY"),
        ("hosted_vllm/any", OpenAIServer, "HOSTED_VLLM_API_BASE", "HOSTED_VLLM_API_KEY"),
        ("fireworks_ai/accounts/fireworks/models/deepseek-v3", OpenAIServer, "FIREWORKS_API_BASE", "FIREWORKS_API_KEY"),
    ],
)
def test_what_the_environment_says_is_written_down_and_changes_no_call(
    model: str, server_of: type[ModelServer], address: str, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(key, "sk-from-the-environment")
    with server_of("hi") as server:
        monkeypatch.setenv(address, server.url)
        spec = ModelSpec(model, price=Price(1, 1))
        pinned = filled(spec)
        assert pinned.api_base == server.url
        assert whereabouts(pinned) == "this machine"
        for each in (spec, pinned):
            LitellmClient().complete(ask(each))
    assert len(server.paths) == 2
    assert server.paths[0] == server.paths[1]
    assert server.keys == ["sk-from-the-environment"] * 2


def test_without_such_a_variable_the_address_stays_open(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEEPSEEK_API_KEY", "k" * 20)
    spec = filled(ModelSpec("deepseek/deepseek-chat"))
    assert spec.api_base is None
    assert whereabouts(spec) == "deepseek"
    assert whereabouts(filled(ModelSpec("ollama_chat/qwen3"))) == "this machine"


def test_an_ollama_elsewhere_is_not_this_machine_and_costs_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OLLAMA_API_BASE", "http://gpu.example:11434")
    spec = filled(ModelSpec("ollama_chat/qwen3"))
    assert whereabouts(spec) == "gpu.example"
    assert spec.price == Price(0, 0)


def test_a_server_on_this_machine_that_the_environment_names_needs_no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    with OpenAIServer("hi") as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.url)
        LitellmClient().complete(ask(filled(ModelSpec("openai/of-my-own"))))
    assert server.keys == [NO_KEY]


def test_the_profiles_address_wins_over_the_environments(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", "https://gate.example/v1")
    monkeypatch.setenv("OPENAI_API_KEY", "sk-from-the-environment")
    with OpenAIServer("hi") as server:
        spec = filled(ModelSpec("openai/any", api_base=server.url))
        LitellmClient().complete(ask(spec))
    assert spec.api_base == server.url
    assert server.keys == [NO_KEY]


def test_a_gate_on_this_machine_to_a_known_model_has_the_models_price(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "k" * 20)
    monkeypatch.setenv("OPENAI_BASE_URL", "http://localhost:4000/v1")
    assert filled(ModelSpec("openai/gpt-5.2")).price == Price(1.75, 14.0, 0.175)
    assert filled(ModelSpec("openai/of-my-own")).price == Price(0, 0)
    assert filled(ModelSpec("openai/gpt-5.2", api_base="http://localhost:4000/v1")).price == Price(0, 0)


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("api_base", "api_base:"),
        ("base_url", "api_base:"),
        ("max_tokens", "max_output_tokens:"),
        ("max_completion_tokens", "max_output_tokens:"),
        ("num_predict", "max_output_tokens:"),
        ("n", "leave it out"),
        ("fallbacks", "leave it out"),
    ],
)
def test_params_cannot_undo_what_the_user_is_told_or_the_budget_reserves(
    name: str, hint: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "k" * 20)
    with pytest.raises(ProfileError, match=f"holds {name}") as caught:
        filled(ModelSpec("openai/gpt-5.2", params={name: 9}))
    assert hint in (caught.value.hint or "")
