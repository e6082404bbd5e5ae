"""A JSON schema in the words of a request, for providers that can hold a reply to one.

What they take alike is little: an object, whose parts are named, without references. Of the rest the messages tell the
model in words, and the reply is checked by whoever asked.
"""

import json
from typing import Any


def response_format(schema: str) -> dict[str, Any] | None:
    """Return litellm's `response_format` for a schema; None where some provider would refuse or narrow it."""
    content = json.loads(schema)
    if content.get("type") != "object" or not _takes_part(content):
        return None
    return {"type": "json_schema", "json_schema": {"name": "reply", "schema": content}}


def _takes_part(content: Any) -> bool:
    """Say whether every object in a schema names its parts: Anthropic's are closed, open ones would stay empty."""
    if isinstance(content, list):
        return all(map(_takes_part, content))
    if not isinstance(content, dict):
        return True
    is_object = content.get("type") == "object"
    if "$ref" in content or (is_object and not isinstance(content.get("properties"), dict)):
        return False
    if isinstance(content.get("additionalProperties"), dict):
        return False
    return all(map(_takes_part, content.values()))
