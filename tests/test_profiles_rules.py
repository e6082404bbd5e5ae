"""`rules:` of a profile: rules of one's own, as strict as its other keys, and the same again after a run's record."""

import json
from pathlib import Path

import pytest
from support.command import rlm

from rlm_cli.errors import ProfileError
from rlm_cli.plain_values import from_plain, to_plain
from rlm_cli.profiles import Found, Overrides, as_yaml, find, load
from rlm_cli.rules import CATALOGUE, rule_named, rules_of
from rlm_cli.types import Profile, Rule

MODELS = "root: {model: offline/root}\nsub: {model: offline/sub}\n"
RULES = """\
rules:
  no-raw-sql:
    title: SQL outside the data layer
    severity: high
    cwe: CWE-89
    text: >
      Queries are written in app/db only;
      elsewhere nobody looks for them.
    advice: Move it to app/db.
    category: quality
  secret:
    title: Name that gives it away
    severity: info
    text: A rule may have the name that a key may not.
  weak-hash: {severity: low}
"""
OWN = Rule(
    "no-raw-sql", "SQL outside the data layer", "high", "CWE-89",
    "Queries are written in app/db only; elsewhere nobody looks for them.", "Move it to app/db.", "quality",
)  # fmt: skip


def written(folder: Path, text: str, name: str = "mine.yaml") -> Found:
    path = folder / name
    path.write_text(text)
    return Found(path.stem, path, "path")


def by_id(profile: Profile) -> dict[str, Rule]:
    return {rule.id: rule for rule in profile.rules}


def test_a_profile_has_rules_of_its_own(tmp_path: Path) -> None:
    profile = load(written(tmp_path, MODELS + RULES))
    assert [rule.id for rule in profile.rules] == ["no-raw-sql", "secret", "weak-hash"]
    assert profile.rules[0] == OWN
    assert profile.rules[1].advice == "See the message."
    assert (profile.rules[1].cwe, profile.rules[1].category) == (None, "security")
    assert rule_named(rules_of(profile), "No raw SQL") == OWN


def test_a_rule_of_the_catalogue_can_be_changed_in_part(tmp_path: Path) -> None:
    shipped = next(rule for rule in CATALOGUE if rule.id == "weak-hash")
    changed = by_id(load(written(tmp_path, MODELS + RULES)))["weak-hash"]
    assert changed.severity == "low" != shipped.severity
    assert (changed.title, changed.cwe, changed.text) == (shipped.title, shipped.cwe, shipped.text)


def test_a_profile_that_says_nothing_has_no_rules_of_its_own(tmp_path: Path) -> None:
    assert load(written(tmp_path, MODELS)).rules == ()
    assert load(written(tmp_path, MODELS + "rules: {}")).rules == ()
    assert load(find("offline")).rules == ()


@pytest.mark.parametrize(
    ("slip", "line", "said", "hint"),
    [
        ("rules: [a]", 1, "rules must be a mapping of rules by their ids", ""),
        ("rules:", 1, "rules must be a mapping of rules by their ids", ""),
        ("rules: 7", 1, "rules must be a mapping of rules by their ids", ""),
        ("rules:\n  Raw_SQL: {severity: low}", 2, "the id of a rule must be lower-case words with hyphens", ""),
        ("rules:\n  -a: {severity: low}", 2, "the id of a rule must be", ""),
        ("rules:\n  a--b: {severity: low}", 2, "the id of a rule must be", ""),
        ("rules:\n  89: {severity: low}", 2, "the id of a rule must be", ""),
        (f"rules:\n  {'a' * 61}: {{severity: low}}", 2, "the id of a rule must be", ""),
        ("rules:\n  <<: {a: {severity: low}}", 2, "the id of a rule must be", ""),
        ("rules:\n  a: {severity: low}\n  a: {severity: low}", 3, "a stands there twice", ""),
        ("rules:\n  a: low", 2, "the rule a must be a mapping of keys to values", ""),
        ("rules:\n  price:", 2, "the rule price must be a mapping of keys to values", ""),
        ("rules:\n  a: {}", 2, "the rule a says nothing", "title, severity, cwe, text, advice, category"),
        ("rules:\n  a:\n    titel: x", 3, "unknown key 'titel'", "did you mean title?"),
        ("rules:\n  a:\n    id: x", 3, "unknown key 'id'", "known keys: title, severity"),
        ("rules:\n  a:\n    severity: huge", 3, "severity must be info, low, medium, high or critical, not 'huge'", ""),
        ("rules:\n  a:\n    severity: 3", 3, "severity must be info, low", ""),
        ("rules:\n  a:\n    cwe: 89", 3, "cwe must be a number as in CWE-89, or null, not 89", ""),
        ("rules:\n  a:\n    cwe: cwe-89", 3, "cwe must be a number as in CWE-89", ""),
        ("rules:\n  a:\n    category: style", 3, "category must be security or quality, not 'style'", ""),
        ("rules:\n  a:\n    title: ''", 3, "title must be text", ""),
        ("rules:\n  a:\n    title: [x]", 3, "title must be text", ""),
        (f"rules:\n  a:\n    title: {'x' * 121}", 3, "title must be printable text of at most 120 characters", ""),
        ('rules:\n  a:\n    text: "\\e[31mred"', 3, "text must be printable text of at most 1,000 characters", ""),
        ("rules:\n  a:\n    advice: null", 3, "advice must be text", ""),
        ("rules:\n  a:\n    severity: low\n    title: x", 3, "the rule a lacks text", "changed in part"),
        ("rules:\n  a:\n    cwe: null", 3, "the rule a lacks title, severity, text", "changed in part"),
        ("rulez: {}", 1, "unknown key 'rulez'", "did you mean rules?"),
    ],
)
def test_a_slip_in_a_rule_is_named_with_its_line(tmp_path: Path, slip: str, line: int, said: str, hint: str) -> None:
    with pytest.raises(ProfileError) as refusal:
        load(written(tmp_path, f"{slip}\n{MODELS}"))
    assert str(refusal.value).startswith(f"mine.yaml, line {line}: {said}")
    assert hint in (refusal.value.hint or "")


