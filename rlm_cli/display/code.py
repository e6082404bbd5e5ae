"""Code in colour, in the terminal's own palette: few colours, no background, readable on light and dark."""

from rich.style import Style
from rich.syntax import ANSISyntaxTheme, Syntax
from rich.text import Text

_THEME = ANSISyntaxTheme(
    {
        ("Comment",): Style(dim=True),
        ("Keyword",): Style(color="magenta"),
        ("Operator", "Word"): Style(color="magenta"),
        ("Literal", "String"): Style(color="green"),
        ("Literal", "Number"): Style(color="cyan"),
    }
)
LANGUAGES = frozenset(
    "python py python3 javascript js typescript ts java c cpp c++ go rust rs ruby rb php sql json yaml yml toml html "
    "xml css bash sh diff kotlin swift csharp text".split()
)
"""What a fence may call its code to have it in colour: some lexers of other languages take minutes for hostile code."""
_LONGEST = 50_000
"""Characters; longer code is plain."""


def highlighted(code: str, language: str = "python") -> list[Text]:
    """Return the lines of `code`, which is harmless already."""
    if language in LANGUAGES and len(code) <= _LONGEST:
        # The lexer drops empty lines around the code and ends it with a line break of its own.
        lines = list(Syntax(code, language, theme=_THEME).highlight(code).split("\n"))
    else:
        lines = [Text(each) for each in code.strip("\n").split("\n")]
    while lines and not lines[-1].plain.strip():
        lines.pop()
    for each in lines:
        each.rstrip()
    return lines
