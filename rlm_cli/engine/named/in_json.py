"""Findings in an answer that is JSON, or has it in fences or at the end: lists of objects, by whatever names.

Covered: the usual names of fields, places in one text or in several fields, SARIF, lists by severity or by file, and
Python's own spelling. Not covered: prose (in_prose.py).
"""

import ast
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from rlm_cli.engine.named.claim import (
    LONGEST_MESSAGE,
    LONGEST_TITLE,
    NamedClaim,
    confidence_of,
    cwe_of,
    field_of,
    path_in,
    places_in,
    severity_of,
    shortened,
    slashed,
)
from rlm_cli.engine.named.denials import is_none

_FENCED = re.compile(
    r"^[ \t]*(`{3,}|~{3,})[ \t]*(?:json\w?|jsonl|javascript|js|python|sarif)?[ \t]*\n", re.MULTILINE | re.IGNORECASE
)
_BEGINNING = re.compile(r"^[ \t]*[\[{]", re.MULTILINE)
_TRIES = 50
"""Places at which JSON may begin that are tried."""
_DEEPEST = 6
_LONGEST_LITERAL = 200_000
"""Characters of Python's spelling: its parser takes a hundred times as much memory."""
_LISTS = {
    "findings", "vulnerabilities", "issues", "results", "problems", "bugs", "flaws", "items", "report", "runs", "data",
    "security_findings", "confirmed", "defects", "weaknesses", "alerts", "befunde",
}  # fmt: skip
_INSIDE = {
    "location", "locations", "region", "physicallocation", "artifactlocation", "snippet", "place", "position", "start",
    "message", "evidence", "source", "details", "code", "lines",
}  # fmt: skip
"""Names of objects that are parts of a finding."""
_WEAK = {
    "id", "type", "kind", "category", "class", "weakness", "name", "issue", "finding", "impact", "reason",
    "note", "notes",
    "why", "analysis", "evidence", "source", "place", "level", "priority", "result", "assessment",
    "startline", "beginline",
}  # fmt: skip
"""Names that count where no better one of the same meaning is there."""
_OTHER_NAMES = {
    "uri": "path",
    "startline": "line",
    "text": "message",
    "ruleid": "rule",
    "begin": "line",
    "from": "line",
}


def claims_in_json(answer: str) -> Iterator[NamedClaim]:
    """Yield the findings of all JSON in an answer."""
    for value in _values(answer):
        yield from _claims(value, {}, 0)


def is_json(answer: str) -> bool:
    """Tell whether an answer is JSON as a whole, so that there is no prose in it."""
    return answer.strip()[:1] in ("[", "{") and _parsed(answer.strip()) is not None


def _values(answer: str) -> Iterator[Any]:
    whole = answer.strip()
    if whole[:1] in ("[", "{") and (value := _parsed(whole)) is not None:
        yield value
        return
    found = False
    at = 0
    for _ in range(_TRIES):
        fence = _FENCED.search(answer, at)
        if fence is None:
            break
        end = answer.find("\n" + fence[1], fence.end() - 1)
        at = len(answer) if end < 0 else end + 1 + len(fence[1])
        inside = answer[fence.end() : end if end >= 0 else len(answer)].strip()
        if inside[:1] in ("[", "{") and (value := _parsed(inside)) is not None:
            found = True
            yield value
    if found:
        return
    decoder, at = json.JSONDecoder(strict=False), 0
    for _ in range(_TRIES):
        beginning = _BEGINNING.search(answer, at)
        if beginning is None:
            return
        try:
            value, at = decoder.raw_decode(answer, beginning.end() - 1)
            yield value
        except (ValueError, RecursionError):
            at = beginning.end()


def _parsed(text: str) -> Any:
    """Return the value of JSON, of JSON lines or of a Python literal; None for what is neither."""
    for spelled in (text, re.sub(r",(\s*[\]}])", r"\1", text)):
        try:
            return json.loads(spelled, strict=False)
        except (ValueError, RecursionError):
            continue
    try:
        lines = [json.loads(line, strict=False) for line in text.split("\n") if line.strip()]
        if len(lines) > 1:
            return lines
    except (ValueError, RecursionError):
        pass
    if len(text) <= _LONGEST_LITERAL:
        try:
            return ast.literal_eval(text)
        except (ValueError, SyntaxError, RecursionError, MemoryError, TypeError):
            return None
    return None


