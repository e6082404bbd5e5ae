"""Files that decide which findings count, and whether they may: a scanned branch must not clear itself.

A file counts when it lies outside every input and outside the repositories they lie in. One inside counts with
--trust-repo-config, or as it is at the base of --base, whatever the branch has made of it. Told too: links on the
way to a file, wherever they lead; a folder that is one under two names; submodules and linked work trees, whose files
count as the surrounding repository's; a stream, which comes from the repository we stand in as far as anyone can tell.
Not told: what other steps of the same job let the branch's code write elsewhere.
"""

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

from rlm_cli.errors import InputError, UsageError
from rlm_cli.plain_files import open_plain

AtBase = Callable[[str], bytes | None]
"""What a file (absolute, free of links) held at the base; None: no such file, or no base (loaders.at_base)."""

_MOST_LINKS = 40


def read_file(name: str, option: str, largest: int) -> bytes:
    """Return what a file that an option names holds. Raises InputError."""
    try:
        if not name:
            raise ValueError
        with open_plain(Path(name), links=True) as file:
            content = file.read(largest + 1)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not the name of a file"
        raise InputError(f"{option}: cannot read {name}: {reason}") from None
    if len(content) > largest:
        raise InputError(f"{option}: {name} has more than {largest:,} bytes")
    return content


def trusted(name: str, option: str, content: bytes, inputs: Sequence[str], at_base: AtBase) -> tuple[bytes, str | None]:
    """Return what counts of a file, and a warning where that is not what it holds: the branch has changed it, and it
    counts as it is at the base. Raises UsageError for a file that the scanned branch could have brought.
    """
    way = [*_way_to(name)]
    rooms = [*_rooms(inputs)]
    hint = "keep it elsewhere; or read it, then add --trust-repo-config"
    if any(Path(each).is_symlink() and _lies_in(str(Path(each).parent), rooms) for each in way):
        raise UsageError(f"{option}: a link inside the input leads to {name}: a branch could point it anywhere", hint)
    if not _lies_in(way[-1], rooms):
        return content, None
    before = at_base(way[-1])
    if before is None:
        raise UsageError(
            f"{option}: {name} lies inside the input or its repository: a branch could clear itself with it",
            f"{hint}; with --base REF it counts as it is there",
        )
    # Git may have given the lines of a work tree other ends.
    if before.replace(b"\r\n", b"\n") != content.replace(b"\r\n", b"\n"):
        return before, f"{option}: the branch has changed {name}; it counts as it was at the base"
    return content, None


def check_profile(path: Path, inputs: Sequence[str]) -> None:
    """Raise UsageError for a profile that the scanned branch could have brought: it says which models look for
    findings and judge them, and how grave a rule is.
    """
    rooms = [*_rooms(inputs)]
    if any(_lies_in(each, rooms) for each in _way_to(str(path))):
        raise UsageError(
            f"-p: the profile {path} lies inside the input or its repository: a branch could clear itself with it",
            "keep it elsewhere; or read it, then add --trust-repo-config",
        )


def surroundings_of(inputs: Sequence[str]) -> tuple[str, ...]:
    """Return the inputs, and the folders that belong to what is scanned besides: their repositories."""
    streams = ["." for each in inputs if each == "-"]
    roots = (_repository(Path(os.path.realpath(each))) for each in (*inputs, *streams))
    return (*inputs, *streams, *dict.fromkeys(str(each) for each in roots if each is not None))


def _way_to(name: str) -> Iterator[str]:
    """Yield what is passed on the way to a file, as the system goes it: each folder and link, the file itself last."""
    here = "/"
    ahead = [*reversed(str(Path.cwd() / name).split("/"))]
    links = 0
    while ahead:
        part = ahead.pop()
        if part in ("", "."):
            continue
        here = str(Path(here).parent) if part == ".." else f"{here.rstrip('/')}/{part}"
        yield here
        if Path(here).is_symlink() and links < _MOST_LINKS:
            links += 1
            target = os.readlink(here)  # noqa: PTH115 - a Path would lose what `..` and `.` mean here
            here = "/" if target.startswith("/") else str(Path(here).parent)
            ahead += reversed(target.split("/"))


def _rooms(inputs: Iterable[str]) -> Iterator[tuple[int, int]]:
    """Yield the identity of every folder and file that belongs to what is scanned."""
    for each in inputs:
        place = Path(os.path.realpath(each))
        if each == "-" or (Path(each).exists() and not (Path(each).is_dir() or Path(each).is_file())):
            place = Path.cwd()  # a stream
        elif place.exists():  # else it may be a folder of the --rev that was asked for
            yield _identity(place)
        repository = _repository(place)
        if repository is not None:
            yield _identity(repository)


def _repository(place: Path) -> Path | None:
    """Return the root of the repository around a place: past submodules and linked work trees, whose .git is a file."""
    found = None
    for each in (place, *place.parents):
        marker = each / ".git"
        if marker.exists():
            found = each
        if marker.is_dir():
            break
    return found


def _lies_in(path: str, rooms: Sequence[tuple[int, int]]) -> bool:
    # By identity, not by name: on some systems two names differ in nothing but capitals.
    here = Path(path)
    return any(_identity(each) in rooms for each in (here, *here.parents))


def _identity(path: Path) -> tuple[int, int]:
    try:
        found = path.stat()
    except (OSError, ValueError):
        return 0, 0  # nothing is there
    return found.st_dev, found.st_ino
