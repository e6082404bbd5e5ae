"""JSON schemas: which are taken, whether a value fits one, and the value in a reply's text.

Covered: the limits on schemas and values, references (within the schema only: nothing is fetched), how much work a
check may take, the reason why something does not fit, which the model reads. Not covered: who is asked again and how
often (engine/). A schema from the sandbox is written by anybody: `check_schema(strict=True)` takes only keywords whose
checking is bounded, so no `pattern` of theirs is run here. `format` is a remark and is not checked.
"""

import functools
import json
import math
import re
import threading
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import TYPE_CHECKING, Any

from rlm_cli.json_structure import structure
from rlm_cli.task import Task

if TYPE_CHECKING:
    from jsonschema.protocols import Validator

SIZE = 32_000
"""Characters of a schema."""
DEPTH = 40
"""Levels of a schema."""
VALUE_SIZE = 4_000_000
"""Characters of JSON that is checked."""
VALUE_PARTS = 400_000
"""Bytes of that JSON that are no text: sixteen megabytes of brackets would be a gigabyte of lists."""
VALUE_DEPTH = 60
"""Levels of a value."""
_WORK = 500_000
"""Keywords that are applied in one check, about; each counts for more, the larger what it is applied to is."""
_WEIGHT = 200
"""Characters of a value that count as much as a keyword: what does not fit is told with the value, once a keyword."""
_REASONS = 3
_REASON = 300
"""Characters of one reason."""
_BOUNDED = frozenset(
    """
    $comment $defs $ref additionalProperties allOf anyOf const contains default definitions dependentRequired
    dependentSchemas deprecated description else enum examples exclusiveMaximum exclusiveMinimum format if items
    maxContains maxItems maxLength maxProperties maximum minContains minItems minLength minProperties minimum multipleOf
    not oneOf prefixItems properties propertyNames readOnly required then title type uniqueItems writeOnly
    """.split()
)
_ONE = frozenset(
    """
    additionalItems additionalProperties contains contentSchema else if items not propertyNames then unevaluatedItems
    unevaluatedProperties
    """.split()
)
"""Keywords with a schema."""
_NAMED = frozenset("$defs definitions dependentSchemas patternProperties properties".split())
"""Keywords with schemas by name."""
_LISTED = frozenset("allOf anyOf items oneOf prefixItems".split())
"""Keywords with a list of schemas."""
_OWN_DEFINITION = re.compile(r"#/(?:\$defs|definitions)/[^/]+")
_OPENING = re.compile(r"```[\w+-]*[ \t]*")
_THOUGHT = re.compile(r"\s*<think(?:ing)?>.*?</think(?:ing)?>", re.DOTALL | re.IGNORECASE)
"""What some servers leave before a reply."""

_UNRESOLVED = "the schema refers to what is not in it"
_UNCHECKABLE = "it cannot be checked against the schema"

_work = threading.local()
"""What is left of `_WORK` in the check of this thread."""


class _TooMuchWork(Exception):
    """The check was given up."""


def canonical(value: Any) -> str:
    """Return a value as JSON, in the one form that it is sent, kept and compared in. Raises ValueError."""
    try:
        text = json.dumps(value, ensure_ascii=False, allow_nan=False)
    except (TypeError, RecursionError) as error:
        raise ValueError(f"it is no JSON: {error}") from None
    return text.encode("utf-8", "replace").decode("utf-8")  # JSON can spell half a surrogate pair


def check_schema(schema: str, strict: bool = False) -> None:
    """Raise ValueError, naming what is wrong, where `schema` is no JSON schema that can be checked against.

    `strict`: it comes from the sandbox.
    """
    if len(schema) > SIZE:
        raise ValueError(f"the schema has {len(schema):,} characters; the most is {SIZE:,}")
    content = _loaded(schema)
    if not isinstance(content, dict):
        raise ValueError(f'a JSON schema is an object such as {{"type": "array"}}, not {_short(schema, 40)}')
    if _depth(content, DEPTH) > DEPTH:
        raise ValueError(f"the schema is nested more than {DEPTH} levels deep")
    if strict:
        _keep_bounded(content)
    _compiled(schema)
    # A reference in a circle, or to what is not there, shows only when it is followed.
    samples: tuple[Any, ...] = (None, {}, [], "", 0)
    for value in samples:
        why = misfit(schema, value)
        if why is not None and why.startswith((_UNRESOLVED, _UNCHECKABLE)):
            raise ValueError(f"nothing can be checked against it: {why}")


