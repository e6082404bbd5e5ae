"""The file of kept replies as SQLite sees it: its tables, its settings, and how one is begun.

A new file is made whole beside its place and then put there, so that no process ever finds half of one.
"""

import contextlib
import os
import secrets
import sqlite3
from pathlib import Path
from urllib.parse import quote

from rlm_cli.llm.cache_place import COMPANIONS, PATIENCE, CacheFailed, beside

LARGEST = 16_000_000
"""Bytes of one reply."""
_LOG = 4_000_000
"""Bytes that the log is cut back to."""
_APPLICATION, _VERSION = 0x726C6D43, 1
_SCHEMA = f"""
    PRAGMA journal_mode = WAL;
    BEGIN;
    CREATE TABLE replies (
        number INTEGER PRIMARY KEY, key BLOB NOT NULL UNIQUE, turn INTEGER NOT NULL, stored_at REAL NOT NULL,
        size INTEGER NOT NULL);
    CREATE INDEX by_turn ON replies (turn);
    CREATE TABLE bodies (number INTEGER PRIMARY KEY, digest BLOB NOT NULL, body BLOB NOT NULL);
    CREATE TABLE account (since REAL, served INTEGER, saved REAL, unpriced INTEGER);
    PRAGMA application_id = {_APPLICATION};
    PRAGMA user_version = {_VERSION};
    COMMIT;
"""
_SETTINGS = f"""
    PRAGMA synchronous = NORMAL;
    PRAGMA journal_size_limit = {_LOG};
    PRAGMA trusted_schema = OFF;
    PRAGMA cell_size_check = ON;
    PRAGMA mmap_size = 0;
    PRAGMA temp_store = MEMORY;
"""


def begin(path: Path, now: float) -> None:
    """Make an empty file beside its place and put it there whole, unless another process was quicker."""
    made = beside(path, f".{secrets.token_hex(6)}.new")
    try:
        number = os.open(made, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        os.fchmod(number, 0o600)
        os.close(number)
        with contextlib.closing(connect(made, PATIENCE)) as connection:
            connection.executescript(_SCHEMA)
            connection.execute("INSERT INTO account VALUES (?, 0, 0, 0)", (now,))
        try:
            path.hardlink_to(made)
        except FileExistsError:
            return
        except OSError:  # a file system without hard links
            if not path.exists():
                made.rename(path)
    finally:
        for suffix in ("", *COMPANIONS):
            beside(made, suffix).unlink(missing_ok=True)


def connect(path: Path, patience: float) -> sqlite3.Connection:
    """Open a file that is there; `patience`: seconds to wait for another process that is writing."""
    name = f"file:{quote(os.fsencode(path))}?mode=rw"
    connection = sqlite3.connect(name, timeout=patience, isolation_level=None, check_same_thread=False, uri=True)
    try:
        connection.text_factory = bytes
        connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, 4 * LARGEST)
        connection.executescript(_SETTINGS)
    except BaseException:
        connection.close()
        raise
    return connection


def check_version(connection: sqlite3.Connection, inode: int) -> None:
    """Raise CacheFailed unless the file is one of ours, and of this version."""
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if application == _APPLICATION and version == _VERSION:
        return
    if application == _APPLICATION and version > _VERSION:
        raise CacheFailed("a newer rlm wrote it")
    if application == _APPLICATION or application == version == 0:
        raise CacheFailed("it is unfinished, or an older rlm wrote it", "file", inode)
    raise CacheFailed("it is no cache of rlm")
