"""Ollama's /api/chat, on loopback."""

from collections.abc import Mapping
from email.message import Message
from typing import Any

from support.model_server import Body, ModelServer, Scripted, text_of


class OllamaServer(ModelServer):
    """Answers at /api/chat."""

    def serves(self, path: str) -> bool:
        return path == "/api/chat"

    def key(self, headers: "Message[str, str]") -> str:
        return headers.get("Authorization", "").removeprefix("Bearer ")

    def read(self, body: Body, path: str) -> Body:
        messages = [{"role": message["role"], "content": text_of(message["content"])} for message in body["messages"]]
        return {"model": body["model"], "messages": messages}

    def write(self, scripted: Scripted, model: str) -> Body:
        message: Body = {"role": "assistant", "content": scripted.text or ""}
        if scripted.thinking is not None:
            message["thinking"] = scripted.thinking
        body: Body = {
            "model": model,
            "created_at": "2026-01-01T00:00:00.000000Z",
            "message": message,
            "done": True,
            "done_reason": scripted.finish_reason,
            "total_duration": 1,
        }
        if scripted.with_usage:
            body |= {"prompt_eval_count": scripted.input_tokens, "eval_count": scripted.output_tokens}
        return body

    def complain(self, status: int, error: Mapping[str, Any]) -> Body:
        return {"error": error["message"]}
