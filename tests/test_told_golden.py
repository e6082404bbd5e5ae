"""Every form of message that the root model is sent, as kept in golden/told: a change of wording shows as a difference.

A file that is not there is written and the test fails once: delete a file to have it written anew, and read it.
"""

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from support.openai_server import Scripted
from support.pdfs import pdf
from support.runs import Run, cell

from rlm_cli.engine import prompts
from rlm_cli.engine.compaction import request_for, stands_for
from rlm_cli.engine.families import SYSTEM
from rlm_cli.engine.progress import Progress
from rlm_cli.loaders import load
from rlm_cli.prompt_families import FAMILIES, Family
from rlm_cli.seams import ReplFacts
from rlm_cli.task import Task
from rlm_cli.types import Limits, ModelSpec, Profile, Prompts

GOLDEN = Path(__file__).parent / "golden" / "told"
FACTS = ReplFacts("3.12.4", ("re", "json", "csv", "ast", "datetime", "statistics"), ("process",))


def hold(name: str, text: str) -> None:
    """Compare a text with the one that is kept."""
    path = GOLDEN / f"{name}.txt"
    if not path.exists():
        path.write_text(f"{text}\n")
        pytest.fail(f"{path} was not there: read it")
    assert f"{text}\n" == path.read_text()


@pytest.mark.parametrize("family", FAMILIES)
def test_a_system_prompt_reads_as_it_is_kept(family: Family) -> None:
    hold(f"system-{family}", SYSTEM[family])


# --- the first message --------------------------------------------------------------------------------------------


def a_repository(folder: Path) -> None:
    for number in range(40):
        path = folder / ("src" if number % 4 else "tests") / f"part{number:02}.py"
        path.parent.mkdir(exist_ok=True)
        path.write_text("".join(f"def step_{number}_{line}(x):\n    return x + {line}\n" for line in range(5 + number)))
    (folder / "README.md").write_text("# A project\n")
    (folder / "empty.txt").write_text("")


def a_pdf(folder: Path) -> None:
    pages = [
        f"Clause {number}\nThe tenant pays {number * 10} euros a month.\n" + "\n".join(["More of it."] * 20)
        for number in range(1, 41)
    ]
    (folder / "lease.pdf").write_bytes(pdf(pages))


