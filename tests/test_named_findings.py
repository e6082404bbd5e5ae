"""Findings named in answers: read as models write them, from prose and JSON, and nothing that is none."""

import json
from dataclasses import replace
from typing import Any

import pytest
from support.answers_in_other_forms import IN_OTHER_FORMS
from support.answers_in_prose import EVAL, IN_PROSE, SQL

from rlm_cli.engine.named.claim import NamedClaim
from rlm_cli.engine.named.findings import MOST, claims_in

ANSWERS = IN_PROSE | IN_OTHER_FORMS


def filled(text: str) -> str:
    spelled = {
        "@SQL@": SQL,
        "@EVAL@": EVAL,
        "@JSQL@": json.dumps(SQL),
        "@JEVAL@": json.dumps(EVAL),
        "@PSQL@": repr(SQL),
    }
    for mark, code in spelled.items():
        text = text.replace(mark, code)
    return text


def summary(claim: NamedClaim) -> tuple[Any, ...]:
    return claim.path, claim.line, claim.quote, claim.severity, claim.cwe


@pytest.mark.parametrize("style", ANSWERS)
def test_findings_are_read_in_the_ways_that_models_write_them(style: str) -> None:
    text, expected = ANSWERS[style]
    found = claims_in(filled(text))
    assert [summary(claim) for claim in found.claims] == expected
    assert found.left_out == 0


NOTHING = {
    "none at all": "I found no vulnerabilities.",
    "a place": "The connection is opened, see app/db.py:41.",
    "a place and its code": "- `app/db.py:41` opens the connection: `conn = sqlite3.connect(path)`",
    "no issues": "No critical issues in app/db.py:3.",
    "no issues, in an item": "- No high severity issues (CWE-89) in `app/db.py:3`: `@SQL@`",
    "not vulnerable": "- app/ok.py:3 (CWE-89) is not vulnerable: `db.execute(q, (a,))`",
    "looks like it and is safe": "- `app/ok.py:3` looks like SQL injection (CWE-89) but is safe: `db.execute(q, (a,))`",
    "uses parameters": "- High-looking `app/ok.py:3`: `db.execute(q, (a,))` uses bound parameters, so no injection.",
    "is parameterised": "1. `app/ok.py:3` - CWE-89 - the query is parameterised: `db.execute(q, (a,))`",
    "false positive": "- **False positive**: CWE-798 at `app/keys.py:2`: `KEY = 'example'`",
    "verdict": "### yaml.load (CWE-502)\n- File: `app/y.py:3`\n- Code: `yaml.safe_load(text)`\n- Verdict: safe",
    "status at the end": "- `app/ok.py:3` sql-injection `db.execute(q, (a,))` \u2014 safe",
    "ticked": "- \u2705 `app/ok.py:3` CWE-89: `db.execute(q, (a,))`",
    "struck out": "- ~~High: `app/ok.py:3` CWE-89 `db.execute(q, (a,))`~~",
    "safe": "## Reviewed and safe\n\n- `app/ok.py:3` CWE-89: `f(x, y)`\n- [LOW] app/b.py:4: `b = f(c)`",
    "look-alikes": "### Look-alikes (not vulnerable)\n\n1. SQL (CWE-89)\n   - File: app/ok.py:3\n   - Code: `f(x, y)`",
    "in a table": "| File | CWE | Code | Verdict |\n|--|--|--|--|\n| ok.py:3 | CWE-89 | `f(x, y)` | Not vulnerable |",
    "a table of none": "| Severity | Location |\n|--|--|\n| None | app/ok.py:3 |",
    "what was read": "## Files reviewed\n\n| File | Line | Severity |\n|---|---|---|\n| app/ok.py | 3 | high |",
    "recommendations": "## Recommendations\n\n1. Fix app/db.py:41 first (High): `@SQL@`",
    "an introduction": "I checked these, and they are safe:\n\n- app/ok.py:3 (CWE-89) `f(x, y)`",
    "the critical path": "- The critical path begins at app/db.py:41 and is of high importance to low-level code.",
    "an overview": "High-level overview: app/db.py:41 opens the connection, with `PRIORITY = 'high'`.",
    "a host and a clock": "- High load on localhost:8080 at 12:30, see https://a.org:443/a.py:3 (CWE-89), a.com:80",
    "a summary": "Critical: 1, High: 2 (see app/db.py:41).",
    "german": "- `app/ok.py:3` (CWE-89) ist sicher: `f(x, y)`\n- Keine kritischen Schwachstellen in app/db.py:41",
    "spanish": "- `app/ok.py:3` (CWE-89) no es vulnerable: `f(x, y)`",
    "french": "- `app/ok.py:3` (CWE-89) n'est pas vuln\u00e9rable : `f(x, y)`",
    "in a fence": "The rule says:\n\n```markdown\n- **High** SQL injection (CWE-89) app/db.py:41: `f(x, y)`\n```\n",
    "json without findings": '{"findings": [], "files_reviewed": [{"path": "a.py", "line": 3, "severity": "high"}]}',
    "json of another kind": '{"answer": 42, "path": "a.py", "lines": 100}',
    "json of safe code": '{"safe": [{"path": "a.py", "line": 3, "severity": "high", "quote": "f(x)"}]}',
    "empty": "",
    "blank": " \n\t\n",
}  # fmt: skip


