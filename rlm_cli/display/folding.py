"""From one state of a run to the next: a pure fold over its events, in the order in which they happened."""

from dataclasses import replace

from rlm_cli.amounts import counted
from rlm_cli.display.state import CODE, FOUND, LINE, NOTE, OUTPUT, Head, Iteration, Run, State, Subcalls, head
from rlm_cli.display.wording import compacted, finding_line, refining
from rlm_cli.events import (
    AnswerGiven,
    CallPath,
    CodeFinished,
    CodeStarted,
    ContextLoaded,
    Event,
    FindingReported,
    HistoryCompacted,
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

_ERROR = 1_000
"""Characters that are kept of an error."""
_ERRORS = 3
"""Different errors of sub-calls that are kept of an iteration; the others are counted."""
_CHILDREN = 10
"""Child runs that are kept of an iteration; the others are counted."""

_SPENDING = ModelReplied | SubcallFinished | SubcallFailed | HistoryCompacted | RunResumed
_SUBCALL = SubcallStarted | SubcallFinished | SubcallFailed


def fold(state: State, event: Event) -> State:
    """Return the state after `event`."""
    state = replace(
        state, at=event.at, subcalls=_counted(state.subcalls, event), run=_folded(state.run, _steps(event.path), event)
    )
    if isinstance(event, ModelReplied | HistoryCompacted | RunResumed) and event.path.depth == 0:
        return replace(state, usage_root=state.usage_root + event.usage)
    if isinstance(event, _SPENDING):
        return replace(state, usage_sub=state.usage_sub + event.usage)
    if isinstance(event, SubcallStarted):
        return replace(state, depth=max(state.depth, event.path.depth))
    if isinstance(event, LimitReached):
        if event.limit == "max_iterations" and event.path.depth > 0:
            return state  # a child's own, which ends nothing else
        return replace(state, limits_reached=tuple(dict.fromkeys((*state.limits_reached, event.limit))))
    if event.path.depth > 0:
        return state
    match event:
        case RunStarted():
            return replace(state, started=event)
        case ContextLoaded():
            return replace(state, loaded=event)
        case AnswerGiven():
            return replace(state, doubt=event.doubt)
        case RunFinished():
            return replace(state, finished=event)
    return state


_Steps = list[tuple[int, int | None]]
"""A call path from the outside in: (iteration, sub-call) for each run on the way."""


def _steps(path: CallPath) -> _Steps:
    steps: _Steps = []
    for part in path.split("/")[1:]:
        iteration, _, subcall = part.partition(".")
        steps.append((int(iteration), int(subcall) if subcall else None))
    return steps


def _folded(run: Run, steps: _Steps, event: Event) -> Run:
    if isinstance(event, _SPENDING):
        run = replace(run, usage=run.usage + event.usage)
    if not steps:
        return _told(run, event)
    (number, subcall), *deeper = steps
    if not run.iterations or run.iterations[-1].number != number:
        # The last word has no start of its own.
        began = event.at - event.seconds if isinstance(event, ModelReplied) else event.at
        run = _closed(run, began)
        run = replace(run, iterations=(*run.iterations, Iteration(number, began)))
    *earlier, iteration = run.iterations
    if subcall is not None:
        iteration = _beneath(iteration, subcall, deeper, event)
    else:
        iteration = _changed(iteration, event)
        if isinstance(event, ModelReplied) and event.model not in ("", run.root_model):
            iteration = _remarked(iteration, f"answered by {event.model}")
        if isinstance(event, AnswerGiven):
            run = _told(run, event)
    return replace(run, iterations=(*earlier, iteration))


def _told(run: Run, event: Event) -> Run:
    """Apply what is said about the run itself."""
    match event:
        case RunStarted():
            return replace(run, root_model=event.root_model, question=head(event.question, NOTE))
        case AnswerGiven():
            return replace(run, answer=head(event.answer, NOTE))
        case RefinementStarted() if run.iterations:
            *earlier, latest = run.iterations
            latest = _remarked(latest, f"a second pass follows: {refining(event)}")
            return replace(run, root_model=event.root_model, answer=head("", NOTE), iterations=(*earlier, latest))
        case LimitReached() if run.iterations:
            *earlier, latest = run.iterations
            return replace(run, iterations=(*earlier, _remarked(latest, f"limit reached: {event.message}")))
        case RunFinished():
            error = event.error and event.error[:_ERROR]
            return replace(_closed(run, event.at), status=event.status, stop_reason=event.stop_reason, error=error)
    return run


def _closed(run: Run, at: float) -> Run:
    if not run.iterations or run.iterations[-1].ended is not None:
        return run
    *earlier, latest = run.iterations
    return replace(run, iterations=(*earlier, replace(latest, ended=at)))


def _beneath(iteration: Iteration, subcall: int, deeper: _Steps, event: Event) -> Iteration:
    """Apply an event of a sub-call, or of the child run which that opened."""
    if isinstance(event, _SPENDING):
        iteration = replace(iteration, usage=iteration.usage + event.usage)
    if not deeper and isinstance(event, _SUBCALL):
        iteration = replace(iteration, subcalls=_counted(iteration.subcalls, event))
        if isinstance(event, SubcallStarted):
            return replace(iteration, asked=tuple(dict.fromkeys((*iteration.asked, event.model))))
        if isinstance(event, SubcallFinished) and event.model not in ("", *iteration.asked):
            remark = f"sub-calls answered by {event.model}"
            return iteration if remark[:LINE] in iteration.remarks else _remarked(iteration, remark)
        return iteration
    if not deeper and isinstance(event, RunStarted):
        if len(iteration.children) == _CHILDREN:
            return replace(iteration, more_children=iteration.more_children + 1)
        iteration = replace(iteration, children=(*iteration.children, Run(subcall)))
    known = any(child.number == subcall for child in iteration.children)
    if not known and isinstance(event, LimitReached):
        return _remarked(iteration, f"limit reached: {event.message}")
    children = (_folded(each, deeper, event) if each.number == subcall else each for each in iteration.children)
    return replace(iteration, children=tuple(children))


def _changed(iteration: Iteration, event: Event) -> Iteration:
    """Apply what is said about the iteration itself."""
    match event:
        case ModelReplied():
            note = head(event.text.partition("```")[0], NOTE)
            iteration = replace(iteration, replied=True, note=note, usage=iteration.usage + event.usage)
            return _remarked(iteration, "the reply was cut at the output limit") if event.truncated else iteration
        case CodeStarted():
            return replace(iteration, running=True, code=head("\n\n".join(event.blocks), CODE))
        case CodeFinished():
            error = event.error and event.error[:_ERROR]
            return replace(iteration, running=False, output=head(event.output, OUTPUT), error=error)
        case HistoryCompacted():
            iteration = replace(iteration, usage=iteration.usage + event.usage)
            fewer = f"from {event.tokens_before:,} to {event.tokens_after:,} tokens"
            return _remarked(iteration, f"history shortened {fewer}: {compacted(event)}")
        case RunResumed():
            iteration = replace(iteration, usage=iteration.usage + event.usage)
            return _remarked(iteration, f"resumed here, {counted(event.calls, 'call')} repeated from the record")
        case FindingReported():
            lines, hidden = iteration.found.lines, iteration.found.hidden
            if len(lines) == FOUND:
                return replace(iteration, found=Head(lines, hidden + 1))
            return replace(iteration, found=Head((*lines, finding_line(event.finding)[:LINE])))
        case LimitReached():
            return _remarked(iteration, f"limit reached: {event.message}")
    return iteration


def _remarked(iteration: Iteration, remark: str) -> Iteration:
    return replace(iteration, remarks=(*iteration.remarks, remark[:LINE]))


def _counted(subcalls: Subcalls, event: Event) -> Subcalls:
    match event:
        case SubcallStarted():
            started = subcalls.started if subcalls.total else event.at
            return replace(subcalls, running=subcalls.running + 1, started=started)
        case SubcallFinished():
            ended = replace(subcalls, running=subcalls.running - 1, ended=event.at)
            return replace(ended, cached=ended.cached + 1) if event.cached else replace(ended, done=ended.done + 1)
        case SubcallFailed():
            errors = dict(subcalls.errors)
            error = event.error[:_ERROR]
            if error in errors or len(errors) < _ERRORS:
                errors[error] = errors.get(error, 0) + 1
            return replace(
                subcalls,
                running=subcalls.running - 1,
                failed=subcalls.failed + 1,
                ended=event.at,
                errors=tuple(errors.items()),
            )
    return subcalls
