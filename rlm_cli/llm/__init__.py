"""Models: a profile in, a ModelClient out.

    warm(profile)                   start importing litellm beside other work
    profile = resolve(profile)      fill in windows and prices; refuse what cannot be called
    client = open_client(profile)   make calls
    check(profile)                  what can be said of its models without a call

litellm takes seconds to import. Nothing here imports it until a model needs it, and the offline ones never do.
"""

import threading
from dataclasses import replace
from typing import TYPE_CHECKING

from rlm_cli.errors import CallAbandoned
from rlm_cli.llm.cached import Cached, KeptReplies
from rlm_cli.llm.fallbacks import FallingBack
from rlm_cli.llm.layers import Remembering, Throttled
from rlm_cli.llm.offline_client import WINDOW, OfflineClient, is_offline
from rlm_cli.llm.price_list import listed
from rlm_cli.llm.proxies import keep_local
from rlm_cli.llm.redacting import Redacting
from rlm_cli.llm.retrying import Retrying
from rlm_cli.redaction import Redactor
from rlm_cli.seams import ModelClient
from rlm_cli.types import ModelSpec, Price, Profile, Reply, Request, Usage

if TYPE_CHECKING:
    from rlm_cli.llm.checking import ModelCheck

__all__ = ["KeptReplies", "check", "listed", "open_client", "resolve", "warm"]


def warm(profile: Profile) -> None:
    """Start importing litellm in the background, if a model of the profile needs it. Returns at once."""
    if _needs_litellm(profile):
        keep_local([each.api_base for each in profile.models])
        threading.Thread(target=_load_quietly, name="import-litellm", daemon=True).start()


def resolve(profile: Profile) -> Profile:
    """Fill in the windows and prices that the profile left open, as far as litellm's table knows them.

    A local server without a price costs nothing; what nobody knows stays None. Raises UnknownModel for an id whose
    provider litellm does not know, ProfileError where a key is missing: both before any call.
    """
    later = resolve(profile.refine) if profile.refine is not None else None
    return replace(profile, root=_with_fallbacks(profile.root), sub=_with_fallbacks(profile.sub), refine=later)


def check(profile: Profile, asks_servers: bool = True) -> "list[ModelCheck]":
    """Say of every model of a profile whether it is known, priced and within reach, without calling it.

    Contacts servers on this machine, and the Ollama that OLLAMA_API_BASE names, unless `asks_servers` is off: a profile
    that nobody has vetted chooses no address. Raises ModelError when litellm cannot be imported.
    """
    from rlm_cli.llm.checking import check_models

    return check_models(profile, asks_servers)


def open_client(profile: Profile, kept: KeptReplies | None = None, redactor: Redactor | None = None) -> ModelClient:
    """Return the client for one run: it remembers, falls back, tries again, and keeps to the profile's concurrency.

    `kept`: replies of earlier runs, which are given in place of calls. `redactor`: hides secrets from models that are
    not on this machine; None: nothing is hidden.
    """
    calling = FallingBack(Retrying(Throttled(_Switch(redactor), profile.limits.concurrency)))
    return Remembering(Cached(calling, kept) if kept is not None else calling)


class _Switch:
    """Sends each request to the client that its model id belongs to."""

    def __init__(self, redactor: Redactor | None) -> None:
        self._redactor = redactor
        self._offline = OfflineClient()
        self._litellm: ModelClient | None = None
        self._closed = False
        self._lock = threading.Lock()

    def complete(self, request: Request) -> Reply:
        return self._for(request).complete(request)

    def recall(self, request: Request) -> Reply | None:
        return None

    def close(self) -> None:
        with self._lock:
            self._closed = True
            opened = (self._offline, self._litellm)
        for client in opened:
            if client is not None:
                client.close()

    def _for(self, request: Request) -> ModelClient:
        if is_offline(request.spec):
            return self._offline
        with self._lock:
            if self._closed:
                raise CallAbandoned(f"{request.spec.model} was not asked: the run is over", usage=Usage())
            if self._litellm is None:
                from rlm_cli.llm.litellm_client import LitellmClient

                calling = LitellmClient()
                self._litellm = calling if self._redactor is None else Redacting(calling, self._redactor)
            return self._litellm


def _needs_litellm(profile: Profile) -> bool:
    return not all(map(is_offline, profile.models))


def _load_quietly() -> None:
    from rlm_cli.errors import ModelError
    from rlm_cli.llm.litellm_client import load

    try:
        load()
    except ModelError:
        return  # whoever needs litellm asks again, and gets the error where it can be shown


def _with_fallbacks(spec: ModelSpec) -> ModelSpec:
    return replace(_resolved(spec), fallbacks=tuple(_resolved(each) for each in spec.fallbacks))


def _resolved(spec: ModelSpec) -> ModelSpec:
    if is_offline(spec):
        return replace(spec, context_window=spec.context_window or WINDOW, price=Price(0.0, 0.0))
    from rlm_cli.llm.catalogue import Catalogue
    from rlm_cli.llm.litellm_client import load

    return Catalogue(load).resolve(spec)
