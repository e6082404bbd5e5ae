"""A resumed run repeats itself from its record, and goes on live at the first thing that is not there.

Covered: what a call on record adds to the account, the moment of going live, and texts that hold times and amounts,
which have to be said as they were said then. Knows the record only as a `Journal` (seams.py).
"""

from collections.abc import Generator
from dataclasses import dataclass, field

from rlm_cli.amounts import counted
from rlm_cli.budget import Budget
from rlm_cli.events import CallPath, Event, RunResumed
from rlm_cli.seams import Journal, Recorded, Rest, Unanswered
from rlm_cli.types import ModelSpec, Profile, Request, Usage


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
    warnings: dict[str, None]
    """Of the run."""
    note: str | None = None
    """What the root model has to know when the run goes live."""
    calls: int = 0
    """How many came from the record."""
    live: bool = False
    rest: Usage = field(default_factory=Usage)
    """What earlier sittings had spent besides, once the run is live."""

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
        worst = [self.budget.worst_case(self._spec(each), each.messages) for each in rest.unanswered]
        self.budget.go_live(rest.usage, worst, rest.at)
        self.budget.count_subcalls(rest.usage["sub"].calls)
        self.live, self.rest = True, rest.usage["root"] + rest.usage["sub"]
        if rest.unfit:
            went = "the run went otherwise than it had when it was resumed"
            self.warnings[f"{went}: {counted(rest.unfit, 'reply', 'replies')} on record fitted nowhere"] = None
        yield RunResumed(path=here, calls=self.calls, usage=self.rest)
        return True

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
