"""Sub-calls whose replies have to fit a schema, over the loopback server and in the real sandbox."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from support.openai_server import Scripted
from support.repl import session_over
from support.runs import Run, cell
from support.sittings import Sittings, answered

from rlm_cli.events import CodeFinished, SubcallFailed, SubcallFinished, SubcallStarted
from rlm_cli.sandbox.messages import Inbox
from rlm_cli.seams import Asked, SubAnswer, SubAnswers

SCHEMA = "{'type': 'object', 'properties': {'n': {'type': 'integer'}}, 'required': ['n']}"


def replies(*given: str | Scripted) -> Callable[[str], str | Scripted]:
    """A sub-model that gives these in order, whatever it is asked."""
    left = list(given)
    return lambda _: left.pop(0)


def test_a_reply_that_fits_is_the_value_itself(tmp_path: Path) -> None:
    run = Run(
        tmp_path,
        [
            cell(
                f"r = llm_query('how many?', schema={SCHEMA})\n"
                "FINAL([r['n'] + 1, r.ok, r.truncated, isinstance(r, dict)])"
            )
        ],
        sub=replies('```json\n{"n": 41}\n```'),
    )
    assert json.loads(run.result.answer) == [42, True, False, True]
    [asked] = [body for body in run.requests if body["model"] == "sub"]
    assert [each["role"] for each in asked["messages"]] == ["system", "user"]
    assert asked["messages"][1]["content"] == "how many?"
    assert '{"type": "object", "properties"' in asked["messages"][0]["content"]


def test_a_reply_that_does_not_fit_is_asked_for_again_with_the_reason(tmp_path: Path) -> None:
    run = Run(
        tmp_path,
        [cell(f"FINAL(llm_query('how many?', schema={SCHEMA}))")],
        sub=replies("many", '{"n": "many"}', '{"n": 3}'),
    )
    assert run.result.answer == '{"n": 3}'
    last = [body for body in run.requests if body["model"] == "sub"][-1]["messages"]
    assert [each["role"] for each in last] == ["system", "user", "assistant", "user", "assistant", "user"]
    assert last[1]["content"] == "how many?"
    assert last[2]["content"] == "many"
    assert "at $.n: 'many' is not of type 'integer'" in last[5]["content"]
    run.check()
    assert [str(each.path) for each in run.of(SubcallStarted)] == ["0/1.1", "0/1.2", "0/1.3"]
    assert len(run.of(SubcallFinished)) == run.result.subcalls == 3


def test_a_reply_that_never_fits_is_a_failed_call_with_the_reason(tmp_path: Path) -> None:
    run = Run(
        tmp_path,
        [
            cell(f"try:\n    llm_query('a', schema={SCHEMA})\nexcept SubCallError as e:\n    print('failed:', e)"),
            cell("FINAL('done')"),
        ],
        sub=lambda _: "no",
    )
    assert "failed: the reply does not fit the schema: it is not JSON alone" in run.told(1)
    assert len(run.sub_prompts()) == 3


def test_in_a_batch_only_what_does_not_fit_is_asked_for_again(tmp_path: Path) -> None:
    def sub(prompt: str) -> str:
        return {"bad": "no", "late": "no"}.get(prompt, '{"n": 1}') if "not fit" not in prompt else "no"

    run = Run(
        tmp_path,
        [
            cell(
                f"r = llm_query_batched(['a', 'bad', 'c', 'a'], schema={SCHEMA})\nprint([x.ok for x in r], r[1].error)"
            ),
            cell("FINAL([r[0], r[2], r[3]])"),
        ],
        sub=sub,
    )
    assert "[True, False, True, True] the reply does not fit the schema" in run.told(1)
    assert "4 prompts, 5 calls" in run.told(1)
    assert "1 failed (#1: the reply does not fit the schema" in run.told(1)
    assert json.loads(run.result.answer) == [{"n": 1}] * 3
    assert run.result.failed_subcalls == (("the reply does not fit the schema", 1),)


def test_what_cannot_be_asked_for_again_says_so(tmp_path: Path) -> None:
    run = Run(
        tmp_path,
        [
            cell(f"r = llm_query_batched(['a', 'b'], schema={SCHEMA})\nprint(r[0], r[1].error)"),
            cell("FINAL('done')"),
        ],
        sub=lambda prompt: '{"n": 1}' if prompt == "a" else "no",
        max_subcalls=2,
    )
    told = run.told(1)
    assert "{'n': 1} the reply does not fit the schema" in told
    assert "it was not asked for again: 1 sub-call asked for, 0 of 2 left" in told
    run.check()


def test_a_reply_cut_at_its_limit_is_asked_for_again_as_that(tmp_path: Path) -> None:
    run = Run(
        tmp_path,
        [cell(f"FINAL(llm_query('a', schema={SCHEMA}))")],
        sub=replies(Scripted('{"n": 1', finish_reason="length"), '{"n": 1}'),
    )
    assert run.result.answer == '{"n": 1}'
    assert "it was cut at the output limit" in run.sub_prompts()[1]


@pytest.mark.parametrize(
    ("schema", "said"),
    [
        ("{'pattern': '(a+)+$'}", "'pattern', which cannot be used here"),
        ("{'$ref': 'https://example.com/'}", "only '#/$defs/name' can be used here"),
        ("{'type': 'strang'}", "at $.type: 'strang' is not valid"),
    ],
)
def test_a_schema_that_is_not_taken_is_refused_before_anything_is_sent(tmp_path: Path, schema: str, said: str) -> None:
    run = Run(tmp_path, [cell(f"llm_query('a', schema={schema})"), cell("FINAL('done')")])
    assert said in run.told(1)
    assert "SubCallError" in run.told(1)
    assert run.sub_prompts() == []


def test_the_same_call_is_known_and_another_schema_is_another_call(tmp_path: Path) -> None:
    code = f"""
