"""Keeps calls to this machine on this machine, where the environment names a proxy for all others.

httpx, which litellm stands on, sends calls to 127.0.0.1 to an HTTP_PROXY too: the text would leave the machine while
the user reads that it does not. NO_PROXY is the one word that all of litellm's clients heed.
"""

import os
from collections.abc import Iterable
from urllib.parse import urlsplit

from rlm_cli.addresses import is_loopback

_ALWAYS = ("localhost", "127.0.0.1", "::1", "0.0.0.0")


def keep_local(addresses: Iterable[str | None]) -> None:
    """Exempt this machine, by its usual names and those in `addresses`, from proxies. Before litellm is imported."""
    local = {urlsplit(each).hostname or "" for each in addresses if each is not None and is_loopback(each)}
    for name in ("NO_PROXY", "no_proxy"):
        exempt = [each.strip() for each in os.environ.get(name, "").split(",")]
        wanted = [each for each in (*_ALWAYS, *sorted(local)) if each not in exempt]
        os.environ[name] = ",".join(filter(None, [*exempt, *wanted]))
