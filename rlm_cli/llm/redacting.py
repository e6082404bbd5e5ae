"""Hides secrets from models that are not on this machine: the layer next to the wire.

Innermost, so that it goes by the model that is really asked, a fallback in the cloud included, and all that is kept on
this side (memory, cache, record, events) holds the real text. Covered: each message of a request, and the reply. Not
covered: errors, whose words are for people and logs: a token in one stays a token.
"""

import json
from dataclasses import replace

from rlm_cli.addresses import hides_secrets
from rlm_cli.redaction import Redactor
from rlm_cli.seams import ModelClient
from rlm_cli.types import Message, Reply, Request


class Redacting:
    """Sends tokens in the place of secrets, and takes tokens in a reply for the secrets. A ModelClient around another.

    Models on this machine are sent the text itself; `redact:` in a profile says otherwise of one.
    """

    def __init__(self, inner: ModelClient, redactor: Redactor) -> None:
        self._inner = inner
        self._redactor = redactor

    def complete(self, request: Request) -> Reply:
        if not hides_secrets(request.spec):
            return self._inner.complete(request)
        messages = tuple(Message(each.role, self._redactor.hide(each.text)) for each in request.messages)
        schema = None if request.schema is None else _still_json(self._redactor.hide(request.schema))
        reply = self._inner.complete(replace(request, messages=messages, schema=schema))
        restored = self._redactor.restore(reply.text, in_json=request.schema is not None)
        return replace(reply, text=restored)

    def recall(self, request: Request) -> Reply | None:
        return self._inner.recall(request)

    def close(self) -> None:
        self._inner.close()


def _still_json(schema: str) -> str | None:
    """Return the schema, or None where a token has broken it: the messages state it, too."""
    try:
        json.loads(schema)
    except ValueError:
        return None
    return schema