def _claims(value: Any, said: Mapping[str, Any], depth: int) -> Iterator[NamedClaim]:
    """Yield what a value holds; `said`: what the names on the way to it say of all of it."""
    if depth > _DEEPEST:
        return
    if isinstance(value, list | tuple):
        for each in value:
            yield from _claims(each, said, depth + 1)
    elif isinstance(value, dict):
        claim = _claim({**said, **_flat(value)})
        if claim is not None:
            yield claim
            return
        for name, inner in value.items():
            if not isinstance(inner, list | dict | tuple):
                continue
            key = str(name)[:300]
            if key.casefold() in _LISTS or field_of(key) in ("title", "status"):
                yield from _claims(inner, said, depth + 1)
            elif (severity := severity_of(key)) is not None and not is_none(key):
                yield from _claims(inner, {**said, "severity": severity}, depth + 1)
            elif places_in(key) or path_in(key):
                yield from _claims(inner, {**said, "path": key}, depth + 1)


def _flat(value: Mapping[Any, Any], depth: int = 0) -> dict[str, Any]:
    """Return an object's fields under our names; those of its parts too. What is named first counts."""
    flat: dict[str, Any] = {}
    for name, inner in value.items():
        key = str(name)[:60]
        slug = key.casefold().replace("_", "")
        part = inner[0] if isinstance(inner, list) and inner and isinstance(inner[0], dict) else inner
        if isinstance(part, dict):
            if slug in _INSIDE and depth < _DEEPEST:
                inside = _flat(part, depth + 1)
                if slug in ("snippet", "evidence", "code") and "message" in inside:
                    inside["quote"] = inside.pop("message")
                for name_inside, each in inside.items():
                    flat.setdefault(name_inside, each)
            continue
        field = _OTHER_NAMES.get(slug) or field_of(key)
        if field is not None and inner is not None and inner != "":
            flat.setdefault(f"weak {field}" if slug in _WEAK else field, inner)
    for field in [each for each in flat if each.startswith("weak ")]:
        flat.setdefault(field.removeprefix("weak "), flat.pop(field))
    return flat


def _claim(said: Mapping[str, Any]) -> NamedClaim | None:
    path, line = _place(said)
    marks = [said.get(field) for field in ("rule", "title", "message", "severity", "cwe")]
    if path is None or not any(marks):
        return None
    if is_none(said.get("status", "")) or said.get("denied") in (True, "true", "yes") or _no_severity(said):
        return None
    cwe = cwe_of(said.get("cwe"), alone=True) or cwe_of(said.get("rule")) or cwe_of(said.get("title"))
    rule = _text(said.get("rule"))
    title = _text(said.get("title")) or _text(said.get("rule")) or _text(said.get("message")).split("\n")[0]
    return NamedClaim(
        rule=shortened(rule, LONGEST_TITLE) or cwe or "other",
        title=shortened(title, LONGEST_TITLE),
        message=shortened(_text(said.get("message")) or title, LONGEST_MESSAGE),
        path=path,
        quote=_quote(said.get("quote")),
        severity=severity_of(said.get("severity")),
        cwe=cwe,
        confidence=confidence_of(said.get("confidence")),
        line=line,
    )


def _no_severity(said: Mapping[str, Any]) -> bool:
    severity = said.get("severity")
    return isinstance(severity, str) and severity_of(severity) is None and is_none(severity)


def _place(said: Mapping[str, Any]) -> tuple[str | None, int | None]:
    given = said.get("path")
    if isinstance(given, list | tuple):
        given = next((each for each in given if isinstance(each, str)), None)
    if not isinstance(given, str) or not given.strip():
        return None, None
    named = given[:1_000].strip()
    line = _line(said.get("line"))
    places = places_in(named)
    if places:
        return places[0].path, line if line is not None else places[0].line
    numbered = re.match(r"(.{1,900}?):(\d{1,9})(?:[-:]\d{1,9})?$", named)
    if numbered is not None:
        named, line = numbered[1], line if line is not None else int(numbered[2])
    return slashed(named.strip("`*'\" ")), line


def _line(said: Any) -> int | None:
    if isinstance(said, list | tuple) and said:
        said = said[0]
    if isinstance(said, int) and not isinstance(said, bool):
        return said if 0 < said < 1 << 40 else None
    if isinstance(said, str):
        number = re.search(r"\d{1,9}", said[:40])
        return int(number[0]) or None if number else None
    return None


def _text(said: Any) -> str:
    if isinstance(said, list | tuple):
        return "\n".join(each for each in said if isinstance(each, str))
    if isinstance(said, bool | dict) or said is None:
        return ""
    return str(said).strip()


def _quote(said: Any) -> str:
    """Return a quote without the fence or the backticks about it."""
    text = _text(said)
    fenced = re.fullmatch(r"```[\w+-]*\n(.*?)\n?```", text, re.DOTALL)
    if fenced is not None:
        return fenced[1]
    return text[1:-1] if len(text) > 2 and text[0] == text[-1] == "`" and "`" not in text[1:-1] else text
