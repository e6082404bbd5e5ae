"""A git repository of our own in a temporary folder, where git finds no configuration but ours.

Covered: texts put into it, or the objects of another repository lent to it: nothing of that one is read but objects, so
it names no program, and none of its remotes is asked for what a partial clone lacks. Not covered: what only the other
repository knows, such as names (commits.py).
"""

import os
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rlm_cli.errors import InputError
from rlm_cli.loaders.git import DEADLINE, MOST, GitRefused, run, start

_SHA_256 = "[core]\n\tbare = true\n\trepositoryFormatVersion = 1\n[extensions]\n\tobjectFormat = sha256\n"


@contextmanager
def _room() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise InputError(
            f"cannot keep what git is to read in temporary files: {error.strerror}",
            "free some space, or point TMPDIR at a folder that has it",
        ) from None


class OwnRepository:
    """An empty repository. To be closed."""

    def __init__(self, lent: str | None = None, sha256: bool = False, deadline: float = DEADLINE) -> None:
        """`lent` is a folder of objects to see in it. Raises InputError where there is no room."""
        self.deadline = deadline
        with _room():
            self._folder = tempfile.TemporaryDirectory(prefix="rlm-", ignore_cleanup_errors=True)
            here = Path(self._folder.name)
            (here / "objects").mkdir()
            (here / "refs").mkdir()
            (here / "HEAD").write_text("ref: refs/heads/none\n")
            (here / "config").write_text(_SHA_256 if sha256 else "[core]\n\tbare = true\n")
        kept = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
        self._variables = kept | {
            "GIT_DIR": str(here),
            "GIT_OBJECT_DIRECTORY": lent or str(here / "objects"),
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_CONFIG_GLOBAL": "/dev/null",
            "GIT_ATTR_NOSYSTEM": "1",
            "GIT_OPTIONAL_LOCKS": "0",
            "HOME": str(here),  # an older git knows no GIT_CONFIG_GLOBAL
            "XDG_CONFIG_HOME": str(here),
            "LC_ALL": "C",
        }

    def __enter__(self) -> "OwnRepository":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._folder.cleanup()

    def ask(self, *arguments: str, said: bytes = b"", most: int = MOST, deadline: float | None = None) -> bytes:
        """Return git's answer. Raises GitRefused."""
        patience = self.deadline if deadline is None else deadline
        words = self._command(*arguments)
        with _room():
            status, answer, complaints = run(words, self._variables, patience, said, most, self._folder.name)
        if status != 0:
            raise GitRefused.after(status, complaints)
        return answer

    def start(self, *arguments: str) -> subprocess.Popen[bytes]:
        """Start a git to talk to. Raises GitRefused."""
        words = self._command(*arguments)
        return start(words, self._variables, subprocess.PIPE, subprocess.DEVNULL, self._folder.name)

    def _command(self, *arguments: str) -> list[str]:
        return ["git", "--no-pager", "--no-replace-objects", "-c", "core.attributesFile=/dev/null", *arguments]
