"""Everything that can go wrong, as one tree; each class knows its exit code, each error may carry a hint.

    RlmError
    ├── UsageError              2   the command line, a profile or an input is wrong
    │   ├── InputError          2
    │   └── ProfileError        2
    ├── ModelError              4   the model or its provider failed
    │   ├── AuthenticationFailed
    │   ├── UnknownModel
    │   ├── RequestRejected         the provider will not take this request (HTTP 400)
    │   ├── PromptTooLarge
    │   ├── BadReply                not a chat reply, not JSON
    │   │   └── EmptyReply
    │   ├── RateLimited             may be tried again
    │   ├── ServerFailed            may be tried again
    │   ├── Unreachable             may be tried again
    │   │   └── ConnectionLost
    │   ├── CallTimedOut            may be tried again
    │   ├── CallAbandoned           the run was over before it
    │   └── Refused             3   a refusal or a content filter
    ├── LimitReached            3   the Budget said no
    └── SandboxError            5   the sandbox failed
        ├── CellTimedOut            the running cell passed its time limit; the child has been stopped
        └── ReplDied                the child process ended
            └── ProtocolBroken      it said what it may not, or when it may not

The engine turns a ModelError of a sub-call into data for the root model, and CellTimedOut and ReplDied into a fresh
child; only what it cannot mend reaches the command line.
"""

from typing import ClassVar

from rlm_cli.results import ExitCode
from rlm_cli.types import Usage


class RlmError(Exception):
    """The root of the tree. `str(error)` is one or two lines for a person; `hint` says what to type next."""

    exit_code: ClassVar[ExitCode] = ExitCode.USAGE

    def __init__(self, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.hint = hint


class UsageError(RlmError):
    """The command line asks for something that cannot be done."""


class InputError(UsageError):
    """An input is missing, unreadable, or holds no text."""


class ProfileError(UsageError):
    """A profile is missing, malformed, or promises what cannot be kept."""


class ModelError(RlmError):
    """A model call failed.

    `retryable` says whether the same call may succeed later; `retry_after` is the server's own wish, in seconds;
    `usage` is what the failed call was billed, where the provider said so; without `outcome_known` nobody can tell
    whether it will be billed, and `lost` counts earlier attempts of which the same is true.
    """

    exit_code = ExitCode.MODEL
    retryable: ClassVar[bool] = False
    outcome_known: ClassVar[bool] = True

    def __init__(
        self,
        message: str,
        hint: str | None = None,
        retry_after: float | None = None,
        usage: Usage | None = None,
    ) -> None:
        super().__init__(message, hint)
        self.retry_after = retry_after
        self.usage = usage
        self.lost = 0

    @property
    def unknown(self) -> bool:
        """Nobody can tell whether this attempt will be billed."""
        return self.usage is None and not self.outcome_known


class AuthenticationFailed(ModelError):
    """The provider does not accept the key."""


class UnknownModel(ModelError):
    """The provider, or litellm, does not know the model."""


class RequestRejected(ModelError):
    """The provider will not take this request, however often it is sent."""


class PromptTooLarge(ModelError):
    """The prompt exceeds the model's window."""


class BadReply(ModelError):
    """What came back is empty or is no chat reply; a provider may bill for it all the same."""

    outcome_known = False


class EmptyReply(BadReply):
    """The reply holds no text; `truncated` when the output cap was used up before the first word."""

    truncated: bool = False


class RateLimited(ModelError):
    retryable = True


class ServerFailed(ModelError):
    retryable = True


class Unreachable(ModelError):
    retryable = True


class ConnectionLost(Unreachable):
    """The connection broke after the request had been sent."""

    outcome_known = False


class CallTimedOut(ModelError):
    retryable = True
    outcome_known = False


class CallAbandoned(ModelError):
    """The run is over: its calls were given up, and none is made any more."""

    outcome_known = False


class Refused(ModelError):
    """The model or the provider's content filter declined to answer."""

    exit_code = ExitCode.INCOMPLETE


class LimitReached(RlmError):
    """A limit of the run does not allow this call. `limit` is its name as in `Limits`."""

    exit_code = ExitCode.INCOMPLETE

    def __init__(self, limit: str, message: str, hint: str | None = None) -> None:
        super().__init__(message, hint)
        self.limit = limit


class SandboxError(RlmError):
    """The sandbox could not be started or kept."""

    exit_code = ExitCode.SANDBOX


class CellTimedOut(SandboxError):
    """The running cell passed its time limit."""


class ReplDied(SandboxError):
    """The child process ended, or had to be ended."""


class ProtocolBroken(ReplDied):
    """The child spoke nonsense, or without being asked."""
