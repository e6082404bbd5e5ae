"""From a profile file and the command line to one `Profile`: extends, options and settings laid over each other."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from rlm_cli.errors import ProfileError
from rlm_cli.plain_files import open_plain
from rlm_cli.profiles import schema
from rlm_cli.profiles.folders import Found, find, profiles_in
from rlm_cli.types import Limits, ModelSpec, Price, Profile


@dataclass(frozen=True, slots=True)
class Overrides:
    """What the command line lays over a profile, in this order."""

    root_model: str | None = None
    """Another model: what the profile says of the old one's server, key, window, price and params goes with it."""
    sub_model: str | None = None
    settings: tuple[str, ...] = ()
    """KEY=VALUE each."""
    limits: Mapping[str, float | int | None] | None = None
    """Limits by name; one that is None is lifted."""


_NONE = Overrides()
_LARGEST = 100_000
"""Bytes of a profile: those that come with rlm have about a thousand."""
_SHARED = ("max_output_tokens", "timeout", "temperature")
"""What a fallback takes over from the model that it stands in for."""


def load(found: Found, overrides: Overrides = _NONE, inputs: Iterable[str] = (), trusted: bool = False) -> Profile:
    """Return the profile at `found` with `overrides` laid over it. Raises ProfileError."""
    tree = _extended(found, tuple(inputs), trusted, ())
    return _build(tree, found.name, overrides)


def custom(overrides: Overrides) -> Profile:
    """Return a profile made of a root and a sub-model alone, with the usual limits."""
    assert overrides.root_model is not None
    assert overrides.sub_model is not None
    where = "the command line"
    tree: schema.Tree = {
        "name": schema.Value("custom", where),
        "description": schema.Value("models named on the command line", where),
        "root": {"model": schema.Value(overrides.root_model, where)},
        "sub": {"model": schema.Value(overrides.sub_model, where)},
    }
    return _build(tree, "custom", replace(overrides, root_model=None, sub_model=None))


def _extended(found: Found, inputs: tuple[str, ...], trusted: bool, below: tuple[str, ...]) -> schema.Tree:
    identity = str(found.path.resolve())
    if identity in below:
        raise ProfileError(f"{found.path} extends itself, by way of {' -> '.join(below[below.index(identity) :])}")
    try:
        with open_plain(found.path, links=True) as file:
            content = file.read(_LARGEST + 1)
        if len(content) > _LARGEST:
            raise ProfileError(f"{found.path} is larger than a profile can be ({_LARGEST:,} bytes)")
        text = content.decode()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise ProfileError(f"cannot read the profile {found.path}: {reason}") from error
    tree = schema.read(text, found.path.name)
    parent = tree.pop("extends", None)
    if not isinstance(parent, schema.Value) or parent.content is None:
        return tree
    name = parent.content
    beside = found.path.parent / name
    if "/" in name or name.endswith((".yaml", ".yml")):
        name = str(beside)
    elif name != found.path.stem:
        name = next((str(each) for each in profiles_in(found.path.parent) if each.stem == name), name)
    return schema.merge(_extended(find(name, inputs, trusted), inputs, trusted, (*below, identity)), tree)


def _build(tree: schema.Tree, name: str, overrides: Overrides) -> Profile:
    for role, model in (("root", overrides.root_model), ("sub", overrides.sub_model)):
        if model is not None:
            tree = {**tree, role: _other_model(tree.get(role), model, role)}
    for option in overrides.settings:
        tree = schema.merge(tree, schema.setting(option))
    for limit, content in (overrides.limits or {}).items():
        tree = schema.merge(tree, {"limits": {limit: schema.checked_limit(limit, content)}})
    plain = schema.plain(tree)
    for role in ("root", "sub"):
        if not plain.get(role, {}).get("model"):
            raise ProfileError(f"the profile {name} names no {role} model", f"give {role}: {{model: ...}}")
    return Profile(
        name=plain.get("name", name),
        description=plain.get("description", ""),
        root=_model(plain["root"]),
        sub=_model(plain["sub"]),
        limits=Limits(**plain.get("limits", {})),
    )


def _other_model(old: "schema.Value | schema.Tree | None", model: str, role: str) -> schema.Tree:
    kept = ("max_output_tokens", "timeout")
    tree = {key: value for key, value in old.items() if key in kept} if isinstance(old, dict) else {}
    return {**tree, "model": schema.Value(model, f"--{role}-model")}


def _model(plain: dict[str, Any], above: dict[str, Any] | None = None) -> ModelSpec:
    """Return one model; a fallback shares the reply's size, time and temperature with the model `above` it."""
    settings = {key: value for key, value in (above or {}).items() if key in _SHARED}
    settings |= {key: value for key, value in plain.items() if key not in ("fallbacks", "price")}
    settings["params"] = settings.get("params") or {}
    price = plain.get("price")
    return ModelSpec(
        **settings,
        price=_price(price) if price is not None else None,
        fallbacks=tuple(_model(each, plain) for each in plain.get("fallbacks") or ()),
    )


def _price(plain: dict[str, Any]) -> Price:
    for key in ("input", "output"):
        if key not in plain:
            raise ProfileError(f"a price needs input and output, USD per million tokens; {key} is missing")
    return Price(**plain)
