"""What a user is told before a run, who will see what and what it may cost; and after it, what was hidden."""

from dataclasses import replace

from rlm_cli.addresses import THIS_MACHINE, hides_secrets, whereabouts
from rlm_cli.amounts import cost, counted
from rlm_cli.estimate import costs
from rlm_cli.results import Result
from rlm_cli.strategies import Choice
from rlm_cli.task import Task
from rlm_cli.types import ModelSpec, Profile, Strategy


def before_the_run(task: Task, choice: Choice | None = None) -> str:
    """Return the line, and one more on the strategy where there was one to choose."""
    profile = task.profile
    models = profile.models
    if all(spec.model.startswith("offline/") for spec in models):
        return f"profile {profile.name}: no language model, a fixed search policy; nothing leaves this machine"
    stays = "" if any(whereabouts(spec) != THIS_MACHINE for spec in models) else "; nothing leaves this machine"
    line = f"profile {profile.name}: {_who_sees(task)}{stays}; {_money(profile, task.context.tokens, task.strategy)}"
    return line if choice is None else f"{line}\n{strategy_line(choice)}"


def strategy_line(choice: Choice) -> str:
    """Return how the question is answered, why so, and what each way would cost."""
    line = f"strategy {choice.strategy}: {choice.why}"
    found = choice.costs
    if found is None or not (found.direct or found.rlm.high or found.map_reduce):
        return line
    low, high = _small(found.rlm.low), _small(found.rlm.high)
    direct = f"direct about {_small(found.direct)}" if choice.fits else "direct does not fit"
    rlm = f"rlm {low}" if low == high else f"rlm {low} to {high}"
    return f"{line}; {direct}, {rlm}, map-reduce about {_small(found.map_reduce)}"


def _who_sees(task: Task) -> str:
    later = task.profile.refine
    return _sees(task, task.profile) + (
        f"; in a second pass {_sees(replace(task, strategy='rlm'), later)}" if later else ""
    )


def _sees(task: Task, profile: Profile) -> str:
    root, sub = _named(profile.root), _named(profile.sub)
    if task.strategy == "direct":
        checks = f"; sub {sub} sees the lines around each finding" if task.findings and task.verify else ""
        return f"root {root} sees the whole text{checks}"
    if task.strategy == "map-reduce":
        return f"root {root} sees notes with quotes; sub {sub} sees the whole text, piece by piece"
    return f"root {root} sees samples and REPL output; sub {sub} sees pieces of the text"


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


def _money(profile: Profile, tokens: int, strategy: Strategy) -> str:
    if all(spec.price is not None and spec.price.free for spec in profile.models):
        return "it costs nothing"
    cap = "no cap" if profile.limits.max_cost is None else f"at most {cost(profile.limits.max_cost)}"
    found = costs(profile, tokens)
    if found is None:
        return f"a price is unknown, {cap}"
    if strategy == "rlm":
        return f"estimate {_about(found.rlm.low)} to {_about(found.rlm.high)}, {cap}"
    return f"estimate {_about(found.direct if strategy == 'direct' else found.map_reduce)}, {cap}"


def _about(usd: float) -> str:
    """Return an amount to the cent: more digits would promise what an estimate cannot know."""
    return f"${usd:.2f}" if usd >= 0.01 else "less than $0.01"


def _small(usd: float) -> str:
    """Return an amount to be held against others: a small one with one digit that counts."""
    if usd >= 0.01:
        return f"${usd:.2f}"
    return f"${usd:.3f}" if usd >= 0.001 else "under $0.001"
