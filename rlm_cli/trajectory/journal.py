"""Writes down every call as it is made, so that a run that is killed at any moment can be resumed.

    Recording(client)     a ModelClient around another: a reply is on record before anybody has seen it
    FileJournal           the same record as the engine sees it (seams.Journal): what to repeat, what to note

A message is written once a sitting, however many requests hold it: the root model's repeat all that came before. What
cannot be written ends the record, with a warning, and not the run.
"""

import hashlib
import time
from collections.abc import Callable
from dataclasses import replace
from threading import Lock
from typing import Any

from rlm_cli.errors import ModelError
from rlm_cli.plain_values import to_plain
from rlm_cli.seams import ModelClient, Recorded, Rest
from rlm_cli.trajectory.past import Past, lookup_of, plain_error
from rlm_cli.types import Message, Reply, Request, Usage


class FileJournal:
    """The record of one run: the past of a resumed one, and what is added to it."""

    def __init__(self, append: Callable[[dict[str, Any]], None], clock: Callable[[], float], past: Past | None) -> None:
        """`append` writes a line and may be called by any thread; `clock`: seconds into the run."""
        self._append = append
        self._clock = clock
        self._past = past
        self._repeating = Lock()
        """Child runs repeat theirs side by side, and one may leave the record meanwhile."""
        self._left = past is None
        self._messages: set[str] = set()
        """Digests of those that are written."""
        self._replies: set[str] = set()
        """Keys of those that are written."""

    # --- what the engine asks --------------------------------------------------------------------------------------

    def replayed(self, request: Request) -> Recorded | None:
        with self._repeating:
            return self._past.repeat(request) if self._past is not None else None

    def told(self, place: str) -> str | None:
        return self._past.told.get(place) if self._past is not None else None

    def note(self, place: str, text: str) -> None:
        self._write({"told": place, "text": text})

    def leave(self) -> Rest | None:
        with self._repeating:
            if self._left or self._past is None:
                return None
            self._left = True
            return self._past.leave()

    def unfit(self) -> int:
        return self._past.unfit if self._past is not None else 0

    # --- what the client is asked, and answers ---------------------------------------------------------------------

    def known(self, request: Request) -> Reply | None:
        """Return the reply that an earlier sitting had to an equal request, at whatever place."""
        return self._past.replies.get(request.key()) if self._past is not None else None

    def asked(self, call: "_Call", messages: tuple[Message, ...]) -> None:
        self._write({**call, "messages": [[each.role, self._message(each)] for each in messages]})

    def recalled(self, request: Request, reply: Reply) -> None:
        """Write down a reply that was known, unless the whole stands there already."""
        if request.key() not in self._replies:
            call = call_of(request)
            self.asked(call, request.messages)
            self.replied(call, request.key(), reply, 0.0)

    def replied(self, call: "_Call", key: str, reply: Reply, seconds: float) -> None:
        self._replies.add(key)
        self._write({**call, "key": key, "seconds": seconds, "reply": to_plain(reply)})

    def failed(self, call: "_Call", error: ModelError, seconds: float) -> None:
        self._write({**call, "seconds": seconds, "failure": plain_error(error)})

    def _message(self, message: Message) -> str:
        digest = hashlib.sha256(message.text.encode("utf-8", "surrogatepass")).hexdigest()
        if digest not in self._messages:
            # Two threads may both write it: it is read by its digest.
            self._append({"message": digest, "text": message.text})
            self._messages.add(digest)
        return digest

    def _write(self, line: dict[str, Any]) -> None:
        self._append({"at": round(self._clock(), 3), **line})


class Recording:
    """A ModelClient around another that puts every call on record."""

    def __init__(self, inner: ModelClient, journal: FileJournal) -> None:
        self._inner = inner
        self._journal = journal

    def complete(self, request: Request) -> Reply:
        call = call_of(request)
        self._journal.asked(call, request.messages)
        started = time.monotonic()
        try:
            reply = self._inner.complete(request)
        except ModelError as error:
            self._journal.failed(call, error, time.monotonic() - started)
            raise
        self._journal.replied(call, request.key(), reply, time.monotonic() - started)
        return reply

    def recall(self, request: Request) -> Reply | None:
        known = None if request.fresh else self._journal.known(request)
        if known is not None:
            return replace(known, usage=Usage(cached_calls=1), cached=True, lost=0)
        reply = self._inner.recall(request)
        if reply is not None:
            self._journal.recalled(request, reply)
        return reply

    def close(self) -> None:
        self._inner.close()


_Call = dict[str, Any]


def call_of(request: Request) -> _Call:
    """Return what each line about a call begins with."""
    path, lookup = lookup_of(request)
    return {"path": path, "lookup": lookup, "role": request.role, "model": request.spec.model}
