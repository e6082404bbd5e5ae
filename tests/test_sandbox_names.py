"""The names that the root model is told of do what it is told."""

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.repl import Session, session_over

from rlm_cli.sandbox.search import smart_chunk
from rlm_cli.seams import Asked, Final, SubAnswer, SubAnswers


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
    assert "near: notes.txt" in shared.error("files['note.txt']")


def test_tables_cannot_be_written_to(shared: Session) -> None:
    for source in (
        "files['a'] = 1",
        "documents[0] = 1",
        "out[1] = 'x'",
        "documents[0].path = 'x'",
        "del files['src/b.py']",
    ):
        assert "TypeError" in shared.error(source)


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


def test_grep_says_what_is_wrong_with_a_pattern(shared: Session) -> None:
    error = shared.error("grep('f(')")
    assert "not a regular expression" in error
    assert "re.escape" in error
    assert "KeyError" in shared.error("grep('a', path='nowhere.txt')")


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


# --- sub-calls ----------------------------------------------------------------------------------------------------


def test_a_reply_is_a_str(shared: Session) -> None:
    assert shared.value(
        "r = llm_query('hello', model='other/model')\nprint(r.upper(), r.ok, r.truncated, isinstance(r, str), r + '!')"
    ) == ("GOT HELLO True False True got hello!")
    assert shared.asked[-1] == Asked(("hello",), "other/model", False)


def test_a_failed_call_raises(shared: Session) -> None:
    assert (
        shared.value("try:\n    llm_query('fail')\nexcept SubCallError as e:\n    print('refused:', e)")
        == "refused: the model is down"
    )


def test_a_batch_keeps_order_and_sends_everything(shared: Session) -> None:
    assert shared.value("print(llm_query_batched(['B', 'A', 'B']))") == "['got B', 'got A', 'got B']"
    assert shared.asked[-1] == Asked(("B", "A", "B"), None, True)
    assert shared.value("print(parallel_llm_query is llm_query_batched, llm_query_batched([]))") == "True []"


def test_a_failed_slot_can_be_seen_and_not_be_used(shared: Session) -> None:
    shared.value("r = llm_query_batched(['a', 'fail', 'c'])")
    assert shared.value("print([x.ok for x in r], r[1].error, repr(r[1]), r, r[1] is None)") == (
        "[True, False, True] the model is down <FAILED: the model is down> "
        "['got a', <FAILED: the model is down>, 'got c'] False"
    )


@pytest.mark.parametrize(
    "use",
    [
        "str(f)", "f + 'x'", "'x' + f", "f'{f}'", "print(f)", "'{}'.format(f)", "'%s' % f", "len(f)", "'a' in f",
        "f == 'x'",
        "f != 'x'", "f < 'x'", "bool(f)", "not f", "f.upper()", "f.split()", "f[0]", "[c for c in f]",
        "' '.join(map(str, [f]))",
        "{f: 1}", "int(f)", "float(f)", "f in ['x']", "sorted([f, 'a'])", "FINAL(f)", "FINAL([f])", "llm_query(f)",
        "llm_query_batched(['x', f])", "f * 2", "next(iter(f))", "bytes(f)",
    ],
)  # fmt: skip
def test_any_use_of_a_failed_slot_as_text_raises(shared: Session, use: str) -> None:
    shared.value("f = llm_query_batched(['fail'])[0]")
    error = shared.error(use)
    assert error.startswith("SubCallError")
    assert "the model is down" in error


def test_a_refused_batch_raises_before_anything_is_answered() -> None:
    refuse = lambda asked: SubAnswers(refused="3 sub-calls asked for, 1 of 2 left")  # noqa: E731
    with session_over(answer=refuse) as session:
        assert "SubCallError: 3 sub-calls asked for, 1 of 2 left" in session.error("llm_query_batched(['a', 'b', 'c'])")
        assert "1 of 2 left" in session.error("llm_query('a')")


def test_the_summary_of_a_batch_is_printed_and_truncation_is_flagged() -> None:
    def answer(asked: Asked) -> SubAnswers:
        return SubAnswers((SubAnswer(text="cut", truncated=True),) * len(asked.prompts), summary="2 calls, $0.01")

    with session_over(answer=answer) as session:
        assert session.value("r = llm_query_batched(['a', 'b'])\nprint(r[0].truncated)") == "2 calls, $0.01\nTrue"


@pytest.mark.parametrize(
    ("call", "says"),
    [
        ("llm_query(5)", "TypeError: the prompt must be a str, not 'int'"),
        ("llm_query('')", "ValueError: the prompt is empty"),
        ("llm_query_batched('abc')", "TypeError: llm_query_batched takes a list of prompts"),
        ("llm_query_batched(['a', None])", "TypeError: prompt 1 must be a str"),
        ("llm_query('\\ud800')", "ValueError: the prompt holds half a surrogate pair"),
        ("llm_query('a' * 20_000_000)", "the most that can be sent is"),
        ("llm_query_batched(['a'] * 10_001)", "at most 10,000 prompts"),
    ],
)
def test_a_prompt_that_is_none_is_a_clear_error(shared: Session, call: str, says: str) -> None:
    before = len(shared.asked)
    assert says in shared.error(call)
    assert len(shared.asked) == before


