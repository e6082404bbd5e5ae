"""What the words of a command line mean: question or input, amounts, sizes, passwords."""

import json
import os
import re
import stat
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, cast

from rlm_cli import schemas
from rlm_cli.cli.gating import Gating
from rlm_cli.cli.options import Level as SeverityLevel
from rlm_cli.cli.options import Strategy
from rlm_cli.confinement import Level
from rlm_cli.errors import UsageError
from rlm_cli.loaders import LoadOptions
from rlm_cli.types import Severity

if TYPE_CHECKING:
    from rlm_cli.analysis import CacheUse

_UNITS = {"": 1, "k": 1_000, "m": 1_000_000, "g": 1_000_000_000}


def question_and_inputs(
    arguments: Sequence[str], question_file: str | None, default: str | None = None
) -> tuple[str, tuple[str, ...]]:
    """Return the question and the inputs; stdin is an input when it is named, or when nothing is and it is piped.

    With a `default` question a last argument that is a path is an input. Raises UsageError where one of the two is
    missing.
    """
    if question_file is not None:
        question, inputs = _read_question(question_file), tuple(arguments)
        if question_file == "-" and "-" in inputs:
            raise UsageError("stdin cannot be both the question and an input")
    elif default is not None and (not arguments or _is_path(arguments[-1])):
        question, inputs = default, tuple(arguments)
    elif not arguments:
        raise UsageError("no question", 'as in: rlm analyze ./repo "where are passwords stored?"')
    else:
        *named, question = arguments
        inputs = tuple(named)
        if _is_path(question):
            raise UsageError(
                f"no question: {question} is a path, and the last argument is the question",
                f'as in: rlm analyze {" ".join(arguments)} "what does this do?"',
            )
        if default is not None and _is_meant_as_path(question):
            raise UsageError(
                f"there is no {question}",
                "an input has to be there; a question of one such word goes into a file for -Q",
            )
    if not question.strip():
        raise UsageError("the question is empty")
    # Bytes of the command line that are no UTF-8 arrive as half surrogates, which no model takes.
    question = question.encode("utf-8", "replace").decode("utf-8")
    if not inputs and question_file != "-" and stdin_is_piped():
        inputs = ("-",)
    if not inputs:
        raise UsageError(
            "no input: nothing was named and nothing is piped in", 'as in: rlm analyze FILE "who owes whom?"'
        )
    return question, inputs


def inputs_or_here(named: Sequence[str]) -> tuple[str, ...]:
    """Return the inputs; where none is named stdin if it is piped, else the folder we are in."""
    return tuple(named) or (("-",) if stdin_is_piped() else (".",))


def load_options(
    *,
    include: Sequence[str] | None,
    exclude: Sequence[str] | None,
    no_gitignore: bool,
    hidden: bool,
    no_generated: bool,
    max_file_size: str,
    password_file: str | None,
    exact_tokens: bool,
    rev: str | None,
    base: str | None,
    changed_only: bool,
    require_sandbox: Level | None = None,
) -> LoadOptions:
    """Return what the options of a command line say about loading."""
    if changed_only and base is None:
        raise UsageError("--changed-only needs --base", "as in --base main --changed-only")
    return LoadOptions(
        include=tuple(include or ()),
        exclude=tuple(exclude or ()),
        gitignore=not no_gitignore,
        hidden=hidden,
        generated=not no_generated,
        max_file_size=size("--max-file-size", max_file_size),
        exact_tokens=exact_tokens,
        rev=rev,
        base=base,
        changed_only=changed_only,
        passwords=passwords("--password-file", password_file) if password_file is not None else (),
        require_sandbox=require_sandbox,
    )


def limits(
    *,
    max_cost: str | None,
    max_iterations: int | None,
    max_subcalls: int | None,
    max_depth: int | None,
    max_tokens: str | None,
    timeout: float | None,
    concurrency: int | None,
) -> dict[str, float | int | None]:
    """Return the limits that the options of a command line set, by name; None: lifted."""
    asked: dict[str, float | int | None] = {
        "max_iterations": max_iterations,
        "max_subcalls": max_subcalls,
        "max_depth": max_depth,
        "timeout": timeout,
        "concurrency": concurrency,
    }
    found: dict[str, float | int | None] = {name: value for name, value in asked.items() if value is not None}
    if max_cost is not None:
        found["max_cost"] = amount_or_none("--max-cost", max_cost)
    if max_tokens is not None:
        found["max_tokens"] = count_or_none("--max-tokens", max_tokens)
    return found


