"""What git says about a folder, asked so that a hostile repository cannot answer with a program of its own.

Covered: the repository a folder lies in, the files git would show there, those it ignores. Not covered: revisions,
and what happens where git is absent or refuses (listing.py walks the folder itself then).
"""

import os
import re
import subprocess
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

DEADLINE = 60.0
"""Seconds for one git call: a repository may point git at a file that never ends."""

_SAFE = (
    "--no-pager",
    "-c", "core.fsmonitor=false",
    "-c", "core.hooksPath=/dev/null",
    "-c", "protocol.allow=never",
    "-c", "safe.bareRepository=explicit",
)  # fmt: skip
"""Configuration of the repository's own that would run a program, or fetch what a partial clone lacks."""

_UNREADABLE_FOLDER = re.compile(r"^warning: could not open directory '(.+?/)': .+$", re.MULTILINE)


class GitRefused(Exception):
    """Git is absent, or will not answer; the message says why."""


@dataclass(frozen=True, slots=True)
class GitListing:
    """What git shows below a folder; all paths relative to it."""

    files: list[str]
    """Tracked and untracked, links too. A submodule, or a repository within, counts as one."""
    ignored: list[str]
    """An ignored folder counts as one and ends in `/`."""
    unreadable: list[str]
    """Folders, ending in `/`."""
    remarks: list[str]
    """Whatever else git complained of, one line each."""


def root_of(folder: str) -> str | None:
    """Return the root of the repository in which a folder (absolute, free of links) lies, as its .git tells."""
    here = Path(folder)
    for each in (here, *here.parents):
        marker = each / ".git"
        if marker.is_file() or (marker / "HEAD").is_file():
            return str(each)
    return None


def list_files(folder: str, root: str, deadline: float = DEADLINE) -> GitListing:
    """Return what git shows below `folder`. Raises GitRefused."""
    top, _ = _ask(folder, deadline, "rev-parse", "--show-toplevel")
    if os.path.realpath(os.fsdecode(top.removesuffix(b"\n"))) != os.path.realpath(root):
        raise GitRefused("its work tree is elsewhere")
    shown, complaints = _ask(folder, deadline, "ls-files", "-co", "--exclude-standard", "-z")
    ignored, _ = _ask(folder, deadline, "ls-files", "-oi", "--exclude-standard", "--directory", "-z")
    # Git names these from the root.
    inner = "" if folder == root else os.path.relpath(folder, root) + "/"
    unreadable = [found[1].removeprefix(inner) for found in _UNREADABLE_FOLDER.finditer(complaints)]
    remarks = [line for line in _UNREADABLE_FOLDER.sub("", complaints).splitlines() if line.strip()]
    return GitListing(list(dict.fromkeys(_names(shown))), _ignored(folder, _names(ignored)), unreadable, remarks)


def _ignored(folder: str, names: list[str]) -> list[str]:
    """Drop the folders that git names without a rule: those whose contents it names too, and empty ones."""
    return [
        name
        for name, following in pairwise([*sorted(names), ""])
        if not name.endswith("/") or not (following.startswith(name) or _is_empty(f"{folder}/{name}"))
    ]


def _is_empty(folder: str) -> bool:
    try:
        with os.scandir(folder) as entries:
            return next(entries, None) is None
    except OSError:
        return False


def _names(output: bytes) -> list[str]:
    return [os.fsdecode(name) for name in output.split(b"\0") if name]


def _ask(folder: str, deadline: float, *arguments: str) -> tuple[bytes, str]:
    """Return git's standard output and what it said on standard error."""
    try:
        done = subprocess.run(
            ["git", *_SAFE, "-C", folder, *arguments],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            env=_environment(),
            timeout=deadline,
            check=False,
        )
    except FileNotFoundError:
        raise GitRefused("git is not installed") from None
    except subprocess.TimeoutExpired:
        raise GitRefused(f"git gave no answer within {deadline:g} s") from None
    except OSError as error:
        raise GitRefused(f"git cannot be started: {error.strerror}") from None
    complaints = os.fsdecode(done.stderr)
    if done.returncode != 0:
        lines = [line for line in complaints.splitlines() if line.strip()]
        raise GitRefused(lines[0].removeprefix("fatal: ") if lines else f"git ended with status {done.returncode}")
    return done.stdout, complaints


def _environment() -> dict[str, str]:
    """Return ours without what would send git to another repository (GIT_DIR inside a hook, say) or make it talk."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("GIT_") or name.startswith("GIT_CONFIG_")
    }
    return kept | {"GIT_NO_LAZY_FETCH": "1", "GIT_OPTIONAL_LOCKS": "0", "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C"}
