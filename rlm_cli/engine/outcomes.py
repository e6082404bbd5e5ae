"""What the root model is told after an iteration: output, error, what was wrong with its reply, and what is left.

What changes stands in the last line, so that all before it stays the same from one call to the next. Knows the values
it words, and nothing of the loop.
"""

from rlm_cli.budget import Budget
from rlm_cli.engine.parsing import CODE_TAGS, Parsed
from rlm_cli.engine.truncation import SHOWN, shorten
from rlm_cli.seams import CellFinished
from rlm_cli.tokens import prompt_tokens

_WARN_AT = 0.8
SHOWN_TOKENS = 4_000
"""Tokens of one iteration's output that the root model sees at most."""
OUTCOME_TOKENS = SHOWN_TOKENS + 1_500
"""Tokens of all that is said after an iteration: output, error, notes and the closing line."""


def outcome(number: int, cell: CellFinished | None, notes: list[str]) -> str:
    """Return what an iteration came to: its output, its error, our notes. `cell` is None when no code ran."""
    parts = []
    if cell is not None:
        if cell.output.strip():
            shown = _shown(cell.output.rstrip("\n"), f"out[{number}]", cell.output_characters)
            parts.append(f"Output of iteration {number}:\n{shown}")
        elif cell.error is None:
            parts.append(f"Iteration {number} ran and printed nothing. Only what print() is given is shown.")
        if cell.error is not None:
            parts.append(cell.error)
        if cell.tampered:
            parts.append(f"Restored, because the code had overwritten them: {', '.join(cell.tampered)}.")
    return "\n\n".join([*parts, *notes])


def _shown(output: str, whole: str, total: int) -> str:
    """Return output cut by characters, and where its characters are dear (emoji, rare scripts) by tokens."""
    shown = shorten(output, whole, total)
    tokens = prompt_tokens(shown)
    return shown if tokens <= SHOWN_TOKENS else shorten(output, whole, total, SHOWN * SHOWN_TOKENS // (tokens + 1))


def folded(number: int, cell: CellFinished | None) -> str:
    """Return the line that stands for an old outcome once the window is nearly full."""
    if cell is None:
        return "[no code ran]"
    failed = " It failed." if cell.error is not None else ""
    return f"[output folded, {cell.output_characters:,} characters; whole text in out[{number}]].{failed}"


def span(iterations: tuple[int, ...]) -> str:
    """Return how iterations that follow one another are named."""
    first, last = iterations[0], iterations[-1]
    return f"iteration {first}" if first == last else f"iterations {first} to {last}"


def no_code(parsed: Parsed, truncated: bool) -> str:
    """Return what a reply without code and without an answer is told."""
    if truncated:
        return "Your reply was cut at its output limit before its code ended, so nothing ran. Write less in one reply."
    if parsed.other_tags:
        tags = ", ".join(f"```{tag}" for tag in dict.fromkeys(parsed.other_tags))
        return f"No code ran: found {tags}. Only fences tagged {' or '.join(CODE_TAGS)} are run."
    return (
        "No code ran: the reply has no code fence. Write code in a ```repl fence, or answer: FINAL(...) at the start "
        "of a line, or FINAL in code."
    )


CUT_CODE = (
    "Your reply was cut at its output limit inside the last code block: that block did not run, those before it did. "
    "Write less in one reply."
)
CUT_FINAL = (
    "Your reply was cut at its output limit, so its FINAL(...) was not accepted. Give a shorter answer, or build it in "
    "a variable and use FINAL_VAR."
)
UNSEEN = (
    "The FINAL(...) outside the code was not accepted: it stood beside code whose output you had not seen. Read the "
    "output above, then answer. (FINAL_VAR(name), or FINAL in code, may stand with code.)"
)
EMPTY_FINAL = (
    "An empty answer is not accepted. If the text does not hold the answer, say so, with what you searched for."
)


def names_a_variable(name: str) -> str:
    return (
        f"FINAL({name}) outside code is taken literally, and {name} is a variable: nothing was accepted. "
        f"Write FINAL_VAR({name}) to answer with its value."
    )


def closing_line(number: int, budget: Budget, most: int | None = None) -> str:
    """Return the last line of a message: the iteration that comes next and what is used, of how much.

    `most`: iterations of the run, where it is a child.
    """
    limits, usage, held = budget.limits, budget.usage(), budget.written_off
    most = limits.max_iterations if most is None else most
    tokens, seconds = usage.tokens, budget.elapsed()
    parts = [
        f"iteration {number}/{most}" if number <= most else f"all {most} iterations used",
        f"sub-calls {budget.subcalls}/{limits.max_subcalls}",
        f"tokens {_short(tokens)}" + (f"/{_short(limits.max_tokens)}" if limits.max_tokens is not None else ""),
        _cost(usage.cost_usd) + (f"/${limits.max_cost:.2f}" if limits.max_cost is not None else ""),
        f"{seconds:.0f}/{limits.timeout:.0f} s",
    ]
    shares = {
        "sub-calls": budget.subcalls / limits.max_subcalls if limits.max_subcalls else 0.0,
        "tokens": (tokens + held.tokens) / limits.max_tokens if limits.max_tokens else 0.0,
        "cost": ((usage.cost_usd or 0.0) + held.cost_usd) / limits.max_cost if limits.max_cost else 0.0,
        "time": seconds / limits.timeout,
    }
    scarce = [f"{name} {share:.0%} used" for name, share in shares.items() if share >= _WARN_AT]
    if held.tokens and (limits.max_tokens is not None or limits.max_cost is not None):
        parts.append(f"beside that up to {_short(held.tokens)} tokens, {_cost(held.cost_usd)} of calls of unknown end")
    line = " | ".join(parts)
    if scarce:
        line += f" | nearly out: {', '.join(scarce)}"
    if most - number < 2 and most > 2:
        line += " | answer now with what you have"
    return line


def last_word(reason: str) -> str:
    """Return what is added to the last message when a limit ends the run."""
    return (
        f"This is the last word: {reason}. Answer now with what you have: FINAL(...) or FINAL_VAR(name). Code in this "
        "reply runs once, without sub-calls. Say what is unverified or not covered."
    )


def changed(how: str) -> str:
    """Return what a resumed run is told whose input is not what it was."""
    return (
        f"The run was interrupted and is resumed, and meanwhile {how}. The session was built again over the text of "
        "now: what you have found so far may not hold any more. Look again at what the answer rests on."
    )


def _cost(cost: float | None) -> str:
    return "$ unknown" if cost is None else f"${cost:.2f}"


def _short(number: int) -> str:
    return f"{number / 1000:.0f}k" if number >= 1000 else str(number)
