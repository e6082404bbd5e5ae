"""What a kind of work adds to a question. The words themselves stand in the other files of this folder, one a kind."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Template:
    """A kind of work: its question where nobody asked one, and what any question of the kind needs.

    The root model pays for `needs`, `method` and `form` in each iteration: together they stay under 180 words.
    """

    name: str
    """As --task has it."""
    title: str
    """Behind `# Task: ` in the first message."""
    question: str
    """Asked where inputs are given and no question; its words are what the offline models search for."""
    needs: tuple[str, ...]
    """What an answer has to hold, one line each."""
    method: tuple[str, ...]
    """How it is found in a session, one line each; left out where there is no session."""
    form: tuple[str, ...]
    """The sections of the report, with the columns of their tables, or the form of a summary of findings; none where
    a JSON schema gives the form.
    """
    findings: bool = False
    """What is found are findings: they are asked for without --findings."""
