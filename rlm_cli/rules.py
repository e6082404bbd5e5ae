"""The rules of a run: which there are, which one a name means, and how a root model is told of them.

Covered: the catalogue and a profile's own rules; names as models write them (an id, a CWE number, a common short
form). Not covered: what the rules say (security_rules.py, quality_rules.py); where one is broken, which a model says
and findings.py checks.
"""

import re
from collections.abc import Mapping

from rlm_cli.quality_rules import QUALITY
from rlm_cli.security_rules import SECURITY
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

CATALOGUE: tuple[Rule, ...] = (*SECURITY, *QUALITY, OTHER)

_ALIASES = {
    "sqli": "sql-injection",
    "nosqli": "nosql-injection",
    "xss": "cross-site-scripting",
    "rce": "code-injection",
    "eval": "code-injection",
    "os-command-injection": "command-injection",
    "shell-injection": "command-injection",
    "ssti": "template-injection",
    "crlf-injection": "header-injection",
    "response-splitting": "header-injection",
    "log-forging": "log-injection",
    "xxe": "xml-external-entities",
    "deserialization": "insecure-deserialization",
    "unsafe-deserialization": "insecure-deserialization",
    "insecure-deserialisation": "insecure-deserialization",
    "directory-traversal": "path-traversal",
    "lfi": "path-traversal",
    "rfi": "code-injection",
    "unrestricted-upload": "dangerous-upload",
    "file-upload": "dangerous-upload",
    "ssrf": "server-side-request-forgery",
    "csrf": "cross-site-request-forgery",
    "cors": "permissive-cors",
    "idor": "insecure-direct-object-reference",
    "bola": "insecure-direct-object-reference",
    "bfla": "missing-authorization",
    "access-control": "broken-access-control",
    "authentication": "broken-authentication",
    "missing-authorisation": "missing-authorization",
    "jwt": "jwt-not-verified",
    "hardcoded-credentials": "hard-coded-credentials",
    "hardcoded-secret": "hard-coded-credentials",
    "hard-coded-secret": "hard-coded-credentials",
    "hardcoded-password": "hard-coded-credentials",
    "weak-crypto": "weak-cipher",
    "weak-cryptography": "weak-cipher",
    "insecure-random": "weak-random",
    "insecure-randomness": "weak-random",
    "tls": "certificate-not-checked",
    "sensitive-data-exposure": "information-exposure",
    "information-disclosure": "information-exposure",
    "misconfiguration": "insecure-default",
    "security-misconfiguration": "insecure-default",
    "outdated-component": "vulnerable-component",
    "supply-chain": "untrusted-component",
    "backdoor": "malicious-code",
    "insufficient-logging": "missing-audit-log",
    "input-validation": "improper-input-validation",
    "rate-limit": "missing-rate-limit",
    "rate-limiting": "missing-rate-limit",
    "dos": "resource-exhaustion",
    "denial-of-service": "resource-exhaustion",
    "redos": "slow-regex",
    "zip-bomb": "decompression-bomb",
    "toctou": "check-then-use",
    "data-race": "missing-synchronization",
    "uaf": "use-after-free",
    "null-pointer-dereference": "null-dereference",
    "duplicate-code": "duplicated-logic",
    "duplicated-code": "duplicated-logic",
    "circular-import": "import-cycle",
    "circular-dependency": "import-cycle",
    "unused-code": "dead-code",
    "empty-catch": "swallowed-error",
    "swallowed-exception": "swallowed-error",
    "n-plus-one": "inefficient-algorithm",
    "complexity": "complex-function",
}
"""What people and models say -> the rule's id."""

