"""Passwords, keys and tokens that only the name beside them tells: assignments, settings, headers, addresses.

    password = "..."    API_KEY: ...    FOO_SECRET=...    scheme://user:...@host    Authorization: Bearer ...

Only the value counts, and only where it is literal and could not be a word, a name, a path, a call or a placeholder, so
that code stays readable. Covered: quoted values, bare ones of settings, .env and .netrc files, of query strings, XML,
Kubernetes. Not covered: passwords that are mere words (`postgres`, `letmein`), phrases with blanks, what stands on
another line than its name, names in other languages.
"""

import base64
import binascii
import math
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from rlm_cli.secret_kinds import is_made_up

PASSWORD = "password"
_PASSWORDS = "pass Pass PASS pwd Pwd PWD secret Secret SECRET"
_KEYS = "token Token TOKEN _key -key apikey Key KEY credential Credential CREDENTIAL auth Auth AUTH"
_SPREADING = 8
"""Characters from which on a value is looked for elsewhere."""


@dataclass(frozen=True, slots=True)
class Value:
    """A literal that ought to be secret."""

    kind: str
    start: int
    end: int
    spreads: bool = True
    """It can be told where nothing stands beside it: no mere word, and not short."""


# --- what a value must be like ------------------------------------------------------------------------------------

_PLACEHOLDER = re.compile(
    rb"\A(?:\$[({A-Za-z_]|%[(sA-Z]|[{<]|[#@]\{|process\.|os\.|env[.:]|vault:|secrets?[.:/]|arn:|file:|https?:"
    rb"|[.~]{0,2}/[a-z])|\{[\w.:!\[\]()\"']*\}|\*{3}|\.{3}|\(\)"
)
_FILLED = re.compile(
    rb"example|sample|dummy|placeholder|redacted|change_?me|replace|your|my[_-]?(?:pass|secret|token|key)|xxxx|(.)\1{5}|todo|insert|<|hidden",
    re.IGNORECASE | re.DOTALL,
)
_PIECES = re.compile(
    rb"(?<![A-Za-z0-9])(?:[A-Za-z]{1,3}\d{1,3}[A-Za-z]{0,2}|\d{1,3}[A-Za-z])(?![A-Za-z0-9])"
    rb"|[A-Z]?[a-z]+|[A-Z]+(?![a-z])|\d+"
)
"""Words, and what stands for one: `s3`, `b64`, `i18n`, `5m`."""
_NAME = re.compile(rb"[\w./:@+ -]+")
_PLAIN = frozenset(
    b"password passwd pass passw pwd secret secrets token key apikey test admin user username root string none null "
    b"true false undefined default value login private public auth credential credentials".split()
)
_VOWELS = frozenset(b"aeiouyAEIOUY")


def _is_word(piece: bytes) -> bool:
    if piece.isdigit():
        return len(piece) <= 4
    if not piece.isalpha():
        return True
    if len(piece) == 1:
        return piece in b"vVaI"
    return not _VOWELS.isdisjoint(piece) or len(piece) <= 4


def is_wordlike(value: bytes) -> bool:
    """It reads like a name put together of words: `my_token_2`, `Uint8Array`, `prod/db1`."""
    pieces = _PIECES.findall(value)
    return (
        _NAME.fullmatch(value) is not None
        and bool(pieces)
        and len(value) >= 3 * len(pieces)
        and all(map(_is_word, pieces))
    )


def _entropy(value: bytes) -> float:
    """Return bits a character."""
    return sum(-n / len(value) * math.log2(n / len(value)) for n in Counter(value).values())


def _is_filled_in(value: bytes) -> bool:
    """Somebody has put a value here, and not a word for one."""
    bare = b"".join(re.findall(rb"[a-z]+", value.lower()))
    return not _PLACEHOLDER.search(value) and not _FILLED.search(value) and bare not in _PLAIN


