"""Which documents were looked at: told from the lines that were sent, however they are shown, and from nothing else."""

import json
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from support.openai_server import OpenAIServer, Scripted
from support.repl import context_of
from support.runs import Run, cell

from rlm_cli import analysis
from rlm_cli.engine.coverage import Seen, coverage
from rlm_cli.loaders import LoadOptions
from rlm_cli.results import Coverage
from rlm_cli.trajectory import Recorder, read_beginning, run_folder
from rlm_cli.types import Limits, ModelSpec, Price, Profile

LICENCE = "# Licensed under the terms that stand in LICENSE\nimport argparse\n"
FILES = {
    "app/db.py": LICENCE + "def find_user(db, name):\n\treturn db.execute(QUERY % name)\n",
    "app/views.py": LICENCE + "def show(request):\n    return find_user(request.args['name'])\n",
    "app/late.py": LICENCE + "def later(request):\n    return request.args.get('later')\n",
}


def looked_at(files: dict[str, str], *texts: str) -> list[str]:
    seen = Seen()
    for text in texts:
        seen.add(text)
    found = coverage(context_of(files), seen)
    assert found.offered == len(files)
    assert found.looked_at == len(files) - len(found.unseen)
    assert list(found.unseen) == [path for path in files if path in found.unseen]
    return [path for path in files if path not in found.unseen]


def test_nothing_shown_is_nothing_looked_at() -> None:
    assert looked_at(FILES) == []
    assert looked_at(FILES, "Which of these files is unsafe? app/db.py, app/views.py") == []


def test_a_whole_text_in_a_prompt_is_looked_at() -> None:
    assert looked_at(FILES, f"Is this safe?\n{FILES['app/views.py']}\nAnswer yes or no.") == ["app/views.py"]


def test_one_line_of_its_own_is_enough_and_one_that_others_have_is_not() -> None:
    assert looked_at(FILES, "def later(request):") == ["app/late.py"]
    assert looked_at(FILES, LICENCE) == []
    assert looked_at(FILES, LICENCE, "def show(request):") == ["app/views.py"]


@pytest.mark.parametrize(
    "shown",
    [
        "app/db.py:4:     return db.execute(QUERY % name)",
        "./in/app/db.py:4: return db.execute(QUERY % name)",
        "C:\\code\\app\\db.py:4: return db.execute(QUERY % name)",
        "app/db.py:4 (cell 3): return db.execute(QUERY % name)",
        "   4|     return db.execute(QUERY % name)",
        "| 4     return db.execute(QUERY % name)",
        "4:\treturn db.execute(QUERY % name)",
        "4\treturn db.execute(QUERY % name)",
        "> return db.execute(QUERY % name)",
        "+    return db.execute(QUERY % name)\r",
        "- return db.execute(QUERY % name)",
        "===== app/db.py =====\n    return db.execute(QUERY % name)\n===== app/views.py =====\n",
        repr(FILES["app/db.py"]),
        repr(FILES["app/db.py"].splitlines()),
        repr(FILES["app/db.py"].splitlines(keepends=True)),
        repr([("app/db.py", 4, "    return db.execute(QUERY % name)")]),
        repr({"path": "app/db.py", "text": FILES["app/db.py"]}),
        json.dumps({"path": "app/db.py", "text": FILES["app/db.py"]}),
        "[app/db.py:1: # Licensed, app/db.py:4:     return db.execute(QUERY % name)]",
        "[app/db.py:4:     return db.execute(QUERY % name), app/views.py:2: import argparse]",
    ],
)
def test_a_line_is_known_however_it_is_shown(shown: str) -> None:
    assert looked_at(FILES, shown) == ["app/db.py"]


@pytest.mark.parametrize(
    "shown",
    [
        "app/db.py:4: ...Y % name)",
        "db.execute",
        "app/db.py has 4 lines, app/late.py has 4",
        "return db.execute(OTHER % name)",
        "I think app/db.py:4 returns db.execute(QUERY % name) without a check",
    ],
)
def test_what_is_not_a_line_of_the_text_is_none(shown: str) -> None:
    assert looked_at(FILES, shown) == []


def test_a_copy_counts_by_what_it_has() -> None:
    files = {**FILES, "old/db.py": FILES["app/db.py"]}
    assert looked_at(files, "def show(request):") == ["app/views.py"]
    assert looked_at(files, "return db.execute(QUERY % name)") == ["app/db.py", "old/db.py"]
    assert looked_at(files, LICENCE) == ["app/db.py", "old/db.py"]


