"""What the calls of a recorded run came to, read back so that a resumed run need not make them again.

A record may end in the middle of a line, hold several sittings one after the other (of what was said twice the later
holds), and be damaged: a line that is not as it was written is passed over and counted.
"""

import json
import re
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, get_args

from rlm_cli import errors
from rlm_cli.budget import is_possible
from rlm_cli.errors import EmptyReply, ModelError
from rlm_cli.plain_files import open_plain
from rlm_cli.plain_values import from_plain, to_plain
from rlm_cli.seams import Recorded, Rest, Unanswered
from rlm_cli.trajectory.sealed_lines import opened
from rlm_cli.types import Message, Reply, Request, Role, Usage

_ADDRESS = re.compile(r"\b0x[0-9a-f]{6,16}\b")
"""Where an object lies in memory is part of how Python shows it, and another place each time."""
_MESSAGE = b'{"message"'
_AGES = 1e10
"""Seconds; no run takes so long."""
_MANY = 100_000
"""Attempts; no call takes so many."""
_LAST_WORD = "0/0"
_STEP = re.compile(r"/(\d+)(?=[. ]|$)")
"""An iteration in a call path, or in a place that begins with one."""


def lookup_of(request: Request) -> tuple[str, str]:
    """Return what a call is looked up by: its path, and its key whatever addresses of memory its messages show."""
    if not any("0x" in each.text for each in request.messages):
        return request.path, request.key()
    messages = tuple(Message(each.role, _ADDRESS.sub("0x", each.text)) for each in request.messages)
    return request.path, replace(request, messages=messages).key()


@dataclass(slots=True)
class _Call:
    """One call, made perhaps in several sittings."""

    role: Role
    model: str
    messages: tuple[tuple[Any, str], ...] = ()
    """(role, sha256 of the text) each."""
    asked: int = 0
    ended: int = 0
    outcome: Reply | ModelError | None = None
    usage: Usage = field(default_factory=Usage)
    """Of all that ended."""
    lost: int = 0
    """Attempts whose end nobody knows, in all of those."""
    seconds: float = 0.0
    at: float = 0.0
    of_last_word: bool = False
    settled: bool = False
    """The run went on from it: a failure that is not is tried again."""
    repeated: bool = False
    counted: bool = False
    """What it cost was counted as spent when the record was left."""

    @property
    def cached(self) -> bool:
        return isinstance(self.outcome, Reply) and self.outcome.cached

    @property
    def recorded(self) -> Recorded | None:
        usage, lost = (self.unpaid, 0) if self.counted else (self.usage, self.unknown)
        if isinstance(self.outcome, Reply):
            return Recorded(replace(self.outcome, usage=usage), lost, self.seconds, self.at, self.counted)
        if self.outcome is None or not self.settled:
            return None
        self.outcome.usage = usage if self.usage != Usage() else None
        return Recorded(self.outcome, lost, self.seconds, self.at, self.counted)

    @property
    def paid(self) -> Usage:
        """What of its usage was paid for."""
        return replace(self.usage, cached_calls=0, earlier_calls=0, saved_usd=0.0)

    @property
    def unpaid(self) -> Usage:
        usage = self.usage
        return Usage(cached_calls=usage.cached_calls, earlier_calls=usage.earlier_calls, saved_usd=usage.saved_usd)

    @property
    def unknown(self) -> int:
        """How many attempts may be billed and nobody knows."""
        return self.lost + max(0, self.asked - self.ended)


