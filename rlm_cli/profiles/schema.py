"""What a profile may say: every key, its type and its bounds; and a YAML reader that knows the line of each value.

Strict on purpose: a misspelt key that is silently ignored costs money. Does not know where profiles lie (folders.py)
nor how they are put together (reading.py).
"""

import difflib
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from rlm_cli.errors import ProfileError
from rlm_cli.profiles.scanning import look_through

_SECRET_NAME = re.compile(r"^(api_?key|key|token|secret|password|authorization)$", re.IGNORECASE)
_SECRET_VALUE = re.compile(r"\b(sk-[\w-]{16,}|AIza[\w-]{20,}|gsk_\w{16,}|hf_\w{16,}|xai-\w{16,})")


@dataclass(frozen=True, slots=True)
class Value:
    """One scalar, list or free mapping of a profile, and where it stands."""

    content: Any
    where: str
    """Such as "quality.yaml, line 7", or the option it came from."""


Tree = dict[str, "Value | Tree"]
"""Nested keys, as deep as the schema."""


Check = Callable[[Any], str | None]
"""Returns what is wrong with a value, or None."""


def _text(content: Any) -> str | None:
    return None if isinstance(content, str) and content.strip() else "must be text"


def _text_or_null(content: Any) -> str | None:
    return None if content is None else _text(content)


def _number(least: float, most: float = 1e15, null: bool = False, whole: bool = False) -> Check:
    kind = "a whole number" if whole else "a number"
    bounds = f" from {least:g} to {most:g}"

    def check(content: Any) -> str | None:
        if content is None and null:
            return None
        if isinstance(content, bool) or not isinstance(content, int if whole else int | float):
            return f"must be {kind}{bounds}{', or null' if null else ''}"
        if not least <= content <= most:
            return f"must be {kind}{bounds}{', or null' if null else ''}"
        return None

    return check


def _variable_name(content: Any) -> str | None:
    if content is None or (isinstance(content, str) and re.fullmatch(r"[A-Za-z_]\w*", content)):
        return None
    return "must be the name of an environment variable"


def _truth(content: Any) -> str | None:
    return None if isinstance(content, bool) else "must be true or false"


def _truth_or_null(content: Any) -> str | None:
    return None if content is None or isinstance(content, bool) else "must be true or false, or null"


def _mapping(content: Any) -> str | None:
    return None if isinstance(content, Mapping) else "must be a mapping"


@dataclass(frozen=True, slots=True)
class _Models:
    """A list of models: an id, or a mapping of these keys."""

    keys: dict[str, Any]


def _nothing_yet(content: Any) -> str | None:
    return None if content in (None, []) else "is not supported yet; leave it out"


_PRICE: dict[str, Any] = {
    "input": _number(0),
    "output": _number(0),
    "cached_input": _number(0, null=True),
    "cache_write": _number(0, null=True),
}
_MODEL: dict[str, Any] = {
    "model": _text,
    "api_base": _text_or_null,
    "api_key_env": _variable_name,
    "temperature": _number(0, 2, null=True),
    "max_output_tokens": _number(1, whole=True),
    "timeout": _number(0.1, 1e6),
    "context_window": _number(1, null=True, whole=True),
    "price": _PRICE,
    "params": _mapping,
    "redact": _truth_or_null,
}
_MODEL_WITH_FALLBACKS: dict[str, Any] = {**_MODEL, "fallbacks": _Models(_MODEL), "cache": _truth}
SCHEMA: dict[str, Any] = {
    "name": _text,
    "description": _text,
    "extends": _text_or_null,
    "root": _MODEL_WITH_FALLBACKS,
    "sub": _MODEL_WITH_FALLBACKS,
    "limits": {
        "max_cost": _number(0, null=True),
        "max_iterations": _number(1, 100_000, whole=True),
        "max_subcalls": _number(0, 10_000_000, whole=True),
        "max_depth": _number(1, 10, whole=True),
        "max_tokens": _number(1, null=True, whole=True),
        "timeout": _number(0.1, 1e7),
        "cell_timeout": _number(0.1, 1e6),
        "concurrency": _number(1, 1024, whole=True),
    },
    "refine": _nothing_yet,
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
        schema = _known(name, schema, where)
        if not isinstance(schema, dict):
            raise ProfileError(f"{where}: {name} has no keys of its own")
    last = _known(names[-1], schema, where)
    leaf: Value | Tree
    if isinstance(last, dict):
        leaf = _read_mapping(node, last, where, names[-1])
    elif isinstance(last, _Models):
        leaf = _read_models(node, last, where, key)
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
        where = source if source.startswith("--set") else f"{source}, line {key_node.start_mark.line + 1}"
        key = str(key_node.value)
        if key in tree:
            raise ProfileError(f"{where}: {key} stands there twice")
        known = _known(key, schema, where)
        if isinstance(known, dict):
            tree[key] = _read_mapping(value_node, known, source, key)
        elif isinstance(known, _Models):
            tree[key] = _read_models(value_node, known, source, key)
        else:
            tree[key] = _checked(_content(value_node, where), known, where, key)
    return tree


def _read_models(node: Any, known: _Models, source: str, key: str) -> Value:
    """Return a list of models as a list of plain mappings."""
    if node is None or node.tag == "tag:yaml.org,2002:null":
        return Value([], source)
    where = source if source.startswith("--set") else f"{source}, line {node.start_mark.line + 1}"
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


def _known(key: str, schema: dict[str, Any], where: str) -> Any:
    if key in schema:
        return schema[key]
    if _SECRET_NAME.match(key):
        raise _secret(f"{where}: {key}: a key has no place in a profile")
    near = difflib.get_close_matches(key, schema, n=1, cutoff=0.5)
    hint = f"did you mean {near[0]}?" if near else f"known keys: {', '.join(schema)}"
    raise ProfileError(f"{where}: unknown key {_shown(key)}", hint)


def _checked(content: Any, check: Check, where: str, key: str) -> Value:
    for name, text in _strings(content):
        if _SECRET_NAME.match(name) or _SECRET_VALUE.search(text):
            raise _secret(f"{where}: {key} holds what looks like an API key; it is not shown here")
    wrong = check(content)
    if wrong is not None:
        raise ProfileError(f"{where}: {key} {wrong}, not {_shown(content)}")
    return Value(content, where)


def _secret(message: str) -> ProfileError:
    return ProfileError(message, "name the variable that holds it: api_key_env: NAME")


def _strings(content: Any, name: str = "") -> Iterator[tuple[str, str]]:
    """Yield (the key it stands under, text) of every text inside a value."""
    if isinstance(content, str):
        yield name, content
    elif isinstance(content, Mapping):
        for key, value in content.items():
            yield from _strings(value, str(key))
    elif isinstance(content, list):
        for value in content:
            yield from _strings(value, name)


def _shown(content: Any) -> str:
    text = repr(content)
    return text if len(text) <= 40 else f"{text[:37]}..."
