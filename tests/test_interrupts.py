"""Ctrl-C and SIGTERM: what was found is printed, the run can be resumed, and a second one ends the program at once."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.openai_server import Scripted
from support.quick_start import QuickStart, until
from support.sittings import Sittings, cell

LATE = Scripted("late", delay=60)


@pytest.fixture(scope="module")
def quick() -> Iterator[QuickStart]:
    with QuickStart() as started:
        yield started


def interrupt(
    run: Sittings, quick: QuickStart, folder: Path, signals: list[int], *options: str
) -> tuple[int, str, str]:
    """Start a run, send it signals while it waits for sub-calls; return its exit code, stdout and stderr."""
    out, err = folder / "out", folder / "err"
    for file in (out, err):
        file.write_bytes(b"")
    process = quick.start(["analyze", str(run.input), "who pays?", "-p", run.profile, "--no-cache"], out, err)
    until(lambda: run.asked()["c"] > 0)
    for number in signals:
        os.kill(process, number)
    return quick.wait(), out.read_text(), err.read_text()


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Sittings]:
    root: list[str | Scripted] = [
        cell("found = llm_query_batched(['a', 'b'])\ncite('input.txt', 'the tenant pays')"),
        cell("found.append(llm_query('c'))"),
        cell("FINAL(' '.join(found))"),
    ]
    with Sittings(tmp_path, root, lambda prompt: LATE if prompt == "c" else f"re {prompt}") as sittings:
        yield sittings


@pytest.mark.parametrize("signals", [[signal.SIGINT], [signal.SIGTERM], [signal.SIGINT, signal.SIGINT]])
def test_an_interrupted_run_prints_what_is_there_and_can_be_resumed(
    run: Sittings, quick: QuickStart, tmp_path: Path, signals: list[int]
) -> None:
    code, out, err = interrupt(run, quick, tmp_path, signals)
    assert code == 130
    assert "Traceback" not in err
    if len(signals) == 1:
        assert "input.txt:1: the tenant pays" in out
        assert f"to go on: rlm runs resume {run.run_id}\n" in err
        assert err.splitlines()[-1].startswith("interrupted: $")
    run.server.forget()
    run.sub = lambda prompt: f"re {prompt}"
    again = run.resume()
    assert (again.code, again.out.splitlines()[0]) == (0, "re a re b re c")
    assert run.asked() == {"c": 1, "root 6": 1}


def test_nothing_is_sent_after_an_interrupt(run: Sittings, quick: QuickStart, tmp_path: Path) -> None:
    interrupt(run, quick, tmp_path, [signal.SIGINT])
    sent = run.asked()
    assert sent == {"root 2": 1, "a": 1, "b": 1, "root 4": 1, "c": 1}
    assert run.asked() == sent
