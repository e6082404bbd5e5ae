"""How a run looks on a screen: pure functions from its state to lines that fit a width.

The live display and `rlm runs show` draw with the same ones. Colours are few and of the terminal's own palette, so that
they can be read on light and dark; none says anything that words or signs do not.
"""

from collections.abc import Iterator

from rich.text import Text

from rlm_cli.amounts import cost, counted
from rlm_cli.display.code import highlighted
from rlm_cli.display.lines import behind, cut, flat, meter, share_bar, wrapped
from rlm_cli.display.state import CODE, OUTPUT, Head, Iteration, Run, State, Subcalls
from rlm_cli.display.wording import sandbox
from rlm_cli.events import ContextLoaded, RunStarted
from rlm_cli.types import Usage

_CHILD_CODE, _CHILD_OUTPUT = 3, 2
"""Lines of a child run's cells that are shown."""
_LABEL = 10
"""Cells of the header's first column."""
_LIMITS = (("timeout", "s"), ("max_iterations", "iterations"), ("max_subcalls", "sub-calls"), ("max_tokens", "tokens"))


def header(state: State, width: int) -> list[Text]:
    """Return what is asked, of what, and where it goes."""
    lines: list[Text] = []
    started = state.started
    if started is None:
        return lines
    for label, text in (*_models(started), *(_context(state.loaded) if state.loaded else ())):
        lines += behind(Text(f"{label:<{_LABEL}}", "dim"), wrapped(text, width - _LABEL, 2))
    return lines


def block(iteration: Iteration, width: int, now: float, depth: int = 0) -> list[Text]:
    """Return an iteration, under way or over, without an empty line in it."""
    lines = [_title(iteration, now)]
    margin = Text("  ")
    inner = width - 2
    if depth == 0:
        lines += behind(margin, wrapped(" ".join(iteration.note.lines), inner, 2))
    rail = Text("  │ ", "dim")
    lines += behind(rail, _code(iteration.code, CODE if depth == 0 else _CHILD_CODE), rail)
    for child in iteration.children:
        rail = Text("  ┃ ", "dim")
        lines += behind(rail, _child(child, inner - 2, now, depth + 1), rail)
    if iteration.more_children:
        lines.append(Text(f"  ... {counted(iteration.more_children, 'more child run')}", "dim"))
    if iteration.subcalls.total:
        lines += behind(margin, _subcalls(iteration.subcalls, inner, now))
    lines += behind(margin, _output(iteration.output, OUTPUT if depth == 0 else _CHILD_OUTPUT))
    # Type and message, then the line of code; what follows is for the model.
    error = [line for each in (iteration.error or "").splitlines()[:2] for line in wrapped(each, inner - 2, 1)]
    lines += behind(Text("  ✗ ", "red"), error)
    for each in iteration.found.lines:
        lines += behind(Text("  • ", "bold"), wrapped(each, inner - 2, 1))
    if iteration.found.hidden:
        lines.append(Text(f"    ... {counted(iteration.found.hidden, 'more finding')}", "dim"))
    for remark in iteration.remarks:
        lines += behind(Text("  ! ", "bold"), wrapped(remark, inner - 2, 2))
    return [cut(each, width) for each in lines]


def status(state: State, width: int, now: float) -> list[Text]:
    """Return how far the run is and what is left, in two lines."""
    limits = state.started.limits if state.started is not None else {}
    usage = state.usage
    iteration = f"iteration {state.iteration}" + _of(limits.get("max_iterations"))
    subcalls = f"sub-calls {state.subcalls.paid:,}" + _of(limits.get("max_subcalls"))
    if state.subcalls.running:
        subcalls += f", {state.subcalls.running:,} running"
    counts = Text.assemble((iteration, "bold"), f"   {subcalls}   {usage.tokens:,} tokens")
    spent, cap, timeout = Text(cost(usage.cost_usd)), limits.get("max_cost"), limits.get("timeout")
    if cap is not None:
        spent.append(f" of {cost(cap)} ").append_text(meter((usage.cost_usd or 0.0) / cap if cap else 1.0))
    elapsed = Text(f"   {now:.0f}")
    if timeout is not None:
        elapsed.append(f" of {_number(timeout)} s ").append_text(meter(now / timeout if timeout else 1.0))
    return [cut(counts, width), cut(spent + elapsed, width)]


def unfinished(run: Run, width: int, cut_off: bool = False) -> list[Text]:
    """Return what is left to say of a record that ends before its run, `cut_off` in the middle of a line."""
    why = "the run was killed, or is still going on"
    if cut_off:
        why = "the record ends in the middle of a line, as by a full disk or a kill"
    text = f"unfinished after {counted(len(run.iterations), 'iteration')}: {why}"
    return list(behind(Text("! ", "bold"), wrapped(text, width - 2, 2)))


