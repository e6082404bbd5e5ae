"""Makes text from models, file names and contexts harmless to print."""

import unicodedata


def safe(text: str) -> str:
    """Return `text` with everything that could steer a terminal or reverse its letters shown as an escape.

    Newlines and tabs stay. Covers C0 and C1 controls, DEL, bidirectional marks and lone surrogates.
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(char if _is_harmless(char) else _escaped(char) for char in text)


def safe_line(text: str) -> str:
    """Return `text` as one line, harmless to print."""
    return " ".join(safe(text).split())


def _is_harmless(char: str) -> bool:
    if char in "\n\t":
        return True
    category = unicodedata.category(char)
    if category in ("Cc", "Cs"):
        return False
    return not (category == "Cf" and unicodedata.bidirectional(char) in _BIDIRECTIONAL)


_BIDIRECTIONAL = {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}


def _escaped(char: str) -> str:
    code = ord(char)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"
