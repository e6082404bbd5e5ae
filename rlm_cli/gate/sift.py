"""Puts each finding of a run where it belongs: reported, known, refuted or withheld.

What the check refuted comes first: whatever else is true of it, it is no finding. Then what somebody has accepted,
then what --base leaves out, then what is too unlikely; of the rest, what the baseline has is known. The order of the
findings stays. Knows the Context, and nothing of models.
"""

from collections.abc import Sequence

from rlm_cli.context import Context
from rlm_cli.gate.ignores import Ignores
from rlm_cli.gate.policy import Policy
from rlm_cli.results import Finding, Sifted, Withheld
from rlm_cli.types import SEVERITIES


def sift(findings: Sequence[Finding], context: Context, policy: Policy) -> tuple[Sifted, tuple[str, ...]]:
    """Return where each finding belongs, and what the user should know."""
    ignores = Ignores(context, policy.trusts)
    # Refuted and withheld ones too: what is theirs in the baseline must not make another one known.
    known = policy.baseline.has(findings) if policy.baseline is not None else [False] * len(findings)
    reported: list[Finding] = []
    old: list[Finding] = []
    refuted: list[Finding] = []
    withheld: list[Withheld] = []
    for finding, is_known in zip(findings, known, strict=True):
        if finding.verdict == "refuted":
            refuted.append(finding)
        elif (why := _withheld(finding, context, policy, ignores)) is not None:
            withheld.append(why)
        else:
            (old if is_known else reported).append(finding)
    sifted = Sifted(tuple(reported), tuple(old), tuple(refuted), tuple(withheld), policy.baseline is not None)
    return sifted, (*policy.warnings, *ignores.warnings())


def failing(sifted: Sifted, policy: Policy) -> tuple[Finding, ...]:
    """Return the reported findings that --fail-on asks for: confirmed ones, unless none was to be checked."""
    if policy.fail_on is None:
        return ()
    least = SEVERITIES.index(policy.fail_on)
    return tuple(
        each
        for each in sifted.reported
        if SEVERITIES.index(each.severity) >= least
        and each.verified
        and (each.verdict == "confirmed" or not policy.verified)
    )


def fails(sifted: Sifted, policy: Policy) -> bool:
    """Say whether a finding is reported that --fail-on asks for."""
    return bool(failing(sifted, policy))


def _withheld(finding: Finding, context: Context, policy: Policy, ignores: Ignores) -> Withheld | None:
    unchanged = _is_unchanged(finding, context)
    # A comment that does not count is worth a word only where it would have made a difference.
    reason = ignores.reason_for(finding) if policy.trusts or not unchanged else None
    if reason is not None:
        return Withheld(finding, "ignored", reason)
    entry = next((each for each in policy.suppressions if each.covers(finding)), None)
    if entry is not None:
        return Withheld(finding, "suppressed", entry.reason)
    if unchanged:
        return Withheld(finding, "unchanged", "")
    if finding.confidence < policy.min_confidence:
        return Withheld(finding, "unlikely", "")
    return None


def _is_unchanged(finding: Finding, context: Context) -> bool:
    """Say whether none of a finding's lines changed since the base. What nobody can tell counts as changed.

    A line behind a change counts too: where lines were only taken out, a check that protected it, say, the change is
    told as the line before them.
    """
    document = context.document(finding.path)
    if context.base is None or document is None or document.changed is None:
        return False
    return not any(first <= finding.end_line and last + 1 >= finding.line for first, last in document.changed)
