"""The findings that an answer names, where they were not reported by report_finding: to be checked the same way.

Pure functions of the answer's text, which may be a million characters that somebody hostile has dictated. Findings that
are JSON count as that, and prose beside them as words about them. Not covered: whether a quote stands anywhere.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from rlm_cli.engine.named.claim import NamedClaim, RuleNames
from rlm_cli.engine.named.in_json import claims_in_json, is_json
from rlm_cli.engine.named.in_prose import UNREAD, claims_in_prose
from rlm_cli.rules import CATALOGUE
from rlm_cli.types import Rule

MOST = 2_000
"""Claims that are given on; the others are counted."""


@dataclass(frozen=True, slots=True)
class NamedFindings:
    """What an answer names."""

    claims: tuple[NamedClaim, ...]
    """Each once, in the order of the answer."""
    left_out: int = 0
    """How many there are beyond MOST; where there are many more, those that repeat others count too."""


def claims_in(answer: str, rules: Mapping[str, Rule] | None = None) -> NamedFindings:
    """Return the findings that an answer names; `rules`: those of the run, by id."""
    names = RuleNames({each.id: each for each in CATALOGUE} if rules is None else rules)
    found: dict[NamedClaim, None] = {}
    left_out = 0
    for claim in _all(_unwrapped(answer), names):
        if claim in found:
            continue
        if len(found) < MOST and claim is not UNREAD:
            found[claim] = None
        else:
            left_out += 1
    quoted = {(claim.path, claim.line) for claim in found if claim.quote}
    # A list at the beginning or the end names again, without quotes, what stands in full elsewhere.
    named = tuple(claim for claim in found if claim.quote or (claim.path, claim.line) not in quoted)
    return NamedFindings(named, left_out)


def _all(answer: str, names: RuleNames) -> Iterator[NamedClaim]:
    any_json = False
    for claim in claims_in_json(answer):
        any_json = True
        yield replace(claim, rule=names.first_in(claim.title) or claim.rule) if claim.rule == "other" else claim
    if not any_json and not is_json(answer):
        yield from claims_in_prose(answer, names)


def _unwrapped(answer: str) -> str:
    """Return the Markdown that is in a fence as a whole."""
    wrapped = answer.strip()
    begins = wrapped[:12].lower().startswith(("```markdown\n", "```md\n"))
    return wrapped[wrapped.index("\n") + 1 : -3] if begins and wrapped.endswith("\n```") else answer
