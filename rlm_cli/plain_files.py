"""Opens files that a stranger may have put there: a pipe, a device or a link must not hang or flood who reads them.

Knows nothing of what the files hold.
"""

import errno
import os
import stat
from pathlib import Path
from typing import BinaryIO


def open_plain(path: Path, links: bool = False) -> BinaryIO:
    """Open a regular file to read, without waiting for anyone; `links` are followed when allowed. Raises OSError."""
    try:
        # Non-blocking: opening a pipe would wait for its writer.
        number = os.open(path, os.O_RDONLY | os.O_NONBLOCK | (0 if links else os.O_NOFOLLOW))
    except OSError as error:
        if error.errno == errno.ELOOP and not links:
            raise OSError(errno.ELOOP, "it is a link") from error
        raise
    mode = os.fstat(number).st_mode
    if stat.S_ISREG(mode):
        return os.fdopen(number, "rb")
    os.close(number)
    raise OSError(errno.EINVAL, "Is a directory" if stat.S_ISDIR(mode) else "it is not a regular file")
