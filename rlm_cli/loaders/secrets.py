"""What looks like a secret, told by a file's name or by tokens in its text: to be reported, never to be shown.

Covered: names that hold keys; private keys and the tokens of services that begin in a way nothing else does, each in
its exact shape and not made up. Not covered: passwords and keys that look like any other word, among them AWS secret
keys and Twilio's (no beginning of their own), JSON web tokens (too common to mean much), what is encoded once more,
and text that is not UTF-8 or ASCII yet.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import tiktoken

_OVERLAP = 512
"""Bytes from its beginning on that a token is known by."""
_BACK = 120
"""Bytes in which a token's beginning stands before its needle."""
_BLOCK = 1 << 16
"""Bytes searched at once: few, for memory that is asked for by the megabyte costs more to get than to search."""

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


@dataclass(frozen=True, slots=True)
class _Kind:
    """A kind of token."""

    name: str
    needles: tuple[str, ...]
    """One of them is in every such token, and in little else."""
    shape: re.Pattern[bytes]
    """Its first group is what somebody would have to make up."""
    beginning: bytes = b""
    """What it begins with, where that is in much else and the needle stands further on."""


def _kind(name: str, needles: str, shape: bytes, beginning: bytes = b"") -> _Kind:
    # No token begins within a word; what may end it differs.
    return _Kind(name, tuple(needles.split()), re.compile(rb"(?<![A-Za-z0-9_-])" + shape), beginning)


_KINDS = (
    _Kind(
        "private key",
        ("PRIVATE KEY-----", "PRIVATE KEY BLOCK-----"),
        re.compile(
            rb"-----BEGIN (?:[A-Z0-9]{2,10} ){0,2}PRIVATE KEY(?: BLOCK)?-----"
            # Then its lines, perhaps quoted, escaped or commented: a mere mention has none.
            rb"(?:\\+[nrt]|[\s\"'+,;\\>#*/|]|(?:Proc-Type|DEK-Info|Version|Comment):[^\n\\]{0,80}){1,80}+"
            rb"([A-Za-z0-9+/]{40})"
        ),
        beginning=b"-----BEGIN ",
    ),
    _Kind("PuTTY private key", ("Private-Lines: ",), re.compile(rb"Private-Lines: \d+\s{1,2}([A-Za-z0-9+/]{40})")),
    _kind("age secret key", "AGE-SECRET-KEY-1", rb"AGE-SECRET-KEY-1([02-9AC-HJ-NP-Z]{58})(?![A-Z0-9])"),
    _kind("AWS access key id", "AKIA ASIA", rb"A(?:KIA|SIA)([A-Z2-7]{16})(?![A-Za-z0-9+/=_-])"),
    _kind("Azure storage key", "AccountKey=", rb"AccountKey=([A-Za-z0-9+/]{86})=="),
    _kind("Anthropic key", "sk-ant-", rb"sk-ant-[a-z]{3,5}\d\d-([A-Za-z0-9_-]{80})"),
    _kind("DigitalOcean token", "doo_v1_ dop_v1_ dor_v1_", rb"do[opr]_v1_([0-9a-f]{64})(?![A-Za-z0-9])"),
    _kind("Docker Hub token", "dckr_pat_", rb"dckr_pat_([A-Za-z0-9_-]{27})(?![A-Za-z0-9_-])"),
    _kind("GitHub token", "ghp_ gho_ ghu_ ghs_ ghr_", rb"gh[opsur]_([A-Za-z0-9]{36})"),
    _kind("GitHub token", "github_pat_", rb"github_pat_([A-Za-z0-9]{22}_[A-Za-z0-9]{59})(?![A-Za-z0-9_])"),
    _kind("GitLab token", "glpat- gldt- glrt- glptt- glcbt- glsoat-", rb"gl(?:pat|dt|rt|ptt|cbt|soat)-([\w-]{20})"),
    _kind("Google API key", "AIza", rb"AIza([A-Za-z0-9_-]{35})(?![A-Za-z0-9_-])"),
    _kind("Grafana token", "glsa_", rb"glsa_([A-Za-z0-9]{32})_[0-9A-Fa-f]{8}"),
    _kind("Hugging Face token", "hf_", rb"hf_([A-Za-z]{34})(?![A-Za-z0-9_-])"),
    _kind("npm login", "_authToken=", rb"(?<=:)_authToken=(?:NpmToken\.)?([A-Za-z0-9+/=-]{20})"),
    _kind("npm token", "npm_", rb"npm_([A-Za-z0-9]{36})(?![A-Za-z0-9_-])"),
    _kind("OpenAI key", "T3BlbkFJ", rb"sk-([A-Za-z0-9_-]{20,100}?T3BlbkFJ[A-Za-z0-9_-]{20})", b"sk-"),
    _kind("OpenRouter key", "sk-or-v1-", rb"sk-or-v1-([0-9a-f]{64})(?![A-Za-z0-9])"),
    _kind("PyPI token", "pypi-AgE", rb"pypi-AgE([A-Za-z0-9_-]{80})"),
    _kind("SendGrid key", "SG.", rb"SG\.([A-Za-z0-9_-]{22}\.[A-Za-z0-9_-]{43})(?![A-Za-z0-9_-])"),
    _kind("Shopify token", "shpat_ shpca_ shppa_ shpss_", rb"shp(?:at|ca|pa|ss)_([0-9A-Fa-f]{32})(?![A-Za-z0-9])"),
    _kind("Slack token", "xox", rb"xox[abeoprs]-(?:\d{1,2}-)?((?:\d{8,14}-){1,3}[A-Za-z0-9]{18})"),
    _kind(
        "Slack webhook",
        "hooks.slack.com/services/",
        rb"hooks\.slack\.com/services/T[A-Z0-9]{8,12}/B[A-Z0-9]{8,12}/([A-Za-z0-9]{24})",
    ),
    _kind("Stripe key", "rk_live_ sk_live_", rb"[rs]k_live_([A-Za-z0-9]{24})"),
    _kind("Vault token", "hvs.", rb"hvs\.([A-Za-z0-9_-]{90})"),
)

