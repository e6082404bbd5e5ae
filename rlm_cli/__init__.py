"""rlm: ask questions of text far larger than any model's window.

`rlm_cli.analyze(...)` is the Python API; it is looked up on first use, because importing this package
must cost nothing: the sandbox's child process and `rlm --help` both import it.
"""

from typing import Any

__version__ = "0.1.0"
__all__ = ["__version__", "analyze"]


def __getattr__(name: str) -> Any:
    if name == "analyze":
        from rlm_cli.analysis import analyze

        return analyze
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
