"""The catalogue of rules, and which rule a name means: ids and numbers are what trackers hold on to."""

import re
from collections import Counter

import pytest

from rlm_cli.rules import CATALOGUE, OTHER, listed, rule_named, rules_of
from rlm_cli.types import SEVERITIES, ModelSpec, Profile, Rule

RULES = rules_of(Profile("p", "", ModelSpec("a/b"), ModelSpec("a/b")))
OWN = Rule("raw-sql", "SQL outside the data layer", "low", "CWE-89", "Text.", "Advice.", "quality")
TOP_25 = {
    2024: "79 787 89 352 22 125 78 416 862 434 94 20 77 287 269 502 200 863 918 119 476 798 190 400 306",
    2025: "79 89 352 862 787 22 416 125 78 94 120 434 476 121 502 122 863 20 284 200 306 918 77 639 770",
}
OWASP = {
    "access control": "broken-access-control",
    "cryptographic failures": "weak-cipher",
    "injection": "sql-injection",
    "insecure design": "insecure-design",
    "security misconfiguration": "insecure-default",
    "vulnerable and outdated components": "vulnerable-component",
    "software supply chain": "untrusted-component",
    "authentication failures": "broken-authentication",
    "software and data integrity": "unverified-download",
    "logging and alerting": "missing-audit-log",
    "server-side request forgery": "server-side-request-forgery",
    "mishandling of exceptional conditions": "fails-open",
}


def with_rules(*rules: Rule) -> dict[str, Rule]:
    return rules_of(Profile("p", "", ModelSpec("a/b"), ModelSpec("a/b"), rules=rules))


@pytest.mark.parametrize("rule", CATALOGUE, ids=lambda rule: rule.id)
def test_a_rule_is_written_as_reports_need_it(rule: Rule) -> None:
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", rule.id)
    assert rule.severity in SEVERITIES
    assert rule.cwe is None or re.fullmatch(r"CWE-[1-9]\d{0,3}", rule.cwe)
    assert rule.cwe is not None or rule.category == "quality", "a weakness has a number"
    assert 5 <= len(rule.title) <= 60
    assert not rule.title.endswith(".")
    assert rule.text.endswith(".")
    assert rule.advice.endswith(".")


def test_ids_and_titles_are_those_of_one_rule_each() -> None:
    for names in (Counter(rule.id for rule in CATALOGUE), Counter(rule.title for rule in CATALOGUE)):
        assert [name for name, count in names.items() if count > 1] == []
    assert CATALOGUE[-1] is OTHER
    assert len(CATALOGUE) >= 100


@pytest.mark.parametrize("year", TOP_25)
def test_every_weakness_of_the_top_25_has_a_rule_of_its_own(year: int) -> None:
    numbers = TOP_25[year].split()
    assert len(numbers) == 25
    assert {f"CWE-{number}" for number in numbers} <= {rule.cwe for rule in CATALOGUE}


@pytest.mark.parametrize("category", OWASP)
def test_every_category_of_the_owasp_top_10_has_a_rule(category: str) -> None:
    assert OWASP[category] in RULES


@pytest.mark.parametrize("rule", CATALOGUE, ids=lambda rule: rule.id)
def test_every_rule_is_found_by_its_id_and_its_title(rule: Rule) -> None:
    for name in (rule.id, rule.id.upper(), rule.id.replace("-", "_"), rule.id.replace("-", " "), rule.title):
        assert rule_named(RULES, f" {name} ") is rule


@pytest.mark.parametrize(
    ("name", "rule"),
    [
        *(
            (name, "sql-injection")
            for name in ("CWE-89", "cwe 89", "89", "CWE089", "cwe_0089", "CWE-89: SQL Injection")
        ),
        ("SQL injection (CWE-89)", "sql-injection"),
        ("SQLi", "sql-injection"),
        ("external/cwe/cwe-022", "path-traversal"),
        ("CWE-22", "path-traversal"),
        ("CWE-347", "signature-not-verified"),
        ("CWE-561", "dead-code"),
        ("CWE-95", "code-injection"),
        ("CWE-1004", "insecure-cookie"),
        ("XSS", "cross-site-scripting"),
        ("idor", "insecure-direct-object-reference"),
        ("SSRF", "server-side-request-forgery"),
        ("TOCTOU", "check-then-use"),
        ("Circular import", "import-cycle"),
        ("CWE-99999", "other"),
        ("10 small things", "other"),
        ("0", "other"),
        ("cwe", "other"),
        ("", "other"),
        ("--", "other"),
        ("quantum zebra", "other"),
        ("x" * 1_000_000, "other"),
        ("other", "other"),
    ],
)
def test_a_name_means_a_rule(name: str, rule: str) -> None:
    assert rule_named(RULES, name).id == rule


def test_every_short_form_and_every_number_of_kin_leads_to_a_rule() -> None:
    from rlm_cli.rules import _ALIASES, _KIN

    own = {rule.cwe for rule in CATALOGUE}
    for alias, rule_id in _ALIASES.items():
        assert alias not in RULES
        assert rule_named(RULES, alias) is RULES[rule_id]
    for number, rule_id in _KIN.items():
        assert f"CWE-{number}" not in own
        assert rule_named(RULES, str(number)) is RULES[rule_id]


def test_a_profiles_rules_stand_beside_those_of_the_catalogue_and_in_for_them() -> None:
    mine = Rule("weak-hash", "Hash that we do not use", "critical", "CWE-328", "Text.", "Advice.")
    rules = with_rules(OWN, mine)
    assert list(rules) == [*(rule.id for rule in CATALOGUE[:-1]), "raw-sql", "other"]
    assert rule_named(rules, "Raw SQL") is OWN
    assert rule_named(rules, "weak_hash") is rule_named(rules, "CWE-328") is mine
    assert rule_named(rules, "89").id == "sql-injection", "the catalogue's comes first"


def test_the_list_for_a_root_model_is_two_short_lines() -> None:
    security, quality = listed(RULES).split("\n")
    assert security.startswith("security: sql-injection, ")
    assert quality.startswith("quality: ")
    assert quality.endswith(", other")
    assert {name for line in (security, quality) for name in line.partition(": ")[2].split(", ")} == set(RULES)
    assert len(security + quality) < 3_000
    assert "raw-sql (SQL outside the data layer), other" in listed(with_rules(OWN))
