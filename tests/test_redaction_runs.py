"""Redaction over whole runs: no request on the wire holds a secret, and all on this side see the real text."""

import json
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from support.anthropic_server import AnthropicServer
from support.command import rlm
from support.listed import GOOD, SPEC, Listed
from support.model_server import ModelServer, Scripted
from support.openai_server import OpenAIServer
from support.planted import LOOK_ALIKES, PLANTED, parts, plant_all
from support.profiles import profile
from support.requests import KEY, KEY_NAME, ask

from rlm_cli import analysis
from rlm_cli.addresses import hides_secrets
from rlm_cli.errors import Refused
from rlm_cli.events import CodeFinished, Event, ModelReplied
from rlm_cli.llm.redacting import Redacting
from rlm_cli.loaders import LoadOptions
from rlm_cli.profiles import Overrides, find
from rlm_cli.profiles import load as load_profile
from rlm_cli.profiles.writing import as_yaml
from rlm_cli.redaction import Redactor
from rlm_cli.results import Result
from rlm_cli.types import Limits, ModelSpec, Price, Profile, Reply, Usage

PASSWORD = PLANTED["password"].secret


def cell(code: str) -> str:
    return f"```repl\n{code}\n```"


LOOK = cell(
    """
print(context[:9000])
print(grep("password|secret|token|key|PRIVATE", limit=50, width=60))
for at in range(0, len(context), 37):
    print(context[at : at + 37])
replies = llm_query_batched([f"part {n}: " + context[at : at + 101] for n, at in enumerate(range(0, len(context), 97))])
whole = llm_query("is there a password in\\n" + context)
print(whole)
"""
)
HIDDEN = LoadOptions(hidden=True)
LIMITS = Limits(max_subcalls=500, timeout=120)
Answers = Callable[[dict[str, Any]], str | Scripted]


class RedactedRun:
    """One finished run over the planted repository, of models that are taken to be in the cloud."""

    def __init__(
        self,
        folder: Path,
        root: list[str],
        sub: str | Answers = "nothing",
        server_of: type[ModelServer] = OpenAIServer,
        provider: str = "openai",
        spec: dict[str, Any] | None = None,
        question: str = "what is hard-coded?",
        redact: bool = True,
    ) -> None:
        plant_all(folder)
        replies = list(root)
        self.events: list[Event] = []

        def reply(body: dict[str, Any]) -> str | Scripted:
            if body["model"] == "sub":
                return sub if isinstance(sub, str) else sub(body)
            return replies.pop(0) if len(replies) > 1 else replies[0]

        with server_of(reply) as server:
            fields: dict[str, Any] = {"api_base": server.url, "price": Price(0, 0), "redact": True, "timeout": 30.0} | (
                spec or {}
            )
            models = ModelSpec(f"{provider}/root", **fields), ModelSpec(f"{provider}/sub", **fields)
            task = analysis.prepare(
                [str(folder)], question, Profile("t", "", *models, LIMITS, strategy="rlm"), HIDDEN, redact=redact
            ).task
            self.result: Result = analysis.run(task, self.events.append, "off")
            self.text = task.context.text(0, task.context.characters)
            task.context.close()
            self.wire = [json.dumps(body, ensure_ascii=False) for body in server.requests]
            self.asked = server.asked

    @property
    def sent(self) -> str:
        """Every text that a model was sent."""
        return "\n".join(message["content"] for body in self.asked for message in body["messages"])

    @property
    def printed(self) -> str:
        return "".join(event.output for event in self.events if isinstance(event, CodeFinished))


