"""What the user named -> the files and streams to read, before anything of them is read.

Covered: files, folders, archives, pipes, standard input; what does not exist or cannot be opened.
Not covered: reading (loading.py).
"""

import os
import stat
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, Protocol, Self

from rlm_cli.context import shown_path
from rlm_cli.errors import InputError, UsageError
from rlm_cli.loaders.archive import Archive, archive_kind
from rlm_cli.loaders.changes import changes
from rlm_cli.loaders.decoding import PIECE
from rlm_cli.loaders.listing import list_folder
from rlm_cli.loaders.options import LoadOptions
from rlm_cli.loaders.repository import root_of
from rlm_cli.loaders.revision import Revision
from rlm_cli.loaders.selection import Selection
from rlm_cli.loaders.tree import Tree, Unloadable

_NARROW = "name its folder, and the file with -i"


class Store(Protocol):
    """Where the files of an input lie."""

    def open(self, path: str, limit: int | None = None) -> int:
        """Return a descriptor of a file, to be closed by the caller.

        Raises OSError, and Unloadable for what is no file, or has more than `limit` bytes.
        """
        ...

    def __enter__(self) -> Self: ...

    def __exit__(self, *_: object) -> None: ...


@dataclass(slots=True)
class Source:
    """One input: the files it stands for, and what it leaves out."""

    typed: str
    base: str = ""
    """The folder that paths count from, absolute and free of links; "" for a stream."""
    inner: str = ""
    """From `base` to the input folder, with `/` at its end."""
    files: list[str] = field(default_factory=list)
    """Relative to the input folder; a single file's or a stream's is its name."""
    skipped: dict[str, Unloadable] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)
    listed_by_git: bool = False
    folder: str | None = None
    """The input folder, absolute and free of links."""
    single: Path | None = None
    """The single file, absolute and free of links."""
    stream: int | None = None
    """A descriptor of a file that holds all that the stream had."""
    archive: Archive | None = None
    """The files in it are the input's."""
    revision: Revision | None = None
    """The commit that a folder is read as of."""
    changed: dict[str, tuple[tuple[int, int], ...]] | None = None
    """File -> its lines that changed since the base that was asked for; None: none was."""
    wholly_changed: frozenset[str] = frozenset()
    """Changed files whose lines git cannot tell."""
    touched: frozenset[str] = frozenset()
    """Files that are new, changed or moved since that base, read or not; of too large ones nobody can tell."""
    merge_base: str | None = None
    """The commit that changes count from."""

    @property
    def named(self) -> bool:
        """The user named this very file: it has no limit, and what is wrong with it is an error."""
        return self.folder is None and (self.archive is None or self.archive.single)

    def opened(self) -> Store:
        """Return where its files are read from: opened when its turn comes, since there may be many inputs."""
        if self.archive is not None or self.revision is not None:
            store = self.archive or self.revision
            assert store is not None
            return store
        return Tree(self.folder) if self.folder is not None else _Single(self.single, self.stream)

    @property
    def shown(self) -> str:
        return "standard input" if self.typed == "-" else shown_path(self.typed)

    def in_a_shell(self, file: str) -> str | None:
        """Return what leads to one of its files in a shell; None where nothing does."""
        if self.stream is not None or self.archive is not None or self.revision is not None:
            return None
        if self.folder is None:
            return self.typed
        return self.typed + file if self.typed.endswith("/") else f"{self.typed}/{file}"

    def path(self, file: str) -> str:
        """Return the document's path, before it is told from others."""
        return self.inner + (file if self.archive is None else self.archive.path(file))

    def place(self, file: str) -> str:
        """Return what is the same for the same file, by whatever input it was reached."""
        if self.single is not None:
            return str(self.single)
        return f"{self.base}/{self.inner}{file}" if self.base else self.typed

    def close(self) -> None:
        if self.stream is not None:
            os.close(self.stream)
            self.stream = None
        for store in (self.archive, self.revision):
            if store is not None:
                store.close()


class _Single:
    """The one file of an input."""

    def __init__(self, path: Path | None, stream: int | None) -> None:
        self._path = path
        self._stream = stream

    def open(self, path: str, limit: int | None = None) -> int:
        if self._path is not None:
            return os.open(self._path, os.O_RDONLY | os.O_CLOEXEC)
        assert self._stream is not None
        return os.dup(self._stream)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass


def find_source(typed: str, options: LoadOptions, stdin: BinaryIO | None) -> Source:
    """Return what an input stands for. Raises InputError, and UsageError for a useless pattern."""
    if typed == "-":
        if stdin is None:
            raise InputError("there is no standard input to read")
        return _streamed(typed, "stdin", _spooled(stdin, "standard input"), options)
    try:
        if not typed or "\0" in typed:
            raise FileNotFoundError
        if Path(typed).is_dir() or (options.rev is not None and not Path(typed).exists()):
            return _folder(typed, options)
        if options.rev is not None or options.base is not None:
            option = "--rev" if options.rev is not None else "--base"
            raise UsageError(f"{option} is for folders in a git repository, and {_shown(typed)} is a file", _NARROW)
        return _file(typed, options)
    except (FileNotFoundError, NotADirectoryError):
        raise InputError(f"{_shown(typed)} does not exist") from None
    except OSError as error:
        raise InputError(f"{_shown(typed)} cannot be read: {error.strerror}") from None


def _shown(typed: str) -> str:
    shown = shown_path(typed)
    return shown if 0 < len(shown) <= 200 else f"{shown[:200]!r}"


