"""Short keys and titles for a folder of papers, so that each can be cited by name.

A paper is a document with pages of its own file: a PDF, an office file. Covered: keys from file names, as people and
programs write them; a title where the file itself gives none worth having. Not covered: bibliographies.
"""

import re
from collections.abc import Sequence

FEWEST = 2
"""Papers from which on they need keys."""
_LONGEST_KEY = 24
_LONGEST_TITLE = 200
_ARXIV = re.compile(r"\d{4}\.\d{4,5}")
_AUTHOR_AND_YEAR = re.compile(r"^\W*([^\W\d_]{2,20})(?![^\W\d_]).*?(?<!\d)((?:19|20)\d\d)(?!\d)")
_NO_TITLE = re.compile(r"^(?:microsoft \w+ - .*|untitled.*|\S*\.(?:docx?|tex|dvi|pdf|indd|qxd)|\W*)$", re.IGNORECASE)
_NO_TITLE_LINE = re.compile(
    r"arxiv|doi\b|https?:|preprint|proceedings|journal|vol\.|issn|isbn|©|copyright|published|conference|@",
    re.IGNORECASE,
)


def keys_of(paths: Sequence[str]) -> list[str]:
    """Return a key for each path, no two the same: `smith2021`, `2512.24601`, `annual-report`."""
    keys: list[str] = []
    taken: set[str] = set()
    for path in paths:
        key = base = _key(path)
        number = 1
        while key in taken:
            number += 1
            key = f"{base}-{number}"
        taken.add(key)
        keys.append(key)
    return keys


def _key(path: str) -> str:
    stem = path.rpartition("/")[2].rpartition(".")[0]
    identifier = _ARXIV.search(stem)
    if identifier is not None:
        return identifier[0]
    named = _AUTHOR_AND_YEAR.match(stem)
    if named is not None:
        return named[1].lower() + named[2]
    words = [word for word in re.split(r"[\W_]+", stem.lower()) if word]
    key = ""
    for word in words:
        if key and len(key) + 1 + len(word) > _LONGEST_KEY:
            break
        key = f"{key}-{word}" if key else word[:_LONGEST_KEY]
    return key or "paper"


def title_of(given: str | None, beginning: str) -> str | None:
    """Return what a paper calls itself, else the first line of its text that may be a title; None where none may."""
    if given is not None and not _NO_TITLE.match(given):
        return given
    lines = [" ".join(line.split()) for line in beginning.split("\f", 1)[0].split("\n")[:40]]
    for number, line in enumerate(lines):
        if len(line) < 12 or len(line.split()) < 2 or _NO_TITLE_LINE.search(line):
            continue
        if sum(char.isalpha() or char == " " for char in line) < 0.8 * len(line):
            continue
        following = lines[number + 1] if number + 1 < len(lines) else ""
        # A title that goes on: the line is long, or ends in a way that no title does.
        if line.endswith((":", "-", ",")) or re.search(r"\b(?:of|the|and|for|in|a|on|with|to)$", line, re.IGNORECASE):
            line = f"{line} {following}"
        return line[:_LONGEST_TITLE]
    return None
