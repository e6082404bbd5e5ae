"""The wiring: loaders, models, sandbox and engine put together into one run. Also the Python API.

    from rlm_cli import analyze
    result = analyze("./repo", question="where are passwords stored?", profile="offline")

Knows every room and holds no rule of its own but two: a cost cap needs known prices, and an event is stamped where it
leaves the engine.
"""

import secrets
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from os import PathLike, fspath
from typing import BinaryIO

from rlm_cli.budget import Budget
from rlm_cli.confinement import LEVELS, Level
from rlm_cli.engine import Engine
from rlm_cli.errors import ModelError, ProfileError, UsageError
from rlm_cli.events import Event
from rlm_cli.llm import open_client, resolve, warm
from rlm_cli.loaders import LoadOptions, Reached, load
from rlm_cli.profiles import Overrides, choose, find
from rlm_cli.profiles import load as load_profile
from rlm_cli.sandbox import open_repl
from rlm_cli.task import Task
from rlm_cli.types import Failure, Profile, Result, Status, StopReason, Usage


@dataclass(frozen=True, slots=True)
class Prepared:
    """A task that is ready to run."""

    task: Task
    result: Result | None = None
    """Set when the run is over before it began: no model can be called, or Ctrl-C was pressed."""


def prepare(
    inputs: Sequence[str],
    question: str,
    profile: Profile,
    options: LoadOptions | None = None,
    stdin: BinaryIO | None = None,
    require_sandbox: Level | None = None,
    watch: Callable[[Reached], None] | None = None,
) -> Prepared:
    """Load the inputs and settle models and prices; nothing is sent yet. Raises UsageError.

    `watch` hears how far loading is. `require_sandbox`: with less around the code, or around the reader of PDFs,
    SandboxError is raised here or is what ends the run. litellm needs seconds to be imported, so that begins before the
    inputs are read.
    """
    if not question.strip():
        raise UsageError("the question is empty")
    if require_sandbox is not None and require_sandbox not in LEVELS:
        raise UsageError(f"there is no sandbox {require_sandbox!r} to require", f"there are {' and '.join(LEVELS)}")
    warm(profile)
    loaded = load(inputs, replace(options or LoadOptions(), require_sandbox=require_sandbox), stdin, watch)
    run_id = f"{datetime.now(UTC):%Y%m%d-%H%M%S}-{secrets.token_hex(3)}"
    task = Task(run_id, question, loaded.context, profile, loaded.warnings, require_sandbox)
    try:
        task = replace(task, profile=resolve(profile))
    except ModelError as error:
        failure = Failure(str(error), error.hint, error.exit_code)
        return Prepared(task, _unbegun("failed", "error", failure))
    except KeyboardInterrupt:
        return Prepared(task, _unbegun("interrupted", "interrupted", None))
    _check_prices(task.profile)
    return Prepared(task)


def run(task: Task, watch: Callable[[Event], None]) -> Result:
    """Run a task to its end; `watch` sees every event. A Ctrl-C becomes an interrupted Result."""
    limits = task.profile.limits
    budget = Budget(limits)
    repl = partial(open_repl, limits=limits, require=task.require_sandbox)
    client = open_client(task.profile)
    engine = Engine(client, repl, budget)

    def stamped(event: Event) -> None:
        watch(replace(event, at=budget.elapsed()))

    try:
        return _drive(engine.run(task), stamped)
    finally:
        client.close()  # what was abandoned neither goes on nor is tried again: nobody would hear of it, and all pay


def analyze(
    *inputs: str | PathLike[str],
    question: str,
    profile: str | None = None,
    settings: Sequence[str] = (),
    options: LoadOptions | None = None,
    watch: Callable[[Event], None] = lambda event: None,
    require_sandbox: Level | None = None,
) -> Result:
    """Answer `question` about files and folders.

    `profile` is a name or a path, `settings` are KEY=VALUE as for --set, `watch` sees every event. A partial answer and
    a failed run are Results; raises UsageError when there is nothing to run. `require_sandbox`: as for the command.
    """
    names = [fspath(each) for each in inputs]
    found = find(choose(profile).name, names)
    chosen = load_profile(found, Overrides(settings=tuple(settings)), names)
    prepared = prepare(names, question, chosen, options, require_sandbox=require_sandbox)
    try:
        return prepared.result or run(prepared.task, watch)
    finally:
        prepared.task.context.close()


def _unbegun(status: Status, stop_reason: StopReason, failure: Failure | None) -> Result:
    nothing = Usage()
    return Result(status, stop_reason, "", None, (), (), 0, 0, 0, nothing, nothing, 0.0, error=failure)


def _check_prices(profile: Profile) -> None:
    if profile.limits.max_cost is None:
        return
    for role, spec in (("root", profile.root), ("sub", profile.sub)):
        unpriced = next((each for each in spec.candidates if each.price is None), None)
        if unpriced is not None:
            where = f"{role}.price" if unpriced is spec else f"a price: under {role}.fallbacks"
            cap = f"${profile.limits.max_cost:g}"
            raise ProfileError(
                f"the price of {unpriced.model} is unknown, so a cost cap of {cap} cannot be kept",
                f"give {where} in the profile, or lift the cap with --max-cost none",
            )


def _drive(stream: Generator[Event, None, Result], watch: Callable[[Event], None]) -> Result:
    step = partial(next, stream)
    while True:
        try:
            event = step()
        except StopIteration as end:
            result: Result = end.value
            return result
        step = partial(next, stream)
        try:
            watch(event)
        except KeyboardInterrupt as interrupt:
            # It struck outside the engine, which has to hear of it to end what is open.
            step = partial(stream.throw, interrupt)
