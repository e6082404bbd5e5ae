"""What the user may say about loading."""

from dataclasses import dataclass, field

from rlm_cli.confinement import Level


@dataclass(frozen=True, slots=True)
class LoadOptions:
    """How folders are searched; a file that the user names is loaded whatever these say."""

    include: tuple[str, ...] = ()
    """Gitignore patterns, relative to the input folder: only what they match is loaded. Empty: everything."""
    exclude: tuple[str, ...] = ()
    """Gitignore patterns, relative to the input folder: what they match is left out."""
    gitignore: bool = True
    """Leave out what git ignores."""
    hidden: bool = False
    """Load what starts with a dot, too. An include pattern with a dotted part shows what it matches all the same."""
    generated: bool = True
    """Load generated, vendored, minified and lock files too; they are marked."""
    max_file_size: int = 20_000_000
    """Bytes."""
    exact_tokens: bool = False
    """Count the tokens of each document rather than estimate them from a sample: 0.1 s a million characters."""
    rev: str | None = None
    """Read folders, which must lie in git repositories, as of this revision."""
    base: str | None = None
    """Mark what changed since the merge base with this revision."""
    changed_only: bool = False
    """Load only what changed since `base`."""
    passwords: tuple[str, ...] = field(default=(), repr=False)
    """Tried in order on every encrypted PDF; never shown, never recorded."""
    require_sandbox: Level | None = None
    """How much of a sandbox the reader of PDFs must have; None: whatever the system has."""
