"""How findings, their coverage and what is missing read: the same words in every report and on the screen.

Knows values, and nothing of where the words stand. What it returns is as harmless as its source.
"""

from collections import Counter
from collections.abc import Iterable

from rlm_cli.amounts import counted
from rlm_cli.context import Context
from rlm_cli.results import Coverage, Finding, Result, Sifted, Verdict, Withheld
from rlm_cli.types import SEVERITIES

_NAMED = 3
"""Paths that are named of those that no model saw."""
_VERDICTS: dict[Verdict, str] = {
    "confirmed": "confirmed by a second look",
    "refuted": "refuted by a second look",
    "unsure": "a second look was not sure",
    "unchecked": "not checked",
}
_WITHHELD = {
    "ignored": "ignored by a comment",
    "suppressed": "suppressed",
    "unchanged": "outside what changed",
    "unlikely": "below the confidence asked for",
}
_ENDED = {
    "max_cost": "its cost limit was reached",
    "max_tokens": "its token limit was reached",
    "max_iterations": "its limit of iterations was reached",
    "timeout": "its time was over",
    "refused": "a model refused",
    "error": "of an error",
    "interrupted": "it was interrupted",
}


def asked_for_findings(result: Result, sifted: Sifted) -> bool:
    """Tell whether a report is one on findings, of which there may be none."""
    kinds = (sifted.reported, sifted.known, sifted.refuted, sifted.withheld, result.rejected_findings)
    return result.coverage is not None or any(kinds)


def count_words(sifted: Sifted, rejected: int, headed: bool = False) -> str:
    """Return how many findings there are: `3 findings (1 critical, 2 high; 2 confirmed), 2 known, 1 refuted`.

    `headed`: the word stands before it already.
    """
    found = counted(len(sifted.reported), "finding") if sifted.reported else "no findings"
    if headed:
        found = f"{len(sifted.reported):,}" if sifted.reported else "none"
    if sifted.reported:
        confirmed = sum(each.verdict == "confirmed" for each in sifted.reported)
        found += f" ({severity_words(sifted.reported)}; {confirmed or 'none'} confirmed)"
    return ", ".join([found, *aside_words(sifted, rejected)])


def severity_words(findings: Iterable[Finding]) -> str:
    """Return how many there are of each severity, the worst first."""
    counts = Counter(each.severity for each in findings)
    return ", ".join(f"{counts[each]:,} {each}" for each in reversed(SEVERITIES) if counts[each])


def aside_words(sifted: Sifted, rejected: int) -> list[str]:
    """Return how many findings there are beside those that are reported, by kind."""
    kinds = [(len(sifted.known), "known"), (len(sifted.refuted), "refuted")]
    kinds += [(sum(each.why == why for each in sifted.withheld), words) for why, words in _WITHHELD.items()]
    kinds.append((rejected, "rejected (no such text)"))
    return [f"{number:,} {words}" for number, words in kinds if number]


def withheld_words(withheld: Withheld) -> str:
    """Return why a finding is not reported."""
    return _WITHHELD[withheld.why] + (f": {withheld.reason}" if withheld.reason else "")


def check_words(finding: Finding) -> str:
    """Return what the check made of a finding, and how sure the model is."""
    return f"{_VERDICTS[finding.verdict]}, confidence {finding.confidence:.2f}"


def rule_words(finding: Finding) -> str:
    """Return the rule's name, and its number in the catalogue of weaknesses."""
    return finding.rule_id + (f", {finding.cwe}" if finding.cwe else "")


def coverage_words(coverage: Coverage) -> str:
    """Return of how many files the models saw text, and which they did not."""
    words = f"{coverage.looked_at:,} of {counted(coverage.offered, 'file')} looked at"
    if not coverage.unseen:
        return words
    more = len(coverage.unseen) - _NAMED
    return f"{words}; not {', '.join(coverage.unseen[:_NAMED])}" + (f" and {more:,} more" if more > 0 else "")


def unread(context: Context) -> tuple[int, int]:
    """Return how many files, and pages of files, should have been read and could not be."""
    files = sum(each.failed for each in context.skipped)
    return files, sum(len(each.unreadable) for each in context.documents)


def incomplete_words(result: Result) -> str | None:
    """Return why there may be more to find than is reported; None for a run that came to its end."""
    if result.status == "complete":
        return None
    if result.stop_reason == "final":
        return "incomplete: not everything could be read, or checked, so there may be more than is reported"
    return f"incomplete: the run ended early because {_ENDED[result.stop_reason]}, so what is not reported may be there"
