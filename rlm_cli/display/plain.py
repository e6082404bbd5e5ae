"""A run as plain lines, where there is no terminal to draw on. How one event reads is wording.py's business."""

from rlm_cli.display.wording import line
from rlm_cli.events import (
    Event,
    ModelReplied,
    RefinementStarted,
    RunFinished,
    RunStarted,
    SubcallFailed,
    SubcallFinished,
    SubcallStarted,
)


class PlainLines:
    """Turns events into lines; remembers which model was asked, so that another one that answers is named."""

    def __init__(self) -> None:
        self._asked: dict[str, str] = {}
        """The path of a run or a sub-call under way -> its model."""

    def line(self, event: Event) -> str:
        """Return the line that stands for `event`, without its newline."""
        asked = None
        match event:
            case RunStarted():
                self._asked[event.path] = event.root_model
            case RefinementStarted():
                self._asked[event.path] = event.root_model
            case SubcallStarted():
                self._asked[event.path] = event.model
            case ModelReplied():
                asked = self._asked.get(event.path.rpartition("/")[0])
            case SubcallFinished() | SubcallFailed() | RunFinished():
                asked = self._asked.pop(event.path, None)
        return line(event, asked)
