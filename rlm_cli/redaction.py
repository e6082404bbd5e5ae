"""Puts a token such as `<SECRET:github-token:1>` in the place of each secret of a text, and the secret back.

Covered: the secrets that secret_spans.py tells, wherever they stand, and parts of twelve characters and more of those
that have been seen whole, as `<SECRET:github-token:1:0-14>`: cut output, slices, lines of a key. `learn` sees all of
the context, so that a prompt which holds only a part of a secret is no surprise. Not covered: what code has made of a
secret (reversed, spelt out, encoded), shorter parts, and beginnings that all secrets of a kind have.

The same secret has the same token for as long as the Redactor lives. Those of the context are numbered in its order;
others as they come, which may differ from run to run where calls go side by side.

Hostile text cannot make a token mean anything: what looks like one in a text is hidden as well (`<SECRET:text:1>`, not
counted), and comes back as it was. What it can get is that a model writes a token that stands elsewhere, and so names a
secret without having seen it: on this side, in code that could read the context anyhow, and never on the wire, where
each secret in a prompt is a token again. It can also bring false secrets, which cost what finding them costs.
"""

import json
import re
import threading
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from rlm_cli.needles import BLOCK, Needles
from rlm_cli.secret_spans import LONGEST, Span, spans_in

_TOKEN = re.compile(r"<SECRET:[a-z0-9-]{1,40}:\d{1,9}(?::\d{1,9}-\d{1,9})?>")
_TOKEN_BYTES = re.compile(_TOKEN.pattern.encode())
_BEGINNING = "<SECRET:"
_SHORT = {"AWS access key id": "aws-key", "AWS secret access key": "aws-secret", "JSON web token": "jwt"}
_LOOK_ALIKE = "text"

_PART = 12
"""Characters of a secret that are hidden without the rest; two fewer at its beginning or end."""
_END_PART = 10
_UNIT = 6
"""Characters that are searched for: any 11 of a secret hold one of its units whole."""
_SHARED = 16
"""Secrets that may have a unit in common: one that more have tells nothing, and is not searched for in the others."""
_MOST_UNITS = 20_000
"""In one search."""
_FEW_UNITS = 2_500
_FEW_SEARCHES = 6
_KEPT = 1024
"""Bytes before a place by which a secret there is told."""
_REMEMBERED = 100_000
"""Characters of a text whose redaction is kept: a root model's messages come back in each of its requests."""
_MOST_REMEMBERED = 20_000_000
"""Characters of all such texts."""


@dataclass(frozen=True, slots=True)
class _Known:
    """A secret that has been seen."""

    kind: str
    value: bytes
    core: int
    """Where in the value that begins which others of its kind do not have."""
    name: str
    """Its token, without the brackets."""

    def token(self, start: int, end: int) -> bytes:
        whole = (start, end) == (0, len(self.value))
        return f"<{self.name}>".encode() if whole else f"<{self.name}:{start}-{end}>".encode()


class _Search:
    """Finds some known secrets, and parts of them, by their units."""

    def __init__(self, secrets: list[_Known]) -> None:
        self.secrets = secrets
        self._owners: dict[bytes, list[tuple[_Known, int]]] = {}
        for secret in secrets:
            last = len(secret.value) - _UNIT
            # The last one, too: so that less than 11 will do at its end, as it does at its beginning.
            for at in {*range(min(secret.core, max(0, last)), last + 1, _UNIT), max(0, last)}:
                owners = self._owners.setdefault(secret.value[at : at + _UNIT], [])
                if len(owners) < _SHARED:
                    owners.append((secret, at))
        self.units = len(self._owners)
        self._needles = Needles(list(self._owners)) if self._owners else None

    def found(self, text: bytes) -> Iterator[tuple[int, int, _Known, int]]:
        """Yield (start, end, secret, where in the secret it starts) of what is to be hidden; some may overlap."""
        if self._needles is None:
            return
        for first, last, units in self._needles.blocks(text):
            for unit in sorted(units):
                at = text.find(unit, first, last + _UNIT - 1)
                while at >= 0:
                    reached = at + 1
                    for secret, inside in self._owners[unit]:
                        start, end = _spread(text, at, secret.value, inside)
                        begins = inside - (at - start)
                        if _counts(secret, begins, end - start):
                            yield start, end, secret, begins
                            reached = max(reached, end)
                    at = text.find(unit, reached, last + _UNIT - 1)


