"""`rlm` as a process of its own: pipes, signals, full disks, and what it imports."""

import json
import os
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from support.command import finish, rlm, start
from support.events import check_events
from support.openai_server import OpenAIServer, Scripted
from support.profiles import profile

SCHEMA = json.loads((Path(__file__).parent / "contract" / "result.schema.json").read_text())


def test_a_pipe_is_the_input_when_nothing_is_named() -> None:
    process = start("analyze", "who pays?", "-p", "offline", "-q", stdin=subprocess.PIPE)
    ran = finish(process, b"The tenant pays 5 \xa3.\n")
    assert ran.code == 0, ran.err
    assert "stdin:1" in ran.out


def test_nothing_named_and_nothing_piped_is_no_input() -> None:
    ran = finish(start("analyze", "who pays?", "-p", "offline"))
    assert ran.code == 2
    assert "no input" in ran.err


def test_a_reader_that_leaves_early_is_no_error(text: str) -> None:
    reading, writing = os.pipe()
    process = start("analyze", text, "who pays?", "-p", "offline", "-q", stdout=writing)
    os.close(writing)
    os.close(reading)
    ran = finish(process)
    assert (ran.code, ran.err) == (0, "")


def test_a_reader_that_leaves_early_still_leaves_the_last_line(text: str) -> None:
    process = start("analyze", text, "who pays?", "-p", "offline", stdout=subprocess.PIPE)
    assert process.stdout is not None
    process.stdout.close()
    process.stdout = None
    ran = finish(process)
    assert ran.code == 0
    assert ran.err.splitlines()[-1].startswith("complete: ")


def test_a_question_of_odd_bytes_is_no_failure(text: str) -> None:
    ran = finish(start("analyze", text, os.fsdecode(b"who pays \xff?"), "-p", "offline", "-f", "json"))
    assert ran.code == 0, ran.err
    assert ran.json()["question"] == "who pays ?\u003f".replace("\u003f", "?")


def test_a_model_nobody_knows_is_a_failed_result_not_a_missing_one(text: str) -> None:
    ran = rlm("analyze", text, "q", "-f", "json", "--root-model", "nobody/x", "--sub-model", "nobody/x")
    assert ran.code == 4
    jsonschema.validate(ran.json(), SCHEMA)
    assert (ran.json()["status"], ran.json()["stop_reason"]) == ("failed", "error")
    assert "nobody/x" in ran.json()["error"]["message"]


@pytest.mark.parametrize("interrupt", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_run_ends_in_order(text: str, tmp_path: Path, interrupt: signal.Signals) -> None:
    code = "```repl\nllm_query_batched(['a', 'b'])\n```"
    events = tmp_path / "events.jsonl"

    def reply(body: dict[str, Any]) -> Scripted:
        return Scripted(code) if body["model"] == "root" else Scripted("late", delay=60)

    with OpenAIServer(reply) as server:
        path = profile(tmp_path, server.url)
        process = start("analyze", text, "q", "-p", path, "-f", "json", "--events", str(events))
        while process.poll() is None and sum(body["model"] == "sub" for body in server.requests) < 2:
            time.sleep(0.05)
        process.send_signal(interrupt)
        ran = finish(process)
    assert ran.code == 130, ran.err
    result = ran.json()
    jsonschema.validate(result, SCHEMA)
    assert (result["status"], result["stop_reason"]) == ("interrupted", "interrupted")
    assert "Traceback" not in ran.err
    recorded = [json.loads(line) for line in events.read_text().splitlines()]
    check_events(recorded, result)
    kinds = [event["type"] for event in recorded]
    assert kinds[-4:] == ["subcall_failed", "subcall_failed", "code_finished", "run_finished"]


def test_a_home_that_cannot_be_written_is_a_warning(text: str) -> None:
    ran = finish(start("analyze", text, "who pays?", "-p", "offline", env={"XDG_STATE_HOME": "/proc/no/such/place"}))
    assert ran.code == 0
    assert "the run is not recorded" in ran.err
    assert "tenant" in ran.out


def test_a_full_disk_costs_the_record_and_not_the_answer(text: str, tmp_path: Path) -> None:
    def no_more_than_a_kilobyte() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (1024, 1024))

    events = tmp_path / "events.jsonl"
    process = start(
        "analyze", text, "who pays?", "-p", "offline", "--events", str(events), preexec_fn=no_more_than_a_kilobyte
    )
    ran = finish(process)
    assert ran.code == 0, ran.err
    assert "tenant" in ran.out
    assert "the run is not recorded" in ran.err
    assert "further events are missing there" in ran.err


@pytest.mark.parametrize(
    "arguments",
    [
        ("analyze", "TEXT", "who pays?", "-p", "offline", "-q"),
        ("profiles", "list"),
        ("profiles", "check", "offline"),
        ("doctor",),
        ("runs", "list"),
        ("runs", "show"),
        ("--version",),
    ],
)
def test_a_stdout_that_takes_nothing_is_said(text: str, arguments: tuple[str, ...]) -> None:
    rlm("analyze", text, "who pays?", "-p", "offline")
    with Path("/dev/full").open("wb") as full:
        ran = finish(start(*(text if each == "TEXT" else each for each in arguments), stdout=full))
    assert (ran.code, ran.err) == (2, "rlm: error: cannot write to stdout: No space left on device\n")


def test_a_stderr_that_takes_nothing_costs_no_answer(text: str) -> None:
    with Path("/dev/full").open("wb") as full:
        ran = finish(start("analyze", text, "who pays?", "-p", "offline", stderr=full))
        assert finish(start("analyze", "--no-such-option", stderr=full)).code == 2
    assert ran.code == 0
    assert "tenant" in ran.out


@pytest.mark.parametrize("closed", [(0,), (1,), (2,), (0, 1, 2)])
def test_a_closed_stream_is_no_failure(text: str, tmp_path: Path, closed: tuple[int, ...]) -> None:
    def close() -> None:
        for descriptor in closed:
            os.close(descriptor)

    answer = tmp_path / "answer.txt"
    process = start("analyze", text, "who pays?", "-p", "offline", "-o", str(answer), preexec_fn=close)
    ran = finish(process)
    assert ran.code == 0, ran.err
    assert "tenant" in answer.read_text()
    assert ran.out == ""
    assert (ran.err == "") == (2 in closed)
    for command in (("runs", "list"), ("doctor",), ("profiles", "list")):
        ran = finish(start(*command, preexec_fn=close))
        assert (ran.code, ran.out == "", ran.err) == (0, 1 in closed, "")


def test_help_and_the_offline_profile_import_nothing_heavy(text: str) -> None:
    heavy = {"litellm", "openai", "httpx", "pydantic", "tiktoken", "RestrictedPython"}
    # Typer itself imports pydantic when it has the options of a command to convert.
    for arguments, allowed in (
        (["--help"], set()),
        (["--version"], set()),
        (["analyze", "--help"], {"pydantic"}),
        (["profiles", "list"], {"pydantic"}),
        (["analyze", text, "who pays?", "-p", "offline"], {"pydantic", "tiktoken"}),
        (["runs", "list"], {"pydantic"}),
        (["runs", "show"], {"pydantic"}),
    ):
        code = (
            "import sys\nfrom rlm_cli.cli.app import app\n"
            f"try:\n    app({arguments!r})\nexcept SystemExit as end:\n    assert not end.code, end.code\n"
            "print(*sys.modules, file=sys.stderr, sep='\\n')"
        )
        ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        assert heavy & set(ran.stderr.splitlines()) <= allowed, arguments
