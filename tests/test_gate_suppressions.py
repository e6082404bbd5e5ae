"""The file of accepted findings: what an entry covers, until when, and which line is wrong with it."""

from datetime import date

import pytest
from support.gated import found, loaded

from rlm_cli.errors import UsageError
from rlm_cli.gate.suppressions import in_force, read_suppressions
from rlm_cli.results import Finding

QUERY = "return db.run('SELECT '\n    + name)"


@pytest.fixture(scope="module")
def finding(tmp_path_factory: pytest.TempPathFactory) -> Finding:
    context = loaded(tmp_path_factory.mktemp("in"), {"app/legacy/db.py": f"def show(name):\n    {QUERY}\n"})
    return found(context, "app/legacy/db.py", QUERY)


def covers(text: str, finding: Finding) -> bool:
    [entry] = read_suppressions(text.encode(), "s.yaml")
    assert entry.reason == "why"
    return entry.covers(finding)


@pytest.mark.parametrize(
    ("path", "covered"),
    [
        ("app/legacy/*.py", True),
        ("app/legacy/db.py", True),
        ("./app/legacy/db.py", True),
        ("/app/legacy/db.py", True),
        ("app/legacy/", True),
        ("app/", True),
        ("app", True),
        ("legacy", True),
        ("*.py", True),
        ("db.py", True),
        ("**", True),
        ("**/legacy/*.py", True),
        ("app/*.py", False),
        ("legacy/db.py", False),
        ("db.py/", False),
        ("*.js", False),
        ("app/legacy/d", False),
    ],
)
def test_a_path_is_read_as_in_a_gitignore(finding: Finding, path: str, covered: bool) -> None:
    assert covers(f"- rule: sql-injection\n  path: '{path}'\n  reason: why\n", finding) is covered


@pytest.mark.parametrize(
    ("more", "covered"),
    [
        ("quote: return db.run('SELECT ' + name)", True),
        ("quote: 'SELECT '", True),
        ("quote: |\n    db.run('SELECT '\n       + name)", True),
        ("quote: SELECT *", False),
        ("quote: return db.run('SELECT ' + name) or None", False),
        ("fingerprint: {fingerprint}", True),
        ("fingerprint: 0123456789abcdef0123456789abcdef", False),
        ("fingerprint: 01234567890123456789012345678901", False),
        ("fingerprint: 123456789012345678901234567890e1", False),
    ],
)
def test_all_that_an_entry_says_has_to_hold(finding: Finding, more: str, covered: bool) -> None:
    more = more.replace("{fingerprint}", finding.fingerprint)
    entry = f"- rule: sql-injection\n  path: app/\n  {more}\n  reason: why\n"
    assert covers(entry, finding) is covered
    assert not covers(entry.replace("sql-injection", "xss"), finding)
    assert not covers(entry.replace("app/", "lib/"), finding)


def test_a_fingerprint_alone_names_a_finding(finding: Finding) -> None:
    assert covers(f"- {{fingerprint: {finding.fingerprint}, reason: why}}", finding)


def test_an_entry_counts_up_to_its_last_day() -> None:
    text = (
        "- {rule: xss, path: a, until: 2027-03-31, reason: r}\n- {rule: xss, path: b, until: '2027-04-01', reason: r}\n"
    )
    entries = read_suppressions(f"{text}- {{rule: xss, path: c, reason: r}}".encode(), "s.yaml")
    assert [each.line for each in in_force(entries, date(2027, 3, 31))] == [1, 2, 3]
    assert [each.line for each in in_force(entries, date(2027, 4, 1))] == [2, 3]
    assert [each.line for each in in_force(entries, date(2027, 4, 2))] == [3]


@pytest.mark.parametrize("text", ["", "# nothing yet\n", "[]", "\ufeff[]"])
def test_a_file_may_hold_nothing(text: str) -> None:
    assert read_suppressions(text.encode(), "s.yaml") == ()


WRONG = {
    "no list": ("rule: xss\n", "s.yaml, line 1: suppressions are a list"),
    "no mapping": ("- rule: xss\n  path: a\n  reason: r\n- xss\n", "s.yaml, line 4: an entry is a mapping"),
    "no reason": (
        "- {rule: xss, path: a, reason: r}\n- {rule: xss, path: a}\n", "s.yaml, line 2: a suppression needs a reason",
    ),
    "an empty reason": ("- rule: xss\n  path: a\n  reason: ' '\n", "s.yaml, line 3: reason must be text"),
    "a null reason": ("- rule: xss\n  path: a\n  reason: null\n", "s.yaml, line 3: reason must be text"),
    "a rule alone": ("- {rule: xss, reason: r}", "s.yaml, line 1: a suppression needs a rule and a path"),
    "a path alone": ("- {path: xss, reason: r}", "s.yaml, line 1: a suppression needs a rule and a path"),
    "any rule": ("- rule: '*'\n  path: a\n  reason: r\n", "line 1: a rule is named like sql-injection, not '*'"),
    "several rules": ("- rule: [a, b]\n  path: a\n  reason: r\n", "s.yaml, line 1: rule must be text"),
    "a slip": ("- rule: xss\n  pth: a\n  reason: r\n", "s.yaml, line 2: unknown key 'pth'"),
    "a key that is none": ("- ? [a]\n  : b\n", "s.yaml, line 1: unknown key ''"),
    "a key twice": ("- rule: xss\n  path: a\n  path: b\n  reason: r\n", "s.yaml, line 3: path stands there twice"),
    "a pattern that matches nothing": ("- rule: xss\n  path: '[a'\n  reason: r\n", "line 2: '[a' matches nothing"),
    "a negated pattern": ("- rule: xss\n  path: '!a'\n  reason: r\n", "s.yaml, line 2: '!a' matches nothing"),
    "a pattern of wildcards": ("- rule: xss\n  path: 'a*b*c*d*e'\n  reason: r\n", "line 2: 'a*b*c*d*e' has more"),
    "no day": ("- rule: xss\n  path: a\n  until: soon\n  reason: r\n", "s.yaml, line 3: until must be a day"),
    "the thirteenth month": ("- rule: xss\n  path: a\n  until: 2027-13-01\n  reason: r\n", "line 3: until must be"),
    "a time": ("- rule: xss\n  path: a\n  until: 2027-01-01 10:00:00\n  reason: r\n", "line 3: until must be a day"),
    "no fingerprint": ("- fingerprint: abc\n  reason: r\n", "s.yaml, line 1: a fingerprint has 32"),
    "no YAML": ("- rule: 'xss\n", "s.yaml, line 2"),
    "two documents": ("[]\n---\n[]\n", "s.yaml, line 2"),
    "an alias": ("- &a {rule: xss, path: a, reason: r}\n- *a\n", "s.yaml, line 1: what stands for something else"),
    "a tag": ("- !!python/object:os.system {}\n", "s.yaml, line 1: what stands for something else"),
    "deep nesting": ("[" * 5_000, "s.yaml, line 1: nested too deeply"),
    "control characters": ("- rule: \x07\n", "s.yaml"),
}  # fmt: skip


@pytest.mark.parametrize("case", WRONG)
def test_what_is_wrong_is_said_with_its_line(case: str) -> None:
    text, said = WRONG[case]
    with pytest.raises(UsageError) as refusal:
        read_suppressions(text.encode(), "s.yaml")
    assert said in str(refusal.value)
    assert len(str(refusal.value).splitlines()) == 1


def test_bytes_that_are_no_text_are_refused() -> None:
    with pytest.raises(UsageError, match=r"s\.yaml is not UTF-8"):
        read_suppressions(b"- \xff", "s.yaml")
