"""What a profile may say: every key, its type and its bounds; and a YAML reader that knows the line of each value.

Strict on purpose: a misspelt key that is silently ignored costs money. Does not know where profiles lie (folders.py)
nor how they are put together (reading.py).
"""

import difflib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import yaml

from rlm_cli.errors import ProfileError
from rlm_cli.profiles import checks
from rlm_cli.profiles.checks import Check, shown
from rlm_cli.profiles.scanning import look_through
from rlm_cli.prompt_families import FAMILIES
from rlm_cli.types import SEVERITIES


@dataclass(frozen=True, slots=True)
class Value:
    """One scalar, list or free mapping of a profile, and where it stands."""

    content: Any
    where: str
    """Such as "quality.yaml, line 7", or the option it came from."""


Tree = dict[str, "Value | Tree"]
"""Nested keys, as deep as the schema."""


@dataclass(frozen=True, slots=True)
class _Models:
    """A list of models: an id, or a mapping of these keys."""

    keys: dict[str, Any]


@dataclass(frozen=True, slots=True)
class _Named:
    """A mapping of names that the profile chooses, each to a mapping of these keys."""

    keys: dict[str, Any]
    name: Check
    what: str
    """What has such a name."""


_PRICE: dict[str, Any] = {
    "input": checks.number(0),
    "output": checks.number(0),
    "cached_input": checks.number(0, null=True),
    "cache_write": checks.number(0, null=True),
}
_MODEL: dict[str, Any] = {
    "model": checks.text,
    "api_base": checks.text_or_null,
    "api_key_env": checks.variable_name,
    "temperature": checks.number(0, 2, null=True),
    "max_output_tokens": checks.number(1, whole=True),
    "timeout": checks.number(0.1, 1e6),
    "context_window": checks.number(1, null=True, whole=True),
    "price": _PRICE,
    "params": checks.mapping,
    "redact": checks.truth_or_null,
}
_MODEL_WITH_FALLBACKS: dict[str, Any] = {**_MODEL, "fallbacks": _Models(_MODEL), "cache": checks.truth}
SCHEMA: dict[str, Any] = {
    "name": checks.text,
    "description": checks.text,
    "extends": checks.text_or_null,
    "root": _MODEL_WITH_FALLBACKS,
    "sub": _MODEL_WITH_FALLBACKS,
    "limits": {
        "max_cost": checks.number(0, null=True),
        "max_iterations": checks.number(1, 100_000, whole=True),
        "max_subcalls": checks.number(0, 10_000_000, whole=True),
        "max_depth": checks.number(1, 10, whole=True),
        "max_tokens": checks.number(1, null=True, whole=True),
        "timeout": checks.number(0.1, 1e7),
        "cell_timeout": checks.number(0.1, 1e6),
        "concurrency": checks.number(1, 1024, whole=True),
    },
    "rules": _Named(
        {
            "title": checks.line_of(120),
            "severity": checks.one_of(*SEVERITIES),
            "cwe": checks.weakness,
            "text": checks.line_of(1_000),
            "advice": checks.line_of(500),
            "category": checks.one_of("security", "quality"),
        },
        checks.slug,
        "rule",
    ),
    "strategy": checks.one_of("auto", "rlm", "direct", "map-reduce"),
    "prompts": {
        "family": checks.one_of_or_null(*FAMILIES),
        "system": checks.text_or_null,
        "advice": checks.text_or_null,
    },
    "refine": checks.text_or_null,
}


def read(text: str, source: str) -> Tree:
    """Return a profile's tree. Raises ProfileError, naming the line, for anything the schema does not allow."""
    try:
        look_through(text, source)
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f", line {mark.line + 1}" if mark is not None else ""
        problem = getattr(error, "problem", None) or "not YAML"
        raise ProfileError(f"{source}{line}: {problem}") from error
    if node is None:
        raise ProfileError(f"{source} is empty", "the README has a whole profile to start from")
    tree = _read_mapping(node, SCHEMA, source, "")
    assert isinstance(tree, dict)
    return tree


def setting(option: str) -> Tree:
    """Return the tree of one `KEY=VALUE` as --set takes it. Raises ProfileError."""
    where = f"--set {option.split('=')[0]}"
    key, equals, value = option.partition("=")
    if not equals or not key:
        raise ProfileError(f"--set {option}: not KEY=VALUE", "as in --set limits.max_cost=2")
    try:
        look_through(value, where)
        node = yaml.compose(value, Loader=yaml.SafeLoader)
        content = yaml.safe_load(value)
        repr(content)
    except (yaml.YAMLError, ValueError, OverflowError, LookupError, AttributeError) as error:
        raise ProfileError(f"{where}: the value is not YAML") from error
    schema: Any = SCHEMA
    names = key.split(".")
    for name in names[:-1]:
        schema = _below(name, schema, where)
        if not isinstance(schema, dict | _Named):
            raise ProfileError(f"{where}: {name} has no keys of its own")
    last = _below(names[-1], schema, where)
    leaf: Value | Tree
    if isinstance(last, dict):
        leaf = _read_mapping(node, last, where, names[-1])
    elif isinstance(last, _Models):
        leaf = _read_models(node, last, where, key)
    elif isinstance(last, _Named):
        leaf = _read_named(node, last, where, key)
    else:
        leaf = _checked(content, last, where, key)
    for name in reversed(names):
        leaf = {name: leaf}
    assert isinstance(leaf, dict)
    return leaf


def checked_limit(name: str, content: Any) -> Value:
    """Return the value of a limit given on the command line. Raises ProfileError."""
    return _checked(content, SCHEMA["limits"][name], f"--{name.replace('_', '-')}", name)


