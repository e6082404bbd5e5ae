"""The line that the REPL prints after a batch, and by what its failures are counted."""

from rlm_cli.amounts import cost
from rlm_cli.seams import SubAnswer
from rlm_cli.types import Usage


def kind(error: str) -> str:
    """Return what failures are counted by: what is the same for all of a kind."""
    many = ("not sent:", "not opened:", "abandoned:", "the reply does not fit the schema:")
    return error.partition(":")[0] if error.startswith(many) else error


def summary_of(answers: list[SubAnswer], given: tuple[SubAnswer, ...], usage: Usage, seconds: float) -> str:
    """Return the line that the REPL prints after a batch: `answers` to what was asked, `given` to each slot."""
    parts = [f"{len(given)} prompts", *used(usage), f"{seconds:.1f} s"]
    earlier = usage.earlier_calls
    if earlier:
        saved = f", {cost(usage.saved_usd)} saved" if usage.saved_usd else ""
        parts.append(f"{earlier} of {len(answers)} from the cache{saved}")
    if repeated := sum(answer.cached for answer in answers) - earlier:
        parts.append(f"{repeated} known already")
    if truncated := sum(answer.truncated for answer in answers):
        parts.append(f"{truncated} cut at the output limit")
    parts.append(failed(given))
    return f"[batch: {', '.join(parts)}]"


def used(usage: Usage) -> list[str]:
    """Return what the summary of a batch says of what it took."""
    return [
        f"{usage.calls} calls",
        f"{usage.input_tokens / 1000:.1f}k in",
        f"{usage.output_tokens / 1000:.1f}k out",
        "cost unknown" if usage.cost_usd is None else f"${usage.cost_usd:.4f}",
    ]


def failed(given: tuple[SubAnswer, ...]) -> str:
    """Return how many failed, and why the first did."""
    failures = [(number, answer.error) for number, answer in enumerate(given) if answer.error]
    return f"{len(failures)} failed" + (f" (#{failures[0][0]}: {failures[0][1]})" if failures else "")
