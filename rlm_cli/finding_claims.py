"""Findings, checked against the text before they are any: the rule is one of the catalogue, the quote stands there.

Covered: severity, CWE and place of a claim, its fingerprint, claims that say the same again. Not covered: whether a
claim is true (engine/verification.py), whether it counts (gate/).
"""

import hashlib
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import replace
from difflib import SequenceMatcher

from rlm_cli.context import Context, Found
from rlm_cli.findings import Refusal, find_claim
from rlm_cli.places import Place, place_name, resolve
from rlm_cli.results import Citation, Finding
from rlm_cli.rules import OTHER, rule_named
from rlm_cli.seams import Reported
from rlm_cli.types import SEVERITIES, Rule, Severity

_CWE = re.compile(r"(?:CWE[-_ ]?)?0*([1-9]\d{0,4})", re.IGNORECASE)
_SEVERITIES: dict[str, Severity] = {
    **{each: each for each in SEVERITIES},
    "informational": "info", "note": "info", "none": "info", "minor": "low", "warning": "medium", "moderate": "medium",
    "error": "high", "major": "high", "important": "high", "severe": "critical", "blocker": "critical",
}  # fmt: skip
"""What models and other scanners call them."""
_LONGEST_LINES = 400
"""Characters of whole lines by which a finding is known again; of longer ones the quote alone."""
_LOOKED_THROUGH = 2_000
"""Lines around the place that are compared with a quote that stands nowhere."""
_COMPARED = 200
"""Characters of each that are."""
_CHANCES = 40
"""Lines, those with the most letters in common, that are compared letter by letter: that is quadratic, and a text can
be made of lines which are all worth it.
"""
_ALIKE = 0.6
_SHOWN = 120
_KEPT = "\n\t\u200c\u200d"
"""Control characters that a text needs: the last two join and part letters of some scripts."""


def check_finding(context: Context, rules: Mapping[str, Rule], claim: Reported) -> tuple[Finding, str] | Refusal:
    """Return the finding that a claim is, and what the model should know of how it was filed.

    Raises ValueError for a severity or a CWE that is none: what is wrong there can be said better.
    """
    rule = rule_named(rules, claim.rule)
    severity = _severity(claim.severity, rule)
    cwe = _cwe(claim.cwe) or rule.cwe
    title = one_line(claim.title) or rule.title
    found = _found(context, claim)
    if isinstance(found, Refusal):
        return found
    citation, place = found
    finding = Finding(
        rule_id=rule.id,
        severity=severity,
        title=title,
        message=plain(claim.message).strip() or title,
        path=citation.path,
        line=place.line,
        end_line=place.end_line,
        column=place.offset - context.offset_of(citation.path, place.line) + 1,
        end_column=place.end - context.offset_of(citation.path, place.end_line) + 1,
        quote=context.text(place.offset, place.end),
        confidence=claim.confidence,
        cwe=cwe,
        fingerprint=_fingerprint(context, rule.id, place),
        page=citation.page,
        page_label=citation.page_label,
        cell=citation.cell,
        record=citation.record,
    )
    filed = f"{rule.id}, {severity}"
    if rule is OTHER and claim.rule.strip().lower() != OTHER.id:
        filed += f"; no rule is called {one_line(claim.rule)[:60]!r}"
    document = context.document(finding.path)
    assert document is not None
    others = context.count(finding.quote, document.span.start, document.span.end) - 1
    if claim.line is None and others > 0:
        filed += f"; it stands {others:,} time{'s' * (others != 1)} more in this file, line= chooses"
    named = place_name(replace(finding.place, page_label=None))
    return finding, f"verified at {named}: the quote stands there ({filed})"


def _found(context: Context, claim: Reported) -> tuple[Citation, Found] | Refusal:
    named = resolve(context, claim.path)
    where: Place | str = claim.path
    if named.document is not None and named.unit is None and claim.line is not None:
        # No text such as `a.py:3`: a document may be called that.
        where = Place(named.document, min(max(1, claim.line), max(1, named.document.lines)))
    found = find_claim(context, where, claim.quote)
    if isinstance(found, Refusal) and named.document is not None:
        near = _nearest(context, named.document.path, claim.quote, claim.line or named.line)
        return Refusal(f"not verified, and not reported: {found.reason}{near}")
    return Refusal(f"not verified, and not reported: {found.reason}") if isinstance(found, Refusal) else found


