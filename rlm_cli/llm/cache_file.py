"""Replies in one SQLite file: looked up by key, checked by digest, kept within a size.

Covered: several processes and threads at once, damage, which replies go first, what they have saved. Not covered: its
tables (cache_layout.py); whose file it may be (cache_place.py); which replies are worth keeping, and what a failure
means for a run (cached.py).

A reader never waits for a writer (WAL), nor a writer long for another: each transaction is one reply. Nothing goes by
the clock but what a person is told: "used last" is a number that only rises.
"""

import contextlib
import hashlib
import json
import math
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rlm_cli.llm.cache_layout import LARGEST, begin, check_version, connect
from rlm_cli.llm.cache_place import ASIDE, CAP, COMPANIONS, PATIENCE, CacheFailed, beside, check_file, make_folder
from rlm_cli.types import Reply, Usage

_AT_ONCE = 64
"""Replies that go, and uses that are noted, when one is stored: so that no call waits for a great clearing."""
_ROW = 150
"""Bytes that a reply takes beside its text, about."""
_SEAL = b"rlm reply 1\n"
_FIND = "SELECT digest, body FROM replies JOIN bodies USING (number) WHERE key = ?"
_NEXT = "(SELECT coalesce(max(turn), 0) + 1 FROM replies)"


@dataclass(frozen=True, slots=True)
class Contents:
    """What a file holds, and what it has been good for."""

    replies: int
    size: int
    """Bytes on disk, the log and what was put aside included."""
    oldest: float | None
    """When the oldest reply was stored, in seconds since 1970; None: there is none."""
    since: float
    """When the file was begun."""
    served: int
    """How often a reply was given again."""
    saved_usd: float
    """What those replies had been billed when they were made, as far as that was known."""
    unpriced: int
    """How many of those served had no known price."""
    aside: int
    """Bytes of a damaged file that was put aside."""


