"""What code and the root model are told of sub-calls: the line after a batch, why a prompt was not sent.

Knows answers and usage, and makes no call.
"""

from rlm_cli.amounts import cost
from rlm_cli.engine.in_form import Conversation
from rlm_cli.seams import SubAnswer
from rlm_cli.tokens import prompt_tokens
from rlm_cli.types import ModelSpec, Usage


def too_large(spec: ModelSpec, said: Conversation) -> SubAnswer | None:
    """Return the failure that a prompt is which the window does not take; None where it fits."""
    # Hardly any text has more than two tokens a character, so short prompts need no counting.
    characters = sum(len(each.text) for each in said)
    if spec.context_window is None or 2 * characters < spec.context_window - spec.max_output_tokens:
        return None
    room = spec.context_window - spec.max_output_tokens
    tokens = sum(prompt_tokens(each.text) for each in said)
    if tokens <= room:
        return None
    return SubAnswer(
        error=f"the prompt has about {tokens:,} tokens ({characters:,} characters); the window of {spec.model} takes "
        f"{room:,} besides the reply. Nothing was sent: cut it with smart_chunk"
    )


def kind(error: str) -> str:
    """Return what failures are counted by: what is the same for all of a kind."""
    many = ("not sent:", "not opened:", "abandoned:", "the reply does not fit the schema:")
    return error.partition(":")[0] if error.startswith(many) else error


def summary(answers: list[SubAnswer], given: tuple[SubAnswer, ...], usage: Usage, seconds: float) -> str:
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
