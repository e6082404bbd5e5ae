"""The catalogue of rules that findings are instances of: fixed names, so that trackers can tell findings apart.

Covered: the rules, a profile's own beside them, the rule of a name that no rule has. Not covered: where a rule is
broken, which a model says and findings.py checks.
"""

from collections.abc import Mapping

from rlm_cli.types import Profile, Rule

OTHER = Rule(
    "other",
    "Something else",
    "medium",
    None,
    "What no rule of the catalogue describes; the title says what it is.",
    "See the message.",
    "quality",
)
"""What a finding is filed under whose rule nobody knows."""

CATALOGUE: tuple[Rule, ...] = (
    Rule(
        "sql-injection",
        "SQL built from input",
        "high",
        "CWE-89",
        "A query is put together from text that a user controls, so that the user decides what it does.",
        "Pass values as parameters of the query.",
    ),
    OTHER,
)


def rule_named(rules: Mapping[str, Rule], name: str) -> Rule:
    """Return the rule of this id; `OTHER` where there is none."""
    return rules.get(name.strip(), OTHER)


def listed(rules: Mapping[str, Rule]) -> str:
    """Return the ids of rules, as a model is told of them."""
    return ", ".join(rules)


def rules_of(profile: Profile) -> dict[str, Rule]:
    """Return the rules of a run by id: the catalogue, then those of its profile, which may stand in for others."""
    return {each.id: each for each in (*CATALOGUE, *profile.rules)}