class Past:
    """The calls of a record, and what was told to the model besides."""

    def __init__(self, path: Path) -> None:
        """Read all of a file. Raises OSError."""
        self._path = path
        self._calls: dict[tuple[str, str], _Call] = {}
        self._failed: list[tuple[str, _Call]] = []
        """(path, call) of those that the run has not gone on from yet."""
        self.replies: dict[str, Reply] = {}
        """By `Request.key()`, the first of each."""
        self.told: dict[str, str] = {}
        self._latest: dict[str, int] = {}
        """The path of a run -> the iteration that its model was asked for last."""
        self.at = 0.0
        """Seconds into the run, all sittings together."""
        self.end = 0
        """Bytes up to the end of the last whole line."""
        self.damaged = 0
        """Lines that are not as they were written."""
        with open_plain(path) as lines:
            for line in lines:
                if not line.endswith(b"\n"):
                    break
                self._read(opened(line))
                self.end += len(line)

    @property
    def calls(self) -> int:
        """How many calls have an end on record."""
        return sum(each.outcome is not None for each in self._calls.values())

    @property
    def usage(self) -> Usage:
        """What they were billed."""
        return sum((each.usage for each in self._calls.values()), Usage())

    def repeat(self, request: Request) -> Recorded | None:
        """Return what this call came to, and mark it as repeated."""
        call = self._calls.get(lookup_of(request))
        recorded = call.recorded if call is not None else None
        if call is not None and recorded is not None:
            call.repeated = True
        return recorded

    @property
    def unfit(self) -> int:
        """How many paid replies have not been repeated; the last word, which is another one each time, aside."""
        fitting = [call for call in self._calls.values() if isinstance(call.outcome, Reply) and not call.cached]
        return sum(not call.repeated and not call.of_last_word for call in fitting)

    def leave(self) -> Rest:
        """Return what has not been repeated, which is counted from now on."""
        usage: dict[Role, Usage] = {"root": Usage(), "sub": Usage()}
        subcalls = 0
        for (path, _), call in self._calls.items():
            if not call.repeated:
                call.counted = True
                usage[call.role] += call.paid
                subcalls += call.usage.calls if _of_subcall(path) else 0
        open_calls = [call for call in self._calls.values() if call.counted for _ in range(call.unknown)]
        texts = self._texts({digest for call in open_calls for _, digest in call.messages})
        unanswered = []
        for call in open_calls:
            messages = tuple(Message(role, texts.get(digest, "")) for role, digest in call.messages)
            unanswered.append(Unanswered(call.role, call.model, messages))
        repeated = sum(call.repeated for call in self._calls.values())
        return Rest(usage, tuple(unanswered), subcalls, repeated, self.at)

    def forget_limits(self) -> None:
        """Forget what was told of the limits at last, and not gone on from: they are others now."""
        for place in [each for each in self.told if self._is_of_limits(each)]:
            del self.told[place]

    def _is_of_limits(self, place: str) -> bool:
        """Tell whether that was said of the limits at last: what is told before an iteration, or refused in it."""
        path, *words = place.split(" ")
        last = not words or words[0].startswith("#")
        if not last and words[0] != "refused":
            return False
        # Findings are checked after all iterations, at the place of the last word.
        latest = path == _LAST_WORD or all(number == self._latest.get(run) for run, number in _steps(path))
        return latest and (path not in self._latest or not last)

    def _read(self, line: bytes | None) -> None:
        if line is None:
            self.damaged += 1
        elif not line.startswith(_MESSAGE):  # they are most of the file, and hardly any is needed
            try:
                self._take(json.loads(line))
            except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
                self.damaged += 1

    def _take(self, line: dict[str, Any]) -> None:
        self.at = max(self.at, _seconds(line.get("at", 0.0)))
        if "told" in line:
            self.told[str(line["told"])] = str(line["text"])
        elif "path" in line:
            path = str(line["path"])
            if line["role"] not in get_args(Role):
                raise ValueError(f"there is no role {line['role']!r}")
            new = _Call(line["role"], str(line["model"]), of_last_word=path == _LAST_WORD)
            call = self._calls.setdefault((path, str(line["lookup"])), new)
            if "messages" in line:
                self._ask(call, path, line["messages"])
            else:
                self._end(call, path, line)

    def _ask(self, call: _Call, path: str, messages: list[Any]) -> None:
        call.asked += 1
        call.messages = tuple((role, str(digest)) for role, digest in messages)
        steps = _steps(path)
        if _of_subcall(path) or not steps or steps[-1][1] == 0:
            return
        # The run has gone on to this iteration with what those before it had come to.
        run, number = steps[-1]
        self._latest[run] = number
        if call.asked == 1:  # with another history than in an earlier sitting
            self.told = {place: text for place, text in self.told.items() if _iteration(place, run) < number}
        for place, failed in self._failed:
            failed.settled = failed.settled or 0 <= _iteration(place, run) < number
        self._failed = [each for each in self._failed if not each[1].settled]

    def _end(self, call: _Call, path: str, line: dict[str, Any]) -> None:
        came = from_plain(Reply, line["reply"]) if "reply" in line else _error(line["failure"])
        usage, lost = came.usage or Usage(), came.lost + (isinstance(came, ModelError) and came.unknown)
        seconds, at = _seconds(line["seconds"]), _seconds(line["at"])
        if not 0 <= lost < _MANY or not is_possible(usage):
            raise ValueError("no call comes to that")
        call.outcome, call.seconds, call.at = came, seconds, at
        call.ended += 1
        call.usage += usage
        call.lost += lost
        if isinstance(came, Reply):
            self.replies.setdefault(str(line["key"]), came)
        else:
            # What is asked beside an iteration (0/7.0) comes before it: the run that asks for that one has gone on.
            [*_, (run, number)] = _steps(path) or [("", 0)]
            self._failed.append((f"{run}/{number - 1}" if path.endswith(".0") else path, call))

    def _texts(self, digests: set[str]) -> dict[str, str]:
        """Return the texts of messages; read again, since all together they may be as large as the input."""
        texts = {}
        with open_plain(self._path) as lines:
            for line in map(opened, lines) if digests else ():
                if line is not None and line.startswith(_MESSAGE):
                    message = json.loads(line)
                    if message["message"] in digests:
                        texts[message["message"]] = str(message["text"])
        return texts


