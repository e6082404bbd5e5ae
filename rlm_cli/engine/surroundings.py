"""What a finding is judged by: the lines around its place, and the places that call the code it stands in.

Pure functions of the Context, for any language: which code encloses a line is told by indentation and a few shapes of
definitions, so what calls it may be missed. All of it bounded. Not covered: what is asked about it (verification.py).
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from rlm_cli.amounts import counted
from rlm_cli.context import Context
from rlm_cli.references import references
from rlm_cli.results import Finding
from rlm_cli.safe_text import safe

_BEFORE, _BEHIND = 50, 30
"""Lines around a finding."""
_LONGEST = 300
"""Characters of a line; of a longer one the part around the quote."""
_CALLS = 6
_AROUND_CALLS = 4
_NAMED = 3
"""Places that a claim names which are shown."""
_SEARCHED = 2_000
"""Places at which a name is looked at for a call."""
_WIDELY = 120
"""Lines above a place in which the definition around it is looked for."""
_NO_NAMES = frozenset(
    """
    if for foreach while switch match return catch elif else with except assert and or not in new sizeof raise yield
    await throw del delete case echo print go defer import from
    """.split()
)
"""Words that begin a statement, or stand before a parenthesis, and define nothing."""
_HANDLERS = frozenset(
    """
    __call__ call clean clean_data create delete destroy dispatch execute form_invalid form_valid get get_context_data
    get_object get_queryset get_success_url handle head index invoke list options patch perform_create perform_update
    post process put render retrieve run save show to_representation update validate
    """.split()
)
"""Methods that a framework calls: what leads to them is where their class is named."""
_CLASS = re.compile(r"^\s*(?:(?:export|default|public|abstract|final)\s+){0,4}class\s+([A-Za-z_$][\w$]{1,80})")
_CLASS_LINES = 600
"""Lines above a method in which its class is looked for."""
_IMPORT = re.compile(r"\s*(?:from|import|export|require)\b")
_FIRST_WORD = re.compile(r"\W*(\w+)")
_CONSTANT = re.compile(
    r"^\s*(?:(?:export|const|let|var|final|static|public|private|val)\s+){0,4}([A-Z][A-Z0-9_]{2,80})\s*(?::[^=]{0,80})?="
)
_DEFINITIONS = (
    re.compile(r"\b(?:def|function|func|fn|fun|sub|proc|method)\s+(?:\([^)]{0,200}\)\s*)?([A-Za-z_$][\w$]{1,80})"),
    re.compile(r"\b([A-Za-z_$][\w$]{1,80})\s*[=:]\s*(?:async\s+)?(?:function\b|\([^)]{0,200}\)\s*=>|\w{1,80}\s*=>)"),
    # C, Java and their kin: a name with parentheses on a line that ends no statement.
    re.compile(r"^[ \t]*(?:[A-Za-z_][\w:<>\[\],.*&?]*[ \t*&]+){1,8}([A-Za-z_]\w{1,80})[ \t]*\([^;=]{0,300}$"),
)


@dataclass(frozen=True, slots=True)
class Calls:
    """Where a name is called."""

    name: str
    shown: tuple[str, ...]
    """Each as path and numbered lines."""
    total: int
    """Places found; there may be more where `all_searched` is not set."""
    all_searched: bool = True


def around(context: Context, finding: Finding) -> str:
    """Return the numbered lines around a finding; those it stands on are marked with `>`."""
    listed = _listed(finding)
    marked = range(finding.line, finding.end_line + 1)
    lines = _numbered(context, finding.path, listed.start, listed.stop - 1, marked, finding.column)
    document = context.document(finding.path)
    beyond = document.lines - listed.stop + 1 if document is not None else 0
    before = f"  (it begins with {counted(listed.start - 1, 'line')} that are not shown)\n" if listed.start > 1 else ""
    behind = f"\n  (it goes on for {counted(beyond, 'line')} that are not shown)" if beyond > 0 else ""
    return f"{finding.path}\n{before}{lines}{behind}"


def _listed(finding: Finding) -> range:
    """Return the numbers of the lines around a finding."""
    last = min(finding.end_line, finding.line + _BEHIND) + _BEHIND
    return range(max(1, finding.line - _BEFORE), last + 1)


def calls(context: Context, finding: Finding) -> Calls | None:
    """Return the places that call the code a finding stands in, or use the constant that it defines; None where it
    stands in none that has a name.
    """
    defined = _defined(context, finding)
    if defined is None:
        return None
    name, called = defined
    found: dict[tuple[str, int], tuple[bool, bool]] = {}
    constant = re.compile(rf"(?<![\w$]){re.escape(name)}\(\s*(?:['\"\d)]|$)")
    searched = 0
    for path, line in _named(context, name, called):
        searched += 1
        same_place = path == finding.path and finding.line <= line <= finding.end_line
        text = context.lines_of(path, line, line)[:1_000].rstrip()
        if not same_place and _definition(text) != name and not ((own := _CLASS.match(text)) and own[1] == name):
            uninteresting = constant.search(text) is not None or _IMPORT.match(text) is not None
            found.setdefault((path, line), (uninteresting, path == finding.path))
    # Code of the same language first, calls that hand something over (whoever wants a flaw to look harmless adds calls
    # that do not) and no imports, and code elsewhere: what is near is seen already.
    kind = finding.path.rpartition(".")[2]
    chosen = sorted(found, key=lambda each: (each[0].rpartition(".")[2] != kind, found[each]))[:_CALLS]
    listed = _listed(finding)
    shown = tuple(
        f"{path}, line {line}: shown above" if path == finding.path and line in listed else _use(context, path, line)
        for path, line in chosen
    )
    return Calls(name, shown, len(found), searched < _SEARCHED)


def named_places(context: Context, finding: Finding) -> tuple[str, ...]:
    """Return the lines around the other places that a claim names, as `src/a.py:12`: where a copy stands, what leads
    here. Those that are among the lines around the finding are left out.
    """
    listed, shown = _listed(finding), dict[tuple[str, int], str]()
    for each in references(context, f"{finding.title}\n{finding.message}"):
        if each.verified and each.line is not None and not (each.path == finding.path and each.line in listed):
            shown.setdefault((each.path, each.line), _use(context, each.path, each.line))
    return tuple(shown.values())[:_NAMED]


def _use(context: Context, path: str, line: int) -> str:
    """Return the lines around a use, behind the line that begins the definition they are in."""
    first = max(1, line - _AROUND_CALLS)
    within = _enclosing(context, path, line)
    above = ""
    if within is not None and within[1] < first:
        above = _numbered(context, path, within[1], within[1], range(0)) + "\n      ...\n"
    return f"{path}\n{above}{_numbered(context, path, first, line + _AROUND_CALLS, range(line, line + 1), mark='*')}"


def _numbered(
    context: Context, path: str, first: int, last: int, marked: range, column: int = 1, mark: str = ">"
) -> str:
    lines = context.lines_of(path, first, last).removesuffix("\n").split("\n")
    return "\n".join(
        f"{mark if number in marked else ' '} {number:>5} | {_cut(line, column if number in marked else 1)}"
        for number, line in enumerate(lines, first)
    )


def _cut(line: str, column: int) -> str:
    if len(line) <= _LONGEST:
        return _as_one(line.rstrip())
    start = max(0, min(column - 1 - _LONGEST // 3, len(line) - _LONGEST))
    end = start + _LONGEST
    return f"{'[...]' if start else ''}{_as_one(line[start:end])}{'[...]' if end < len(line) else ''}"


def _as_one(line: str) -> str:
    """Return a line in which nothing passes for the end of it: what stood behind that would have no number, and could
    be taken for words of ours.
    """
    return safe(line).replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")


def _defined(context: Context, finding: Finding) -> tuple[str, bool] | None:
    """Return the name of the code around a finding, or of the constant that it defines, and whether it is called."""
    lines = context.lines_of(finding.path, finding.line, finding.line + _BEHIND).split("\n")
    if lines[0].lstrip().startswith("@"):  # it belongs to what follows
        below = next((each for each in lines if each.strip() and not each.lstrip().startswith(("@", ")"))), "")
        name = _definition(below)
        return (name, True) if name is not None else None
    within = _enclosing(context, finding.path, finding.line)
    if within is not None:
        name, line = within
        owner = _class_around(context, finding.path, line) if name in _HANDLERS else None
        return (name, True) if owner is None else (owner, False)
    constant = _CONSTANT.match(lines[0][:_LONGEST])
    return (constant[1], False) if constant is not None else None


def _enclosing(context: Context, path: str, line: int) -> tuple[str, int] | None:
    """Return the name and the first line of the definition that a line is in, or begins."""
    first = max(1, line - _WIDELY)
    lines = context.lines_of(path, first, line).removesuffix("\n").split("\n")
    own = _indentation(lines[-1])
    for number in range(line, first - 1, -1):
        each = lines[number - first]
        if number < line and (not each.strip() or _indentation(each) >= own):
            continue
        if (name := _definition(each)) is not None:
            return name, number
    return None


def _class_around(context: Context, path: str, line: int) -> str | None:
    """Return the class that the definition at a line belongs to."""
    first = max(1, line - _CLASS_LINES)
    lines = context.lines_of(path, first, line).removesuffix("\n").split("\n")
    own = _indentation(lines[-1])
    above = (match for each in reversed(lines[:-1]) if (match := _CLASS.match(each[:_LONGEST])))
    return next((match[1] for match in above if _indentation(match[0]) < own), None)


def _definition(line: str) -> str | None:
    """Return the name that a line begins to define."""
    line = line[:1_000].rstrip()
    first = _FIRST_WORD.match(line)
    if first is None or first[1] in _NO_NAMES:
        return None
    names = (match[1] for shape in _DEFINITIONS if (match := shape.search(line)))
    return next((name for name in names if name not in _NO_NAMES), None)


def _indentation(line: str) -> int:
    return len(line) - len(line.lstrip())


def _named(context: Context, name: str, called: bool) -> Iterator[tuple[str, int]]:
    """Yield path and line of the places where a name stands, before a parenthesis where it is `called`."""
    for number, offset in enumerate(context.occurrences(f"{name}(" if called else name)):
        if number == _SEARCHED:
            return
        around = (context.text(offset - 1, offset), context.text(offset + len(name), offset + len(name) + 1))
        if not any(each.isalnum() or each in ("_", "$") for each in around if each):
            yield context.locate(offset)
