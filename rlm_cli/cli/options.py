"""The options of `rlm analyze`, one a line, in the groups of its help."""

from enum import StrEnum
from typing import Annotated, Any

import typer

from rlm_cli.cli.completion import profile_names


class SandboxLevel(StrEnum):
    """The names of `confinement.LEVELS`, the highest first."""

    FULL = "full"
    PROCESS = "process"


class TextOrJson(StrEnum):
    """How `rlm inspect` reports."""

    TEXT = "text"
    JSON = "json"


class Strategy(StrEnum):
    """The values of `types.Strategy`."""

    AUTO = "auto"
    RLM = "rlm"
    DIRECT = "direct"
    MAP_REDUCE = "map-reduce"


class Template(StrEnum):
    """The names of `engine.templates.TEMPLATES`, which is not imported here."""

    CODE_SECURITY = "code-security"
    CODE_QUALITY = "code-quality"
    CONTRACT = "contract"
    PAPERS = "papers"
    CONVERSATIONS = "conversations"


class Level(StrEnum):
    """The names of `types.SEVERITIES`, in rising order."""

    INFO = "info"
    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"


class Format(StrEnum):
    """The names of `reports.FORMATS`, which is not imported here: help has to be quick."""

    TEXT = "text"
    MARKDOWN = "markdown"
    JSON = "json"
    SARIF = "sarif"
    GITLAB = "gitlab"
    JUNIT = "junit"
    GITHUB = "github"


def _format_names(incomplete: str) -> list[str]:
    """Return what the shell offers for a format that begins so."""
    return [each.value for each in Format if each.startswith(incomplete)]


def _input(*names: str, help: str, metavar: str | None = None) -> Any:
    return typer.Option(*names, help=help, metavar=metavar, rich_help_panel="Input")


def _models(*names: str, help: str, metavar: str | None = None, **more: Any) -> Any:
    return typer.Option(*names, help=help, metavar=metavar, rich_help_panel="Models", **more)


def _limits(*names: str, help: str, metavar: str | None = None) -> Any:
    return typer.Option(*names, help=help, metavar=metavar, rich_help_panel="Limits")


def _output(*names: str, help: str, metavar: str | None = None, **more: Any) -> Any:
    return typer.Option(*names, help=help, metavar=metavar, rich_help_panel="Output", **more)


def _findings(*names: str, help: str, metavar: str | None = None) -> Any:
    return typer.Option(*names, help=help, metavar=metavar, rich_help_panel="Findings")


def _storage(*names: str, help: str) -> Any:
    return typer.Option(*names, help=help, rich_help_panel="Storage")


Switch = bool
Texts = list[str] | None
Text = str | None
Whole = int | None

Inputs = Annotated[Texts, typer.Argument(metavar="[INPUT]...")]
Arguments = Annotated[Texts, typer.Argument(metavar="[INPUT]... QUESTION")]

QuestionFile = Annotated[Text, _input("-Q", "--question-file", metavar="FILE", help="Read the question from FILE.")]
TaskName = Annotated[Template | None, _input("--task", help="A kind of work: adds what its questions need.")]
Include = Annotated[Texts, _input("-i", "--include", metavar="GLOB", help="Load only these (gitignore syntax).")]
Exclude = Annotated[Texts, _input("-x", "--exclude", metavar="GLOB", help="Leave these out (gitignore syntax).")]
NoGitignore = Annotated[Switch, _input("--no-gitignore", help="Load ignored files too.")]
Hidden = Annotated[Switch, _input("--hidden", help="Load what is named with a first dot.")]
NoGenerated = Annotated[
    Switch, _input("--no-generated", help="Leave out generated, vendored, minified and lock files.")
]
MaxFileSize = Annotated[str, _input("--max-file-size", metavar="SIZE", help="Skip larger files found in folders.")]
PasswordFile = Annotated[Text, _input("--password-file", metavar="FILE", help="Passwords of PDFs, one a line.")]
ExactTokens = Annotated[Switch, _input("--exact-tokens", help="Count tokens instead of estimating them.")]

Rev = Annotated[Text, _input("--rev", metavar="REV", help="Read a git repository as of REV.")]
Base = Annotated[Text, _input("--base", metavar="REF", help="Mark what changed since the merge base with REF.")]
ChangedOnly = Annotated[Switch, _input("--changed-only", help="With --base: load only the files that changed.")]