def misfit(schema: str, value: Any) -> str | None:
    """Return why `value` does not fit the schema, None where it does. The schema has passed `check_schema`."""
    if _depth(value, VALUE_DEPTH) > VALUE_DEPTH:
        return f"it is nested more than {VALUE_DEPTH} levels deep"
    from referencing.exceptions import Unresolvable

    _work.left, _work.sizes = _WORK, {}
    try:
        found = list(islice(_compiled(schema).iter_errors(value), _REASONS + 1))
        reasons = [_reason(error) for error in found[:_REASONS]]
    except _TooMuchWork:
        return "checking it against the schema takes too long: make it smaller"
    except Unresolvable as error:
        return f"{_UNRESOLVED}: {_short(str(error), 100)}"
    except (RecursionError, ArithmeticError, ValueError, TypeError) as error:
        return f"{_UNCHECKABLE} ({type(error).__name__})"
    finally:
        _work.sizes = {}
    if not reasons:
        return None
    return "; ".join(reasons) + ("; and more" if len(found) > _REASONS else "")


def section(task: Task) -> list[str]:
    """Return what the first message says of the form of the answer; nothing where it is text."""
    if task.schema is None:
        return []
    return [
        "",
        "# Form of the answer",
        "",
        "The answer is not text but JSON that fits the JSON schema below. Give FINAL the value (a dict, a list): "
        "one that does not fit is refused with the reason.",
        "",
        task.schema,
    ]


def stated(schema: str) -> str:
    """Return the fixed message that tells a model of the form of its reply."""
    return f"Reply with JSON alone, without a word around it. It has to fit this JSON schema:\n{schema}"


def parse(schema: str, text: str) -> Any:
    """Return the value that a reply holds: JSON alone, or in a code fence. Raises ValueError with why there is none."""
    value = value_in(text)
    why = misfit(schema, value)
    if why is not None:
        raise ValueError(why)
    return value


def value_in(text: str) -> Any:
    """Return the JSON value in a text, whatever it is. Raises ValueError."""
    thought = _THOUGHT.match(text)
    said = text if thought is None else text[thought.end() :]
    if len(said) > VALUE_SIZE:
        raise ValueError(f"{len(said):,} characters; the most is {VALUE_SIZE:,}")
    try:
        return _loaded(said)
    except ValueError as error:
        why = error
    fenced = list(islice(_fenced(said), 2))
    if len(fenced) == 1:
        try:
            return _loaded(fenced[0])
        except ValueError as error:
            why = error
    if len(fenced) > 1:
        raise ValueError("it holds several code fences: give the JSON alone")
    raise ValueError(f"it is not JSON alone: {why}")


def _fenced(text: str) -> Iterator[str]:
    """Yield what stands in code fences. In one pass: a text may hold nothing but their beginnings."""
    inside: list[str] | None = None
    for line in text.split("\n"):
        if inside is None:
            inside = [] if _OPENING.fullmatch(line) else None
        elif line.rstrip(" \t\r") == "```":
            yield "\n".join(inside)
            inside = None
        else:
            inside.append(line)


def _loaded(text: str) -> Any:
    if len(text) > VALUE_SIZE:
        raise ValueError(f"{len(text):,} characters; the most is {VALUE_SIZE:,}")
    if len(text) > VALUE_PARTS and structure(text.encode("utf-8", "replace"), VALUE_PARTS) > VALUE_PARTS:
        raise ValueError("it has too many parts")
    try:
        return json.loads(text.strip(), parse_constant=_refuse_constant, parse_float=_finite)
    except json.JSONDecodeError as error:
        raise ValueError(f"{error.msg} at line {error.lineno}, column {error.colno}") from None
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def _finite(number: str) -> float:
    value = float(number)
    if not math.isfinite(value):
        raise ValueError(f"{_short(number, 30)} is too large for a number")
    return value


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON")


def _depth(value: Any, most: int) -> int:
    """Return how deeply a value is nested; stops beyond `most`."""
    level, depth = [value], 0
    while level and depth <= most:
        depth += 1
        inside: list[Any] = []
        for each in level:
            if isinstance(each, Mapping):
                inside += each.values()
            elif isinstance(each, list | tuple):
                inside += each
        level = [each for each in inside if isinstance(each, Mapping | list | tuple)]
    return depth


def _keep_bounded(schema: Any) -> None:
    for each in _schemas_in(schema):
        for keyword in each:
            if keyword not in _BOUNDED and not (keyword == "$schema" and each is schema):
                raise ValueError(f"the schema has {_short(repr(keyword), 60)}, which cannot be used here")
        reference = each.get("$ref")
        if reference is not None and not (isinstance(reference, str) and _OWN_DEFINITION.fullmatch(reference)):
            raise ValueError(
                f"the schema refers to {_short(repr(reference), 60)}; only '#/$defs/name' can be used here"
            )


