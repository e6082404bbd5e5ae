"""What models write out of habit costs no iteration where it can be let through, and one clear message where not."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.repl import Session, session_over
from support.runs import Run, cell


@pytest.fixture(scope="module")
def session() -> Iterator[Session]:
    with session_over() as opened:
        yield opened


AWAITED = "[`await` was left out: no call here needs it]\n"


@pytest.mark.parametrize(
    ("code", "printed"),
    [
        ("r = await llm_query_batched(['a', 'b'])\nprint(r)", f"{AWAITED}['got a', 'got b']"),
        ("print([await llm_query(each) for each in 'ab'])", f"{AWAITED}['got a', 'got b']"),
        (
            "from rlm import llm_query, FINAL\nprint(llm_query('a'))",
            "[`from rlm import` was left out: the session's names are there without it]\ngot a",
        ),
        ("import os\nimport re, sys, warnings\nwarnings.filterwarnings('ignore')\nprint(len('abc'))", "3"),
        ("import os\nprint(os.path.basename('src/b.py'))", "b.py"),
        ("import os.path\nfrom os.path import join\nprint(os.path.splitext(join('a', 'b.py')))", "('a/b', '.py')"),
        ("import sys\nsys.setrecursionlimit(10_000)\nprint(sys.version_info[0], sys.maxsize > 0)", "3 True"),
        ("  x = 1\n  print(x)", "1"),
        ("from typing import List\ndef f(x: List[int]) -> int:\n    y: int = 3\n    return y\nprint(f([1]))", "3"),
        ("def main():\n    print('ran')\nif __name__ == \"__main__\":\n    main()", "ran"),
        ("import time\ntime.sleep(0.001)\nprint('slept')", "slept"),
        ("for path, text in files.items():\n    print(path)", "notes.txt\nsrc/b.py"),
    ],
)
def test_a_harmless_habit_costs_nothing(session: Session, code: str, printed: str) -> None:
    assert session.value(code) == printed


@pytest.mark.parametrize(
    ("code", "answer"),
    [
        ("print(FINAL('x'))", "x"),
        ("FINAL(answer='x')", "x"),
        ("value = 'three months'\nFINAL_VAR(value)", "three months"),
        ("value = 'Paris'\nFINAL_VAR(value)", "Paris"),
        ("value = [1, 2]\nFINAL_VAR(value)", "[1, 2]"),
        ("value = 'Paris'\nFINAL_VAR('value')", "Paris"),
        ("FINAL('x', evidence={'notes.txt': 'beta 7'})", "x"),
        ("FINAL('x', evidence=[{'path': 'notes.txt', 'quote': 'beta 7'}])", "x"),
        ("FINAL('x', evidence=('notes.txt', 'beta 7'))", "x"),
    ],
)
def test_an_answer_counts_however_it_is_given(session: Session, code: str, answer: str) -> None:
    finished = session.run(code)
    assert finished.error is None
    assert finished.final is not None
    assert finished.final.answer == answer


def test_the_wrong_name_of_a_variable_is_still_no_answer(session: Session) -> None:
    assert "there is no variable named 'reslt'" in session.error("result = 'a b'\nFINAL_VAR('reslt')")


@pytest.mark.parametrize(
    ("code", "says"),
    [
        ("import os\nos.listdir('.')", "module 'os' has no 'listdir' here; there are no files and no network here"),
        ("import os\nos.environ['KEY']", "nothing of the user's environment is in reach"),
        ("import sys\nfor line in sys.stdin: pass", "module 'sys' has no 'stdin' here"),
        ("import sys\nsys.exit()", "a block ends at its last line"),
        ("text = open('context.txt').read()", "the text is in `context`, single documents in `files`"),
        ("async def main(): pass", "write def; llm_query_batched runs prompts in parallel"),
        ("import asyncio\nasyncio.run(llm_query('a'))", "llm_query_batched runs prompts in parallel"),
        ("exec('x = 1')", "write the code itself into the block"),
        ("input('?')", "nobody is there to type"),
        ("import rlm", "only standard modules"),
        ("!pip install x", "there is no shell here, only Python"),
        ("%time x = 1", "there is no shell here, only Python"),
        ("documents['notes.txt']['text']", "its fields are attributes, as in documents[0].path, .text"),
        ("documents.items()", "files maps paths to texts: files.items()"),
        ("grep('beta')[0]['line']", "a hit's fields are attributes: .path .line .offset .text"),
        ("llm_query('a').text", "a reply is a str itself"),
        ("'; '.join(llm_query_batched(['a', 'fail']))", "[r for r in replies if r.ok]"),
        ("smart_chunk(context, size=10)", "smart_chunk(text, target_size=100000)"),
        ("cite('notes.txt', 2, 'beta 7')", "Hint: cite(path_or_offset, quote)"),
        ("grep('beta', max_results=5)", "Hint: grep(pattern, width=200, limit=20, ignore_case=False"),
        ("FINAL('x', evidence=['notes.txt:2'])", "write [('a.py:12', 'words that stand there'), ...]"),
        ("llm_query('q', 'text ' * 100)", "a text to ask about belongs into the prompt"),
        ("display(1)", "use print"),
        ("answer['ready'] = True", "FINAL(answer) gives the answer"),
    ],
)
def test_what_cannot_be_let_through_says_what_to_write_instead(session: Session, code: str, says: str) -> None:
    assert says in session.error(code)


@pytest.mark.skipif(sys.version_info >= (3, 12), reason="it is no error any more")
@pytest.mark.parametrize(
    ("code", "says"),
    [
        ("print(f\"{'\\n'.join(['a'])}\")", "put what has the backslash into a variable first"),
        ("d = {'a': 1}\nprint(f'{d['a']}')", "inside an f-string use the other kind of quotes"),
    ],
)
def test_what_f_strings_cannot_hold_yet_is_explained(session: Session, code: str, says: str) -> None:
    assert says in session.error(code)


def test_functions_of_ones_own_are_explained_by_python_alone(session: Session) -> None:
    assert "Hint" not in session.error("def own(a): pass\nown(1, 2)")


def test_a_print_of_fifty_megabytes_is_cut_and_the_run_goes_on(tmp_path: Path) -> None:
    run = Run(tmp_path, [cell("print('x' * 50_000_000)"), cell("print(len(out[1]) > 900_000)\nFINAL('done')")])
    assert "characters of this line hidden; whole text in out[1]" in run.told(1)
    assert "49,000,001 of 50,000,001 characters are gone here" in run.told(1)
    assert len(run.told(1)) < 9_000
    assert run.result.answer == "done"


def test_replies_without_code_are_told_so_each_time_and_counted(tmp_path: Path) -> None:
    run = Run(tmp_path, ["Let me think.", "Let me think more.", cell("FINAL('x')")])
    assert run.told(1).startswith("No code ran: the reply has no code fence.")
    assert run.told(2).startswith("No code ran: the reply has no code fence.")
    assert (run.result.answer, run.result.iterations) == ("x", 3)


def test_code_in_another_fence_is_not_run_and_the_fence_is_named(tmp_path: Path) -> None:
    run = Run(tmp_path, ["```js\nFINAL('x')\n```", "```\nFINAL('y')\n```", cell("FINAL('z')")])
    assert "found ```js. Only fences tagged repl or python are run." in run.told(1)
    assert "found ```. Only fences tagged repl or python are run." in run.told(2)
    assert run.result.answer == "z"


def test_a_model_that_never_finishes_is_told_that_the_end_is_near_and_asked_once_more(tmp_path: Path) -> None:
    run = Run(tmp_path, [*[cell("print('more')")] * 5, "Nothing is certain."], max_iterations=5)
    assert "answer now with what you have" not in run.told(2)
    assert "answer now with what you have" in run.told(3)
    assert "This is the last word" in run.told(5)
    assert (run.result.status, run.result.stop_reason) == ("partial", "max_iterations")
    assert run.result.answer == "Nothing is certain."
