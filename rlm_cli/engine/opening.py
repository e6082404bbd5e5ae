"""How a run begins, and its second pass: what was asked, of whom; over which text, behind which walls."""

from dataclasses import asdict

from rlm_cli.addresses import whereabouts
from rlm_cli.context import Context
from rlm_cli.events import CallPath, ContextLoaded, RefinementStarted, RunStarted
from rlm_cli.seams import ReplFacts
from rlm_cli.strength import level_of
from rlm_cli.task import Task


def run_started(task: Task, path: CallPath) -> RunStarted:
    profile = task.profile
    return RunStarted(
        path=path,
        run_id=task.run_id,
        question=task.question,
        profile=profile.name,
        root_model=profile.root.model,
        root_address=whereabouts(profile.root),
        sub_model=profile.sub.model,
        sub_address=whereabouts(profile.sub),
        limits=asdict(profile.limits),
        strategy=task.strategy,
    )


def refinement_started(task: Task, path: CallPath, documents: int) -> RefinementStarted:
    """`task`: what is left to do; `documents`: how many the first pass rests on."""
    profile = task.profile
    return RefinementStarted(
        path=path,
        profile=profile.name,
        root_model=profile.root.model,
        root_address=whereabouts(profile.root),
        sub_model=profile.sub.model,
        sub_address=whereabouts(profile.sub),
        documents=documents,
    )


def context_loaded(context: Context, path: CallPath, facts: ReplFacts | None) -> ContextLoaded:
    """`facts` of the session that holds the text; None: no code is run over it, so there is none, and no sandbox."""
    walls = facts.walls if facts is not None else ()
    return ContextLoaded(
        path=path,
        sha256=context.sha256,
        characters=context.characters,
        tokens=context.tokens,
        tokens_exact=context.tokens_exact,
        documents=len(context.documents),
        inputs=context.inputs,
        skipped=context.skipped_by_reason(),
        sandbox=walls,
        sandbox_level=(level_of(walls) or "") if facts is not None else "",
        sandbox_missing=facts.walls_missing if facts is not None else (),
    )
