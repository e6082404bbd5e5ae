"""A rule of the catalogue as SARIF and GitHub's code scanning describe rules.

A rule's severity is GitHub's for all its alerts: `security-severity`, a number as text. Quality rules have none.
"""

import re
from typing import Any

from rlm_cli.types import Rule, Severity

LEVELS: dict[Severity, str] = {
    "critical": "error",
    "high": "error",
    "medium": "warning",
    "low": "note",
    "info": "note",
}
_SCORES: dict[Severity, str] = {"critical": "9.5", "high": "8.0", "medium": "5.5", "low": "2.0"}
_PROBLEMS = {"error": "error", "warning": "warning", "note": "recommendation"}
_CWE = re.compile(r"CWE-(\d{1,6})", re.ASCII)


def rule_object(rule: Rule) -> dict[str, Any]:
    """Return the descriptor of a rule."""
    number = _CWE.fullmatch(rule.cwe or "")
    security = rule.category == "security"
    tags = ["security" if security else "maintainability"]
    properties: dict[str, Any] = {
        "precision": "medium",
        "problem.severity": _PROBLEMS[LEVELS[rule.severity]],
    }
    if number is not None:
        tags.append(f"external/cwe/cwe-{int(number[1]):03}")
    if security and rule.severity in _SCORES:
        properties["security-severity"] = _SCORES[rule.severity]
    title = rule.title.rstrip(".")
    described: dict[str, Any] = {
        "id": rule.id,
        "name": _name(rule),
        "shortDescription": {"text": f"{title}."},
        "fullDescription": {"text": _sentence(rule.text or title)},
        "help": {"text": _help(rule, number, "{}", "{}"), "markdown": _help(rule, number, "**{}**", "[{}]({})")},
        "defaultConfiguration": {"level": LEVELS[rule.severity]},
        "properties": {"tags": tags, **properties},
    }
    if number is not None:
        described["helpUri"] = _address(number)
    return described


def _name(rule: Rule) -> str:
    """Return a name for people; SARIF wants it to be another than the id, whatever the case."""
    name = _camel(rule.id)
    return name if name.lower() != rule.id.lower() else _camel(f"{rule.title} rule")


def _camel(words: str) -> str:
    return "".join(word.capitalize() for word in re.findall(r"\w+", words))


def _sentence(text: str) -> str:
    text = text.strip()
    return text if text.endswith((".", "!", "?")) else f"{text}."


def _help(rule: Rule, number: re.Match[str] | None, bold: str, link: str) -> str:
    paragraphs = [rule.text.strip(), f"{bold.format('Instead:')} {rule.advice.strip()}" if rule.advice.strip() else ""]
    if number is not None:
        paragraphs.append(f"See {link.format(number[0], _address(number))}.")
    return "\n\n".join(filter(None, paragraphs)) or rule.title


def _address(number: re.Match[str]) -> str:
    return f"https://cwe.mitre.org/data/definitions/{int(number[1])}.html"