def test_large_batches_travel_whole(shared: Session) -> None:
    source = "r = llm_query_batched([str(i) + 'é' * 200_000 for i in range(100)])\n"
    source += "print(len(r), sum(map(len, r)), r[99][:7])\ndel r"
    assert shared.value(source) == f"100 {100 * 200_000 + 100 * 4 + 190} got 99é"


# --- evidence and the answer --------------------------------------------------------------------------------------


def test_a_quote_is_cited_by_path_or_offset(shared: Session) -> None:
    assert shared.value("print(cite('notes.txt', 'beta 7'))") == "cited: notes.txt:2\nnotes.txt:2"
    assert shared.value("p = cite(context.index('return'), 'return 7')") == "cited: src/b.py:2"


def test_a_quote_that_is_not_there_is_refused(shared: Session) -> None:
    assert "ValueError: the quote is not there" in shared.error("cite('notes.txt', 'delta')")
    assert "TypeError" in shared.error("cite(None, 'delta')")


def test_the_budget_is_told(shared: Session) -> None:
    assert shared.value("x = budget()\nprint(len(x))") == "sub-calls 0/100\n15"


@pytest.mark.parametrize(
    ("code", "answer"),
    [
        ("FINAL('it is')", "it is"),
        ("FINAL(6 * 7)", "42"),
        ("FINAL(['é', 1, None])", '["é", 1, null]'),
        ("FINAL({'a': (1, 2)})", '{"a": [1, 2]}'),
        ("FINAL([])", "[]"),
        ("FINAL(0)", "0"),
        ("FINAL({1, })", "{1}"),
        ("FINAL(llm_query('x'))", "got x"),
        ("v = [1]\nFINAL_VAR('v')", "[1]"),
        ("n = 2\nFINAL_VAR(n)", "2"),
        ("FINAL(answer='named', doubt='a little')", "named"),
        ("FINAL('first')\nFINAL('second')", "second"),
        ("FINAL('a\\ud800b')", "a\\ud800b"),
    ],
)
def test_a_value_becomes_the_answers_text(shared: Session, code: str, answer: str) -> None:
    finished = shared.run(code)
    assert finished.error is None
    assert finished.final is not None
    assert finished.final.answer == answer


@pytest.mark.parametrize("empty", ["None", "''", "'  \\n'"])
def test_an_empty_answer_is_refused(shared: Session, empty: str) -> None:
    assert "the answer is empty" in shared.error(f"FINAL({empty})")


def test_an_answer_counts_only_when_the_whole_cell_ended_well(shared: Session) -> None:
    assert shared.run("FINAL('early')\n1 / 0").final is None
    assert shared.run("FINAL('early')", "1 / 0").final is None
    assert shared.run("pass").final is None
    assert shared.run("FINAL('x', doubt='unsure')", "y = 1").final == Final("x", "unsure")


@pytest.mark.parametrize(
    "evidence",
    [
        "[('notes.txt', 'beta 7')]",
        "('notes.txt', 'beta 7')",
        "[{'path': 'notes.txt', 'quote': 'beta 7'}]",
        "{'offset': 3, 'quote': 'beta 7'}",
        "None",
        "[]",
    ],
)
def test_evidence_comes_in_several_shapes(shared: Session, evidence: str) -> None:
    assert shared.run(f"FINAL('x', evidence={evidence})").final == Final("x")


@pytest.mark.parametrize(
    "evidence", ["[('notes.txt', 'delta')]", "['notes.txt']", "'notes.txt'", "[('nowhere', 'beta')]", "5"]
)
def test_evidence_that_does_not_hold_fails_the_cell(shared: Session, evidence: str) -> None:
    finished = shared.run(f"FINAL('x', evidence={evidence})")
    assert finished.error is not None
    assert finished.final is None


def test_final_var_names_the_nearest_variable(shared: Session) -> None:
    error = shared.error("summary = 'x'\nFINAL_VAR('sumary')")
    assert "no variable named 'sumary'" in error
    assert "near: summary" in error


# --- tampering ----------------------------------------------------------------------------------------------------


def test_names_that_were_overwritten_are_restored_and_reported(session: Session) -> None:
    finished = session.run("context = 'mine'\ndef llm_query(p): return 'fake'\ndel grep\nprint(context, llm_query(''))")
    assert finished.output == "mine fake\n"
    assert set(finished.tampered) == {"context", "llm_query", "grep"}
    assert finished.variables == ()
    assert session.value("print(len(context) > 10, llm_query('x'), grep('zz'))").startswith("no hits")
    assert session.run("pass").tampered == ()


def test_global_statements_do_not_outlive_the_cell_either(session: Session) -> None:
    assert session.run("def f():\n    global FINAL\n    FINAL = print\nf()").tampered == ("FINAL",)
    assert session.run("FINAL('real')").final == Final("real")


# --- repeating ----------------------------------------------------------------------------------------------------


def test_two_sessions_of_the_same_start_run_alike() -> None:
    source = """
import random, time, datetime
print(random.random(), random.Random().random(), random.choice('abc'))
print(time.time(), datetime.datetime.now(), time.localtime())
random.seed(); print(random.random(), {'a', 'b', 'c', 'd'}, hash('a'), list(set('hello world')))
"""
    outputs = []
    for _ in range(2):
        with session_over() as session:
            outputs.append(session.value(source))
    assert outputs[0] == outputs[1]
