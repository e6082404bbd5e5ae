"""Gemini's generateContent, on loopback: the model is in the path, the key in a header."""

import re
from collections.abc import Mapping
from email.message import Message
from typing import Any, ClassVar

from support.model_server import Body, ModelServer, Scripted, text_of

_CALL = re.compile(r"/v1beta/models/([^/:]+):generateContent")
_STOPS = {"stop": "STOP", "length": "MAX_TOKENS", "content_filter": "SAFETY"}
_STATUSES = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    429: "RESOURCE_EXHAUSTED",
    500: "INTERNAL",
    503: "UNAVAILABLE",
}


class GeminiServer(ModelServer):
    """Answers at /v1beta/models/NAME:generateContent. A `refusal` is the reason why the prompt was blocked."""

    base_path: ClassVar[str] = "/v1beta"

    def serves(self, path: str) -> bool:
        return _CALL.fullmatch(path) is not None

    def key(self, headers: "Message[str, str]") -> str:
        return headers.get("x-goog-api-key", "")

    def read(self, body: Body, path: str) -> Body:
        call = _CALL.fullmatch(path)
        assert call is not None
        system = body.get("system_instruction") or body.get("systemInstruction")
        messages = [{"role": "system", "content": text_of(system["parts"])}] if system else []
        for content in body["contents"]:
            role = "assistant" if content["role"] == "model" else content["role"]
            messages.append({"role": role, "content": text_of(content["parts"])})
        return {"model": call.group(1), "messages": messages}

    def write(self, scripted: Scripted, model: str) -> Body:
        body: Body = {"modelVersion": model, "responseId": "reply-1"}
        if scripted.refusal is not None:
            body["promptFeedback"] = {"blockReason": scripted.refusal}
        else:
            parts = [{"text": scripted.thinking, "thought": True}] if scripted.thinking is not None else []
            parts += [{"text": scripted.text}] if scripted.text else []
            reason = _STOPS.get(scripted.finish_reason, scripted.finish_reason)
            content = {"parts": parts, "role": "model"} if parts else {"role": "model"}
            body["candidates"] = [{"content": content, "finishReason": reason, "index": 0}]
        if scripted.with_usage:
            usage: Body = {
                "promptTokenCount": scripted.input_tokens,
                "totalTokenCount": scripted.input_tokens + scripted.output_tokens,
                "promptTokensDetails": [{"modality": "TEXT", "tokenCount": scripted.input_tokens}],
            }
            # Fields that would be 0 are left out; the thoughts are not in the count of the candidates.
            counts = {
                "candidatesTokenCount": scripted.output_tokens - scripted.reasoning_tokens,
                "thoughtsTokenCount": scripted.reasoning_tokens,
                "cachedContentTokenCount": scripted.cached_tokens,
            }
            body["usageMetadata"] = usage | {name: count for name, count in counts.items() if count}
        return body

    def complain(self, status: int, error: Mapping[str, Any]) -> Body:
        told = {"code": status, "message": error["message"], "status": _STATUSES.get(status, "UNKNOWN")}
        if "details" in error:
            told["details"] = error["details"]
        return {"error": told}
