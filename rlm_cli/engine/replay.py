"""A resumed run repeats itself from its record, and goes on live at the first thing that is not there.

Covered: what a call on record adds to the account, the moment of going live, and texts that hold times and amounts,
which have to be said as they were said then. Knows the record only as a `Journal` (seams.py).
"""

from collections.abc import Generator
from dataclasses import dataclass

from rlm_cli.budget import Budget
from rlm_cli.events import CallPath, Event, RunResumed
from rlm_cli.seams import Journal, Recorded, Rest
from rlm_cli.types import Profile, Request


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


@dataclass(slots=True)
class Replay:
    """What one run asks of its record."""

    journal: Journal
    budget: Budget
    profile: Profile
    calls: int = 0
    """How many came from the record."""

    def find(self, request: Request) -> Recorded | None:
        """Return what a call came to, counted as spent; None when it is not on record."""
        recorded = self.journal.replayed(request)
        if recorded is not None:
            self.calls += 1
            self.budget.count_spent(request, recorded.usage, recorded.lost, recorded.at)
        return recorded

    def told(self, place: str, text: str) -> str:
        """Return what was told at a place before, else `text`, which is put on record."""
        before = self.journal.told(place)
        if before is not None:
            return before
        self.journal.note(place, text)
        return text

    def told_before(self, place: str) -> str | None:
        """Return what was told at a place before, if anything was."""
        return self.journal.told(place)

    def go_live(self, here: CallPath) -> Generator[Event, None, bool]:
        """Leave the record behind before the first call that is not in it. Returns whether that was now."""
        rest = self.journal.leave()
        if rest is None:
            return False
        specs = {spec.model: spec for spec in (self.profile.sub, self.profile.root)}
        worst = [
            self.budget.worst_case(specs.get(each.model, self.profile.root), each.messages) for each in rest.unanswered
        ]
        self.budget.go_live(rest.usage, worst, rest.at)
        self.budget.count_subcalls(rest.usage["sub"].calls)
        yield RunResumed(path=here, calls=self.calls, usage=rest.usage["root"] + rest.usage["sub"])
        return True
