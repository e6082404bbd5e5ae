"""Marks of a finding in prose: how a severity stands beside it, what its title is, which headings are only over some.

`high` is a word like others: it counts behind a label, in brackets, at the beginning or the end, or before `severity`.
"""

import re
from collections.abc import Sequence

from rlm_cli.engine.named.claim import places_in, severity_of
from rlm_cli.engine.named.markdown_tree import field_in
from rlm_cli.engine.named.quoted_code import inline_codes
from rlm_cli.types import Severity

_MAIN = (
    "critical|high|medium|moderate|low|informational|info|severe|kritisch|hoch|mittel|niedrig|gering|critique|"
    "\u00e9lev\u00e9e?|moyenne?|faible|cr[i\u00ed]tic[ao]|alt[ao]|m[e\u00e9]di[ao]|baj[ao]|baix[ao]"
)
_LABELS = (
    "severity|risk(?: level)?|priority|criticality|rating|schweregrad|risiko|gravit\u00e9"
    "|s\u00e9v\u00e9rit\u00e9|severidad|"
    "gravedad|severidade|\u6df1\u523b\u5ea6|\u91cd\u5927\u5ea6|\u5371\u967a\u5ea6|\u4e25\u91cd\u6027"
    "|\u4e25\u91cd\u7a0b\u5ea6"
)
_COUNTED = "severity|risk|impact|priority|issues?|findings?|vulnerabilit(?:y|ies)|ones?"
_SEVERITY = re.compile(
    rf"(?:{_LABELS})[\s*_`]{{0,4}}[:\uff1a=|(]?[\s*_`\[(]{{0,6}}(?P<label>[^\W\d_]{{1,15}}|\d{{1,2}}\.\d)"
    rf"|(?:[\[(*_|`]\s?|(?<=[,;/|] ))(?P<bracket>{_MAIN})(?:[\s-](?:severity|risk|priority))?\s?[\])*_"
    rf"|:,;/`\u2013\u2014]"
    rf"|\b(?P<before>{_MAIN})[- ](?:{_COUNTED})\b"
    rf"|^\W{{0,12}}(?P<first>{_MAIN})(?:\s?[:,\u2013\u2014|)]|\s-\s|\s*$)"
    r"|(?<![\w-])(?P<caps>(?-i:CRITICAL|HIGH|MEDIUM|LOW))(?![\w-]|\s?=)"
    rf"|\s[-\u2013\u2014|]\s(?P<last>{_MAIN})\W{{0,6}}$",
    re.IGNORECASE | re.MULTILINE,
)
_CODE = re.compile(r"`[^`\n]{20,2000}`")
_OVER_FINDINGS = re.compile(
    r"\b(?:findings?|issues?|vulnerabilit(?:y|ies)|severity|risks?|results?|report|security|analysis|review|audit|"
    r"summary|details?|confirmed|verified|all|list|of|the|and|code|detailed|overview|problems?|bugs?|priority|befunde|"
    r"schwachstellen|sicherheit|total|found|top|main|key|following|are|these|in|with)\b|[\W\d_]",
    re.IGNORECASE,
)
_SEVERITY_WORD = re.compile(rf"\b(?:{_MAIN})\b", re.IGNORECASE)

_SIGNS = re.compile(r"[*_]{2,3}|(?<!\w)[*_](?=\w)|(?<=\w)[*_](?!\w)|^[#>\s]+")
_NUMBERING = re.compile(
    r"^\W{0,6}(?:(?:finding|issue|vulnerability|vuln|bug|befund|no\.?|nr\.?|#)\s?[#\w-]{0,6}\d{1,4}\s?"
    r"[:.)\u2013\u2014-]|\d{1,4}[.):]|[A-Z]{1,5}-\d{1,5}\b[:.)]?)\s*",
    re.IGNORECASE,
)
_MARK = re.compile(
    rf"[\[(]\s?(?:severity:?\s?)?(?:{_MAIN}|CWE-?\d+)(?:[^\])\n]{{0,40}})?[\])]"
    rf"|\*\*(?:{_MAIN})(?: severity| risk)?:?\*\*:?",
    re.IGNORECASE,
)
_FIRST_MARK = re.compile(rf"^\W{{0,6}}(?:{_MAIN})\b(?! \w)\s?[:\u2013\u2014|-]?", re.IGNORECASE)
_LAST_MARK = re.compile(rf"\s[-\u2013\u2014|]\s(?:{_MAIN})$", re.IGNORECASE)
_LINK = re.compile(r"\[([^\]\n]{1,300})\]\([^)\n]{0,300}\)")
_DANGLING = re.compile(r"\s(?:in|at|on|see|bei|en|dans|of)(?=\W*$|\s*[,;:.])")
_AROUND = " :-\u2013\u2014|,;"


def severities_in(text: str) -> list[Severity]:
    """Return the severities that stand in a text as such, those behind a label first."""
    found = []
    for match in _SEVERITY.finditer(_CODE.sub("", text)):
        severity = severity_of(next(filter(None, match.groupdict().values())))
        if severity is not None:
            found.append((match.lastgroup != "label", severity))
    return [severity for _, severity in sorted(found, key=lambda each: each[0])]


def is_over_findings(heading: str) -> bool:
    """Tell a heading such as `High severity findings` from one that is a finding itself."""
    left = _SEVERITY_WORD.sub("", heading)
    return not _OVER_FINDINGS.sub("", left) or (severity_of(left) is not None and len(left.split()) <= 2)


def title_in(lines: Sequence[str]) -> str:
    """Return the first words that can be a title, without marks, numbers and places; "" where there are none."""
    for line in lines:
        found = field_in(line)
        if found is not None and found[0] != "title" and not _SEVERITY.match(line):
            continue
        said = found[1] if found is not None and found[0] == "title" else line
        words = _MARK.sub("", _without_places(_NUMBERING.sub("", said)))
        words = _FIRST_MARK.sub("", _NUMBERING.sub("", _SIGNS.sub("", words)))
        words = _DANGLING.sub("", " ".join(words.split()).strip(_AROUND))
        words = _LAST_MARK.sub("", words).strip(_AROUND)
        if len(re.findall(r"[^\W\d_]", words)) > 2:
            return words
    return ""


def _without_places(line: str) -> str:
    """Return the first sentence of a line without the code and the places in it."""
    line = _LINK.sub(r"\1", line[:1_000])
    for code in inline_codes(line):
        if not code.isidentifier():
            line = line.replace(f"`{code}`", "")
    for place in reversed(places_in(line)):
        line = line[: place.start] + line[place.end :]
    return re.split(r"[.;]\s", line.strip(_AROUND))[0]
