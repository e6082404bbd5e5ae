"""litellm's exceptions: each has a meaning here, and what a person reads of them is clean."""

import inspect

import httpx
import pytest
from support.requests import KEY, KEY_NAME, ask, spec_for

from rlm_cli.errors import BadReply, CallTimedOut, ModelError, RateLimited, ServerFailed, Unreachable
from rlm_cli.llm.failures import KINDS, address, clean, failure_of
from rlm_cli.llm.litellm_client import load


def test_every_exception_of_litellm_has_a_meaning() -> None:
    litellm = load()
    known = {
        each
        for _, each in inspect.getmembers(litellm.exceptions, inspect.isclass)
        if issubclass(each, Exception) and each.__module__ == "litellm.exceptions"
    } | set(litellm.LITELLM_EXCEPTION_TYPES)
    assert len(known) > 20
    assert sorted(each.__name__ for each in known if each.__name__ not in KINDS) == []


def test_raw_exceptions_of_the_layers_below_have_a_meaning_too() -> None:
    request = ask(spec_for("http://127.0.0.1:1/v1"))
    sent = httpx.Request("POST", "http://127.0.0.1:1/v1")
    for raw, kind in [
        (httpx.ReadTimeout("slow", request=sent), CallTimedOut),
        (httpx.ConnectTimeout("slow", request=sent), Unreachable),
        (httpx.ConnectError("no", request=sent), Unreachable),
        (httpx.HTTPStatusError("no", request=sent, response=httpx.Response(503, request=sent)), ServerFailed),
        (httpx.HTTPStatusError("no", request=sent, response=httpx.Response(429, request=sent)), RateLimited),
        (ConnectionResetError("gone"), Unreachable),
        (KeyError("choices"), BadReply),
    ]:
        assert type(failure_of(raw, request, None)) is kind, raw


def test_what_nobody_foresaw_is_an_error_with_its_name() -> None:
    class Surprise(Exception):
        pass

    error = failure_of(Surprise("odd"), ask(spec_for(None)), None)
    assert type(error) is ModelError
    assert "Surprise" in str(error)
    assert "odd" in str(error)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("litellm.RateLimitError: RateLimitError: OpenAIException - Slow down", "Slow down"),
        ('AnthropicException - b\'{"type":"error","error":{"message":"too \\"big\\""}}\'', 'too "big"'),
        ("<html><body><h1>502</h1>\n<p>Bad Gateway</p></body></html>", "502 Bad Gateway"),
        ("a \x1b[31mred\x1b[0m\x07 word", "a [31mred [0m word"),
        ('{"error": "model \\"x\\" not found"}', 'model "x" not found'),
        ("'content' Traceback (most recent call last): File \"/usr/lib/main.py\", line 1", "'content'"),
        ("key sk-proj-abcDEF123456 is wrong", "key [key] is wrong"),
        ("key sk-te*******cdef is wrong", "key [key] is wrong"),
        ("Authorization: Bearer abcdef", "Authorization: Bearer [key]"),
        ("a task-oriented, pk-less sentence stays", "a task-oriented, pk-less sentence stays"),
    ],
)
def test_a_providers_words_are_made_fit_to_show(text: str, shown: str) -> None:
    assert clean(text) == shown


def test_a_key_of_any_shape_is_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(KEY_NAME, KEY)
    monkeypatch.setenv("ODD_API_KEY", "correct horse battery")
    assert clean(f"you sent {KEY}") == "you sent [key]"
    assert clean("you sent correct horse battery!") == "you sent [key]!"


def test_a_long_text_is_shortened_and_says_so() -> None:
    shown = clean("word " * 1000)
    assert len(shown) <= 300
    assert shown.endswith(" …")


def test_an_address_never_shows_credentials() -> None:
    assert address(spec_for("https://me:secret@models.example:8443/v1?key=abc")) == "https://models.example:8443/v1"
    assert address(spec_for(None)) == "openai"
