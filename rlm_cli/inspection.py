"""What a context holds, in numbers: by folder, by file, by kind; what it takes in memory; what a run may cost.

Pure arithmetic over a Context: nothing is read or asked here. How it looks is reports/inspection.py's.
"""

import resource
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from rlm_cli.context import Context
from rlm_cli.estimate import Estimate
from rlm_cli.strategies import Choice, choose
from rlm_cli.types import Document, Profile, Secret


@dataclass(frozen=True, slots=True)
class Folder:
    """One folder of the input, with all that lies below it."""

    path: str
    """Ends in `/`; "" for all."""
    documents: int
    tokens: int
    bytes: int


@dataclass(frozen=True, slots=True)
class Memory:
    """What the context takes while it is explored, in bytes."""

    text: int
    """In rlm itself: UTF-8, outside of its own heap."""
    session: int
    """In the sandbox: as one Python str."""
    width: int
    """Bytes a character there: the widest character decides for all."""
    widest: str | None
    """Where the first such character stands, path:line, when it makes all others wider."""


@dataclass(frozen=True, slots=True)
class Price:
    """What a run with one profile may come to; `range` is the loop's."""

    profile: str
    range: Estimate | None
    """None: a price is unknown."""
    max_cost: float | None
    """USD; None: no cap."""
    choice: Choice
    """How `auto` would answer, and what each way may come to."""


@dataclass(frozen=True, slots=True)
class Inspection:
    """All that `rlm inspect` says."""

    context: Context
    folders: tuple[Folder, ...]
    """Every folder, the outer ones before those within."""
    largest: tuple[Document, ...]
    kinds: dict[str, int]
    encodings: dict[str, int]
    marks: dict[str, int]
    memory: Memory
    prices: tuple[Price, ...]
    warnings: tuple[str, ...]
    secrets: tuple[Secret, ...]
    peak: int
    """Bytes of memory that this process took at most."""


def inspect(
    context: Context,
    profiles: Sequence[Profile],
    warnings: Sequence[str] = (),
    secrets: Sequence[Secret] = (),
    largest: int = 10,
) -> Inspection:
    """Count. `profiles` are those whose cost is estimated, with the prices that are known."""
    documents = context.documents
    return Inspection(
        context=context,
        folders=tuple(_folders(context)),
        largest=tuple(sorted(documents, key=lambda each: -each.tokens)[:largest]),
        kinds=_counts(each.kind for each in documents),
        encodings=_counts(each.encoding for each in documents),
        marks=_counts(each.mark for each in documents if each.mark is not None),
        memory=_memory(context),
        prices=tuple(_price(context, each) for each in profiles),
        warnings=tuple(warnings),
        secrets=tuple(secrets),
        peak=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024),
    )


def _price(context: Context, profile: Profile) -> Price:
    choice = choose(replace(profile, strategy="auto"), context.tokens, exact=context.tokens_exact)
    return Price(profile.name, choice.costs.rlm if choice.costs else None, profile.limits.max_cost, choice)


def _counts(values: Iterator[str]) -> dict[str, int]:
    return dict(Counter(values).most_common())


def _folders(context: Context) -> Iterator[Folder]:
    totals: dict[str, list[int]] = {}
    for document in context.documents:
        parts = document.path.split("/")[:-1]
        size = context.bytes_of(document)
        for depth in range(len(parts) + 1):
            total = totals.setdefault("".join(f"{part}/" for part in parts[:depth]), [0, 0, 0])
            total[0] += 1
            total[1] += document.tokens
            total[2] += size
    for path in sorted(totals):
        yield Folder(path, *totals[path])


def _memory(context: Context) -> Memory:
    widest = None
    if context.widest is not None and context.width > 1:
        path, line = context.locate(context.widest)
        widest = f"{path}:{line}"
    return Memory(context.size, context.characters * context.width, context.width, widest)
