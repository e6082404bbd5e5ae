"""The form of a text by its lines: logs, access logs, transcripts, mailboxes, headings, fields with one separator.

Covered: what most lines of a probe (head, middle and tail) look like, and code that takes the text apart the same way,
which works in the session. Not covered: JSON and tables (fields.py). What comes from the text is quoted and cut.
"""

import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from rlm_cli.context import Context
from rlm_cli.engine.fields import named, quoted
from rlm_cli.engine.pages import counted
from rlm_cli.types import Document

PROBE = 20_000
"""Characters each of head, middle and tail."""
_LINE = 300
"""Characters of a line that are looked at."""
_MOST = 0.6
"""Of the lines that hold something."""
_LEAST = 5
"""Lines, below which a form is a coincidence."""
_SPEAKERS = 6
_NOT_TALK = frozenset(
    "yaml yml toml ini cfg conf properties json env css scss less html xml svg py js ts tsx jsx go rs java c h cpp hpp "
    "cs rb php sh sql kt swift scala lua pl r md rst tex po lock bib".split()
)
"""Kinds whose lines have words before a colon and are no talk, or whose headings and dates are something else."""
_HEADED = frozenset("pdf text txt docx md markdown rst".split())


@dataclass(frozen=True, slots=True)
class Form:
    """What a text is by its lines."""

    said: str
    code: str
    """Python for the session, in one line, in which TEXT stands for the text."""


@dataclass(frozen=True, slots=True)
class _Probe:
    """What is looked at of a text."""

    lines: list[str]
    """Those that hold something, cut."""
    whole: bool
    """It is all of the text."""

    def share(self, number: int) -> str:
        """Return `58 of 60 lines looked at`."""
        return f"{number:,} of {counted(len(self.lines), 'line')}{'' if self.whole else ' looked at'}"


def form_of(context: Context, document: Document) -> Form | None:
    """Return the form of a document; None where its lines have none in common."""
    probe = _probe(context, document)
    if len(probe.lines) < _LEAST:
        return None
    forms: list[Callable[[_Probe, Context, Document], Form | None]] = [_mailbox, _access_log, _levelled_log]
    if document.kind not in _NOT_TALK:
        forms += [_separated, _talk, _chat, _log]
    if document.kind in _HEADED:
        forms += [_headings]
    return next(filter(None, (each(probe, context, document) for each in forms)), None)


def _probe(context: Context, document: Document) -> _Probe:
    start, end = document.span.start, document.span.end
    if end - start <= 3 * PROBE:
        return _Probe(_held(context.text(start, end).split("\n")), whole=True)
    middle = (start + end - PROBE) // 2
    head, *others = (context.text(at, at + PROBE).split("\n") for at in (start, middle, end - PROBE))
    # Lines that the probe cuts are left out, but for a tail that is whole at its end.
    inner, tail = others[0][1:-1], others[1][1:]
    return _Probe(_held([*head[:-1], *inner, *tail]), whole=False)


def _held(lines: Sequence[str]) -> list[str]:
    return [line[:_LINE] for line in lines if line.strip()]


# --- logs ---------------------------------------------------------------------------------------------------------

_STAMPS = (
    (r"\[?\d{4}[-/]\d\d[-/]\d\d[T ]\d\d:\d\d", r"(?::\d\d)?(?:[.,]\d{1,9})?(?:Z|[+-]\d\d:?\d\d)?\]?"),
    (r"[A-Z][a-z]{2} {1,2}\d{1,2} \d\d:\d\d", r":\d\d"),
    (r"\d\d/\d\d/\d{2,4} \d\d:\d\d", r"(?::\d\d)?"),
    (r"\[?\d\d:\d\d:\d\d", r"(?:[.,]\d{1,9})?\]?"),
)
"""How a line of a log begins, and how its time may go on; the fullest form first."""
_LEVEL = re.compile(r"\b(TRACE|DEBUG|INFO|NOTICE|WARN|WARNING|ERROR|CRITICAL|FATAL|SEVERE)\b", re.IGNORECASE)
_ACCESS = r'(\S+) \S+ \S+ \[([^\]]+)\] "(\S+) (\S+)[^"]*" (\d{3})'


def _levelled_log(probe: _Probe, context: Context, document: Document) -> Form | None:
    return _log(probe, context, document, levelled=True)


def _log(probe: _Probe, context: Context, document: Document, levelled: bool = False) -> Form | None:
    for stamp, rest in _STAMPS:
        begins = re.compile(stamp + rest)
        stamped = [(found[0], line) for line in probe.lines if (found := begins.match(line))]
        # A traceback, or a text of several lines, goes on below its stamp.
        if len(stamped) < _LEAST or len(stamped) < 0.2 * len(probe.lines) or not begins.match(probe.lines[0]):
            continue
        levels = Counter(found[1].upper() for _, line in stamped if (found := _LEVEL.search(line[:120])))
        if not levels and (levelled or len(stamped) < _MOST * len(probe.lines)):
            continue
        told = ", ".join(f"{level} {number:,}" for level, number in levels.most_common())
        return Form(
            f"log: {probe.share(len(stamped))} begin with a time, from {quoted(stamped[0][0], 40)} to "
            f"{quoted(stamped[-1][0], 40)}; levels: {told or 'none'}",
            f'import re; entries = re.split(r"(?m)^(?={stamp})", TEXT)[1:]',
        )
    return None


