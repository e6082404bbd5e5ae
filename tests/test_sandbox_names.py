"""The names that the root model is told of do what it is told."""

import inspect
import re
import signal
import socket
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.repl import Session, session_over

from rlm_cli.chunks import smart_chunk
from rlm_cli.engine import prompts
from rlm_cli.sandbox.answering import Answer
from rlm_cli.sandbox.asking import Parent
from rlm_cli.sandbox.interrupts import Interrupts
from rlm_cli.sandbox.names import Names
from rlm_cli.sandbox.protocol import Channel

DESCRIBED = {
    "grep", "peek", "smart_chunk", "llm_query", "llm_query_batched", "cite", "report_finding", "budget", "SHOW_VARS",
    "FINAL", "FINAL_VAR", "bm25", "llm_map", "rlm_query", "rlm_query_batched", "numbered",
}  # fmt: skip
"""Calls in the system prompt, and in what is said of findings, that are followed by what they do."""


@pytest.fixture
def session() -> Iterator[Session]:
    with session_over() as opened:
        yield opened


@pytest.fixture(scope="module")
def shared() -> Iterator[Session]:
    """For tests that leave nothing behind."""
    with session_over() as opened:
        yield opened


# --- the text -----------------------------------------------------------------------------------------------------


def test_the_context_is_one_str_with_a_header_for_each_document(shared: Session) -> None:
    assert shared.value("print(context)") == (
        "===== notes.txt =====\nalpha\nbeta 7\ngamma 7\n\n===== src/b.py =====\ndef f():\n    return 7\n".replace(
            "\n\n=", "\n="
        )
    )


def test_documents_are_indexed_by_number_slice_and_path(shared: Session) -> None:
    source = """
d = documents[1]
print(len(documents), d.path, d.lines, d.kind, context[d.start:d.end] == d.text, documents["notes.txt"].text[:5])
print([x.path for x in documents], documents[-1].path, [x.path for x in documents[:1]])
print(d)
del d
"""
    assert shared.value(source) == (
        "2 src/b.py 2 py True alpha\n['notes.txt', 'src/b.py'] src/b.py ['notes.txt']\n"
        "<src/b.py: py, 64:86, 22 characters, 2 lines, ~26 tokens>"
    )


def test_a_long_table_of_documents_prints_its_head() -> None:
    with session_over({f"f{n}.txt": "x\n" for n in range(500)}) as session:
        shown = session.value("print(documents)").splitlines()
    assert len(shown) == 22
    assert shown[0].startswith("500 documents")
    assert shown[-1] == "[... 480 more: documents[20:] ...]"


def test_files_map_paths_to_texts_and_a_wrong_path_names_the_nearest(shared: Session) -> None:
    assert shared.value("print(files['src/b.py'][:3], list(files), len(files), 'x' in files)") == (
        "def ['notes.txt', 'src/b.py'] 2 False"
    )
    assert "did you mean notes.txt?" in shared.error("files['note.txt']")


def test_tables_cannot_be_written_to(shared: Session) -> None:
    for source in (
        "files['a'] = 1",
        "documents[0] = 1",
        "out[1] = 'x'",
        "documents[0].path = 'x'",
        "del files['src/b.py']",
    ):
        assert re.match("TypeError|AttributeError", shared.error(source))


def test_an_empty_context_is_an_empty_str() -> None:
    with session_over({"empty.txt": ""}) as session:
        assert session.value("print(repr(context), len(documents))") == "'' 1"


@pytest.mark.parametrize("text", ["a\n", "é\n", "日本\n", "🙂\n"])
def test_every_script_arrives_whole(text: str) -> None:
    with session_over({"a.txt": text * 1000}) as session:
        assert session.value(f"print(context == {text!r} * 1000)") == "True"


# --- grep ---------------------------------------------------------------------------------------------------------


def test_grep_prints_places_text_and_totals(shared: Session) -> None:
    assert shared.value(
        "hits = grep('7')\nprint(hits[1].path, hits[1].line, context[hits[1].offset], hits.total)\ndel hits"
    ) == (
        "notes.txt:2: beta 7\nnotes.txt:3: gamma 7\nsrc/b.py:2:     return 7\n"
        "3 of 3 hits shown in 2 documents\nnotes.txt 3 7 3"
    )


def test_grep_says_how_many_hits_are_hidden() -> None:
    with session_over({"a.txt": "x 1\n" * 413}) as session:
        assert (
            session.value("h = grep('x', limit=2)") == "a.txt:1: x 1\na.txt:2: x 1\n2 of 413 hits shown in 1 document"
        )
        assert session.value("h = grep('1', limit=None)\nprint(len(h))").endswith(
            "413 of 413 hits shown in 1 document\n413"
        )


