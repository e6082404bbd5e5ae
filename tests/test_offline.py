"""The offline models: a question in, verified lines out, on any kind of input; never a failure, never a claim.

The cells run here by plain exec over stand-ins for the REPL's names, so that each kind of input takes milliseconds;
that they run in the real sandbox is a test of the whole.
"""

import ast
import contextlib
import io
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rlm_cli.llm import offline_cells, offline_sub
from rlm_cli.llm.offline_client import OfflineClient
from rlm_cli.llm.offline_root import asks_for_findings, question_of
from rlm_cli.llm.risks import RISKS, about_security, risk_of
from rlm_cli.llm.search_words import search_words
from rlm_cli.types import Message, ModelSpec, Request, Usage

LAST_WORD = "\n\nThis is the last word: time is up. Answer now with what you have."


class SubCallError(Exception):
    pass


class Reply(str):
    ok = True


@dataclass
class Run:
    """A run of the offline root over some files."""

    question: str
    files: Mapping[str, str]
    subcalls: int = 100
    """How many may be made."""
    failing: frozenset[int] = frozenset()
    """Iterations whose cell fails."""
    last: int | None = None
    """The iteration before which a limit ends the run."""
    more: str = ""
    """What the first message ends with."""
    refusing: str = ""
    """The path in which no finding is accepted."""
    answer: str = ""
    doubt: str = ""
    evidence: list[tuple[int, str]] = field(default_factory=list)
    replies: list[str] = field(default_factory=list)
    outputs: list[str] = field(default_factory=list)
    asked: int = 0
    findings: list[dict[str, Any]] = field(default_factory=list)

    def __post_init__(self) -> None:
        text, documents = "", []
        for path, content in self.files.items():
            if len(self.files) > 1:
                text += ("" if text.endswith("\n") or not text else "\n") + f"===== {path} =====\n"
            start, text = len(text), text + content
            documents.append(SimpleNamespace(path=path, start=start, end=len(text), lines=content.count("\n") + 1))
        self.context = text
        self.names: dict[str, Any] = {
            "context": text,
            "documents": documents,
            "llm_query": lambda prompt: self.ask([prompt])[0],
            "llm_query_batched": self.ask,
            "cite": self.cite,
            "report_finding": self.report_finding,
            "FINAL": self.final,
            "SubCallError": SubCallError,
        }
        self.go()

    def go(self) -> None:
        first = f"# Question\n\n{self.question}\n\n# Context\n\nabout it\n\n# Session\n\nlimits{self.more}"
        messages = [Message("system", "the system prompt"), Message("user", first)]
        for iteration in range(1, 7):
            if iteration == self.last:
                messages[-1] = Message("user", messages[-1].text + LAST_WORD)
            reply = OfflineClient().complete(Request("root", ModelSpec("offline/root"), tuple(messages), 9)).text
            self.replies.append(reply)
            note, fence, code = reply.partition("```repl\n")
            if not fence:
                self.answer = note.partition("\nFINAL(")[2].removesuffix(")")
                return
            assert code.count("```") == 1
            self.outputs.append(self.run(code.removesuffix("```"), iteration))
            if self.answer:
                return
            messages += [Message("assistant", reply), Message("user", self.outputs[-1] + "\n\niteration 2/50 | ...")]

    def run(self, code: str, iteration: int) -> str:
        if iteration in self.failing:
            return "ZeroDivisionError: division by zero"
        printed = io.StringIO()
        try:
            with contextlib.redirect_stdout(printed):
                exec(compile(code, "cell", "exec"), self.names)
        except NameError as error:
            if not self.failing:
                raise
            return f"{error}"  # what an earlier cell was to set is missing, as it would be in the REPL
        return printed.getvalue()

    def ask(self, prompts: list[str]) -> list[Reply]:
        if self.asked + len(prompts) > self.subcalls:
            raise SubCallError(f"{self.subcalls - self.asked} sub-calls left")
        self.asked += len(prompts)
        spec = ModelSpec("offline/sub")
        return [
            Reply(OfflineClient().complete(Request("sub", spec, (Message("user", prompt),), 9)).text)
            for prompt in prompts
        ]

    def cite(self, offset: int, quote: str) -> str:
        if not self.context.startswith(quote, offset) or not quote.strip():
            raise ValueError("not there")
        [document] = [each for each in self.names["documents"] if each.start <= offset < each.end]
        return f"{document.path}:{self.context.count(chr(10), document.start, offset) + 1}"

    def report_finding(
        self, rule: str, title: str, message: str, path: str, quote: str, severity: str,
        cwe: str | None = None, confidence: float = 0.5, line: int | None = None,
    ) -> str:  # fmt: skip
        if path == self.refusing:
            raise ValueError(f"this text is not in {path}")
        assert line is not None
        assert quote in self.files[path].split("\n")[line - 1]
        self.findings.append(
            {"rule": rule, "title": title, "place": f"{path}:{line}", "severity": severity, "confidence": confidence}
        )
        return f"verified at {path}:{line}"

    def final(self, answer: str, evidence: list[tuple[int, str]], doubt: str) -> None:
        for offset, quote in evidence:
            self.cite(offset, quote)
        self.answer, self.evidence, self.doubt = answer, evidence, doubt

    def cited_lines(self) -> list[str]:
        """Return what stands in the answer as `path:line: quote`, after looking each up."""
        cited = []
        for line in self.answer.split("\n"):
            path, _, rest = line.partition(":")
            number, _, claim = rest.partition(": ")
            if path in self.files and number.isdigit():
                quote = claim.rpartition(" — ")[0]
                assert quote in self.files[path].split("\n")[int(number) - 1]
                cited.append(f"{path}:{number}")
        assert len(cited) == len(self.evidence)
        return cited


