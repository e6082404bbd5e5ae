"""One file as it was where a branch left its base: what the branch itself has not had in its hands.

Covered: regular files of the repository that an input lies in, below the input or beside it, hidden and ignored ones
too. Not covered: files of other repositories, submodules among them, whose base a branch can choose; and whether a
file is what it was (gate/trust.py).
"""

import os
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from rlm_cli.context import shown_path
from rlm_cli.loaders import commits
from rlm_cli.loaders.git import GitRefused
from rlm_cli.loaders.objects import Objects
from rlm_cli.loaders.options import LoadOptions
from rlm_cli.loaders.repository import inner_path, root_of
from rlm_cli.loaders.tree import Unloadable

_LARGEST = 64_000_000
"""Bytes."""


def at_base(path: str, inputs: Sequence[str], options: LoadOptions) -> bytes | None:
    """Return what the file `path`, absolute and free of links, held at the merge base with `options.base`.

    None where no base was asked for, the base has no such file, or the repository is none of the inputs'. Raises
    InputError and UsageError as `load` does.
    """
    root = root_of(str(Path(path).parent))
    folders = [os.path.realpath(each) for each in inputs if each != "-"]
    if options.base is None or root is None or root not in [root_of(each) for each in folders if Path(each).is_dir()]:
        return None
    git_folders = commits.check_repository(root)
    head = commits.find_commit(root, options.rev or "HEAD", "--rev")
    start = commits.find_commit(root, options.base, "--base")
    merge_base = commits.merge_base(root, start, head, shown_path(options.base))
    folder, _, name = inner_path(root, path).rpartition("/")
    with closing(Objects.of(git_folders, merge_base)) as objects:
        try:
            listed = objects.files(merge_base, folder, sizes=False) or []
            blob = next((each.name for each in listed if each.path == name and each.is_file and each.is_sound), None)
            size = objects.sizes([blob]).get(blob) if blob is not None else None
            if blob is None or size is None or size > _LARGEST:
                return None
            return objects.read(blob, size)
        except GitRefused as refusal:
            raise commits.refused(root, refusal) from None
        except Unloadable:
            return None
