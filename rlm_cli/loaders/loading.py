"""Reads what was found into one Context, and keeps the account of what was skipped.

Covered: the order of inputs and files, skips, token counts, the message when there is no text. Not covered: finding
files (sources.py, listing.py), what becomes of one (reading.py), what is said of it (remarks.py), the Context itself.
"""

import errno
import os
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import tee
from typing import BinaryIO

from rlm_cli.context import Context, header, shown_path
from rlm_cli.context_writer import ContextWriter
from rlm_cli.errors import InputError
from rlm_cli.loaders import remarks
from rlm_cli.loaders.naming import Named, prefixes
from rlm_cli.loaders.options import LoadOptions
from rlm_cli.loaders.reading import Reading
from rlm_cli.loaders.sources import Source, Store, find_source, without_duplicates
from rlm_cli.loaders.tree import Unloadable
from rlm_cli.secrets import SecretSearch, secret_file
from rlm_cli.tokens import count_each, count_tokens, estimate_tokens
from rlm_cli.types import Secret, Skipped

_DEFAULT = LoadOptions()
_OFTEN = 0.2
"""Seconds."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """What came of the inputs."""

    context: Context
    warnings: tuple[str, ...]
    """What the user should know, one line each, safe to print."""
    secrets: tuple[Secret, ...] = ()
    """What looks like a key or a login; its value is nowhere."""


@dataclass(frozen=True, slots=True)
class Reached:
    """How far a load has come."""

    files: int
    all_files: int
    bytes: int
    """Of text."""


def load(
    inputs: Sequence[str],
    options: LoadOptions = _DEFAULT,
    stdin: BinaryIO | None = None,
    watch: Callable[[Reached], None] | None = None,
) -> Loaded:
    """Load files, folders and streams (`-`: `stdin`) into one Context. `watch` hears several times a second.

    Raises InputError when an input does not exist, cannot be read or is no text, and when all together hold none;
    UsageError for a pattern that can match nothing, SandboxError where the reader of PDFs has less than is required.
    """
    with ExitStack() as closing:
        sources = []
        for typed in inputs:
            sources.append(find_source(typed, options, stdin))
            closing.callback(sources[-1].close)
        without_duplicates(sources)
        loading = _Load(options, sum(len(source.files) for source in sources), watch)
        closing.callback(loading.close)
        fronts = prefixes([Named(source.base, [*map(source.path, source.files)]) for source in sources])
        loading.note_base(options.base, [source.merge_base for source in sources if source.merge_base is not None])
        for source, front in zip(sources, fronts, strict=True):
            loading.read(source, front)
        return loading.loaded(inputs, [warning for source in sources for warning in source.warnings])


class _Load:
    """One context in the making, and the account of what it lacks."""

    def __init__(self, options: LoadOptions, files: int, watch: Callable[[Reached], None] | None) -> None:
        self._options = options
        self._files = files
        self._done = 0
        self._watch = watch
        self._watched = time.monotonic()
        self._writer = ContextWriter(several=files > 1)
        self._noticed = remarks.Noticed()
        self._reading = Reading(self._writer, options, self._noticed)
        self._skipped: list[Skipped] = []
        self._changed: list[Skipped] = []
        """Those of them that the branch has changed, or that hold what it has."""
        self._base: str | None = None

    def close(self) -> None:
        """Give the text back unless it has become a Context."""
        self._reading.close()
        self._writer.discard()

    def read(self, source: Source, front: str) -> None:
        """Read all files of an input. `front` stands before their paths."""
        touched = _with_folders(source.touched)
        for path, why in source.skipped.items():
            self._skip(front + source.path(path), why, path in touched)
        if not source.files:
            return
        limit = None if source.named else self._options.max_file_size
        with source.opened() as store:
            for file in source.files:
                self._read(source, store, file, front + source.path(file), limit)
                self._done += 1
                if self._watch is not None and time.monotonic() > self._watched + _OFTEN:
                    self._watched = time.monotonic()
                    self._watch(Reached(self._done, self._files, self._writer.size))

    def _read(self, source: Source, store: Store, file: str, path: str, limit: int | None) -> None:
        try:
            descriptor = store.open(file, limit)
            try:
                self._reading.add(path, descriptor, limit, source.in_a_shell(file))
                if source.changed is not None:
                    self._reading.mark_changes(source.changed.get(file, ()), file in source.wholly_changed)
            finally:
                os.close(descriptor)
        except Unloadable as why:
            refusal = remarks.refusal(source.shown, why.reason, source.in_a_shell(file)) if source.named else None
            if refusal is not None:
                raise refusal from None
            self._skip(path, why, file in source.touched)
        except OSError as error:
            if source.named:
                raise InputError(f"{source.shown} cannot be read: {error.strerror}") from None
            gone = isinstance(error, FileNotFoundError | NotADirectoryError) or error.errno == errno.ELOOP
            deleted = gone and source.listed_by_git
            unread = Unloadable("deleted") if deleted else Unloadable("unreadable", failed=True)
            self._skip(path, unread, file in source.touched)

    def _skip(self, path: str, why: Unloadable, changed: bool) -> None:
        self._skipped.append(Skipped(shown_path(path), why.reason, why.failed))
        if changed:
            self._changed.append(self._skipped[-1])

    def loaded(self, inputs: Sequence[str], warnings: list[str]) -> Loaded:
        """Make the Context. Raises InputError when there is no text."""
        if self._reading.blank:
            raise self._without_text()
        self._reading.name_papers()
        context = self._finished(inputs)
        found = tuple(_secrets(context))
        unread = [*remarks.on_unread(self._skipped), *remarks.on_changed(self._changed)]
        told = [*unread, *self._noticed.told(), *remarks.on_secrets(found)]
        return Loaded(context, (*warnings, *told), found)

    def note_base(self, base: str | None, commits: Iterable[str]) -> None:
        """Say what the documents' changes count from."""
        named = ", ".join(dict.fromkeys(commit[:12] for commit in commits))
        self._base = f"{shown_path(base)} (merge base {named})" if base is not None and named else None

    def _finished(self, inputs: Sequence[str]) -> Context:
        writer = self._writer
        if not self._options.exact_tokens:
            return writer.finish(inputs, self._skipped, estimate_tokens(writer.read, writer.size), base=self._base)
        numbers, texts = tee(writer.texts())
        tokens = [0] * len(writer.paths)
        for (number, _), count in zip(numbers, count_each(text for _, text in texts), strict=True):
            tokens[number] += count
        headers = "".join(map(header, writer.paths)) if len(tokens) > 1 else ""
        total = count_tokens(headers) + sum(tokens)
        return writer.finish(inputs, self._skipped, total, tokens_exact=True, document_tokens=tokens, base=self._base)

    def _without_text(self) -> InputError:
        reasons = Counter(each.reason for each in self._skipped).most_common()
        listed = ", ".join(f"{count:,} {reason}" for reason, count in reasons)
        hints = [remarks.HINTS[reason] for reason, _ in reasons if reason in remarks.HINTS]
        return InputError(
            f"the inputs hold no text; skipped: {listed}" if listed else "the inputs hold no text",
            hints[0] if hints else None,
        )


def _with_folders(files: frozenset[str]) -> set[str]:
    """Return files with the folders they lie in, which end in a slash: a folder is skipped as one."""
    ends = ((file, at + 1) for file in files for at, each in enumerate(file) if each == "/")
    return {*files, *(file[:end] for file, end in ends)}


def _secrets(context: Context) -> Iterator[Secret]:
    for document in context.documents:
        kind = secret_file(document.path)
        if kind is not None:
            yield Secret(kind, document.path)
    # One search for all: a token never reaches over a header.
    search = SecretSearch()
    found = [each for piece in context.pieces() for each in search.feed(piece)]
    for kind, byte in [*found, *search.finish()]:
        yield Secret(kind, *context.locate_byte(byte))