def plain_error(error: ModelError) -> dict[str, Any]:
    """Return a failure as JSON's values."""
    return {
        "kind": type(error).__name__,
        "message": str(error),
        "hint": error.hint,
        "usage": to_plain(error.usage),
        "lost": error.lost,
        "truncated": isinstance(error, EmptyReply) and error.truncated,
    }


def _error(plain: dict[str, Any]) -> ModelError:
    kind = getattr(errors, str(plain["kind"]), None)
    if not (isinstance(kind, type) and issubclass(kind, ModelError)):
        raise ValueError(f"{plain['kind']} is no failure of a model")
    usage = None if plain["usage"] is None else from_plain(Usage, plain["usage"])
    error = kind(str(plain["message"]), plain["hint"], usage=usage)
    error.lost = int(plain["lost"])
    if isinstance(error, EmptyReply):
        error.truncated = bool(plain["truncated"])
    return error


def _seconds(plain: Any) -> float:
    seconds = float(plain)
    if not 0 <= seconds < _AGES:
        raise ValueError(f"{seconds} s is no time")
    return seconds


def _of_subcall(path: str) -> bool:
    """Tell whether it is a sub-call's path: not that of an iteration, nor of what is asked beside one (.0)."""
    return "." in path.rpartition("/")[2] and not path.endswith(".0")


def _steps(path: str) -> list[tuple[str, int]]:
    """Return the iterations that a path leads through: (path of the run, number), from the root run on."""
    return [(path[: found.start()], int(found[1])) for found in _STEP.finditer(path)]


def _iteration(path: str, run: str) -> int:
    """Return the iteration of a run that a path, or a place, lies in; 0: the last word, -1: none."""
    found = _STEP.match(path, len(run)) if path.startswith(run) else None
    return int(found[1]) if found else -1