_MADE_UP = re.compile(
    rb"example|sample|dummy|fake|placeholder|redacted|changeme|notreal|your|x{4}|(.)\1{7}|abcdef|a1b2c3|12345|qwerty"
    rb"|eby8vdm02xnocqfl",  # how the key begins that every Azure emulator has
    re.IGNORECASE | re.DOTALL,
)
_VARIED = 8
"""Different characters that the made-up part of a real token always has."""


@cache
def _seeker() -> tuple["tiktoken.Encoding", list[tuple[bytes, _Kind]]]:
    """Return a tokenizer whose only tokens are the needles, and what needle and kind each of its numbers stands for.

    To look for each needle by itself takes 50 ms for 100 MB and a needle, one expression of them all 3 s. A tokenizer
    looks for the tokens of its pattern by a vectorised search for many words: 30 ms, and nothing else becomes a token.
    """
    import tiktoken

    owned = [(needle, kind) for kind in _KINDS for needle in kind.needles]
    encoding = tiktoken.Encoding(
        "needles",
        pat_str="|".join(re.escape(needle) for needle, _ in owned),
        mergeable_ranks={needle.encode(): number for number, (needle, _) in enumerate(owned)},
        special_tokens={},
    )
    return encoding, [(needle.encode(), kind) for needle, kind in owned]


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
        for start in range(0, len(piece), _BLOCK):
            found += self._take(piece[start : start + _BLOCK])
        return found

    def finish(self) -> list[tuple[str, int]]:
        """Take it that the text ends here."""
        return self._found(b"".join(self._waiting), self._size)

    def _take(self, part: bytes) -> list[tuple[str, int]]:
        self._waiting.append(part)
        self._size += len(part)
        if self._size < _BLOCK:
            return []
        text = b"".join(self._waiting)
        kept = len(text) - _OVERLAP
        found = self._found(text, kept)
        self._waiting, self._size = [text[kept - 1 :]], _OVERLAP + 1
        self._start, self._before = self._start + kept - 1, 1
        return found

    def _found(self, text: bytes, end: int) -> list[tuple[str, int]]:
        """Return what begins in a part of the text, before `end`."""
        encoding, owned = _seeker()
        numbers = encoding.encode_ordinary(text.decode("latin-1"))
        if not numbers:
            return []
        tokens = {found for number in set(numbers) for found in _tokens(text, *owned[number])}
        return [(kind, self._start + at) for at, kind in sorted(tokens) if self._before <= at < end]


def _tokens(text: bytes, needle: bytes, kind: _Kind) -> Iterator[tuple[int, str]]:
    at = text.find(needle)
    while at >= 0:
        start = text.rfind(kind.beginning, max(0, at - _BACK), at) if kind.beginning else at
        match = kind.shape.match(text, start, start + _OVERLAP) if start >= 0 else None
        if match is not None and not _is_made_up(match[1]):
            yield start, kind.name
        at = text.find(needle, at + len(needle))


def _is_made_up(part: bytes) -> bool:
    return len(set(part)) < _VARIED or _MADE_UP.search(part) is not None
