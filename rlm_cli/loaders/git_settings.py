"""Values in git's configuration files, read without git.

Covered: one value of a section without a subsection, and the user's global ignore file by it. Not covered: files that
a configuration includes, the system's configuration, that of a repository, and paths that begin with `%(prefix)/`.
"""

import os
import re
import stat
from pathlib import Path

_MOST = 1_000_000
"""Bytes of a configuration file."""

_ENTRY = re.compile(
    r"""\s*(?:
        [#;][^\n]*
      | \[ \s* (?P<section>[-\w.]+) (?: \s+ "(?P<below> (?: [^"\\\n] | \\. )* )" )? \s* \]
      | (?P<name> [a-zA-Z][-a-zA-Z0-9]* ) [ \t]*
        (?: = [ \t]* (?P<value> (?: [^"\\\#;\n] | \\\n | \\. | " (?: [^"\\\n] | \\\n | \\. )* " )* ) )?
        (?: [#;][^\n]* )? (?= \n | $ )
    )""",
    re.VERBOSE,
)
_PIECE = re.compile(r'\\(?P<escaped>[\s\S])|"|(?P<plain>[^"\\]+)')
_ESCAPES = {"n": "\n", "t": "\t", "b": "\b", '"': '"', "\\": "\\", "\n": ""}


def open_regular(path: Path) -> int:
    """Return a descriptor of a regular file, by whatever links. Raises OSError, FileNotFoundError for all else."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise FileNotFoundError
    return descriptor


def beginning(path: Path, most: int = _MOST) -> bytes:
    """Return what a regular file begins with; nothing where there is none that can be read."""
    try:
        with os.fdopen(open_regular(path), "rb") as file:
            return file.read(most)
    except (OSError, ValueError):
        return b""


def last_value(content: bytes, section: str, name: str) -> str | None:
    """Return what a configuration sets `section.name` to; the last one counts. Reading ends where it is malformed."""
    text = os.fsdecode(content).removeprefix("\ufeff").replace("\r\n", "\n")
    position, here, last = 0, "", None
    while (entry := _ENTRY.match(text, position)) is not None:
        position = entry.end()
        if entry["section"] is not None:
            here = entry["section"].lower() + ("." if entry["below"] is not None else "")
        elif here == section and entry["name"] is not None and entry["name"].lower() == name:
            last = _unquoted(entry["value"] or "")
    return last


def _unquoted(value: str) -> str:
    """Return what a value stands for; white space at its end counts only within quotes."""
    text, kept, quoted = "", 0, False
    for piece in _PIECE.finditer(value):
        if piece["plain"] is not None:
            text += piece["plain"]
            kept = len(text) if quoted else max(kept, len(text.rstrip()))
        elif piece["escaped"] is not None:
            text += _ESCAPES.get(piece["escaped"], "")
            kept = len(text)
        else:
            quoted = not quoted
            kept = max(kept, len(text) * quoted)
    return text[:kept]


def global_ignore_file(root: str) -> Path | None:
    """Return the ignore file that the user has set for all repositories; `root` is that of the one at hand."""
    home = os.environ.get("HOME")
    settings = os.environ.get("XDG_CONFIG_HOME") or (f"{home}/.config" if home else None)
    named = os.environ.get("GIT_CONFIG_GLOBAL")
    files = [f"{settings}/git/config"] * bool(settings) + [f"{home}/.gitconfig"] * bool(home)
    chosen = None
    for file in files if named is None else [named]:
        value = last_value(beginning(Path(file)), "core", "excludesfile")
        chosen = chosen if value is None else value
    if chosen is None:
        return Path(f"{settings}/git/ignore") if settings else None
    if not chosen or chosen.startswith("%(prefix)/"):
        return None
    return Path(root, os.path.expanduser(chosen))  # noqa: PTH111 - Path.expanduser raises where there is no such user
