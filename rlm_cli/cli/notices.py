"""What a user is told before a run, who will see what and what it may cost; and after it, what was hidden."""

from rlm_cli.addresses import THIS_MACHINE, hides_secrets, whereabouts
from rlm_cli.amounts import cost, counted
from rlm_cli.estimate import estimate
from rlm_cli.results import Result
from rlm_cli.task import Task
from rlm_cli.types import ModelSpec, Profile


def before_the_run(task: Task) -> str:
    """Return the line."""
    profile = task.profile
    models = profile.models
    if all(spec.model.startswith("offline/") for spec in models):
        return f"profile {profile.name}: no language model, a fixed search policy; nothing leaves this machine"
    stays = "" if any(whereabouts(spec) != THIS_MACHINE for spec in models) else "; nothing leaves this machine"
    return (
        f"profile {profile.name}: root {_named(profile.root)} sees samples and REPL output; "
        f"sub {_named(profile.sub)} sees pieces of the text{stays}; {_money(profile, task.context.tokens)}"
    )


def after_the_run(task: Task, result: Result) -> str | None:
    """Return the line that says which secrets were hidden from whom; None where none was."""
    if not result.redacted:
        return None
    models = task.profile.models
    places = dict.fromkeys(whereabouts(spec) for spec in models if hides_secrets(spec))
    kinds = ", ".join(f"{number:,} {kind}" for kind, number in result.redacted)
    total = counted(sum(number for _, number in result.redacted), "secret")
    return f"hidden from {' and '.join(places)}: {total} ({kinds})"


def _named(spec: ModelSpec) -> str:
    """Return a model, where it is, and who stands in for it."""
    named = [f"{each.model} ({_where(each)})" for each in spec.candidates]
    return named[0] if len(named) == 1 else f"{named[0]}, or when it fails {', '.join(named[1:])},"


def _where(spec: ModelSpec) -> str:
    where = whereabouts(spec)
    return f"on {where}" if where == THIS_MACHINE else where


def _money(profile: Profile, tokens: int) -> str:
    if all(spec.price is not None and spec.price.free for spec in profile.models):
        return "it costs nothing"
    cap = "no cap" if profile.limits.max_cost is None else f"at most {cost(profile.limits.max_cost)}"
    expected = estimate(profile, tokens)
    if expected is None:
        return f"a price is unknown, {cap}"
    return f"estimate {_about(expected.low)} to {_about(expected.high)}, {cap}"


def _about(usd: float) -> str:
    """Return an amount to the cent: more digits would promise what an estimate cannot know."""
    return f"${usd:.2f}" if usd >= 0.01 else "less than $0.01"
