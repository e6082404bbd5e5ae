"""What a single value of a profile may be. Knows neither keys (schema.py) nor where a value stands."""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

Check = Callable[[Any], str | None]
"""Returns what is wrong with a value, or None."""
_SECRET_NAME = re.compile(r"^(api_?key|key|token|secret|password|authorization)$", re.IGNORECASE)
_SECRET_VALUE = re.compile(r"\b(sk-[\w-]{16,}|AIza[\w-]{20,}|gsk_\w{16,}|hf_\w{16,}|xai-\w{16,})")


def text(content: Any) -> str | None:
    return None if isinstance(content, str) and content.strip() else "must be text"


def text_or_null(content: Any) -> str | None:
    return None if content is None else text(content)


def line_of(most: int) -> Check:
    """Text that is shown as one line; where it is folded in the file does not matter."""

    def check(content: Any) -> str | None:
        if not isinstance(content, str) or not content.strip():
            return "must be text"
        line = " ".join(content.split())
        if len(line) > most or not line.isprintable():
            return f"must be printable text of at most {most:,} characters"
        return None

    return check


def one_of(*words: str) -> Check:
    listed = f"{', '.join(words[:-1])} or {words[-1]}"
    return lambda content: None if isinstance(content, str) and content in words else f"must be {listed}"


def one_of_or_null(*words: str) -> Check:
    listed = ", ".join(words)
    return lambda content: None if content is None or content in words else f"must be one of {listed}, or null"


def slug(content: Any) -> str | None:
    if isinstance(content, str) and len(content) <= 60 and re.fullmatch(r"[a-z][a-z0-9]*(-[a-z0-9]+)*", content):
        return None
    return "must be lower-case words with hyphens between them, as in no-raw-sql"


def weakness(content: Any) -> str | None:
    if content is None or (isinstance(content, str) and re.fullmatch(r"CWE-[1-9][0-9]{0,5}", content)):
        return None
    return "must be a number as in CWE-89, or null"


def number(least: float, most: float = 1e15, null: bool = False, whole: bool = False) -> Check:
    kind = "a whole number" if whole else "a number"
    bounds = f" from {least:g} to {most:g}"

    def check(content: Any) -> str | None:
        if content is None and null:
            return None
        if isinstance(content, bool) or not isinstance(content, int if whole else int | float):
            return f"must be {kind}{bounds}{', or null' if null else ''}"
        if not least <= content <= most:
            return f"must be {kind}{bounds}{', or null' if null else ''}"
        return None

    return check


def variable_name(content: Any) -> str | None:
    if content is None or (isinstance(content, str) and re.fullmatch(r"[A-Za-z_]\w*", content)):
        return None
    return "must be the name of an environment variable"


def truth(content: Any) -> str | None:
    return None if isinstance(content, bool) else "must be true or false"


def truth_or_null(content: Any) -> str | None:
    return None if content is None or isinstance(content, bool) else "must be true or false, or null"


def mapping(content: Any) -> str | None:
    return None if isinstance(content, Mapping) else "must be a mapping"


def names_a_secret(key: str) -> bool:
    """What stands under this key is a key of another kind."""
    return _SECRET_NAME.match(key) is not None


def holds_a_secret(content: Any) -> bool:
    """Some text inside a value looks like an API key, or stands under the name of one."""
    return any(names_a_secret(name) or _SECRET_VALUE.search(text) for name, text in _strings(content))


def _strings(content: Any, name: str = "") -> Iterator[tuple[str, str]]:
    """Yield (the key it stands under, text) of every text inside a value."""
    if isinstance(content, str):
        yield name, content
    elif isinstance(content, Mapping):
        for key, value in content.items():
            yield from _strings(value, str(key))
    elif isinstance(content, list):
        for value in content:
            yield from _strings(value, name)


def shown(content: Any) -> str:
    """Return a value as an error quotes it: one short line."""
    text = repr(content)
    return text if len(text) <= 40 else f"{text[:37]}..."