def test_grep_anchors_match_at_lines_and_not_in_headers(shared: Session) -> None:
    assert shared.value("h = grep('^=====|^def')") == "src/b.py:1: def f():\n1 of 1 hits shown in 1 document"


def test_grep_shows_the_text_around_the_match_of_a_long_line_with_controls_spelled_out() -> None:
    with session_over({"a.txt": "a" * 5000 + "\x1b[31mneedle" + "b" * 5000}) as session:
        assert session.value("h = grep('needle', width=20)") == (
            "a.txt:1: ...aa\\x1b[31mneedle" + "b" * 7 + "...\n1 of 1 hits shown in 1 document"
        )


def test_grep_takes_paths_patterns_and_compiled_expressions(shared: Session) -> None:
    assert shared.value("h = grep('7', path='src/*.py')").startswith("src/b.py:2:")
    assert shared.value("h = grep('BETA', ignore_case=True)").startswith("notes.txt:2:")
    assert shared.value("import re\nh = grep(re.compile('BETA', re.I), path='notes.txt')").startswith("notes.txt:2:")
    assert shared.value("h = grep('zzz')") == "no hits for 'zzz'"
    assert shared.value("h = grep('BETA|GAMMA')") == "no hits for 'BETA|GAMMA'; 2 with ignore_case=True"


def test_what_is_no_regular_expression_is_searched_for_as_it_is(shared: Session) -> None:
    assert shared.value("h = grep('f(')") == (
        "'f(' is not a regular expression (missing ), unterminated subpattern at position 1): searched for as literal "
        "text\nsrc/b.py:1: def f():\n1 of 1 hits shown in 1 document"
    )


@pytest.mark.parametrize(
    ("path", "hits"),
    [
        ("'src/b.py'", 1), ("'b.py'", 1), ("'src'", 1), ("'src/'", 1), ("'src/**/*.py'", 1), ("'**/*.txt'", 2),
        ("['src/b.py', '*.txt', 'src']", 3), ("documents[0]", 2), ("documents", 3),
    ],
)  # fmt: skip
def test_documents_are_named_by_path_folder_name_or_pattern(shared: Session, path: str, hits: int) -> None:
    assert shared.value(f"print(grep('7', path={path}).total)").endswith(f"\n{hits}")


def test_a_path_that_names_nothing_and_a_wrong_width_are_clear_errors(shared: Session) -> None:
    assert "KeyError: \"no document 'nowhere.txt'" in shared.error("grep('a', path='nowhere.txt')")
    assert "TypeError: grep searches the whole context" in shared.error("grep('a', files['src/b.py'])")


def test_a_search_without_hits_says_what_would_have_been_found() -> None:
    with session_over({"a.pdf": "The total\nliability-cap is\n", "b.txt": "x\n"}) as session:
        assert session.value("h = grep('total liability cap')") == (
            r"no hits for 'total liability cap'; 1 for 'total[\\W_]{1,5}liability[\\W_]{1,5}cap' with ignore_case=True"
        )
        assert session.value("h = grep('liability', path='b.txt')") == "no hits for 'liability' in 1 of 2 documents"


def test_a_hit_or_a_document_is_a_place_to_cite(shared: Session) -> None:
    assert shared.value("p = cite(grep('return')[0], 'return 7')").endswith("cited: src/b.py:2")
    assert shared.value("p = cite(documents[0], 'beta 7')") == "cited: notes.txt:2"


@pytest.mark.parametrize(
    ("call", "said"),
    [
        ("grep('a', files='*.py')", "TypeError: grep() got an unexpected keyword argument 'files'"),
        ("peek(1, lines=3)", "TypeError: peek() got an unexpected keyword argument 'lines'"),
        ("cite('notes.txt')", "TypeError: cite() missing 1 required positional argument: 'quote'"),
        ("llm_query('a', temperature=1)", "TypeError: llm_query() got an unexpected"),
        ("parallel_llm_query('a', 'b', 'c')", "TypeError: llm_query_batched() takes"),
        ("FINAL('a', proof=1)", "TypeError: FINAL() got an unexpected"),
        ("SHOW_VARS(1)", "TypeError: SHOW_VARS() takes 0 positional"),
        ("print(1, color=2)", "TypeError: print() got an unexpected"),
        ("setattr(1)", "TypeError: setattr() missing 2 required"),
    ],
)
def test_a_wrong_call_is_named_as_the_code_names_it(shared: Session, call: str, said: str) -> None:
    assert shared.error(call).startswith(said)


