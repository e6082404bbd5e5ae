"""`rlm profiles`: what is shipped can be used, and what cannot says why."""

from pathlib import Path

import pytest
from support.command import rlm
from support.listing_server import listing

from rlm_cli.llm import check
from rlm_cli.llm.local_servers import offered
from rlm_cli.profiles import find, load, shipped

SHIPPED = {"budget", "quality", "openai", "private", "enterprise", "speed", "research", "hybrid", "offline"}
NOBODY = "http://127.0.0.1:9"


@pytest.fixture(autouse=True)
def no_ollama(monkeypatch: pytest.MonkeyPatch) -> None:
    """A developer's own Ollama is not part of the tests."""
    monkeypatch.setenv("OLLAMA_API_BASE", NOBODY)


def written(folder: Path, root: str, more: str = "") -> str:
    path = folder / "mine.yaml"
    path.write_text(f"root: {root}\nsub: {{model: offline/sub}}\n{more}")
    return str(path)


def test_nine_profiles_are_shipped() -> None:
    assert set(shipped()) == SHIPPED


@pytest.mark.parametrize("name", sorted(SHIPPED - {"offline"}))
def test_litellm_knows_every_shipped_model_its_window_and_its_price(name: str) -> None:
    for each in check(load(find(name))):
        assert each.wrong is None
        assert each.spec.price is not None
        assert each.spec.context_window is not None
        assert each.retired_on is None, "choose a model that its provider keeps"
        local = each.spec.model.startswith("ollama_chat/")
        assert (each.spec.price.output == 0) is local
        assert each.missing == (
            f"no Ollama answers at {NOBODY}: ollama serve" if local else f"{each.spec.api_key_env} is not set"
        )


def test_the_models_are_those_that_the_names_promise() -> None:
    promised = {
        "budget": ("gemini-2.5-flash", "ollama"),
        "quality": ("gpt-5.2", "claude-haiku-4-5"),
        "openai": ("gpt-5.2", "gpt-5-mini"),
        "private": ("ollama", "ollama"),
        "enterprise": ("claude-opus-4-5", "claude-haiku-4-5"),
        "speed": ("gemini-2.5-flash", "gemini-2.5-flash"),
        "research": ("DeepSeek-V3.2", "Qwen3"),
        "hybrid": ("gpt-4o", "ollama"),
        "offline": ("offline/root", "offline/sub"),
    }
    for name, (root, sub) in promised.items():
        profile = load(find(name))
        assert root in profile.root.model
        assert sub in profile.sub.model


def test_check_passes_for_all_that_is_shipped_and_names_what_is_missing() -> None:
    ran = rlm("profiles", "check")
    assert ran.code == 0
    assert ran.err == "1 ready, 8 not ready\n"
    states = dict(line.split(": ") for line in ran.out.splitlines() if not line.startswith(" "))
    assert states == {name: "ready" if name == "offline" else "not ready" for name in SHIPPED}
    assert "GEMINI_API_KEY is not set" in ran.out
    assert "no language model" in ran.out


def test_a_profile_whose_keys_are_set_and_whose_server_has_the_model_is_ready(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GEMINI_API_KEY", "secret-of-gemini")
    with listing(tags={"models": [{"name": "qwen3:8b"}, {"name": "other:latest"}]}) as address:
        monkeypatch.setenv("OLLAMA_API_BASE", address)
        assert rlm("profiles", "check", "budget").out.startswith("budget: ready\n")
        private = rlm("profiles", "check", "private")
    assert "Ollama has no qwen3:32b: ollama pull qwen3:32b" in private.out
    assert "ollama pull qwen3:8b" not in private.out
    assert "secret-of-gemini" not in private.out


def test_a_local_server_is_asked_for_the_model_it_should_have(tmp_path: Path) -> None:
    with listing(models={"data": [{"id": "there"}]}) as address:
        for name, state in (("there", "ready"), ("elsewhere", "not ready")):
            ran = rlm("profiles", "check", written(tmp_path, f"{{model: openai/{name}, api_base: {address}/v1}}"))
            assert ran.out.startswith(f"mine: {state}\n"), ran.out
            assert ("does not offer elsewhere" in ran.out) is (name == "elsewhere")
            assert "this machine; free" in ran.out
    ran = rlm("profiles", "check", written(tmp_path, f"{{model: openai/there, api_base: {NOBODY}/v1}}"))
    assert f"nothing answers at {NOBODY}/v1: start the server" in ran.out


def test_a_server_that_lists_nothing_of_use_is_not_said_to_lack_a_model() -> None:
    with listing(models=["no mapping"], data={"data": [3, {"id": 7}, {}]}) as address:
        assert offered(f"{address}/models") == offered(f"{address}/data") == offered(f"{address}/absent") == []
    assert offered("no-url") is None


@pytest.mark.parametrize(
    ("root", "more", "said"),
    [
        ("{model: gpt-nonsense-9}", "", "litellm knows no provider"),
        ("{model: openai/gpt-nonsense-9}", "", "its price is unknown"),
        ("{model: offline/rot}", "", "no offline model"),
        ("{model: openai/gpt-4o, fallbacks: [{model: openai/gpt-nonsense-9}]}", "", "its price is unknown"),
        ("{modle: x}", "", "unknown key 'modle'"),
    ],
)
def test_a_profile_that_could_never_run_is_wrong(tmp_path: Path, root: str, more: str, said: str) -> None:
    ran = rlm("profiles", "check", written(tmp_path, root, more))
    assert ran.code == 2
    assert ran.out.startswith("mine: wrong\n")
    assert said in ran.out


def test_an_unknown_price_is_no_fault_without_a_cap(tmp_path: Path) -> None:
    ran = rlm("profiles", "check", written(tmp_path, "{model: openai/gpt-nonsense-9}", "limits: {max_cost: null}"))
    assert ran.code == 0
    assert "price unknown" in ran.out


def test_a_model_that_its_provider_ends_is_told_with_the_day(tmp_path: Path) -> None:
    path = written(tmp_path, "{model: together_ai/Qwen/Qwen3-Next-80B-A3B-Instruct}")
    assert "ends 2026-04-02, says litellm's table" in rlm("profiles", "check", path).out


@pytest.mark.parametrize("name", sorted(SHIPPED))
def test_what_show_prints_is_the_profile(name: str, tmp_path: Path) -> None:
    shown = rlm("profiles", "show", name)
    assert shown.code == 0
    (tmp_path / "copy.yaml").write_text(shown.out)
    assert load(find(str(tmp_path / "copy.yaml"))) == load(find(name))


def test_show_prints_what_extends_and_fallbacks_come_to(tmp_path: Path) -> None:
    base = written(tmp_path, "{model: openai/a, price: {input: 1, output: 2}, fallbacks: [openai/b]}")
    (tmp_path / "upper.yaml").write_text("extends: mine\nroot: {temperature: 0.5}\n")
    shown = rlm("profiles", "show", str(tmp_path / "upper.yaml")).out
    (tmp_path / "copy.yaml").write_text(shown)
    upper, copy = (load(find(str(tmp_path / name))) for name in ("upper.yaml", "copy.yaml"))
    assert (copy.root, copy.sub, copy.limits) == (upper.root, upper.sub, upper.limits)
    assert (copy.root.temperature, copy.root.fallbacks[0].temperature) == (0.5, 0.5)
    assert load(find(base)).root.temperature is None


def test_show_says_what_there_is_when_a_name_is_unknown() -> None:
    ran = rlm("profiles", "show", "qualty")
    assert (ran.code, ran.out) == (2, "")
    assert "did you mean quality?" in ran.err