def _models(started: RunStarted) -> Iterator[tuple[str, str]]:
    yield "run", f"{started.run_id}, profile {started.profile}"
    yield "question", started.question[:1_000]
    for role, model, address in (
        ("root", started.root_model, started.root_address),
        ("sub", started.sub_model, started.sub_address),
    ):
        yield role, f"{model} → {address}" if address else model
    limits = started.limits
    cap = limits.get("max_cost")
    said = ["no cost cap" if cap is None else cost(cap)]
    for name, noun in _LIMITS:
        limit = limits.get(name)
        if limit is not None:
            said.append(f"{_number(limit)} {noun}")
    yield "limits", ", ".join(said)


def _context(loaded: ContextLoaded) -> Iterator[tuple[str, str]]:
    about = "" if loaded.tokens_exact else "~"
    named = ", ".join(loaded.inputs[:5]) + (f" and {len(loaded.inputs) - 5:,} more" if len(loaded.inputs) > 5 else "")
    size = f"{counted(loaded.documents, 'document')}, {about}{loaded.tokens:,} tokens"
    yield "context", f"{size} from {named}"
    if loaded.skipped:
        yield "skipped", ", ".join(f"{number:,} {reason}" for reason, number in loaded.skipped.items())
    yield "sandbox", sandbox(loaded)


def _title(iteration: Iteration, now: float) -> Text:
    closing = "last word" if iteration.replied else "checking the findings"
    name = f"iteration {iteration.number}" if iteration.number else closing
    facts = [_seconds((now if iteration.ended is None else iteration.ended) - iteration.started)]
    if iteration.usage.calls or iteration.usage.cached_calls:
        facts.append(_used(iteration.usage))
    if iteration.ended is None:
        facts.append(_doing(iteration))
    return Text.assemble((name, "bold"), ("   " + ", ".join(filter(None, facts)), "dim"))


def _doing(iteration: Iteration) -> str:
    if iteration.subcalls.running:
        return "waiting for sub-calls"
    if not iteration.replied:
        return "asking the root model"
    return "running code" if iteration.running else ""


def _code(code: Head, limit: int) -> list[Text]:
    lines = highlighted("\n".join(flat(each) for each in code.lines[:limit])) if code.lines else []
    return lines + _more(code, limit)


def _output(output: Head, limit: int) -> list[Text]:
    return [Text(flat(each), "dim") for each in output.lines[:limit]] + _more(output, limit)


def _more(head: Head, limit: int) -> list[Text]:
    hidden = head.hidden + len(head.lines[limit:])
    return [Text(f"... {counted(hidden, 'more line')}", "dim")] if hidden else []


def _subcalls(subcalls: Subcalls, width: int, now: float) -> Iterator[Text]:
    parts = [
        (subcalls.done, "━", "green", "done"),
        (subcalls.cached, "╌", "cyan", "cached"),
        (subcalls.failed, "×", "red", "failed"),
        (subcalls.running, "·", "dim", "running"),
    ]
    said = ", ".join(f"{count:,} {word}" for count, _, _, word in parts if count)
    seconds = f", {_seconds((now if subcalls.running else subcalls.ended) - subcalls.started)}"
    room = width - len(f"sub-calls  {said}{seconds}")
    bar = share_bar([(count, glyph, style) for count, glyph, style, _ in parts], max(10, min(40, room)))
    yield Text.assemble("sub-calls ", bar, f" {said}", (seconds, "dim"))
    for error, times in subcalls.errors:
        yield from behind(Text("✗ ", "red"), wrapped(f"{times:,} failed: {error}", width - 2, 2))
    others = subcalls.failed - sum(times for _, times in subcalls.errors)
    if others:
        yield Text.assemble(("✗ ", "red"), f"{others:,} failed with other errors")


def _child(run: Run, width: int, now: float, depth: int) -> Iterator[Text]:
    """Yield a child run: its iterations in short, and what it answered."""
    yield from behind(Text("child run  ", "bold"), wrapped(" ".join(run.question.lines), width - 11, 2))
    for each in run.iterations:
        yield from block(each, width, now, depth)
    if run.answer.lines and run.status:
        yield from behind(Text("answer  ", "bold"), wrapped(" ".join(run.answer.lines), width - 8, 2))
    if run.status not in ("", "complete"):
        why = run.error or run.stop_reason
        yield from behind(Text("✗ ", "red"), wrapped(f"{run.status}: {why}", width - 2, 2))


def _of(limit: float | int | None) -> str:
    return "" if limit is None else f"/{_number(limit)}"


def _number(number: float | int) -> str:
    return f"{number:,.10g}"


def _used(usage: Usage) -> str:
    return f"{usage.input_tokens:,} in, {usage.output_tokens:,} out, {cost(usage.cost_usd)}"


def _seconds(seconds: float) -> str:
    return f"{max(0.0, seconds):.1f} s" if seconds < 60 else f"{seconds // 60:.0f} min {seconds % 60:.0f} s"
