"""A second pass: a quick model answers, a strong one answers again over what the first one cited, in one run."""

import json
from pathlib import Path
from typing import Any

import yaml
from support.command import Ran, rlm
from support.events import check_events
from support.openai_server import OpenAIServer, Scripted
from support.runs import cell

FILES = {
    "pay.md": "The tenant pays on the first.\nLate payment costs 5 %.\n",
    "keys.md": "There are three keys.\n",
    "cats.md": "Cats may stay.\n",
}
FIRST = cell(
    'FINAL("on the first, see pay.md:1", evidence=[("pay.md", "The tenant pays on the first.")], doubt="a fee?")'
)
SECOND = cell('FINAL("on the first; late: 5 %", evidence=[("pay.md", "Late payment costs 5 %.")])')


class Asked:
    """One command over a loopback server: two roots and two sub-models, each scripted."""

    def __init__(
        self,
        folder: Path,
        replies: dict[str, list[str | Scripted]],
        *arguments: str,
        resume: tuple[str, ...] = (),
        **limits: Any,
    ) -> None:
        self.scripts = {name: list(given) for name, given in replies.items()}
        for name, text in FILES.items():
            (folder / "in").mkdir(exist_ok=True)
            (folder / "in" / name).write_text(text)
        events, result = folder / "events.jsonl", folder / "result.json"
        with OpenAIServer(self.reply) as server:
            for name, extra in (("quick", {"refine": "strong", "strategy": "rlm"}), ("strong", {})):
                profile = {
                    "root": self.model(server, f"{name}-root"),
                    "sub": self.model(server, f"{name}-sub"),
                    **extra,
                }
                (folder / f"{name}.yaml").write_text(yaml.safe_dump(profile))
            set_limits = [f"--set=limits.{name}={value}" for name, value in limits.items()]
            self.ran = rlm(
                "analyze", str(folder / "in"), "when is rent due?", "-p", str(folder / "quick.yaml"),
                "-f", "json", "-o", str(result), "--events", str(events), *set_limits, *arguments,
            )  # fmt: skip
            self.again: Ran | None = rlm("runs", "resume", *resume, "-f", "json") if resume else None
            self.requests = server.requests
        self.events = [json.loads(line) for line in events.read_text().splitlines()]
        self.result = json.loads(result.read_text())

    @staticmethod
    def model(server: OpenAIServer, name: str) -> dict[str, Any]:
        price = {"input": 1, "output": 10} if name.startswith("quick") else {"input": 10, "output": 100}
        return {
            "model": f"openai/{name}",
            "api_base": server.url,
            "api_key_env": "LOOPBACK_KEY",
            "max_output_tokens": 500,
            "price": price,
        }

    def reply(self, body: dict[str, Any]) -> str | Scripted:
        script = self.scripts[body["model"]]
        return script.pop(0) if len(script) > 1 else script[0]

    def told(self, model: str) -> str:
        """What a model was sent first."""
        text: str = next(body for body in self.requests if body["model"] == model)["messages"][1]["content"]
        return text

    def of(self, kind: str) -> list[dict[str, Any]]:
        return [event for event in self.events if event["type"] == kind]


def test_the_second_pass_reads_what_the_first_cited_and_its_answer_counts(tmp_path: Path) -> None:
    look = cell("print(files['pay.md'])\nprint(len(documents))")
    ask = cell("print(llm_query('is there a fee?'))")
    asked = Asked(tmp_path, {"quick-root": [look, FIRST], "strong-root": [ask, look, SECOND], "strong-sub": ["a fee"]})
    assert asked.ran.code == 0, asked.ran.err
    check_events(asked.events, asked.result)
    result = asked.result
    assert result["answer"] == "on the first; late: 5 %"
    assert (result["status"], result["iterations"], result["subcalls"]) == ("complete", 5, 1)
    assert [each["quote"] for each in result["citations"]] == ["Late payment costs 5 %."]
    assert result["doubt"] is None
    [begun] = asked.of("refinement_started")
    assert (begun["root_model"], begun["sub_model"], begun["documents"]) == (
        "openai/strong-root",
        "openai/strong-sub",
        1,
    )
    assert [each["path"] for each in asked.of("iteration_started")] == ["0/1", "0/2", "0/3", "0/4", "0/5"]
    assert [each["answer"] for each in asked.of("answer_given")] == ["on the first, see pay.md:1", result["answer"]]
    told = asked.told("strong-root")
    for part in ("| on the first, see pay.md:1", "| a fee?", "| pay.md:1: The tenant pays on the first."):
        assert part in told
    assert "It rests on 1 document: pay.md." in told
    assert "iteration 3/50" in told
    assert [each["output"] for each in asked.of("code_finished")][3].endswith("3\n")
    assert result["models"] == {"root": "openai/quick-root", "sub": "openai/quick-sub"}
    assert result["refine"] == {"profile": "strong", "root": "openai/strong-root", "sub": "openai/strong-sub"}
    assert "in a second pass root openai/strong-root (on this machine) sees" in asked.ran.err
    quick, strong = 2 * (10 + 50) / 1e6, 3 * (100 + 500) / 1e6
    assert result["usage"]["root"]["cost_usd"] == round(quick + strong, 8)


