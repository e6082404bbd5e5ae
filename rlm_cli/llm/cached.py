"""Replies of earlier runs in place of calls: a layer of the client, and the file behind it as far as it can be had.

Covered: which replies are kept and which are given; that whatever is wrong with the file is a miss and one warning.
Not covered: the file (cache_file.py), equal prompts within a run (layers.py).
"""

import threading
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from rlm_cli.llm.cache_place import ASIDE, PATIENCE, CacheFailed, beside, cache_path, put_aside
from rlm_cli.llm.offline_client import is_offline
from rlm_cli.seams import ModelClient
from rlm_cli.types import Reply, Request, Usage

if TYPE_CHECKING:
    from rlm_cli.llm.cache_file import CacheFile


class KeptReplies:
    """The file as one run sees it: opened when it is first needed, given up when it fails."""

    def __init__(self, refresh: bool = False, path: Path | None = None, patience: float = PATIENCE) -> None:
        """`refresh`: nothing is given, so that all is asked anew; what is answered is kept.

        `patience`: seconds to wait for another process that is writing.
        """
        self._patience = patience
        self._path = path or cache_path()
        self._refresh = refresh
        self._lock = threading.Lock()
        self._file: CacheFile | None = None
        self._tried = False
        self._writes = True
        self._warning: str | None = None

    @property
    def warnings(self) -> tuple[str, ...]:
        """What went wrong first: one warning, or none."""
        return (self._warning,) if self._warning is not None else ()

    def find(self, request: Request) -> Reply | None:
        """Return the reply to an equal request of an earlier run, its usage as it was billed then."""
        if self._refresh or not _concerns(request):
            return None
        file = self._opened()
        if file is None:
            return None
        try:
            return file.find(request.key())
        except CacheFailed as failed:
            self._give_up(file, failed, reading=True)
            return None

    def keep(self, request: Request, reply: Reply) -> None:
        """Keep a reply that a later run may be given."""
        if not _concerns(request) or not _lasting(reply):
            return
        file = self._opened()
        if file is None or not self._writes:
            return
        try:
            file.keep(request.key(), reply)
        except CacheFailed as failed:
            self._give_up(file, failed, reading=False)

    def close(self) -> None:
        """Let the file go; later calls find and keep nothing. May be called twice."""
        with self._lock:
            file, self._file, self._tried = self._file, None, True
        if file is None:
            return
        try:
            file.close(notes_uses=self._writes)
        except CacheFailed as failed:
            self._warn(f"nothing more is written to the cache: {self._path}: {failed}")

    def _opened(self) -> "CacheFile | None":
        with self._lock:
            if not self._tried:
                self._tried = True
                self._file = self._open()
            return self._file

    def _open(self) -> "CacheFile | None":
        try:
            # Not before it is needed, and some builds of Python come without sqlite3.
            from rlm_cli.llm.cache_file import CacheFile
        except ImportError as missing:
            self._warn(f"the cache is not used: {missing}")
            return None
        try:
            return CacheFile(self._path, patience=self._patience)
        except CacheFailed as failed:
            if failed.scope != "file":
                self._warn(f"the cache is not used: {self._path}: {failed}")
                return None
            self._put_aside(failed, "a new one is begun")
        try:
            return CacheFile(self._path, patience=self._patience)
        except CacheFailed as failed:
            self._warn(f"the cache is not used: {self._path}: {failed}")
            return None

    def _give_up(self, file: "CacheFile", failed: CacheFailed, reading: bool) -> None:
        """Do without the reply, without writing, or without the file: no more than the failure asks for."""
        if failed.scope == "reply":
            self._warn(f"the cache {self._path}: {failed}")
            return
        with self._lock:
            if self._file is not file:
                return  # closed, or given up by another thread
            if failed.scope == "access" and not reading:
                self._writes = False
                self._warn(f"nothing more is written to the cache: {self._path}: {failed}")
                return
            self._file = None
            if failed.scope == "file":
                self._put_aside(failed, "a new one is begun with the next run")
            else:
                self._warn(f"the cache is not used: {self._path}: {failed}")
        with suppress(CacheFailed):
            file.close(notes_uses=False)

    def _put_aside(self, failed: CacheFailed, then: str) -> None:
        try:
            put_aside(self._path, failed.inode)
        except OSError as error:
            self._warn(f"the cache is not used: {self._path}: {failed}; it cannot be put aside: {error.strerror}")
        else:
            self._warn(f"the cache was damaged ({failed}): it is now {beside(self._path, ASIDE)}; {then}")

    def _warn(self, warning: str) -> None:
        self._warning = self._warning or warning


class Cached:
    """Gives replies that earlier runs were billed for, and keeps those that this one is. A ModelClient around another.

    Kept is what the model that was asked has said, whole: no error, no refusal, no reply that was cut, none of another
    model that stood in, none of a call that wants a reply of its own.
    """

    def __init__(self, inner: ModelClient, kept: KeptReplies) -> None:
        self._inner = inner
        self._kept = kept

    def complete(self, request: Request) -> Reply:
        reply = self._inner.complete(request)
        self._kept.keep(request, reply)
        return reply

    def recall(self, request: Request) -> Reply | None:
        found = self._kept.find(request)
        if found is None:
            return self._inner.recall(request)
        saved = Usage(cached_calls=1, earlier_calls=1, saved_usd=found.usage.cost_usd)
        return replace(found, usage=saved, cached=True)

    def close(self) -> None:
        """End what goes on; the file is closed by whoever opened it."""
        self._inner.close()


def _concerns(request: Request) -> bool:
    """The request may be answered from an earlier run: an offline model answers the same at once, and for nothing."""
    return request.spec.cache and not request.fresh and not is_offline(request.spec)


def _lasting(reply: Reply) -> bool:
    return bool(reply.text.strip()) and not reply.truncated and not reply.cached and reply.model is None
