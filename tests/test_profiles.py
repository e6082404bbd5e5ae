"""Profiles: strict enough that a slip is named before it costs money, and never a place for keys."""

import os
from itertools import pairwise
from pathlib import Path

import pytest

from rlm_cli.errors import ProfileError
from rlm_cli.profiles import Found, Overrides, choose, custom, find, load, shipped, visible
from rlm_cli.types import ModelSpec, Price, Profile

GOOD = """\
name: mine
description: two models
root:
  model: openai/big
  price: {input: 2, output: 8, cached_input: 0.5}
  api_base: http://127.0.0.1:1/v1
  params: {seed: 7}
sub:
  model: openai/small
limits:
  max_cost: 1.5
"""
NESTED_ALIASES = "".join(
    f"    {name}: &{name} [{', '.join([f'*{below}'] * 5)}]\n" for below, name in pairwise("abcdefgh")
)


def written(folder: Path, text: str, name: str = "mine.yaml") -> Found:
    path = folder / name
    path.write_text(text)
    return Found(path.stem, path, "path")


def refused(folder: Path, text: str) -> tuple[str, str]:
    with pytest.raises(ProfileError) as refusal:
        load(written(folder, text))
    return str(refusal.value), refusal.value.hint or ""


def test_a_profile_is_read_whole(tmp_path: Path) -> None:
    profile = load(written(tmp_path, GOOD))
    assert profile.name == "mine"
    assert profile.root.price == Price(2, 8, 0.5)
    assert profile.root.params == {"seed": 7}
    assert profile.limits.max_cost == 1.5
    assert profile.limits.max_iterations == 50
    assert profile.sub.price is None


@pytest.mark.parametrize("name", shipped())
def test_every_shipped_profile_loads(name: str) -> None:
    profile = load(find(name))
    assert profile.name == name
    assert profile.description


@pytest.mark.parametrize(
    ("slip", "line", "said", "hint"),
    [
        ("limits: {max_costs: 1}", 1, "unknown key 'max_costs'", "did you mean max_cost?"),
        ("root: {modle: x}", 1, "unknown key 'modle'", "did you mean model?"),
        ("name: a\nrooot: {model: x}", 2, "unknown key 'rooot'", "did you mean root?"),
        ("root:\n  model: 7", 2, "model must be text, not 7", ""),
        ("limits:\n  timeout: soon", 2, "timeout must be a number from 0.1", ""),
        ("limits:\n  concurrency: 0", 2, "concurrency must be a whole number from 1 to 1024, not 0", ""),
        ("limits:\n  max_cost: true", 2, "max_cost must be a number", ""),
        ("name: a\nname: b", 2, "name stands there twice", ""),
        ("refine: [strong]", 1, "refine must be text", ""),
        ("strategy: quick", 1, "strategy must be auto, rlm, direct or map-reduce", ""),
        ("prompts: {style: terse}", 1, "unknown key 'style'", ""),
        (
            "root:\n  model: x\n  fallbacks: y",
            3,
            "fallbacks must be a list of models",
            "fallbacks: [openai/gpt-5-mini]",
        ),
        ("root:\n  fallbacks:\n  - {modle: y}", 3, "unknown key 'modle'", "did you mean model?"),
        ("root:\n  fallbacks:\n  - {model: y, fallbacks: [z]}", 3, "unknown key 'fallbacks'", ""),
        ("root:\n  fallbacks: [{timeout: 3}]", 2, "a model under fallbacks has no model: ID", ""),
        ("root:\n  fallbacks: [3]", 2, "fallbacks must be text, not 3", ""),
        ("root: [a", 1, "expected", ""),
    ],
)
def test_a_slip_is_named_with_its_line(tmp_path: Path, slip: str, line: int, said: str, hint: str) -> None:
    message, given = refused(tmp_path, slip)
    assert said in message
    assert f"mine.yaml, line {line}" in message
    assert hint in given


