"""A JSON schema on each provider's wire: sent where the model takes one, left out where it does not."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from support.anthropic_server import AnthropicServer
from support.gemini_server import GeminiServer
from support.model_server import ModelServer, Scripted
from support.ollama_server import OllamaServer
from support.openai_server import OpenAIServer
from support.requests import KEY, KEY_NAME, spec_for

from rlm_cli.llm.litellm_client import LitellmClient
from rlm_cli.llm.redacting import Redacting
from rlm_cli.llm.reply_form import response_format
from rlm_cli.redaction import Redactor
from rlm_cli.types import Message, ModelSpec, Request

SCHEMA = {
    "type": "object",
    "properties": {"label": {"enum": ["praise", "complaint"]}},
    "required": ["label"],
    "additionalProperties": False,
}
REPLY = '{"label": "praise"}'


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch) -> Iterator[LitellmClient]:
    monkeypatch.setenv(KEY_NAME, KEY)
    client = LitellmClient()
    yield client
    client.close()


def asked(spec: ModelSpec, schema: Any = SCHEMA) -> Request:
    messages = (Message("system", "Reply with JSON."), Message("user", "hello"))
    return Request("sub", spec, messages, 20.0, schema=json.dumps(schema))


@pytest.mark.parametrize(
    ("server_of", "model", "where"),
    [
        (OpenAIServer, "openai/gpt-5-mini", ("response_format", "json_schema", "schema")),
        (AnthropicServer, "anthropic/claude-haiku-4-5", ("output_format", "schema")),
        (GeminiServer, "gemini/gemini-2.5-flash", ("generationConfig", "response_json_schema")),
        (OllamaServer, "ollama_chat/qwen3", ("format",)),
    ],
)
def test_the_schema_goes_where_the_provider_wants_it(
    client: LitellmClient, server_of: Callable[..., ModelServer], model: str, where: tuple[str, ...]
) -> None:
    with server_of(REPLY) as server:
        assert client.complete(asked(spec_for(server.url, model))).text == REPLY
        [sent] = server.requests
        [read] = server.asked
    for step in where:
        sent = sent[step]
    assert sent == SCHEMA
    assert read["messages"][-1] == {"role": "user", "content": "hello"}


def test_a_model_of_which_nothing_is_known_is_sent_the_messages_alone(client: LitellmClient) -> None:
    with OpenAIServer(REPLY) as server:
        assert client.complete(asked(spec_for(server.url, "openai/unheard-of"))).text == REPLY
        assert "response_format" not in server.requests[0]


def test_a_model_that_rejects_schemas_is_asked_without_from_then_on(client: LitellmClient) -> None:
    def reply(body: dict[str, Any]) -> str | Scripted:
        if "response_format" in body:
            return Scripted(status=400, error={"message": "response_format is not available"})
        return REPLY

    with OpenAIServer(reply) as server:
        spec = spec_for(server.url, "openai/gpt-5-mini")
        assert [client.complete(asked(spec)).text for _ in range(2)] == [REPLY, REPLY]
        assert ["response_format" in body for body in server.requests] == [True, False, False]


def test_what_the_profile_says_of_the_form_goes_first(client: LitellmClient) -> None:
    with OpenAIServer(REPLY) as server:
        client.complete(
            asked(spec_for(server.url, "openai/gpt-5-mini", params={"response_format": {"type": "json_object"}}))
        )
        assert server.requests[0]["response_format"] == {"type": "json_object"}


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "array", "items": SCHEMA},
        {"type": "object"},
        {"type": "object", "properties": {"by_name": {"type": "object", "additionalProperties": {"type": "string"}}}},
        {"type": "object", "properties": {"a": {"$ref": "#/$defs/a"}}, "$defs": {"a": {"type": "string"}}},
        {"enum": [1, 2]},
    ],
)
def test_what_some_provider_would_refuse_or_narrow_is_not_sent(schema: dict[str, Any]) -> None:
    assert response_format(json.dumps(schema)) is None


def test_a_secret_in_a_schema_is_hidden_and_one_in_a_reply_stays_json(client: LitellmClient) -> None:
    key = "-----BEGIN RSA PRIVATE KEY-----\n" + "MIIEpAIBAAKCAQEA7bq3" * 8 + "\n-----END RSA PRIVATE KEY-----"
    secret = "ghp_" + "a1B2c3D4e5F6" * 3
    redactor = Redactor()
    redactor.learn([f"{key}\ntoken = {secret}\n".encode()])
    token = redactor.hide(key)
    with OpenAIServer(json.dumps({"label": token})) as server:
        spec = spec_for(server.url, "openai/gpt-5-mini", redact=True)
        schema = {"type": "object", "properties": {"label": {"enum": [secret]}}}
        reply = Redacting(client, redactor).complete(asked(spec, schema))
        assert secret not in json.dumps(server.requests)
        assert "response_format" in server.requests[0]
    assert json.loads(reply.text) == {"label": key}
