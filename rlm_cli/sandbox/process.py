"""The child process, seen from its parent: started with nothing, interrupted, killed with all it may have started.

While it lives, no process of our own user can look into this one (`hidden`): the child could be such a process.

Linux kills a child by PDEATHSIG when the THREAD that started it ends: start it from one that lives as long.
"""

import contextlib
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

from rlm_cli.confinement import hidden
from rlm_cli.errors import SandboxError
from rlm_cli.sandbox.protocol import STRUCTURE_LIMIT, Channel

WORKER = Path(__file__).parent / "worker.py"
_REAP_SECONDS = 10.0


class Child:
    """One process and the channel to it."""

    def __init__(self, context_descriptor: int, program: Path = WORKER) -> None:
        """Start it; raises SandboxError. It gets a duplicate of the descriptor and nothing else of ours."""
        if not sys.executable:
            raise SandboxError("this Python does not know its own program", "run rlm with an ordinary python")
        self._closing = contextlib.ExitStack()
        ours, theirs = socket.socketpair()
        given = (theirs.fileno(), context_descriptor, os.getpid())
        try:
            self._closing.enter_context(hidden())
            self._process = subprocess.Popen(
                # Not -I: it would ignore PYTHONHASHSEED. Not -S: RestrictedPython lies in site-packages.
                [sys.executable, "-s", "-P", "-B", str(program), *map(str, given)],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                cwd="/",
                env={"PYTHONHASHSEED": "0"},
                pass_fds=(theirs.fileno(), context_descriptor),
                start_new_session=True,
            )
        except BaseException as error:
            ours.close()
            self._closing.close()
            if isinstance(error, OSError):
                raise SandboxError(f"the sandbox's process cannot be started: {error.strerror}") from error
            raise
        finally:
            theirs.close()
        self.channel = Channel(ours, STRUCTURE_LIMIT)

    @property
    def pid(self) -> int:
        return self._process.pid

    def interrupt(self) -> None:
        """Ask the running cell to stop."""
        self._signal(signal.SIGINT)

    def pause(self) -> None:
        """Let it do nothing at all until it is to `go_on`: between cells nothing is wanted of it."""
        self._signal(signal.SIGSTOP)

    def go_on(self) -> None:
        self._signal(signal.SIGCONT)

    def _signal(self, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError):
            self._process.send_signal(number)

    def kill(self) -> str:
        """End the process group, reap it, close our end; returns how the child ended. May be called twice."""
        if self._process.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
        with contextlib.suppress(subprocess.TimeoutExpired):  # the kernel holds it: it is dead all the same
            self._process.wait(_REAP_SECONDS)
        self.channel.close()
        self._closing.close()
        return self.ending()

    def ending(self, patience: float = 0.0) -> str:
        """Say how the child ended, waiting up to `patience` seconds for it."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(patience)
        code = self._process.returncode
        if code is None:
            return "still running"
        if code < 0:
            named = -code in signal.Signals.__members__.values()
            return f"ended by {signal.Signals(-code).name if named else f'signal {-code}'}"
        return f"ended with status {code}"
