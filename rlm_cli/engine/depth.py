"""How deep runs may open runs, what a child run shares with the one that opened it, and what each is told of it.

The root run is at depth 0, its sub-calls are at 1. Where a child's own sub-calls would lie too deep no child is opened:
rlm_query is then a plain call of the sub-model, over question and text.
"""

from dataclasses import dataclass, replace

from rlm_cli.context import Context
from rlm_cli.engine.coverage import Seen
from rlm_cli.engine.replay import Replay
from rlm_cli.events import CallPath
from rlm_cli.task import Task
from rlm_cli.types import Limits, Profile, Role

ITERATIONS = 15
"""That a child run has at most, its own."""
NO_FINDINGS = (
    "not reported: findings are reported by the run that was asked for them. Say in your answer what is wrong where, "
    "and give the lines as evidence: FINAL(answer, evidence=[(path_or_offset, quote)])"
)


@dataclass(frozen=True, slots=True)
class Nested:
    """What a run has from the one that opened it, beside the budget and the record."""

    replay: Replay
    """Its own: it repeats itself by itself."""
    seen: Seen | None
    """What the models of all runs were shown."""
    role: Role = "sub"
    """Whose account the calls of its root model go to."""


def opens(limits: Limits, path: CallPath) -> bool:
    """Tell whether the run at `path` opens child runs."""
    return path.depth + 2 <= limits.max_depth


def child_task(task: Task, question: str, context: Context) -> Task:
    """Return what a child run of a task's run has to do. Its root model is the sub-model."""
    profile = task.profile
    limits = replace(profile.limits, max_iterations=ITERATIONS)
    return replace(
        task,
        question=question,
        context=context,
        profile=replace(profile, root=profile.sub, limits=limits, refine=None),
        warnings=(),
        changed=None,
        findings=False,
        verify=False,
        strategy="rlm",
        template=None,
        schema=None,
        earlier=None,
    )


def said(profile: Profile, path: CallPath) -> list[str]:
    """Return what the model of the run at `path` is told of child runs, and of its being one."""
    lines = []
    if path.depth:
        lines.append(
            "You are a child run: another run has asked you this question about this text. It sees your answer, with "
            "its evidence and doubt, and nothing else. All limits but that of your iterations are shared with it."
        )
    if opens(profile.limits, path):
        deeper = "may open child runs too" if path.depth + 3 <= profile.limits.max_depth else "are plain model calls"
        lines.append(
            f"rlm_query is there: up to {ITERATIONS} iterations each; a child run counts as one sub-call, its own come "
            f"on top, and {deeper}."
        )
    else:
        lines.append(
            "Sub-calls are plain model calls. There are no child runs here: rlm_query(question, context) is one "
            "llm_query over both, which have to fit into the sub-model's window."
        )
    return lines
