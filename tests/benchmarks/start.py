"""CPU time of `rlm --help` against a bare interpreter."""

import os
import resource
import statistics
import subprocess
import sys

RUNS = 20
HELP = "from rlm_cli.cli.app import app; app()"


def cpu_seconds(arguments: list[str]) -> float:
    """Return the user and system time of one run."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    # Without compiled files every import is parsed again, which no installed program does.
    env = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    subprocess.run([sys.executable, *arguments], env=env, stdout=subprocess.DEVNULL, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> None:
    cpu_seconds(["-c", HELP, "--help"])
    pairs = [(cpu_seconds(["-c", HELP, "--help"]), cpu_seconds(["-c", "pass"])) for _ in range(RUNS)]
    rlm, bare = (statistics.median(each) for each in zip(*pairs, strict=True))
    print(f"rlm --help {rlm * 1000:.0f} ms, python -c pass {bare * 1000:.0f} ms of CPU: {rlm / bare:.1f}x (aim: 8x)")


if __name__ == "__main__":
    main()