def test_short_lines_count_only_where_there_are_no_others() -> None:
    files = {"a.py": "import os\nx = 1\n", "b.py": "import os\nprint('a line of its own')\n", "c.py": "y = 2\n"}
    assert looked_at(files, "import os\n") == ["a.py"]
    assert looked_at(files, "| 1 y = 2\n") == ["c.py"]


def test_without_text_there_is_nothing_to_miss() -> None:
    assert looked_at({"a/__init__.py": "", "b/__init__.py": "\n \n\t\n", "c.py": "print('hello')\n"}) == [
        "a/__init__.py",
        "b/__init__.py",
    ]
    assert coverage(context_of({}), Seen()) == Coverage(0, 0)


def test_one_document_is_looked_at_by_any_line() -> None:
    text = {"notes.txt": "the tenant pays 500 euros\n\nthe end\n"}
    assert looked_at(text, "the end") == []
    assert looked_at(text, "The whole text, its lines numbered:\n|    1 the tenant pays 500 euros\n") == ["notes.txt"]


PARAGRAPH = (
    "The tenant shall pay the rent on the first working day of each month, by transfer to the account named below; "
    "the landlord may terminate this contract without notice where two rents in a row have not been paid in full."
)
MINIFIED = "".join(f"function f{n}(a,b){{return a.render_of_template_number_{n}(b)}};" for n in range(3_000))


def test_of_a_long_line_a_piece_is_enough() -> None:
    files = {"lease.txt": PARAGRAPH + "\n", "app.min.js": MINIFIED, "c.txt": "terminate this contract\n"}
    assert looked_at(files, f"lease.txt:1: ...{PARAGRAPH[40:200]}...") == ["lease.txt"]
    assert looked_at(files, f"{PARAGRAPH[:100]}[... 107 characters of this line hidden ...]") == ["lease.txt"]
    assert looked_at(files, MINIFIED[50_000:60_000]) == ["app.min.js"]
    assert looked_at(files, f"lease.txt:1: ...{PARAGRAPH[130:150]}...") == []


def test_other_scripts_and_odd_characters_are_text_too() -> None:
    files = {
        "ru.txt": "Арендатор платит пятьсот евро\n",
        "ja.txt": "賃借人は毎月五百ユーロを支払う\n",
        "odd.txt": "\ufeffzero\u200bwidth and \x1b[31mred\x1b[0m\n",
    }
    assert looked_at(files, "ru.txt:1: Арендатор платит пятьсот евро") == ["ru.txt"]
    assert looked_at(files, "| 1 賃借人は毎月五百ユーロを支払う") == ["ja.txt"]
    assert looked_at(files, files["odd.txt"] + "\ud800") == ["odd.txt"]


def test_rows_of_numbers_are_lines() -> None:
    files = {"a.csv": "date,open,close\n2023,4,5,6,7,8,9\n", "b.csv": "date,open,close\n2024,4,5,6,7,8,9\n"}
    assert looked_at(files, "date,open,close") == []
    assert looked_at(files, "| 2 2024,4,5,6,7,8,9") == ["b.csv"]
    assert looked_at(files, "2: 2023,4,5,6,7,8,9") == ["a.csv"]
    assert looked_at(files, "| 2023,4,5,6,7,8,9") == ["a.csv"]


def test_documents_larger_than_what_is_read_at_once_are_read_whole() -> None:
    line = "a line that is number {} of a large document, ä\n"
    large = "".join(line.format(n) for n in range(300_000))
    files = {"small.txt": "the small one has this\n", "large.txt": large, "last.txt": "the last one has that\n"}
    assert len(large) > 3 << 22
    assert looked_at(files, line.format(0)) == ["large.txt"]
    assert looked_at(files, line.format(299_999), "the last one has that") == ["large.txt", "last.txt"]
    assert looked_at({"one.txt": "x" * (1 << 23) + ", the only line of this document has an end"}, "x" * 100) == []


def test_many_copies_are_settled_exactly() -> None:
    body = "".join(f"    step_number_{n}(state)\n" for n in range(4_000))
    files = {f"copies/{n}.py": body for n in range(300)} | {"own.py": body + "    and_one_of_its_own(state)\n"}
    assert len(body.splitlines()) * 300 > 1 << 20
    assert looked_at(files, "step_number_7(state)") == [path for path in files if path != "own.py"]