def cache_use(no_cache: bool, refresh_cache: bool) -> "CacheUse":
    """Return what becomes of replies of earlier runs."""
    if no_cache and refresh_cache:
        raise UsageError("--no-cache keeps nothing, --refresh-cache keeps what is asked anew: give one of them")
    return "off" if no_cache else "refresh" if refresh_cache else "use"


def all_settings(settings: Sequence[str] | None, strategy: Strategy | None) -> tuple[str, ...]:
    """Return the settings of a command line, those that have an option of their own among them."""
    return (*(settings or ()), *([f"strategy={strategy.value}"] if strategy is not None else []))


def answer_schema(name: str) -> str:
    """Return the JSON schema in a file, as canonical JSON."""
    try:
        content = json.loads(Path(name).read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise UsageError(f"--schema {name}: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise UsageError(f"--schema {name}: it is no JSON: {error}") from error
    text = json.dumps(content, ensure_ascii=False)  # in its own order, which is the order of the answer's parts
    try:
        text.encode()  # JSON can spell half a surrogate pair, which nobody can be sent
        schemas.check_schema(text)
    except ValueError as error:
        raise UsageError(f"--schema {name}: {error}") from error
    return text


def amount_or_none(option: str, text: str) -> float | None:
    """Return an amount of USD; `none` lifts the limit."""
    if text.strip().lower() == "none":
        return None
    try:
        return float(text.strip().removeprefix("$"))
    except ValueError as error:
        raise UsageError(f"{option} {text}: not an amount in USD", f"as in {option} 2.50, or {option} none") from error


def count_or_none(option: str, text: str) -> int | None:
    """Return a whole number, which may end in k or M; `none` lifts the limit."""
    return None if text.strip().lower() == "none" else size(option, text)


def size(option: str, text: str) -> int:
    """Return a whole number such as 500000, 500k, 20MB."""
    match = re.fullmatch(r"(\d{1,15}(?:\.\d{1,9})?)\s*([kmg]?)b?", text.strip().replace("_", ""), re.IGNORECASE)
    if match is None:
        raise UsageError(f"{option} {text}: not a number", f"as in {option} 500k or {option} 20M")
    return int(float(match[1]) * _UNITS[match[2].lower()])


def passwords(option: str, name: str) -> tuple[str, ...]:
    """Return the lines of a file, each a password as it stands."""
    try:
        lines = Path(name).read_text(encoding="utf-8").split("\n")
    except OSError as error:
        raise UsageError(f"{option} {name}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise UsageError(f"{option} {name}: it is not UTF-8") from error
    found = tuple(filter(None, lines))
    if not found:
        raise UsageError(f"{option} {name}: it holds no password", "the password stands alone on the first line")
    return found


def _read_question(name: str) -> str:
    try:
        text = sys.stdin.read() if name == "-" else Path(name).read_text(encoding="utf-8")
    except OSError as error:
        raise UsageError(f"cannot read the question from {name}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise UsageError(f"cannot read the question from {name}: it is not UTF-8") from error
    return text.strip()


def _is_path(text: str) -> bool:
    try:
        return text == "-" or os.path.lexists(text)
    except ValueError:  # a NUL cannot be part of a path
        return False


def _is_meant_as_path(text: str) -> bool:
    """One word with a slash in it or an extension: where no question need be given, a path that is mistyped."""
    word = text.strip()
    return len(word.split()) == 1 and re.search(r"[/\\]|[.]\w{1,9}$|[*]$", word) is not None


def stdin_is_piped() -> bool:
    """Tell whether something is piped in, or read from a file."""
    try:
        mode = os.fstat(0).st_mode
    except OSError:  # closed
        return False
    return stat.S_ISFIFO(mode) or stat.S_ISREG(mode) or stat.S_ISSOCK(mode)


def gating(
    fail_on: SeverityLevel | None,
    baseline: str | None,
    suppressions: str | None,
    min_confidence: float | None,
    trusts_repository: bool,
) -> Gating:
    """Return what the options of a command line say about which findings count."""
    level = fail_on.value if fail_on is not None else None
    return Gating(
        fail_on=cast(Severity | None, level),
        baseline=baseline,
        suppressions=suppressions,
        min_confidence=min_confidence,
        trusts_repository=trusts_repository,
    )
