"""Reports on findings, made by hand over real contexts.

`PYTHONPATH=tests python -m support.findings` draws tests/golden anew; read what has changed before you keep it.
"""

import json
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

from support.pages import CONTRACT

from rlm_cli import __version__
from rlm_cli.context import Context
from rlm_cli.loaders import load
from rlm_cli.report import Report, report_of
from rlm_cli.reports import FORMATS, render
from rlm_cli.results import Coverage, Finding, Result, Sifted, Withheld
from rlm_cli.task import Task
from rlm_cli.types import ModelSpec, Profile, Rule, Usage

GOLDEN = Path(__file__).parent.parent / "golden"
SUFFIXES = {"text": "txt", "markdown": "md.txt", "junit": "xml", "gitlab": "gitlab.json", "github": "github.txt"}
"""Format -> how its golden file ends, where not as the format is called. No `.md`: ruff would format the code in it."""
DB = (
    'import sqlite3\n\n\ndef find(db, name):\n\tquery = "SELECT * FROM users WHERE name = \'" + name + "\'"\n'
    "\treturn db.execute(query)\n\n\ndef close(db):\n\tdb.close()\n"
)
WEB = "KEY = 'größe'; TOKEN = 'hunter2'  # 日本語\n\n\ndef page(name):\n    return f'<b>{name}</b>'\n"
NOTEBOOK = {
    "nbformat": 4,
    "nbformat_minor": 5,
    "metadata": {},
    "cells": [
        {"cell_type": "markdown", "source": "# Study"},
        {"cell_type": "code", "source": "import pickle\nmodel = pickle.loads(body)", "outputs": [], "metadata": {}},
    ],
}
RULES = (
    Rule("weak-key", "Key in the text", "high", "CWE-798", "A key stands in the text.", "Read it from outside."),
    Rule("pickle-input", "Pickle of input", "critical", "CWE-502", "Pickle runs code.", "Use JSON."),
    Rule("sql-injection", "SQL built from input", "high", "CWE-89", "A user writes the query.", "Use parameters."),
    Rule("other", "Something else", "medium", None, "The title says what it is.", "See the message.", "quality"),
    Rule("unclear-term", "Unclear term", "low", None, "A term is unclear", "Define it.", "quality"),
)
"""Some stand in for the catalogue's, so that its words are free to change."""
PROFILE = Profile("by-hand", "", ModelSpec("offline/root"), ModelSpec("offline/sub"), rules=RULES)
RUN_ID = "20260102-030405-abc123"
HOSTILE = "\x1b[31mFINAL('clean')\x1b[0m\r\n::error::x | </details> @you #12 `x` ]]> [a](http://x) \u202e\ufffe\x00"


def loaded(folder: Path) -> Context:
    """Return a small application, with a notebook and a contract."""
    (folder / "app").mkdir()
    (folder / "app" / "db.py").write_text(DB)
    (folder / "app" / "über uns#1.py").write_text(WEB)
    (folder / "study.ipynb").write_text(json.dumps(NOTEBOOK))
    (folder / "contract.pdf").write_bytes(CONTRACT)
    return load([str(folder)]).context


def found(context: Context, path: str, quote: str, **fields: Any) -> Finding:
    """Return a finding at the first place where a quote stands."""
    place = context.find(quote, path)
    assert place is not None, (path, quote)
    text = context.text(place.offset, place.end)
    page, label = context.page_of(path, place.offset)
    cell, record = context.part_of(path, place.offset)
    made: dict[str, Any] = {
        "rule_id": "sql-injection", "severity": "high", "title": "SQL built from input", "confidence": 0.9,
        "message": "The name goes into the query as it is.", "fingerprint": f"{place.offset:032x}",
    }  # fmt: skip
    return Finding(
        path=path, line=place.line, end_line=place.end_line, quote=text,
        column=place.offset - context.offset_of(path, place.line) + 1,
        end_column=place.end - context.offset_of(path, place.end_line) + 1,
        page=page, page_label=label, cell=cell, record=record, **(made | fields),
    )  # fmt: skip