def _is_random(value: bytes, least: int = 16) -> bool:
    """It could not be anything but a key."""
    if len(value) < least or not re.fullmatch(rb"[A-Za-z0-9+/=_.~:%!@#$^*-]+", value):
        return False
    mixed = bool(re.search(rb"\d", value) and re.search(rb"[A-Za-z]", value))
    flips = len(re.findall(rb"[a-z][A-Z]", value))
    return (mixed or flips >= len(value) // 5) and _entropy(value) >= 2.8 and not is_wordlike(value)


def _is_password(value: bytes) -> bool:
    if len(set(value)) < 5 or not re.search(rb"[A-Za-z]", value):
        return False
    signs = re.search(rb"[^A-Za-z0-9_./:@+-]", value) and re.search(rb"[a-z]", value) and re.search(rb"[A-Z]", value)
    if not re.search(rb"\d", value) and not signs:
        return _is_random(value)
    return not ((len(value) < 8 or re.search(rb"[_./:-]", value)) and is_wordlike(value))


# --- what stands beside it ----------------------------------------------------------------------------------------

_ASSIGNED = re.compile(
    rb"""
    ([\w.-]{3,60}+)                                   # the name, or the rest of it
    (?:\\?["'`])?\]?[ \t]{0,20}+
    ( :=|=>|[=!]==?|=|>|\(|,                          # what parts it from the value
    | :(?:[ \t]?[\w.&<>\[\]|']{1,40}[ \t]?=)?         # `: str =`
    | [Vv]alue[ \t]?=
    )[ \t]{0,20}+
    (?: [A-Za-z@]{0,2}(\\?["'`])
        # A digit, a sign or length: nearly all that is quoted in code has none of them, and is looked at no closer.
        (?= [A-Za-z_./:-]{0,300}+[^A-Za-z_./:"'`\s-] | [!-~]{16} ) ([!-~]{6,300}?)\3
        # Without quotes and without a digit before a bracket it is code, nearly always.
    |   (?= [^\s"'`<>(\[\d]{0,300}+\d ) ([^\s"'`<>\x00-\x1f\x80-\xff]{6,300}) )
    """,
    re.VERBOSE,
)
_ABOUT = re.compile(
    rb"(?:name|ur[il]|file|path|dir|folder|id|ids|type|fields?|label|hint|text|messages?|msg|len|length|size|count|limit"
    rb"|policy|algorithm|alg|method|header|prefix|suffix|pattern|regexp?|format|version|class|env|var|param|placeholder"
    rb"|errors?|min|max|expir\w*|ttl|timeout|age|endpoint|host|port|provider|scheme|mode|kind|schema|model|encoding|column"
    rb"|table|index|board|word|words|press|code|map|ring|s)\Z",
    re.IGNORECASE,
)
"""The last word of a name of something about a secret."""
_OPEN = re.compile(rb"(?i)public|pub_?key|foreign|primary|author|keyword|publishable")
_OF_PASSWORDS = re.compile(rb"(?i)pass|pwd|secret")
_BEFORE = re.compile(rb"[\w.-]{0,60}\Z")
_CODE = re.compile(rb"[A-Za-z_$@&*!][\w.$:>!?-]*[(\[]|[A-Za-z_$][\w$]*(?:(?:\.|->|::)[A-Za-z_$][\w$]*)+\Z")
"""A call, a subscript, an attribute."""
_ENVIRONMENT = re.compile(rb"(?:^|\n)[ \t]*(?:export |ENV |set |- )?[ \t]*[A-Z][A-Z0-9_]*\Z")
_LAST = re.compile(rb"[,;]?[ \t]*(?:#.*)?(?:\r|\n|\Z|</)")
_LOGIN = re.compile(rb"login\s{1,9}\S{1,99}\s{1,9}password\s{1,9}([!-~]{4,100})")


def _assigned(text: bytes, match: re.Match[bytes]) -> Iterable[Value]:
    """Return the value of the name that a needle stands in."""
    rest, parted, _, quoted, bare = match.groups()
    if quoted is None and (parted[:1] not in b"=:>" or parted[:2] == b"==" or _CODE.match(bare)):
        return ()
    value, start = (quoted, match.start(4)) if quoted is not None else (_bare(bare), match.start(5))
    end = start + len(value)
    password = bool(_OF_PASSWORDS.match(rest))
    if quoted is not None:
        good = _is_password(value) if password else _is_random(value, 12)
    else:
        good = _is_random(value) or (
            len(value) >= 6 and _is_password(value) and _stands_alone(text, match.start(), end, parted, password, value)
        )
    if not good or not _is_filled_in(value):
        return ()
    words = _PIECES.findall(rest)
    name = _BEFORE.search(text, max(0, match.start() - 60), match.start())[0] + rest  # type: ignore[index]
    if _OPEN.search(name) or (len(words) > 1 and _ABOUT.match(words[-1])):
        return ()
    return (Value(_kind(name, value), start, end, len(value) >= _SPREADING),)


def _login(text: bytes, match: re.Match[bytes]) -> Iterable[Value]:
    """Return the password of a line of .netrc."""
    if not _is_filled_in(match[1]):
        return ()
    return (Value(PASSWORD, *match.span(1), len(match[1]) >= _SPREADING and _is_password(match[1])),)


def _bare(word: bytes) -> bytes:
    """Return what of a word without quotes is the value."""
    word = re.split(rb"\\|&(?=[\w.-]+=)|&amp;", word, maxsplit=1)[0]
    return word.rstrip(b",;)]}|&")


def _stands_alone(text: bytes, at: int, end: int, parted: bytes, password: bool, value: bytes) -> bool:
    """It is the last word of a line of settings."""
    if not _LAST.match(text, end):
        return False
    stop = text.find(b"=", at, end)
    if parted == b"=" and stop >= 0 and _ENVIRONMENT.search(text, max(0, at - 80), stop):
        return password or not is_wordlike(value)
    return password and len(value) >= _SPREADING and not is_wordlike(value)


def _kind(name: bytes, value: bytes) -> str:
    name = name.lower()
    if len(value) == 40 and b"secret" in name and re.search(rb"aws|access", name):
        return "AWS secret access key"
    for stem, kind in ((b"secret", "secret"), (b"token", "token"), (b"pass", PASSWORD), (b"pwd", PASSWORD)):
        if stem in name:
            return kind
    return "key"


_LOCATED = re.compile(rb"://([^\s/@:\"'<>`]{0,80}):([^\s/@\"'<>`\x80-\xff]{3,200})@(?=[A-Za-z0-9\[$\{])")


def _located(text: bytes, match: re.Match[bytes]) -> Iterable[Value]:
    """Return the password in an address."""
    if not _is_filled_in(match[2]) or match[2] == match[1]:
        return ()
    return (Value(PASSWORD, *match.span(2), len(match[2]) >= _SPREADING and _is_password(match[2])),)


def _bearer(text: bytes, match: re.Match[bytes]) -> Iterable[Value]:
    if not _is_random(match[1]) or is_made_up(match[1]):
        return ()
    return (Value("token", *match.span(1)),)


def _basic(text: bytes, match: re.Match[bytes]) -> Iterable[Value]:
    return (Value("login", *match.span(1)),) if b":" in _decoded(match[1]) else ()


def _decoded(value: bytes) -> bytes:
    """Return what base64 stands for where that is text; else nothing."""
    try:
        plain = base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError):
        return b""
    return plain if plain.isascii() and plain.decode("ascii").strip().isprintable() else b""


