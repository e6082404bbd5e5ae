"""kill -9 at any moment loses nothing that was paid for (tests/benchmarks/killed.py does this 50 times)."""

import random
from pathlib import Path

from support.killing import REQUESTS, WIDTH, kill_and_resume, sittings
from support.quick_start import QuickStart


def test_a_run_that_is_killed_at_any_moment_is_resumed_with_the_same_answer(tmp_path: Path) -> None:
    moments = random.Random(6)
    with sittings(tmp_path) as run, QuickStart() as quick:
        whole = run.begin("-q")
        assert (whole.code, run.asked().total()) == (0, REQUESTS)
        for _ in range(5):
            requests, pause = moments.randrange(1, REQUESTS), moments.uniform(0, 0.02)
            killed = kill_and_resume(run, quick, tmp_path, requests, pause)
            assert not killed.ended_first
            assert (killed.resumed.code, killed.resumed.out) == (0, whole.out), killed.resumed.err
            assert killed.repeated == 0
            assert killed.asked_again <= WIDTH
            assert killed.asked_before <= killed.on_record + WIDTH
