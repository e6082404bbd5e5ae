"""Which entries of a folder the user wants: hidden ones, included ones, excluded ones.

Covered: names and patterns. Not covered: what git ignores (listing.py), what a file is (tree.py, decoding.py).
"""

from dataclasses import dataclass

from rlm_cli.errors import UsageError
from rlm_cli.loaders.options import LoadOptions
from rlm_cli.patterns import Rules


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is decided about one entry, and what those below it inherit."""

    path: str
    """Of the entry that decided: a refused folder answers for all it holds, and ends in `/`."""
    reason: str | None
    """Why it is skipped; None: it is wanted."""
    included: bool
    named: bool
    """An include pattern with a dotted part matches: hidden or not, it is meant."""
    hidden: bool


_WANTED = Verdict("", None, included=True, named=False, hidden=False)


class Selection:
    """Judges the entries of one input folder. Paths are relative to it, with `/` between parts."""

    def __init__(self, options: LoadOptions) -> None:
        """Raises UsageError for a pattern that can match nothing."""
        include = [pattern.removeprefix("./") for pattern in options.include]
        exclude = [pattern.removeprefix("./") for pattern in options.exclude]
        for option, patterns in (("--include", include), ("--exclude", exclude)):
            for pattern in patterns:
                if not Rules([pattern]):
                    raise UsageError(f"{option} {pattern!r} matches nothing", "patterns are written as in .gitignore")
        self._include = Rules(include)
        self._exclude = Rules(exclude)
        self._dotted = Rules(pattern for pattern in include if _names_hidden(pattern))
        self._shows_hidden = options.hidden
        self._by_pattern = bool(include or exclude)
        top = Verdict("", None, included=not include, named=False, hidden=False)
        self._folders = {"": top}

    def folder(self, path: str) -> Verdict:
        known = self._folders.get(path)
        if known is not None:
            return known
        verdict, here = self._folders[""], ""
        for name in path.split("/"):
            here = f"{here}/{name}" if here else name
            if here not in self._folders:
                self._folders[here] = self._judge(here, verdict, folder=True)
            verdict = self._folders[here]
            if verdict.reason is not None:
                break
        return verdict

    def file(self, path: str) -> Verdict:
        parent, _, name = path.rpartition("/")
        above = self.folder(parent)
        if above.reason is not None:
            return above
        if not self._by_pattern and (self._shows_hidden or not name.startswith(".")):
            return _WANTED  # most files, and there may be very many
        return self._judge(path, above, folder=False)

    def _judge(self, path: str, above: Verdict, folder: bool) -> Verdict:
        included = _inherited(self._include.decide(path, folder), above.included)
        named = _inherited(self._dotted.decide(path, folder), above.named)
        hidden = above.hidden or path.rpartition("/")[2].startswith(".")
        reason = None
        if self._exclude.decide(path, folder):
            reason = "excluded"
        elif hidden and not self._shows_hidden and not named and not (folder and self._dotted):
            reason = "hidden"
        elif not folder and not included:
            reason = "not included"
        return Verdict(path + "/" * folder, reason, included, named, hidden)


def _inherited(decision: bool | None, above: bool) -> bool:
    return above if decision is None else decision


def _names_hidden(pattern: str) -> bool:
    return any(part.startswith(".") for part in pattern.removeprefix("!").split("/"))
