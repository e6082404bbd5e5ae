"""`rlm analyze` as users meet it: what it prints where, how it exits, and what it says when something is wrong."""

import json
import stat
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from support.command import Ran, rlm
from support.openai_server import OpenAIServer, Scripted, rate_limited, unknown_model, wrong_key
from support.profiles import profile

SCHEMA = json.loads((Path(__file__).parent / "contract" / "result.schema.json").read_text())
LOOK = "```repl\nprint(len(context))\n```"


def ask(text: str, folder: Path, reply: Any, *options: str, **limits: Any) -> Ran:
    with OpenAIServer(reply) as server:
        return rlm("analyze", text, "who pays?", "-p", profile(folder, server.url, **limits), *options)


# --- what is printed where ------------------------------------------------------------------------------------------


def test_the_answer_alone_goes_to_stdout(text: str, tmp_path: Path) -> None:
    ran = ask(text, tmp_path, [LOOK, "FINAL(the tenant)"])
    assert (ran.code, ran.out) == (0, "the tenant\n")
    assert ran.err.splitlines()[-1].startswith("complete: $")
    assert "iteration 2" in ran.err


def test_before_the_first_call_it_says_what_leaves_the_machine_and_to_whom(text: str, tmp_path: Path) -> None:
    ran = ask(text, tmp_path, "FINAL(x)")
    first = ran.err.splitlines()[0]
    assert "root openai/root (on this machine) sees samples and REPL output" in first
    assert "sub openai/sub (on this machine) sees pieces of the text" in first


def test_quiet_is_quiet(text: str, tmp_path: Path) -> None:
    ran = ask(text, tmp_path, "FINAL(x)", "-q")
    assert (ran.code, ran.out, ran.err) == (0, "x\n", "")


def test_json_holds_the_schema(text: str, tmp_path: Path) -> None:
    code = (
        "```repl\nevidence = [('contract.txt', 'pays the landlord')]\n"
        "FINAL('see contract.txt:1 and contract.txt:9', evidence=evidence, doubt='d')\n```"
    )
    result = ask(text, tmp_path, code, "-f", "json").json()
    jsonschema.validate(result, SCHEMA)
    quoted, missing = result["citations"]
    assert (quoted["path"], quoted["line"], quoted["verified"]) == ("contract.txt", 1, True)
    assert (missing["path"], missing["line"], missing["verified"]) == ("contract.txt", 9, False)
    assert result["doubt"] == "d"


def test_text_and_markdown_mark_places_that_do_not_exist(text: str, tmp_path: Path) -> None:
    reply = "FINAL(see contract.txt:9)"
    assert "do not exist: contract.txt:9" in ask(text, tmp_path, reply).out
    assert "`contract.txt:9`: **no such place**" in ask(text, tmp_path, reply, "-f", "markdown").out


def test_evidence_that_is_not_there_is_refused_and_the_model_corrects_itself(text: str, tmp_path: Path) -> None:
    wrong = "```repl\nFINAL('x', evidence=[('contract.txt', 'pays the bank')])\n```"
    right = "```repl\nFINAL('y', evidence=[('contract.txt', 'The  tenant\\npays')])\n```"
    with OpenAIServer([wrong, right]) as server:
        ran = rlm("analyze", text, "q", "-p", profile(tmp_path, server.url))
        told = server.requests[-1]["messages"][-1]["content"]
    assert "the quote is not in contract.txt" in told
    assert ran.out.startswith("y\n\nEvidence:\n  contract.txt:1: The tenant pays")


def test_events_and_output_files(text: str, tmp_path: Path) -> None:
    events, answer = tmp_path / "events.jsonl", tmp_path / "answer.txt"
    ran = ask(text, tmp_path, [LOOK, "FINAL(x)"], "--events", str(events), "-o", str(answer))
    assert (ran.code, ran.out, answer.read_text()) == (0, "", "x\n")
    kinds = [json.loads(line)["type"] for line in events.read_text().splitlines()]
    assert kinds == [
        "run_started", "context_loaded", "iteration_started", "model_replied", "code_started", "code_finished",
        "iteration_started", "model_replied", "answer_given", "run_finished",
    ]  # fmt: skip


def test_a_run_is_recorded_for_its_owner_alone(text: str, tmp_path: Path, own_home: Path) -> None:
    ask(text, tmp_path, "FINAL(x)", "--no-record")
    folder = own_home / ".local" / "state" / "rlm" / "runs"
    assert not folder.exists()
    ask(text, tmp_path, "FINAL(x)")
    [record] = folder.iterdir()
    assert stat.S_IMODE(record.stat().st_mode) == 0o700
    files = {file.name: file for file in record.iterdir()}
    assert set(files) == {"run.json", "events.jsonl", "calls.jsonl", "result.json"}
    assert {stat.S_IMODE(file.stat().st_mode) for file in files.values()} == {0o600}
    assert json.loads(files["events.jsonl"].read_text().splitlines()[-1])["type"] == "run_finished"


