"""What the options say about which findings count, and the policy they amount to."""

from collections.abc import Sequence
from dataclasses import dataclass

from rlm_cli.gate import Policy, policy_from
from rlm_cli.loaders import LoadOptions, at_base
from rlm_cli.types import Severity


@dataclass(frozen=True, slots=True, kw_only=True)
class Gating:
    """cli/options.py says what each option means."""

    fail_on: Severity | None
    baseline: str | None
    suppressions: str | None
    min_confidence: float | None
    trusts_repository: bool

    @property
    def asks_for_findings(self) -> bool:
        """None of these says anything of a run without."""
        return (self.fail_on, self.baseline, self.suppressions, self.min_confidence) != (None, None, None, None)

    def policy(self, inputs: Sequence[str], options: LoadOptions, verifies: bool) -> Policy:
        """Read the files that are named. Raises UsageError."""

        def before(path: str) -> bytes | None:
            return at_base(path, inputs, options)

        return policy_from(
            self.fail_on,
            self.min_confidence,
            self.baseline,
            self.suppressions,
            inputs,
            self.trusts_repository,
            verifies,
            before,
        )