one = llm_query('a', schema={SCHEMA})
two = llm_query('a', schema={SCHEMA})
three = llm_query('a', schema={{'type': 'object'}})
four = llm_query('a')
FINAL([one, two, three, four])"""
    run = Run(tmp_path, [cell(code)], sub=lambda prompt: '{"n": 5}' if prompt == "a" else "no")
    assert len(run.sub_prompts()) == 3
    assert json.loads(run.result.answer)[3] == '{"n": 5}'


# --- in the sandbox -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "says"),
    [
        ("llm_query('a', schema='{}')", "TypeError: schema is a JSON schema as a dict"),
        ("llm_query('a', schema=dict)", "TypeError: schema is a JSON schema as a dict"),
        ("llm_query('a', schema={'enum': [{1, 2}]})", "ValueError: schema is no JSON"),
        ("llm_query('a', schema={'enum': [float('nan')]})", "ValueError: schema is no JSON"),
        ("d = {}\nd['not'] = d\nllm_query('a', schema=d)", "ValueError: schema is no JSON"),
        ("llm_query('a', schema={'title': 'x' * 40_000})", "ValueError: the schema has 40,013 characters; the most"),
    ],
)
def test_a_schema_that_is_none_is_a_clear_error(call: str, says: str) -> None:
    with session_over() as session:
        assert says in session.error(call)
        assert session.asked == []


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("[1, 2]", "[1, 2] True list"),
        ('"a\\u00e9"', "aé True str"),
        ("3", "3 True int"),
        ("2.5", "2.5 True float"),
        ("true", "True - bool"),
        ("null", "None - NoneType"),
    ],
)
def test_every_kind_of_value_arrives_as_itself(text: str, shown: str) -> None:
    answer = lambda asked: SubAnswers((SubAnswer(text=text),) * len(asked.prompts))  # noqa: E731
    with session_over(answer=answer) as session:
        code = (
            "r = llm_query('a', schema={})\nkinds = [k for k in (bool, list, str, int, float) if isinstance(r, k)]\n"
            "print(r, getattr(r, 'ok', '-'), kinds[0].__name__ if kinds else 'NoneType')"
        )
        assert session.value(code) == shown
    assert Asked(("a",), None, False, schema="{}") in session.asked


def test_the_cell_fails_with_the_name_of_what_failed(tmp_path: Path) -> None:
    run = Run(
        tmp_path, [cell(f"llm_query('a', schema={SCHEMA})"), cell("FINAL('x')")], sub=lambda _: Scripted(status=400)
    )
    assert run.of(CodeFinished)[0].error is not None
    assert len(run.of(SubcallFailed)) == 1


def test_a_resumed_run_asks_again_only_what_is_not_on_record(tmp_path: Path) -> None:
    code = f"r = llm_query_batched(['a', 'bad', 'c'], schema={SCHEMA})\nprint(r)\nFINAL([x['n'] for x in r])"

    def sub(prompt: str) -> str:
        return "no" if prompt == "bad" else '{"n": 2}' if "does not fit" in prompt else '{"n": 1}'

    with Sittings(tmp_path, [cell("print('look')"), cell(code)], sub, max_subcalls=20) as sittings:
        whole = sittings.begin()
        assert (whole.code, whole.out) == (0, "[1, 2, 1]\n"), whole.err
        record = sittings.record().read_bytes()
        ends = [index + 1 for index, byte in enumerate(record) if byte == 10]
        for cut in ends[4:-1:3]:
            sittings.record().write_bytes(record[:cut])
            sittings.record("events.jsonl").unlink()
            sittings.server.forget()
            again = sittings.resume(sittings.run_id)
            assert (again.code, again.out) == (0, whole.out), again.err
            assert not set(sittings.asked()) & answered(record[:cut])


@pytest.mark.parametrize("schema", [5, "x" * 32_001, "\ud800", ["{}"]])
def test_a_child_that_sends_no_schema_breaks_the_protocol(schema: object) -> None:
    asked = {"tag": "asked", "count": 1, "model": None, "batched": False, "fresh": False, "schema": schema}
    with pytest.raises(ValueError, match="schema"):
        Inbox(1).take(asked)
