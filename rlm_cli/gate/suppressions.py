"""Findings that somebody has looked at and accepted, in a file of their own, each with a reason.

    - rule: sql-injection
      path: app/legacy/*.py      # as in .gitignore: a folder stands for all it holds
      quote: SELECT * FROM       # optional: text that the finding's own contains, white space aside
      until: 2027-03-31          # optional: the last day, in UTC, on which it counts
      reason: read-only replica, see ticket 1234
    - fingerprint: 0123456789abcdef0123456789abcdef
      reason: not reachable

All that an entry says has to hold. Strict on purpose: a misspelt key that is silently ignored would widen an entry. The
YAML needs neither anchors nor tags, and has none. Not covered: whether the file may be used (files.py).
"""

import difflib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime

import yaml

from rlm_cli.errors import UsageError
from rlm_cli.gate.same import normalised
from rlm_cli.patterns import Rules
from rlm_cli.results import Finding

LARGEST = 300_000
"""Bytes: some 2,000 entries, and a few seconds."""
_DEEPEST = 4
_KEYS = ("rule", "path", "quote", "fingerprint", "until", "reason")
_RULE = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
_FINGERPRINT = re.compile(r"[0-9a-f]{32}")
_SHAPE = "as in: - {rule: sql-injection, path: app/legacy/*.py, reason: why}"
_OPENING = (
    yaml.FlowSequenceStartToken,
    yaml.FlowMappingStartToken,
    yaml.BlockSequenceStartToken,
    yaml.BlockMappingStartToken,
)
_CLOSING = (yaml.FlowSequenceEndToken, yaml.FlowMappingEndToken, yaml.BlockEndToken)
_STAND_INS = (yaml.AliasToken, yaml.AnchorToken, yaml.TagToken)


@dataclass(frozen=True, slots=True)
class Suppression:
    """One entry of the file."""

    reason: str
    line: int
    """Where it stands."""
    rule: str | None = None
    path: Rules | None = None
    quote: str | None = None
    """Normalised."""
    fingerprint: str | None = None
    until: date | None = None

    def covers(self, finding: Finding) -> bool:
        """Say whether all that it says is true of a finding; the day is not looked at."""
        return (
            self.rule in (None, finding.rule_id)
            and self.fingerprint in (None, finding.fingerprint)
            and (self.path is None or _matches(self.path, finding.path))
            and (self.quote is None or self.quote in normalised(finding.quote))
        )


def read_suppressions(content: bytes, name: str) -> tuple[Suppression, ...]:
    """Return the entries of a file. Raises UsageError, naming the line, for what is not as it should be."""
    try:
        text = content.decode("utf-8-sig")
        _look_through(text, name)
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    except UnicodeDecodeError:
        raise UsageError(f"{name} is not UTF-8") from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = name if mark is None else f"{name}, line {mark.line + 1}"
        raise UsageError(f"{where}: {getattr(error, 'problem', None) or 'not YAML'}") from None
    if node is None:
        return ()
    if not isinstance(node, yaml.SequenceNode):
        raise UsageError(f"{_where(name, node)}: suppressions are a list", _SHAPE)
    return tuple(_suppression(each, name) for each in node.value)


def in_force(suppressions: Sequence[Suppression], today: date | None = None) -> tuple[Suppression, ...]:
    """Return those whose last day has not passed."""
    day = today or datetime.now(UTC).date()
    return tuple(each for each in suppressions if each.until is None or each.until >= day)


def _look_through(text: str, name: str) -> None:
    """Raise UsageError for what makes few bytes cost much, before anything is made of them."""
    depth = 0
    for token in yaml.scan(text, Loader=yaml.SafeLoader):
        depth += isinstance(token, _OPENING) - isinstance(token, _CLOSING)
        if depth > _DEEPEST:
            raise UsageError(f"{_where(name, token)}: nested too deeply", _SHAPE)
        if isinstance(token, _STAND_INS):
            raise UsageError(f"{_where(name, token)}: what stands for something else (*, &, !) has no place here")