@pytest.fixture(autouse=True)
def _key(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (KEY_NAME, "OPENAI_API_KEY", "ANTHROPIC_API_KEY", "LOOPBACK_KEY"):
        monkeypatch.setenv(name, KEY)


def assert_nothing_left(run: RedactedRun) -> None:
    for kind, plant in PLANTED.items():
        for text in (run.sent, *run.wire):
            assert plant.secret not in text, kind
        for part in parts(plant):
            assert part not in run.sent, kind


# --- the wire -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("server_of", "provider"), [(OpenAIServer, "openai"), (AnthropicServer, "anthropic")])
def test_no_request_holds_a_secret_or_a_part_of_one(
    tmp_path: Path, server_of: type[ModelServer], provider: str
) -> None:
    run = RedactedRun(tmp_path, [LOOK, "FINAL(done)"], server_of=server_of, provider=provider)
    assert run.result.status == "complete"
    assert len(run.asked) > 40
    assert_nothing_left(run)
    for line in LOOK_ALIKES.strip().splitlines():
        assert line in run.sent
    assert PLANTED["private key"].secret[:64] in run.printed.replace("\n", "")
    kinds = {kind.partition(" in ")[0] for kind in PLANTED}
    assert set(dict(run.result.redacted)) >= kinds
    assert dict(run.result.redacted)["password"] == 2


def test_code_sees_the_text_and_can_tell_where_a_key_stands(tmp_path: Path) -> None:
    code = f"print({PASSWORD!r} in context, [hit.path for hit in grep({PASSWORD!r})])\nprint(context.count('<SECRET:'))"
    run = RedactedRun(tmp_path, [cell(code), "FINAL(done)"])
    assert run.printed.endswith("True ['app/db.py']\n0\n")
    assert_nothing_left(run)


def test_a_token_in_a_reply_is_the_secret_on_this_side(tmp_path: Path) -> None:
    """In code, in a quote, in a sub-model's reply and in the answer; and never on its way back."""
    run = RedactedRun(
        tmp_path,
        [
            cell("print(files['app/db.py'])"),
            cell("said = llm_query('which? ' + files['app/db.py'])\nprint(said, said in context)"),
            cell("FINAL('it is <SECRET:password:1>', evidence=[('app/db.py', 'password=\"<SECRET:password:1>\"')])"),
        ],
        sub="<SECRET:password:1>",
    )
    assert run.result.status == "complete"
    assert run.result.answer == f"it is {PASSWORD}"
    assert [(each.path, each.quote, each.verified) for each in run.result.citations] == [
        ("app/db.py", f'password="{PASSWORD}"', True)
    ]
    assert f"{PASSWORD} True" in run.printed
    assert any(PASSWORD in event.text for event in run.events if isinstance(event, ModelReplied))
    assert_nothing_left(run)
    assert 'password="<SECRET:password:1>"' in run.sent


def test_each_request_of_the_root_model_begins_with_the_one_before(tmp_path: Path) -> None:
    run = RedactedRun(tmp_path, [cell("print(files['app/db.py'])"), LOOK, LOOK, "FINAL(done)"])
    roots = [body["messages"] for body in run.asked if body["model"] == "root"]
    assert len(roots) == 4
    for before, after in pairwise(roots):
        assert after[: len(before)] == before


def test_the_same_run_sends_the_same(tmp_path: Path) -> None:
    first, second = (tmp_path / name for name in ("one", "two"))
    for folder in (first, second):
        folder.mkdir()
    runs = [RedactedRun(folder, [cell("print(context[:5000])"), "FINAL(done)"]) for folder in (first, second)]
    bodies = [[message["content"] for message in run.asked[1]["messages"][3:]] for run in runs]
    assert [text.rpartition("iteration")[0] for text in bodies[0]] == [
        text.rpartition("iteration")[0] for text in bodies[1]
    ]


def test_a_secret_in_the_question_is_hidden_too(tmp_path: Path) -> None:
    plant = PLANTED["GitHub token"].secret[:-4] + "Q7x9"
    run = RedactedRun(tmp_path, ["FINAL(done)"], question=f"where is {plant} used?")
    assert plant not in run.sent
    assert "where is <SECRET:github-token:2> used?" in run.sent


def test_the_root_model_is_told_only_where_there_are_secrets(tmp_path: Path) -> None:
    run = RedactedRun(tmp_path, ["FINAL(done)"])
    assert "<SECRET:kind:number>" in run.sent
    assert "<SECRET:kind:number>" not in RedactedRun(tmp_path, ["FINAL(done)"], redact=False).sent
    for path in tmp_path.rglob("*"):
        if path.is_file():
            path.write_text("nothing\n")
    with OpenAIServer("FINAL(done)") as server:
        spec = ModelSpec("openai/root", api_base=server.url, price=Price(0, 0), redact=True)
        task = analysis.prepare([str(tmp_path)], "what?", Profile("t", "", spec, spec, strategy="rlm")).task
        result = analysis.run(task, lambda event: None, "off")
        task.context.close()
        assert "SECRET" not in json.dumps(server.requests)
    assert result.redacted == ()


# --- who is sent what ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("spec", "hides"),
    [
        (ModelSpec("openai/gpt"), True),
        (ModelSpec("anthropic/any", api_base="https://proxy.test"), True),
        (ModelSpec("openai/any", api_base="http://127.0.0.1:8000/v1"), False),
        (ModelSpec("openai/any", api_base="http://localhost:8000/v1"), False),
        (ModelSpec("ollama_chat/any"), False),
        (ModelSpec("ollama_chat/any", api_base="http://gpu.test:11434"), True),
        (ModelSpec("offline/root"), False),
        (ModelSpec("openai/any", api_base="http://127.0.0.1:8000/v1", redact=True), True),
        (ModelSpec("openai/gpt", redact=False), False),
        (ModelSpec("ollama_chat/any", params={"base_url": "https://a.test"}), True),
    ],
)
def test_secrets_are_hidden_from_models_that_are_elsewhere(spec: ModelSpec, hides: bool) -> None:
    inner, redactor = Listed(GOOD), Redactor()
    assert hides_secrets(spec) is hides
    Redacting(inner, redactor).complete(ask(spec, f'password = "{PASSWORD}"'))
    assert (PASSWORD in inner.asked[0].messages[0].text) is not hides
    assert bool(redactor.hidden) is hides


