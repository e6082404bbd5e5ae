"""Ignore rules against pathspec's, where that reads patterns as git does: no negation, brackets or `?`, names in ASCII.

Git itself is what the rules are held to (test_loaders_git.py); this is a second opinion that needs no git.
"""

from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pathspec import GitIgnoreSpec

from rlm_cli.loaders import LoadOptions
from rlm_cli.loaders.listing import list_folder
from rlm_cli.loaders.tree import Tree

NAMES = st.sampled_from(["a", "b", "ab", "a.py", "b.log"])
PATHS = st.lists(NAMES, min_size=1, max_size=3).map("/".join)
PATTERNS = st.builds(
    "{}{}{}".format,
    st.sampled_from(["", "/", "**/"]),
    st.sampled_from(["a", "b", "ab", "*.py", "a*", "a/b", "a/*", "*", "a/**", "b.log", "**/a/b"]),
    st.sampled_from(["", "", "/"]),
)


def kept_by_pathspec(files: set[str], lines: list[str]) -> list[str]:
    """Return what is left when an ignored folder is not entered, as git does it."""
    spec = GitIgnoreSpec.from_lines(lines)

    def ignored(path: str) -> bool:
        parts = path.split("/")
        folders = ("/".join(parts[:number]) + "/" for number in range(1, len(parts)))
        return any(map(spec.match_file, folders)) or spec.match_file(path)

    return sorted(path for path in files if not ignored(path))


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(files=st.sets(PATHS, min_size=1, max_size=8), lines=st.lists(PATTERNS, max_size=4))
def test_the_walk_and_pathspec_keep_the_same_files(tmp_path: Path, files: set[str], lines: list[str]) -> None:
    # A name cannot be both a file and a folder.
    files = {path for path in files if not any(other.startswith(f"{path}/") for other in files)}
    root = tmp_path / str(abs(hash((tuple(sorted(files)), tuple(lines)))))
    for path in files:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text("x")
    (root / ".gitignore").write_text("".join(f"{line}\n" for line in lines))
    with Tree(str(root)) as tree:
        listing = list_folder(tree, None, LoadOptions())
    assert sorted(listing.files) == kept_by_pathspec(files, lines)
