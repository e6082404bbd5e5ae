"""What pdfium makes of a page -> text as a person would type it.

Covered: line ends, words parted at the end of a line, characters that are none. Not covered: reading PDFs (pdf.py).
"""

import re

_PARTED = re.compile("[\x02\ufffe]\n? *(?=\\S)")
"""pdfium's mark for the hyphen at the end of a line, with or without the line's end."""
_NO_TEXT = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]")
_KEPT = {"\x02": "-", "\ufffe": "-", "\x00": "", "\x0b": "\n", "\x0c": "\n", "\x85": "\n"}
"""What stands for something; the others are what fonts without a table of characters leave behind."""


def page_text(extracted: str) -> str:
    """Return a page's lines, each with its newline and without blanks at its end; "\\n" for a page without text.

    No form feed is left: those part the pages.
    """
    text = extracted.replace("\r\n", "\n").replace("\r", "\n")
    text = _NO_TEXT.sub(lambda found: _KEPT.get(found[0], "\ufffd"), _PARTED.sub("", text))
    return "\n".join([*map(str.rstrip, text.rstrip().split("\n")), ""])


def one_line(text: str) -> str:
    """Return a title or a label: what can be printed of it, on one line."""
    return " ".join("".join(char if char.isprintable() else " " for char in text).split())
