"""The offline models behind the same seam as real ones: no key, no network, no cost, the same answer every time.

They are no language models and say so. A request that opens like a run (a system message, then "# Question") is
answered by the fixed root policy, any other by the extractive sub-model: so that a child run, whose root is the
sub-model, works too. Token counts are estimates, four characters each.
"""

from rlm_cli.errors import CallAbandoned, UnknownModel
from rlm_cli.llm import offline_root, offline_sub
from rlm_cli.types import Message, ModelSpec, Reply, Request, Usage

WINDOW = 1_000_000
"""Tokens; nothing here depends on it."""
_MODELS = ("offline/root", "offline/sub")


def is_offline(spec: ModelSpec) -> bool:
    """The model is one of this file's; raises UnknownModel for an `offline/` id that is none."""
    if not spec.model.startswith("offline/"):
        return False
    if spec.model not in _MODELS:
        raise UnknownModel(f"there is no offline model {spec.model!r}", f"there are {' and '.join(_MODELS)}")
    return True


class OfflineClient:
    """Answers each request from its text alone."""

    def __init__(self) -> None:
        self._closed = False

    def complete(self, request: Request) -> Reply:
        if self._closed:
            raise CallAbandoned(f"{request.spec.model} was not asked: the run is over", usage=Usage())
        if offline_root.opens_a_run(request.messages):
            text = offline_root.reply(request.messages)
        else:
            text = offline_sub.reply(_last_prompt(request.messages))
        sent = sum(len(message.text) for message in request.messages)
        return Reply(text, Usage(calls=1, input_tokens=-(-sent // 4), output_tokens=-(-len(text) // 4)))

    def recall(self, request: Request) -> Reply | None:
        return None

    def close(self) -> None:
        self._closed = True


def _last_prompt(messages: tuple[Message, ...]) -> str:
    return next((message.text for message in reversed(messages) if message.role == "user"), "")
