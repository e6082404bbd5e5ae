"""How models write findings: lists, headings, tables, in several languages. Each with the claims that stand in it.

@SQL@ and @EVAL@ stand for the code, @JSQL@, @JEVAL@ and @PSQL@ for how JSON and Python spell it.
"""

from typing import Any

SQL = """cursor.execute("SELECT * FROM users WHERE name = '%s'" % name)"""
EVAL = "return eval(request.args['expr'])"

IN_PROSE: dict[str, tuple[str, list[tuple[Any, ...]]]] = {
    "bullets": (
        """\
I found two problems:

- **SQL injection** (High, CWE-89) in `app/db.py:41`: `@SQL@`
- **Code injection** (Critical, CWE-95) in `app/calc.py:7`: `@EVAL@`

See app/views.py:9 for where they are called.
""",
        [
            ("app/db.py", 41, SQL, "high", "CWE-89"),
            ("app/calc.py", 7, EVAL, "critical", "CWE-95"),
        ],
    ),
    "numbered headings with fields": (
        """\
# Security review

## Findings

### 1. SQL injection in `find_user`

**Severity:** High
**CWE:** CWE-89
**File:** `app/db.py:41`

```python
@SQL@
```

The name comes from the request and is not escaped. It is called from app/views.py:9.

**Fix:** use parameters:

```python
cursor.execute("SELECT * FROM users WHERE name = %s", (name,))
```

### 2. Use of eval

**Severity:** Critical
**File:** `app/calc.py`
**Line:** 7

```python
@EVAL@
```
""",
        [
            ("app/db.py", 41, SQL, "high", "CWE-89"),
            ("app/calc.py", 7, EVAL, "critical", None),
        ],
    ),
    "fields as bullets": (
        """\
### SQL injection
- **Severity**: High
- **Location**: app/db.py, line 41
- **Code**: `@SQL@`
- **Impact**: the whole database can be read
- **Recommendation**: Use `cursor.execute(sql, (name,))`

### Eval of input
- **Severity**: critical
- **Location**: app/calc.py (line 7)
- **Code**: `@EVAL@`
""",
        [
            ("app/db.py", 41, SQL, "high", None),
            ("app/calc.py", 7, EVAL, "critical", None),
        ],
    ),
    "table": (
        """\
| # | Severity | Issue | Location | Code |
|---|----------|-------|----------|------|
| 1 | High | SQL injection (CWE-89) | app/db.py:41 | `@SQL@` |
| 2 | **Critical** | Code injection | `app/calc.py:7` | `@EVAL@` |
| 3 | None | Parameterised query | app/ok.py:3 | `db.execute(q, (a,))` |

Both should be fixed.
""",
        [
            ("app/db.py", 41, SQL, "high", "CWE-89"),
            ("app/calc.py", 7, EVAL, "critical", None),
        ],
    ),
    "table with status": (
        """\
| File | Line | Type | Status |
|:--|--:|:--|:--|
| app/db.py | 41 | sql-injection | vulnerable |
| app/ok.py | 3 | sql-injection | safe |
""",
        [
            ("app/db.py", 41, "", None, None),
        ],
    ),
    "sections by severity": (
        """\
## Critical

- `app/calc.py:7` evaluates what the user sends: `@EVAL@`

## High

1. `app/db.py:41` builds SQL from input: `@SQL@`

## Low

None.
""",
        [
            ("app/calc.py", 7, EVAL, "critical", None),
            ("app/db.py", 41, SQL, "high", None),
        ],
    ),
    "list under an introduction": (
        """\
Two high severity issues:

* app/db.py:41 - SQL injection - `@SQL@`
* app/calc.py:7 - code injection - `@EVAL@`

The following look dangerous and are safe:

* app/ok.py:3 - SQL injection - `db.execute("SELECT 1 WHERE a = ?", (a,))`
""",
        [
            ("app/db.py", 41, SQL, "high", None),
            ("app/calc.py", 7, EVAL, "high", None),
        ],
    ),
    "nested items": (
        """\
1. **SQL injection** - High
   - File: `app/db.py:41`
   - Evidence: `@SQL@`
   - CWE-89
   - Called from `app/views.py:9`
2. **Eval** - Critical
   - File: `app/calc.py:7`
   - Evidence: `@EVAL@`
""",
        [
            ("app/db.py", 41, SQL, "high", "CWE-89"),
            ("app/calc.py", 7, EVAL, "critical", None),
        ],
    ),
    "groups of items": (
        """\
- High severity:
  - app/db.py:41 SQL injection: `@SQL@`
- Critical:
  - app/calc.py:7 eval of input: `@EVAL@`
""",
        [
            ("app/db.py", 41, SQL, "high", None),
            ("app/calc.py", 7, EVAL, "critical", None),
        ],
    ),
    "numbered items whose text is not indented": (
        """\
1. **SQL injection (High)**

`app/db.py:41`

```python
@SQL@
```

User input reaches the query.

2. **Code injection (Critical)**

`app/calc.py:7`

```python
@EVAL@
```
""",
        [
            ("app/db.py", 41, SQL, "high", None),
            ("app/calc.py", 7, EVAL, "critical", None),
        ],
    ),
    "plain fields": (
        """\
Finding 1: SQL injection
Severity: HIGH
File: app/db.py
Line: 41
Code: @SQL@

Finding 2: eval of user input
Severity: CRITICAL
File: app/calc.py
Line: 7
Code: @EVAL@
""",
        [
            ("app/db.py", 41, SQL, "high", None),
            ("app/calc.py", 7, EVAL, "critical", None),
        ],
    ),
    "tags in brackets": (
        """\
[HIGH] sql-injection app/db.py:41 -- see below
- [HIGH] sql-injection app/db.py:41
  > @SQL@
- [CRITICAL] code-injection app/calc.py:7
  > @EVAL@
""",
        [
            ("app/db.py", 41, SQL, "high", None),
            ("app/calc.py", 7, EVAL, "critical", None),
        ],
    ),
    "bold lines": (
        """\
**1. SQL injection (CWE-89, High)**
`app/db.py:41-43`
```
41 | @SQL@
```

---

**2. Eval (CWE-95, Critical)**
`app/calc.py#L7`
```
7: @EVAL@
```
""",
        [
            ("app/db.py", 41, SQL, "high", "CWE-89"),
            ("app/calc.py", 7, EVAL, "critical", "CWE-95"),
        ],
    ),
    "emoji and links": (
        """\
- 🔴 **High** – SQL injection in [app/db.py:41](app/db.py#L41): `@SQL@`
- 🔴 **Critical** – eval in [`app/calc.py:7`](app/calc.py#L7): `@EVAL@`
""",
        [
            ("app/db.py", 41, SQL, "high", None),
            ("app/calc.py", 7, EVAL, "critical", None),
        ],
    ),
    "windows paths": (
        """\
- High: SQL injection at `app\\db.py:41`: `@SQL@`
- Critical: eval at C:\\work\\app\\calc.py:7: `@EVAL@`
""",
        [
            ("app/db.py", 41, SQL, "high", None),
            ("C:/work/app/calc.py", 7, EVAL, "critical", None),
        ],
    ),
    "german": (
        """\
## Befunde

### 1. SQL-Injection
- **Schweregrad:** hoch
- **Datei:** app/db.py
- **Zeile:** 41
- **Code:** `@SQL@`

## Unbedenklich
- app/ok.py:3 (CWE-89): `db.execute(q, (a,))`
""",
        [
            ("app/db.py", 41, SQL, "high", None),
        ],
    ),
    "spanish and french": (
        """\
1. **Inyección SQL** (CWE-89)
   - Severidad: alta
   - Archivo: `app/db.py:41`
   - Código: `@SQL@`
2. **Injection de code**
   - Gravité : critique
   - Fichier : `app/calc.py:7`
   - Extrait : `@EVAL@`
""",
        [
            ("app/db.py", 41, SQL, "high", "CWE-89"),
            ("app/calc.py", 7, EVAL, "critical", None),
        ],
    ),
    "japanese": (
        """\
### SQLインジェクション (CWE-89)
- **重大度**：高
- **ファイル**：`app/db.py:41`
- **コード**：`@SQL@`
""",
        [
            ("app/db.py", 41, SQL, "high", "CWE-89"),
        ],
    ),
    "several lines quoted": (
        """\
### Unsafe query (high)
`src/q.py:10-12`:

```python
sql = "SELECT * FROM t WHERE a = " + a
# ...
rows = db.execute(sql).fetchall()
```
""",
        [
            ("src/q.py", 10, 'sql = "SELECT * FROM t WHERE a = " + a', "high", None),
        ],
    ),
}
"""What models write -> (path, line, quote, severity, CWE) of the claims in it."""
