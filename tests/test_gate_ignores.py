"""`rlm: ignore[rule] reason` in comments of many languages: what counts, what does not, and what is told of it."""

from pathlib import Path

import pytest
from support.gated import found, loaded

from rlm_cli.gate.comments import comments_in
from rlm_cli.gate.ignores import Ignores

IGNORE = "rlm: ignore[sql-injection] checked above"


def reason(
    folder: Path, text: str, quote: str = "run(", name: str = "a.py", trusted: bool = True
) -> tuple[str | None, list[str]]:
    context = loaded(folder, {name: text})
    ignores = Ignores(context, trusted)
    given = ignores.reason_for(found(context, name, quote))
    assert ignores.reason_for(found(context, name, quote)) == given
    return given, ignores.warnings()


COMMENTS = {
    "a.py": f"run(x)  # {IGNORE}",
    "a.rb": f"run(x) # noqa  {IGNORE}",
    "a.js": f"run('//' + x) // {IGNORE}",
    "a.ts": f"run(`//${{x}}`) /* {IGNORE} */",
    "a.c": f"run('\"', x); /* {IGNORE} */ done();",
    "a.go": f"run(x) //{IGNORE}",
    "a.rs": f"f::<'a>(run(x)) // {IGNORE}",
    "a.php": f"run($x); # {IGNORE}",
    "a.sql": f"run(x) -- {IGNORE}",
    "a.lua": f"run(x) --[[ {IGNORE} ]]",
    "a.hs": f"run' (x') run(x) -- {IGNORE}",
    "a.html": f"<b onclick='run(1)'> <!-- {IGNORE} -->",
    "a.jinja": f"{{{{ run(x) }}}} {{# {IGNORE} #}}",
    "a.lisp": f"run(x) ; {IGNORE}",
    "a.tex": f"run(50\\%) % {IGNORE}",
    "a.vb": f"run(x) ' {IGNORE}",
    "a.bas": f"run(x): REM {IGNORE}",
    "a.bat": f"run(x) & rem {IGNORE}",
    "a.f90": f"run(x) ! {IGNORE}",
    "a.ml": f"run(x) (* {IGNORE} *)",
    "a.css": f"run(x) /* {IGNORE} */",
    "a.tf": f'run("${{x}}") // {IGNORE}',
    "Makefile": f"run(x) # {IGNORE}",
    "a.unknown": f"run(x) // {IGNORE}",
}


@pytest.mark.parametrize("name", COMMENTS)
def test_a_comment_in_the_line_counts(tmp_path: Path, name: str) -> None:
    given, warnings = reason(tmp_path, f"first\n{COMMENTS[name]}\nlast\n", name=name)
    assert given is not None
    assert given.removesuffix(" ]]") == "checked above"
    assert warnings == []


NO_COMMENTS = {
    "a.py": f"run('# {IGNORE}')",
    "b.py": f'run("\\" # {IGNORE}")',
    "c.py": f"run(1 // 2, {IGNORE})",
    "a.js": f"run(`a // {IGNORE}`)",
    "b.js": f"run(i--, '{IGNORE}')",
    "c.js": f"run(x) /* done */ {IGNORE}",
    "a.sql": f"run('-- {IGNORE}')",
    "a.html": f"<a href='run('>http://x.org {IGNORE}</a>",
    "a.csv": f"run(,# {IGNORE}",
    "a.bas": f"run(prem {IGNORE})",
    "a.vb": f'run("\' {IGNORE}")',
    "a.txt": f"run( {IGNORE}",
}


@pytest.mark.parametrize("name", NO_COMMENTS)
def test_what_is_no_comment_does_not_count(tmp_path: Path, name: str) -> None:
    assert reason(tmp_path, f"first\n{NO_COMMENTS[name]}\nlast\n", name=name) == (None, [])


def test_a_comment_alone_in_the_line_above_counts(tmp_path: Path) -> None:
    assert reason(tmp_path, f"a = 1\n    # {IGNORE}\n    run(x)\n")[0] == "checked above"
    assert reason(tmp_path, f"/*\n * {IGNORE}\n */\nb();\nrun(x)\n", name="a.js", quote="*/")[0] == "checked above"
    assert reason(tmp_path, f"  {{/* {IGNORE} */}}\n<A b={{run(x)}}/>\n", name="a.jsx")[0] == "checked above"
    assert reason(tmp_path, f"# {IGNORE}\nrun(x)\n")[0] == "checked above"


