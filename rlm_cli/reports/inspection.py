"""What `rlm inspect` prints: a table of folders, the largest files, what was skipped, memory and cost; or all as JSON.

Knows an Inspection, and nothing of how it came about.
"""

import json
from collections.abc import Iterator
from dataclasses import asdict

from rlm_cli.amounts import cost, counted
from rlm_cli.inspection import Folder, Inspection, Price
from rlm_cli.types import Document

SCHEMA_VERSION = 1
_FOLDERS = 30
_SHARE = 0.01
"""Least part of all tokens that a folder below the top needs to be shown."""
_DEPTH = 3
_NAMED = 3
ASSUMPTIONS = (
    "of the loop the least, a question that three iterations settle, and the most, where the sub-model reads the text "
    "once, as far as the profile's sub-calls reach; direct: one request with all of it; map-reduce: each piece once"
)


def inspection_text(inspection: Inspection, every_skip: bool = False) -> str:
    """Return the report as lines for a person. `every_skip`: name each file that was skipped."""
    lines = [_title(inspection), "", *_tree(inspection), "", *_largest(inspection), ""]
    lines += [*_skipped(inspection, every_skip), *_counts(inspection), *_memory(inspection), "", *_prices(inspection)]
    return "\n".join(lines) + "\n"


def _title(inspection: Inspection) -> str:
    context = inspection.context
    return (
        f"{counted(len(context.documents), 'document')}, {_size(context.size)}, "
        f"{counted(context.characters, 'character')}, {counted(context.lines, 'line')}, "
        f"{_tokens(inspection, context.tokens)} tokens"
    )


def _tokens(inspection: Inspection, number: int) -> str:
    return f"{'' if inspection.context.tokens_exact else '~'}{number:,}"


def _tree(inspection: Inspection) -> Iterator[str]:
    folders = [each for each in inspection.folders if each.path]
    total = _total(inspection)
    shown = [each for each in folders if each.path.count("/") == 1 or _is_large(each, total)][:_FOLDERS]
    rows = [("tokens", "", "files", "folder")]
    for each in [*[each for each in inspection.folders if not each.path], *shown]:
        depth = each.path.count("/")
        name = each.path.split("/")[-2] + "/" if each.path else "all"
        share = f"{100 * each.tokens / total:.0f} %"
        rows.append((_tokens(inspection, each.tokens), share, f"{each.documents:,}", "  " * max(0, depth - 1) + name))
    yield from _columns(rows)
    if len(shown) < len(folders):
        yield f"and {counted(len(folders) - len(shown), 'smaller folder')}"


def _total(inspection: Inspection) -> int:
    """Return the tokens of all documents, without headers."""
    return max(1, inspection.folders[0].tokens)


def _is_large(folder: Folder, total: int) -> bool:
    return folder.path.count("/") <= _DEPTH and folder.tokens >= _SHARE * total


def _columns(rows: list[tuple[str, str, str, str]]) -> Iterator[str]:
    """Yield rows with the first three columns to the right, the last to the left."""
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    for row in rows:
        yield "  ".join([*(text.rjust(width) for text, width in zip(row, widths, strict=False)), row[3]]).rstrip()


def _largest(inspection: Inspection) -> Iterator[str]:
    rows = [("tokens", "", "lines", "largest files")]
    total = _total(inspection)
    for each in inspection.largest:
        share = f"{100 * each.tokens / total:.1f} %"
        rows.append((_tokens(inspection, each.tokens), share, f"{each.lines:,}", each.path + _said_of(each)))
    yield from _columns(rows)


def _said_of(document: Document) -> str:
    said = [
        f"{len(document.pages):,} pages" if document.pages else "",
        f"{len(document.parts.starts):,} {document.parts.kind}s" if document.parts else "",
        document.mark or "",
    ]
    return f"  ({', '.join(filter(None, said))})" if any(said) else ""


def _skipped(inspection: Inspection, every_skip: bool) -> Iterator[str]:
    context = inspection.context
    if not context.skipped:
        yield "not loaded: nothing"
        return
    yield f"not loaded: {len(context.skipped):,} (a folder counts as one)"
    for reason, number in context.skipped_by_reason().items():
        names = [each.path for each in context.skipped if each.reason == reason]
        if every_skip:
            yield f"  {number:,} {reason}"
            yield from (f"    {name}" for name in names)
        else:
            more = ", ..." if number > _NAMED else ""
            yield f"  {number:,} {reason}: {', '.join(names[:_NAMED])}{more}"


