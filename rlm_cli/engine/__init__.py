"""The engine: root model, REPL, sub-calls and limits as one stream of events."""

from rlm_cli.engine.direct import request_tokens
from rlm_cli.engine.loop import Engine
from rlm_cli.engine.map_reduce import check_pieces
from rlm_cli.engine.replay import NoJournal

__all__ = ["Engine", "NoJournal", "check_pieces", "request_tokens"]