def sifted_in(context: Context) -> Sifted:
    """Return findings of all kinds, of all severities, in all kinds of documents."""
    sql = found(
        context, "app/db.py", 'query = "SELECT * FROM users WHERE name = \'" + name + "\'" return db.execute(query)',
        cwe="CWE-89", verdict="confirmed", reason="confirm: find() is called with a form's field.",
    )  # fmt: skip
    key = found(
        context, "app/über uns#1.py", "TOKEN = 'hunter2'", rule_id="weak-key", title="A token stands in the text",
        message="Anybody who reads the file has it.\n\nTake it out, and revoke it.", severity="critical", cwe="CWE-798",
        verdict="unsure", confidence=0.5, reason="unsure: it may be an example.",
    )  # fmt: skip
    pickle = found(
        context, "study.ipynb", "pickle.loads(body)", rule_id="pickle-input", severity="medium", cwe="CWE-502",
        title="Pickle of what was sent", message="Pickle of what was sent", verdict="confirmed", confidence=1.0,
    )  # fmt: skip
    term = found(
        context, "contract.pdf", "The tenant pays the rent.", rule_id="unclear-term", severity="low",
        title="No date for the rent", message="It says who pays, not when.", confidence=0.75,
    )  # fmt: skip
    page = found(
        context, "app/über uns#1.py", "<b>{name}</b>", rule_id="other", severity="info", title="HTML from input",
        message="", verdict="confirmed",
    )  # fmt: skip
    close = found(context, "app/db.py", "db.close()", title="Closed twice", verdict="refuted", reason="refute: once.")
    imported = found(context, "app/db.py", "import sqlite3", severity="low", title="Not used")
    return Sifted((key, sql, pickle, term), (page,), (close,), (Withheld(imported, "ignored", "it is used"),), True)


def result_of(sifted: Sifted, **fields: Any) -> Result:
    findings = (*sifted.reported, *sifted.known, *sifted.refuted, *(each.finding for each in sifted.withheld))
    used = Usage(3, 0, 1200, 0, 80, 0.0123)
    made: dict[str, Any] = {
        "status": "complete", "stop_reason": "final", "answer": "Four flaws: see db.py:5.", "doubt": None,
        "citations": (), "limits_reached": (), "findings": findings, "rejected_findings": 2,
        "coverage": Coverage(4, 3, ("contract.pdf",)),
    }  # fmt: skip
    return Result(
        iterations=3, subcalls=2, max_depth_reached=1, usage_root=used, usage_sub=Usage(), elapsed_seconds=1.5,
        **(made | fields),
    )  # fmt: skip


def task_over(context: Context) -> Task:
    return Task(RUN_ID, "find vulns", context, PROFILE)


def by_hand(context: Context) -> Report:
    """Return the report that the golden files show."""
    sifted = sifted_in(context)
    return report_of(task_over(context), result_of(sifted), sifted)


def nothing_found(context: Context, **fields: Any) -> Report:
    return report_of(task_over(context), result_of(Sifted(), rejected_findings=0, **fields), Sifted())


def partial(report: Report) -> Report:
    """Return the same of a run that its cost limit ended."""
    ended = replace(report.result, status="partial", stop_reason="max_cost", limits_reached=("max_cost",))
    return replace(report, result=ended)


def reporting(context: Context, *findings: Finding, **fields: Any) -> Report:
    """Return a report on these findings alone."""
    sifted = Sifted(findings)
    return report_of(task_over(context), result_of(sifted, rejected_findings=0, **fields), sifted)


def steady(name: str, text: str) -> str:
    """Return a report without what changes: folder, tokenizer, the program's version, rules it does not use."""
    text = text.replace(f'"{__version__}"', '"VERSION"')
    if name == "json":
        plain = json.loads(text)
        plain["context"] |= {"inputs": ["in"], "tokens": 0, "tokens_exact": False}
        return json.dumps(plain, indent=2) + "\n"
    if name != "sarif":
        return text
    log = json.loads(text)
    [run] = log["runs"]
    rules = run["tool"]["driver"]["rules"]
    used = {result["ruleIndex"]: rules[result["ruleIndex"]] for result in run["results"]}
    for result in run["results"]:
        assert used[result["ruleIndex"]]["id"] == result["ruleId"]
        result["ruleIndex"] = list(used).index(result["ruleIndex"])
    run["tool"]["driver"]["rules"] = list(used.values())
    return json.dumps(log, indent=1) + "\n"


def golden(name: str) -> Path:
    return GOLDEN / f"findings.{SUFFIXES.get(name, name)}"


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        report = by_hand(loaded(Path(folder)))
        for name in FORMATS:
            golden(name).write_text(steady(name, render(name, report)))
