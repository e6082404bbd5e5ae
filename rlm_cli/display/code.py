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


def highlighted(code: str, language: str = "python") -> list[Text]:
    """Return the lines of `code`, which is harmless already."""
    syntax = Syntax(code, language, theme=_THEME)
    # The lexer drops empty lines around the code and ends it with a line break of its own.
    lines = list(syntax.highlight(code).split("\n"))
    while lines and not lines[-1].plain.strip():
        lines.pop()
    for each in lines:
        each.rstrip()
    return lines