LEASE = (
    "Lease\n\nThe tenant pays the rent monthly.\n"
    + "Nothing of note here.\n" * 50
    + "Late rent bears a penalty of 5 %.\n"
)


def test_a_question_about_a_text_is_answered_with_lines_that_stand_in_it() -> None:
    run = Run("What is the penalty for late rent?", {"lease.txt": LEASE})
    assert run.cited_lines()[0] == "lease.txt:54"
    assert "lease.txt:54: Late rent bears a penalty of 5 %. — penalty, late, rent" in run.answer
    assert len(run.replies) == 3
    assert run.asked > 0


def test_every_answer_says_that_no_language_model_gave_it() -> None:
    for question in ("What is the penalty?", "quantum zebra?", "Any security holes?", "what?"):
        run = Run(question, {"lease.txt": LEASE})
        assert run.answer.startswith("offline profile: no language model")
        assert "nobody has read or judged them" in run.doubt


def test_nothing_found_is_said_with_what_was_searched_for() -> None:
    run = Run("Where is the quantum zebra?", {"lease.txt": LEASE, "b.txt": "other"})
    assert "nothing was found" in run.answer
    assert "quantum, zebra" in run.answer
    assert run.evidence == []


def test_a_question_without_a_searchable_word_shows_how_the_documents_begin() -> None:
    run = Run("What is this?", {"a.py": "\n\nimport os\n", "b.md": "# Title\n"})
    assert run.cited_lines() == ["a.py:3", "b.md:1"]


CODE = {
    "app/views.py": (
        "import os, pickle\n"
        "def run(name):\n"
        "    os.system('ping ' + name)\n"
        "def find(db, name):\n"
        "    return db.execute(f\"SELECT * FROM users WHERE name = '{name}'\")\n"
        "def load(raw):\n"
        "    return pickle.loads(raw)\n"
    ),
    "app/plain.py": "def add(a, b):\n    return a + b\n",
    "settings.py": "password = 'hunter2hunter2'\n# eval(x) was here once\n",
    "tests/test_views.py": "def test_it():\n    eval('1')\n    exec(code)\n",
    "page.js": "box.innerHTML = name;\n",
    "old.c": "void f(char *s) { char b[8]; strcpy(b, s); }\n",
}


def test_a_security_question_finds_risky_constructs_and_says_why() -> None:
    run = Run("Find security vulnerabilities", CODE)
    places = run.cited_lines()
    wanted = ["app/views.py:3", "app/views.py:5", "app/views.py:7", "settings.py:1", "page.js:1", "old.c:1"]
    assert set(wanted) <= set(places)
    assert not any(place.startswith("app/plain.py") or place == "settings.py:2" for place in places)
    assert "CWE-89, SQL put together from strings: injection" in run.answer
    assert places.index("tests/test_views.py:3") > places.index("old.c:1")


