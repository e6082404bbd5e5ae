"""OpenAI's chat completions, on loopback: the wire of OpenAI, Together, DeepSeek, Mistral, vLLM and many more."""

from collections.abc import Mapping
from email.message import Message
from typing import Any, ClassVar

from support.model_server import Body, ModelServer, Scripted, rate_limited, text_of

__all__ = ["OpenAIServer", "Scripted", "rate_limited", "unknown_model", "wrong_key"]


def wrong_key(key: str) -> Scripted:
    """What OpenAI says, part of the key included."""
    message = f"Incorrect API key provided: {key}. You can find your API key at https://platform.openai.com."
    return Scripted(status=401, error={"message": message, "type": "invalid_request_error", "code": "invalid_api_key"})


def unknown_model(name: str) -> Scripted:
    message = f"The model `{name}` does not exist or you do not have access to it."
    return Scripted(status=404, error={"message": message, "code": "model_not_found"})


class OpenAIServer(ModelServer):
    """Answers at any path that ends in /chat/completions."""

    base_path: ClassVar[str] = "/v1"

    def serves(self, path: str) -> bool:
        return path.endswith("/chat/completions")

    def key(self, headers: "Message[str, str]") -> str:
        return headers.get("Authorization", "").removeprefix("Bearer ")

    def read(self, body: Body, path: str) -> Body:
        messages = [{**message, "content": text_of(message["content"])} for message in body["messages"]]
        return {**body, "messages": messages}

    def write(self, scripted: Scripted, model: str) -> Body:
        message: Body = {"role": "assistant", "content": scripted.text}
        if scripted.refusal is not None:
            message["refusal"] = scripted.refusal
        if scripted.thinking is not None:
            message["reasoning_content"] = scripted.thinking
        body: Body = {
            "id": "chatcmpl-1",
            "object": "chat.completion",
            "created": 1,
            "model": model,
            "choices": [{"index": 0, "message": message, "finish_reason": scripted.finish_reason}],
        }
        if scripted.with_usage:
            body["usage"] = {
                "prompt_tokens": scripted.input_tokens,
                "completion_tokens": scripted.output_tokens,
                "total_tokens": scripted.input_tokens + scripted.output_tokens,
                "prompt_tokens_details": {"cached_tokens": scripted.cached_tokens},
                "completion_tokens_details": {"reasoning_tokens": scripted.reasoning_tokens},
            }
        return body

    def complain(self, status: int, error: Mapping[str, Any]) -> Body:
        return {"error": dict(error)}
