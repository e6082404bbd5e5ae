"""Help and completion: every command explains itself within 80 columns, with an example that the parser takes."""

import os
import shlex
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
import typer.main
from support.command import rlm

from rlm_cli import __version__
from rlm_cli.cli.app import app


def commands(found: Any, *names: str) -> Iterator[tuple[str, ...]]:
    """Yield the words of every command and group, the program itself as no words."""
    yield names
    for name, below in getattr(found, "commands", {}).items():
        yield from commands(below, *names, name)


ALL = list(commands(typer.main.get_command(app)))


@pytest.mark.parametrize("words", ALL, ids=" ".join)
def test_every_command_has_help_that_fits_a_terminal(words: tuple[str, ...]) -> None:
    ran = rlm(*words, "--help")
    assert ran.code == 0
    assert all(len(line) <= 80 for line in ran.out.splitlines())
    assert "..." not in "".join(line for line in ran.out.splitlines() if "Usage" not in line and "]..." not in line)
    assert rlm(*words, "-h").out == ran.out


@pytest.mark.parametrize("words", [words for words in ALL if words], ids=" ".join)
def test_every_command_shows_an_example_of_itself(words: tuple[str, ...]) -> None:
    command: Any = typer.main.get_command(app)
    for word in words:
        command = command.commands[word]
    if hasattr(command, "commands"):
        return  # a group: its commands have examples
    lines = rlm(*words, "--help").out.partition("Examples:\n")[2].splitlines()
    examples = [line.strip().rpartition("| ")[2].partition(" > ")[0] for line in lines if line.strip()]
    assert examples
    for example in examples:
        program, *arguments = shlex.split(example)
        assert program == "rlm"
        assert tuple(arguments[: len(words)]) == words
        # The parser takes it; nothing is run.
        with command.make_context("rlm", arguments[len(words) :]):
            pass


def test_a_command_or_option_that_does_not_exist_is_exit_2() -> None:
    assert rlm("analyse").code == 2
    assert rlm("doctor", "--verbose").code == 2


def test_the_version() -> None:
    assert rlm("--version").out == f"rlm {__version__}\n"


def completed(words: str) -> set[str]:
    """Return what bash is offered after `words`; the last is what is being typed, "" after a space."""
    typed = words.split(" ")
    environment = {
        **os.environ,
        "_RLM_COMPLETE": "complete_bash",
        "COMP_WORDS": words,
        "COMP_CWORD": str(len(typed) - 1),
    }
    command = [sys.executable, "-c", "from rlm_cli.cli.app import app; app(prog_name='rlm')"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.stderr == ""
    return set(done.stdout.split())


def test_the_shell_is_offered_commands_options_and_profiles() -> None:
    assert {"analyze", "doctor", "profiles"} <= completed("rlm ")
    assert completed("rlm analyze --max-co") == {"--max-cost"}
    assert completed("rlm analyze -p qu") == {"quality"}
    assert completed("rlm profiles show o") == {"offline", "openai"}
    assert completed("rlm analyze -f j") == {"json", "junit"}
