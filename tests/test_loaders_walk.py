"""The walk and its rules against git itself: over generated trees and patterns, both must leave out the same.

Not covered: patterns with many wildcards, which the walk does not follow and says so.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.repositories import git, grow, repository

from rlm_cli.loaders import LoadOptions, load
from rlm_cli.loaders.found import Listing
from rlm_cli.loaders.git_settings import global_ignore_file
from rlm_cli.loaders.listing import list_folder
from rlm_cli.loaders.tree import Tree
from rlm_cli.patterns import Rules

pytestmark = pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")
__all__ = ["repository"]  # a fixture

PARTS = ["a", "b", "ab", "a b", "A", "*", "a*", "*b", "?", "[ab]", "[!a]", "[^b]", "[a-c]b", "[]a]", "[z-a]", "[a",
         "[\\]]", "[!]]", "\\!", "\\#", "#", "\\a", "\\*", "a\\", "a.b", "*.b", "**", "a**", "**b", "a**b", "é", "??",
         "[é]", "\udcff", "-n", "a\tb", "[a/b]", "[[]", "[a-]", "[-a]", "!", "\\[a]", "*a*", "\\ ",
         "a\\ b"]  # fmt: skip
ODD = ["", "#a", "/", "!", "**", "*", "!*", "!*/", "*/", "\\", "//", "!/", "/*", "!/a", "a//b", "./a", "a/../b"]
ATOMS = ["a", "b", "*", "**", "?", "/", "\\", "[", "]", "!", "^", "-", "[ab]", "[!a]", "[^/]", "[a-c]", "[[:alpha:]]",
         "[[:digit:]-z]", "[[:x:]]", "[:a:]", "[[:space:]", "é", "\udcff", " ", "#", ".", "\\*", "\\ ", "**/", "/**",
         "/**/", "[]a]", "[a\\]]", "[\\\\-a]", "[--0]", "\t", "A", "1", "{", "(", "+", "$", "|", "\r"]  # fmt: skip
NAMES = ["a", "b", "ab", "a b", "*", "[", "a.b", "]", "-", "\\", "A", "!", "#", "a ", "aab", "1", "é", "\udcff", "-n",
         "a\nb", "a\tb", "[a", " ", "!a", "#a", "a\r", "a]", "^", ".b", "c", "{", "$"]  # fmt: skip
composed = st.builds(
    "{}{}{}{}".format,
    st.sampled_from(["", "", "!", "\\!"]),
    st.sampled_from(["", "", "/", "**/", "/**/", " "]),
    st.lists(st.sampled_from(PARTS), min_size=1, max_size=3).map("/".join),
    st.sampled_from(["", "", "/", "/**", "/*", " ", "\\ ", "  ", "\\ /", "\r", "/ ", "\\\\", "\t"]),
)
lines = st.one_of(composed, st.sampled_from(ODD), st.lists(st.sampled_from(ATOMS), max_size=6).map("".join))
rules = st.lists(lines, min_size=1, max_size=5).map("\n".join)


def asked(folder: Path, *arguments: str, said: bytes = b"") -> list[str]:
    done = subprocess.run(["git", "-C", folder, *arguments, "-z"], check=False, capture_output=True, input=said)
    assert done.returncode <= 1, done.stderr
    return [os.fsdecode(name) for name in done.stdout.split(b"\0") if name]


def ignored_by_git(folder: Path, names: list[str]) -> set[str]:
    return set(asked(folder, "check-ignore", "--no-index", "--stdin", said=b"\0".join(map(os.fsencode, names))))


def walked(folder: Path, root: Path, monkeypatch: pytest.MonkeyPatch) -> Listing:
    with monkeypatch.context() as patch, Tree(str(folder)) as tree:
        patch.setenv("PATH", str(root / ".git"))  # where there is no git
        return list_folder(tree, str(root), LoadOptions(hidden=True))


@pytest.fixture(scope="module")
def forest(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository with a file at many pairings of odd names."""
    root = tmp_path_factory.mktemp("forest").resolve()
    git(root, "init", "-q")
    for number, one in enumerate(NAMES):
        for two in NAMES[number % 5 :: 5]:
            grow(root, **{f"{one}/{two}/{NAMES[len(one + two)]}": "x", f"{one}/f{two}": "x"})
        grow(root, **{f"x{one}": "x"})
    return root


GLOBAL = "the user's"
PLACES = [
    ".gitignore",
    "a/.gitignore",
    "a b/.gitignore",
    "é/.gitignore",
    "A/\\/.gitignore",
    ".git/info/exclude",
    GLOBAL,
]


@settings(max_examples=120, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    st.dictionaries(st.sampled_from([*PLACES, GLOBAL]), rules, min_size=1, max_size=3),
    st.sampled_from(["", "", "a", "a b", "é"]),
)
def test_the_walk_leaves_out_exactly_what_git_does(
    forest: Path, own_home: Path, monkeypatch: pytest.MonkeyPatch, contents: dict[str, str], below: str
) -> None:
    ours = own_home / ".config/git/ignore"
    files = {ours if place == GLOBAL else forest / place: content for place, content in contents.items()}
    for file, content in files.items():
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(os.fsencode(content))
    try:
        folder = forest / below
        by_git, every = asked(folder, "ls-files", "-co", "--exclude-standard"), asked(folder, "ls-files", "-o")
        ignored = ignored_by_git(folder, every)
        listing = walked(folder, forest, monkeypatch)
    finally:
        for file in files:
            file.unlink()
    assert sorted(listing.files) == sorted(by_git)
    left_out = tuple(path for path, why in listing.skipped.items() if why.reason == "ignored")
    folders = tuple(path for path in left_out if path.endswith("/"))
    assert {path for path in every if path in left_out or path.startswith(folders)} == ignored


@settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    st.lists(rules.filter(lambda text: not Rules(text.split("\n")).not_followed), min_size=40, max_size=40),
    st.lists(st.lists(st.sampled_from(NAMES), min_size=1, max_size=3).map("/".join), min_size=20, max_size=20),
)
def test_each_rule_decides_as_git_s_does(
    tmp_path_factory: pytest.TempPathFactory, contents: list[str], names: list[str]
) -> None:
    root = tmp_path_factory.getbasetemp() / "rules"
    if not root.exists():
        root.mkdir()
        git(root, "init", "-q")
    expected = set()
    for number, content in enumerate(contents):
        (root / str(number)).mkdir(exist_ok=True)
        (root / str(number) / ".gitignore").write_bytes(os.fsencode(content))
        parsed = Rules.parse(os.fsencode(content))
        for name in names:
            parts = name.split("/")
            # None of these is there: git takes the last part for a file, those before it for folders.
            uppers = ("/".join(parts[:count]) for count in range(1, len(parts)))
            if any(parsed.decide(upper, folder=True) for upper in uppers) or parsed.decide(name, folder=False):
                expected.add(f"{number}/{name}")
    every = [f"{number}/{name}" for number in range(len(contents)) for name in names]
    assert expected == ignored_by_git(root, every)


@pytest.mark.parametrize(
    "pattern", ["*a" * 40 + "b", "/" + "**/a/" * 30 + "b", "/" + "**/*a*/" * 20 + "b", "?*" * 40 + "b"]
)
def test_a_pattern_made_to_hang_decides_at_once(pattern: str) -> None:
    # In a process of its own: what hangs in a regular expression cannot be interrupted.
    code = (
        "import sys; from rlm_cli.patterns import Rules\n"
        "for path in ('a' * 255, '/'.join('a' * 100), '/'.join(['a' * 250] * 8)):\n"
        "    assert Rules([sys.argv[1]]).decide(path, True) is None"
    )
    subprocess.run([sys.executable, "-c", code, pattern], check=True, timeout=60)


def test_rules_read_what_editors_leave_behind() -> None:
    windows = Rules.parse("\ufeff*.log\r\nbuild/\r\n".encode())
    assert windows.decide("a.log", folder=False) is True
    assert windows.decide("build", folder=True) is True
    assert windows.decide("build", folder=False) is None
    assert Rules.parse(b"# only a comment\n\n").decide("x", folder=False) is None


# --- the user's own ignore file --------------------------------------------------------------------------------------

SETTINGS = [
    "[core]\n\texcludesFile = ~/mine\n",
    "[CORE] EXCLUDESFILE=~/mine ; comment",
    '[core]\nexcludesfile = "~/my ignore file" # comment\n',
    "[core]\nexcludesfile = ~/other\n[user]\nname = x\n[core]\nexcludesfile = ~/mine\n",
    '[core "sub"]\nexcludesfile = ~/other\n[user]\nexcludesfile = ~/other\n',
    "[core]\nexcludesfile = ~/\\\nmine\n",
    "\ufeff[core]\r\n\texcludesFile = ~/mine   \r\n",
    '[core]\nexcludesfile = "~/m"ine\\"\n',
    "[core]\nexcludesfile =\n",
    "[core]\nbare\nexcludesfile = relative/mine\n",
    '# [core]\n; x\n[user] name = "a;b#c"\n[core]\nexcludesfile = ~/mine#\n',
    "",
]


@pytest.mark.parametrize("content", SETTINGS)
@pytest.mark.parametrize("file", [".gitconfig", ".config/git/config"])
def test_the_user_s_ignore_file_is_found_where_git_finds_it(
    repository: Path, own_home: Path, content: str, file: str
) -> None:
    (own_home / file).parent.mkdir(parents=True, exist_ok=True)
    (own_home / file).write_bytes(content.encode())
    told = subprocess.run(
        ["git", "-C", repository, "config", "--type=path", "core.excludesFile"], check=False, capture_output=True
    )
    assert told.returncode in (0, 1), told.stderr
    value = os.fsdecode(told.stdout.removesuffix(b"\n"))
    expected = own_home / ".config/git/ignore" if told.returncode == 1 else repository / value if value else None
    assert global_ignore_file(str(repository)) == expected


def test_the_user_s_ignore_file_gives_way_to_the_repository_s(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    grow(tmp_path, settings=f"[core]\n\texcludesFile = {tmp_path}/mine\n", mine="*.log\n/only/\n*.tmp\n")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(tmp_path / "settings"))
    grow(repository, **{"a.log": "x", "a.tmp": "x", "only/b": "x", "sub/only/c": "x", ".gitignore": "!a.log\n"})
    grow(repository / "inner", **{"a.log": "x", "b": "x"})
    listing = walked(repository, repository, monkeypatch)
    expected = [".gitignore", "a.log", "inner/b", "sub/only/c"]
    assert [path for path in listing.files if path != "inner/a.log"] == expected
    assert sorted(asked(repository, "ls-files", "-o", "--exclude-standard")) == sorted(listing.files)
    # A repository within has rules of its own, and the user's: there, only the root of that one is rooted.
    git(repository / "inner", "init", "-q")
    grow(repository / "inner", **{"only/d": "x"})
    assert walked(repository, repository, monkeypatch).files == expected
    outside = tmp_path / "no repository"
    grow(outside, **{"a.log": "x"})
    assert [each.path for each in load([str(outside)]).context.documents] == ["a.log"]
