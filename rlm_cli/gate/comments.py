"""Where comments are in a line of code, by the kind of the file.

Told: line comments, block comments that begin in the line or go on in it with a `*`, and strings that begin and end in
the line: what looks like a comment in those is none. Not told: strings and block comments that began in an earlier
line, quotation marks that open no string (beyond those of the languages below that have such), regular expressions.
"""

import functools
import re
from dataclasses import dataclass

_HASH = (
    "awk bash cfg cmake coffee conf cr env ex exs fish gql graphql jl ksh mk nim nix pl pm pp properties ps1 psd1 psm1 "
)
_HASH += "py pyi pyw pyx r rake rb sh star tcl toml yaml yml zsh ipynb bzl gemspec"
_SLASH = (
    "bicep c cc cjs cpp cs css cts cu cuh cxx d dart fs fsx gleam glsl go gradle groovy h hh hlsl hpp hxx ino java js "
)
_SLASH += "json json5 jsonc jsx kt kts less m mjs mm mts pas proto sass sbt scala scss sol styl swift ts tsx v wgsl zig"
_MARKUP = "astro cshtml erb htm html hbs j2 jinja jinja2 jsp md mdx svelte svg tmpl twig vue xhtml xml xsd xsl xslt"
_LISP = "asm cl clj cljc cljs edn el lisp lsp nasm rkt s scm ss"

_QUOTES = "\"'`"
_BLOCKS = {
    "/*": r"/\*(?:(?!\*/).)*+(?:\*/)?",
    "<!--": r"<!--(?:(?!-->).)*+(?:-->)?",
    "(*": r"\(\*(?:(?!\*\)).)*+(?:\*\))?",
}
_LINES = {
    "//": r"(?<!:)//.*",  # not the middle of a URL
    "REM": r"(?i:(?<![^\s&@:])REM\s.*)",
}
"""What begins a comment -> the comment, where there is more to know of it."""
_FAMILIES: tuple[tuple[str, tuple[str, ...], str], ...] = (
    (_HASH, ("#",), _QUOTES),
    (_SLASH, ("//", "/*"), _QUOTES),
    ("rs", ("//", "/*"), '"'),
    ("php", ("//", "/*", "#"), _QUOTES),
    ("hcl tf tfvars", ("#", "//", "/*"), '"'),
    ("sql psql plsql pks pkb", ("--", "/*", "#"), _QUOTES),
    ("lua", ("--",), "\"'"),
    ("adb ads elm hs purs vhd vhdl", ("--",), '"'),
    (_MARKUP, ("<!--", "{#", "<%#", "//", "/*"), _QUOTES),
    (_LISP, (";",), '"'),
    ("ini inf reg", (";", "#"), '"'),
    ("erl hrl pl6 pro sty tex", ("%",), '"'),
    ("bas cls frm vb vbs", ("'", "REM"), '"'),
    ("bat cmd", ("REM", "::"), '"'),
    ("f f03 f08 f90 f95 for", ("!",), _QUOTES),
    ("ml mli", ("(*",), '"'),
    ("csv doc docx epub msg odp ods odt pdf ppt pptx rtf tsv xls xlsb xlsm xlsx", (), ""),
)
"""Kinds of files -> what begins a comment there, what encloses a string."""
_UNKNOWN = (("#", "//", "/*", "--", "<!--", ";", "%"), _QUOTES)
"""For names without an ending, such as Makefile and Dockerfile, and for endings that stand nowhere above."""
_GOES_ON = re.compile(r"\s*+\*\s")
_ENDS = ("*/", "-->", "*)", "#}", "#>", "%>")


@dataclass(frozen=True, slots=True)
class Comment:
    """One comment of a line."""

    text: str
    """Without what begins and ends it."""
    alone: bool
    """Nothing else stands in its line."""


def comments_in(line: str, kind: str) -> list[Comment]:
    """Return the comments of a line (without its newline) in a document of that kind."""
    pattern, goes_on = _pattern(kind)
    if pattern is None:
        return []
    if goes_on and _GOES_ON.match(line):
        line = "/*" + line  # a block comment that began above
    begins, ends = len(line) - len(line.lstrip(" \t\r{")), len(line.rstrip(" \t\r}"))
    spans = [found.span() for found in pattern.finditer(line) if found.lastgroup == "comment"]
    return [Comment(_bare(line[start:end]), start <= begins and ends <= end) for start, end in spans]


@functools.cache
def _pattern(kind: str) -> tuple[re.Pattern[str] | None, bool]:
    """Return what finds the strings and comments of a line, and whether `*` may go on with a comment."""
    markers, quotes = next(((these, q) for kinds, these, q in _FAMILIES if kind in kinds.split()), _UNKNOWN)
    if not markers:
        return None, False
    # A string comes first where both could begin, and an escaped quotation mark begins none: no line is read twice.
    strings = [f"{quote}(?:[^{quote}\\\\]|\\\\.)*+{quote}" for quote in quotes]
    comments = [_BLOCKS.get(each) or _LINES.get(each) or f"{re.escape(each)}.*" for each in markers]
    either = "|".join([*strings, r"\\.", f"(?P<comment>{'|'.join(comments)})"])
    return re.compile(either, re.DOTALL), "/*" in markers


def _bare(comment: str) -> str:
    text = comment.strip()
    for end in _ENDS:
        text = text.removesuffix(end).rstrip()
    return text