@pytest.mark.parametrize(
    "secret",
    [
        "root: {model: x, api_key: hunter2hunter2}",
        "root: {model: x, api_key_env: sk-proj-0123456789abcdefghij}",
        "root: {model: x, params: {api_key: hunter2hunter2}}",
        "root: {model: x, params: {extra_headers: {x: sk-ant-0123456789abcdefghij}}}",
        "root: {model: x, params: {extra_headers: {Authorization: Bearer hunter2hunter2}}}",
    ],
)
def test_a_key_in_a_profile_is_refused_and_not_repeated(tmp_path: Path, secret: str) -> None:
    message, hint = refused(tmp_path, secret)
    assert "api_key_env: NAME" in hint
    assert "hunter2" not in message + hint
    assert "0123456789" not in message + hint


def test_a_profile_that_extends_another_changes_only_what_it_says(tmp_path: Path) -> None:
    written(tmp_path, GOOD, "base.yaml")
    profile = load(written(tmp_path, "name: other\nextends: base\nroot: {temperature: 0}\nlimits: {timeout: 9}"))
    assert (profile.name, profile.root.model, profile.root.temperature) == ("other", "openai/big", 0)
    assert (profile.limits.max_cost, profile.limits.timeout) == (1.5, 9)


def test_profiles_that_extend_each_other_are_refused(tmp_path: Path) -> None:
    written(tmp_path, "extends: b", "a.yaml")
    with pytest.raises(ProfileError, match="extends itself"):
        load(written(tmp_path, "extends: a", "b.yaml"))


def test_settings_and_limits_are_laid_over_in_order(tmp_path: Path) -> None:
    overrides = Overrides(
        settings=("limits.max_cost=3", "sub.price={input: 1, output: 2}", "root.temperature=0.5"),
        limits={"max_cost": None, "timeout": 7},
    )
    profile = load(written(tmp_path, GOOD), overrides)
    assert profile.limits.max_cost is None
    assert profile.limits.timeout == 7
    assert profile.sub.price == Price(1, 2)
    assert profile.root.temperature == 0.5


@pytest.mark.parametrize(
    "setting", ["limits.max_costs=3", "nonsense", "root.model.name=x", "limits.timeout=soon", "=1"]
)
def test_a_setting_is_as_strict_as_the_file(tmp_path: Path, setting: str) -> None:
    with pytest.raises(ProfileError, match="--set"):
        load(written(tmp_path, GOOD), Overrides(settings=(setting,)))


def test_another_model_does_not_inherit_the_old_ones_server_and_price(tmp_path: Path) -> None:
    root = load(written(tmp_path, GOOD), Overrides(root_model="anthropic/claude")).root
    assert root.model == "anthropic/claude"
    assert (root.api_base, root.price, dict(root.params)) == (None, None, {})


def test_two_models_on_the_command_line_need_no_profile() -> None:
    profile = custom(Overrides(root_model="ollama/a", sub_model="ollama/b", settings=("limits.max_cost=1",)))
    assert (profile.root.model, profile.sub.model, profile.limits.max_cost) == ("ollama/a", "ollama/b", 1)


def test_a_profile_inside_the_input_decides_only_when_it_is_trusted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".rlm" / "profiles").mkdir(parents=True)
    written(tmp_path / ".rlm" / "profiles", GOOD, "openai.yaml")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ProfileError, match="lies inside the input"):
        find("openai", ["."])
    assert find("openai", ["."], trusted=True).origin == "project"
    assert find("openai", ["/usr/share"]).origin == "project"


def test_an_unknown_profile_names_the_nearest() -> None:
    with pytest.raises(ProfileError) as refusal:
        find("ofline")
    assert refusal.value.hint == "did you mean offline?"


