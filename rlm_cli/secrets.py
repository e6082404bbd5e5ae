"""What looks like a secret, told by a file's name or by tokens in its text: to be reported, never to be shown.

Covered: names that hold keys; private keys and the tokens of services that begin in a way nothing else does, each in
its exact shape and not made up. Not covered: passwords and keys that look like any other word, among them AWS secret
keys and Twilio's (no beginning of their own), JSON web tokens (too common to mean much): secret_spans.py tells those,
for redaction; what is encoded once more, and text that is not UTF-8 or ASCII yet.
"""

import re
from collections.abc import Iterator
from functools import cache

from rlm_cli.needles import BLOCK, Needles
from rlm_cli.secret_kinds import KINDS, WORD, Kind, is_made_up

_OVERLAP = 512
"""Bytes from its beginning on that a token is known by."""
_BACK = 120
"""Bytes in which a token's beginning stands before its needle."""

# --- by name ------------------------------------------------------------------------------------------------------

_NAMES = {
    **dict.fromkeys(
        """
        id_dsa id_ecdsa id_ecdsa_sk id_ed25519 id_ed25519_sk id_rsa ssh_host_dsa_key ssh_host_ecdsa_key
        ssh_host_ed25519_key ssh_host_rsa_key
        """.split(),
        "SSH private key",
    ),
    **dict.fromkeys(
        """
        .boto .dockercfg .dockerconfigjson .git-credentials .my.cnf .mylogin.cnf .netrc .npmrc .pgpass .pypirc .s3cfg
        .vault-token _netrc kubeconfig rclone.conf
        """.split(),
        "logins",
    ),
    **dict.fromkeys(
        """
        application_default_credentials.json client_secret.json client_secrets.json credentials.json master.key
        secrets.json secrets.toml secrets.yaml secrets.yml service-account.json service_account.json terraform.tfstate
        terraform.tfstate.backup
        """.split(),
        "credentials",
    ),
}
_PLACES = (
    ".aws/credentials", ".cargo/credentials", ".cargo/credentials.toml", ".docker/config.json", ".gem/credentials",
    ".kube/config",
)  # fmt: skip
"""Names that say nothing by themselves, with their folder."""
_STORES = (".agekey", ".bks", ".jks", ".kdbx", ".keystore", ".p12", ".pfx", ".pkcs12", ".ppk")
_NO_VALUES = frozenset("default defaults dist example examples md sample samples schema template tmpl tpl".split())
"""What makes of an environment file one to copy and fill in, or none at all."""


def secret_file(path: str) -> str | None:
    """Return what a file is likely to hold, by its name: `environment`, `key store` and the like; else None."""
    folder, _, name = path.rpartition("/")
    if name in _NAMES:
        return _NAMES[name]
    if name == ".env" or (name.startswith(".env.") and _NO_VALUES.isdisjoint(name.lower().split("."))):
        return "environment"
    if name.endswith(_STORES):
        return "key store"
    if f"{folder.rpartition('/')[2]}/{name}" in _PLACES:
        return "logins"
    return None


# --- by content ---------------------------------------------------------------------------------------------------


_APART = tuple(bytes([letter]) for letter in b" .:=/\"'?&;")


@cache
def _seeker() -> tuple[Needles, dict[bytes, list[tuple[bytes, Kind]]]]:
    """Return what is searched for, and the needles, with their kinds, to look for where one of them stands."""
    each = [(needle.encode(), kind) for kind in KINDS for needle in kind.needles]
    words = list(dict.fromkeys(needle for needle, _ in each))
    return Needles(words), {
        word: [(needle, kind) for needle, kind in each if hides(word, needle, kind)] for word in words
    }


def hides(one: bytes, other: bytes, kind: Kind | None) -> bool:
    """The second is not found where the first stands: it lies within that, or begins there.

    A token begins at no letter within a word, and what has no kind is part of the first one's word.
    """
    begins = (len(one) - shared for shared in range(1, len(other)) if one.endswith(other[:shared]))
    apart = kind is not None and (bool(kind.beginning) or not kind.shape.startswith(WORD))
    return other in one or any(kind is not None and (apart or one[at - 1 : at] in _APART) for at in begins)


def secrets_in(piece: bytes) -> Iterator[tuple[str, int]]:
    """Yield the kind and the first byte of each token in a piece of text, in order.

    A token that the piece holds only a part of is not found: SecretSearch takes pieces of one text as they come.
    """
    search = SecretSearch()
    yield from search.feed(piece)
    yield from search.finish()


class SecretSearch:
    """Finds the tokens of one text that comes in pieces, those across a cut among them, each once.

    Feed it all pieces, then finish it: each call returns the kinds and the first bytes, counted from the start of the
    text, of those found meanwhile. It holds back the last bytes it was fed, for a token may go on in the next piece.
    """

    def __init__(self) -> None:
        self._waiting: list[bytes] = []
        self._size = 0
        """Bytes waiting."""
        self._start = 0
        """Where in the text they begin."""
        self._before = 0
        """How many of them only show what a token begins after: 1, or 0 at the start of the text."""

    def feed(self, piece: bytes) -> list[tuple[str, int]]:
        """Take the next piece, of any size."""
        found = []
        for start in range(0, len(piece), BLOCK):
            found += self._take(piece[start : start + BLOCK])
        return found

    def finish(self) -> list[tuple[str, int]]:
        """Take it that the text ends here."""
        return self._found(b"".join(self._waiting), self._size)

    def _take(self, part: bytes) -> list[tuple[str, int]]:
        self._waiting.append(part)
        self._size += len(part)
        if self._size < BLOCK:
            return []
        text = b"".join(self._waiting)
        kept = len(text) - _OVERLAP
        found = self._found(text, kept)
        self._waiting, self._size = [text[kept - 1 :]], _OVERLAP + 1
        self._start, self._before = self._start + kept - 1, 1
        return found

    def _found(self, text: bytes, end: int) -> list[tuple[str, int]]:
        """Return what begins in a part of the text, before `end`."""
        needles, standing_for = _seeker()
        looked_for = {each for word in needles.among(text) for each in standing_for[word]}
        tokens = {(at, kind.name) for needle, kind in looked_for for at in _beginnings(text, needle, kind)}
        return [(name, self._start + at) for at, name in sorted(tokens) if self._before <= at < end]


def _beginnings(text: bytes, needle: bytes, kind: Kind) -> Iterator[int]:
    for match in matches(text, needle, kind, 0, len(text), _OVERLAP):
        yield match.start()


_compiled = cache(re.compile)
"""Few of a hundred kinds turn up in a run."""


def matches(text: bytes, needle: bytes, kind: Kind, first: int, last: int, longest: int) -> Iterator[re.Match[bytes]]:
    """Yield the tokens of a kind whose needle begins at `first` or later, before `last`.

    `longest`: bytes from its beginning on that a token is known by.
    """
    at = text.find(needle, first, last + len(needle) - 1)
    while at >= 0:
        start = text.rfind(kind.beginning, max(0, at - _BACK), at) if kind.beginning else at
        match = _compiled(kind.shape).match(text, start, start + longest) if start >= 0 else None
        if match is not None and not is_made_up(match[1]):
            yield match
        at = text.find(needle, at + len(needle), last + len(needle) - 1)
