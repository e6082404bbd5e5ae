"""Filling in a profile: windows, prices, keys, and what is refused before the first call."""

import subprocess
import sys
from pathlib import Path

import pytest

from rlm_cli.addresses import is_loopback
from rlm_cli.errors import ProfileError, UnknownModel
from rlm_cli.llm import open_client, resolve
from rlm_cli.llm.catalogue import Catalogue, price_of
from rlm_cli.llm.litellm_client import load
from rlm_cli.types import Message, ModelSpec, Price, Profile, Request

FREE = Price(0.0, 0.0)


def filled(spec: ModelSpec) -> ModelSpec:
    return Catalogue(load).resolve(spec)


@pytest.mark.parametrize(
    ("model", "key", "price", "window"),
    [
        ("openai/gpt-5.2", "OPENAI_API_KEY", Price(1.75, 14.0, 0.175), 272_000),
        ("gpt-4o", "OPENAI_API_KEY", Price(2.5, 10.0, 1.25), 128_000),
        ("anthropic/claude-haiku-4-5", "ANTHROPIC_API_KEY", Price(1.0, 5.0, 0.1, 1.25), 200_000),
        ("anthropic/claude-opus-4-5", "ANTHROPIC_API_KEY", Price(5.0, 25.0, 0.5, 6.25), 200_000),
        ("gemini/gemini-2.5-flash", "GEMINI_API_KEY", Price(0.3, 2.5, 0.03), 1_048_576),
    ],
)
def test_known_models_get_their_window_and_their_price_per_million(
    model: str, key: str, price: Price, window: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(key, "k" * 20)
    spec = filled(ModelSpec(model))
    assert spec.price == price
    assert spec.context_window == window


def test_long_prompts_and_service_tiers_have_prices_of_their_own() -> None:
    catalogue = Catalogue(load)
    pro = catalogue.price(ModelSpec("gemini/gemini-2.5-pro"))
    assert pro is not None
    assert (pro.input, pro.output, pro.cached_input) == (1.25, 10.0, 0.125)
    assert pro.at(199_999) == pro
    assert pro.at(200_000) == pro.at(10**6) == Price(2.5, 15.0, 0.25)
    assert catalogue.price(ModelSpec("openai/gpt-5.2", params={"service_tier": "priority"})) == Price(3.5, 28.0, 0.35)
    assert catalogue.price(ModelSpec("openai/gpt-5.2", params={"service_tier": "flex"})) == Price(0.875, 7.0, 0.0875)
    assert catalogue.price(ModelSpec("openai/gpt-5.2", params={"service_tier": "auto"})) == Price(1.75, 14.0, 0.175)


def test_the_prices_of_litellms_table_can_be_read() -> None:
    catalogue, providers = (
        Catalogue(load),
        {"openai", "anthropic", "gemini", "deepseek", "mistral", "together_ai", "xai"},
    )
    chat = [
        name
        for name, row in load().model_cost.items()
        if row.get("mode") == "chat" and row.get("litellm_provider") in providers and "input_cost_per_token" in row
    ]
    priced = [price for name in chat if (price := catalogue.price(ModelSpec(name))) is not None]
    assert len(priced) > 200
    for price in priced:
        for dearer in (price, *(each for _, each in price.long)):
            numbers = (dearer.input, dearer.output, dearer.cached_input, dearer.cache_write)
            assert all(number is None or 0 <= number < 1e4 for number in numbers)


def test_what_the_profile_says_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "k" * 20)
    spec = ModelSpec("openai/gpt-4o", price=Price(9, 9), context_window=1000)
    assert filled(spec) == spec


def test_a_model_that_is_in_no_table_stays_unknown_and_is_not_free(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "k" * 20)
    spec = filled(ModelSpec("openai/gpt-99-future"))
    assert spec.price is None
    assert spec.context_window is None


def test_a_server_on_this_machine_costs_nothing_and_needs_no_key() -> None:
    assert filled(ModelSpec("openai/qwen3", api_base="http://localhost:8000/v1")).price == FREE
    assert filled(ModelSpec("openai/qwen3", api_base="http://localhost:8000/v1", price=Price(1, 2))).price == Price(
        1, 2
    )


def test_ollama_costs_nothing_and_is_told_the_window_that_prompts_are_measured_by() -> None:
    spec = filled(ModelSpec("ollama_chat/qwen3:8b"))
    assert spec.price == FREE
    assert spec.context_window == spec.params["num_ctx"] == 16_384
    assert filled(ModelSpec("ollama_chat/qwen3:8b", context_window=40_000)).params["num_ctx"] == 40_000
    assert filled(ModelSpec("ollama_chat/qwen3:8b", params={"num_ctx": 9000})).context_window == 9000
    for window, sent in [(40_000, 9000), (9000, 40_000)]:  # the smaller of two holds for both sides
        both = filled(ModelSpec("ollama_chat/qwen3:8b", context_window=window, params={"num_ctx": sent}))
        assert both.context_window == both.params["num_ctx"] == 9000


@pytest.mark.parametrize(
    ("url", "local"),
    [
        ("http://localhost:1/v1", True),
        ("http://127.0.0.9:1", True),
        ("http://[::1]:1/v1", True),
        ("http://0.0.0.0:1", True),
        ("https://api.openai.com/v1", False),
        ("https://localhost.example.com", False),
        ("http://10.0.0.5:8000/v1", False),
        ("http://[bad", False),
        (None, False),
    ],
)
def test_loopback_addresses_are_told_from_others(url: str | None, local: bool) -> None:
    assert is_loopback(url) is local