def _where(name: str, marked: yaml.Token | yaml.Node) -> str:
    return f"{name}, line {marked.start_mark.line + 1}"


def _suppression(node: yaml.Node, name: str) -> Suppression:
    where = _where(name, node)
    if not isinstance(node, yaml.MappingNode):
        raise UsageError(f"{where}: an entry is a mapping of keys to texts", _SHAPE)
    texts: dict[str, str] = {}
    lines: dict[str, str] = {}
    for key, here, text in _texts(node, name):
        if key in texts:
            raise UsageError(f"{here}: {key} stands there twice")
        texts[key], lines[key] = text, here
    if "reason" not in texts:
        raise UsageError(f"{where}: a suppression needs a reason", _SHAPE)
    if "fingerprint" not in texts and not {"rule", "path"} <= texts.keys():
        raise UsageError(f"{where}: a suppression needs a rule and a path, or a fingerprint", 'path: "**" is anywhere')
    if "rule" in texts and not _RULE.fullmatch(texts["rule"]):
        raise UsageError(f"{lines['rule']}: a rule is named like sql-injection, not {_shown(texts['rule'])}")
    if "fingerprint" in texts and not _FINGERPRINT.fullmatch(texts["fingerprint"]):
        raise UsageError(f"{lines['fingerprint']}: a fingerprint has 32 of 0-9 and a-f, as in a JSON report")
    return Suppression(
        reason=texts["reason"],
        line=node.start_mark.line + 1,
        rule=texts.get("rule"),
        path=_pattern(texts["path"], lines["path"]) if "path" in texts else None,
        quote=normalised(texts["quote"]) if "quote" in texts else None,
        fingerprint=texts.get("fingerprint"),
        until=_day(texts["until"], lines["until"]) if "until" in texts else None,
    )


def _texts(node: yaml.MappingNode, name: str) -> Iterator[tuple[str, str, str]]:
    """Yield (key, where it stands, text) of an entry."""
    for key_node, value_node in node.value:
        where = _where(name, key_node)
        key = str(key_node.value) if isinstance(key_node, yaml.ScalarNode) else ""
        if key not in _KEYS:
            near = difflib.get_close_matches(key[:100], _KEYS, n=1, cutoff=0.5)
            hint = f"did you mean {near[0]}?" if near else f"known keys: {', '.join(_KEYS)}"
            raise UsageError(f"{where}: unknown key {_shown(key)}", hint)
        # Whatever YAML would make of it: a fingerprint may look like a number.
        if (
            not isinstance(value_node, yaml.ScalarNode)
            or not value_node.value.strip()
            or value_node.tag.endswith(":null")
        ):
            raise UsageError(f"{where}: {key} must be text")
        yield key, where, value_node.value.strip()


def _day(text: str, where: str) -> date:
    try:
        return datetime.strptime(text, "%Y-%m-%d").date()
    except ValueError:
        raise UsageError(f"{where}: until must be a day like 2027-03-31, not {_shown(text)}") from None


def _pattern(text: str, where: str) -> Rules:
    rules = Rules([text.removeprefix("./")])
    if rules.not_followed:
        raise UsageError(f"{where}: {_shown(text)} has more wildcards than can be followed")
    if not rules or text.startswith("!"):
        raise UsageError(f"{where}: {_shown(text)} matches nothing", "patterns are written as in .gitignore")
    return rules


def _matches(rules: Rules, path: str) -> bool:
    """Say whether a path, or a folder on the way to it, matches."""
    parts = path.split("/")
    folders = ("/".join(parts[:number]) for number in range(1, len(parts)))
    return bool(rules.decide(path, folder=False)) or any(rules.decide(each, folder=True) for each in folders)


def _shown(text: str) -> str:
    shown = repr(text)
    return shown if len(shown) <= 60 else f"{shown[:57]}..."