def test_the_default_profile_follows_the_order_of_the_contract(own_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ProfileError) as refusal:
        choose(None)
    assert "-p offline" in (refusal.value.hint or "")
    order = []
    for variable in ("GEMINI_API_KEY", "OPENAI_API_KEY", "ANTHROPIC_API_KEY"):
        monkeypatch.setenv(variable, "x")
        order.append(choose(None).name)
    assert order == ["speed", "openai", "enterprise"]
    folder = own_home / ".config" / "rlm"
    folder.mkdir(parents=True)
    (folder / "config.yaml").write_text("profile: offline\n")
    assert choose(None).name == "offline"
    monkeypatch.setenv("RLM_PROFILE", "mine")
    assert choose(None).name == "mine"
    assert choose("named").name == "named"
    assert choose("named").reason == ""


def test_a_whole_profile_is_a_value(tmp_path: Path) -> None:
    assert load(written(tmp_path, GOOD)) == load(written(tmp_path, GOOD))
    assert isinstance(load(written(tmp_path, GOOD)), Profile)


def test_a_fallback_shares_what_is_of_the_reply_and_nothing_of_the_server(tmp_path: Path) -> None:
    root = "{model: openai/a, api_base: http://127.0.0.1:1, api_key_env: A, max_output_tokens: 77, timeout: 9, "
    more = "fallbacks: [openai/b, {model: openai/c, timeout: 5, price: {input: 1, output: 2}}]}"
    spec = load(written(tmp_path, f"root: {root}{more}\nsub: {{model: x/y}}")).root
    assert spec.fallbacks == (
        ModelSpec("openai/b", max_output_tokens=77, timeout=9),
        ModelSpec("openai/c", max_output_tokens=77, timeout=5, price=Price(1, 2)),
    )
    assert load(written(tmp_path, GOOD), Overrides(settings=("root.fallbacks=[openai/z]",))).root.fallbacks == (
        ModelSpec("openai/z"),
    )
    assert load(written(tmp_path, GOOD), Overrides(settings=("root.fallbacks=",))).root.fallbacks == ()


def test_another_root_model_has_no_fallbacks_of_the_old_one(tmp_path: Path) -> None:
    found = written(tmp_path, "root: {model: a/b, fallbacks: [c/d]}\nsub: {model: x/y}")
    assert load(found, Overrides(root_model="openai/e")).root.fallbacks == ()


def test_a_profile_that_extends_with_another_model_keeps_nothing_of_the_old_one(tmp_path: Path) -> None:
    base = "root: {model: openai/a, api_base: 'http://127.0.0.1:1', api_key_env: A, context_window: 9, temperature: 1, "
    more = "max_output_tokens: 77, timeout: 5, price: {input: 1, output: 2}, params: {x: 1}, fallbacks: [openai/b]}"
    written(tmp_path, f"{base}{more}\nsub: {{model: x/y}}", "base.yaml")
    other = load(written(tmp_path, "extends: base\nroot: {model: openai/c}"))
    assert other.root == ModelSpec("openai/c", max_output_tokens=77, timeout=5)
    same = load(written(tmp_path, "extends: base\nroot: {model: openai/a, temperature: 0}"))
    assert (same.root.context_window, same.root.temperature) == (9, 0)
    found = written(tmp_path, "extends: base")
    for order in (("root.model=openai/c", "root.api_base=http://b"), ("root.api_base=http://b", "root.model=openai/c")):
        set_ = load(found, Overrides(settings=order)).root
        assert set_ == ModelSpec("openai/c", api_base="http://b", max_output_tokens=77, timeout=5)


@pytest.mark.parametrize(
    ("slip", "line", "said"),
    [
        ("root:\n  model: x\n  price: {input: 1}\nsub: {model: x/y}", 3, "a price needs input and output"),
        ("root: {model: x}\nsub:\n", 2, "sub must be a mapping"),
        ("root: {model: x}\nlimits: 7", 2, "limits must be a mapping"),
    ],
)
def test_what_is_missing_is_named_with_its_line_too(tmp_path: Path, slip: str, line: int, said: str) -> None:
    message, _ = refused(tmp_path, slip)
    assert message.startswith(f"mine.yaml, line {line}: {said}")