def _counts(inspection: Inspection) -> Iterator[str]:
    for title, counts in (("encodings", inspection.encodings), ("not by hand", inspection.marks)):
        if counts:
            yield f"{title}: " + ", ".join(f"{name} {number:,}" for name, number in counts.items())


def _memory(inspection: Inspection) -> Iterator[str]:
    memory = inspection.memory
    sizes = f"{_size(memory.text)} for the text, {_size(memory.session)} in the sandbox"
    yield f"memory: {sizes}; this command took {_size(inspection.peak)} at most"
    if memory.width > 1:
        characters = {2: "a character beyond Latin-1", 4: "a character such as an emoji"}[memory.width]
        yield (
            f"  {memory.width} bytes for each character there, because of {characters}, the first in {memory.widest}; "
            f"without such it would be {_size(inspection.context.characters)}"
        )


def _prices(inspection: Inspection) -> Iterator[str]:
    if not inspection.prices:
        return
    yield "what a run may cost"
    width = max(len(each.profile) for each in inspection.prices)
    for each in inspection.prices:
        yield f"  {each.profile:<{width}}  {_range(each)}{_others(each)}"
    yield f"  ({ASSUMPTIONS})"


def _range(price: Price) -> str:
    if price.range is None:
        return "a price is unknown"
    if price.range.high == 0:
        return "nothing"
    cap = "no cap" if price.max_cost is None else f"cap {cost(price.max_cost)}"
    low, high = map(_usd, (price.range.low, price.range.high))
    return f"{low} to {high}, {cap}" if low != high else f"{low}, {cap}"


def _others(price: Price) -> str:
    """Return which way to answer auto takes, and what those other than the loop may cost."""
    found, takes = price.choice.costs, f"; auto takes {price.choice.strategy}"
    if found is None:
        return takes
    if found.rlm.high == 0:
        return takes if price.choice.strategy != "rlm" else ""
    direct = f"direct {_usd(found.direct)}" if price.choice.fits else "direct does not fit"
    return f"{takes}; {direct}; map-reduce {_usd(found.map_reduce)}"


def _usd(usd: float) -> str:
    return f"${usd:.2f}" if usd >= 0.01 else "less than $0.01"


def _size(number: int) -> str:
    if number < 1000:
        return f"{number} bytes"
    return f"{number / 1e6:,.1f} MB" if number >= 100_000 else f"{number / 1e3:,.1f} kB"


def inspection_json(inspection: Inspection) -> str:
    """Return all of it as one JSON object, ASCII only; amounts are USD, sizes bytes."""
    context = inspection.context
    plain = {
        "schema_version": SCHEMA_VERSION,
        "inputs": list(context.inputs),
        "sha256": context.sha256,
        "documents": len(context.documents),
        "bytes": context.size,
        "characters": context.characters,
        "lines": context.lines,
        "longest_line": context.longest_line,
        "tokens": context.tokens,
        "tokens_exact": context.tokens_exact,
        "base": context.base,
        "folders": [asdict(each) for each in inspection.folders],
        "files": [_file(each) for each in context.documents],
        "kinds": inspection.kinds,
        "encodings": inspection.encodings,
        "marks": inspection.marks,
        "skipped": context.skipped_by_reason(),
        "skipped_files": [asdict(each) for each in context.skipped],
        "memory": asdict(inspection.memory) | {"peak": inspection.peak},
        "costs": [
            {
                "profile": each.profile,
                "low": each.range.low if each.range else None,
                "high": each.range.high if each.range else None,
                "max_cost": each.max_cost,
                "strategy": each.choice.strategy,
                "direct": each.choice.costs.direct if each.choice.costs and each.choice.fits else None,
                "map_reduce": each.choice.costs.map_reduce if each.choice.costs else None,
            }
            for each in inspection.prices
        ],
        "assumptions": ASSUMPTIONS,
        "secrets": [asdict(each) for each in inspection.secrets],
        "warnings": list(inspection.warnings),
    }
    return json.dumps(plain, ensure_ascii=True, indent=2) + "\n"


def _file(document: Document) -> dict[str, object]:
    parts = document.parts
    return {
        "path": document.path,
        "kind": document.kind,
        "lines": document.lines,
        "characters": document.span.end - document.span.start,
        "tokens": document.tokens,
        "encoding": document.encoding,
        "mark": document.mark,
        "pages": len(document.pages),
        "cells": len(parts.starts) if parts is not None and parts.kind == "cell" else 0,
        "records": len(parts.starts) if parts is not None and parts.kind == "record" else 0,
        "title": document.title,
        "key": document.key,
        "changed": None if document.changed is None else [list(each) for each in document.changed],
    }