@pytest.mark.parametrize(
    "text",
    [
        *("a" * 1_000_000, "...\n" * 300_000, ":1:" * 300_000, "[(" * 500_000, "\\n" * 500_000, "| 1" * 300_000),
        *(
            "[" + "':'" * 300_000,
            "[" + "a:" * 500_000,
            "\n" * 1_000_000,
            "[" + ",a" * 500_000 + ":1",
            "['" + "]" * 500_000,
        ),
    ],
)
def test_no_text_is_too_odd(text: str) -> None:
    assert looked_at(FILES, text) == []


# --- in runs --------------------------------------------------------------------------------------------------------

LARGE = {"a.txt": "the head of all\n" * 4_000, **FILES, "z.txt": "the tail of all\n" * 999}
"""The first message shows of it the head, the middle and the tail."""


def test_a_run_says_what_its_models_were_shown(tmp_path: Path) -> None:
    code = "print(files['app/late.py'][:120])\nllm_query('safe? ' + files['app/views.py'])"
    ran = Run(tmp_path, [cell(code), cell("FINAL('done')")], files=LARGE, findings=True)
    assert ran.result.coverage == Coverage(5, 4, ("app/db.py",))


def test_what_was_printed_and_not_shown_or_asked_and_not_answered_was_not_looked_at(tmp_path: Path) -> None:
    code = "try:\n    llm_query('safe? ' + files['app/views.py'])\nexcept SubCallError:\n    pass\n"
    code += "print('-- -\\n' * 9_000 + files['app/late.py'] + '-- -\\n' * 9_000)"
    replies: list[str | Scripted] = [cell(code), cell("print(files['app/db.py'])\nFINAL('done')")]
    ran = Run(tmp_path, replies, sub=lambda prompt: Scripted(status=400, error={"m": "no"}), files=LARGE, findings=True)
    assert ran.result.coverage == Coverage(5, 2, ("app/db.py", "app/late.py", "app/views.py"))


def test_nothing_is_measured_where_no_findings_are_asked_for(tmp_path: Path) -> None:
    assert Run(tmp_path, ["FINAL(done)"], files=FILES).result.coverage is None


def test_a_text_shown_whole_is_looked_at(tmp_path: Path) -> None:
    ran = Run(tmp_path, ["FINAL(done)"], files={"a.py": "x = 1\n", "b/c.py": "y = 2\n"}, findings=True)
    assert ran.result.coverage == Coverage(2, 2)


def test_a_resumed_run_comes_to_the_same(tmp_path: Path) -> None:
    """Wherever the record ends: what is repeated from it counts as it did then."""
    folder = tmp_path / "in"
    for path, text in LARGE.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)
    code = "print(files['app/late.py'][:120])\nprint(llm_query('safe? ' + files['app/views.py']))"
    root = [cell(code), cell("print(llm_query('safe? ' + files['app/views.py']))"), cell("FINAL('done')")]

    def reply(body: dict[str, Any]) -> str:
        given = sum(message["role"] == "assistant" for message in body["messages"])
        return "yes" if body["model"] == "sub" else root[given]

    with OpenAIServer(reply) as server:
        models = [
            ModelSpec(f"openai/{name}", api_base=server.url, context_window=100_000, price=Price(1, 1))
            for name in ("root", "sub")
        ]
        profile = Profile("test", "", models[0], models[1], Limits(), strategy="rlm")
        prepared = analysis.prepare([str(folder)], "what?", profile, findings=True)
        recorder = analysis.record(prepared.task, [str(folder)], LoadOptions())
        with closing(recorder), closing(prepared.task.context):
            whole = analysis.run(prepared.task, recorder.record, "off", recorder).coverage
        assert whole == Coverage(5, 4, ("app/db.py",))
        run_id = prepared.task.run_id
        record = (run_folder(run_id) / "calls.jsonl").read_bytes()
        lines = record.splitlines(keepends=True)
        for kept in range(0, len(lines), 3):
            (run_folder(run_id) / "calls.jsonl").write_bytes(b"".join(lines[:kept]))
            (run_folder(run_id) / "events.jsonl").unlink()
            recorder, past = Recorder.resume(run_id)
            with closing(recorder):
                again = analysis.prepare_again(read_beginning(run_id), Limits())
                with closing(again.task.context):
                    assert analysis.run(again.task, recorder.record, "off", recorder, past).coverage == whole