def test_a_fallback_in_the_cloud_is_sent_tokens_where_its_model_is_sent_the_text(tmp_path: Path) -> None:
    inner, redactor = Listed(GOOD), Redactor()
    client = Redacting(inner, redactor)
    local = ModelSpec("openai/any", api_base="http://127.0.0.1:1/v1", fallbacks=(ModelSpec("openai/gpt"),))
    for spec in local.candidates:
        client.complete(ask(spec, f'password = "{PASSWORD}"'))
    assert [PASSWORD in request.messages[0].text for request in inner.asked] == [True, False]


def test_a_local_model_is_sent_the_text_itself(tmp_path: Path) -> None:
    run = RedactedRun(tmp_path, [cell("print(files['app/db.py'])"), "FINAL(done)"], spec={"redact": None})
    assert PASSWORD in run.sent
    assert run.result.redacted == ()


def test_no_redact_sends_all_as_it_is(tmp_path: Path) -> None:
    run = RedactedRun(tmp_path, [cell("print(files['app/db.py'])"), "FINAL(done)"], redact=False)
    assert PASSWORD in run.sent
    assert run.result.redacted == ()


def test_the_words_of_an_error_keep_their_tokens() -> None:
    inner = Listed(Reply(f"{GOOD.text} <SECRET:password:1>", Usage()), Refused("declined: <SECRET:password:1>"))
    client = Redacting(inner, Redactor())
    request = ask(replace(SPEC, redact=True), f'password = "{PASSWORD}"')
    assert client.complete(request).text == f"good {PASSWORD}"
    with pytest.raises(Refused, match="declined: <SECRET:password:1>"):
        client.complete(request)


# --- what is kept -------------------------------------------------------------------------------------------------


def test_the_cache_and_the_record_hold_the_real_text(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RLM_HOME", str(tmp_path / "home"))
    folder = tmp_path / "repository"
    plant_all(folder, "password")
    code = "said = llm_query('which? ' + files['app/db.py'])\nFINAL(said)"
    answers: list[str] = []

    def reply(body: dict[str, Any]) -> str:
        return cell(code) if body["model"] == "root" else "it is <SECRET:password:1>"

    with OpenAIServer(reply) as server:
        path = profile(tmp_path, server.url)
        always = [option for role in ("root", "sub") for option in ("--set", f"{role}.redact=true")]
        for more in ([], [], ["--no-redact"]):
            ran = rlm("analyze", str(folder), "which?", "-p", path, "-f", "json", *always, *more)
            assert ran.code == 0, ran.err
            answers.append(ran.json()["answer"])
            assert ran.json()["redacted"] == ({} if more else {"password": 1})
        subs = [body for body in server.asked if body["model"] == "sub"]
    # A report shows the token; what is kept, and what the code sees, is the text.
    assert answers == ["it is <SECRET:password:1>"] * 2 + [f"it is {PASSWORD}"]
    assert len(subs) == 1
    shown = rlm("runs", "show")
    assert PASSWORD in shown.out


def test_the_user_is_told_how_many_of_what_kind_were_hidden(tmp_path: Path) -> None:
    folder = tmp_path / "repository"
    plant_all(folder, "password", "AWS access key id", "JSON web token")
    code = cell("print(files['app/db.py'], files['aws.py'], files['web/session.js'])")
    with OpenAIServer([code, "FINAL(done)"]) as server:
        path = profile(tmp_path, server.url)
        words = ["analyze", str(folder), "what?", "-p", path, "--set", "root.redact=true"]
        told = rlm(*words)
    line = "hidden from this machine: 3 secrets (1 AWS access key id, 1 JSON web token, 1 password)"
    assert line in told.err.splitlines()
    with OpenAIServer([code, "FINAL(done)"]) as server:
        words[4] = profile(tmp_path, server.url)
        assert "hidden from" not in rlm(*words, "-q").err
        assert "hidden from" not in rlm(*words, "--no-redact").err


def test_a_resumed_run_goes_on_as_it_was_begun(tmp_path: Path) -> None:
    folder = tmp_path / "repository"
    plant_all(folder)
    code = cell("print(files['app/db.py'])")
    for switch, sent in (([], False), (["--no-redact"], True)):
        with OpenAIServer([code, code, "FINAL(done)"]) as server:
            path = profile(tmp_path, server.url, max_iterations=1)
            words = ["analyze", str(folder), "what?", "-p", path, "--set", "root.redact=true", *switch]
            assert rlm(*words).code == 3
            before = len(server.asked)
            assert rlm("runs", "resume", "--max-iterations", "5").code == 0
            assert len(server.asked) > before
            assert (PASSWORD in json.dumps(server.asked)) is sent


def test_a_profile_says_from_whom_secrets_are_hidden(tmp_path: Path) -> None:
    path = tmp_path / "p.yaml"
    path.write_text("root: {model: openai/a, redact: false}\nsub: {model: openai/b, fallbacks: [{model: openai/c}]}\n")
    chosen = load_profile(find(str(path)), Overrides(settings=("sub.redact=true",)))
    assert (chosen.root.redact, chosen.sub.redact, chosen.sub.fallbacks[0].redact) == (False, True, None)
    path.write_text(as_yaml(chosen))
    assert load_profile(find(str(path))) == chosen
