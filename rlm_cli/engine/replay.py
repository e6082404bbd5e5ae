"""A resumed run repeats itself from its record, and goes on live at the first thing that is not there.

Covered: what a call on record adds to the account, the moment of going live, and texts that hold times and amounts,
which have to be said as they were said then. Knows the record only as a `Journal` (seams.py).

Each run, the root's and every child's, repeats itself on its own: it goes live at its own first call that is not on
record, and with it those that wait for it, while children beside it go on repeating theirs. The account goes live once,
with the first of them: all that is left of the record is counted as spent then, and whatever is repeated afterwards
comes for nothing. A child's places hold what it was asked, so that another child at its path is not taken for it.
"""

from collections.abc import Generator
from dataclasses import dataclass, field
from threading import Lock

from rlm_cli.amounts import counted
from rlm_cli.budget import Budget
from rlm_cli.engine import tally
from rlm_cli.events import CallPath, Event, RunResumed
from rlm_cli.seams import Journal, Recorded, Rest, Unanswered
from rlm_cli.types import ModelSpec, Profile, Request


class NoJournal:
    """Of a run that is not recorded: there is nothing to replay, and nothing is noted."""

    def replayed(self, request: Request) -> Recorded | None:
        return None

    def told(self, place: str) -> str | None:
        return None

    def note(self, place: str, text: str) -> None:
        return

    def leave(self) -> Rest | None:
        return None

    def unfit(self) -> int:
        return 0


@dataclass(slots=True)
class Replay:
    """What one run asks of its record."""

    journal: Journal
    budget: Budget
    profile: Profile
    """Of the root run."""
    warnings: dict[str, None]
    """Of the run."""
    note: str | None = None
    """What the root model has to know when the run goes live."""
    live: bool = False
    asker: "Replay | None" = None
    """Of the run that waits for this one."""
    mark: str = ""
    """Behind each place of a child run."""
    leaving: Lock = field(default_factory=Lock)
    """One for all runs: whoever goes live second finds an account that is live."""
    untold: RunResumed | None = None
    """That nobody heard from the child run that went live."""

    def of_child(self, key: str, warnings: dict[str, None]) -> "Replay":
        """Return that of a child run; `key` says what it was asked, and of what."""
        return Replay(
            self.journal, self.budget, self.profile, warnings, asker=self, mark=f" #{key[:16]}", leaving=self.leaving
        )

    def find(self, request: Request) -> Recorded | None:
        """Return what a call came to; None when it is not on record. To be counted when it has been told."""
        return None if self.live else self.journal.replayed(request)

    def count(self, request: Request, recorded: Recorded) -> None:
        """Count a call on record as spent."""
        self.budget.count_spent(request, recorded.usage, recorded.lost, recorded.at)

    def told(self, place: str, text: str) -> str:
        """Return what was told at a place before, else `text`, which is put on record."""
        before = self.told_before(place)
        if before is not None:
            return before
        self.journal.note(f"{place}{self.mark}", text)
        return text

    def told_before(self, place: str) -> str | None:
        """Return what was told at a place before, if anything was."""
        return None if self.live else self.journal.told(f"{place}{self.mark}")

    def go_live(self, here: CallPath) -> Generator[Event, None, bool]:
        """Leave the record behind before the first call that is not in it. Returns whether that was now."""
        root = self
        root.live = True
        while root.asker is not None:
            root = root.asker
            root.live = True
        with self.leaving:
            rest = self.journal.leave()
            if rest is None:
                return False
            worst = [self.budget.worst_case(self._spec(each), each.messages) for each in rest.unanswered]
            self.budget.go_live(rest.usage, worst, rest.at)
            self.budget.count_subcalls(rest.subcalls)
        # It is the whole run that is resumed.
        resumed = RunResumed(path=here.of_root, calls=rest.repeated, usage=rest.usage["root"] + rest.usage["sub"])

        def heard(heard: bool) -> None:
            root.untold = None if heard else resumed

        yield from tally.counted(resumed, heard)
        return True

    def finish(self, here: CallPath) -> Generator[Event, None, None]:
        """End with the run: what it has not come by of its record is spent all the same."""
        yield from self.go_live(here)
        if self.untold is not None:
            yield self.untold
        if unfit := self.journal.unfit():
            went = "the run went otherwise than it had when it was resumed"
            self.warnings[f"{went}: {counted(unfit, 'reply', 'replies')} on record fitted nowhere"] = None

    def _spec(self, call: Unanswered) -> ModelSpec:
        of_sub_model = call.role == "sub" and call.model == self.profile.sub.model
        known = self.profile.sub if of_sub_model else self.profile.root
        return next((each for each in (known, *self.profile.models) if each.model == call.model), known)

    def news(self, here: CallPath) -> str | None:
        """Return the note where it belongs into the history: once the run is live, and there again when repeated."""
        place = f"{here} note"
        if not self.live or self.note is None:
            return self.told_before(place)
        note, self.note = self.note, None
        return self.told(place, note)
