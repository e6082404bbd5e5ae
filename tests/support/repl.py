"""Sessions over small contexts, and an engine's part in a few lines: it answers what the cell asks."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rlm_cli.context import Context
from rlm_cli.context_writer import ContextWriter
from rlm_cli.sandbox import ChildRepl, open_repl
from rlm_cli.seams import (
    Asked,
    BudgetAsked,
    BudgetTold,
    Cell,
    CellFinished,
    ClaimChecked,
    Claimed,
    Delegated,
    SubAnswer,
    SubAnswers,
)
from rlm_cli.types import Limits

TWO_FILES = {"notes.txt": "alpha\nbeta 7\ngamma 7\n", "src/b.py": "def f():\n    return 7\n"}
NOW = 1_700_000_000.0


def context_of(documents: dict[str, str]) -> Context:
    writer = ContextWriter(several=len(documents) > 1)
    for path, text in documents.items():
        writer.add(path, [text.encode()], path.rpartition(".")[2])
    return writer.finish(["test"], [], 100)


def replies(asked: Asked) -> SubAnswers:
    """Answer "got PROMPT", but fail what contains "fail"."""
    answers = (
        SubAnswer(error="the model is down") if "fail" in prompt else SubAnswer(text=f"got {prompt}")
        for prompt in asked.prompts
    )
    return SubAnswers(tuple(answers))


def answers(delegated: Delegated) -> SubAnswers:
    """Answer with how long the text is and where it begins, with evidence; fail what contains "fail"."""
    places = delegated.places or (None,) * len(delegated.tasks)
    return SubAnswers(
        tuple(
            SubAnswer(error="the child run failed", partial="half")
            if "fail" in question
            else SubAnswer(f"{question} {len(text)} {place}", evidence=((place or 0, text[:5]),), doubt="a little")
            for (question, text), place in zip(delegated.tasks, places, strict=True)
        ),
        summary=f"{len(delegated.tasks)} questions" if delegated.batched else None,
    )


class Session:
    """A session that numbers its cells and remembers what it was asked."""

    def __init__(self, repl: ChildRepl, context: Context, answer: Callable[[Asked], SubAnswers] = replies) -> None:
        self.repl = repl
        self.context = context
        self.asked: list[Asked] = []
        self.delegated: list[Delegated] = []
        self.claimed: list[Claimed] = []
        self._answer = answer
        self._number = 0

    def run(self, *blocks: str, timeout: float = 20.0) -> CellFinished:
        self._number += 1
        self.repl.send(Cell(self._number, blocks))
        while True:
            message = self.repl.receive(timeout)
            if isinstance(message, CellFinished):
                return message
            if isinstance(message, Asked):
                self.asked.append(message)
                self.repl.answer(self._answer(message))
            elif isinstance(message, Delegated):
                self.delegated.append(message)
                self.repl.answer(answers(message))
            elif isinstance(message, Claimed):
                self.claimed.append(message)
                self.repl.answer(self._check(message))
            else:
                assert isinstance(message, BudgetAsked)
                self.repl.answer(BudgetTold("sub-calls 0/100"))

    def _check(self, claimed: Claimed) -> ClaimChecked:
        if isinstance(claimed.place, int):
            found = self.context.find(claimed.quote, near=claimed.place)
        else:
            found = self.context.find(claimed.quote, path=claimed.place)
        if found is None:
            return ClaimChecked(refused="the quote is not there")
        page, _ = self.context.page_of(found.path, found.offset)
        return ClaimChecked(f"{found.path}:{found.line}" if page is None else f"{found.path} p. {page}")

    def value(self, source: str) -> str:
        """Run code that must succeed and return what it prints, without the last newline."""
        finished = self.run(source)
        assert finished.error is None, finished.error
        return finished.output.removesuffix("\n")

    def error(self, source: str) -> str:
        """Run code that must fail and return its error."""
        finished = self.run(source)
        assert finished.error is not None, finished.output
        return finished.error


@contextmanager
def session_over(
    documents: dict[str, str] | Context | None = None,
    limits: Limits | None = None,
    now: float = NOW,
    answer: Callable[[Asked], SubAnswers] = replies,
) -> Iterator[Session]:
    documents = TWO_FILES if documents is None else documents
    context = documents if isinstance(documents, Context) else context_of(documents)
    repl = open_repl(context, limits or Limits(), now)
    assert isinstance(repl, ChildRepl)
    try:
        yield Session(repl, context, answer)
    finally:
        repl.close()
        context.close()
