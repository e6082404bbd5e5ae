"""The golden transcripts, run through the real command over a loopback server: what users rely on, as data.

The files in contract/cases are the contract's own; those in contract/more are ours. contract/README.md says what a
case holds.
"""

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from support.command import rlm
from support.events import check_events
from support.openai_server import OpenAIServer, Scripted

FOLDER = Path(__file__).parent / "contract"
CASES = sorted([*(FOLDER / "cases").glob("*.yaml"), *(FOLDER / "more").glob("*.yaml")])
SCHEMA = json.loads((FOLDER / "result.schema.json").read_text())


class Script:
    """Answers as a case says: root replies in order, the last one again and again; the sub-model by its template."""

    def __init__(self, case: dict[str, Any]) -> None:
        self.root = [reply.replace("<fence>", "```") for reply in case["root"]]
        self.sub = case.get("sub", "ok")
        self.sub_fail = case.get("sub_fail", [])
        self.input_tokens, self.output_tokens = case.get("usage", [10, 5])

    def __call__(self, body: dict[str, Any]) -> Scripted:
        if body["model"] == "root":
            return self.reply(self.root.pop(0) if len(self.root) > 1 else self.root[0])
        prompt = body["messages"][-1]["content"]
        if prompt in self.sub_fail:
            return Scripted(status=400, error={"message": "not this prompt", "type": "invalid_request_error"})
        return self.reply(self.sub.replace("{prompt}", prompt))

    def reply(self, text: str) -> Scripted:
        return Scripted(text, input_tokens=self.input_tokens, output_tokens=self.output_tokens)


def profile(case: dict[str, Any], url: str) -> str:
    """Return a profile that points both models at the server."""
    price = case.get("price", [0, 0])
    model = {
        "api_base": url,
        "api_key_env": "GOLDEN_KEY",
        "max_output_tokens": case.get("max_output_tokens", 500),
        "price": {"input": price[0], "output": price[1]},
    }
    return yaml.safe_dump(
        {
            "name": "golden",
            "root": {"model": "openai/root", **model},
            "sub": {"model": "openai/sub", **model},
            "limits": {"cell_timeout": 10, **case.get("limits", {})},
        }
    )


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_golden_transcript(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    case = yaml.safe_load(path.read_text())
    expected = case["expect"]
    monkeypatch.setenv("GOLDEN_KEY", "golden")
    if "files" in case:
        given = tmp_path / "input"
        for name, text in case["files"].items():
            (given / name).parent.mkdir(parents=True, exist_ok=True)
            (given / name).write_text(text)
    else:
        given = tmp_path / "input.txt"
        given.write_text(case["context"])
    events = tmp_path / "events.jsonl"
    with OpenAIServer(Script(case)) as server:
        (tmp_path / "profile.yaml").write_text(profile(case, server.url))
        ran = rlm(
            "analyze", str(given), case["question"],
            "-p", str(tmp_path / "profile.yaml"), "-f", "json", "--events", str(events),
            "--strategy", "rlm",
        )  # fmt: skip
        requests = [json.dumps(body, ensure_ascii=False) for body in server.requests]
    assert ran.code == expected["exit"], ran.err
    result = ran.json()
    jsonschema.validate(result, SCHEMA)
    for key in ("status", "stop_reason", "answer", "iterations", "subcalls", "limits_reached"):
        if key in expected:
            assert result[key] == expected[key], key
    if "cost_usd" in expected:
        assert result["usage"]["total"]["cost_usd"] == pytest.approx(expected["cost_usd"])
    for wanted in case.get("requests_contain", []):
        assert any(json.dumps(wanted, ensure_ascii=False)[1:-1] in request for request in requests), wanted
    for unwanted in case.get("requests_lack", []):
        assert not any(json.dumps(unwanted, ensure_ascii=False)[1:-1] in request for request in requests), unwanted
    limits = case.get("limits", {})
    if limits.get("max_cost") is not None:
        assert result["usage"]["total"]["cost_usd"] <= limits["max_cost"]
    if limits.get("max_tokens") is not None:
        total = result["usage"]["total"]
        assert total["input_tokens"] + total["output_tokens"] <= limits["max_tokens"]
    check_events([json.loads(line) for line in events.read_text().splitlines()], result)