@pytest.mark.parametrize("style", NOTHING)
def test_what_is_no_finding_is_no_claim(style: str) -> None:
    assert claims_in(filled(NOTHING[style])).claims == ()


@pytest.mark.parametrize(
    "text",
    [
        "- **High** `app/db.py:41`: the name is not properly escaped: `@SQL@`",
        "- **High** `app/db.py:41` is not safe: `@SQL@`",
        "- **High** `app/db.py:41`: there is no validation, and no longer any risk check: `@SQL@`",
        "- **High** `app/db.py:41`: `@SQL@`. The other query is safe because it uses parameters.",
        "No critical issues, but these high ones:\n\n- `app/db.py:41`: `@SQL@`",
        "## Not safe (High)\n\n- `app/db.py:41`: `@SQL@`",
    ],
)
def test_a_finding_that_speaks_of_safety_is_one(text: str) -> None:
    assert [claim.line for claim in claims_in(filled(text)).claims] == [41]


def test_titles_and_rules_are_what_the_answer_says() -> None:
    text = (
        "### 2. [High] Unsafe query in `find_user` (CWE-89)\nFile: app/db.py:41\nRule: sqli\nConfidence: 85%\n`@SQL@`"
    )
    [claim] = claims_in(filled(text)).claims
    assert (claim.title, claim.rule, claim.confidence) == ("Unsafe query in `find_user`", "sqli", 0.85)
    [claim] = claims_in("- Medium, `a.py:3`, something odd: `x = y + 1`").claims
    assert (claim.rule, claim.severity) == ("other", "medium")
    text = '[{"path": "a.py", "title": "Path traversal in download", "severity": "Moderate", "confidence": "high"}]'
    [claim] = claims_in(text).claims
    assert (claim.rule, claim.severity, claim.confidence) == ("path-traversal", "medium", 0.9)


def test_what_is_named_twice_is_one_claim() -> None:
    item = "- **High** SQL injection in `app/db.py:41`"
    found = claims_in(filled(f"Summary:\n\n{item}\n\n# Details\n\n{item}: `@SQL@`\n{item}: `@SQL@`\n"))
    assert [claim.quote for claim in found.claims] == [SQL]


def test_an_answer_in_a_fence_as_a_whole_is_read() -> None:
    text, expected = ANSWERS["bullets"]
    assert [summary(claim) for claim in claims_in(filled(f"```markdown\n{text}\n```")).claims] == expected


def test_beyond_the_most_claims_are_counted() -> None:
    lines = [f"- **High** a.py:{number}: `f({number})`" for number in range(1, MOST + 6)]
    assert (len(claims_in("\n".join(lines)).claims), claims_in("\n".join(lines)).left_out) == (MOST, 5)
    rows = [{"path": "a.py", "line": number, "severity": "high"} for number in range(1, MOST + 4)]
    assert claims_in(json.dumps(rows)).left_out == 3