_KIN = {
    **dict.fromkeys((23, 35, 36, 73), "path-traversal"),
    **dict.fromkeys((74, 95, 96, 98, 917), "code-injection"),
    **dict.fromkeys((80, 83, 87), "cross-site-scripting"),
    564: "sql-injection",
    **dict.fromkeys((93, 644), "header-injection"),
    **dict.fromkeys((776, 827), "xml-external-entities"),
    1236: "improper-encoding",
    **dict.fromkeys((285, 425), "missing-authorization"),
    **dict.fromkeys((266, 271, 280), "privilege-escalation"),
    **dict.fromkeys((565, 602), "client-decides"),
    **dict.fromkeys((276, 277, 281), "loose-permissions"),
    **dict.fromkeys((290, 294, 303, 304, 305, 308, 521, 640), "broken-authentication"),
    345: "signature-not-verified",
    **dict.fromkeys((1004, 1275), "insecure-cookie"),
    **dict.fromkeys((259, 321), "hard-coded-credentials"),
    1391: "default-credentials",
    **dict.fromkeys((326, 780, 1240), "weak-cipher"),
    **dict.fromkeys((759, 760), "weak-password-hash"),
    **dict.fromkeys((330, 331, 335, 337), "weak-random"),
    329: "reused-nonce",
    **dict.fromkeys((297, 599), "certificate-not-checked"),
    **dict.fromkeys((256, 257, 311, 313, 315, 522), "cleartext-storage"),
    **dict.fromkeys((203, 359, 497, 538, 548, 552, 598), "information-exposure"),
    **dict.fromkeys((210, 211), "error-exposure"),
    215: "debug-enabled",
    **dict.fromkeys((453, 1327), "insecure-default"),
    1021: "missing-protection",
    1104: "vulnerable-component",
    **dict.fromkeys((353, 426, 427, 830, 1357), "untrusted-component"),
    **dict.fromkeys((507, 511, 912), "malicious-code"),
    223: "missing-audit-log",
    **dict.fromkeys((129, 1284, 1286, 1287), "improper-input-validation"),
    **dict.fromkeys((405, 674), "resource-exhaustion"),
    **dict.fromkeys((774, 789), "unbounded-allocation"),
    **dict.fromkeys((185, 625, 186), "wrong-condition"),
    834: "infinite-loop",
    59: "path-traversal",
    **dict.fromkeys((378, 379), "insecure-temporary-file"),
    **dict.fromkeys((242, 676), "buffer-overflow"),
    **dict.fromkeys((126, 127), "out-of-bounds-read"),
    **dict.fromkeys((123, 124), "out-of-bounds-write"),
    **dict.fromkeys((824, 908), "uninitialized-memory"),
    **dict.fromkeys((191, 680), "integer-overflow"),
    **dict.fromkeys((480, 481, 570, 571, 595, 670), "wrong-condition"),
    **dict.fromkeys((197, 681, 843), "wrong-conversion"),
    **dict.fromkeys((628, 683, 687), "api-misuse"),
    **dict.fromkeys((366, 567, 662, 821), "missing-synchronization"),
    460: "missing-transaction",
    **dict.fromkeys((391, 1069), "swallowed-error"),
    **dict.fromkeys((369, 703, 754, 755), "unhandled-error"),
    **dict.fromkeys((404, 459, 775), "resource-leak"),
    **dict.fromkeys((563, 1164), "dead-code"),
    1124: "complex-function",
}
"""Numbers of weaknesses close to one that has a rule of its own -> the id of that rule."""

_NUMBER = re.compile(r"(?:^|-)cwe-?(\d{1,6})(?:-|$)|^(\d{1,6})$")
_LONGEST = 200
"""Characters of a name: nothing longer is one."""


def rules_of(profile: Profile) -> dict[str, Rule]:
    """Return the rules of a run by id: the catalogue, then its profile's, which may replace others; `other` last."""
    rules = {each.id: each for each in (*CATALOGUE, *profile.rules)}
    rules[OTHER.id] = rules.pop(OTHER.id)
    return rules


def rule_named(rules: Mapping[str, Rule], name: str) -> Rule:
    """Return the rule that a model means by `name`; `other` where nobody can tell."""
    slug = _slug(name[:_LONGEST])
    found = rules.get(slug) or rules.get(_ALIASES.get(slug, ""))
    number = _NUMBER.search(slug)
    if found is None and number is not None:
        found = _numbered(rules, int(number[1] or number[2]))
    return found or _titled(rules, slug) or rules.get(OTHER.id, OTHER)


def _slug(name: str) -> str:
    """Return a name as an id would be written: `SQL_Injection` and `sql injection` are one."""
    return re.sub(r"[^a-z0-9]+", "-", name.casefold()).strip("-")


def _numbered(rules: Mapping[str, Rule], number: int) -> Rule | None:
    """Return the first rule of a CWE, else the one of its kin."""
    exact = next((each for each in rules.values() if each.cwe == f"CWE-{number}"), None)
    return exact or rules.get(_KIN.get(number, ""))


def _titled(rules: Mapping[str, Rule], slug: str) -> Rule | None:
    return next((each for each in rules.values() if slug and _slug(each.title) == slug), None)


def listed(rules: Mapping[str, Rule]) -> str:
    """Return the ids in two lines, as a root model is told of them; a profile's own rules with their titles."""
    known = {each.id: each for each in CATALOGUE}
    lines = []
    for category in ("security", "quality"):
        those = [each for each in rules.values() if each.category == category]
        names = [each.id if known.get(each.id) == each else f"{each.id} ({each.title})" for each in those]
        if names:
            lines.append(f"{category}: {', '.join(names)}")
    return "\n".join(lines)


def names_of(rules: Mapping[str, Rule]) -> dict[str, str]:
    """Return what certainly means a rule -> its id: the ids, and the short forms that people use."""
    return {each: rule for each, rule in _ALIASES.items() if rule in rules} | {each: each for each in rules}
