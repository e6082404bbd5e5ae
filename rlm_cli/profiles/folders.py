"""Where profiles lie: a path, the project's own folder, the user's, and those that come with rlm."""

import difflib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import platformdirs

from rlm_cli.errors import ProfileError

_SUFFIXES = (".yaml", ".yml")


@dataclass(frozen=True, slots=True)
class Found:
    """A profile file and how it was found."""

    name: str
    path: Path
    origin: str
    """`path`, `project`, `user` or `shipped`."""


def user_folder() -> Path:
    """Return the folder of the user's own settings; it need not exist."""
    return Path(platformdirs.user_config_dir("rlm", appauthor=False))


def project_folder() -> Path:
    """Return where a project keeps its profiles; it need not exist."""
    return Path.cwd() / ".rlm" / "profiles"


def shipped_folder() -> Path:
    """Return the folder of the profiles that come with rlm: in the wheel, or at the top of a checkout."""
    package = Path(__file__).resolve().parent.parent
    inside = package / "configs"
    return inside if inside.is_dir() else package.parent / "configs"


def shipped() -> list[str]:
    """Return the names of the profiles that come with rlm."""
    return sorted(path.stem for path in shipped_folder().glob("*.yaml"))


def profiles_in(folder: Path) -> list[Path]:
    """Return the profile files of a folder; of two with one name, .yaml comes before .yml."""
    return sorted(path for path in folder.glob("*") if path.suffix in _SUFFIXES)


def visible() -> list[Found]:
    """Return every profile that a name can mean, the first of a name hiding the later ones."""
    found: dict[str, Found] = {}
    folders = (("project", project_folder()), ("user", user_folder() / "profiles"), ("shipped", shipped_folder()))
    for origin, folder in folders:
        for path in profiles_in(folder):
            found.setdefault(path.stem, Found(path.stem, path, origin))
    return sorted(found.values(), key=lambda each: each.name)


def find(name: str, inputs: Iterable[str] = (), trusted: bool = False) -> Found:
    """Return the profile called `name`, or the one at that path.

    A project's profile that lies inside an input is part of what is analysed, so it decides about models and money
    only when it is `trusted`. Raises ProfileError.
    """
    path = Path(name).expanduser()
    if path.suffix in _SUFFIXES or "/" in name:
        if not path.is_file():
            raise ProfileError(f"there is no profile file {name}", "`rlm profiles list` shows the profiles there are")
        return Found(path.stem, path, "path")
    for each in visible():
        if each.name == name:
            if each.origin == "project" and not trusted and _lies_inside(each.path, inputs):
                raise ProfileError(
                    f"the profile {name} lies inside the input, in .rlm/profiles: it could name any server",
                    "read it, then add --trust-repo-config; or give another profile with -p",
                )
            return each
    names = [each.name for each in visible()]
    near = difflib.get_close_matches(name, names, n=1)
    hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(names)}"
    raise ProfileError(f"there is no profile called {name!r}", hint)


def _lies_inside(path: Path, inputs: Iterable[str]) -> bool:
    resolved = path.resolve()
    return any(resolved.is_relative_to(Path(each).resolve()) for each in inputs if each != "-")
