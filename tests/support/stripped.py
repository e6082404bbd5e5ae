"""The sandbox's child with layers taken off it, to see whether those that are left hold; and a judge of what was got.

    fence   what model-written code may say and touch (policy, guards, proxies)
    wall    what the process may do (confinement)

A cell that reads `#judge` is answered by the judge: it tells what the variable `loot` holds that no code may hold, and
clears the namespace for the next attempt. Runs in the child; children/ has one program for each choice of layers.
"""

import builtins
import importlib
import io
import os
import socket
import sys
import types
from collections.abc import Callable
from typing import Any

from rlm_cli.confinement import Walls
from rlm_cli.sandbox import confine, doors
from rlm_cli.sandbox.asking import Parent
from rlm_cli.sandbox.guards import Guards
from rlm_cli.sandbox.names import Names
from rlm_cli.sandbox.protocol import Channel

session: Any = importlib.import_module("rlm_cli.sandbox.session")  # its layers are taken from it
JUDGE = "#judge"
_AT_HAND = """
    asyncio ctypes ctypes.util fcntl gc inspect io mmap multiprocessing os pathlib pickle posix pty resource runpy
    select shutil signal socket subprocess tempfile threading _posixsubprocess
    """.split()
"""Loaded before the walls go up, for attackers who have no fence before them: nothing can be loaded afterwards."""
_CODE = {open, eval, exec, compile, __import__, getattr, setattr, delattr, vars, globals, locals, io.open_code, type}
_INNARDS = (
    types.ModuleType, types.FrameType, types.CodeType, types.CellType, io.IOBase, socket.socket, Channel, Parent,
    Guards, Names, session.Session,
)  # fmt: skip
_REACHING = {"os", "posix", "subprocess", "importlib", "shutil", "ctypes", "runpy", "_io", "_imp", "_frozen_importlib"}
"""Modules whose functions and classes reach out of the process, or load what does."""
_CALLED = (types.BuiltinFunctionType, types.MethodDescriptorType, types.FunctionType, type)
_HARMLESS = (io.StringIO, io.BytesIO)


def serve(*, fence: bool, wall: bool | Callable[[int], Walls]) -> None:
    """Be the child, with these layers; `wall` may be another one, which is put up for a parent."""
    _add_judge()
    if not fence:
        _without_fence()
    if not fence and wall:
        for name in _AT_HAND:
            importlib.import_module(name)
    if not fence and not wall:
        session._warm = lambda: None  # so that anything can be imported when it is asked for
    if wall is not True:
        confine.confine = lambda allowed, parent: wall(parent) if wall else Walls((), ())
    socket_number, context_number, parent = map(int, sys.argv[1:])
    session.open_session(Channel(socket.socket(fileno=socket_number)), context_number, parent).serve()


def _without_fence() -> None:
    judged = session.compile_block
    session.compile_block = lambda source, filename, *noted: (
        judged(source, filename) if source == JUDGE else compile(source, filename, "exec", dont_inherit=True)
    )
    real = session.built_ins
    session.built_ins = lambda guards, modules, write: {
        **vars(builtins), "print": write, "<judge>": real(guards, modules, write)["<judge>"]
    }  # fmt: skip
    doors.close = lambda classes: None  # what it closes is part of the fence


def _add_judge() -> None:
    compile_block, built_ins = session.compile_block, session.built_ins

    def compiled(source: str, filename: str, *noted: Callable[[str], None]) -> types.CodeType:
        if source == JUDGE:
            return compile("__builtins__['<judge>']()", filename, "exec", dont_inherit=True)
        code: types.CodeType = compile_block(source, filename, *noted)
        return code

    def judging(guards: Any, modules: Any, write: Callable[..., None]) -> dict[str, Any]:
        namespace = sys.modules["__main__"].__dict__

        def judge() -> None:
            for each in found(namespace.get("loot"), set()):
                write(each)
            for name in [each for each in namespace if each.isidentifier() and not each.startswith("__")]:
                del namespace[name]

        return {**built_ins(guards, modules, write), "<judge>": judge}

    session.compile_block, session.built_ins = compiled, judging


def found(value: Any, seen: set[int], depth: int = 5) -> list[str]:
    """Return what there is in `value` that no code may hold; text is told as it is, for the host knows the secrets."""
    if id(value) in seen or not depth:
        return []
    seen.add(id(value))
    kind = type(value)
    if isinstance(value, str | bytes):
        return [f"text {value[:2000]!r}"]
    if isinstance(value, _INNARDS) and not isinstance(value, _HARMLESS):
        return [f"loot {kind.__name__}"]
    if kind in _CALLED and _is_forbidden(value):
        return [f"loot {kind.__name__} {getattr(value, '__name__', '')}"]
    if kind is types.MethodType:
        return found(value.__func__, seen, depth - 1)
    if isinstance(value, dict | types.MappingProxyType):
        if "__builtins__" in value or value is vars(os):
            return ["loot globals"]
        return [each for pair in list(value.items())[:5000] for part in pair for each in found(part, seen, depth - 1)]
    if isinstance(value, list | tuple | set | frozenset):
        return [each for part in list(value)[:5000] for each in found(part, seen, depth - 1)]
    return []


def _is_forbidden(value: Any) -> bool:
    name, holder = getattr(value, "__name__", None), getattr(value, "__self__", None)
    if name == "__new__" or (name in ("format", "format_map") and isinstance(holder or "", str)):
        return True
    try:
        return value in _CODE or getattr(value, "__module__", None) in _REACHING
    except TypeError:
        return False
