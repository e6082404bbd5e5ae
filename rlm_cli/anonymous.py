"""Files without a name: nothing to clean up, nothing for others to read, and on Linux no disk that could be full."""

import os
import tempfile


def anonymous_file(name: str) -> int:
    """Return a descriptor of an empty file, to read and write; on Linux it can be sealed. Raises OSError."""
    if hasattr(os, "memfd_create"):
        return os.memfd_create(name, os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    with tempfile.TemporaryFile(prefix=f"{name}-") as file:
        return os.dup(file.fileno())