def test_the_prompt_describes_every_call_as_it_is() -> None:
    namespace: dict[str, Any] = {}
    ours, theirs = socket.socketpair()
    before = signal.getsignal(signal.SIGINT)
    with ours, theirs:
        Names(namespace, Parent(Channel(ours), Interrupts()), "", [], print, {})
    signal.signal(signal.SIGINT, before)
    written = re.findall(
        r'\b(\w+)\(((?:\w+|"name")(?:, \w+=[^,()]+|, \w+)*|)\):', f"{prompts.SYSTEM}\n{prompts.REPORT_FINDING}"
    )
    assert {name for name, _ in written} == DESCRIBED
    for name, arguments in written:
        described = eval(f"lambda {arguments.replace(chr(34), '')}: 0")
        known = list(inspect.signature(described).parameters.values())
        real = list(inspect.signature(namespace[name]).parameters.values())
        assert [each.name for each in real[: len(known)]] == [each.name for each in known]
        # What has to be given, in words, may have a default in code: one that says what is missing.
        assert all(mine.default in (each.default, each.empty) for mine, each in zip(known, real, strict=False))
        assert all(each.default is not each.empty for each in real[len(known) :])


# --- peek, smart_chunk, SHOW_VARS, out ----------------------------------------------------------------------------


def test_peek_is_bounded_whatever_it_is_given(shared: Session) -> None:
    for value in ("'ab' * 10**6", "list(range(10**6))", "{i: i for i in range(10**5)}", "b'x' * 10**6", "10**4000"):
        assert len(shared.value(f"peek({value})")) < 2000
    assert (
        shared.value("peek('a' * 10 + 'b' * 10, size=8)")
        == "str, 20 characters, 1 lines\naaaa\n[... 12 characters ...]\nbbbb"
    )


@given(st.text(alphabet="ab .\n#é🙂", max_size=400), st.integers(1, 50))
def test_chunks_join_to_the_text_and_keep_to_their_size(text: str, size: int) -> None:
    chunks = smart_chunk(text, size)
    assert "".join(chunks) == text
    assert all(0 < len(chunk) <= size for chunk in chunks)


def test_chunks_end_before_headings_then_after_blank_lines_then_after_sentences() -> None:
    assert smart_chunk("# A\ntext text.\n# B\nmore text\n", 22)[0] == "# A\ntext text.\n"
    assert smart_chunk("one two three\n\nfour five six", 20)[0] == "one two three\n\n"
    assert smart_chunk("One two three. Four five six", 20)[0] == "One two three. "


def test_show_vars_names_what_the_code_stored(session: Session) -> None:
    assert session.value("import re\nx = [1, 2]\ns = 'abc'\nn = 5\nSHOW_VARS()") == (
        "x: list, 2 items\ns: str, 3 characters\nn: int, 5"
    )


def test_outputs_of_earlier_iterations_are_kept(session: Session) -> None:
    session.value("print('first')")
    assert session.value("print(out[1] == 'first\\n', len(out))") == "True 1"
    assert "there is 1 to 2" in session.error("out[7]")


def test_variables_are_reported_imports_and_own_names_aside(session: Session) -> None:
    finished = session.run("import re\nfrom json import dumps\nx = 1\ndef f(): pass")
    assert finished.variables == ("dumps", "x", "f")


# --- numbered -----------------------------------------------------------------------------------------------------


def test_numbered_gives_lines_with_their_numbers(shared: Session) -> None:
    assert shared.value("print(numbered('notes.txt'))") == "notes.txt\n    1 alpha\n    2 beta 7\n    3 gamma 7"
    assert shared.value("print(numbered('notes.txt', 2, 2))") == "notes.txt\n    2 beta 7"
    assert shared.value("print(numbered(documents[1], -5, 1))") == "src/b.py\n    1 def f():"
    assert shared.value("print(numbered('notes.txt', 10**9))") == "notes.txt\n  (it has 3 lines)"


def test_numbered_names_what_is_wrong(shared: Session) -> None:
    assert "no document 'none.py'" in shared.error("numbered('none.py')")
    assert "takes numbers of lines; last is 'str'" in shared.error("numbered(documents[0], 1, 'x')")


def test_a_pattern_of_paths_may_fit_nothing(shared: Session) -> None:
    said = shared.run("hits = grep('x', path='*/nowhere/*.py')").output
    assert "no hits for 'x' in 0 of" in said
    assert shared.value("print(len(bm25('alpha', path='*.none')))").splitlines()[-1] == "0"


def test_a_cell_can_answer_though_the_one_before_was_stopped_while_memory_was_tidied_up() -> None:
    answer = Answer("old", "doubt", open=False)
    answer.clear()
    assert (answer.text, answer.doubt, answer.open) == (None, None, True)
