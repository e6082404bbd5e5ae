"""Builds a corpus with its question, and turns what a run of it left behind into one row of a table.

    python tests/benchmarks/questions/run.py build NAME FOLDER --api-base http://127.0.0.1:8940/v1
    (the command that it prints, with somebody answering: PLAYING.md)
    python tests/benchmarks/questions/run.py report NAME FOLDER

What else stands behind `build` goes to rlm (`--strategy direct`, to compare). NAME is repository, contract, messages or
chain. FOLDER gets the input, question.txt, profile.yaml and truth.json; the run adds result.json and events.jsonl. An
iteration counts as lost when its cell ended in an error, or when no code ran and no answer came of it; each is listed
with its first line, to be judged by hand: whose fault was it?
"""

import argparse
import json
import shlex
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

import yaml

sys.path.insert(0, str(Path(__file__).parent.parent.parent))

from benchmarks.questions import chain, contract, messages, repository
from benchmarks.questions.question import Corpus, Result, Score, Truth


class Question(Protocol):
    """What each corpus's module offers."""

    def build(self, folder: Path) -> Corpus: ...
    def score(self, result: Result, truth: Truth) -> Score: ...
    def ideal(self, truth: Truth) -> dict[str, Any]: ...


QUESTIONS: dict[str, Question] = {
    "repository": repository,
    "contract": contract,
    "messages": messages,
    "chain": chain,
}
ROOT_PRICE, SUB_PRICE = {"input": 3.0, "output": 15.0}, {"input": 0.25, "output": 1.25}
"""USD for a million tokens: a strong model and a small one, about."""
ROOT_WINDOW, SUB_WINDOW = 200_000, 100_000
PATIENCE = 3_600
"""Seconds for one call: whoever answers may read slowly."""
COLUMNS = (
    "question", "score", "status", "iterations", "lost", "sub-calls", "root in", "root out", "sub in", "sub out",
    "cost", "read all", "seconds",
)  # fmt: skip


def profile(api_base: str) -> dict[str, Any]:
    def model(name: str, window: int, price: Mapping[str, float]) -> dict[str, Any]:
        return {
            "model": f"openai/{name}",
            "api_base": api_base,
            "context_window": window,
            "max_output_tokens": 8_000,
            "timeout": PATIENCE,
            "price": dict(price),
        }

    return {
        "root": model("root", ROOT_WINDOW, ROOT_PRICE),
        "sub": {**model("sub", SUB_WINDOW, SUB_PRICE), "cache": False},
        "limits": {"timeout": 6 * PATIENCE, "max_cost": 10, "max_iterations": 20},
    }


def build(name: str, folder: Path, api_base: str, extra: list[str]) -> None:
    folder.mkdir(parents=True)
    corpus = QUESTIONS[name].build(folder)
    (folder / "truth.json").write_text(json.dumps(corpus.truth, indent=1), encoding="utf-8")
    (folder / "question.txt").write_text(corpus.question + "\n", encoding="utf-8")
    (folder / "profile.yaml").write_text(yaml.safe_dump(profile(api_base), sort_keys=False), encoding="utf-8")
    words = [
        "rlm", "analyze", str(corpus.input), "-Q", str(folder / "question.txt"), "-p", str(folder / "profile.yaml"),
        *corpus.arguments, "-f", "json", "-o", str(folder / "result.json"), "--events", str(folder / "events.jsonl"),
        "--no-cache", *extra,
    ]  # fmt: skip
    print(f"OPENAI_API_KEY=none {shlex.join(words)}")


def report(name: str, folder: Path) -> None:
    result = json.loads((folder / "result.json").read_text(encoding="utf-8"))
    truth = json.loads((folder / "truth.json").read_text(encoding="utf-8"))
    events = [json.loads(line) for line in (folder / "events.jsonl").read_text(encoding="utf-8").splitlines()]
    scored = QUESTIONS[name].score(result, truth)
    lost = lost_iterations(events)
    root, sub = result["usage"]["root"], result["usage"]["sub"]
    row = [
        name, f"{scored.value:.2f}", f"{result['status']} ({result['stop_reason']})", str(result["iterations"]),
        str(len(lost)), str(result["subcalls"]), *(_tokens(each) for each in (root, sub)),
        _dollars(result["usage"]["total"]["cost_usd"]), _dollars(read_all(result["context"]["tokens"])),
        f"{result['elapsed_seconds']:.0f}",
    ]  # fmt: skip
    print(f"| {' | '.join(COLUMNS)} |\n|{'---|' * len(COLUMNS)}\n| {' | '.join(row)} |\n")
    for heading, lines in (
        ("missed", scored.missed),
        ("beyond what was planted", scored.beyond),
        ("iterations to be judged", lost),
        (
            "warnings",
            [*result["warnings"], *(f"{each['times']}x {each['error']}" for each in result["failed_subcalls"])],
        ),
    ):
        print(f"{heading}: {len(lines)}", *(f"- {line}" for line in lines), sep="\n")


def lost_iterations(events: list[dict[str, Any]]) -> list[str]:
    """Return `path: first line of the error` for each iteration that may be lost."""
    found: list[str] = []
    for at, event in enumerate(events):
        if event["type"] == "code_finished" and event["error"]:
            found.append(f"{event['path']}: {event['error'].strip().splitlines()[0]}")
        elif event["type"] == "model_replied":
            # Until the same loop's next iteration: did code run, or did an answer come?
            later = {each["type"] for each in _until_next(events[at + 1 :], event["path"])}
            if not later & {"code_started", "answer_given", "run_finished"}:
                found.append(f"{event['path']}: no code ran: {event['text'].strip()[:100]!r}")
    return found


def _until_next(events: list[dict[str, Any]], path: str) -> list[dict[str, Any]]:
    loop = path.rpartition("/")[0]
    found = []
    for event in events:
        if event["type"] == "iteration_started" and event["path"].rpartition("/")[0] in (loop, ""):
            break
        found.append(event)
    return found


def read_all(tokens: int) -> float:
    """Return what one reading of the whole input by the root model costs, in USD, with an answer of 2,000 tokens."""
    return (tokens * ROOT_PRICE["input"] + 2_000 * ROOT_PRICE["output"]) / 1_000_000


def _tokens(usage: Mapping[str, Any]) -> str:
    return f"{usage['input_tokens']:,} | {usage['output_tokens']:,}"


def _dollars(amount: float | None) -> str:
    return "unknown" if amount is None else f"${amount:.3f}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("build", "report"))
    parser.add_argument("name", choices=QUESTIONS)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--api-base", default="http://127.0.0.1:8940/v1")
    given, extra = parser.parse_known_args()
    if given.what == "build":
        build(given.name, given.folder, given.api_base, extra)
    else:
        report(given.name, given.folder)


if __name__ == "__main__":
    main()