def merge(lower: Tree, upper: Tree) -> Tree:
    """Return `lower` with what `upper` says put over it."""
    merged = dict(lower)
    for key, value in upper.items():
        below = merged.get(key)
        merged[key] = merge(below, value) if isinstance(below, dict) and isinstance(value, dict) else value
    return merged


def plain(tree: Tree) -> dict[str, Any]:
    """Return the tree as nested plain values."""
    return {key: plain(value) if isinstance(value, dict) else value.content for key, value in tree.items()}


def _read_mapping(node: Any, schema: dict[str, Any], source: str, inside: str) -> "Tree | Value":
    if not isinstance(node, yaml.MappingNode):
        if inside == "price" and node is not None and node.tag == "tag:yaml.org,2002:null":
            return Value(None, f"{source}, line {node.start_mark.line + 1}")
        what = inside or "a profile"
        line = f", line {node.start_mark.line + 1}" if node is not None and not source.startswith("--set") else ""
        raise ProfileError(f"{source}{line}: {what} must be a mapping of keys to values")
    tree: Tree = {}
    for key_node, value_node in _pairs(node):
        where = _place(key_node, source)
        key = str(key_node.value)
        if key in tree:
            raise ProfileError(f"{where}: {key} stands there twice")
        known = _known(key, schema, where)
        if isinstance(known, dict):
            tree[key] = _read_mapping(value_node, known, source, key)
        elif isinstance(known, _Models):
            tree[key] = _read_models(value_node, known, source, key)
        elif isinstance(known, _Named):
            tree[key] = _read_named(value_node, known, source, key)
        else:
            tree[key] = _checked(_content(value_node, where), known, where, key)
    return tree


def _read_models(node: Any, known: _Models, source: str, key: str) -> Value:
    """Return a list of models as a list of plain mappings."""
    if node is None or node.tag == "tag:yaml.org,2002:null":
        return Value([], source)
    where = _place(node, source)
    if not isinstance(node, yaml.SequenceNode):
        raise ProfileError(f"{where}: {key} must be a list of models", f"as in {key}: [openai/gpt-5-mini]")
    models = []
    for item in node.value:
        if isinstance(item, yaml.MappingNode):
            tree = _read_mapping(item, known.keys, source, key)
            assert isinstance(tree, dict)
            if "model" not in tree:
                raise ProfileError(f"{where}: a model under {key} has no model: ID")
            models.append(plain(tree))
        else:
            models.append({"model": _checked(_content(item, where), known.keys["model"], where, key).content})
    return Value(models, where)


def _read_named(node: Any, known: _Named, source: str, key: str) -> Tree:
    """Return a mapping whose names are the profile's own."""
    if not isinstance(node, yaml.MappingNode):
        where = source if node is None else _place(node, source)
        raise ProfileError(f"{where}: {key} must be a mapping of {known.what}s by their ids")
    tree: Tree = {}
    for name_node, value_node in _pairs(node):
        where = _place(name_node, source)
        name = str(name_node.value)
        _check_name(name, known, where)
        if name in tree:
            raise ProfileError(f"{where}: {name} stands there twice")
        said = _read_mapping(value_node, known.keys, source, f"the {known.what} {name}")
        if not said:
            raise ProfileError(f"{where}: the {known.what} {name} says nothing", f"keys: {', '.join(known.keys)}")
        tree[name] = said
    return tree


def _check_name(name: str, known: _Named, where: str) -> None:
    wrong = known.name(name)
    if wrong is not None:
        raise ProfileError(f"{where}: the id of a {known.what} {wrong}, not {shown(name)}")


def _place(node: Any, source: str) -> str:
    """Name where a node stands; an option has no lines."""
    return source if source.startswith("--set") else f"{source}, line {node.start_mark.line + 1}"


def _pairs(node: yaml.MappingNode) -> Iterator[tuple[Any, Any]]:
    yield from node.value


def _content(node: Any, where: str) -> Any:
    # Only standard tags are constructed: a SafeLoader over the node's own text.
    loader = yaml.SafeLoader("")
    try:
        content = loader.construct_object(node, deep=True)
        repr(content)  # fails for a number of more digits than Python writes
        return content
    except yaml.YAMLError as error:
        raise ProfileError(f"{where}: {getattr(error, 'problem', error)}") from error
    except (ValueError, OverflowError, LookupError, AttributeError) as error:
        # Such as the thirteenth month, a number of thousands of digits, `!!bool maybe`.
        raise ProfileError(f"{where}: not a value that can be read: {error}") from error
    finally:
        loader.dispose()


def _below(key: str, schema: Any, where: str) -> Any:
    """Return what may stand under a key; a name that the profile chooses is checked."""
    if not isinstance(schema, _Named):
        return _known(key, schema, where)
    _check_name(key, schema, where)
    return schema.keys


def _known(key: str, schema: dict[str, Any], where: str) -> Any:
    if key in schema:
        return schema[key]
    if checks.names_a_secret(key):
        raise _secret(f"{where}: {key}: a key has no place in a profile")
    near = difflib.get_close_matches(key, schema, n=1, cutoff=0.5)
    hint = f"did you mean {near[0]}?" if near else f"known keys: {', '.join(schema)}"
    raise ProfileError(f"{where}: unknown key {shown(key)}", hint)


def _checked(content: Any, check: Check, where: str, key: str) -> Value:
    if checks.holds_a_secret(content):
        raise _secret(f"{where}: {key} holds what looks like an API key; it is not shown here")
    wrong = check(content)
    if wrong is not None:
        raise ProfileError(f"{where}: {key} {wrong}, not {shown(content)}")
    return Value(content, where)


def _secret(message: str) -> ProfileError:
    return ProfileError(message, "name the variable that holds it: api_key_env: NAME")
