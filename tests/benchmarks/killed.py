"""Kills a run with SIGKILL at 50 random moments and resumes it: counts what was asked twice, at the server."""

import os
import random
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))
os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"

from support.killing import REQUESTS, WIDTH, kill_and_resume, sittings
from support.quick_start import QuickStart

MOMENTS = 50


def main() -> None:
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 1
    moments = random.Random(seed)
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        os.environ |= {f"XDG_{kind}_HOME": str(home / kind) for kind in ("STATE", "CACHE")}
        os.environ["LOOPBACK_KEY"] = "any"
        with sittings(home) as run, QuickStart() as quick:
            answer = run.begin("-q").out
            repeated = again = equal = ended = 0
            most = 0
            for _ in range(MOMENTS):
                requests, pause = moments.randrange(1, REQUESTS + 1), moments.uniform(0, 0.02)
                killed = kill_and_resume(run, quick, home, requests, pause)
                ended += killed.ended_first
                repeated += killed.repeated
                again += killed.asked_again
                most = max(most, killed.asked_again)
                equal += killed.ended_first or (killed.resumed.code, killed.resumed.out) == (0, answer)
    print(f"seed {seed}: {MOMENTS} runs of {REQUESTS} requests, {WIDTH} wide, killed ({ended} had ended before)")
    print(f"answer the same: {equal}; requests repeated whose reply was on record: {repeated}")
    print(f"others asked again: {again} in all, at most {most} in a run")


if __name__ == "__main__":
    main()
