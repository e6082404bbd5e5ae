"""Constructs that deserve a look when someone asks about security: what the offline models search for.

A table, not an analysis: it names a place and a reason, never a verdict. Patterns are matched against single lines.
"""

import re
from dataclasses import dataclass

from rlm_cli.rules import CATALOGUE, rule_named
from rlm_cli.types import Rule

_RULES = {each.id: each for each in CATALOGUE}


@dataclass(frozen=True, slots=True)
class Risk:
    """`needles` are found with str.find, which is quick in a large text; `pattern` then has to match the line."""

    needles: tuple[str, ...]
    pattern: str
    weight: float
    """1 is a hint, 3 is seldom harmless."""
    cwe: int
    reason: str
    name: str = ""
    """Of the rule that a finding of it breaks, where the first rule of its CWE is too wide."""

    @property
    def rule(self) -> Rule:
        """What a finding of it is an instance of."""
        return rule_named(_RULES, self.name or f"CWE-{self.cwe}")


RISKS = (
    Risk(("eval(", "exec("), r"(?<![\w.])(?<!def )(?<!function )(eval|exec)\((?![)\"'])", 2.5, 95, "runs text as code"),
    Risk(("new Function(",), r"new Function\(", 2, 95, "runs text as code"),
    Risk(("os.system(", "os.popen("), r"os\.(system|popen)\(", 2.5, 78, "runs a shell command"),
    Risk(("shell=True", "shell = True"), r"shell\s*=\s*True", 2.5, 78, "runs a command through the shell"),
    Risk(("child_process", "execSync("), r"child_process|execSync\(", 1.5, 78, "starts a process"),
    Risk(("system(", "popen("), r"(?<![\w.>])(?<!def )(system|popen)\((?![)])", 2, 78, "runs a shell command"),
    Risk(("shell_exec(", "passthru("), r"(shell_exec|passthru)\(", 2.5, 78, "runs a shell command"),
    Risk(("getRuntime()",), r"getRuntime\(\)\.exec", 2, 78, "starts a process"),
    Risk(("pickle.load", "marshal.load"), r"(pickle|marshal)\.loads?\(", 2.5, 502, "unpickling can run code"),
    Risk(("yaml.load(",), r"yaml\.load\((?!.*Safe)", 2.5, 502, "yaml.load without a safe loader"),
    Risk(("unserialize(",), r"(?<![\w.])unserialize\(", 2, 502, "deserializes input"),
    Risk(("ObjectInputStream", "readObject("), r"new ObjectInputStream|\.readObject\(", 2, 502, "deserializes input"),
    Risk(
        (".execute(", ".executemany(", ".raw(", "query("),
        r"(execute|executemany|raw|query)\(\s*(f[\"']|[\"'].*[\"']\s*(%|\+|\.format)|[\"'].*\$\{|`.*\$\{)",
        3,
        89,
        "SQL put together from strings: injection",
    ),
    Risk(
        ("SELECT ", "INSERT INTO ", "UPDATE ", "DELETE FROM "),
        r"f[\"'].*\b(SELECT .* FROM|INSERT INTO|UPDATE \w+ SET|DELETE FROM)\b.*\{|"
        r"[\"'].*\b(SELECT .* FROM|INSERT INTO|UPDATE \w+ SET|DELETE FROM)\b.*[\"']\s*(%|\+|\.\s*\$|\.format)",
        2.5,
        89,
        "SQL put together from strings: injection",
    ),
    Risk(("innerHTML", "outerHTML"), r"(inner|outer)HTML\s*\+?=", 2, 79, "unescaped markup: cross-site scripting"),
    Risk(("document.write(",), r"document\.write\(", 1.5, 79, "unescaped markup: cross-site scripting"),
    Risk(("dangerouslySetInnerHTML",), r"dangerouslySetInnerHTML", 2, 79, "unescaped markup: cross-site scripting"),
    Risk(
        ("mark_safe(", "Markup(", "|safe"), r"mark_safe\(|\bMarkup\(|\|\s*safe\b", 1.5, 79, "marks text as safe markup"
    ),
    Risk(("render_template_string(",), r"render_template_string\((?![\"'])", 2.5, 1336, "a template made of input"),
    Risk(("strcpy(", "strcat(", "gets("), r"(?<!\w)(strcpy|strcat|gets)\(", 2.5, 120, "copies without a bound"),
    Risk(("sprintf(",), r"(?<!\w)v?sprintf\(", 1.5, 120, "writes without a bound"),
    Risk(
        ("password", "passwd", "secret", "api_key", "apikey", "API_KEY", "SECRET", "PASSWORD", "token"),
        r"(?i)(password|passwd|secret(_?key)?|api_?key|auth_?token)[\"']?\s*[:=]\s*[\"'](?!\w*(key|secret|pass|token|your|example))[^\"'\s{}<>$]{6,}[\"']",
        2.5,
        798,
        "a credential in the source",
    ),
    Risk(("PRIVATE KEY-----",), r"BEGIN [A-Z ]*PRIVATE KEY-----", 3, 798, "a private key in the source"),
    Risk(("AKIA",), r"\bAKIA[0-9A-Z]{16}\b", 3, 798, "an AWS key in the source"),
    Risk(("md5(", "sha1(", "MD5"), r"(?i)(?<![a-z])(md5|sha1)\(|getInstance\(\"MD5", 1.2, 328, "a broken hash"),
    Risk(("verify=False", "CERT_NONE"), r"verify\s*=\s*False|CERT_NONE", 2.5, 295, "certificates are not checked"),
    Risk(("rejectUnauthorized",), r"rejectUnauthorized[\"']?\s*:\s*false", 2.5, 295, "certificates are not checked"),
    Risk(("InsecureSkipVerify",), r"InsecureSkipVerify:\s*true", 2.5, 295, "certificates are not checked"),
    Risk(("csrf_exempt",), r"@\s*csrf_exempt|csrf_exempt\(", 1.5, 352, "switches CSRF protection off"),
    Risk(("debug=True", "DEBUG = True"), r"debug\s*=\s*True|^DEBUG\s*=\s*True", 1.5, 489, "debug mode left on"),
    Risk(("FLASK_DEBUG",), r"FLASK_DEBUG\s*=\s*[\"']?(1|[Tt]rue)", 2, 489, "debug mode left on"),
    Risk(("verify_signature",), r"verify_signature.{1,5}False", 2.5, 347, "a token unverified", "jwt-not-verified"),
    Risk(("redirect(",), r"redirect\(\s*request\.", 2, 601, "sends visitors where the request says"),
    Risk(("mktemp(",), r"(?<!\w)mktemp\(", 1.5, 377, "a predictable temporary file"),
    Risk(("0777", "0o777", "chmod 777"), r"chmod.*777|0o?777", 1.5, 732, "open to every user of the machine"),
    Risk(("extractall(",), r"\.extractall\(", 1, 22, "an archive may write outside its folder", "zip-slip"),
    Risk(
        ("$_GET", "$_POST", "$_REQUEST"),
        r"(echo|include|require|query).*\$_(GET|POST|REQUEST)",
        2.5,
        20,
        "unchecked input",
    ),
    Risk(
        ("Access-Control-Allow-Origin",),
        r"Access-Control-Allow-Origin.*\*",
        1.2,
        942,
        "open to every site",
    ),
)

_SECURITY = re.compile(
    r"vuln|secur|inject|secret|credential|password|unsafe|insecure|exploit|audit|\bxss\b|\bcsrf\b|\brce\b|\bcwe\b|\bcve\b"
    r"|attack|malicious|harden|owasp|sicherheit|schwachstell|seguridad|vulnérab|sécurit|уязвим|безопасн|漏洞|安全|脆弱",
    re.IGNORECASE,
)


def about_security(question: str) -> bool:
    """The question asks for weaknesses."""
    return _SECURITY.search(question) is not None


def risk_of(line: str) -> Risk | None:
    """Return the weightiest construct that stands in a line."""
    found = [risk for risk in RISKS if any(needle in line for needle in risk.needles) and re.search(risk.pattern, line)]
    return max(found, key=lambda risk: risk.weight, default=None)
