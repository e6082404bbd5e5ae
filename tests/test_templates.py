"""The kinds of work: what --task adds, which question it asks where there is none, what becomes of the command line."""

import re
from pathlib import Path

import pytest
from support.command import finish, rlm, start
from support.openai_server import OpenAIServer
from support.profiles import profile

from rlm_cli import analyze
from rlm_cli.cli.arguments import question_and_inputs
from rlm_cli.cli.options import Template as TemplateName
from rlm_cli.engine import prompts
from rlm_cli.engine.templates import TEMPLATES, section
from rlm_cli.errors import UsageError
from rlm_cli.llm.search_words import search_words
from rlm_cli.loaders import load
from rlm_cli.seams import ReplFacts
from rlm_cli.task import Task
from rlm_cli.types import Limits, ModelSpec, Profile, Strategy

SPEC = ModelSpec("openai/sub", context_window=100_000, max_output_tokens=4_000)
FACTS = ReplFacts("3.11.0", ("re",), ("process",))


def task(folder: Path, template: str | None, strategy: Strategy = "rlm", schema: str | None = None) -> Task:
    (folder / "a.txt").write_text("some text\n")
    context = load([str(folder / "a.txt")]).context
    chosen = Profile("p", "", SPEC, SPEC, Limits())
    return Task("r", "What is it?", context, chosen, template=template, strategy=strategy, schema=schema)


def test_the_command_line_offers_the_kinds_that_there_are() -> None:
    assert [each.value for each in TemplateName] == list(TEMPLATES)
    assert [each.name for each in TEMPLATES.values()] == list(TEMPLATES)


@pytest.mark.parametrize("name", TEMPLATES)
def test_a_section_stands_between_question_and_context_and_is_short(name: str, tmp_path: Path) -> None:
    work = task(tmp_path, name)
    lines = section(work)
    assert lines[0] == f"# Task: {TEMPLATES[name].title}"
    assert lines[-1] == ""
    assert len(re.findall(r"\w[\w=._-]*", "\n".join(lines))) <= 220
    message = prompts.first_message(work, FACTS)
    assert message.startswith("# Question\n\nWhat is it?\n\n" + "\n".join(lines) + "\n# Context\n")


def test_without_a_kind_there_is_no_section(tmp_path: Path) -> None:
    assert section(task(tmp_path, None)) == []
    assert "# Task" not in prompts.first_message(task(tmp_path, None), FACTS)


@pytest.mark.parametrize("name", TEMPLATES)
def test_a_request_without_a_session_hears_nothing_of_code_and_a_schema_gives_the_form(
    name: str, tmp_path: Path
) -> None:
    template = TEMPLATES[name]
    direct = section(task(tmp_path, name, "direct"))
    assert not any(f"- {line}" in direct for line in template.method)
    assert "code" not in " ".join(direct).replace(template.title, "") or template.findings
    assert all(f"- {line}" in direct for line in (*template.needs, *template.form))
    formed = section(task(tmp_path, name, schema="{}"))
    assert not any(f"- {line}" in formed for line in template.form)
    assert all(f"- {line}" in formed for line in (*template.needs, *template.method))


@pytest.mark.parametrize("name", TEMPLATES)
def test_the_question_of_a_kind_is_made_of_words_to_search_for(name: str) -> None:
    assert len(search_words(TEMPLATES[name].question)) >= 12


def test_inputs_alone_are_enough_where_there_is_a_question_to_ask(tmp_path: Path) -> None:
    first, second = tmp_path / "a.txt", tmp_path / "b.txt"
    first.write_text("x")
    second.write_text("x")
    names = str(first), str(second)
    assert question_and_inputs(names, None, "what?") == ("what?", names)
    assert question_and_inputs([*names, "and who?"], None, "what?") == ("and who?", names)
    assert question_and_inputs([str(first), "-"], None, "what?") == ("what?", (str(first), "-"))
    (tmp_path / "q.txt").write_text("and when?")
    assert question_and_inputs(names, str(tmp_path / "q.txt"), "what?") == ("and when?", names)
    with pytest.raises(UsageError, match="no question"):
        question_and_inputs(names, None)


@pytest.mark.parametrize("word", ["b.pdf", "papers/", "./b", "*.pdf", "..\\b"])
def test_a_mistyped_input_is_not_taken_for_a_question(word: str, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("x")
    with pytest.raises(UsageError, match="there is no ") as raised:
        question_and_inputs([str(tmp_path / "a.txt"), word], None, "what?")
    assert raised.value.exit_code == 2
    assert question_and_inputs([str(tmp_path / "a.txt"), f"what is {word}"], None, "what?")[0] == f"what is {word}"
    assert question_and_inputs([str(tmp_path / "a.txt"), word], None)[0] == word


def test_a_pipe_is_an_input_for_a_kind_of_work() -> None:
    ran = finish(
        start("analyze", "--task", "contract", "-p", "offline", "-f", "json", stdin=-1), b"Notice: ten days.\n"
    )
    assert ran.code == 0, ran.err
    assert "stdin:1" in ran.json()["answer"]
    ran = finish(start("analyze", "--task", "contract", "-p", "offline"))
    assert ran.code == 2
    assert "no input" in ran.err


@pytest.mark.parametrize("name", TEMPLATES)
def test_findings_are_asked_for_by_the_kinds_that_yield_them(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOOPBACK_KEY", "k")
    (tmp_path / "a.py").write_text("x = 1\n")
    with OpenAIServer(lambda body: "FINAL(Nothing of the kind.)") as server:
        chosen = profile(tmp_path, server.url, timeout=60)
        ran = rlm("analyze", str(tmp_path / "a.py"), "--task", name, "-p", chosen, "--set", "strategy=rlm")
    assert ran.code == 0, ran.err
    first = server.requests[0]["messages"][1]["content"]
    assert first.startswith(f"# Question\n\n{TEMPLATES[name].question}\n\n# Task: {TEMPLATES[name].title}\n")
    assert ("# Findings" in first) is TEMPLATES[name].findings
    assert name.startswith("code-") is TEMPLATES[name].findings


def test_from_python_a_kind_needs_no_question_and_an_unknown_one_names_those_there_are(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("The Supplier gives notice within ten days.\n")
    result = analyze(tmp_path / "a.txt", template="contract", profile="offline")
    assert "a.txt:1" in result.answer
    with pytest.raises(UsageError, match="no task 'lease'") as raised:
        analyze(tmp_path / "a.txt", question="what?", template="lease", profile="offline")
    assert "code-security, code-quality, contract, papers, conversations" in str(raised.value.hint)
    with pytest.raises(UsageError, match="no question"):
        analyze(tmp_path / "a.txt", profile="offline")
