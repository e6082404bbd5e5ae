"""The wiring: loaders, models, sandbox and engine put together into one run. Also the Python API.

    from rlm_cli import analyze
    result = analyze("./repo", question="where are passwords stored?", profile="offline")

Knows every room and holds no rule of its own but two: a cost cap needs known prices, and an event is stamped where it
leaves the engine.
"""

import contextlib
from collections.abc import Callable, Generator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import partial
from os import PathLike, fspath
from pathlib import Path
from typing import BinaryIO, Literal

from rlm_cli import __version__, schemas
from rlm_cli.addresses import hides_secrets
from rlm_cli.amounts import counted
from rlm_cli.budget import Budget
from rlm_cli.confinement import LEVELS, Level
from rlm_cli.engine import Engine, NoJournal, check_pieces, request_tokens
from rlm_cli.engine.templates import named as template_named
from rlm_cli.errors import InputError, ModelError, ProfileError, UsageError
from rlm_cli.events import ROOT, Event, RunFinished
from rlm_cli.llm import KeptReplies, open_client, resolve, warm
from rlm_cli.loaders import LoadOptions, Reached, load
from rlm_cli.plain_values import from_plain, to_plain
from rlm_cli.profiles import Overrides, choose, find
from rlm_cli.profiles import load as load_profile
from rlm_cli.redaction import Redactor
from rlm_cli.results import Failure, Result, Status, StopReason
from rlm_cli.sandbox import open_repl
from rlm_cli.seams import Journal
from rlm_cli.strategies import Choice
from rlm_cli.strategies import choose as choose_strategy
from rlm_cli.task import Task, new_run_id
from rlm_cli.trajectory import Beginning, FileJournal, Past, Recorder, Recording, fingerprint
from rlm_cli.types import Limits, Profile, Usage
from rlm_cli.windows import windows_of

