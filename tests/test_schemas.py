"""JSON schemas: what is taken, what fits, what a reply holds, and that neither can make the host work for ever."""

import inspect
import json
import sys
import tracemalloc
from typing import Any

import pytest

from rlm_cli import schemas

LABELS = {
    "type": "object",
    "properties": {"label": {"enum": ["praise", "complaint"]}, "score": {"type": "number", "maximum": 1}},
    "required": ["label"],
    "additionalProperties": False,
}


def misfit(schema: Any, value: Any) -> str | None:
    text = json.dumps(schema)
    schemas.check_schema(text)
    return schemas.misfit(text, value)


# --- schemas ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("schema", "said"),
    [
        ("[1]", "a JSON schema is an object"),
        ("{", "Expecting property name"),
        ('{"type": "strang"}', "at $.type: 'strang' is not valid"),
        ('{"minimum": NaN}', "NaN is no JSON"),
        ('{"$ref": "https://example.com/schema.json"}', "nothing is fetched"),
        ('{"$ref": "other.json#/a"}', "nothing is fetched"),
        ('{"properties": {"a": {"$ref": "#/$defs/nowhere"}}}', "'#/$defs/nowhere', which is not in it"),
        ('{"$schema": "https://example.com/mine"}', "a draft that is not known"),
        ('{"$schema": 7}', "a draft that is not known"),
        ('{"pattern": "("}', "is not a 'regex'"),
        ("[" * 30_000, "nested"),
        ('{"not":' * 60 + "{}" + "}" * 60, "more than 40 levels"),
        (json.dumps({"enum": ["x" * 40_000]}), "the most is 32,000"),
    ],
)
def test_a_schema_that_cannot_be_checked_against_is_refused_with_the_reason(schema: str, said: str) -> None:
    with pytest.raises(ValueError) as refused:
        schemas.check_schema(schema)
    assert said in str(refused.value)
    assert len(str(refused.value)) < 500


@pytest.mark.parametrize(
    "schema",
    [
        {"pattern": "(a+)+$"},
        {"items": {"anyOf": [{"type": "object", "patternProperties": {"(a+)+$": {}}}]}},
        {"$defs": {"a": {"not": {"propertyNames": {"pattern": "a"}}}}},
        {"$ref": "#/default", "default": {"pattern": "(a+)+$"}},
        {"$ref": "#"},
        {"$defs": {"a": {}}, "$ref": "#/$defs/a/default"},
        {"$id": "https://example.com/", "type": "string"},
        {"$dynamicRef": "#a"},
        {"properties": {"a": {"$schema": "http://json-schema.org/draft-07/schema#"}}},
        {"unevaluatedProperties": False},
        {"requird": ["a"]},
    ],
)
def test_a_schema_of_the_sandbox_may_only_have_what_is_bounded(schema: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"can(not)? be used here"):
        schemas.check_schema(json.dumps(schema), strict=True)


@pytest.mark.parametrize(
    "schema",
    [
        LABELS,
        {"type": "object", "properties": {"pattern": {"type": "string"}, "$id": {"const": {"pattern": "a"}}}},
        {"enum": [{"pattern": "x"}], "examples": [{"$id": 3}], "default": {"requird": 1}},
        {"$defs": {"row": {"type": "array"}}, "items": {"$ref": "#/$defs/row"}},
        {"type": "string", "format": "date"},
        {"$schema": "https://json-schema.org/draft/2020-12/schema", "type": "array"},
    ],
)
def test_names_and_values_that_only_look_like_keywords_are_none(schema: dict[str, Any]) -> None:
    schemas.check_schema(json.dumps(schema), strict=True)


def test_a_schema_of_the_user_may_have_patterns_anchors_and_older_drafts() -> None:
    assert misfit({"type": "string", "pattern": "^[a-z]+$"}, "A") == "'A' does not match '^[a-z]+$'"
    assert misfit({"$defs": {"a": {"$anchor": "here", "type": "integer"}}, "$ref": "#here"}, "x") is not None
    older = {"$schema": "http://json-schema.org/draft-04/schema#", "maximum": 3, "exclusiveMaximum": True}
    assert misfit(older, 3) is not None
    assert misfit(older, 2) is None


# --- values -------------------------------------------------------------------------------------------------------


def test_a_misfit_names_the_place_and_the_reason() -> None:
    assert misfit({"items": LABELS}, [{"label": "praise"}, {"label": "joy"}]) == (
        "at $[1].label: 'joy' is not one of ['praise', 'complaint']"
    )
    assert misfit(LABELS, {"score": 2}) == (
        "at $.score: 2 is greater than the maximum of 1; 'label' is a required property"
    )
    assert misfit(LABELS, {"label": "praise", "score": 1}) is None
    assert misfit({"items": {"type": "string"}}, [1, 2, 3, 4, 5]) == (
        "at $[0]: 1 is not of type 'string'; at $[1]: 2 is not of type 'string'; at $[2]: 3 is not of type 'string'; "
        "and more"
    )


def test_a_reason_is_short_and_keeps_to_one_line_whatever_the_value_holds() -> None:
    why = misfit({"additionalProperties": {"type": "integer"}}, {"a\n\x1b[31m" + "b" * 5000: "c\n" * 5000})
    assert why is not None
    assert len(why) < 500
    assert why.isprintable()


