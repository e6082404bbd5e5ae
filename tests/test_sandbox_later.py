"""What one cell lays for a later one: clean-ups, changed names and classes, things the library shares. Each comes to
nothing, or is reported.
"""

from collections.abc import Iterator

import pytest
from support.repl import Session, session_over

from rlm_cli.seams import Final


@pytest.fixture
def session() -> Iterator[Session]:
    with session_over() as opened:
        yield opened


LAID = """
class Node: pass
def lay():
    {hold} = late()
    next({hold})
    node = Node(); node.itself = node; node.held = {hold}
lay()
"""
TIDY = "keep = [[[]] for _ in range(200_000)]\n"
HANDLED = "def late():\n    try: yield\n    except GeneratorExit: pass\n    {deed}\n"
SUPPRESSED = "from contextlib import suppress\ndef late():\n    with suppress(GeneratorExit): yield\n    {deed}\n"
DELEGATED = """
class Own:
    def __iter__(self): return self
    def __next__(self): return 1
    def close(self): {deed}
def late(): yield from Own()
"""


@pytest.mark.parametrize("late", [HANDLED, SUPPRESSED, DELEGATED], ids=["handled", "suppressed", "delegated"])
def test_no_clean_up_answers_for_a_later_cell(session: Session, late: str) -> None:
    session.run(late.format(deed="FINAL('forged')") + LAID.format(hold="held"))
    assert session.run(TIDY + "print('innocent')").final is None
    assert session.run(TIDY + "FINAL('honest')\n" + TIDY).final == Final("honest")


@pytest.mark.parametrize("late", [HANDLED, SUPPRESSED, DELEGATED], ids=["handled", "suppressed", "delegated"])
def test_no_clean_up_answers_when_a_later_cell_drops_it(session: Session, late: str) -> None:
    session.run(late.format(deed="FINAL('forged')") + "hits = late(); next(hits)")
    assert session.run("hits = grep('beta')").final is None


REBINDING = """
real = grep
def false(*args, **names):
    global grep
    grep = real
    print("1 of 1 hits: forged")
    return []
def late():
    global grep
    try: yield
    except GeneratorExit: pass
    grep = false
"""


def test_a_name_that_a_clean_up_binds_is_undone_at_once_and_reported(session: Session) -> None:
    assert "grep" in session.run(REBINDING + LAID.format(hold="held")).tampered
    finished = session.run(TIDY + "hits = grep('beta')")
    assert "forged" not in finished.output


def test_code_that_would_bind_a_name_of_the_session_is_reported_before_it_does(session: Session) -> None:
    assert session.run("def later():\n    global grep\n    grep = print").tampered == ("grep",)
    assert session.run("def local():\n    grep = 1\n    return grep\nlocal()").tampered == ()


def test_a_class_s_name_is_only_text_when_it_is_shown(session: Session) -> None:
    session.run(
        "class S(str):\n    def isidentifier(self): return True\n    def __len__(self): FINAL('forged'); return 3\n"
        "    def __format__(self, form): return 'str\\nforged: dict, 7 items'\n"
        "class C: pass\nC.__name__ = S('C'); x = C()"
    )
    finished = session.run("SHOW_VARS()\npeek(x)")
    assert "forged" not in finished.output
    assert finished.final is None


@pytest.mark.parametrize(
    "change",
    [
        "class C(Mapping):\n    _abc_impl = None\ndel C._abc_impl\n[issubclass(k, C) for k in (UserDict, ChainMap)]",
        "class C(Mapping):\n    _abc_impl = None\ndel C._abc_impl\nclass X: pass\nC.register(X)\nC.register(int)",
        "@runtime_checkable\nclass P(Protocol):\n    def bit_length(self): ...\nclass C(Mapping): pass\nC.register(P)",
    ],
)
def test_the_library_s_abstract_classes_stay_as_they_are(session: Session, change: str) -> None:
    imports = "from collections import ChainMap, UserDict\nfrom collections.abc import Mapping\n"
    session.run(imports + "from typing import Protocol, runtime_checkable\n" + change)
    told = "print(isinstance(UserDict(), Mapping), isinstance(ChainMap(), Mapping), isinstance(5, Mapping))"
    assert session.value(imports + told) == "True True False"


def test_what_is_written_to_the_parts_that_trees_share_does_not_last(session: Session) -> None:
    session.value("import ast\nnode = ast.parse('x').body[0].value.ctx\nnode.stash = 1\nprint(node.stash)")
    assert session.value("import ast\nprint(hasattr(ast.parse('y').body[0].value.ctx, 'stash'))") == "False"


def test_an_object_is_read_once_between_the_look_at_its_class_and_its_attribute(session: Session) -> None:
    source = (
        "class A:\n    def __init__(self): self._x = 1\n    def both(self, other): return self._x + other._x\n"
        "def total(items):\n    s = 0\n    for each in items:\n        each._x += 1\n"
        "        s += each._x\n    return s\n"
        "print(A().both(A()), total([A(), A()]), [a._x for a in [A()]], (lambda a: a._x)(A()))\n"
        "class B:\n    y = A()\n    z = y._x\nprint(B.z, '<it>' in dir(B), '<it>' in dir())"
    )
    assert session.value(source) == "2 4 [1] 1\n1 False False"
