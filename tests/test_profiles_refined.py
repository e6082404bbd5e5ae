"""`refine:` and --refine: which profile makes the second pass, and who may say so."""

from pathlib import Path

import pytest

from rlm_cli.errors import ProfileError
from rlm_cli.profiles import Found, Overrides, as_yaml, custom, find, load

QUICK = "name: quick\nroot: {model: openai/gpt-5-nano}\nsub: {model: openai/gpt-5-nano}\n"
STRONG = "name: strong\nroot: {model: openai/gpt-5.2}\nsub: {model: openai/gpt-5-mini}\nlimits: {max_cost: 99}\n"


def written(folder: Path, text: str, name: str) -> Found:
    path = folder / name
    path.write_text(text)
    return Found(path.stem, path, "path")


def test_a_profile_names_the_one_beside_it(tmp_path: Path) -> None:
    written(tmp_path, STRONG, "strong.yaml")
    profile = load(written(tmp_path, f"{QUICK}refine: strong\n", "quick.yaml"))
    assert profile.refine is not None
    assert profile.refine.root.model == "openai/gpt-5.2"
    assert profile.limits.max_cost == 10
    assert [each.model for each in profile.models] == ["openai/gpt-5-nano"] * 2 + [
        "openai/gpt-5.2",
        "openai/gpt-5-mini",
    ]


def test_the_command_line_names_it_by_name_by_path_and_by_setting(tmp_path: Path) -> None:
    found, strong = written(tmp_path, QUICK, "quick.yaml"), written(tmp_path, STRONG, "strong.yaml")
    by_name = load(found, Overrides(refine="quality"))
    by_path = load(found, Overrides(refine=str(strong.path)))
    by_setting = load(found, Overrides(settings=("refine=quality",)))
    assert [each.refine.name for each in (by_name, by_path, by_setting) if each.refine] == [
        "quality",
        "strong",
        "quality",
    ]
    named = custom(Overrides("openai/gpt-5-nano", "openai/gpt-5-nano", refine="quality"))
    assert named.refine == by_name.refine == load(find("quality"))


def test_a_setting_lifts_what_the_profile_says(tmp_path: Path) -> None:
    assert (
        load(written(tmp_path, f"{QUICK}refine: quality\n", "q.yaml"), Overrides(settings=("refine=null",))).refine
        is None
    )


def test_there_are_two_passes_at_most(tmp_path: Path) -> None:
    second = written(tmp_path, f"{STRONG}refine: quality\n", "strong.yaml")
    profile = load(written(tmp_path, f"{QUICK}refine: strong\n", "quick.yaml"))
    assert profile.refine is not None
    assert profile.refine.refine is None
    assert load(second).refine is not None


def test_a_profile_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ProfileError, match="no profile called 'strongest'"):
        load(written(tmp_path, f"{QUICK}refine: strongest\n", "quick.yaml"))


def test_a_profile_inside_the_input_is_not_used_unasked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    inside = tmp_path / ".rlm" / "profiles"
    inside.mkdir(parents=True)
    written(inside, STRONG, "theirs.yaml")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ProfileError, match="lies inside the input"):
        load(find("speed"), Overrides(refine="theirs"), [str(tmp_path)])
    trusted = load(find("speed"), Overrides(refine="theirs"), [str(tmp_path)], trusted=True)
    assert trusted.refine is not None


def test_a_shown_profile_says_so(tmp_path: Path) -> None:
    shown = as_yaml(load(written(tmp_path, f"{QUICK}refine: quality\nstrategy: rlm\n", "quick.yaml")))
    again = load(written(tmp_path, shown, "again.yaml"))
    assert again.refine == load(find("quality"))
    assert again.strategy == "rlm"