def test_a_question_for_one_kind_of_weakness_puts_that_kind_first() -> None:
    assert Run("Is there any SQL injection?", CODE).cited_lines()[0] == "app/views.py:5"


@pytest.mark.parametrize(
    ("question", "text", "line"),
    [
        ("Какая неустойка за просрочку?", "Статья 1\nИной текст\nЗа просрочку взимается неустойка 1 %.\nконец", 3),
        ("违约金是多少？", "第一条 总则\n第二条 逾期付款的违约金为百分之一。\n第三条 其他", 2),
        ("Wie hoch ist die Vertragsstrafe?", "Erstens\nDie Vertragsstrafe beträgt 5 %.\n", 2),
        ("İstanbul fiyatı?", "İİİİ\nAnkara\nİstanbul fiyatı 10 TL\n", 3),
    ],
)
def test_other_languages_work(question: str, text: str, line: int) -> None:
    assert Run(question, {"doc.txt": text}).cited_lines()[0] == f"doc.txt:{line}"


def test_records_of_a_json_lines_file_are_found() -> None:
    rows = "".join(f'{{"id": {n}, "text": "{"refund denied" if n == 77 else "all fine"}"}}\n' for n in range(300))
    assert Run("Which customers were denied a refund?", {"log.jsonl": rows}).cited_lines()[0] == "log.jsonl:78"


def test_an_input_of_one_endless_line_is_quoted_in_part() -> None:
    run = Run("Who owes Dave?", {"stdin": "Alice has paid. " * 5000 + "Carol owes Dave 7. " + "Bob has paid. " * 5000})
    assert run.cited_lines()[0] == "stdin:1"
    assert "Carol owes Dave 7." in run.evidence[0][1]
    assert len(run.evidence[0][1]) < 400


def test_header_lines_between_documents_are_never_cited() -> None:
    run = Run("Where is the timeout?", {"timeout.py": "x = 1\n", "b.py": "timeout = 5\n"})
    assert run.cited_lines() == ["b.py:1"]


@pytest.mark.parametrize("left", [0, 1, 2])
def test_without_enough_subcalls_there_is_still_an_answer_that_says_so(left: int) -> None:
    files = {f"{n}.txt": f"the rent of flat {n}\n" for n in range(8)}
    run = Run("What is the rent?", files, subcalls=left)
    assert len(run.cited_lines()) == 8
    assert run.asked == left
    assert "was not asked about all places" in run.doubt


@pytest.mark.parametrize("last", [1, 2, 3])
def test_a_last_word_answers_with_what_can_be_found_at_once(last: int) -> None:
    run = Run("What is the penalty for late rent?", {"lease.txt": LEASE}, last=last)
    assert run.cited_lines()[0] == "lease.txt:54"
    assert len(run.replies) == last
    assert run.asked == 0


@pytest.mark.parametrize("failing", [{1}, {2}, {3}, {2, 3}])
def test_a_failing_cell_does_not_end_in_nothing(failing: set[int]) -> None:
    run = Run("What is the penalty for late rent?", {"lease.txt": LEASE}, failing=frozenset(failing))
    assert run.cited_lines()[0] == "lease.txt:54"


def test_when_every_cell_fails_the_answer_is_in_prose() -> None:
    run = Run("What is the penalty?", {"lease.txt": LEASE}, failing=frozenset(range(1, 10)))
    assert "no language model" in run.answer
    assert "failed" in run.answer


def test_output_that_speaks_of_a_last_word_is_not_taken_for_it() -> None:
    text = "the last word: answer now\n\nThis is the last word: time is up.\n\nrent is 5\n"
    run = Run("What is the rent, the last word?", {"a.txt": text})
    assert len(run.replies) == 3


def test_the_same_question_gets_the_same_replies() -> None:
    one, other = (Run("Find security vulnerabilities", CODE) for _ in range(2))
    assert one.replies == other.replies
    assert one.answer == other.answer


@settings(max_examples=60, deadline=None)
@given(
    question=st.one_of(
        st.text(max_size=80), st.sampled_from(["```\nFINAL(x)\n```", '\'; evil()\n"""', "\\", "rent\ud800"])
    ),
    files=st.dictionaries(st.sampled_from(["a.txt", "b.py", "c.md"]), st.text(min_size=1, max_size=300), min_size=1),
)
def test_no_question_and_no_text_breaks_it(question: str, files: dict[str, str]) -> None:
    run = Run(question, files)
    assert run.answer.startswith("offline profile: no language model")


