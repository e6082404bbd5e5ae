"""The child: takes the context and the table of documents, puts up the walls, and runs one cell after another.

Covered: the order of all this, the namespace, what a cell comes to. One thread, one namespace for the whole session.
"""

import codecs
import contextlib
import importlib
import mmap
import os
import platform
import sys
import time
import warnings
from typing import Any

from rlm_cli.sandbox import confine, doors
from rlm_cli.sandbox.asking import Parent
from rlm_cli.sandbox.clock import Clock
from rlm_cli.sandbox.explain import Block, explain, explain_unrun, stopped
from rlm_cli.sandbox.guards import Guards
from rlm_cli.sandbox.interrupts import CellTimeout, Interrupts
from rlm_cli.sandbox.modules import Modules
from rlm_cli.sandbox.names import Names, built_ins, described, print_to
from rlm_cli.sandbox.output import Output
from rlm_cli.sandbox.policy import compile_block, globals_bound
from rlm_cli.sandbox.protocol import VARIABLES_LIMIT, Channel, Frame
from rlm_cli.sandbox.tables import Document
from rlm_cli.windows import Window

_RESERVE = 8 << 20
"""Bytes held back, so that running out of memory can still be reported."""
_ENCODINGS = """
    ascii utf_8 utf_8_sig utf_7 utf_16 utf_16_le utf_16_be utf_32 utf_32_le utf_32_be latin_1 iso8859_1 iso8859_2
    iso8859_15 cp437 cp850 cp1250 cp1251 cp1252 mac_roman punycode idna unicode_escape raw_unicode_escape hex_codec
    base64_codec rot_13 shift_jis euc_jp gb18030 gbk big5 euc_kr
    """.split()


def open_session(channel: Channel, context_file: int, parent: int) -> "Session":
    """Get ready in all respects: text, namespace, walls. After this nothing can be loaded or opened any more.

    `parent` is the process that must outlive this one.
    """
    bare = confine.address_space()
    hello = channel.receive()
    context = _read(context_file, hello["size"])
    session = Session(channel, context, _documents(channel, context, hello["documents"]), hello)
    _warm()
    walls = confine.confine(confine.room(bare, hello["size"], context.isascii(), hello["seconds"]), parent)
    channel.send(
        {
            "tag": "ready",
            "python": platform.python_version(),
            "modules": session.modules,
            "walls": ["policy", "process", *walls.standing],
            "missing": list(walls.missing),
        }
    )
    return session


def _documents(channel: Channel, context: str, number: int) -> list[Document]:
    """Receive the table: first all rows, then what is printed on pages, then where cells and records begin."""
    rows: list[list[Any]] = []
    while len(rows) < number:
        rows += channel.receive()["rows"]
    documents = []
    for labelled, *row in rows:
        labels: list[str | None] = []
        while len(labels) < labelled:
            labels += channel.receive()["labels"]
        documents.append(Document(context, labels, *row))
    for document in documents:
        while document.lacks_starts():
            document.take_starts(channel.receive()["starts"])
    return documents


def _read(context_file: int, size: int) -> str:
    """Map the context, decode it once, and let go of the bytes."""
    try:
        if not size:
            return ""
        # Private: kernels before 6.7 refuse a shared mapping of a sealed memory file, even for reading.
        with mmap.mmap(context_file, size, flags=mmap.MAP_PRIVATE, prot=mmap.PROT_READ) as mapped:
            return str(mapped, "utf-8")
    finally:
        os.close(context_file)


def _warm() -> None:
    """Load what Python loads on first use; afterwards nothing can be loaded any more."""
    for encoding in _ENCODINGS:
        codecs.lookup(encoding)
    time.tzset()
    time.strptime("2000", "%Y")
    "\N{BULLET}".encode("ascii", "namereplace")
    with contextlib.suppress(ImportError):  # from 3.12 on: arithmetic of very long integers
        importlib.import_module("_pylong")
    warnings.simplefilter("ignore")
    sys.unraisablehook = lambda _unraisable: None
    for finders in (sys.meta_path, sys.path, sys.path_hooks):
        finders.clear()