def test_a_first_answer_without_citations_is_told_without_documents(tmp_path: Path) -> None:
    asked = Asked(tmp_path, {"quick-root": [cell('FINAL("no idea")')], "strong-root": [SECOND]})
    assert asked.of("refinement_started")[0]["documents"] == 0
    assert "It rests on" not in asked.told("strong-root")
    assert asked.result["answer"] == "on the first; late: 5 %"


def test_a_second_pass_that_fails_leaves_the_first_answer(tmp_path: Path) -> None:
    broken = Scripted(status=401, error={"message": "wrong key", "type": "authentication_error"})
    asked = Asked(tmp_path, {"quick-root": [FIRST], "strong-root": [broken]})
    assert asked.ran.code == 4
    check_events(asked.events, asked.result)
    assert asked.result["answer"] == "on the first, see pay.md:1"
    assert asked.result["citations"][0]["quote"] == "The tenant pays on the first."
    assert any("the second pass gave no answer" in each for each in asked.result["warnings"])


def test_both_passes_share_one_cap(tmp_path: Path) -> None:
    look = cell("print(1)")
    asked = Asked(tmp_path, {"quick-root": [FIRST], "strong-root": [look, cell('FINAL("by now")')]}, max_iterations=2)
    assert asked.ran.code == 3
    assert (asked.result["stop_reason"], asked.result["iterations"]) == ("max_iterations", 2)
    assert asked.result["answer"] == "by now"
    limited = Asked(tmp_path, {"quick-root": [look, FIRST], "strong-root": [SECOND]}, max_iterations=1)
    assert limited.result["answer"] == "on the first, see pay.md:1"
    assert not limited.of("refinement_started"), "a run that has met a limit has nothing left for a second pass"


def test_without_an_iteration_left_the_first_answer_is_the_answer(tmp_path: Path) -> None:
    asked = Asked(tmp_path, {"quick-root": [cell("print(1)"), FIRST], "strong-root": [SECOND]}, max_iterations=2)
    assert asked.ran.code == 3
    assert (asked.result["status"], asked.result["answer"]) == ("partial", "on the first, see pay.md:1")
    assert asked.result["limits_reached"] == ["max_iterations"]
    assert any("no iteration was left for the second pass" in each for each in asked.result["warnings"])
    assert not asked.of("refinement_started")


def test_findings_of_both_passes_are_checked_once_at_the_end(tmp_path: Path) -> None:
    quote = '"pay.md", "Late payment costs 5 %."'
    report = f'report_finding("dead-code", "A fee", "unfair", {quote})\nFINAL("see pay.md:2")'
    more = 'report_finding("dead-code", "A day", "too early", "pay.md", "The tenant pays on the first.")\nFINAL("two")'
    script: dict[str, list[str | Scripted]] = {
        "quick-root": [cell(report)], "strong-root": [cell(more)], "strong-sub": ["confirm. line 2 has it."],
    }  # fmt: skip
    asked = Asked(tmp_path, script, "--findings")
    assert [each["title"] for each in asked.result["findings"]] == ["A day", "A fee"]
    assert {each["verdict"] for each in asked.result["findings"]} == {"confirmed"}
    assert "| pay.md:2: dead-code: A fee" in asked.told("strong-root")
    checks = [body for body in asked.requests if body["model"] == "strong-sub"]
    assert len(checks) == 2


def test_a_second_pass_is_resumed_without_paying_for_anything_again(tmp_path: Path) -> None:
    script: dict[str, list[str | Scripted]] = {"quick-root": [FIRST], "strong-root": [cell("print(1)"), "x", SECOND]}
    asked = Asked(tmp_path, script, resume=("--max-iterations", "9"), max_iterations=2)
    assert asked.ran.code == 3
    assert asked.again is not None
    again = json.loads(asked.again.out)
    assert asked.again.code == 0, asked.again.err
    assert (again["answer"], again["iterations"]) == ("on the first; late: 5 %", 3)
    # The last word of the first sitting is the one reply that is not asked for again.
    assert [body["model"] for body in asked.requests] == ["quick-root", "strong-root", "strong-root", "strong-root"]
    assert again["usage"]["root"]["calls"] == 4