ProfileName = Annotated[
    Text,
    _models(
        "-p", "--profile", metavar="NAME|FILE", help="Which models and limits to use.", autocompletion=profile_names
    ),
]
RootModel = Annotated[Text, _models("--root-model", metavar="ID", help="Another root model, any litellm id.")]
SubModel = Annotated[Text, _models("--sub-model", metavar="ID", help="Another sub-model, any litellm id.")]
Settings = Annotated[Texts, _models("--set", metavar="KEY=VALUE", help="Set a profile key: limits.max_cost=2.")]
AnswerBy = Annotated[
    Strategy | None, _models("--strategy", help="The loop, one request, or piece by piece; auto: by size.")
]
Refine = Annotated[
    Text,
    _models(
        "--refine",
        metavar="PROFILE",
        help="A second pass, by this profile's models, with what the first came to.",
        autocompletion=profile_names,
    ),
]
TrustRepoConfig = Annotated[
    Switch, _models("--trust-repo-config", help="Use profiles, baselines and ignores that lie inside an input.")
]
NoRedact = Annotated[Switch, _models("--no-redact", help="Send secrets to models in the cloud as they are.")]

MaxCost = Annotated[Text, _limits("--max-cost", metavar="USD", help="Or none, for no cap.")]
MaxIterations = Annotated[Whole, _limits("--max-iterations", metavar="N", help="Root replies.")]
MaxSubcalls = Annotated[Whole, _limits("--max-subcalls", metavar="N", help="Paid calls of the sub-model.")]
MaxDepth = Annotated[Whole, _limits("--max-depth", metavar="N", help="1: sub-calls are plain model calls.")]
MaxTokens = Annotated[Text, _limits("--max-tokens", metavar="N", help="Input and output of all calls; or none.")]
Timeout = Annotated[float | None, _limits("--timeout", metavar="SECONDS", help="For the whole run.")]
Concurrency = Annotated[Whole, _limits("--concurrency", metavar="N", help="Calls side by side.")]
RequireSandbox = Annotated[
    SandboxLevel | None, _limits("--require-sandbox", help="Refuse to run with less around code and PDFs.")
]

Reports = Annotated[
    Texts,
    _output(
        "-f",
        "--format",
        metavar="FORMAT[=FILE]",
        help=f"{', '.join(Format)}: how the answer or the findings are told; FILE for another report besides.",
        autocompletion=_format_names,
    ),
]
AnswerSchema = Annotated[
    Text, _output("--schema", metavar="FILE", help="The answer is JSON that fits the JSON schema in FILE.")
]
InspectFormat = Annotated[TextOrJson, _output("-f", "--format", help="How the report is printed.")]
Skipped = Annotated[Switch, _output("--skipped", help="Name every file that is not loaded.")]
Output = Annotated[Text, _output("-o", "--output", metavar="FILE", help="Write the report to FILE, not to stdout.")]
Events = Annotated[Text, _output("--events", metavar="FILE", help="Write every event as a JSON line.")]
Quiet = Annotated[Switch, _output("-q", "--quiet", help="Nothing on stderr but warnings and errors.")]
Debug = Annotated[Switch, _output("--debug", help="Show where an internal error arose.")]
AllowPartial = Annotated[Switch, _output("--allow-partial", help="Exit with 0 although the run is incomplete.")]

Findings = Annotated[Switch, _findings("--findings", help="Ask for findings; the answer is a list of them.")]
FailOn = Annotated[
    Level | None, _findings("--fail-on", help="Exit with 1 for a confirmed finding of this level or above.")
]
Baseline = Annotated[
    Text, _findings("--baseline", metavar="FILE", help="Only what is not in this json or sarif is new.")
]
Suppressions = Annotated[Text, _findings("--suppressions", metavar="FILE", help="Findings that are accepted, in YAML.")]
MinConfidence = Annotated[
    float | None, _findings("--min-confidence", metavar="NUMBER", help="Leave out less likely findings; from 0 to 1.")
]
NoVerify = Annotated[Switch, _findings("--no-verify", help="Do not check each finding by a call of its own.")]

NoCache = Annotated[Switch, _storage("--no-cache", help="Neither use nor keep replies of earlier runs.")]
RefreshCache = Annotated[Switch, _storage("--refresh-cache", help="Ask anew, and keep the new replies.")]
NoRecord = Annotated[Switch, _storage("--no-record", help="Do not record the run.")]