def _spread(text: bytes, at: int, value: bytes, inside: int) -> tuple[int, int]:
    """Return how far text and secret agree around a unit that both have."""
    start, before = at, inside
    while start > 0 and before > 0 and text[start - 1] == value[before - 1]:
        start, before = start - 1, before - 1
    end, behind = at + _UNIT, inside + _UNIT
    while end < len(text) and behind < len(value) and text[end] == value[behind]:
        end, behind = end + 1, behind + 1
    return start, end


def _counts(secret: _Known, begins: int, length: int) -> bool:
    """So much of a secret is to be hidden; the beginning that others have too does not count."""
    size, ends = len(secret.value), begins + length
    if length == size:
        return True
    own = ends - max(begins, secret.core)
    at_an_end = begins <= secret.core or ends == size
    return own >= (_END_PART if at_an_end else _PART)


class Redactor:
    """Hides secrets and brings them back. Any number of threads may use it at once."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._known: dict[bytes, _Known] = {}
        self._numbers: Counter[str] = Counter()
        self._texts: dict[str, str] = {}
        """Token -> what it stands for: those that were given out."""
        self._left: dict[str, str] = {}
        """Name -> kind of each secret that was."""
        self._searches: tuple[_Search, ...] = ()
        self._remembered: dict[str, str] = {}
        self._remembered_size = 0

    @property
    def hidden(self) -> Mapping[str, int]:
        """How many secrets of each kind tokens were given out for, the most frequent kind first."""
        with self._lock:
            counts = Counter(self._left.values())
        return MappingProxyType(dict(sorted(counts.items(), key=lambda each: (-each[1], each[0]))))

    @property
    def knows_any(self) -> bool:
        """At least one secret has been seen."""
        return bool(self._known)

    def learn(self, pieces: Iterable[bytes]) -> None:
        """See all secrets of a text that comes in pieces, cut anywhere, whichever of them will be sent."""
        window, seen, new = b"", 0, list[_Known]()
        for piece in pieces:
            window += piece
            settled = len(window) - LONGEST
            if settled - seen < BLOCK:
                continue
            seen = max(settled, self._see(window, seen, settled, new))
            kept = max(0, settled - _KEPT)
            window, seen = window[kept:], seen - kept
        self._see(window, seen, len(window), new)
        self._search_for(new)

    def hide(self, text: str) -> str:
        """Return the text with a token in the place of each secret."""
        if len(text) > _REMEMBERED:
            return self._hidden(text)
        known = self._remembered.get(text)
        if known is None:
            known = self._hidden(text)
            with self._lock:
                self._remembered_size += len(text)
                if self._remembered_size > _MOST_REMEMBERED:
                    self._remembered, self._remembered_size = {}, len(text)
                self._remembered[text] = known
        return known

    def restore(self, text: str, in_json: bool = False) -> str:
        """Return the text with each token that was given out as what it stands for; `in_json`: within JSON's texts."""
        if _BEGINNING not in text:
            return text

        def known(token: re.Match[str]) -> str:
            secret = self._texts.get(token[0], token[0])
            return json.dumps(secret, ensure_ascii=False)[1:-1] if in_json else secret

        return _TOKEN.sub(known, text)

    def _hidden(self, text: str) -> str:
        content = text.encode("utf-8", "surrogatepass")
        new: list[_Known] = []
        places = [*self._look_alikes(content, new), *self._whole(content, new)]
        self._search_for(new)
        if self._searches:
            rest = _without(content, places)
            for search in self._searches:
                places += search.found(rest)
        if not places:
            return text
        parts, reached = list[bytes](), 0
        for start, end, secret, begins in sorted(places, key=lambda each: (each[0], -each[1], each[2].name)):
            # Where two overlap, what the first leaves of the second is hidden as a part of it.
            begins, start = begins + max(0, reached - start), max(start, reached)
            if end > start:
                parts += (content[reached:start], self._given_out(secret, begins, begins + end - start))
                reached = end
        return b"".join([*parts, content[reached:]]).decode("utf-8", "surrogatepass")

    def _look_alikes(self, content: bytes, new: list[_Known]) -> Iterator[tuple[int, int, _Known, int]]:
        if _BEGINNING.encode() in content:
            for match in _TOKEN_BYTES.finditer(content):
                yield *match.span(), self._registered(_LOOK_ALIKE, match[0], 0, False, new), 0

    def _whole(self, content: bytes, new: list[_Known]) -> Iterator[tuple[int, int, _Known, int]]:
        for span in spans_in(content):
            secret, begins = self._seen(span, content, new), 0
            for start, end in span.pieces:
                yield start, end, secret, begins
                begins += end - start

    def _see(self, window: bytes, first: int, last: int, new: list[_Known]) -> int:
        """Return where the last secret that begins between two places ends."""
        end = 0
        for span in spans_in(window, first, last):
            self._seen(span, window, new)
            end = span.pieces[-1][1]
        return end

    def _seen(self, span: Span, content: bytes, new: list[_Known]) -> _Known:
        return self._registered(span.kind, span.value(content), span.core, span.spreads, new)

    def _registered(self, kind: str, value: bytes, core: int, spreads: bool, new: list[_Known]) -> _Known:
        """Return what is known of a secret. Adds to `new` what is to be searched for from now on."""
        with self._lock:
            known = self._known.get(value)
            if known is None:
                slug = _SHORT.get(kind) or kind.lower().replace(" ", "-")
                self._numbers[slug] += 1
                known = _Known(kind, value, core, f"SECRET:{slug}:{self._numbers[slug]}")
                self._known[value] = known
                if spreads:
                    new.append(known)
        return known

    def _search_for(self, new: list[_Known]) -> None:
        if not new:
            return
        with self._lock:
            # Each search takes its time over a prompt, and making one some milliseconds for a thousand units.
            most = _FEW_UNITS if len(self._searches) < _FEW_SEARCHES else _MOST_UNITS
            small = [search for search in self._searches if search.units < most]
            together = [secret for search in small for secret in search.secrets] + new
            self._searches = (*(each for each in self._searches if each.units >= most), *_searches(together))

    def _given_out(self, secret: _Known, begins: int, ends: int) -> bytes:
        token = secret.token(begins, ends)
        with self._lock:
            self._texts[token.decode()] = secret.value[begins:ends].decode("utf-8", "surrogatepass")
            if secret.kind != _LOOK_ALIKE:
                self._left[secret.name] = secret.kind
        return token


def _without(content: bytes, places: list[tuple[int, int, _Known, int]]) -> bytes:
    """Return a text with zeros at some places: there is nothing to be found there any more."""
    parts, reached = list[bytes](), 0
    for start, end, *_ in sorted(places, key=lambda each: each[:2]):
        if end > reached:
            start = max(start, reached)
            parts += (content[reached:start], bytes(end - start))
            reached = end
    return b"".join([*parts, content[reached:]]) if parts else content


def _searches(secrets: list[_Known]) -> Iterator[_Search]:
    """Yield searches for all of them, none with too many units."""
    some, units = list[_Known](), 0
    for secret in secrets:
        some.append(secret)
        units += len(secret.value) // _UNIT
        if units >= _MOST_UNITS:
            yield _Search(some)
            some, units = [], 0
    if some:
        yield _Search(some)