def test_what_takes_too_much_work_is_a_misfit_and_no_hang() -> None:
    doubling = {f"a{n}": {"allOf": [{"$ref": f"#/$defs/a{n + 1}"}] * 2} for n in range(30)} | {"a30": {}}
    assert "takes too long" in str(misfit({"$defs": doubling, "$ref": "#/$defs/a0"}, 1))
    assert "takes too long" in str(misfit({"uniqueItems": True}, [[n] for n in range(10_000)]))
    assert misfit({"uniqueItems": True, "items": {"type": "string"}}, [str(n) for n in range(10_000)]) is None


def test_deep_values_are_misfits_at_whatever_depth_of_the_stack() -> None:
    value: Any = 1
    for _ in range(61):
        value = [value]
    assert misfit({}, value) == "it is nested more than 60 levels deep"
    nested = {"$defs": {"a": {"anyOf": [{"type": "integer"}, {"items": {"$ref": "#/$defs/a"}}]}}, "$ref": "#/$defs/a"}
    assert misfit(nested, value[0]) is None

    def deeper(levels: int) -> str | None:
        return deeper(levels - 1) if levels else misfit(nested, value[0])

    assert "RecursionError" in str(deeper(sys.getrecursionlimit() - len(inspect.stack()) - 200))


# --- replies ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        '{"label": "praise"}',
        ' \n{"label": "praise"}\n',
        '```json\n{"label": "praise"}\n```',
        'Here it is:\n\n```\n{"label": "praise"}\n```\nI hope this helps.',
        '<think>{"label": 3}</think>\n{"label": "praise"}',
    ],
)
def test_json_alone_or_in_a_fence_is_read(text: str) -> None:
    assert schemas.parse(json.dumps(LABELS), text) == {"label": "praise"}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("praise", "it is not JSON alone: Expecting value at line 1, column 1"),
        ('{"label": "praise"} I think', "Extra data"),
        ('```\n{"label": "praise"}\n```\nor\n```\n{"label": "complaint"}\n```', "several code fences"),
        ('{"label": NaN}', "NaN is no JSON"),
        ('{"label": 1e999}', "1e999 is too large for a number"),
        ("[" * 100_000, "nested"),
        ("[[]," * 200_000, "too many parts"),
        ('{"label": "praise"', "Expecting ',' delimiter"),
        ("1" * 5000, "Exceeds the limit"),
        ("{}", "'label' is a required property"),
    ],
)
def test_what_is_no_fitting_json_is_refused_with_the_reason(text: str, said: str) -> None:
    with pytest.raises(ValueError) as refused:
        schemas.parse(json.dumps(LABELS), text)
    assert said in str(refused.value)


def test_canonical_json_has_text_as_it_is_and_no_half_characters() -> None:
    assert schemas.canonical({"b": "é", "a": ["\ud800", None]}) == '{"b": "é", "a": ["?", null]}'
    with pytest.raises(ValueError, match="no JSON"):
        schemas.canonical({"a": {1, 2}})
    with pytest.raises(ValueError, match=r"JSON"):
        schemas.canonical(float("nan"))


# --- what a hostile schema, value or reply may cost ---------------------------------------------------------------


def test_what_does_not_fit_in_many_ways_is_not_told_with_the_whole_value_each_time() -> None:
    levels = 14
    schema: dict[str, Any] = {"$defs": {f"l{levels}": {"type": "string"}}, "$ref": "#/$defs/l0"}
    for level in range(levels):
        both = {"$ref": f"#/$defs/l{level + 1}"}
        schema["$defs"][f"l{level}"] = {"anyOf": [both, both]}
    text = json.dumps(schema)
    schemas.check_schema(text, strict=True)
    tracemalloc.start()
    try:
        said = schemas.misfit(text, ["x" * 300] * 100)
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert said is not None and "takes too long" in said
    assert most < 300_000_000


def test_items_that_have_to_differ_are_compared_within_bounds() -> None:
    text = json.dumps({"type": "array", "uniqueItems": True})
    rows = [{f"key{number}": [row, number] for number in range(60)} for row in range(1_000)]
    said = schemas.misfit(text, rows)
    assert said is not None and "takes too long" in said
    assert schemas.misfit(text, rows[:20]) is None


def test_a_text_of_nothing_but_beginnings_of_fences_is_read_in_one_pass() -> None:
    with pytest.raises(ValueError, match="it is not JSON alone"):
        schemas.value_in("```x\n" * 100_000)
    assert schemas.value_in('Here:\n```json\n{"a": 1}\n```\nDone.') == {"a": 1}


def test_a_number_that_is_no_number_any_more_is_refused() -> None:
    with pytest.raises(ValueError, match="1e400 is too large for a number"):
        schemas.value_in('{"payer": 1e400}')


@pytest.mark.parametrize(
    "schema",
    [
        {"$ref": "#"},
        {"$defs": {"a": {"$ref": "#/$defs/a"}}, "$ref": "#/$defs/a"},
        {"$id": "https://example.com/mine", "$ref": "https://example.com/theirs"},
        {"$dynamicRef": "https://example.com/theirs"},
    ],
)
def test_a_reference_that_leads_nowhere_is_found_before_anything_is_paid(schema: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"nothing can be checked against it|not in it"):
        schemas.check_schema(json.dumps(schema))
