"""Small changes to somebody's code, and where they are once they are made."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Edit:
    """One replacement in one file."""

    path: str
    old: str
    """Stands there exactly once."""
    new: str
    shown_by: str = ""
    """The part of `new` that shows the flaw; "": all this edit does is lead to it."""


@dataclass(frozen=True)
class Patch:
    """One flaw, or what only looks like one."""

    why: str
    edits: tuple[Edit, ...]
    rules: tuple[str, ...] = ()
    """Ids that name it rightly, the best first; none for a look-alike."""

    def apply(self, folder: Path) -> None:
        """Make the edits. Raises ValueError where the text is not as expected."""
        for edit in self.edits:
            path = folder / edit.path
            text = path.read_text(encoding="utf-8")
            if text.count(edit.old) != 1:
                raise ValueError(f"{edit.path} has {text.count(edit.old)} times: {edit.old!r}")
            path.write_text(text.replace(edit.old, edit.new), encoding="utf-8")

    def truth(self, folder: Path) -> dict[str, object]:
        """Return where it is now: the edits that show it, in the order in which they were written."""
        places = []
        for edit in self.edits:
            if edit.shown_by:
                text = (folder / edit.path).read_text(encoding="utf-8")
                if text.count(edit.shown_by) != 1:
                    raise ValueError(f"{edit.path}: not once: {edit.shown_by!r}")
                first = text.count("\n", 0, text.index(edit.shown_by)) + 1
                places.append([edit.path, first, first + edit.shown_by.count("\n")])
        return {"why": self.why, "rules": list(self.rules), "places": places}