def _folder(typed: str, options: LoadOptions) -> Source:
    folder = os.path.realpath(typed)
    root = root_of(folder)
    if root is None and (options.rev is not None or options.base is not None):
        if not Path(typed).is_dir():
            raise FileNotFoundError
        option = "--rev" if options.rev is not None else "--base"
        raise UsageError(f"{option} is for folders in a git repository, and {_shown(typed)} lies in none")
    base = root or folder
    inner = "" if folder == base else os.path.relpath(folder, base) + "/"
    if root is not None and options.rev is not None:
        source = _as_of(typed, root, folder, inner, options)
        try:
            _mark_changes(source, root, folder, options)
        except BaseException:
            source.close()
            raise
        return source
    with Tree(folder) as tree:
        listing = list_folder(tree, root, options)
    source = Source(
        typed,
        base=base,
        inner=inner,
        files=listing.files,
        skipped=listing.skipped,
        warnings=listing.warnings,
        listed_by_git=listing.listed_by_git,
        folder=folder,
    )
    if root is not None:
        _mark_changes(source, root, folder, options)
    return source


def _as_of(typed: str, root: str, folder: str, inner: str, options: LoadOptions) -> Source:
    """Return a folder as of a revision: what git has in it is never ignored, so that only the user's patterns count."""
    assert options.rev is not None
    selection = Selection(options)
    revision = Revision(root, folder, options.rev)
    source = Source(typed, root, inner, warnings=revision.warnings, folder=folder, revision=revision)
    source.skipped = dict(revision.skipped)
    for file in revision.files:
        verdict = selection.file(file)
        if verdict.reason is None:
            source.files.append(file)
        else:
            source.skipped[verdict.path] = Unloadable(verdict.reason)
    return source


def _mark_changes(source: Source, root: str, folder: str, options: LoadOptions) -> None:
    """Find out what changed since the merge base with the base that was asked for."""
    if options.base is None:
        return
    found = changes(root, folder, options.base, options.rev, options.max_file_size)
    source.changed = found.ranges
    source.wholly_changed = frozenset(found.binary)
    source.merge_base = found.merge_base
    source.warnings += found.warnings
    touched = source.touched = frozenset([*found.ranges, *found.binary, *found.renamed])
    if options.changed_only:
        source.skipped |= {file: Unloadable("unchanged") for file in source.files if file not in touched}
        source.files = [file for file in source.files if file in touched]


def _file(typed: str, options: LoadOptions) -> Source:
    name = Path(typed).name
    descriptor = os.open(typed, os.O_RDONLY | os.O_NOCTTY | os.O_CLOEXEC)
    with os.fdopen(descriptor, "rb") as file:
        mode = os.fstat(descriptor).st_mode
        if stat.S_ISREG(mode):
            # Opened again when its turn comes: there may be more of them than a process may hold open.
            place = os.path.realpath(typed)
            unpacked = _unpacked(typed, name, place, descriptor, options)
            base = os.path.realpath(Path(typed).parent)
            return unpacked or Source(typed, base=base, files=[name], single=Path(place))
        if stat.S_ISFIFO(mode) or file.isatty():
            return _streamed(typed, name, _spooled(file, _shown(typed)), options)
    raise InputError(f"{_shown(typed)} is neither a file nor a folder nor a pipe")


def _streamed(typed: str, name: str, stream: int, options: LoadOptions) -> Source:
    """Return what a stream stands for, of which all is in the file `stream`."""
    kept = False
    try:
        unpacked = _unpacked(typed, name, "", stream, options)
        kept = unpacked is None
        return unpacked or Source(typed, files=[name], stream=stream)
    finally:
        if not kept:
            os.close(stream)


def _unpacked(typed: str, name: str, base: str, descriptor: int, options: LoadOptions) -> Source | None:
    """Return the files of an archive; None for what is none. `base`: what its paths count from."""
    kind = archive_kind(os.pread(descriptor, 512, 0), name)
    if kind is None:
        return None
    archive = Archive(descriptor, kind, name, options)
    return Source(
        typed, base=base, files=archive.files, skipped=archive.skipped, warnings=archive.warnings, archive=archive
    )


def _spooled(stream: BinaryIO, shown: str) -> int:
    """Return a descriptor of an unlinked file that holds all of the stream: text may need a second look."""
    with tempfile.TemporaryFile(prefix="rlm-") as file:
        while True:
            try:
                piece = stream.read(PIECE)
            except OSError as error:
                raise InputError(f"{shown} cannot be read: {error.strerror}") from None
            if not piece:
                break
            try:
                file.write(piece)
                file.flush()
            except OSError as error:
                raise InputError(
                    f"cannot keep {shown} in a temporary file: {error.strerror}",
                    "free some space, or point TMPDIR at a folder that has it",
                ) from None
        return os.dup(file.fileno())


def without_duplicates(sources: Sequence[Source]) -> None:
    """Let each file, and each skip, belong to the first input that reaches it; later inputs skip the file."""
    seen: set[str] = set()
    for source in sources:
        skipped = {path: why for path, why in source.skipped.items() if source.place(path) not in seen}
        again = {file for file in source.files if source.place(file) in seen}
        source.files = [file for file in source.files if file not in again]
        source.skipped = skipped | {file: Unloadable("duplicate input") for file in again}
        seen.update(map(source.place, (*source.files, *skipped)))
