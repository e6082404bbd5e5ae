"""The findings of one run, as they are reported, checked against the text, merged and counted.

Knows the Context and the rules, and nothing of models. Not covered: whether a finding is true (verification.py).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from rlm_cli.context import Context
from rlm_cli.engine.named import NamedClaim, claims_in
from rlm_cli.finding_claims import by_gravity, check_finding, merged, same
from rlm_cli.findings import Refusal
from rlm_cli.places import place_name, resolve
from rlm_cli.results import Finding
from rlm_cli.seams import ClaimChecked, Reported
from rlm_cli.types import Rule

FINDINGS = 2_000
"""That one run reports."""
_UNSAID = 0.7
"""Confidence of a claim that does not say, as report_finding has it."""
_Same = tuple[str, str, int, int]


@dataclass(slots=True)
class Found:
    """What has been found so far."""

    _findings: dict[_Same, Finding] = field(default_factory=dict)
    _rejected: set[int] = field(default_factory=set)
    """Hashes of path and quote of the claims that were refused."""
    left_out: int = 0
    """Reports beyond FINDINGS."""

    def report(
        self, context: Context, rules: Mapping[str, Rule], claim: Reported
    ) -> tuple[ClaimChecked, Finding | None]:
        """Check a claim. Returns what the model is told, and the finding where it is a new one."""
        try:
            checked = check_finding(context, rules, claim)
        except ValueError as error:
            return ClaimChecked(refused=f"not reported: {error}"), None
        if isinstance(checked, Refusal):
            self._rejected.add(hash((claim.path, claim.quote)))
            return ClaimChecked(refused=checked.reason), None
        finding, said = checked
        place, key = place_name(finding.place), same(finding)
        if (before := self._findings.get(key)) is not None:
            self._findings[key] = merged(before, finding)
            return ClaimChecked(place, note=f"{said}: already reported, merged"), None
        if len(self._findings) >= FINDINGS:
            self.left_out += 1
            return ClaimChecked(
                refused=f"not reported: {FINDINGS:,} findings are, and more than that nobody reads"
            ), None
        self._findings[key] = finding
        return ClaimChecked(place, note=said), finding

    def take_named(self, context: Context, rules: Mapping[str, Rule], answer: str) -> list[Finding]:
        """Check the findings that an answer names, and return those that are new.

        What it says of a place at which something was reported already is a summary of that, under whatever name.
        """
        named = claims_in(answer, rules)
        self.left_out += named.left_out
        before = [*self._findings.values()]
        new: list[Finding] = []
        for each in map(_reported, named.claims):
            place = resolve(context, each.path)
            line = each.line or place.line
            if place.document is not None and line is not None and _is_told(before, place.document.path, line):
                continue
            checked = check_finding(context, rules, each)
            if not isinstance(checked, Refusal) and _is_told(before, checked[0].path, checked[0].line):
                continue
            _, finding = self.report(context, rules, each)
            new += [finding] if finding is not None else []
        return new

    def judge(self, finding: Finding) -> None:
        """Put a finding in the place of itself without a verdict."""
        self._findings[same(finding)] = finding

    @property
    def rejected(self) -> int:
        """Claims whose quote stands nowhere."""
        return len(self._rejected)

    def all(self) -> tuple[Finding, ...]:
        """Return the findings, the gravest first."""
        return tuple(sorted(self._findings.values(), key=by_gravity))

    def __bool__(self) -> bool:
        return bool(self._findings)


def _is_told(findings: list[Finding], path: str, line: int) -> bool:
    """Say whether one of the findings stands at a line, or next to it."""
    return any(each.path == path and each.line - 2 <= line <= each.end_line + 2 for each in findings)


def _reported(claim: NamedClaim) -> Reported:
    """Return the claim as report_finding would have made it."""
    return Reported(
        rule=claim.rule,
        title=claim.title,
        message=claim.message,
        path=claim.path,
        quote=claim.quote,
        severity=claim.severity,
        cwe=claim.cwe,
        confidence=_UNSAID if claim.confidence is None else claim.confidence,
        line=claim.line,
    )
