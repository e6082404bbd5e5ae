"""The child's first file: finds the package it belongs to and starts the session. Run with two open descriptors.

    python -s -P -B worker.py SOCKET CONTEXT PARENT

It holds no class and no function that stays: this module is about to lose its name to the code that runs here.
"""

import importlib.util
import socket
import sys


def _make_importable() -> None:
    # By location, not by sys.path: no folder becomes importable on the way, and no other rlm_cli can get between.
    package = __file__.rpartition("/")[0].rpartition("/")[0]
    spec = importlib.util.spec_from_file_location(
        "rlm_cli", f"{package}/__init__.py", submodule_search_locations=[package]
    )
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["rlm_cli"] = module
    spec.loader.exec_module(module)


if __name__ == "__main__":
    _make_importable()
    from rlm_cli.sandbox.protocol import Channel

    socket_number, context_number, parent = map(int, sys.argv[1:])
    channel = Channel(socket.socket(fileno=socket_number))
    try:
        from rlm_cli.sandbox.session import open_session

        session = open_session(channel, context_number, parent)
    except EOFError:
        sys.exit(1)
    except Exception as error:
        # Nobody reads this process's stderr: what is missing here has to be told in the conversation.
        channel.send({"tag": "failed", "reason": f"{type(error).__name__}: {error}"[:500]})
        raise
    session.serve()