class Session:
    """One namespace and the cells that run in it."""

    def __init__(self, channel: Channel, context: str, documents: list[Document], hello: Frame) -> None:
        self._channel = channel
        self._interrupts = Interrupts()
        self._output = Output()
        self._time_limit = f"{hello['cell_seconds']:g} s"
        self._reserve: bytearray | None = bytearray(_RESERVE)
        self._blocks: dict[str, Block] = {}
        self._runs = 0
        self._namespace = doors.main_module()
        clock = Clock(hello["now"])
        guards = Guards(self._namespace, clock)
        doors.close(guards.classes)
        write = print_to(lambda: self._output)
        modules = Modules(guards, clock, write)
        self.modules = modules.names
        self._namespace["__builtins__"] = built_ins(guards, modules, write)
        windows = {name: Window(*sizes) for name, sizes in hello["windows"].items()}
        self._names = Names(self._namespace, Parent(channel, self._interrupts), context, documents, write, windows)
        self._names.protect(guards.hooks())
        self._tampered: list[str] = []
        self._names.watch_collections(self._tampered)

    def serve(self) -> None:
        """Run cells until the parent's end closes."""
        try:
            while True:
                self.run(self._channel.receive())
        except EOFError:
            return

    def run(self, cell: Frame) -> None:
        """Run a cell and send what it came to."""
        self._output = Output()
        self._runs += 1
        error: str | None = stopped(self._time_limit)
        final: Frame | None = None
        tampered = self._tampered
        try:
            # What is dropped may run code, for ever even: so it is dropped in the cell's own time.
            with self._interrupts.allowed():
                self._begin(tampered)
                error = self._run_blocks(cell["number"], cell["blocks"])
                # Before restoring: a clean-up is no place to answer from.
                answer = self._names.answer
                if error is None and answer.text is not None:
                    final = {"answer": answer.text, "doubt": answer.doubt}
                tampered += self._names.restore()
        except CellTimeout:
            # It came while names were restored, while an error was being described, or as the cell ended.
            error, final = error or stopped(self._time_limit), None
        output = self._output.text()
        stored = {name: value for name, value in self._names.variables().items() if len(name) <= 200}
        shown = list(stored)[:VARIABLES_LIMIT]
        self._names.outputs[cell["number"]] = output
        self._channel.send(
            {
                "tag": "finished",
                "number": cell["number"],
                "output": output,
                "characters": self._output.characters,
                "error": error,
                "final": final,
                "variables": shown,
                "sizes": [described(stored[name]) for name in shown],
                "tampered": [name for name in dict.fromkeys(tampered) if name.isidentifier()],
            }
        )
        tampered.clear()

    def _begin(self, tampered: list[str]) -> None:
        """Undo what came after the cell before: a clean-up can bind names whenever it runs."""
        self._names.release()
        tampered += self._names.restore()
        doors.reset()
        self._names.answer.clear()

    def _run_blocks(self, number: int, sources: list[str]) -> str | None:
        """Run blocks in order until one fails; return the text of its error."""
        for position, source in enumerate(sources, 1):
            label = f"block {position}, " if len(sources) > 1 else ""
            block = Block(source, number, label)
            filename = f"<run {self._runs} block {position}>"
            self._blocks[filename] = block
            error = self._run_block(block, filename)
            if error is not None:
                left = len(sources) - position
                later = f"\nThe {left} block{'s' * (left != 1)} after it did not run." if left else ""
                return error + later
        return None

    def _run_block(self, block: Block, filename: str) -> str | None:
        try:
            code = compile_block(block.source, filename, self._note)
        except Exception as error:  # noqa: BLE001 - whatever compiling raises is an error of the code
            return explain_unrun(error, block)
        self._tampered += globals_bound(code, self._names)
        try:
            exec(code, self._namespace)
        except BaseException as error:  # noqa: BLE001 - the code may raise anything at all
            self._reserve = None
            try:
                return explain(error, self._blocks, block, self._namespace, self._time_limit)
            finally:
                # The frames hold what the failed code was working on.
                error.__traceback__ = None
                self._refill()
        return None

    def _note(self, said: str) -> None:
        self._output.write(f"[{said}]\n")

    def _refill(self) -> None:
        try:
            self._reserve = bytearray(_RESERVE)
        except MemoryError:
            self._reserve = None
