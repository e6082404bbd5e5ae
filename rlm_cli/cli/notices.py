"""What a user is told before the first call: who will see what."""

from collections.abc import Iterator

from rlm_cli.addresses import whereabouts
from rlm_cli.task import Task


def before_the_run(task: Task) -> Iterator[str]:
    """Yield the lines."""
    profile = task.profile
    root, sub = profile.root, profile.sub
    if root.model.startswith("offline/") and sub.model.startswith("offline/"):
        yield f"profile {profile.name}: no language model, a fixed search policy; nothing leaves this machine"
    else:
        yield (
            f"profile {profile.name}: root {root.model} ({whereabouts(root)}) sees samples and REPL output; "
            f"sub {sub.model} ({whereabouts(sub)}) sees pieces of the text"
        )
