"""How an event reads as one plain line. Colourless, so that pipes, CI logs and terminals say the same."""

from rlm_cli.amounts import cost, counted
from rlm_cli.events import (
    AnswerGiven,
    CodeFinished,
    CodeStarted,
    ContextLoaded,
    Event,
    FindingReported,
    HistoryCompacted,
    IterationStarted,
    LimitReached,
    ModelReplied,
    RefinementStarted,
    RunFinished,
    RunResumed,
    RunStarted,
    SubcallFailed,
    SubcallFinished,
    SubcallStarted,
)
from rlm_cli.places import place_name
from rlm_cli.results import Finding
from rlm_cli.safe_text import safe_line
from rlm_cli.types import Usage

_HEAD = 100


def line(event: Event, asked: str | None = None) -> str:
    """Return the one line that stands for `event`, without its newline; `asked` is the model whose reply it may be."""
    return f"{event.at:7.1f} s  {event.path:<8}  {_said(event, asked)}"


def _said(event: Event, asked: str | None) -> str:
    return (_said_of_child(event, asked) if event.path.depth else "") or _said_at_root(event, asked)


def _said_at_root(event: Event, asked: str | None) -> str:
    match event:
        case RunStarted():
            cap = event.limits["max_cost"]
            limit = "no cost cap" if cap is None else f"at most {cost(cap)}"
            models = f"root {event.root_model} ({event.root_address}), sub {event.sub_model} ({event.sub_address})"
            return f"run {event.run_id}: {safe_line(models)}; {limit}"
        case ContextLoaded():
            about = "" if event.tokens_exact else "~"
            skipped = ", ".join(f"{number:,} {reason}" for reason, number in event.skipped.items())
            return (
                f"context: {counted(event.documents, 'document')}, {event.characters:,} characters, "
                f"{about}{event.tokens:,} tokens"
                + (f"; skipped: {skipped}" if skipped else "")
                + f"; sandbox: {sandbox(event)}"
            )
        case IterationStarted():
            return f"iteration {event.number}"
        case ModelReplied():
            cut = ", cut at the output limit" if event.truncated else ""
            how = "from the cache" if event.cached else f"in {event.seconds:.1f} s{_used(event.usage)}"
            return f"root replied {how}{_instead(event.model, asked)}{cut}"
        case CodeStarted():
            lines = sum(block.count("\n") + 1 for block in event.blocks)
            return f"running {counted(lines, 'line')} of code"
        case SubcallStarted():
            return f"sub-call, {event.prompt_characters:,} characters: {_head(event.prompt_head)}"
        case SubcallFinished():
            known = "from the cache" if event.usage.earlier_calls else "known already"
            how = known if event.cached else f"{event.seconds:.1f} s{_used(event.usage)}"
            return f"sub-call done, {how}{_instead(event.model, asked)}: {_head(event.text)}"
        case SubcallFailed():
            return f"sub-call failed: {safe_line(event.error)}"
        case CodeFinished():
            if event.error is not None:
                return f"code failed: {_head(event.error)}{_tampered(event)}"
            return f"code done in {event.seconds:.2f} s: {_head(event.output) or 'no output'}{_tampered(event)}"
        case HistoryCompacted():
            return f"{compacted(event)}: {event.tokens_before:,} to {event.tokens_after:,} tokens"
        case RunResumed():
            spent = f", {cost(event.usage.cost_usd)} more was spent before" if event.usage.tokens else ""
            return f"resumed: {counted(event.calls, 'call')} repeated from the record{spent}"
        case RefinementStarted():
            return f"second pass: {refining(event)}"
        case FindingReported():
            return finding_line(event.finding)
        case AnswerGiven():
            return f"answer, {len(event.answer):,} characters"
        case LimitReached():
            return f"limit reached: {event.message}"
        case RunFinished():
            failed = f": {safe_line(event.error)}" if event.error else ""
            return f"run finished: {event.status} ({event.stop_reason}){failed}"
    return event.type


def refining(event: RefinementStarted) -> str:
    """Return who makes the second pass, and over what."""
    models = f"root {event.root_model} ({event.root_address}), sub {event.sub_model} ({event.sub_address})"
    return safe_line(f"{models}; the first rests on {counted(event.documents, 'document')}")


def compacted(event: HistoryCompacted) -> str:
    """Return what was done to keep the history within the window."""
    told = []
    if event.outputs or not event.summarised:
        told.append(f"folded {counted(event.outputs, 'old output')} to a line each")
    if event.summarised:
        told.append(f"summarised {counted(len(event.summarised), 'iteration')}")
    return f"{' and '.join(told)}{_used(event.usage) if event.usage.tokens else ''}"


def _said_of_child(event: Event, asked: str | None) -> str:
    """Return what is said otherwise of a child run; "" where nothing is."""
    match event:
        case RunStarted():
            return f"child run on {safe_line(event.root_model)}: {_head(event.question)}"
        case ContextLoaded():
            about = "" if event.tokens_exact else "~"
            return f"context: {event.characters:,} characters, {about}{event.tokens:,} tokens"
        case ModelReplied():
            return f"child's model{_said_at_root(event, asked).removeprefix('root')}"
        case RunFinished():
            return f"child {_said_at_root(event, asked)}"
    return ""


def finding_line(finding: Finding) -> str:
    """Return a finding as one line: what was reported, or what the check made of it."""
    place = place_name(finding.place)
    if finding.verdict == "unchecked" and finding.reason is None:
        return safe_line(f"finding: {finding.severity} {finding.rule_id} at {place}: {finding.title}")
    reason = f": {_head(finding.reason)}" if finding.reason else ""
    return safe_line(f"{finding.verdict}: {finding.rule_id} at {place}{reason}")


def sandbox(loaded: ContextLoaded) -> str:
    """Return what holds the code: `full` says it all; anything less is told layer by layer, and what is missing."""
    if not loaded.sandbox:
        return "none needed, no code is run"
    said = [] if loaded.sandbox_level == "full" else [", ".join(loaded.sandbox)]
    lacking = [f"not here: {', '.join(loaded.sandbox_missing)}"] if loaded.sandbox_missing else []
    level = [loaded.sandbox_level] if loaded.sandbox_level else []
    return safe_line("; ".join([*level, *said, *lacking]))


def _tampered(finished: CodeFinished) -> str:
    return safe_line(f"; it had overwritten {', '.join(finished.tampered)}") if finished.tampered else ""


def _instead(model: str, asked: str | None) -> str:
    """Name the fallback that answered."""
    return "" if not model or asked in (None, model) else safe_line(f", {model} in place of {asked}")


def _used(usage: Usage) -> str:
    return f", {usage.input_tokens:,} in, {usage.output_tokens:,} out, {cost(usage.cost_usd)}"


def _head(text: str) -> str:
    words = safe_line(text[: 4 * _HEAD])
    return words if len(words) <= _HEAD else f"{words[: _HEAD - 3]}..."
