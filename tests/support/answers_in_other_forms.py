"""How models write findings: JSON, reports, and what is harder to tell. Each with the claims that stand in it.

@SQL@ and @EVAL@ stand for the code, @JSQL@, @JEVAL@ and @PSQL@ for how JSON and Python spell it.
"""

from typing import Any

from support.answers_in_prose import EVAL, SQL

IN_OTHER_FORMS: dict[str, tuple[str, list[tuple[Any, ...]]]] = {
    "a difference": (
        """\
### Debug is on (CWE-489, medium)
File: settings.py:3

```diff
-DEBUG = True
+DEBUG = False
```
""",
        [
            ("settings.py", 3, "DEBUG = True", "medium", "CWE-489"),
        ],
    ),
    "headings below headings": (
        """\
## SQL injection

#### Severity
High

#### Location
`app/db.py:41`

#### Evidence
```python
@SQL@
```

#### Remediation
```python
safe()
```
""",
        [
            ("app/db.py", 41, SQL, "high", None),
        ],
    ),
    "one rule, several places": (
        """\
### SQL injection (CWE-89, High)

- `app/db.py:41`: `@SQL@`
- `app/other.py:9`: `db.execute("DELETE FROM t WHERE a = " + a)`
""",
        [
            ("app/db.py", 41, SQL, "high", "CWE-89"),
            ("app/other.py", 9, 'db.execute("DELETE FROM t WHERE a = " + a)', "high", "CWE-89"),
        ],
    ),
    "no quote": (
        """\
- **High** SQL injection at app/db.py:41 (CWE-89)
""",
        [
            ("app/db.py", 41, "", "high", "CWE-89"),
        ],
    ),
    "pages and records": (
        """\
- High: the fee is not in the price list (CWE-682), contract.pdf p. 12: `fee of 500 euros`
""",
        [
            ("contract.pdf p. 12", None, "fee of 500 euros", "high", "CWE-682"),
        ],
    ),
    "a name is no quote": (
        """\
- High: `find_user` in `app/db.py:41` builds SQL (`sql-injection`) from `name`
""",
        [
            ("app/db.py", 41, "", "high", None),
        ],
    ),
    "a vulnerability by its name": (
        """\
- SQL injection at app/db.py:41: `@SQL@`
- XSS at app/page.py:9: `return "<b>" + name`
- app/db.py:50 calls `find_user(db, name)` too
""",
        [
            ("app/db.py", 41, SQL, None, None),
            ("app/page.py", 9, 'return "<b>" + name', None, None),
        ],
    ),
    "a remedy beside the code": (
        """\
- **High** `app/db.py:41`: `@SQL@`. Use `cursor.execute("SELECT * FROM users WHERE name = %s AND on", (name,))`
  instead.
""",
        [
            ("app/db.py", 41, SQL, "high", None),
        ],
    ),
    "bare json": (
        """\
[{"rule": "sql-injection", "path": "app/db.py", "line": 41, "quote": @JSQL@, "severity": "high", "cwe": "CWE-89"}]
""",
        [
            ("app/db.py", 41, SQL, "high", "CWE-89"),
        ],
    ),
    "json in a fence": (
        """\
Here are the findings:

```json
{"summary": "one issue", "findings": [
  {"title": "SQL injection", "file": "app/db.py", "line_number": "41", "code_snippet": @JSQL@, "risk": "High",
   "cwe_id": 89},
]}
```

The most severe (High) is in app/db.py:41 (CWE-89).
""",
        [
            ("app/db.py", 41, SQL, "high", "CWE-89"),
        ],
    ),
    "json at the end": (
        """\
I looked at everything.

{"vulnerabilities": [{"type": "SQL Injection", "location": "app/db.py:41", "evidence": @JSQL@, "severity": "HIGH"}]}

That is all.
""",
        [
            ("app/db.py", 41, SQL, "high", None),
        ],
    ),
    "json by severity": (
        """\
{"critical": [{"name": "Eval", "filename": "app/calc.py", "lines": [7, 9], "snippet": @JEVAL@}], "high": [], "low": []}
""",
        [
            ("app/calc.py", 7, EVAL, "critical", None),
        ],
    ),
    "json by file": (
        """\
{"app/db.py": [{"issue": "SQL injection", "line": 41, "quote": @JSQL@, "severity": 8.1}]}
""",
        [
            ("app/db.py", 41, SQL, "high", None),
        ],
    ),
    "json with parts": (
        """\
{"issues": [{"id": "F-1", "rule": "sql-injection", "location": {"file": "app/db.py", "start_line": 41},
 "code": ["{}", @JSQL@], "severity": "high"}]}
""",
        [
            ("app/db.py", 41, "{}\n" + SQL, "high", None),
        ],
    ),
    "sarif": (
        """\
```json
{"version": "2.1.0", "runs": [{"tool": {"driver": {"name": "x"}}, "results": [{"ruleId": "sql-injection",
"level": "error",
"message": {"text": "SQL from input"}, "locations": [{"physicalLocation": {"artifactLocation": {"uri": "app/db.py"},
"region": {"startLine": 41, "snippet": {"text": @JSQL@}}}}]}]}]}
```
""",
        [
            ("app/db.py", 41, SQL, "high", None),
        ],
    ),
    "json lines": (
        """\
{"rule": "sql-injection", "path": "app/db.py:41", "quote": @JSQL@, "severity": "high"}
{"rule": "code-injection", "path": "app/calc.py:7", "quote": @JEVAL@, "severity": "critical"}
""",
        [
            ("app/db.py", 41, SQL, "high", None),
            ("app/calc.py", 7, EVAL, "critical", None),
        ],
    ),
    "python": (
        """\
[{'rule': 'sql-injection', 'path': 'app/db.py', 'line': 41, 'quote': @PSQL@, 'severity': None, 'cwe': 'CWE-89'}]
""",
        [
            ("app/db.py", 41, SQL, None, "CWE-89"),
        ],
    ),
    "bold titles with text behind them": (
        """\
**1. SQL injection in `app/db.py` (line 41)** \u2014 High

`@SQL@`

The name is not escaped.

**2. Eval in `app/calc.py` (line 7)** \u2014 Critical

`@EVAL@`
""",
        [
            ("app/db.py", 41, SQL, "high", None),
            ("app/calc.py", 7, EVAL, "critical", None),
        ],
    ),
    "a place, then a fence": (
        """\
1. `app/db.py:41` \u2014 **SQL injection** (High)
   ```python
   @SQL@
   ```
   The name is not escaped; app/views.py:9 passes it on.
2. `app/calc.py:7` \u2014 **Code injection** (Critical)
   ```python
   @EVAL@
   ```
""",
        [
            ("app/db.py", 41, SQL, "high", None),
            ("app/calc.py", 7, EVAL, "critical", None),
        ],
    ),
    "report with a summary": (
        """\
# Security report

## Summary

| Severity | Count |
|---|---|
| High | 1 |
| Low | 0 |

- High: app/db.py:41 SQL injection

## Detailed findings

### VULN-001: SQL injection [HIGH]

- **CWE**: CWE-89
- **Affected file**: `app/db.py`
- **Lines**: 41-42
- **Vulnerable code**:
  ```python
  @SQL@
  ```
- **Exploit**: `name=' OR 1=1 --`
- **Remediation**:
  ```python
  cursor.execute(sql, (name,))
  ```

## Conclusion

Fix app/db.py:41 first (High).
""",
        [("app/db.py", 41, SQL, "high", "CWE-89")],
    ),
    "json of what is none": (
        """\
{"findings": [{"rule": "sql-injection", "path": "a.py", "line": 1, "quote": "x", "severity": "none"},
 {"rule": "xss", "path": "a.py", "line": 2, "quote": "y", "severity": "high", "false_positive": true},
 {"rule": "xss", "path": "a.py", "line": 3, "quote": "z", "severity": "high", "status": "safe"},
 {"rule": "xss", "path": "a.py", "line": 4, "quote": "w", "severity": "high", "vulnerable": false}],
 "safe": [{"rule": "sql-injection", "path": "b.py", "line": 1, "quote": "q", "severity": "high"}]}
""",
        [],
    ),
}
"""What models write -> (path, line, quote, severity, CWE) of the claims in it."""
