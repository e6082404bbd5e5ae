"""Where the calls to a model go, as a person says it: this machine, a host, a provider.

Pure: reads a ModelSpec, asks nobody. `llm.resolve` has put addresses that come from the environment into the spec
before anything here is shown.
"""

import ipaddress
from urllib.parse import urlsplit

from rlm_cli.types import ModelSpec

THIS_MACHINE = "this machine"
OLLAMA = ("ollama", "ollama_chat")
"""litellm's providers for the user's own Ollama server."""


def provider_of(model: str) -> str:
    """Return what stands before the first slash of a litellm id; the whole id where there is none."""
    return model.partition("/")[0]


def whereabouts(spec: ModelSpec) -> str:
    """Return `this machine`, the host of `api_base`, or the provider's name."""
    provider = provider_of(spec.model)
    if provider == "offline":
        return THIS_MACHINE
    if spec.api_base is not None:
        return THIS_MACHINE if is_loopback(spec.api_base) else host_of(spec.api_base)
    return THIS_MACHINE if provider in OLLAMA else provider


def hides_secrets(spec: ModelSpec) -> bool:
    """Secrets are hidden from the model: it is not on this machine, or the profile says so."""
    if spec.redact is not None:
        return spec.redact
    elsewhere = {"base_url", "api_base"} & set(spec.params)  # litellm would go there
    return bool(elsewhere) or whereabouts(spec) != THIS_MACHINE


def host_of(url: str) -> str:
    """Return the host a URL names, never the credentials it may hold; the start of what is no URL."""
    try:
        return urlsplit(url).hostname or url[:100].rpartition("@")[2]
    except ValueError:
        return url[:100].rpartition("@")[2]


def shown_address(url: str) -> str:
    """Return a URL as it may be shown: without the credentials and the query that it may hold."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return host_of(url)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2], query="", fragment="").geturl()


def is_loopback(url: str | None) -> bool:
    """The URL's host is this machine."""
    try:
        host = urlsplit(url or "").hostname or ""
    except ValueError:
        return False
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        number = ipaddress.ip_address(host)
    except ValueError:
        return False
    return number.is_loopback or number.is_unspecified
