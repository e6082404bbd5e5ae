"""What a user is told before the first call: who will see what."""

from collections.abc import Iterator
from urllib.parse import urlsplit

from rlm_cli.task import Task
from rlm_cli.types import ModelSpec


def before_the_run(task: Task) -> Iterator[str]:
    """Yield the lines."""
    profile = task.profile
    root, sub = profile.root, profile.sub
    if root.model.startswith("offline/") and sub.model.startswith("offline/"):
        yield f"profile {profile.name}: no language model, a fixed search policy; nothing leaves this machine"
    else:
        yield (
            f"profile {profile.name}: root {root.model} ({_whereabouts(root)}) sees samples and REPL output; "
            f"sub {sub.model} ({_whereabouts(sub)}) sees pieces of the text"
        )


def _whereabouts(spec: ModelSpec) -> str:
    """Return who answers: a host, a provider, or this machine."""
    if spec.model.startswith("offline/"):
        return "on this machine"
    if spec.api_base is not None:
        host = urlsplit(spec.api_base).hostname or spec.api_base
        return "on this machine" if host in ("localhost", "127.0.0.1", "::1") else host
    provider = spec.model.split("/", 1)[0]
    return "on this machine" if provider in ("ollama", "ollama_chat") else provider
