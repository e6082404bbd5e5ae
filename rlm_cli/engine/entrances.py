"""Where one begins to read a repository: its manifests, its instructions, what is started.

Covered: names that say so, in the usual ecosystems; the shallowest first. Not covered: what stands in them, tests and
examples.
"""

import re
from collections.abc import Sequence

from rlm_cli.types import Document

_MOST = 12
_PATH = 120
_NAMES = (
    r"readme(\.\w{1,8})?",
    r"pyproject\.toml|setup\.(py|cfg)|package\.json|cargo\.toml|go\.mod|pom\.xml|build\.gradle(\.kts)?|gemfile|"
    r"composer\.json|mix\.exs|[\w.-]{1,60}\.(csproj|sln|gemspec|cabal)|cmakelists\.txt|makefile|requirements\.txt",
    r"__main__\.py|manage\.py|wsgi\.py|asgi\.py|(main|app|server|cli|index|program|application)\.\w{1,5}|urls\.py|"
    r"routes?\.\w{1,5}",
    r"dockerfile|docker-compose\.ya?ml|compose\.ya?ml|procfile|serverless\.ya?ml",
    r"contributing\.\w{1,8}|architecture\.\w{1,8}|security\.\w{1,8}|changelog\.\w{1,8}",
)
"""By what they are good for, the first to be read first; in small letters."""
_ASIDE = frozenset("test tests testdata fixtures example examples samples benchmarks node_modules vendor docs".split())
"""Folders in which programs begin that are not the one that is read."""
_EACH = 4
"""Of one kind that are named."""


def entrances(documents: Sequence[Document]) -> list[str]:
    """Return paths of files to begin with, bounded."""
    found: list[str] = []
    own = [each for each in documents if each.mark is None and _ASIDE.isdisjoint(each.path.lower().split("/")[:-1])]
    for names in _NAMES:
        pattern = re.compile(names)
        those = [each.path for each in own if pattern.fullmatch(each.path.rsplit("/", 1)[-1].lower())]
        those.sort(key=lambda path: (path.count("/"), path))
        found += [path for path in those[:_EACH] if len(path) <= _PATH]
    return found[:_MOST]
