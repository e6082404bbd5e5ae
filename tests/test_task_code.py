"""`--task code-quality` and `--task code-security` end to end: findings at the right places, without --findings."""

import re
from pathlib import Path

import pytest
from support.command import rlm
from support.runs import cell
from support.tasks import Work
from support.vulnerable import APPLICATION, flaws

RING = {
    f"app/{name}.py": f"from app import {other}\n\n\ndef go_{name}(x):\n    return {other}.go_{other}(x)\n"
    for name, other in zip("abcde", "bcdea", strict=True)
}
FILES = {
    **RING,
    "app/__init__.py": "",
    "app/billing.py": """\
def total_with_tax(items, country):
    total = 0
    for item in items:
        if item.price > 0:
            total += item.price * item.count
    if country == "DE":
        total = total * 1.19
    return round(total, 2)


def never_called(n):
    return n + 1
""",
    "app/shipping.py": """\
from . import a


def gross_amount(rows, land):
    \"\"\"What a customer pays.\"\"\"
    summed = 0
    for row in rows:
        if row.price > 0:
            summed += row.price * row.count
    if land == "DE":
        summed = summed * 1.19
    return round(summed, 2)
""",
    "app/offers.py": """\
def quoted_price(lines, state):
    net = sum(line.price * line.count for line in lines if line.price > 0)
    return round(net * 1.19 if state == "DE" else net, 2)
""",
    "app/views.py": """\
from app import billing, offers, shipping


def page(basket, kind):
    chosen = {"total": billing.total_with_tax, "gross": shipping.gross_amount, "offer": offers.quoted_price}
    return chosen[kind](basket, "DE")


ROUTES = {"/page": page}
""",
}
EXPECTED = {
    ("import-cycle", "app/a.py", 1),
    ("duplicated-logic", "app/shipping.py", 4),
    ("duplicated-logic", "app/offers.py", 1),
    ("dead-code", "app/billing.py", 11),
}

STRUCTURE = r"""
import ast, collections, re
trees = {path: ast.parse(files[path]) for path in files if path.endswith(".py")}
functions = [(path, node) for path, tree in trees.items() for node in tree.body if isinstance(node, ast.FunctionDef)]

def shape(node):
    body = node.body[1:] if ast.get_docstring(node) else node.body
    return re.sub(r"(id|arg)='\w+'", r"\1=''", ast.dump(ast.Module(body=body, type_ignores=[])))

def touches(node):
    return {each.attr for each in ast.walk(node) if isinstance(each, ast.Attribute)} | {
        each.value for each in ast.walk(node) if isinstance(each, ast.Constant) and each.value}

same, near = [], []
for index, (path, one) in enumerate(functions):
    for other_path, other in functions[index + 1:]:
        common = touches(one) & touches(other)
        if len(shape(one)) > 400 and shape(one) == shape(other):
            same.append((path, one, other_path, other))
        elif len(common) >= 3:
            near.append((path, one, other_path, other))
graph = {path: {f"app/{alias.name}.py" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)
                for alias in node.names} & set(trees) for path, tree in trees.items()}

def ring(path):
    ways = [[path]]
    while ways:
        way = ways.pop(0)
        for other in sorted(graph[way[-1]]):
            if other == path:
                return way
            if other not in way:
                ways.append([*way, other])

rings = {tuple(sorted(found)): found for found in filter(None, map(ring, sorted(trees, reverse=True)))}
words = collections.Counter(re.findall(r"\w+", context))
dead = [(path, node) for path, node in functions if words[node.name] == 1]
print(len(trees), "parsed;", len(same), "same,", len(near), "near,", [len(each) for each in rings], len(dead), "dead")
"""
ASK = r"""
def source(path, node):
    return "\n".join(files[path].split("\n")[node.lineno - 1:node.end_lineno])

prompts = [f"Do these compute the same? Say yes or no.\n{source(a, b)}\n\n{source(c, d)}" for a, b, c, d in near]
agreed = [pair for pair, reply in zip(near, llm_query_batched(prompts)) if reply.ok and reply.startswith("yes")]

def report(rule, title, path, node_line):
    quote = files[path].split("\n")[node_line - 1]
    report_finding(rule, title, title + ".", path, quote, line=node_line)

seen = set()
for path, one, other_path, other in [*same, *agreed]:
    if other_path not in seen:
        seen.add(other_path)
        report("duplicated-logic", f"{other.name} does what {one.name} of {path} does", other_path, other.lineno)
for found in rings.values():
    report("import-cycle", "imports in a ring: " + " -> ".join(found), found[0], 1)
for path, node in dead:
    report("dead-code", f"nothing names {node.name}", path, node.lineno)
"""
ANSWER = r"""
FINAL(f"- Duplicates: {len(functions)} functions in {len(trees)} files, by ast, {len(near)} pairs by the sub-model.\n"
      f"- Import cycles: {len(trees)} files; the ring app/a.py to app/e.py.\n- Dead code: words of all files.")
"""


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LOOPBACK_KEY", "k")
    for name, text in FILES.items():
        path = tmp_path / "code" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return tmp_path / "code"


