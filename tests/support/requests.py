"""Requests and specs for tests of model clients."""

from typing import Any

from rlm_cli.types import Message, ModelSpec, Price, Request, Role

KEY_NAME = "TEST_MODEL_KEY"
KEY = "sk-test-0123456789abcdef"


def spec_for(url: str | None, model: str = "openai/gpt-4o", **fields: Any) -> ModelSpec:
    """Return a spec whose key is in TEST_MODEL_KEY and whose price is known."""
    fields.setdefault("price", Price(1.0, 10.0))
    fields.setdefault("api_key_env", KEY_NAME)
    return ModelSpec(model, api_base=url, **fields)


def ask(spec: ModelSpec, prompt: str = "hello", timeout: float = 20.0, role: Role = "sub") -> Request:
    return Request(role, spec, (Message("user", prompt),), timeout)