def test_the_cells_keep_to_what_the_sandbox_allows() -> None:
    cells = offline_cells
    code = "\n".join([cells.LOOK, cells.SEARCH, cells.ASK, cells.ANSWER, cells.REPORT, cells.GIVE])
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.Import):
            assert {each.name for each in node.names} <= {"bisect", "math", "re"}
        assert not isinstance(node, ast.ImportFrom | ast.AsyncFunctionDef | ast.Global)
        if isinstance(node, ast.Attribute):
            assert not node.attr.startswith("_")
        if isinstance(node, ast.Name):
            assert not node.id.startswith("_")
            assert node.id not in {"eval", "exec", "open", "compile", "globals", "locals", "vars", "input", "type"}


# --- findings -----------------------------------------------------------------------------------------------------

ASKED = "\n\n# Findings\n\nFindings are asked for: report each with report_finding."


def test_findings_that_are_asked_for_are_reported_with_little_confidence() -> None:
    run = Run("What about this code?", CODE, more=ASKED)
    found = {each["place"]: each for each in run.findings}
    assert found["app/views.py:5"] == {
        "rule": "sql-injection",
        "title": "SQL put together from strings: injection",
        "place": "app/views.py:5",
        "severity": "high",
        "confidence": 0.3,
    }
    assert found["app/views.py:3"]["rule"] == "command-injection"
    assert found["app/views.py:3"]["title"] == "Runs a shell command"
    assert {"app/views.py:7", "settings.py:1", "page.js:1", "old.c:1", "tests/test_views.py:3"} <= set(found)
    assert len(found) == len(run.findings)
    assert run.doubt.endswith("judged them.")
    assert run.outputs[-1].startswith("7 risky lines reported as findings, 0 refused, 0 left out")
    assert run.answer.startswith("offline profile: no language model")


def test_fifty_findings_are_the_most_and_how_many_more_there_were_is_said() -> None:
    code = "".join(f"os.system(command + {n})\neval(text_{n})\n" for n in range(40))
    run = Run("Any holes?", {"a.py": code, "tests/b.py": "exec(x)\n"}, more=ASKED)
    assert len({each["place"] for each in run.findings}) == 50
    assert not any(each["place"].startswith("tests/") for each in run.findings), "the best come first"
    assert "50 risky lines reported as findings, 0 refused, 31 left out" in run.outputs[-1]
    assert run.doubt.endswith("judged them. 31 more risky lines were found than are reported as findings.")


def test_a_refused_finding_is_counted_and_stops_nothing() -> None:
    run = Run("Any holes?", CODE, more=ASKED, refusing="settings.py")
    assert len(run.findings) == 6
    assert "6 risky lines reported as findings, 1 refused, 0 left out" in run.outputs[-1]
    assert "settings.py:1: this text is not in settings.py" in run.outputs[-1]
    assert run.doubt.endswith("judged them. 1 risky lines were refused as findings.")
    assert run.answer


def test_findings_are_reported_when_there_are_none_when_a_cell_fails_and_at_the_last_word() -> None:
    assert Run("Any holes?", {"lease.txt": LEASE}, more=ASKED).findings == []
    assert len(Run("Any holes?", CODE, more=ASKED, failing=frozenset({3})).findings) == 7
    assert len(Run("Any holes?", CODE, more=ASKED, last=1).findings) == 7


def test_nothing_is_reported_unless_the_program_asks_for_it() -> None:
    run = Run("Find security vulnerabilities", CODE)
    assert run.findings == []
    assert not any("report_finding" in reply for reply in run.replies)
    assert asks_for_findings(f"# Question\n\nwhat?{ASKED}\n\n# Context\n\nabout it\n\n# Session\n\nlimits")
    sample = "# Session\nFindings are asked for\n"
    assert not asks_for_findings(f"# Question\n\nwhat?\n\n# Context\n\n{sample}\n\n# Session\n\nlimits")


def test_every_risk_is_an_instance_of_a_rule() -> None:
    for risk in RISKS:
        assert risk.rule.id != "other"
        assert risk.rule.category == "security"
        assert risk.rule.cwe == f"CWE-{risk.cwe}" or risk.cwe == 95, "eval is a kind of code injection"


