"""One finding as an answer names it, and the words in which models say what it is.

Covered: places, severities, CWE numbers, confidences, the names of fields and of rules.
Not covered: where in an answer they stand (in_prose.py, in_json.py), what says that there is
none (denials.py), whether any of it is true.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from rlm_cli.rules import names_of
from rlm_cli.types import Rule, Severity


@dataclass(frozen=True, slots=True)
class NamedClaim:
    """A finding that an answer names; nothing of it is checked."""

    rule: str
    """An id, a CWE or what the answer calls it; `other` where it does not say."""
    title: str
    message: str
    path: str
    """As it is written, but with `/` between parts; a page, a cell or a record may follow."""
    quote: str
    """"" where the answer gives none."""
    severity: Severity | None = None
    cwe: str | None = None
    """As in `CWE-89`."""
    confidence: float | None = None
    """0 to 1."""
    line: int | None = None


LONGEST_TITLE = 200
LONGEST_MESSAGE = 4_000

# --- fields -----------------------------------------------------------------------------------------------------------

_FIELD_NAMES = {
    "rule": "rule rule_id ruleid rule_name check check_id type kind category class vulnerability_type issue_type"
    " vulnerability_class weakness id regel kategorie typ règle tipo categoría categoria",
    "title": "title name issue finding problem vulnerability bug flaw headline summary short_description titel titre"
    " título titulo befund schwachstelle vulnérabilité vulnerabilidad problème problema 脆弱性 问题 漏洞",
    "message": "message description desc detail details explanation why reason rationale text impact note notes"
    " analysis root_cause consequence beschreibung descripción descripcion auswirkung impacto 説明 描述",
    "path": "path file filename file_name filepath file_path location locations loc place where uri url affected_file"
    " affected source_file files datei ort stelle fundort fichier emplacement archivo ubicación ubicacion arquivo"
    " ファイル 文件 位置 場所",
    "line": "line lines line_number linenumber line_no lineno line_numbers line_start start_line startline begin_line"
    " zeile zeilen ligne lignes línea linea linha 行",
    "quote": "quote code snippet code_snippet evidence excerpt vulnerable_code affected_code offending_code"
    " codesnippet extract vulnerable_line code_quote codestelle beleg zitat extrait código codigo コード 代码",
    "severity": "severity level risk risk_level priority criticality rating sev schweregrad risiko gravité gravite"
    " sévérité severidad gravedad severidade riesgo 深刻度 重大度 危険度 严重性 严重程度",
    "cwe": "cwe cwe_id cweid cwes cwe_ids",
    "confidence": "confidence certainty likelihood probability konfidenz confiance confianza 確信度 置信度",
    "status": "status verdict state result assessment conclusion vulnerable is_vulnerable exploitable valid"
    " is_valid is_finding confirmed bewertung ergebnis",
    "denied": "false_positive is_false_positive falsepositive safe is_safe dismissed ignored",
    "fix": "fix fixes remediation recommendation recommended_fix recommended suggested_fix suggestion mitigation advice"
    " solution patch secure_version secure_code fixed_code how_to_fix proposed_fix correction better instead"
    " after behebung empfehlung lösung correctif recommandation solución recomendación 修正 修复 対策",
}
FIELDS = {name: field for field, names in _FIELD_NAMES.items() for name in names.split()}
"""What models call a field -> what it is here."""


def field_of(name: str) -> str | None:
    """Return which field is called so: `Line number`, `ruleId` and `cwe-id` too."""
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name[:60].strip())
    slug = re.sub(r"[\s\-/]+", "_", spaced.casefold()).strip("_:")
    return FIELDS.get(slug) or FIELDS.get(slug.rpartition("_")[0] if slug.endswith(("_s", "_es")) else slug)


# --- places -----------------------------------------------------------------------------------------------------------

# Bounded everywhere: an answer may be a million characters that a hostile text has dictated.
_PATH = r"(?:[A-Za-z]:[\\/])?[\w./+@~\\-]{1,300}"
_LINES = r"(?P<line>\d{1,9})(?:\s?(?:-|\u2013|to)\s?L?\d{1,9})?"
_PLACE = re.compile(
    rf"(?<![\w./+@~\\:-])(?P<path>{_PATH})[`*_'\"\])]{{0,4}}"
    rf"(?::|#L|,?\s{{0,2}}\(?\s?(?:at |on )?(?:[Ll]ines?|[Zz]eilen?|[Ll]ignes?|l[ií]neas?|L"
    rf"|lines?:)[\s:*`]{{0,4}}){_LINES}"
)
_QUOTED_PLACE = re.compile(rf"`(?P<path>[^`\n:]{{1,300}})(?::|#L){_LINES}`")
_LINE_OF = re.compile(rf"\b[Ll]ines?\s{_LINES}\s(?:of|in)\s[`'\"*]{{0,3}}(?P<path>{_PATH})")
_PART = re.compile(
    rf"(?<![\w./+@~\\:-])(?P<path>{_PATH})[`*,]{{0,3}}\s{{1,2}}\(?(?P<part>(?:p\.|page|record|cell)\s\d{{1,9}})"
)
_FILE = re.compile(r"(?:^|[\\/])(?:[\w+@~ -]*\.[A-Za-z]\w{0,9}|Dockerfile|Makefile|Jenkinsfile|Gemfile)$")
_HOSTS = (".com", ".org", ".net", ".io", ".local")


@dataclass(frozen=True, slots=True)
class Named:
    """A place as an answer writes it."""

    path: str
    line: int | None
    start: int
    end: int


def places_in(text: str) -> list[Named]:
    """Return the places that a text names, in order."""
    found = []
    for pattern in (_PLACE, _QUOTED_PLACE, _LINE_OF, _PART):
        for match in pattern.finditer(text):
            path = match["path"].rstrip(".,;-") if pattern is not _QUOTED_PLACE else match["path"].strip()
            if text[max(0, match.start() - 3) : match.start()].endswith("://") or "//" in path:
                continue
            if _FILE.search(path) is None or path.lower().endswith(_HOSTS):
                continue
            part = match.groupdict().get("part")
            line = None if part else int(match["line"])
            found.append(Named(slashed(path) + (f" {part}" if part else ""), line, match.start(), match.end()))
    return sorted(found, key=lambda each: each.start)


def path_in(text: str) -> str | None:
    """Return the path of a file that a text consists of, with what may stand about it."""
    path = text.strip().strip("`*_'\"[]() ").split("](")[0].strip("`")
    return slashed(path) if len(path) <= 300 and "\n" not in path and _FILE.search(path) else None


def slashed(path: str) -> str:
    """Return a path with `/` between its parts."""
    return path.replace("\\\\", "\\").replace("\\", "/")


# --- what is said of it -----------------------------------------------------------------------------------------------

_SEVERITY_WORDS: dict[Severity, str] = {
    "critical": "critical severe blocker catastrophic kritisch critique crítico crítica critico critica"
    " 严重 致命的 緊急",
    "high": "high major error important serious hoch élevé élevée eleve elevee alto alta grave 高 高危",
    "medium": "medium moderate warning med mittel moyen moyenne medio media médio média modéré 中 中危",
    "low": "low minor niedrig gering faible bajo baja baixo baixa 低 低危",
    "info": "info informational information note hint informativ",
}
_SEVERITIES = {word: severity for severity, words in _SEVERITY_WORDS.items() for word in words.split()}
_WORD = re.compile(r"[^\W\d_]{1,20}")
_CWE = re.compile(r"\bCWE[-_ :]{0,2}0*([1-9]\d{0,4})\b", re.IGNORECASE)
_NUMBER = re.compile(r"\d{1,3}(?:\.\d{1,4})?")
_CONFIDENCES = {
    **dict.fromkeys(("certain", "confirmed", "definite", "very high"), 0.95),
    **dict.fromkeys(("high", "hoch", "likely", "firm", "alta", "élevée"), 0.9),
    **dict.fromkeys(("medium", "moderate", "mittel", "probable", "media"), 0.6),
    **dict.fromkeys(("low", "niedrig", "possible", "tentative", "baja", "unlikely"), 0.3),
}


def severity_of(said: Any) -> Severity | None:
    """Return what a severity's own words or a CVSS score mean."""
    if isinstance(said, bool):
        return None
    if isinstance(said, int | float):
        scores: tuple[tuple[float, Severity], ...] = ((9.0, "critical"), (7.0, "high"), (4.0, "medium"), (0.1, "low"))
        return next((severity for least, severity in scores if least <= said <= 10), None)
    if not isinstance(said, str):
        return None
    words = (word.casefold() for word in _WORD.findall(said[:200]))
    found = next((_SEVERITIES[word] for word in words if word in _SEVERITIES), None)
    number = _NUMBER.fullmatch(said.strip()[:8]) if found is None else None
    return severity_of(float(number[0])) if number else found


