"""Evidence and doubt in a reply that is the answer itself: asked for in a form that a program reads, and taken off it.

    ...the answer...
    ```evidence
    src/a.py:12 | return total
    ```
    Doubt: whether the caller rounds.

Covered: the words that ask for it, reading it, checking each quote against the text. Only a block that closes the
reply counts: one that stands elsewhere, quoted from a text say, is part of the answer. What a quote does not hold for
is marked so, since nobody is asked again.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rlm_cli.context import Context
from rlm_cli.engine.cells import CITATIONS
from rlm_cli.findings import Refusal, check_claim, unverified
from rlm_cli.places import resolve
from rlm_cli.results import Citation

ASKED_FOR = """\
The answer first, with whatever last line it is to have. Behind it, apart from it, the evidence: one line for each \
claim that matters, a place, ` | `, and a short quote copied from there character by character, without the number \
before it and without an ellipsis; where it goes over several lines, join them with a space. Then a line that begins \
with `Doubt:` and says what you could not settle; leave it out where there is nothing. Exactly in this form:

```evidence
PLACE | QUOTE
```
Doubt: ..."""

_FENCE = re.compile(r"^[ \t]*(`{3,})[ \t]*evidence[ \t]*$", re.MULTILINE | re.IGNORECASE)
_DOUBT = re.compile(r"[*_#>\- \t]{0,6}doubts?[*_]{0,3}:[*_]{0,3}[ \t]*(.*)", re.IGNORECASE | re.DOTALL)
_NO_DOUBT = re.compile(r"[\W_]*(?:none|no|nothing|n/?a|\.\.\.)?[\W_]*", re.IGNORECASE)
_THOUGHT = re.compile(r"\s*<think(?:ing)?>.*?</think(?:ing)?>\s*", re.DOTALL | re.IGNORECASE)
_NUMBER = re.compile(r"\d{0,9}\| ?")
"""What stands before a line of the text as it is shown."""
_QUOTING = (('"', '"'), ("`", "`"), ("\u201c", "\u201d"), ("'", "'"), ("\u00ab", "\u00bb"), ("\u201e", "\u201c"))
_NOTHING = 40
"""Characters that a doubt has at most which says that there is none."""
_BARS = 5
"""At which a line is tried to be cut: a path may hold one."""


@dataclass(frozen=True, slots=True)
class Parted:
    """A reply, taken apart."""

    answer: str
    claims: tuple[tuple[str, str], ...] = ()
    """(place, quote), as they were written."""
    doubt: str | None = None
    unread: bool = False
    """There is a block of evidence that does not close the reply: it may be quoted from a text."""


def without_thoughts(reply: str) -> str:
    """Return a reply without what some servers leave before it."""
    thought = _THOUGHT.match(reply)
    return reply if thought is None else reply[thought.end() :]


def parted(context: Context, reply: str, truncated: bool = False) -> Parted:
    """Take evidence and doubt off a reply that ends with them."""
    last = next(reversed([*_FENCE.finditer(reply)]), None)
    if last is None:
        answer, doubt = _ending_doubt(reply)
        return Parted(answer.strip(), doubt=doubt)
    closing = re.compile(rf"^[ \t]*{last[1]}`*[ \t]*$", re.MULTILINE).search(reply, last.end())
    if closing is None and not truncated:
        return Parted(reply.strip(), unread=True)
    block = reply[last.end() : closing.start() if closing is not None else len(reply)]
    tail = reply[closing.end() :].strip() if closing is not None else ""
    said = _DOUBT.fullmatch(tail)
    if tail and said is None:
        return Parted(reply.strip(), unread=True)
    answer, doubt = _ending_doubt(reply[: last.start()])
    if said is not None:
        answer, doubt = reply[: last.start()], _settled(said[1])
    lines = block.strip().split("\n")
    if closing is None:
        lines.pop()  # it may be cut anywhere
    claims = (_claim(context, line.strip()) for line in lines)
    return Parted(answer.strip(), tuple(each for each in claims if each is not None), doubt)


def cited(context: Context, claims: Sequence[tuple[str, str]]) -> Iterator[Citation]:
    """Yield what the claims are worth, at most CITATIONS: those whose quote stands nowhere are not verified."""
    for place, quote in claims[:CITATIONS]:
        found = next((each for each in _tries(context, place, quote) if not isinstance(each, Refusal)), None)
        yield found if found is not None else unverified(context, place, quote)


def _tries(context: Context, place: str, quote: str) -> Iterator[Citation | Refusal]:
    """Yield what checks come to, the strictest first: a place is a hint, the quote is what has to stand there."""
    document = resolve(context, place).document
    if document is None and len(context.documents) == 1:
        document = context.documents[0]
    inner = [quote[1:-1] for first, last in _QUOTING if len(quote) > 2 and (quote[0], quote[-1]) == (first, last)]
    bare = [_NUMBER.sub("", each, count=1) for each in (quote, *inner) if _NUMBER.match(each)]
    for said in dict.fromkeys((quote, *inner, *bare)):
        yield check_claim(context, place, said)
        if document is not None:
            yield check_claim(context, document.path, said)


def _claim(context: Context, line: str) -> tuple[str, str] | None:
    line = line.removeprefix("- ").removeprefix("* ")
    first: tuple[str, str] | None = None
    at = -1
    for _ in range(_BARS):
        at = line.find("|", at + 1)
        if at < 0:
            break
        place, quote = line[:at].strip().strip("`").strip(), line[at + 1 :].strip()
        if place and quote:
            first = first or (place, quote)
            if resolve(context, place).document is not None:
                return place, quote
    return first


def _ending_doubt(text: str) -> tuple[str, str | None]:
    """Take a last paragraph off that says the doubt."""
    text = text.rstrip()
    before, gap, last = text.rpartition("\n")
    said = _DOUBT.fullmatch(last)
    return (before, _settled(said[1])) if said is not None and gap else (text, None)


def _settled(doubt: str) -> str | None:
    doubt = doubt.strip()
    return None if _NO_DOUBT.fullmatch(doubt[:_NOTHING]) and len(doubt) <= _NOTHING else doubt