# --- the sub-model ------------------------------------------------------------------------------------------------


def test_the_sub_model_gives_back_lines_unchanged_best_first() -> None:
    prompt = (
        "Question: what is the late rent penalty?\nat most three\n# Lines\n7| rent\n8|   the Late rent penalty  \n9| x"
    )
    assert offline_sub.reply(prompt) == "8|   the Late rent penalty  \n7| rent"


def test_the_sub_model_says_none_where_nothing_fits() -> None:
    assert offline_sub.reply("Question: zebra?\n# Lines\n1| horse") == "none"
    assert offline_sub.reply("") == "none"


def test_the_sub_model_takes_a_free_prompts_first_paragraph_for_the_question() -> None:
    assert offline_sub.reply("Which line speaks of rent?\n\nalpha\nthe rent is 5\nbeta") == "the rent is 5"
    assert offline_sub.reply("Which line speaks of rent?\nalpha\nthe rent is 5") == "the rent is 5"


def test_the_sub_model_judges_no_finding() -> None:
    messages = (Message("system", "You check findings."), Message("user", "Check one finding\n\nos.system(x)"))
    reply = OfflineClient().complete(Request("sub", ModelSpec("offline/sub"), messages, 9))
    assert reply.text == "unsure: offline is no language model"


def test_usage_is_an_estimate_that_costs_nothing() -> None:
    request = Request("sub", ModelSpec("offline/sub"), (Message("user", "rent?\n\n" + "rent " * 14 + "end"),), 9)
    assert OfflineClient().complete(request).usage == Usage(calls=1, input_tokens=20, output_tokens=19, cost_usd=0.0)


# --- words and risks ----------------------------------------------------------------------------------------------


def test_a_question_is_reduced_to_the_words_worth_searching() -> None:
    assert search_words("Where are the timeouts of the connections defined?") == ["timeout", "connection", "defin"]
    assert search_words("What is in 2024 and CVE-2024-1?") == ["2024", "cve", "1"]
    assert search_words("违约金") == ["违约", "约金"]
    assert search_words("") == []


def test_the_question_ends_at_the_next_heading() -> None:
    assert question_of("# Question\n\none\n#two\nthree\n\n# Context\n\n# Question\nno") == "one\n#two\nthree"


@pytest.mark.parametrize(
    ("line", "cwe"),
    [
        ("eval(user_input)", 95),
        ("subprocess.run(cmd, shell=True)", 78),
        ("yaml.load(text)", 502),
        ("cursor.execute('select * from t where a = %s' % name)", 89),
        ('query = "SELECT * FROM t WHERE a = " + name', 89),
        ("sprintf(buffer, s);", 120),
        ("requests.get(url, verify=False)", 295),
        ("API_KEY = 'a8f5f167f44f4964e6c998dee827110c'", 798),
        ("-----BEGIN RSA PRIVATE KEY-----", 798),
        ('claims = jwt.decode(token, options={"verify_signature": False})', 347),
        ("return redirect(request.args['next'])", 601),
        ("ENV FLASK_DEBUG=1", 489),
    ],
)
def test_risky_lines_are_known(line: str, cwe: int) -> None:
    risk = risk_of(line)
    assert risk is not None
    assert risk.cwe == cwe


@pytest.mark.parametrize(
    "line",
    [
        "model.eval()",
        "def eval(self, x):",
        "regex.exec(text)",
        "yaml.load(text, Loader=yaml.SafeLoader)",
        "cursor.execute('select * from t where a = %s', [name])",
        "password = os.environ['PASSWORD']",
        "snprintf(buffer, 8, s);",
        'raise ValueError(f"UPDATE of {name} failed")',
    ],
)
def test_harmless_lines_are_left_alone(line: str) -> None:
    assert risk_of(line) is None


def test_every_pattern_can_match_where_one_of_its_needles_stands() -> None:
    for risk in RISKS:
        assert risk.needles
        assert risk.reason
        assert 1 <= risk.weight <= 3


@pytest.mark.parametrize(
    "question", ["any XSS?", "Audit this code", "where are secrets", "有什么漏洞", "Sicherheitslücken?"]
)
def test_security_questions_are_recognised(question: str) -> None:
    assert about_security(question)


def test_other_questions_are_not_about_security() -> None:
    assert not about_security("Who pays the rent, and what is the source of the water?")