def _schemas_in(schema: Any) -> Iterator[dict[str, Any]]:
    """Yield a schema and those inside it; values that only look like some (enum, const, examples) are not."""
    if not isinstance(schema, dict):
        return
    yield schema
    for keyword, value in schema.items():
        inside: Iterable[Any] = ()
        if keyword in _NAMED and isinstance(value, dict):
            inside = value.values()
        elif keyword in _LISTED and isinstance(value, list):
            inside = value
        elif keyword in _ONE:
            inside = (value,)
        for each in inside:
            yield from _schemas_in(each)


@functools.lru_cache(maxsize=32)
def _compiled(schema: str) -> "Validator":
    """Return what checks against a schema. Raises ValueError where it is none."""
    from jsonschema.exceptions import SchemaError
    from jsonschema.validators import Draft202012Validator, extend, validator_for
    from referencing import Registry
    from referencing.exceptions import Unresolvable

    content = _loaded(schema)
    named = content.pop("$schema", None)
    draft: Any = Draft202012Validator
    if named is not None:
        unknown: Any = None
        draft = validator_for({"$schema": named}, default=unknown) if isinstance(named, str) else unknown
        if draft is None:
            raise ValueError(f"the schema names a draft that is not known: {_short(repr(named), 80)}")
    try:
        draft.check_schema(content)
    except SchemaError as error:
        raise ValueError(f"it is no JSON schema: {_reason(error)}") from None
    except (RecursionError, Unresolvable) as error:
        raise ValueError(f"it is no JSON schema that can be checked ({type(error).__name__})") from None
    keywords = {keyword: _counted(applies) for keyword, applies in draft.VALIDATORS.items()}
    counted = extend(draft, keywords)  # type: ignore[no-untyped-call]
    # The registry is empty and fetches nothing.
    validator: Validator = counted(content, registry=Registry())
    _resolve_all(content)
    return validator


def _resolve_all(content: dict[str, Any]) -> None:
    """Raise ValueError for a reference that leads nowhere, or out of the schema."""
    each: Any
    own = [each for each in _schemas_in(content) if "$id" in each or "$anchor" in each or "$dynamicAnchor" in each]
    for each in _schemas_in(content):
        reference = each.get("$ref")
        if not isinstance(reference, str) or own:
            continue  # names of its own are looked up when they are met
        place: Any = content
        steps = reference.removeprefix("#").split("/")[1:]
        if not reference.startswith("#") or (reference != "#" and not steps):
            raise ValueError(
                f"the schema refers to {_short(repr(reference), 100)}, which is not in it: nothing is fetched"
            )
        for step in steps:
            name = step.replace("~1", "/").replace("~0", "~")
            if isinstance(place, dict) and name in place:
                place = place[name]
            elif isinstance(place, list) and name.isdecimal() and int(name) < len(place):
                place = place[int(name)]
            else:
                raise ValueError(f"the schema refers to {_short(repr(reference), 100)}, which is not in it")


def _counted(applies: Any) -> Any:
    """Return the function of a keyword, made to give up once a check has taken too much."""

    def counted(validator: Any, value: Any, instance: Any, schema: Any) -> Any:
        size = _size(instance)
        cost = 1 + size // _WEIGHT + (len(value) if isinstance(value, list | dict) else 0)
        if value is True and isinstance(instance, list) and not all(isinstance(each, str) for each in instance):
            cost += len(instance) * (len(instance) + size) // 10  # uniqueItems compares each with each
        _work.left = getattr(_work, "left", _WORK) - cost
        if _work.left < 0:
            raise _TooMuchWork
        return applies(validator, value, instance, schema)

    return counted


def _size(value: Any) -> int:
    """Return about how many characters a value takes; that of a list or a mapping is worked out once a check."""
    if isinstance(value, str):
        return len(value)
    if not isinstance(value, list | dict):
        return 10
    sizes: dict[int, int] = _work.sizes
    known = sizes.get(id(value))
    if known is None:
        parts = value if isinstance(value, list) else [*value, *value.values()]
        known = sizes[id(value)] = 2 + sum(2 + _size(each) for each in parts)
    return known


def _reason(error: Any) -> str:
    while error.context:
        # Of several ways to fit, the one that the value has followed farthest, where it is one.
        farthest = max(len(each.path) for each in error.context)
        deepest = [each for each in error.context if len(each.path) == farthest]
        if not farthest or len(deepest) > 1:
            break
        error = deepest[0]
    place = error.json_path
    where = f"at {_short(place, 100)}: " if place != "$" else ""
    return where + _short(error.message, _REASON)


def _short(text: str, most: int) -> str:
    """Return a text cut in its middle: what is wrong stands at the end of most messages."""
    if len(text) > most:
        text = f"{text[: most // 2]} ... {text[-(most // 2) :]}"
    return "".join(each if each.isprintable() else " " for each in text)