def _nearest(context: Context, path: str, quote: str, line: int | None) -> str:
    """Name the line that is most like the first line of a quote; "" where none is much like it."""
    first = next((each for each in map(str.strip, quote.split("\n")) if each), "")[:_COMPARED]
    if len(first) < 8:
        return ""
    document = context.document(path)
    assert document is not None
    start = max(1, min(line or 1, document.lines) - _LOOKED_THROUGH // 2)
    lines = context.lines_of(path, start, start + _LOOKED_THROUGH - 1).split("\n")
    matcher = SequenceMatcher(None, "", first, autojunk=False)
    chances = []
    for number, each in enumerate(lines):
        matcher.set_seq1(each.strip()[:_COMPARED])
        if matcher.real_quick_ratio() > _ALIKE and (most := matcher.quick_ratio()) > _ALIKE:
            chances.append((-most, number))
    best, nearest = _ALIKE, -1
    for most, number in sorted(chances)[:_CHANCES]:
        if -most <= best:
            break
        matcher.set_seq1(lines[number].strip()[:_COMPARED])
        if (ratio := matcher.ratio()) > best:
            best, nearest = ratio, number
    if nearest < 0:
        return ""
    shown = one_line(lines[nearest].strip()[: 2 * _SHOWN])[:_SHOWN]
    return f". The nearest is line {start + nearest}: {shown}"


def _severity(said: str | None, rule: Rule) -> Severity:
    if said is None or not said.strip():
        return rule.severity
    severity = _SEVERITIES.get(said.strip().lower())
    if severity is None:
        raise ValueError(f"severity is one of {', '.join(reversed(SEVERITIES))}, not {one_line(said)[:40]!r}")
    return severity


def _cwe(said: str | None) -> str | None:
    if said is None or not said.strip():
        return None
    number = _CWE.match(said.strip())
    if number is None:
        raise ValueError(f"cwe is a number such as CWE-89, not {one_line(said)[:40]!r}")
    return f"CWE-{number[1]}"


def _fingerprint(context: Context, rule_id: str, place: Found) -> str:
    """Name a finding by its rule, its path, the lines at its place and how many equal quotes stand before it.

    Whole lines, so that another quote of the same line is the same finding; no numbers of lines, so that it may move.
    """
    document = context.document(place.path)
    assert document is not None
    quote = context.text(place.offset, place.end)
    lines = context.lines_of(place.path, place.line, place.end_line).strip()
    known_by = lines if len(lines) <= _LONGEST_LINES else quote
    first = context.offset_of(place.path, place.line) if known_by is lines else place.offset
    before = context.count(known_by, document.span.start, first)
    parts = [rule_id, place.path, " ".join(known_by.split()), str(before)]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:32]


def merged(one: Finding, other: Finding) -> Finding:
    """Return one finding for two with the same rule and line: what was said first, the graver and surer of both."""
    graver = max(one.severity, other.severity, key=SEVERITIES.index)
    return replace(one, severity=graver, confidence=max(one.confidence, other.confidence), cwe=one.cwe or other.cwe)


def same(finding: Finding) -> tuple[str, str, int, int]:
    """Return what two reports of one finding have in common: rule and line; of a long line, the part of it too."""
    return finding.rule_id, finding.path, finding.line, finding.column // _LONGEST_LINES


def by_gravity(finding: Finding) -> tuple[int, str, int, str]:
    """Return what findings are sorted by: the gravest first, then by place."""
    return -SEVERITIES.index(finding.severity), finding.path, finding.line, finding.rule_id


def one_line(text: str) -> str:
    return " ".join(plain(text).split())


def plain(text: str) -> str:
    """Return a model's text without what steers a terminal or turns its letters round."""
    return "".join(char for char in text if char in _KEPT or unicodedata.category(char) not in ("Cc", "Cf", "Cs"))
