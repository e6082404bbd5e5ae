"""What a cell prints: whole up to OUTPUT_LIMIT characters, beyond that its head and its tail."""

from collections import deque

from rlm_cli.sandbox.protocol import OUTPUT_LIMIT

_HALF = OUTPUT_LIMIT // 2


class Output:
    """Collects text in bounded space."""

    def __init__(self) -> None:
        self.characters = 0
        """How many were written in all."""
        self._head: list[str] = []
        self._head_size = 0
        self._tail: deque[str] = deque()
        self._tail_size = 0

    def write(self, text: str) -> None:
        self.characters += len(text)
        if self._head_size < _HALF:
            self._head.append(text[: _HALF - self._head_size])
            text = text[_HALF - self._head_size :]
            self._head_size += len(self._head[-1])
        if text:
            self._tail.append(text[-_HALF:])
            self._tail_size += len(self._tail[-1])
            while self._tail_size - len(self._tail[0]) >= _HALF:
                self._tail_size -= len(self._tail.popleft())

    def text(self) -> str:
        """Return what was written; where something is gone a line says how much."""
        head, tail = "".join(self._head), "".join(self._tail)[-_HALF:]
        hidden = self.characters - len(head) - len(tail)
        gap = f"\n[... {hidden:,} of {self.characters:,} characters are gone here ...]\n" if hidden else ""
        # Half a surrogate pair can be printed but not sent.
        return (head + gap + tail).encode("utf-8", "backslashreplace").decode("utf-8")