@pytest.mark.parametrize(
    ("model", "key"),
    [
        ("openai/gpt-5.2", "OPENAI_API_KEY"),
        ("anthropic/claude-haiku-4-5", "ANTHROPIC_API_KEY"),
        ("gemini/gemini-2.5-flash", "GEMINI_API_KEY"),
        ("deepseek/deepseek-chat", "DEEPSEEK_API_KEY"),
        ("together_ai/Qwen/Qwen3-235B", "TOGETHERAI_API_KEY"),
        ("mistral/mistral-large-latest", "MISTRAL_API_KEY"),
    ],
)
def test_a_missing_key_is_named_before_any_call(model: str, key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ProfileError, match=f"{key} is not set") as caught:
        filled(ModelSpec(model))
    assert f"export {key}=" in (caught.value.hint or "")
    assert caught.value.exit_code == 2
    monkeypatch.setenv(key, "k" * 20)
    filled(ModelSpec(model))


def test_a_key_variable_of_the_profiles_own_must_be_set(monkeypatch: pytest.MonkeyPatch) -> None:
    spec = ModelSpec("openai/gpt-4o", api_key_env="MY_KEY", api_base="http://localhost:1/v1")
    with pytest.raises(ProfileError, match="MY_KEY is not set"):
        filled(spec)
    monkeypatch.setenv("MY_KEY", " ")
    with pytest.raises(ProfileError, match="MY_KEY is not set"):
        filled(spec)


@pytest.mark.parametrize(
    ("model", "near"),
    [
        ("opnai/gpt-5.2", "openai/gpt-5.2"),
        ("deepseek-chatt", "deepseek-chat"),
        ("antropic/claude-haiku-4-5", "anthropic/claude-haiku-4-5"),
        ("zzzzzz", "provider/model"),
    ],
)
def test_a_mistyped_model_is_answered_with_the_nearest(model: str, near: str) -> None:
    with pytest.raises(UnknownModel) as caught:
        filled(ModelSpec(model))
    assert model in str(caught.value)
    assert near in (caught.value.hint or "")


def test_a_bare_name_for_a_server_of_ones_own_gets_its_prefix_explained() -> None:
    with pytest.raises(UnknownModel) as caught:
        filled(ModelSpec("my-model", api_base="http://localhost:8000/v1"))
    assert "openai/my-model" in (caught.value.hint or "")


def test_unknown_names_are_refused_without_noise(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(UnknownModel):
        filled(ModelSpec("zzzzzz"))
    assert capfd.readouterr() == ("", "")


def test_an_unknown_offline_model_is_named() -> None:
    with pytest.raises(UnknownModel, match="offline/big"):
        resolve(Profile("p", "", ModelSpec("offline/big"), ModelSpec("offline/sub")))


def test_the_offline_profile_never_imports_litellm() -> None:
    script = (
        "import sys\n"
        f"sys.path.insert(0, {str(Path(__file__).parent.parent)!r})\n"
        "from rlm_cli.llm import open_client, resolve, warm\n"
        "from rlm_cli.types import Message, ModelSpec, Price, Profile, Request\n"
        "profile = Profile('offline', '', ModelSpec('offline/root'), ModelSpec('offline/sub'))\n"
        "warm(profile)\n"
        "profile = resolve(profile)\n"
        "assert profile.root.price == profile.sub.price == Price(0, 0)\n"
        "assert profile.sub.context_window >= 1_000_000\n"
        "request = Request('sub', profile.sub, (Message('user', 'Which is red?\\n\\na red\\na blue'),), 9)\n"
        "assert open_client(profile).complete(request).text == 'a red'\n"
        "heavy = {'litellm', 'openai', 'httpx', 'tiktoken', 'pydantic'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True, timeout=60)


def test_a_profile_may_mix_offline_and_real_models(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "k" * 20)
    profile = resolve(Profile("mixed", "", ModelSpec("openai/gpt-4o"), ModelSpec("offline/sub")))
    assert profile.root.price == Price(2.5, 10.0, 1.25)
    request = Request("sub", profile.sub, (Message("user", "Which is red?\n\na red\na blue"),), 9)
    assert open_client(profile).complete(request).text == "a red"


def test_litellm_is_imported_beside_other_work_and_reads_no_file_of_the_tree(tmp_path: Path) -> None:
    # Run with -c, dotenv looks in the working folder: here it is the tree under analysis that brings a key along.
    (tmp_path / ".env").write_text("OPENAI_API_KEY=planted\nOPENAI_BASE_URL=http://attacker.example\n")
    script = (
        "import gc, os, sys, threading\n"
        f"sys.path.insert(0, {str(Path(__file__).parent.parent)!r})\n"
        "from rlm_cli.llm import warm\n"
        "from rlm_cli.types import ModelSpec, Profile\n"
        "warm(Profile('p', '', ModelSpec('openai/gpt-4o'), ModelSpec('offline/sub')))\n"
        "[thread] = [each for each in threading.enumerate() if each.name == 'import-litellm']\n"
        "assert thread.daemon\n"
        "thread.join()\n"
        "assert 'litellm' in sys.modules\n"
        "assert gc.isenabled()\n"
        "assert not {'OPENAI_API_KEY', 'OPENAI_BASE_URL'} & set(os.environ), 'planted'\n"
    )
    ended = subprocess.run(
        [sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False
    )
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "", "")


def test_a_model_that_charges_more_for_its_thoughts_is_priced_by_them() -> None:
    row = {"input_cost_per_token": 1e-6, "output_cost_per_token": 2e-6, "output_cost_per_reasoning_token": 5e-6}
    assert price_of(row) == Price(1.0, 5.0)
    assert price_of({**row, "output_cost_per_reasoning_token": 1e-6}) == Price(1.0, 2.0)
    assert price_of({"input_cost_per_token": 1e-6}) is None
