"""The answer on a terminal: Markdown, then what it rests on, with what does not hold marked in words and signs.

Markdown hides things: raw HTML, the targets of links and images, single line breaks. Here no word is hidden, nothing
is a link that a click could follow, and the signs of checked evidence are not the answer's to write.
"""

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from html import unescape
from typing import Any, ClassVar

from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.markdown import CodeBlock, Heading, Markdown, MarkdownElement
from rich.segment import Segment
from rich.text import Text
from rich.theme import Theme

from rlm_cli.display.answer_tables import ReadableTable, with_every_cell
from rlm_cli.display.code import LANGUAGES, highlighted
from rlm_cli.display.lines import behind, cut, flat, joined, wrapped
from rlm_cli.display.state import head
from rlm_cli.safe_text import safe, safe_line

THEME = Theme(
    {
        "markdown.code": "cyan",
        "markdown.h1": "bold underline",
        "markdown.h2": "bold",
        "markdown.h3": "bold",
        "markdown.h4": "bold",
        "markdown.block_quote": "dim",
        "markdown.link": "none",
        "markdown.link_url": "underline",
    }
)
"""For the console that prints a view: no background, nothing bright."""
_QUOTE = 4
"""Lines of a quote that are shown."""
_DOUBT = 100
"""Lines of a doubt that are shown."""
_LONGEST = 100_000
"""Characters of an answer that is read as Markdown; a longer one stands as it was written."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """A place that the answer rests on or names."""

    place: str
    """As the reader is to find it: path:line."""
    quote: str | None
    """None: the answer's text merely names it."""
    verified: bool


def answer_view(answer: str, doubt: str | None, evidence: Sequence[Evidence], width: int) -> RenderableType:
    """Return the answer and its evidence, ready to print."""
    own = _without_marks(safe(answer))
    parts: list[RenderableType] = [Text("Answer", "bold"), Text(own) if _is_json(own) else _Whole(own)]
    if doubt:
        parts += [Text(), Text("Doubt", "bold"), *wrapped(_without_marks(doubt), width, _DOUBT)]
    quoted = [each for each in evidence if each.quote is not None]
    if quoted:
        parts += [Text(), Text("Evidence", "bold"), joined([line for each in quoted for line in _shown(each, width)])]
    wrong = [each for each in evidence if each.quote is None and not each.verified]
    if wrong:
        parts += [Text(), Text("Named in the answer, but not there", "bold")]
        parts += [Text.assemble(("  ✗ ", "red"), f"{safe_line(each.place)}  no such place") for each in wrong]
    return _Trimmed(Group(*parts))


def _without_marks(text: str) -> str:
    """Return a model's text without the signs, and those like them, that mark evidence which was checked."""
    return re.sub("[✗✘✖☒❌❎🗙🗴]\ufe0f?", "(no)", re.sub("[✓✔☑✅🗸🗹]\ufe0f?", "(yes)", text))


def _shown(evidence: Evidence, width: int) -> Iterator[Text]:
    place = safe_line(evidence.place)
    if evidence.verified:
        yield Text.assemble(("  ✓ ", "green"), place)
    else:
        yield Text.assemble(("  ✗ ", "red"), f"{place}  ", ("not found there", "bold red"))
    quote = head(evidence.quote or "", _QUOTE)
    if len(quote.lines) == 1:  # prose: what matters may stand at its end
        yield from behind(Text("    "), wrapped(quote.lines[0], width - 4, _QUOTE, "dim"))
    else:
        yield from behind(Text("    "), [cut(Text(flat(each), "dim"), width - 4) for each in quote.lines])
    if quote.hidden:
        yield Text(f"    ... {quote.hidden:,} more lines", "dim")


def _is_json(text: str) -> bool:
    """Tell whether the answer is a value that FINAL turned into JSON; its signs are no Markdown."""
    if not text.lstrip().startswith(("{", "[")):
        return False
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


@dataclass(frozen=True, slots=True)
class _Trimmed:
    """A view without the blanks that would fill its lines: they wrap when the terminal is narrowed."""

    view: RenderableType

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        for line in console.render_lines(self.view, options, pad=False):
            while line and not line[-1].text.strip():
                line.pop()
            if line:
                *whole, last = line
                yield from whole
                yield Segment(last.text.rstrip(), last.style)
            yield Segment.line()


class _Title(Heading):
    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        yield self.text  # at the left and without a frame


class _Code(CodeBlock):
    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        for each in highlighted(self.text.plain.expandtabs(4), self.lexer_name):
            yield Text("  ") + each


class _Markdown(Markdown):
    elements: ClassVar[dict[str, type[MarkdownElement]]] = {
        **Markdown.elements,
        "heading_open": _Title,
        "fence": _Code,
        "code_block": _Code,
        "table_open": ReadableTable,
    }

    def __init__(self, text: str) -> None:
        super().__init__(with_every_cell(text), hyperlinks=False)
        _tame(self.parsed)


@dataclass(frozen=True, slots=True)
class _Whole:
    """Text that is harmless already, as Markdown where that hides none of its words, else as it was written."""

    text: str

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        if len(self.text) <= _LONGEST:
            view = _Markdown(self.text)
            lines = console.render_lines(view, options, pad=False)
            if _holds("".join(each.text for line in lines for each in line), self.text, view):
                for line in lines:
                    yield from line
                    yield Segment.line()
                return
        yield Text(self.text)


def _holds(shown: str, text: str, view: Markdown) -> bool:
    """Tell whether all letters and digits of `text` are shown, in their order unless cells of a table stand between."""
    # Letters, not words: a line may end within a word.
    needed = re.sub(r"\W", "", _without_marks(safe(unescape(_FENCE.sub(_without_language, text)))))
    there = re.sub(r"\W", "", shown)
    rest = iter(there)
    if all(letter in rest for letter in needed):
        return True
    return any(each.type == "table_open" for each in view.parsed) and Counter(needed) <= Counter(there)


_FENCE = re.compile(r"^([ >*+-]*(?:\d+[.)])? *(?:```+|~~~+)) *(\S+) *$", re.MULTILINE)


def _without_language(fence: re.Match[str]) -> str:
    return fence[1] if fence[2] in LANGUAGES else fence[0]


def _tame(tokens: Iterable[Any]) -> None:
    """Let tokens stand for themselves; what an entity such as &#x202e; has brought in is made harmless too."""
    for token in tokens:
        token.content = _without_marks(safe(token.content))
        token.attrs = {name: safe(str(value)) for name, value in token.attrs.items()}
        if token.type == "softbreak":
            token.type = "hardbreak"
        elif token.type == "html_inline":
            token.type = "text"
        elif token.type == "html_block":
            token.type = "code_block"
        elif token.markup in ("_", "__"):
            # Names such as __init__ are about; who means emphasis writes asterisks.
            token.type, token.tag, token.content = "text", "", token.markup
        elif token.type == "image":
            token.type, token.tag, token.children = "text", "", None
            token.content = f"![{token.content}]({token.attrs['src']})"
        _tame(token.children or ())
