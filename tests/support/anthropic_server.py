"""Anthropic's messages, on loopback."""

from collections.abc import Mapping
from email.message import Message
from typing import Any

from support.model_server import Body, ModelServer, Scripted, text_of

_STOPS = {"stop": "end_turn", "length": "max_tokens", "content_filter": "refusal"}
_KINDS = {
    400: "invalid_request_error",
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    500: "api_error",
    529: "overloaded_error",
}


class AnthropicServer(ModelServer):
    """Answers at /v1/messages."""

    def serves(self, path: str) -> bool:
        return path == "/v1/messages"

    def key(self, headers: "Message[str, str]") -> str:
        return headers.get("x-api-key", "")

    def read(self, body: Body, path: str) -> Body:
        system = [{"role": "system", "content": text_of(body["system"])}] if body.get("system") else []
        told = [{"role": message["role"], "content": text_of(message["content"])} for message in body["messages"]]
        return {"model": body["model"], "messages": system + told}

    def write(self, scripted: Scripted, model: str) -> Body:
        content: list[Body] = []
        if scripted.thinking is not None:
            content.append({"type": "thinking", "thinking": scripted.thinking, "signature": "c2lnbmF0dXJl"})
        if scripted.text and scripted.refusal is None:
            content.append({"type": "text", "text": scripted.text})
        reason = "content_filter" if scripted.refusal is not None else scripted.finish_reason
        body: Body = {
            "id": "msg_1",
            "type": "message",
            "role": "assistant",
            "model": model,
            "content": content,
            "stop_reason": _STOPS.get(reason, reason),
            "stop_sequence": None,
            "usage": {"input_tokens": 0, "output_tokens": 0},
        }
        if scripted.with_usage:
            body["usage"] = {
                # Neither what was read from the cache nor what was written to it is in this number.
                "input_tokens": scripted.input_tokens - scripted.cached_tokens - scripted.cache_write_tokens,
                "cache_read_input_tokens": scripted.cached_tokens,
                "cache_creation_input_tokens": scripted.cache_write_tokens,
                "cache_creation": {
                    "ephemeral_5m_input_tokens": scripted.cache_write_tokens,
                    "ephemeral_1h_input_tokens": 0,
                },
                "output_tokens": scripted.output_tokens,
                "service_tier": "standard",
            }
        return body

    def complain(self, status: int, error: Mapping[str, Any]) -> Body:
        kind = error.get("type", _KINDS.get(status, "api_error"))
        return {"type": "error", "error": {"type": kind, "message": error["message"]}, "request_id": "req_1"}
