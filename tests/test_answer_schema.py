"""An answer that has to fit a JSON schema: what is accepted, what is refused and why, and what the user is told."""

import json
from pathlib import Path
from typing import Any

import pytest
from support.command import rlm
from support.openai_server import Scripted
from support.runs import Run, cell

from rlm_cli import analysis
from rlm_cli.errors import UsageError
from rlm_cli.events import AnswerGiven, CodeFinished
from rlm_cli.profiles import find, load

SCHEMA = {
    "type": "object",
    "properties": {"names": {"type": "array", "items": {"type": "string", "pattern": "^[A-Zé]"}}},
    "required": ["names"],
}


def run_of(folder: Path, root: list[str | Scripted], schema: Any = None, **more: Any) -> Run:
    return Run(folder, root, schema=json.dumps(schema or SCHEMA), **more)


@pytest.mark.parametrize(
    "reply",
    [
        cell("FINAL({'names': ['Ada', 'él']})"),
        cell("""FINAL('{"names": ["Ada", "\\\\u00e9l"]}')"""),
        cell("""FINAL('```json\\n{"names": ["Ada", "él"]}\\n```')"""),
        cell("result = {'names': ('Ada', 'él')}\nFINAL_VAR('result')"),
        'FINAL({"names": ["Ada", "él"]})',
    ],
)
def test_an_answer_that_fits_is_given_as_json_however_it_was_given(tmp_path: Path, reply: str) -> None:
    run = run_of(tmp_path, [reply])
    assert run.result.answer == '{"names": ["Ada", "él"]}'
    assert run.result.status == "complete"
    assert [each.answer for each in run.of(AnswerGiven)] == [run.result.answer]


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        (cell("FINAL({'names': 'Ada'})"), "at $.names: 'Ada' is not of type 'array'"),
        (cell("FINAL('Ada and Bob')"), "it is not JSON alone"),
        ("FINAL(Ada)", "it is not JSON alone"),
        ('FINAL({"names": ["ada"]})', "at $.names[0]: 'ada' does not match"),
    ],
)
def test_an_answer_that_does_not_fit_is_refused_with_the_reason(tmp_path: Path, reply: str, said: str) -> None:
    run = run_of(tmp_path, [reply, cell("FINAL({'names': []})")])
    assert said in run.told(1)
    assert "FINAL was not accepted" in run.told(1)
    assert run.result.answer == '{"names": []}'
    assert len(run.of(AnswerGiven)) == 1


def test_the_evidence_of_an_answer_that_was_refused_does_not_count(tmp_path: Path) -> None:
    run = run_of(
        tmp_path,
        [
            cell("FINAL('no', evidence=[('input.txt', 'some')])"),
            cell("FINAL({'names': []}, evidence=[('input.txt', 'text')])"),
        ],
    )
    assert [each.quote for each in run.result.citations] == ["text"]
    assert "does not fit the JSON schema" in run.of(CodeFinished)[0].error


def test_a_plain_text_can_be_what_the_schema_wants(tmp_path: Path) -> None:
    for number, (given, answer) in enumerate({"praise": '"praise"', "'7'": '"7"', '"quoted"': '"quoted"'}.items()):
        folder = tmp_path / str(number)
        folder.mkdir()
        code = f"FINAL({given})" if number else "FINAL('praise')"
        assert run_of(folder, [cell(code)], {"type": "string"}).result.answer == answer


def test_the_last_word_is_taken_as_it_is_with_a_warning(tmp_path: Path) -> None:
    run = run_of(tmp_path, [cell("FINAL('no')"), cell("FINAL('only this')")], max_iterations=1)
    assert run.result.answer == "only this"
    assert any("the answer does not fit the schema" in each for each in run.result.warnings)
    folder = tmp_path / "fits"
    folder.mkdir()
    fits = run_of(folder, [cell("x = 1"), cell("FINAL({'names':   []})")], max_iterations=1)
    assert fits.result.answer == '{"names": []}'
    assert not any("schema" in each for each in fits.result.warnings)


def test_the_first_message_states_the_schema(tmp_path: Path) -> None:
    run = run_of(tmp_path, [cell("FINAL({'names': []})")])
    assert json.dumps(SCHEMA) in run.told(0)
    assert "# Form of the answer" in run.told(0)
    folder = tmp_path / "without"
    folder.mkdir()
    assert "# Form of the answer" not in Run(folder, [cell("FINAL(1)")]).told(0)


def test_a_schema_that_is_none_is_refused_before_anything_is_read(tmp_path: Path) -> None:
    (tmp_path / "schema.json").write_text('{"type": "strang"}')
    (tmp_path / "a.txt").write_text("text")
    text, schema = str(tmp_path / "a.txt"), str(tmp_path / "schema.json")
    ran = rlm("analyze", "-p", "offline", "--schema", schema, text, "what?")
    assert ran.code == 2
    assert f"--schema {schema}: it is no JSON schema: at $.type: 'strang' is not valid" in " ".join(ran.err.split())
    with pytest.raises(UsageError, match="offline models do not answer by a schema"):
        analysis.prepare([text], "what?", load(find("offline")), schema="{}")
    with pytest.raises(UsageError, match="the schema of the answer"):
        analysis.prepare([text], "what?", load(find("offline")), schema='{"$ref": "http://x/y"}')