def test_two_hundred_rules_are_the_most_with_those_that_are_extended(tmp_path: Path) -> None:
    rules = "rules:\n" + "".join(f"  rule-{n}: {{title: t, severity: low, text: t}}\n" for n in range(200))
    written(tmp_path, MODELS + rules, "base.yaml")
    more = "extends: base\nrules:\n  {name}: {{title: t, severity: high, text: t}}\n"
    assert len(load(written(tmp_path, more.format(name="rule-7"))).rules) == 200
    with pytest.raises(ProfileError, match=r"mine\.yaml, line 3: rule-200 is one rule too many.* at most 200"):
        load(written(tmp_path, more.format(name="rule-200")))


def test_rules_are_extended_key_by_key_and_the_child_wins(tmp_path: Path) -> None:
    written(tmp_path, MODELS + RULES, "base.yaml")
    child = "extends: base\nrules:\n  no-raw-sql: {severity: info}\n  mine: {title: t, severity: low, text: t}\n"
    rules = by_id(load(written(tmp_path, child)))
    assert list(rules) == ["no-raw-sql", "secret", "weak-hash", "mine"]
    assert rules["no-raw-sql"].severity == "info"
    assert rules["no-raw-sql"].text == OWN.text
    assert rules["weak-hash"].severity == "low"


def test_rules_can_be_set_on_the_command_line(tmp_path: Path) -> None:
    found = written(tmp_path, MODELS + RULES)
    settings = (
        "rules.no-raw-sql.severity=low",
        "rules.mine={title: t, severity: low, text: t}",
        "rules={other-one: {title: t, severity: low, text: t}}",
        "rules.sql-injection={severity: critical}",
    )
    rules = by_id(load(found, Overrides(settings=settings)))
    assert list(rules) == ["no-raw-sql", "secret", "weak-hash", "mine", "other-one", "sql-injection"]
    assert (rules["no-raw-sql"].severity, rules["sql-injection"].severity) == ("low", "critical")


@pytest.mark.parametrize(
    "setting",
    ["rules.A.severity=low", "rules.a.severty=low", "rules.a.severity.x=1", "rules=7", "rules=", "rules.a={cwe: 7}"],
)
def test_a_setting_of_a_rule_is_as_strict(tmp_path: Path, setting: str) -> None:
    with pytest.raises(ProfileError, match="--set rules"):
        load(written(tmp_path, MODELS), Overrides(settings=(setting,)))


def test_show_prints_the_rules_and_what_it_prints_is_the_profile(tmp_path: Path) -> None:
    profile = load(written(tmp_path, MODELS + RULES))
    shown = rlm("profiles", "show", str(tmp_path / "mine.yaml"))
    assert shown.code == 0
    assert "  no-raw-sql:\n    title: SQL outside the data layer\n    severity: high\n    cwe: CWE-89\n" in shown.out
    assert load(written(tmp_path, shown.out, "copy.yaml")) == profile
    assert "rules" not in as_yaml(load(find("offline")))


def test_rules_survive_the_record_of_a_run(tmp_path: Path) -> None:
    profile = load(written(tmp_path, MODELS + RULES))
    assert from_plain(Profile, json.loads(json.dumps(to_plain(profile)))) == profile
    plain = to_plain(profile)
    plain["rules"][0]["severity"] = "huge"
    with pytest.raises(ValueError, match="severity is not as it should be"):
        from_plain(Profile, plain)
    del plain["rules"]
    assert from_plain(Profile, plain).rules == (), "a record of an earlier version has none"