_ITEMS = re.compile(rb"(?m)^(?:data|stringData):[ \t]*\r?\n((?:[ \t]+\S.*\n?|[ \t]*\r?\n)*)")
_ITEM = re.compile(rb"(?m)^[ \t]+[\w.-]+:[ \t]*[\"']?([!-&(-~]{6,8000}?)[\"']?[ \t]*$")
_OBJECT = 20_000
"""Bytes of a Kubernetes object."""


def _kubernetes(text: bytes, match: re.Match[bytes]) -> Iterator[Value]:
    """Yield what an object of the kind Secret holds."""
    at = match.start()
    first = max(text.rfind(b"\n---", max(0, at - _OBJECT), at), at - _OBJECT, 0)
    if text.find(b"kind: Secret", first, at) >= 0:
        return  # seen with that
    end = text.find(b"\n---", at, at + _OBJECT)
    for items in _ITEMS.finditer(text, first, end if end >= 0 else at + _OBJECT):
        for item in _ITEM.finditer(text, *items.span(1)):
            if _is_filled_in(item[1]) and not _CODE.match(item[1]):
                yield Value("secret", *item.span(1), len(item[1]) >= _SPREADING and not is_wordlike(item[1]))


_Reader = Callable[[bytes, re.Match[bytes]], Iterable[Value]]
READERS: dict[bytes, tuple[re.Pattern[bytes], _Reader]] = {
    **dict.fromkeys(f"{_PASSWORDS} {_KEYS}".encode().split(), (_ASSIGNED, _assigned)),
    b"login": (_LOGIN, _login),
    b"://": (_LOCATED, _located),
    b"earer ": (re.compile(rb"earer[ \t]{1,4}([A-Za-z0-9._~+/=-]{16,8000})"), _bearer),
    b"asic ": (re.compile(rb"asic[ \t]{1,4}([A-Za-z0-9+/]{8,400}={0,2})(?![A-Za-z0-9+/=])"), _basic),
    b"kind: Secret": (re.compile(rb"kind: Secret"), _kubernetes),
}
"""Needle -> what stands where it stands, and what becomes of that."""