def test_control_characters_of_a_model_do_not_reach_stderr_raw(text: str, tmp_path: Path) -> None:
    ran = ask(text, tmp_path, ["```repl\nprint('\\x1b[2Jgone\\x9b')\n```", "FINAL(x)"])
    assert "gone" in ran.err
    assert "\x1b" not in ran.err + ran.out
    assert "\x9b" not in ran.err


def test_the_context_itself_is_never_sent(tmp_path: Path) -> None:
    path = tmp_path / "long.txt"
    path.write_text("".join(f"line {number} SECRET-{number}\n" for number in range(20_000)))
    with OpenAIServer([LOOK, "FINAL(x)"]) as server:
        rlm("analyze", str(path), "q", "-p", profile(tmp_path, server.url))
        sent = json.dumps(server.requests)
    assert "SECRET-7777" not in sent
    assert sent.count("SECRET-") < 500


# --- wrong input ----------------------------------------------------------------------------------------------------


def refused(*arguments: str, stdin: bytes = b"") -> str:
    ran = rlm("analyze", *arguments, stdin=stdin)
    assert ran.code == 2, ran.err
    assert ran.out == ""
    assert "Traceback" not in ran.err
    return ran.err


def test_without_a_key_the_choices_are_named(text: str) -> None:
    said = refused(text, "q")
    assert "no profile was named and no key is set" in said
    assert "-p offline" in said


def test_a_missing_key_is_named(text: str) -> None:
    assert "OPENAI_API_KEY" in refused(text, "q", "-p", "openai")


def test_a_missing_path(tmp_path: Path) -> None:
    assert "does not exist" in refused(str(tmp_path / "nowhere"), "q", "-p", "offline")


def test_a_question_that_is_a_path(text: str) -> None:
    said = refused(text)
    assert "no question" in said
    assert text in said


def test_a_folder_with_nothing_to_read(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.bin").write_bytes(b"\0\1\2")
    said = refused(str(tmp_path / "in"), "q", "-p", "offline")
    assert "binary" in said


def test_a_damaged_pdf_is_not_read_as_text(tmp_path: Path) -> None:
    (tmp_path / "a.pdf").write_bytes(b"%PDF-1.7\n")
    assert "a.pdf is damaged" in refused(str(tmp_path / "a.pdf"), "q", "-p", "offline")


@pytest.mark.parametrize(
    ("slip", "said"),
    [
        ("limits: {max_costs: 1}", "did you mean max_cost?"),
        ("root: {model: openai/x, api_key: sk-0123456789abcdefgh}", "api_key_env: NAME"),
    ],
)
def test_a_slip_in_a_profile(text: str, tmp_path: Path, slip: str, said: str) -> None:
    (tmp_path / "p.yaml").write_text(slip)
    err = refused(text, "q", "-p", str(tmp_path / "p.yaml"))
    assert said in err
    assert "p.yaml, line 1" in err
    assert "0123456789" not in err


def test_a_cap_that_cannot_be_kept_is_not_promised(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "x")
    model = "openai/no-such-model-in-any-table"
    said = refused(text, "q", "--root-model", model, "--sub-model", model)
    assert f"the price of {model} is unknown" in said
    assert "--max-cost none" in said


@pytest.mark.parametrize("option", ["-o", "--events"])
def test_a_file_that_cannot_be_written_is_known_before_money_is_spent(text: str, tmp_path: Path, option: str) -> None:
    said = refused(text, "q", "-p", "offline", option, str(tmp_path / "no" / "such" / "folder"))
    assert f"{option} " in said
    assert "cannot write there" in said


@pytest.mark.parametrize("option", ["-o", "--events"])
def test_an_input_is_never_overwritten(text: str, option: str) -> None:
    before = Path(text).read_text()
    assert "that is an input" in refused(text, "q", "-p", "offline", option, text)
    assert Path(text).read_text() == before


def test_a_wrong_command_line_does_not_empty_an_old_file_of_events(text: str, tmp_path: Path) -> None:
    old = tmp_path / "events.jsonl"
    old.write_text("old\n")
    refused(text, str(tmp_path / "nowhere"), "q", "-p", "offline", "--events", str(old))
    assert old.read_text() == "old\n"
    rlm("analyze", text, "who pays?", "-p", "offline", "--events", str(old))
    assert json.loads(old.read_text().splitlines()[0])["type"] == "run_started"


@pytest.mark.parametrize(
    "arguments",
    [
        ["--max-depth", "0"],
        ["--max-tokens", "9" * 400],
        ["--max-cost", "a"],
        ["--max-tokens", "-3"],
        ["--timeout", "0"],
        ["--concurrency", "0"],
        ["--max-file-size", "x"],
    ],
)
def test_a_limit_that_makes_no_sense(text: str, arguments: list[str]) -> None:
    assert arguments[0] in refused(text, "q", "-p", "offline", *arguments)


# --- models that fail -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        (wrong_key("sk-loopback-0123456789abcdef"), "LOOPBACK_KEY"),
        (unknown_model("root"), "openai/root"),
        (rate_limited(), "HTTP 429"),
        (Scripted(status=500, error={"message": "boom"}), "HTTP 500"),
        (Scripted(raw="<!doctype html><html><body>Welcome</body></html>"), "api_base"),
        (Scripted(""), "empty reply, 3 times in a row"),
    ],
    ids=["wrong-key", "unknown-model", "429-for-ever", "500", "html", "empty"],
)
def test_a_model_that_fails_is_exit_4_with_a_result(text: str, tmp_path: Path, reply: Scripted, said: str) -> None:
    ran = ask(text, tmp_path, reply, "-f", "json")
    assert ran.code == 4, ran.err
    result = ran.json()
    jsonschema.validate(result, SCHEMA)
    assert (result["status"], result["stop_reason"], result["answer"]) == ("failed", "error", "")
    assert said in result["error"]["message"] + (result["error"]["hint"] or "")
    assert "0123456789" not in ran.err + ran.out
    assert "Traceback" not in ran.err


