"""`rlm doctor`: what it says is so, and it gives nothing away."""

import resource
import subprocess
import sys
from pathlib import Path

import pytest
from support.command import finish, rlm, start
from support.listing_server import listing

from rlm_cli import __version__
from rlm_cli.confinement import MEANINGS


@pytest.fixture(autouse=True)
def no_ollama(monkeypatch: pytest.MonkeyPatch) -> None:
    """A developer's own Ollama is not part of the tests."""
    monkeypatch.setenv("OLLAMA_API_BASE", "http://127.0.0.1:9")


def facts(out: str) -> dict[str, dict[str, str]]:
    """Return title -> name -> value."""
    sections: dict[str, dict[str, str]] = {}
    title = ""
    for line in out.splitlines():
        if line.startswith("  "):
            name, value = line[2:16].strip(), line[17:]
            sections[title][name] = value
        else:
            title = line
            sections[title] = {}
    return sections


def test_a_bare_machine_is_described_and_nothing_is_wrong_with_it() -> None:
    ran = rlm("doctor")
    assert (ran.code, ran.err) == (0, "")
    found = facts(ran.out)
    assert found["versions"]["rlm"] == __version__
    assert "litellm 1." in found["versions"]["packages"]
    assert "missing" not in found["versions"]["packages"]
    assert found["profile"]["without -p"].startswith("none; ")
    assert "ANTHROPIC_API_KEY" in found["keys"]["not set"]
    assert found["tokenizer"]["o200k_base"].startswith("counts offline (2 tokens")
    sandbox = found["sandbox"]
    assert sandbox["level"] in ("full", "process")
    assert sandbox["policy"] == "code says and touches only what is listed"
    assert set(MEANINGS) - set(sandbox) <= {"uid"}
    assert all(
        sandbox.get(name, meaning) == meaning or "not here: " in sandbox[name] for name, meaning in MEANINGS.items()
    )
    assert sandbox["PDF reader"].split(";")[0] in ("full", "process")
    assert found["local servers"]["Ollama"] == "does not answer at http://127.0.0.1:9"
    assert all(value.endswith("(not there yet)") for value in found["files"].values())


def test_keys_are_named_and_never_shown(monkeypatch: pytest.MonkeyPatch, own_home: Path) -> None:
    folder = own_home / ".config" / "rlm" / "profiles"
    folder.mkdir(parents=True)
    (folder / "mine.yaml").write_text("root: {model: openai/x, api_key_env: HIDDEN_WORD}\nsub: {model: offline/sub}")
    (folder / "broken.yaml").write_text("rot: 1")
    secret = "the-secret-itself"
    for name in ("GEMINI_API_KEY", "SOMEBODY_API_KEY", "HIDDEN_WORD"):
        monkeypatch.setenv(name, secret)
    ran = rlm("doctor")
    assert secret not in ran.out + ran.err
    found = facts(ran.out)
    assert found["keys"]["set"] == "GEMINI_API_KEY, HIDDEN_WORD, SOMEBODY_API_KEY"
    assert "HIDDEN_WORD" not in found["keys"]["not set"]
    assert found["profile"]["without -p"] == "speed: GEMINI_API_KEY is set"
    assert found["files"]["profiles"].endswith("(2 files, 0.0 MB)")


def test_servers_on_this_machine_are_asked_what_they_have(monkeypatch: pytest.MonkeyPatch, own_home: Path) -> None:
    folder = own_home / ".config" / "rlm" / "profiles"
    folder.mkdir(parents=True)
    models = [{"name": f"model-{number}\x1b[31m"} for number in range(10)]
    with listing(tags={"models": models}, models={"data": []}) as address:
        monkeypatch.setenv("OLLAMA_API_BASE", address)
        root = f"{{model: openai/x, api_base: {address}/v1}}"
        (folder / "mine.yaml").write_text(f"root: {root}\nsub: {{model: offline/sub}}")
        ran = rlm("doctor")
    found = facts(ran.out)["local servers"]
    assert found["Ollama"].startswith(f"answers at {address}: model-0\\x1b[31m, ")
    assert found["Ollama"].endswith(" and 2 more")
    assert found["openai"] == f"answers at {address}/v1: no models"
    assert "\x1b" not in ran.out


def test_recorded_runs_are_counted(text: str) -> None:
    assert rlm("analyze", text, "who pays?", "-p", "offline").code == 0
    assert "(1 run, " in facts(rlm("doctor").out)["files"]["recorded runs"]


def test_a_sandbox_that_cannot_start_is_said_and_is_the_exit_code() -> None:
    # Too few descriptors for a socket pair and a child's pipes, enough for everything else.
    ran = finish(start("doctor", preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (8, 8))))
    assert ran.code == 5
    assert facts(ran.out)["sandbox"]["fails"].endswith("Too many open files")
    assert "local servers" in facts(ran.out)
    assert "Traceback" not in ran.err


def test_doctor_and_its_neighbours_do_not_import_litellm() -> None:
    code = "import sys; from rlm_cli.checkup import checkup; [*checkup()]; sys.exit('litellm' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_choice_that_cannot_be_used_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RLM_PROFILE", "nope")
    said = facts(rlm("doctor").out)["profile"]["without -p"]
    assert said == "nope: RLM_PROFILE is set, but it cannot be used: there is no profile called 'nope'"