def test_quality_is_found_by_ast_and_by_meaning_and_each_finding_is_checked(package: Path, tmp_path: Path) -> None:
    def sub(prompt: str) -> str:
        return "confirm: so it is" if prompt.startswith("Check one finding") else "yes, both sum what is positive"

    work = Work(tmp_path, package, "code-quality", [cell(STRUCTURE), cell(ASK), cell(ANSWER)], sub)
    result = work.result
    assert "9 parsed; 1 same, 2 near, [5] 1 dead" in work.told(2)
    assert {(each["rule_id"], each["path"], each["line"]) for each in result["findings"]} == EXPECTED
    assert {each["verdict"] for each in result["findings"]} == {"confirmed"}
    [ring] = [each for each in result["findings"] if each["rule_id"] == "import-cycle"]
    assert "app/a.py -> app/b.py -> app/c.py -> app/d.py -> app/e.py" in ring["title"]
    assert result["rejected_findings"] == 0, "the summary was taken for findings"


def test_offline_quality_is_looked_for_by_ast_and_what_is_risky_is_not(package: Path) -> None:
    (package / "app/broken.py").write_text("def broken(:\n")
    (package / "app/risky.py").write_text(
        "import os\n\n\ndef page_run(name):\n    os.system('rm ' + name)\n\n\npage_run('x')\n"
    )
    ran = rlm("analyze", str(package), "--task", "code-quality", "-p", "offline", "-f", "json")
    assert ran.code == 0, ran.err
    result = ran.json()
    found = {(each["rule_id"], each["path"], each["line"]) for each in result["findings"]}
    assert found == EXPECTED - {("duplicated-logic", "app/offers.py", 1)}, "a copy in another style takes a model"
    assert {each["verdict"] for each in result["findings"]} == {"unsure"}
    assert "in 10 Python files; 1 could not be parsed" in result["doubt"]
    assert "no language model" in result["answer"]


def test_offline_quality_says_what_it_cannot_see(tmp_path: Path) -> None:
    (tmp_path / "a.js").write_text("function a() { return b(); }\n")
    ran = rlm("analyze", str(tmp_path / "a.js"), "--task", "code-quality", "-p", "offline", "-f", "json")
    assert ran.code == 0, ran.err
    assert ran.json()["findings"] == []
    assert "only copies, import cycles and unused names were looked for, in 0 Python files" in ran.json()["doubt"]


def test_security_needs_neither_a_question_nor_an_option_for_findings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOOPBACK_KEY", "k")
    claims = [
        {"rule": each.rule, "title": f"{each.rule} of line {each.line}", "message": "request -> query, across files",
         "path": each.path, "quote": each.quote, "severity": "high", "line": each.line}
        for each in flaws()
    ]  # fmt: skip
    summary = "- Routes: 14 read, each for who may call it; those of shop/catalog.py are sound.\n- Secrets: all files."
    root = [cell(f"for claim in {claims!r}:\n    report_finding(**claim)"), cell(f"FINAL({summary!r})")]
    work = Work(tmp_path, APPLICATION, "code-security", root, lambda prompt: "confirm: it does")
    found = {(each["rule_id"], re.sub(r"^.*application/", "", each["path"]), each["line"])
             for each in work.result["findings"]}  # fmt: skip
    assert found == {(each.rule, each.path, each.line) for each in flaws()}
    assert work.result["rejected_findings"] == 0
    assert "# Task: security of code" in work.told(1)
    assert "# Findings" in work.told(1)
