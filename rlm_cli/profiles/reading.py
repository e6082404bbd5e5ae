"""From a profile file and the command line to one `Profile`: extends, options and settings laid over each other."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from rlm_cli.errors import ProfileError
from rlm_cli.plain_files import open_plain
from rlm_cli.profiles import schema
from rlm_cli.profiles.folders import Found, find, profiles_in
from rlm_cli.rules import CATALOGUE, OTHER
from rlm_cli.types import Limits, ModelSpec, Price, Profile, Prompts, Rule


@dataclass(frozen=True, slots=True)
class Overrides:
    """What the command line lays over a profile, in this order."""

    root_model: str | None = None
    """Another model: what the profile says of the old one goes with it, as when a profile that extends names one."""
    sub_model: str | None = None
    settings: tuple[str, ...] = ()
    """KEY=VALUE each."""
    limits: Mapping[str, float | int | None] | None = None
    """Limits by name; one that is None is lifted."""
    refine: str | None = None
    """The profile of a second pass."""


_NONE = Overrides()
_KEPT = ("max_output_tokens", "timeout", "cache")
"""What is said of a role rather than of its model: its server, key, window, price, params and fallbacks go with it."""
_LARGEST = 100_000
"""Bytes of a profile: those that come with rlm have about a thousand."""
_MOST_RULES = 200
_SHARED = ("max_output_tokens", "timeout", "temperature")
"""What a fallback takes over from the model that it stands in for."""


def load(found: Found, overrides: Overrides = _NONE, inputs: Iterable[str] = (), trusted: bool = False) -> Profile:
    """Return the profile at `found` with `overrides` laid over it. Raises ProfileError."""
    tree = _extended(found, tuple(inputs), trusted, ())
    profile = _build(tree, found.name, overrides)
    name = overrides.refine or _refined_by(tree, overrides, found)
    return profile if name is None else _with_second_pass(profile, find(name, inputs, trusted), tuple(inputs), trusted)


def _refined_by(tree: schema.Tree, overrides: Overrides, found: Found) -> str | None:
    """Return the profile of a second pass that settings name, or the profile itself: then it may lie beside it."""
    set_so, said = _settings(overrides).get("refine"), tree.get("refine")
    if isinstance(set_so, schema.Value):
        return str(set_so.content) if set_so.content is not None else None
    return _seen_from(found, said.content) if isinstance(said, schema.Value) and said.content is not None else None


def _with_second_pass(profile: Profile, later: Found, inputs: tuple[str, ...], trusted: bool) -> Profile:
    second = _build(_extended(later, inputs, trusted, ()), later.name, _NONE)
    # Two passes are the most: what it says of a refinement is for where it makes the first one.
    return replace(profile, refine=second)


def custom(overrides: Overrides, inputs: Iterable[str] = (), trusted: bool = False) -> Profile:
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
    profile = _build(tree, "custom", replace(overrides, root_model=None, sub_model=None))
    if overrides.refine is None:
        return profile
    return _with_second_pass(profile, find(overrides.refine, inputs, trusted), tuple(inputs), trusted)


def limited(limits: Limits, changed: Mapping[str, float | int | None]) -> Limits:
    """Return limits with some of them changed, as the command line says. Raises ProfileError."""
    return replace(limits, **{name: schema.checked_limit(name, value).content for name, value in changed.items()})


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
    name = _seen_from(found, parent.content)
    return _laid_over(_extended(find(name, inputs, trusted), inputs, trusted, (*below, identity)), tree)


def _seen_from(found: Found, name: str) -> str:
    """Return the name or path of a profile that another names: beside that one, if it is there."""
    if "/" in name or name.endswith((".yaml", ".yml")):
        return str(found.path.parent / name)
    if name == found.path.stem:
        return name
    return next((str(each) for each in profiles_in(found.path.parent) if each.stem == name), name)


def _build(tree: schema.Tree, name: str, overrides: Overrides) -> Profile:
    for role, model in (("root", overrides.root_model), ("sub", overrides.sub_model)):
        if model is not None:
            tree = _laid_over(tree, {role: {"model": schema.Value(model, f"--{role}-model")}})
    tree = _laid_over(tree, _settings(overrides))
    for limit, content in (overrides.limits or {}).items():
        tree = schema.merge(tree, {"limits": {limit: schema.checked_limit(limit, content)}})
    for role in ("root", "sub"):
        _check_price(tree.get(role))
    plain = schema.plain(tree)
    for role in ("root", "sub"):
        if not plain.get(role, {}).get("model"):
            raise ProfileError(f"the profile {name} names no {role} model", f"give {role}: {{model: ...}}")
    return Profile(
        name=plain.get("name", name),
        description=plain.get("description", ""),
        root=_model(plain["root"]),
        sub=_model({"cache": True, **plain["sub"]}),
        limits=Limits(**plain.get("limits", {})),
        rules=tuple(_rules(tree.get("rules"))),
        strategy=plain.get("strategy", "auto"),
        prompts=Prompts(**plain.get("prompts", {})),
    )


def _settings(overrides: Overrides) -> schema.Tree:
    settings: schema.Tree = {}
    for option in overrides.settings:
        settings = schema.merge(settings, schema.setting(option))
    return settings


def _laid_over(lower: schema.Tree, upper: schema.Tree) -> schema.Tree:
    """Merge `upper` over `lower`; a role that gets another model keeps nothing that was said of the old one."""
    kept = dict(lower)
    for role in ("root", "sub"):
        old, new = lower.get(role), upper.get(role)
        if isinstance(old, dict) and isinstance(new, dict) and _names_another(old, new):
            kept[role] = {key: value for key, value in old.items() if key in _KEPT}
    return schema.merge(kept, upper)


def _names_another(old: schema.Tree, new: schema.Tree) -> bool:
    before, after = old.get("model"), new.get("model")
    return isinstance(after, schema.Value) and isinstance(before, schema.Value) and after.content != before.content


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


def _check_price(model: "schema.Value | schema.Tree | None") -> None:
    """Name the line of a price that lacks a part, now that nothing is laid over it any more."""
    price = model.get("price") if isinstance(model, dict) else None
    if isinstance(price, dict) and not {"input", "output"} <= set(price):
        where = next((each.where for each in price.values() if isinstance(each, schema.Value)), "price")
        raise ProfileError(f"{where}: a price needs input and output, USD per million tokens")


def _rules(named: "schema.Value | schema.Tree | None") -> Iterator[Rule]:
    """Yield a profile's rules; one that stands in for a rule of the catalogue shares what is not said of it."""
    if not isinstance(named, dict):
        return
    known = {each.id: each for each in CATALOGUE}
    for count, (name, said) in enumerate(named.items(), start=1):
        assert isinstance(said, dict)
        where = next((each.where for each in said.values() if isinstance(each, schema.Value)), f"the rule {name}")
        if count > _MOST_RULES:
            raise ProfileError(f"{where}: {name} is one rule too many: a profile has at most {_MOST_RULES}")
        plain = schema.plain(said)
        plain |= {key: " ".join(plain[key].split()) for key in ("title", "text", "advice") if key in plain}
        if name in known:
            yield replace(known[name], **plain)
            continue
        missing = [key for key in ("title", "severity", "text") if key not in plain]
        if missing:
            raise ProfileError(
                f"{where}: the rule {name} lacks {', '.join(missing)}",
                "only a rule of the catalogue can be changed in part",
            )
        yield Rule(**{"id": name, "cwe": None, "advice": OTHER.advice, **plain})


def _price(plain: dict[str, Any]) -> Price:
    for key in ("input", "output"):
        if key not in plain:
            raise ProfileError(f"a price needs input and output, USD per million tokens; {key} is missing")
    return Price(**plain)