def test_an_unreachable_server(text: str, tmp_path: Path) -> None:
    ran = rlm("analyze", text, "q", "-p", profile(tmp_path, "http://127.0.0.1:9/v1"))
    assert ran.code == 4
    assert "127.0.0.1:9" in ran.err


def test_a_refusal_is_incomplete_not_clean(text: str, tmp_path: Path) -> None:
    ran = ask(text, tmp_path, Scripted("", finish_reason="content_filter"), "-f", "json")
    assert ran.code == 3
    assert (ran.json()["status"], ran.json()["stop_reason"]) == ("partial", "refused")


def test_code_that_was_cut_at_the_output_limit_is_not_run(text: str, tmp_path: Path) -> None:
    cut = Scripted("```repl\nprint('first')\n```\n```repl\nFINAL('wro", finish_reason="length")
    with OpenAIServer([cut, "FINAL(right)"]) as server:
        ran = rlm("analyze", text, "q", "-p", profile(tmp_path, server.url))
        told = server.requests[-1]["messages"][-1]["content"]
    assert (ran.code, ran.out) == (0, "right\n")
    assert "first" in told
    assert "that block did not run" in told


def test_a_slow_root_runs_into_the_time_limit_and_keeps_what_was_found(text: str, tmp_path: Path) -> None:
    slow = Scripted("```repl\nFINAL('too late')\n```", delay=30)
    ran = ask(
        text, tmp_path, ["```repl\nfound = 'something'\n```", slow], "-f", "json", "--set", "root.timeout=20", timeout=4
    )
    assert ran.code == 3
    result = ran.json()
    assert (result["status"], result["stop_reason"], result["iterations"]) == ("partial", "timeout", 2)
    assert result["elapsed_seconds"] < 10


def test_a_partial_answer_may_be_allowed(text: str, tmp_path: Path) -> None:
    assert ask(text, tmp_path, LOOK, max_iterations=1).code == 3
    ran = ask(text, tmp_path, [LOOK, "FINAL(best guess)"], "--allow-partial", max_iterations=1)
    assert (ran.code, ran.out) == (0, "best guess\n")


def test_inputs_that_could_not_be_decoded_make_a_run_incomplete(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "good.txt").write_text("fine\n")
    (folder / "bad.txt").write_bytes(b"\xff\xfe\x41")
    ran = ask(str(folder), tmp_path, "FINAL(x)", "-f", "json")
    assert ran.code == 3
    assert (ran.json()["status"], ran.json()["stop_reason"], ran.json()["answer"]) == ("partial", "final", "x")


def test_what_was_noticed_while_reading_is_part_of_the_result_and_said_once(tmp_path: Path) -> None:
    (tmp_path / "late.txt").write_bytes(b"who pays? caf\xe9\n" * 20)
    ran = rlm("analyze", str(tmp_path), "who pays?", "-p", "offline", "-f", "json")
    said = "1 file not in UTF-8, read as cp1252 late.txt"
    assert ran.json()["warnings"] == [said]
    assert ran.err.count(said) == 1
    assert said in rlm("runs", "show").out