def json_lines(folder: Path) -> None:
    rows = ({"id": n, "date": f"2024-01-{1 + n % 28:02}", "text": "late parcel " * (1 + n % 3)} for n in range(300))
    (folder / "mails.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))


def a_csv(folder: Path) -> None:
    rows = "".join(f"r{n % 7},2024-{1 + n % 12:02},{n * 3}\n" for n in range(2_000))
    (folder / "sales.csv").write_text(f"region,month,amount\n{rows}")


def a_small_text(folder: Path) -> None:
    (folder / "note.txt").write_text("".join(f"Clause {n}: the tenant pays {n * 10} euros.\n" for n in range(1, 6)))


@pytest.mark.parametrize("fill", [a_repository, a_pdf, json_lines, a_csv, a_small_text])
def test_a_first_message_reads_as_it_is_kept(tmp_path: Path, fill: Callable[[Path], None]) -> None:
    fill(tmp_path)
    files = sorted(tmp_path.iterdir())
    context = load([str(tmp_path if len(files) > 1 else files[0])]).context
    spec = ModelSpec("openai/sub", context_window=128_000, max_output_tokens=4_000)
    prompting = Prompts(advice="Amounts are in cents.") if fill is a_small_text else Prompts()
    profile = Profile("p", "", spec, spec, Limits(), prompts=prompting)
    task = Task("r", "What changed in May?", context, profile, findings=fill is a_repository)
    message = prompts.first_message(task, FACTS)
    shown = re.sub(r"\n(security|quality): .*", r"\n\1: (its rules)", message.replace(tmp_path.name, "folder"))
    hold(f"first-{fill.__name__.removeprefix('a_').replace('_', '-')}", shown)


# --- after an iteration -------------------------------------------------------------------------------------------

REPLIES: dict[str, list[str | Scripted]] = {
    "output": [cell("print('two lines')\nprint('of output')")],
    "no-output": [cell("x = 1")],
    "output-cut": [cell("for n in range(3_000): print('line', n)")],
    "output-of-one-line": [cell("print('x' * 30_000)")],
    "error": [cell("import json\nfound = [1]\nprint('before')\njson.loads('{')")],
    "error-unrun": [cell("found = [1]\nif found\n    print(1)")],
    "error-refused": [cell("found = [1]\nopen('a.txt')")],
    "first-block-fails": ["```repl\nfound = missing\n```\nThen:\n```repl\nprint('second')\n```"],
    "second-block-fails": ["```repl\nprint('first')\n```\n```repl\na = 1\nb = a / 0\n```\n```repl\nprint(3)\n```"],
    "no-code": ["I will look at the text first."],
    "wrong-fence": ["```js\nconsole.log(1)\n```\n```\nprint(1)\n```"],
    "unclosed-fence": ["```repl\nprint('it ran')"],
    "cut-reply": [Scripted("```repl\nprint('whole')\n```\n```repl\nprint('cu", finish_reason="length")],
    "cut-words": [Scripted("Let me think about", finish_reason="length")],
    "cut-final": [Scripted("FINAL(a list:\n1. one)\n2. tw", finish_reason="length")],
    "unseen-final": [f"{cell('print(41 + 1)')}\n\nFINAL(42)"],
    "empty-final": ["FINAL()"],
    "empty-final-in-code": [cell("FINAL('')")],
    "final-of-a-variable": [cell("total = 42"), "FINAL(total)"],
    "final-of-no-variable": [cell("total = 42\nFINAL_VAR('totl')")],
    "evidence-refused": [cell("FINAL('x', evidence=[('input.txt:1', 'not there')])")],
    "overwritten": [cell("context = 'mine'\nllm_query = None")],
    "empty-reply": [Scripted("")],
    "batch": [cell("r = llm_query_batched(['one', 'two', 'bad'])\nprint([each.ok for each in r])")],
    "awaited": [cell("print(await llm_query('one'))")],
}


def steady(text: str) -> str:
    """Return a message without what differs from run to run."""
    text = re.sub(r"http://127.0.0.1:\d+", "http://server", re.sub(r"\d+/300 s", "1/300 s", text))
    return re.sub(r"\d+\.\d s, (?=\d+ failed)", "0.1 s, ", text)


@pytest.mark.parametrize("name", REPLIES)
def test_what_follows_an_iteration_reads_as_it_is_kept(tmp_path: Path, name: str) -> None:
    def sub(prompt: str) -> str | Scripted:
        return Scripted(status=400, error={"message": "no"}) if prompt == "bad" else f"re {prompt}"

    replies = REPLIES[name]
    run = Run(tmp_path, [*replies, cell("FINAL('done')")], sub=sub)
    hold(f"after-{name}", steady(run.told(len(replies))))


def test_the_end_of_the_iterations_and_the_last_word_read_as_they_are_kept(tmp_path: Path) -> None:
    run = Run(tmp_path, [*[cell("print('more')")] * 4, "Nothing is certain."], max_iterations=4)
    hold("after-nearly-the-end", steady(run.told(2)))
    hold("last-word", steady(run.told(4)))


def test_a_limit_that_is_nearly_reached_reads_as_it_is_kept(tmp_path: Path) -> None:
    code = "print(llm_query_batched([str(n) for n in range(8)])[0])"
    more = "try:\n    llm_query_batched(['x', 'y', 'z'])\nexcept SubCallError as error:\n    print(error)"
    run = Run(tmp_path, [cell(code), cell(more), cell("FINAL('x')")], max_subcalls=10)
    hold("after-nearly-no-sub-calls", steady(run.told(1)))
    hold("after-no-sub-calls", steady(run.told(2)))


def test_what_is_said_where_the_history_is_shortened_reads_as_it_is_kept() -> None:
    progress = Progress(variables=("hits", "total"), sizes=("list, 12 items", "int, 42"))
    hold("summary-asked", request_for(tuple(range(1, 13))))
    hold("summary-stands", stands_for(tuple(range(1, 13)), progress))
    hold("changed", prompts.changed("input.txt is another one"))