CacheUse = Literal["use", "refresh", "off"]
"""What becomes of replies of earlier runs: given and kept; asked anew and kept; neither."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """A task that is ready to run."""

    task: Task
    result: Result | None = None
    """Set when the run is over before it began: no model can be called, or Ctrl-C was pressed."""
    choice: Choice | None = None
    """How it is answered, and why so; None: that was not come to."""


def prepare(
    inputs: Sequence[str],
    question: str,
    profile: Profile,
    options: LoadOptions | None = None,
    stdin: BinaryIO | None = None,
    require_sandbox: Level | None = None,
    watch: Callable[[Reached], None] | None = None,
    findings: bool = False,
    verify: bool = True,
    redact: bool = True,
    template: str | None = None,
    schema: str | None = None,
) -> Prepared:
    """Load the inputs and settle models and prices; nothing is sent yet. Raises UsageError.

    `findings` are asked for; `verify` each by a sub-call; `redact`: hide secrets from models in the cloud. `template`:
    the kind of work, as --task has it, which may ask for findings itself; `schema`: a JSON schema, as JSON, that the
    answer has to fit. `watch` hears how far loading is. `require_sandbox`: with less around the code, or around the
    reader of PDFs, SandboxError is raised here or is what ends the run. litellm needs seconds to be imported, so that
    begins before the inputs are read.
    """
    if not question.strip():
        raise UsageError("the question is empty")
    findings = findings or (template is not None and template_named(template).findings)
    if require_sandbox is not None and require_sandbox not in LEVELS:
        raise UsageError(f"there is no sandbox {require_sandbox!r} to require", f"there are {' and '.join(LEVELS)}")
    if schema is not None:
        try:
            schemas.check_schema(schema)
        except ValueError as error:
            raise UsageError(f"the schema of the answer: {error}") from error
        if profile.root.model.startswith("offline/"):
            raise UsageError("the offline models do not answer by a schema", "choose a profile with a language model")
    warm(profile)
    loaded = load(inputs, replace(options or LoadOptions(), require_sandbox=require_sandbox), stdin, watch)
    task = Task(
        new_run_id(),
        question,
        loaded.context,
        profile,
        loaded.warnings,
        require_sandbox=require_sandbox,
        findings=findings,
        verify=verify,
        redact=redact,
        template=template,
        schema=schema,
    )
    return _resolved(task)


def _resolved(task: Task) -> Prepared:
    """Settle models, prices and the strategy. Raises UsageError where that cannot be."""
    try:
        task = replace(task, profile=resolve(task.profile))
    except ModelError as error:
        failure = Failure(str(error), error.hint, error.exit_code)
        return Prepared(task, _unbegun("failed", "error", failure))
    except KeyboardInterrupt:
        return Prepared(task, _unbegun("interrupted", "interrupted", None))
    _check_prices(task.profile)
    context = task.context
    choice = choose_strategy(task.profile, context.tokens, partial(request_tokens, task), context.tokens_exact)
    if choice.strategy == "map-reduce":
        check_pieces(task)
    return Prepared(replace(task, strategy=choice.strategy), choice=choice)


def record(task: Task, inputs: Sequence[str], options: LoadOptions) -> Recorder:
    """Begin the record of a task."""
    loading = {**to_plain(options), "passwords": []}
    context = task.context
    beginning = Beginning(
        run_id=task.run_id,
        question=task.question,
        folder=str(Path.cwd()),
        inputs=tuple(inputs),
        loading=loading,
        profile=task.profile,
        require_sandbox=task.require_sandbox,
        context=fingerprint(context),
        characters=context.characters,
        documents=len(context.documents),
        findings=task.findings,
        verify=task.verify,
        version=__version__,
        redact=task.redact,
        strategy=task.strategy,
        template=task.template,
        schema=task.schema,
    )
    return Recorder.begin(beginning)


def begun_again(beginning: Beginning, task: Task) -> Beginning:
    """Return how a run begins that is resumed over what has become of its input."""
    context = task.context
    return replace(
        beginning,
        profile=task.profile,
        context=fingerprint(context),
        characters=context.characters,
        documents=len(context.documents),
    )


def prepare_again(
    beginning: Beginning,
    limits: Limits,
    passwords: Sequence[str] = (),
    stdin: BinaryIO | None = None,
    watch: Callable[[Reached], None] | None = None,
    anyway: bool = False,
) -> Prepared:
    """Load the inputs of a recorded run once more. Raises InputError when they have changed, unless `anyway`."""
    require = beginning.require_sandbox
    try:
        options = from_plain(LoadOptions, beginning.loading)
    except ValueError as error:
        raise InputError(f"the record of {beginning.run_id} is damaged: {error}") from error
    warm(beginning.profile)
    options = replace(options, passwords=tuple(passwords), require_sandbox=require)
    with ExitStack() as there:
        try:
            there.enter_context(contextlib.chdir(beginning.folder))
        except OSError as error:
            raise InputError(f"cannot go to {beginning.folder}, where the run was started: {error.strerror}") from error
        loaded = load(beginning.inputs, options, stdin, watch)
    changed: str | None = None
    if fingerprint(loaded.context) != beginning.context:
        now = f"{loaded.context.characters:,} characters in {counted(len(loaded.context.documents), 'document')}"
        then = f"{beginning.characters:,} in {beginning.documents:,}"
        changed = f"the input has changed since the run began: {now}, then {then}"
        if not anyway:
            loaded.context.close()
            raise InputError(changed, "ask anew (rlm analyze), or go on with what is there now: --anyway")
    profile = replace(beginning.profile, limits=limits, strategy=beginning.strategy)
    warnings = (*loaded.warnings, changed) if changed is not None else loaded.warnings
    task = Task(
        beginning.run_id,
        beginning.question,
        loaded.context,
        profile,
        warnings,
        changed,
        require,
        findings=beginning.findings,
        verify=beginning.verify,
        redact=beginning.redact,
        template=beginning.template,
        schema=beginning.schema,
    )
    return _resolved(task)


def run(
    task: Task,
    watch: Callable[[Event], None],
    cache: CacheUse = "use",
    recorder: Recorder | None = None,
    past: Past | None = None,
    redactor: Redactor | None = None,
) -> Result:
    """Run a task to its end; `watch` sees every event. A Ctrl-C becomes an interrupted Result.

    With a `recorder` every call is put on record; `past` is what that held of earlier sittings. `redactor`: what hides
    secrets, for whoever wants to hide the same ones in a report.
    """
    redactor = redactor or Redactor()
    task = _with_secrets_known(task, redactor)
    limits = task.profile.limits
    budget = Budget(limits, resumed=past is not None)
    kept = KeptReplies(refresh=cache == "refresh")
    client = open_client(task.profile, kept if cache != "off" else None, redactor if task.redact else None)
    journal: Journal = NoJournal()
    if recorder is not None:
        journal = on_file = FileJournal(recorder.append, budget.elapsed, past)
        client = Recording(client, on_file)
    repl = partial(
        open_repl, limits=limits, now=task.began, require=task.require_sandbox, windows=windows_of(task.profile)
    )
    engine = Engine(client, repl, budget, journal)

    def stamped(event: Event) -> None:
        if isinstance(event, RunFinished) and event.path == ROOT:
            kept.close()
            event = replace(event, warnings=(*event.warnings, *kept.warnings))
        # As precise as it is recorded: what is shown now and what the record shows later are the same.
        watch(replace(event, at=round(budget.elapsed(), 4)))

    try:
        result = _drive(engine.run(task), stamped)
    finally:
        client.close()  # what was abandoned neither goes on nor is tried again: nobody would hear of it, and all pay
        kept.close()
    redacted = tuple(redactor.hidden.items())
    return replace(result, warnings=(*result.warnings, *kept.warnings), redacted=redacted)


def _with_secrets_known(task: Task, redactor: Redactor) -> Task:
    """See the secrets of a context that a model is not to see: a prompt may hold only a part of one."""
    if not task.redact or not any(map(hides_secrets, task.profile.models)):
        return task
    redactor.learn(task.context.pieces())
    return replace(task, secrets_hidden=redactor.knows_any)


def analyze(
    *inputs: str | PathLike[str],
    question: str | None = None,
    profile: str | None = None,
    settings: Sequence[str] = (),
    options: LoadOptions | None = None,
    watch: Callable[[Event], None] = lambda event: None,
    require_sandbox: Level | None = None,
    cache: bool = True,
    findings: bool = False,
    verify: bool = True,
    redact: bool = True,
    template: str | None = None,
) -> Result:
    """Answer `question` about files and folders; with a `template`, a kind of work as --task has it, its own question.

    `profile` is a name or a path, `settings` are KEY=VALUE as for --set, `watch` sees every event. A partial answer and
    a failed run are Results; raises UsageError when there is nothing to run. `require_sandbox`: as for the command.
    Without `cache` replies of earlier runs are neither used nor kept. `findings` are asked for, and each is checked by
    a sub-call unless `verify` is off; those whose quote stands in the text are in the Result, whatever their verdict.
    With `redact` secrets are hidden from models that are not on this machine.
    """
    if question is None:
        if template is None:
            raise UsageError("no question", "give question= or, for a kind of work, template=")
        question = template_named(template).question
    names = [fspath(each) for each in inputs]
    found = find(choose(profile).name, names)
    chosen = load_profile(found, Overrides(settings=tuple(settings)), names)
    prepared = prepare(
        names,
        question,
        chosen,
        options,
        require_sandbox=require_sandbox,
        findings=findings,
        verify=verify,
        redact=redact,
        template=template,
    )
    try:
        return prepared.result or run(prepared.task, watch, "use" if cache else "off")
    finally:
        prepared.task.context.close()


def _unbegun(status: Status, stop_reason: StopReason, failure: Failure | None) -> Result:
    nothing = Usage()
    return Result(status, stop_reason, "", None, (), (), 0, 0, 0, nothing, nothing, 0.0, error=failure)


def _check_prices(profile: Profile) -> None:
    if profile.limits.max_cost is None:
        return
    roles = [("root", profile.root), ("sub", profile.sub)]
    if (later := profile.refine) is not None:
        roles += [(f"the root of {later.name}", later.root), (f"the sub of {later.name}", later.sub)]
    for role, spec in roles:
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