def cwe_of(said: Any, alone: bool = False) -> str | None:
    """Return the first CWE that a text names; `alone`: a bare number is one."""
    if isinstance(said, list | tuple):
        return next(filter(None, (cwe_of(each, alone) for each in said[:10])), None)
    if isinstance(said, int) and not isinstance(said, bool) and alone:
        return f"CWE-{said}" if 0 < said < 100_000 else None
    if not isinstance(said, str):
        return None
    match = _CWE.search(said) or (re.match(r"\s*0*([1-9]\d{0,4})\s*$", said) if alone else None)
    return f"CWE-{match[1]}" if match else None


def confidence_of(said: Any) -> float | None:
    """Return a number from 0 to 1 for a share, a percentage or a word."""
    if isinstance(said, bool):
        return None
    if isinstance(said, int | float):
        share = said / 100 if 1 < said <= 100 else float(said)
        return share if 0 <= share <= 1 else None
    if not isinstance(said, str):
        return None
    words = said.strip().strip("*_` ").casefold()[:40]
    number = _NUMBER.match(words)
    if number is not None:
        share = float(number[0]) / (100 if "%" in words or float(number[0]) > 1 else 1)
        return share if 0 <= share <= 1 else None
    return next((share for word, share in _CONFIDENCES.items() if words.startswith(word)), None)


class RuleNames:
    """The names of a run's rules, as they stand in texts."""

    def __init__(self, rules: Mapping[str, Rule]) -> None:
        self._ids = names_of(rules)
        names = sorted((name for name in self._ids if name != "other"), key=len, reverse=True)
        spelled = "|".join(re.escape(name).replace(r"\-", "[- _]") for name in names)
        self._pattern = re.compile(rf"(?<![\w-])(?:{spelled})(?![\w-])", re.IGNORECASE)

    def first_in(self, text: str) -> str | None:
        """Return the id of the first rule that a text names, by its id or in plain words."""
        match = self._pattern.search(text[:20_000])
        return self._ids[re.sub("[ _]", "-", match[0]).lower()] if match is not None else None

    def has_id(self, text: str) -> bool:
        """Tell whether an id stands in a text that is no plain word."""
        return any("-" in match[0] and match[0] in self._ids for match in self._pattern.finditer(text[:20_000]))

    def __contains__(self, name: str) -> bool:
        return name.lower() in self._ids


def shortened(text: str, most: int) -> str:
    """Return text within `most` characters; what is cut shows."""
    text = text.strip()
    return text if len(text) <= most else text[: most - 6].rstrip() + " [...]"