class CacheFile:
    """One open file. Every method may be called from any thread, and raises CacheFailed for all that goes wrong."""

    def __init__(
        self, path: Path, cap: int = CAP, clock: Callable[[], float] = time.time, patience: float = PATIENCE
    ) -> None:
        """Open the file, and begin it where there is none."""
        self._cap, self._clock = cap, clock
        self._reading, self._writing = threading.Lock(), threading.Lock()
        self._used: dict[bytes, float | None] = {}
        """Replies that were given since uses were noted last, and what each had cost."""
        self.inode = 0
        with _failures(self), contextlib.ExitStack() as stack:
            make_folder(path)
            if check_file(path) is None:
                begin(path, clock())
            self.inode = check_file(path) or 0
            self._reader = stack.enter_context(contextlib.closing(connect(path, patience)))
            check_version(self._reader, self.inode)
            self._writer = stack.enter_context(contextlib.closing(connect(path, patience)))
            (self._page_size,) = self._writer.execute("PRAGMA page_size").fetchone()
            stack.pop_all()

    def find(self, key: str) -> Reply | None:
        """Return the reply that was kept under `Request.key()`, its usage as it was billed."""
        name = bytes.fromhex(key)
        with _failures(self):
            with self._reading:
                row = self._reader.execute(_FIND, (name,)).fetchone()
            if row is None:
                return None
            digest, body = row
            if not isinstance(body, bytes) or digest != _digest(name, body):
                raise CacheFailed("a reply in it is damaged, and is asked for anew", "reply", self.inode)
            reply = _read(body)
            with self._reading:
                self._used[name] = reply.usage.cost_usd
        return reply

    def keep(self, key: str, reply: Reply) -> None:
        """Store a reply in place of any older one, and let the least recently used go when there are too many."""
        name, body = bytes.fromhex(key), _written(reply)
        if len(body) > LARGEST:
            return
        with _failures(self), self._transaction() as execute:
            row = execute("SELECT number FROM replies WHERE key = ?", (name,)).fetchone()
            if row is not None:
                execute("DELETE FROM replies WHERE number = ?", row)
                execute("DELETE FROM bodies WHERE number = ?", row)
            stored = execute(
                f"INSERT INTO replies (key, turn, stored_at, size) VALUES (?, {_NEXT}, ?, ?)",
                (name, self._clock(), len(body)),
            ).lastrowid
            execute("INSERT OR REPLACE INTO bodies VALUES (?, ?, ?)", (stored, _digest(name, body), body))
            self._note_uses(execute, _AT_ONCE)
            self._make_room(execute, stored)

    def contents(self, path: Path) -> Contents:
        """Return what is in the file, which lies at `path`."""
        with _failures(self), self._reading:
            (replies,) = self._reader.execute("SELECT count(*) FROM replies").fetchone()
            (oldest,) = self._reader.execute("SELECT min(stored_at) FROM replies").fetchone()
            since, served, saved, unpriced = self._reader.execute("SELECT * FROM account").fetchone()
            size = sum(_size(beside(path, suffix)) for suffix in ("", *COMPANIONS, ASIDE))
            return Contents(
                int(replies),
                size,
                float(oldest) if oldest is not None else None,
                float(since),
                int(served),
                float(saved),
                int(unpriced),
                _size(beside(path, ASIDE)),
            )

    def clear(self, older_than: float | None = None) -> int:
        """Remove all replies, or those stored more than `older_than` seconds ago; return how many."""
        with _failures(self), self._transaction() as execute:
            if older_than is None:
                (removed,) = execute("SELECT count(*) FROM replies").fetchone()
                execute("DELETE FROM replies")
                execute("DELETE FROM bodies")
                execute("UPDATE account SET since = ?, served = 0, saved = 0, unpriced = 0", (self._clock(),))
            else:
                old = (self._clock() - older_than,)
                execute("DELETE FROM bodies WHERE number IN (SELECT number FROM replies WHERE stored_at < ?)", old)
                removed = execute("DELETE FROM replies WHERE stored_at < ?", old).rowcount
        return int(removed)

    def shrink(self) -> None:
        """Give back to the disk what removed replies have left."""
        with _failures(self), self._writing:
            self._writer.execute("VACUUM")
            self._writer.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def close(self, notes_uses: bool = True) -> None:
        """Close, when the uses that are not noted yet have been, unless that is not wanted; may be called twice."""
        try:
            if self._used and notes_uses:
                with _failures(self), self._transaction() as execute:
                    self._note_uses(execute, len(self._used))
        finally:
            with self._writing, self._reading:  # in the order of a transaction that notes uses
                self._used.clear()
                for connection in (self._reader, self._writer):
                    with contextlib.suppress(sqlite3.Error):
                        connection.close()

    @contextmanager
    def _transaction(self) -> Iterator[Callable[..., sqlite3.Cursor]]:
        with self._writing:
            try:
                self._writer.execute("BEGIN IMMEDIATE")
                yield self._writer.execute
                self._writer.execute("COMMIT")
            except BaseException:  # an interrupt too: what is left open would keep every other process from writing
                if self._writer.in_transaction:
                    with contextlib.suppress(sqlite3.Error):
                        self._writer.execute("ROLLBACK")
                raise

    def _note_uses(self, execute: Callable[..., sqlite3.Cursor], most: int) -> None:
        with self._reading:
            names = list(self._used)[:most]
            costs = [self._used.pop(name) for name in names]
        if not names:
            return
        for name in names:
            execute(f"UPDATE replies SET turn = {_NEXT} WHERE key = ?", (name,))
        execute(
            "UPDATE account SET served = served + ?, saved = saved + ?, unpriced = unpriced + ?",
            (len(costs), sum(each for each in costs if each is not None), costs.count(None)),
        )

    def _make_room(self, execute: Callable[..., sqlite3.Cursor], newest: int | None) -> None:
        (pages,) = execute("PRAGMA page_count").fetchone()
        (free,) = execute("PRAGMA freelist_count").fetchone()
        beyond = (pages - free) * self._page_size - self._cap
        if beyond <= 0:
            return
        oldest = execute("SELECT number, size FROM replies ORDER BY turn LIMIT ?", (_AT_ONCE,)).fetchall()
        for number, size in oldest:
            if beyond <= 0 or number == newest:
                return
            execute("DELETE FROM replies WHERE number = ?", (number,))
            execute("DELETE FROM bodies WHERE number = ?", (number,))
            beyond -= size + _ROW


def _digest(name: bytes, body: bytes) -> bytes:
    return hashlib.sha256(_SEAL + name + body).digest()


def _written(reply: Reply) -> bytes:
    usage = reply.usage
    counts = [usage.input_tokens, usage.cached_input_tokens, usage.output_tokens, usage.cost_usd]
    return json.dumps({"text": reply.text, "usage": counts}, ensure_ascii=False).encode("utf-8", "surrogatepass")


def _read(body: bytes) -> Reply:
    plain: dict[str, Any] = json.loads(body.decode("utf-8", "surrogatepass"))
    given, cached, taken, cost = plain["usage"]
    cost = float(cost) if cost is not None and math.isfinite(cost) and cost >= 0 else None
    return Reply(str(plain["text"]), Usage(1, 0, int(given), int(cached), int(taken), cost))


def _size(path: Path) -> int:
    try:
        return path.lstat().st_size
    except FileNotFoundError:
        return 0


@contextmanager
def _failures(file: CacheFile) -> Iterator[None]:
    """Turn whatever goes wrong with a file that anything may have happened to into a CacheFailed."""
    try:
        yield
    except sqlite3.Error as error:
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF
        damaged = code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB) or str(error).startswith("no such")
        busy = code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
        raise CacheFailed(str(error), "file" if damaged and file.inode else "access", file.inode, busy) from error
    except OSError as error:
        raise CacheFailed(error.strerror or str(error)) from error
    except MemoryError as error:
        raise CacheFailed("no memory is left") from error
    except (ArithmeticError, LookupError, RecursionError, TypeError, ValueError) as error:
        raise CacheFailed(type(error).__name__, "file" if file.inode else "access", file.inode) from error
