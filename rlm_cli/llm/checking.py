"""What can be said of a profile's models without calling one: are they known, priced, reachable; is a key missing."""

from dataclasses import dataclass

from rlm_cli.errors import ProfileError, UnknownModel
from rlm_cli.llm.catalogue import Catalogue
from rlm_cli.llm.litellm_client import load
from rlm_cli.llm.local_servers import obstacle
from rlm_cli.llm.offline_client import is_offline
from rlm_cli.types import ModelSpec, Profile

_NOT_ASKED = "its server was not asked: the project's own profile chose the address"


@dataclass(frozen=True, slots=True)
class ModelCheck:
    """What is known of one model of a profile."""

    role: str
    """`root`, `sub`, or either with `fallback` behind it."""
    spec: ModelSpec
    """With window and price, as far as they are known."""
    wrong: str | None = None
    """Why a run with it would be refused whatever is installed and set: the id is unknown, or its price is."""
    missing: str | None = None
    """What has to be set or started on this machine first."""
    retired_on: str | None = None
    """The day, as YYYY-MM-DD, on which its provider ends it."""


def check_models(profile: Profile, asks_servers: bool) -> list[ModelCheck]:
    """Do what `llm.check` says."""
    roles = [("root", profile.root), ("sub", profile.sub)]
    if (later := profile.refine) is not None:
        roles += [("second root", later.root), ("second sub", later.sub)]
    capped = profile.limits.max_cost is not None
    catalogue = Catalogue(load)
    return [
        _check(catalogue, role if number == 0 else f"{role} fallback", spec, capped, asks_servers)
        for role, first in roles
        for number, spec in enumerate(first.candidates)
    ]


def _check(catalogue: Catalogue, role: str, spec: ModelSpec, capped: bool, asks_servers: bool) -> ModelCheck:
    load()  # a broken installation is no fault of the profile
    try:
        if is_offline(spec):
            return ModelCheck(role, spec)
        filled, key = catalogue.filled(spec), catalogue.missing_key(spec)
    except (UnknownModel, ProfileError) as error:
        return ModelCheck(role, spec, wrong=f"{error}; {error.hint}" if error.hint else str(error))
    wrong = missing = None
    if filled.price is None and capped:
        wrong = "its price is unknown: give price: in the profile, or set limits.max_cost to null"
    if key is not None:
        missing = f"{key} is not set"
    elif catalogue.is_local(filled):
        missing = obstacle(filled) if asks_servers else _NOT_ASKED
    return ModelCheck(role, filled, wrong, missing, catalogue.retired_on(spec))