def test_no_other_line_counts(tmp_path: Path) -> None:
    assert reason(tmp_path, f"# {IGNORE}\n\nrun(x)\n") == (None, [])
    assert reason(tmp_path, f"run(x)\n# {IGNORE}\n") == (None, [])
    assert reason(tmp_path, f"other()  # {IGNORE}\nrun(x)\n") == (None, [])
    assert reason(tmp_path, f"/* {IGNORE} */ other();\nrun(x)\n", name="a.c") == (None, [])


def test_any_line_of_a_finding_counts(tmp_path: Path) -> None:
    text = f"run(\n    x,  # {IGNORE}\n    y,\n)\n"
    assert reason(tmp_path, text, quote="run(\n")[0] is None
    assert reason(tmp_path, text, quote=text)[0] == "checked above"


@pytest.mark.parametrize(
    ("comment", "given"),
    [
        ("rlm: ignore[xss, sql-injection]: both are checked", "both are checked"),
        ("rlm:ignore [ sql-injection ] - fine", "fine"),
        ("rlm: ignore[xss] one # rlm: ignore[sql-injection] two", "two"),
        ("rlm: ignore[sql-injection] one # rlm: ignore[xss] two", "one"),
        ("rlm: ignore[xss] one", None),
        ("rlm: ignore[sql] one", None),
        ("rlm: ignore[SQL-INJECTION] one", None),
        ("rlm: ignored[sql-injection] one", None),
        ("hrlm: ignore[sql-injection] one", None),
        ("rlm: do not ignore[sql-injection] one", None),
    ],
)
def test_it_counts_for_the_rules_that_it_names(tmp_path: Path, comment: str, given: str | None) -> None:
    assert reason(tmp_path, f"run(x)  # {comment}\n") == (given, [])


def test_what_lacks_a_rule_or_a_reason_does_not_count_and_is_told(tmp_path: Path) -> None:
    for wrong in (
        "rlm: ignore",
        "rlm: ignore sql-injection fine",
        "rlm: ignore[] fine",
        "rlm: ignore[*] fine",
        "rlm: ignore[x",
    ):
        assert reason(tmp_path, f"a\nrun(x)  # {wrong}\n") == (
            None,
            ["1 `rlm: ignore` comment (a.py:2) not counted: no rule is named, as in rlm: ignore[sql-injection] reason"],
        )  # fmt: skip
    for wrong in ("rlm: ignore[sql-injection]", "rlm: ignore[sql-injection] --", "rlm: ignore[sql-injection] ... #"):
        given, [told] = reason(tmp_path, f"a\nrun(x)  # {wrong}\n")
        assert given is None
        assert told.startswith("1 `rlm: ignore` comment (a.py:2) not counted: no reason is given")


def test_comments_do_not_count_unless_the_text_is_trusted(tmp_path: Path) -> None:
    given, [told] = reason(tmp_path, f"a\nrun(x)  # {IGNORE}\n", trusted=False)
    assert given is None
    assert told.startswith("1 `rlm: ignore` comment (a.py:2) not counted: part of what is scanned; --trust-repo-config")


def test_many_comments_are_told_in_one_line(tmp_path: Path) -> None:
    context = loaded(tmp_path, {"a.py": "".join(f"run({n})  # {IGNORE}\n" for n in range(1, 9))})
    ignores = Ignores(context, trusted=False)
    for number in range(1, 9):
        assert ignores.reason_for(found(context, "a.py", f"run({number})")) is None
    [told] = ignores.warnings()
    assert told.startswith("8 `rlm: ignore` comments (a.py:1, a.py:2, a.py:3, a.py:4, a.py:5 and 3 more) not counted")


LONG = [
    "'\"`" * 700_000,
    '"' + "\\" * 2_000_000,
    "'" + '\\"' * 1_000_000,
    "/*" * 1_000_000,
    "(*" * 1_000_000,
    "rem " * 500_000,
    "# " + "rlm: ignore[" * 150_000,
]


@pytest.mark.parametrize("line", LONG)
@pytest.mark.parametrize("kind", ["py", "c", "ml", "bat", "html", "text"])
def test_no_line_takes_long(tmp_path: Path, line: str, kind: str) -> None:
    # Quadratic, any of these would take hours.
    for comment in comments_in(line, kind):
        assert len(comment.text) <= len(line)
    if kind == "py":
        assert reason(tmp_path, f"run(x) {line}\n", quote="run(x)")[0] is None


def test_a_document_of_pages_has_no_comments() -> None:
    assert comments_in(f"# {IGNORE}", "pdf") == comments_in(f"# {IGNORE}", "docx") == []
