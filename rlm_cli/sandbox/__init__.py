"""The sandbox: model-written code in a process of its own, which holds nothing worth taking.

    host.py       the parent's end: a Repl (seams.py) over one child
    process.py    starts, interrupts, kills and reaps the child
    messages.py   what the child may say, checked field by field
    protocol.py   frames of JSON over a socket; both ends

    worker.py     the child's first file
    session.py    runs cells in one namespace      explain.py, output.py, interrupts.py
    policy.py     what source code may say         words.py
    guards.py     what running code may touch      classes.py, variables.py
    modules.py    what it may import               doors.py, copying.py, records.py, clock.py
    names.py      what the code finds there        asking.py, delegating.py, mapping.py, labels.py, answering.py,
                                                   search.py, ranking.py, tables.py, values.py, nearest.py
    confine.py    how large the operating system's walls (confinement.py) are

Both names below are looked up on first use: the child imports this package too, and needs nothing of the host.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rlm_cli.sandbox.host import ChildRepl, open_repl

__all__ = ["ChildRepl", "open_repl"]


def __getattr__(name: str) -> Any:
    if name in __all__:
        from rlm_cli.sandbox import host

        return getattr(host, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