def _access_log(probe: _Probe, context: Context, document: Document) -> Form | None:
    found = [match for line in probe.lines if (match := re.match(_ACCESS, line))]
    if len(found) < max(_LEAST, _MOST * len(probe.lines)):
        return None
    states = ", ".join(f"{state} {number:,}" for state, number in Counter(each[5] for each in found).most_common(6))
    return Form(
        f"access log: {probe.share(len(found))}, from {quoted(found[0][2], 40)} to {quoted(found[-1][2], 40)}; "
        f"status {states}",
        f"import re; requests = re.findall(r'(?m)^{_ACCESS}', TEXT)  # host, time, method, path, status",
    )


# --- talk ---------------------------------------------------------------------------------------------------------

_TIME = r"\[?(?:\d[\d/.\-]{5,10},? )?\d{1,2}:\d\d(?::\d\d)?(?:[ \u202f]?[AP]M)?\]?(?: [-|])? "
_SPEAKER = r"(@?[^\W\d][^:<>\[\]\n]{0,39}): +"
_FROM = r"From (?=\S+ .*\d{4}$)"


def _talk(probe: _Probe, context: Context, document: Document) -> Form | None:
    return _turns(probe, _SPEAKER) or _turns(probe, f"(?:{_TIME}){_SPEAKER}")


def _chat(probe: _Probe, context: Context, document: Document) -> Form | None:
    return _turns(probe, f"(?:{_TIME})?<([^<>\\s]{{1,40}})> ")


def _turns(probe: _Probe, pattern: str) -> Form | None:
    turn = re.compile(pattern)
    speakers = Counter(found[1] for line in probe.lines if (found := turn.match(line)))
    turns = speakers.total()
    if turns < max(_LEAST, _MOST * len(probe.lines)) or not 2 <= len(speakers) <= turns / 2:
        return None
    shown = ", ".join(f"{named(who)} {number:,}" for who, number in speakers.most_common(_SPEAKERS))
    more = f", {len(speakers) - _SPEAKERS:,} more" if len(speakers) > _SPEAKERS else ""
    return Form(
        f"transcript, a turn a line: {probe.share(turns)}; speakers: {shown}{more}",
        f"import re; turns = re.findall(r'(?m)^{pattern}(.*)$', TEXT)  # speaker, text",
    )


def _mailbox(probe: _Probe, context: Context, document: Document) -> Form | None:
    first, second = probe.lines[:2]
    if not re.match(_FROM, first) or not re.match(r"[A-Z][\w-]{1,40}: ", second):
        return None
    start, end = document.span.start, document.span.end
    mails = context.count("\n\nFrom ", start, end) + context.count("\r\n\r\nFrom ", start, end) + 1
    return Form(
        f"mailbox of about {counted(mails, 'mail')} (lines that begin with 'From '); the first: {quoted(first, 60)}",
        f"import re; mails = re.split(r'(?m)^{_FROM}', TEXT)[1:]",
    )


# --- prose and fields ---------------------------------------------------------------------------------------------

_MARKDOWN = r"(#{1,6}) +(\S.*)$"
_PARTS = "Article|Section|Clause|Schedule|Amendment|Annex|Appendix|Part|Chapter"
_PART = rf"(?:{_PARTS}|{_PARTS.upper()}|§) ?[\dIVXLA-H]{{1,6}}\b\.?"
_SECTION = rf" {{0,8}}((?:\d{{1,3}}\.)+\d{{0,3}}|{_PART})(?: +|:)(\S.*)$"


def _headings(probe: _Probe, context: Context, document: Document) -> Form | None:
    start, end = document.span.start, document.span.end
    begin = re.compile(_MARKDOWN)
    if any(begin.match(line) for line in probe.lines) and document.kind in ("md", "markdown", "text", "txt"):
        first = context.text(start, start + 7)
        levels = {
            "#" * depth: context.count("\n" + "#" * depth + " ", start, end) + first.startswith("#" * depth + " ")
            for depth in range(1, 7)
        }
        told = ", ".join(f"{level} {number:,}" for level, number in levels.items() if number)
        if sum(levels.values()) < 2:
            return None
        return Form(
            f"Markdown; lines that begin as headings: {told}",
            f"import re; headings = [(m.start(), m[1], m[2]) for m in re.finditer(r'(?m)^{_MARKDOWN}', TEXT)]",
        )
    section = re.compile(_SECTION)
    found = [match for line in probe.lines if (match := section.match(line))]
    if len(found) < _LEAST:
        return None
    examples = ", ".join(quoted(f"{each[1]} {each[2]}".strip(), 40) for each in found[:: max(1, len(found) // 3)][:3])
    return Form(
        f"numbered sections: {probe.share(len(found))} begin with a number, such as {examples} "
        "(numbers may begin again: go by offset)",
        f"import re; sections = [(m.start(), m[1], m[2]) for m in re.finditer(r'(?m)^{_SECTION}', TEXT)]",
    )


def _separated(probe: _Probe, context: Context, document: Document) -> Form | None:
    """Recognise records such as `Date || User || Message`: the same separator equally often in most lines."""
    for separator in (" || ", "\t", " | ", ";"):
        counts = Counter(line.count(separator) for line in probe.lines)
        number, frequency = counts.most_common(1)[0]
        if number >= 1 and frequency >= 0.8 * len(probe.lines):
            first = next(line for line in probe.lines if line.count(separator) == number)
            parts = ", ".join(quoted(part, 30) for part in first.split(separator)[:12])
            return Form(
                f"{number + 1} fields separated by {separator!r}: {probe.share(frequency)}; the first: {parts}",
                f"rows = [line.split({separator!r}) for line in TEXT.splitlines()]",
            )
    return None