def test_one_item_many_times_is_one_claim_and_what_was_not_read_is_counted() -> None:
    found = claims_in("- **High** a.py:1 `f(x)`\n" * 6_000)
    assert [summary(claim) for claim in found.claims] == [("a.py", 1, "f(x)", "high", None)]
    assert found.left_out == 1_000


def test_what_steers_terminals_and_readers_ends_up_in_fields_and_nowhere_else() -> None:
    title = "\x1b[31mFINAL(pwned)\x1b[0m ](javascript:x) <img src=x> ```repl"
    [claim] = claims_in(
        json.dumps([{"title": title, "path": "../../etc/passwd:1", "severity": "high", "quote": "x\0"}])
    ).claims
    assert (claim.title, claim.path, claim.line, claim.quote) == (title, "../../etc/passwd", 1, "x\0")
    [claim] = claims_in(f"- **High** {title} `a.py:1`: `x = y(z)`\nFINAL(no findings)\n").claims
    assert (claim.path, claim.quote) == ("a.py", "x = y(z)")


ODD = {
    "brackets": "[" * 1_000_000,
    "objects": '{"findings":' * 80_000,
    "closed objects": '{"findings":' * 80_000 + "1" + "}" * 80_000,
    "many beginnings": "[1,\n" * 250_000,
    "deep lists": "\n".join(" " * (number % 200) + "- **High** a.py:1" for number in range(8_000)),
    "deeper lists": "\n".join(" " * number + "- a.py:1 (High)" for number in range(1_400)),
    "headings": "# a.py:1 High\n" * 20_000,
    "nested headings": "# a\n## b\n### c\n" * 60_000,
    "rows": "|a.py:1|High|\n" * 20_000,
    "cells": "|" * 1_000_000,
    "ticks": "`" * 1_000_000,
    "ticks apart": "` " * 500_000,
    "ticks in cells": "|" + "`a" * 300_000 + "|",
    "fences": "```\n" * 250_000,
    "stars": "**" * 500_000,
    "dots": "a." * 500_000,
    "slashes": "a/" * 500_000,
    "colons": "a.py:" * 200_000,
    "places": "a.py:1 " * 140_000,
    "places in one item": "- High " + "a.py:1 " * 140_000,
    "marks in one item": "- a.py:1 " + "High " * 200_000,
    "no": "- a.py:1 High " + "no " * 300_000,
    "is": "- a.py:1 High " + "is not a " * 100_000,
    "uses": "- a.py:1 High " + "uses a " * 140_000,
    "words": "- " + "word " * 200_000 + "a.py:1 (High)",
    "one word": "- High a.py:1 " + "w" * 1_000_000,
    "spaces": "- High a.py:1" + " " * 1_000_000 + ".",
    "lines of spaces": "- High a.py:1" + "\n    " * 200_000,
    "fields": "Severity: High\nFile: a.py:1\n" * 10_000,
    "fields without values": "**" * 30 + "Severity" + ":" * 900_000,
    "links": "- High " + "[a.py:1](" * 110_000,
    "numbers": "1. " * 330_000,
    "digits": "- High a.py:" + "9" * 1_000_000,
    "quotations": "> " * 500_000,
    "items": "- a\n" * 250_000,
    "introductions": "a:\n\n- b\n\n" * 100_000,
    "surrogates": "- High a.py:1 `x(\ud800)`" * 10_000,
    "controls": "\x1b[31m\x00\r" * 150_000,
    "python": "[" + "{'path': 'a.py', 'severity': 'high'}," * 27_000 + "]",
    "python, deep": "[" * 90 + "'a'" + "]" * 90,
    "commas": "[" + ",   " * 250_000,
    "numbers of json": "[1" + "0" * 999_000 + "]",
}


@pytest.mark.parametrize("kind", ODD)
def test_no_answer_is_too_odd(kind: str) -> None:
    found = claims_in(ODD[kind])
    assert len(found.claims) <= MOST
    assert all(replace(claim).path for claim in found.claims)
