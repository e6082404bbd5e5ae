"""`rlm analyze`: from the command line's words to a Job."""

import typer

from rlm_cli.cli import options
from rlm_cli.cli.failures import reports_failures


@reports_failures
def analyze(
    arguments: options.Arguments = None,
    question_file: options.QuestionFile = None,
    task: options.TaskName = None,
    include: options.Include = None,
    exclude: options.Exclude = None,
    no_gitignore: options.NoGitignore = False,
    hidden: options.Hidden = False,
    no_generated: options.NoGenerated = False,
    max_file_size: options.MaxFileSize = "20MB",
    password_file: options.PasswordFile = None,
    exact_tokens: options.ExactTokens = False,
    rev: options.Rev = None,
    base: options.Base = None,
    changed_only: options.ChangedOnly = False,
    profile: options.ProfileName = None,
    root_model: options.RootModel = None,
    sub_model: options.SubModel = None,
    settings: options.Settings = None,
    strategy: options.AnswerBy = None,
    refine: options.Refine = None,
    no_redact: options.NoRedact = False,
    trust_repo_config: options.TrustRepoConfig = False,
    max_cost: options.MaxCost = None,
    max_iterations: options.MaxIterations = None,
    max_subcalls: options.MaxSubcalls = None,
    max_depth: options.MaxDepth = None,
    max_tokens: options.MaxTokens = None,
    timeout: options.Timeout = None,
    concurrency: options.Concurrency = None,
    require_sandbox: options.RequireSandbox = None,
    reports: options.Reports = None,
    schema: options.AnswerSchema = None,
    output: options.Output = None,
    events: options.Events = None,
    quiet: options.Quiet = False,
    debug: options.Debug = False,
    findings: options.Findings = False,
    fail_on: options.FailOn = None,
    baseline: options.Baseline = None,
    suppressions: options.Suppressions = None,
    min_confidence: options.MinConfidence = None,
    no_verify: options.NoVerify = False,
    allow_partial: options.AllowPartial = False,
    no_cache: options.NoCache = False,
    refresh_cache: options.RefreshCache = False,
    no_record: options.NoRecord = False,
) -> None:
    """Answer a question about files, folders, repositories or a pipe.

    The last argument is the question; those before it are inputs, - for stdin. Without INPUT a pipe on stdin is read.
    With --task the question may be left out: the kind of work has one.
    The answer goes to stdout, everything else to stderr.

    Which models: -p, else RLM_PROFILE, else `profile:` in the user's config.yaml, else by the key that is set:
    ANTHROPIC_API_KEY gives enterprise, OPENAI_API_KEY openai, GEMINI_API_KEY speed.

    Findings (--findings, --fail-on, and every format from sarif on) are checked against the text by program, then each
    by a model call of its own; --fail-on counts confirmed ones.

    Exits with 0 when the answer is complete, 1 when a finding fails the run, 3 when it is not complete (a limit, a
    refusal, unreadable inputs), 2 for a wrong command line or input, 4 when a model fails, 5 when the sandbox does, 130
    when interrupted.
    """
    # Imported here, so that help need not.
    from rlm_cli.cli import arguments as words
    from rlm_cli.cli.formats import wanted_reports
    from rlm_cli.cli.job import Job, perform
    from rlm_cli.cli.output import Output
    from rlm_cli.engine.templates import named
    from rlm_cli.profiles import Overrides

    template = named(task.value) if task is not None else None
    default = template.question if template is not None else None
    question, inputs = words.question_and_inputs(arguments or [], question_file, default)
    limits = words.limits(
        max_cost=max_cost,
        max_iterations=max_iterations,
        max_subcalls=max_subcalls,
        max_depth=max_depth,
        max_tokens=max_tokens,
        timeout=timeout,
        concurrency=concurrency,
    )
    wanted = wanted_reports(reports or [], output)
    gating = words.gating(fail_on, baseline, suppressions, min_confidence, trust_repo_config)
    asked = findings or (template is not None and template.findings)
    job = Job(
        inputs=inputs,
        question=question,
        load_options=words.load_options(
            include=include,
            exclude=exclude,
            no_gitignore=no_gitignore,
            hidden=hidden,
            no_generated=no_generated,
            max_file_size=max_file_size,
            password_file=password_file,
            exact_tokens=exact_tokens,
            rev=rev,
            base=base,
            changed_only=changed_only,
        ),
        profile=profile,
        overrides=Overrides(root_model, sub_model, words.all_settings(settings, strategy), limits, refine),
        trusts_repository=trust_repo_config,
        require_sandbox=require_sandbox.value if require_sandbox is not None else None,
        output=Output(reports=wanted, events=events, quiet=quiet, allow_partial=allow_partial),
        gating=gating,
        findings=asked or gating.asks_for_findings or any(each.is_of_findings for each in wanted),
        verify=not no_verify,
        cache=words.cache_use(no_cache, refresh_cache),
        recorded=not no_record,
        redact=not no_redact,
        template=template.name if template is not None else None,
        schema=words.answer_schema(schema) if schema is not None else None,
    )
    raise typer.Exit(perform(job))