def test_a_configuration_that_is_no_utf_8_is_named(own_home: Path) -> None:
    path = own_home / ".config" / "rlm" / "config.yaml"
    path.parent.mkdir(parents=True)
    path.write_bytes(b"profile: \xff")
    with pytest.raises(ProfileError, match=r"config\.yaml: it is not UTF-8"):
        choose(None)


@pytest.mark.parametrize(
    ("hostile", "line", "said"),
    [
        ("description: 2026-13-45", 1, "not a value that can be read: month must be in 1..12"),
        ("limits:\n  max_cost: 1" + "0" * 400, 2, "max_cost must be a number from 0 to 1e+15, or null, not 100"),
        ("limits:\n  max_cost: 1" + "0" * 5_000, 2, "not a value that can be read: Exceeds the limit"),
        ("limits:\n  max_cost: 0x1" + "0" * 5_000, 2, "not a value that can be read: Exceeds the limit"),
        ("limits:\n  max_cost: .inf", 2, "max_cost must be a number"),
        ("root:\n  params: {stream: !!bool maybe}", 2, "not a value that can be read"),
        ("root:\n  params: {since: !!timestamp soon}", 2, "not a value that can be read"),
        ("root:\n  params:\n    a: &a [1]\n" + NESTED_ALIASES, 6, "more than 10 aliases"),
        ("root:\n  params: &a {b: *a}", 2, "recursive"),
        ("root:\n  params:\n    a: " + "[" * 90_000, 3, "nested too deeply"),
        ("root:\n  params:\n" + "".join(f"{' ' * n}a:\n" for n in range(4, 90)), 51, "nested too deeply"),
        ("k" * 90_000 + "\n", 1, "a profile must be a mapping"),
        ("? " + "k" * 90_000 + "\n: 1", 1, "unknown key 'kkkkkk"),
    ],
)
def test_a_planted_profile_is_refused_at_once(tmp_path: Path, hostile: str, line: int, said: str) -> None:
    message, _ = refused(tmp_path, hostile)
    assert said in message
    assert f"line {line}" in message or said == "a profile must be a mapping"
    assert len(message) < 500


def test_a_value_may_stand_for_another(tmp_path: Path) -> None:
    profile = load(written(tmp_path, "root: &both {model: a/b, timeout: 7}\nsub: *both"))
    assert profile.root == ModelSpec("a/b", timeout=7)
    assert profile.sub == ModelSpec("a/b", timeout=7, cache=True)


@pytest.mark.parametrize(
    "setting", ["root.params={a: &b [1], c: [" + "*b ," * 11 + "]}", "limits.max_cost=1" + "0" * 5_000]
)
def test_a_setting_is_read_with_the_same_care(setting: str) -> None:
    with pytest.raises(ProfileError, match="--set "):
        load(find("offline"), Overrides(settings=(setting,)))


def test_what_is_no_profile_file_is_neither_waited_for_nor_read_whole(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.yaml")
    (tmp_path / "device.yaml").symlink_to("/dev/zero")
    for name in ("pipe", "device"):
        with pytest.raises(ProfileError, match="it is not a regular file"):
            load(Found(name, tmp_path / f"{name}.yaml", "project"))
    with pytest.raises(ProfileError, match="larger than a profile can be"):
        load(written(tmp_path, GOOD + "#" * 100_000))
    (tmp_path / "link.yaml").symlink_to(written(tmp_path, GOOD).path)
    assert load(Found("link", tmp_path / "link.yaml", "project")).name == "mine"


def test_both_endings_of_yaml_are_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / ".rlm" / "profiles"
    folder.mkdir(parents=True)
    written(folder, GOOD, "short.yml")
    written(folder, GOOD, "both.yml")
    written(folder, GOOD, "both.yaml")
    child = written(folder, "extends: short\nname: child", "child.yaml")
    assert {each.path.name for each in visible() if each.origin == "project"} == {
        "short.yml",
        "both.yaml",
        "child.yaml",
    }
    assert load(find("short")).name == "mine"
    assert load(child).root.model == "openai/big"
