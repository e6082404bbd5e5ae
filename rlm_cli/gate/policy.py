"""What decides which findings of a run count, read and checked before the run costs anything."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from rlm_cli.amounts import counted
from rlm_cli.errors import UsageError
from rlm_cli.gate import baseline as baselines
from rlm_cli.gate import suppressions as accepted
from rlm_cli.gate.baseline import Baseline, read_baseline
from rlm_cli.gate.files import AtBase, read_file, trusted
from rlm_cli.gate.suppressions import Suppression, in_force, read_suppressions
from rlm_cli.types import SEVERITIES, Severity

_NAMED = 10
"""Lines that a warning names."""


@dataclass(frozen=True, slots=True)
class Policy:
    """Which findings are reported, and which of those fail a CI job."""

    fail_on: Severity | None = None
    """Findings at or above it fail; None: none does."""
    min_confidence: float = 0.0
    baseline: Baseline | None = None
    suppressions: tuple[Suppression, ...] = ()
    """Those in force."""
    trusts: bool = False
    """Comments in the text may ignore findings."""
    verified: bool = True
    """Findings are checked by sub-calls, so that only confirmed ones fail."""
    warnings: tuple[str, ...] = ()
    """What the user should know of the files."""


def policy_from(
    fail_on: Severity | None,
    min_confidence: float | None,
    baseline_path: str | None,
    suppressions_path: str | None,
    inputs: Sequence[str],
    trusts: bool = False,
    verifies: bool = True,
    at_base: AtBase = lambda path: None,
) -> Policy:
    """Read what the options name. Raises UsageError, for what the scanned branch could have brought too.

    `at_base` tells what a file inside the inputs' repositories was at the base (loaders.at_base).
    """
    if fail_on is not None and fail_on not in SEVERITIES:
        raise UsageError(f"--fail-on {fail_on}: no such level", f"one of {', '.join(SEVERITIES)}")
    if min_confidence is not None and (math.isnan(min_confidence) or not 0 <= min_confidence <= 1):
        raise UsageError(f"--min-confidence {min_confidence:g} is not from 0 to 1")
    warnings: list[str] = []

    def read(name: str, option: str, largest: int) -> bytes:
        content = read_file(name, option, largest)
        if not trusts:
            content, changed = trusted(name, option, content, inputs, at_base)
            warnings.extend([changed] if changed is not None else [])
        return content

    baseline: Baseline | None = None
    suppressions: tuple[Suppression, ...] = ()
    if baseline_path is not None:
        baseline = read_baseline(read(baseline_path, "--baseline", baselines.LARGEST), baseline_path)
        warnings += baseline.warnings
    if suppressions_path is not None:
        entries = read_suppressions(read(suppressions_path, "--suppressions", accepted.LARGEST), suppressions_path)
        suppressions = in_force(entries)
        expired = [str(each.line) for each in entries if not in_force([each])]
        if expired:
            warnings.append(
                f"{counted(len(expired), 'suppression')} in {suppressions_path} expired and not counted "
                f"(line {', '.join(expired[:_NAMED])}{', ...' * (len(expired) > _NAMED)})"
            )
    return Policy(fail_on, min_confidence or 0.0, baseline, suppressions, trusts, verifies, tuple(warnings))
