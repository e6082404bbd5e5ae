"""`rlm: ignore[sql-injection] reason` in a comment: a finding of that rule in that line, or the next, is accepted.

The comment stands in one of the finding's lines, or alone in the line above its first. It names rules, several with
commas between, and gives a reason; without those it does not count, which is told.

Comments are part of what is analysed, so they count with --trust-repo-config only. --base changes nothing about that: a
finding whose lines are all unchanged is left out by --base whatever stands there, and in all others either the comment
is new, which the branch could have written, or the code is, which the comment was not written for.
"""

import re
from dataclasses import dataclass, field

from rlm_cli.amounts import counted
from rlm_cli.context import Context
from rlm_cli.gate.comments import Comment, comments_in
from rlm_cli.results import Finding

_IGNORE = re.compile(r"\brlm:[ \t]*ignore\b[ \t]*(?:\[([^\]]{0,500})\])?[ \t:,;.–—-]*")
_NAMED = 5
"""Places that a warning names."""


@dataclass(frozen=True, slots=True)
class Ignore:
    """One comment that asks to ignore something."""

    rules: frozenset[str]
    reason: str
    place: str


@dataclass(slots=True)
class Ignores:
    """The comments beside findings, and what is wrong with them."""

    context: Context
    trusted: bool
    _read: dict[tuple[str, int, int], list[Ignore]] = field(default_factory=dict)
    """(path, line, end line) -> the comments beside: of a file in one line, many findings stand in the same."""
    _untrusted: dict[str, None] = field(default_factory=dict)
    """Places, in order."""
    _without_rule: dict[str, None] = field(default_factory=dict)
    _without_reason: dict[str, None] = field(default_factory=dict)

    def reason_for(self, finding: Finding) -> str | None:
        """Return the reason of a comment that counts for a finding; None where there is none."""
        reason = None
        for each in self._beside(finding):
            if not each.rules:
                self._without_rule[each.place] = None
            elif finding.rule_id not in each.rules:
                continue
            elif not each.reason:
                self._without_reason[each.place] = None
            elif self.trusted:
                reason = reason or each.reason
            else:
                self._untrusted[each.place] = None
        return reason

    def warnings(self) -> list[str]:
        """Say which comments that have been met do not count, and why."""
        why = (
            (self._untrusted, "part of what is scanned; --trust-repo-config lets such comments count"),
            (self._without_rule, "no rule is named, as in rlm: ignore[sql-injection] reason"),
            (self._without_reason, "no reason is given, as in rlm: ignore[sql-injection] reason"),
        )
        return [f"{_listed(places)} not counted: {reason}" for places, reason in why if places]

    def _beside(self, finding: Finding) -> list[Ignore]:
        place = (finding.path, finding.line, finding.end_line)
        if place not in self._read:
            self._read[place] = self._found(finding)
        return self._read[place]

    def _found(self, finding: Finding) -> list[Ignore]:
        document = self.context.document(finding.path)
        if document is None:
            return []
        first = max(1, finding.line - 1)
        text = self.context.lines_of(finding.path, first, finding.end_line)
        if "rlm:" not in text:
            return []
        found = []
        for number, line in enumerate(text.split("\n"), first):
            if "rlm:" in line:
                for comment in comments_in(line, document.kind):
                    if comment.alone or number >= finding.line:
                        found += _ignores(comment, f"{finding.path}:{number}")
        return found


def _ignores(comment: Comment, place: str) -> list[Ignore]:
    found = [*_IGNORE.finditer(comment.text)]
    ends = [*(each.start() for each in found), len(comment.text)][1:]
    asked = []
    for each, end in zip(found, ends, strict=True):
        named = (name.strip() for name in (each[1] or "").split(","))
        reason = comment.text[each.end() : end].strip(" \t\r#/*;%-–—")
        # `*` is no rule: who looks at a finding knows what it is.
        rules = frozenset(name for name in named if name.strip("*"))
        asked.append(Ignore(rules, reason if re.search(r"\w", reason) else "", place))
    return asked


def _listed(places: dict[str, None]) -> str:
    named = ", ".join([*places][:_NAMED])
    more = f" and {len(places) - _NAMED:,} more" if len(places) > _NAMED else ""
    return f"{counted(len(places), '`rlm: ignore` comment')} ({named}{more})"
