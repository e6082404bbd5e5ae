"""What a run was asked, and of whom: all that is needed to begin it again, and to know that the input is the same."""

import hashlib
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rlm_cli.confinement import Level
from rlm_cli.context import Context
from rlm_cli.errors import InputError
from rlm_cli.plain_files import open_plain
from rlm_cli.plain_values import from_plain, to_plain
from rlm_cli.trajectory.folders import BEGINNING, DRAFT, private_file, run_folder
from rlm_cli.types import Profile, Strategy

FORMAT = 1
_LARGEST = 10_000_000
"""Bytes of the file."""


@dataclass(frozen=True, slots=True)
class Beginning:
    """How a run began."""

    run_id: str
    question: str
    folder: str
    """Where it was started: `inputs` are relative to it."""
    inputs: tuple[str, ...]
    """As they were typed; `-`: stdin, which is not kept."""
    loading: dict[str, Any]
    """The options of loading, without passwords."""
    profile: Profile
    """With prices, windows and limits as they were."""
    require_sandbox: Level | None
    context: str
    """The fingerprint of what was loaded."""
    characters: int
    documents: int
    findings: bool = False
    """They were asked for."""
    verify: bool = True
    """Each is checked by a sub-call."""
    format: int = FORMAT
    version: str = ""
    """Of rlm."""
    redact: bool = True
    """Secrets are hidden from models that are not on this machine."""
    strategy: Strategy = "rlm"
    template: str | None = None
    schema: str | None = None
    """What the answer has to fit."""


def fingerprint(context: Context) -> str:
    """Name a context by its text, its documents and what is marked as changed in them (hex sha256)."""
    rows = [(each.path, each.span.start, each.span.end, each.changed) for each in context.documents]
    return hashlib.sha256(f"{context.sha256} {json.dumps(rows)}".encode()).hexdigest()


def write_beginning(beginning: Beginning) -> None:
    """Write it as a whole or not at all. Raises OSError."""
    path = run_folder(beginning.run_id) / BEGINNING
    draft = path.with_name(DRAFT)
    run = json.dumps(to_plain(beginning), default=str)
    with os.fdopen(private_file(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), "wb") as file:
        file.write(json.dumps({"sha256": _sha256(run), "run": json.loads(run)}, indent=1).encode())
        file.flush()
        os.fsync(file.fileno())  # a name without its content would be all that a power failure leaves
    draft.rename(path)


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def read_beginning(run_id: str) -> Beginning:
    """Return how a recorded run began. Raises InputError where that cannot be read."""
    path: Path = run_folder(run_id) / BEGINNING
    try:
        with open_plain(path) as file:
            content = json.loads(file.read(_LARGEST))
            if content["sha256"] != _sha256(json.dumps(content["run"])):
                raise ValueError("it is not as it was written")
            beginning = from_plain(Beginning, content["run"])
    except FileNotFoundError as error:
        raise InputError(f"the run {run_id} was ended before it began: nothing is on record") from error
    except OSError as error:
        raise InputError(f"cannot read the record {path}: {error.strerror}") from error
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise InputError(f"the record {path} is damaged: {error}") from error
    if beginning.format > FORMAT:
        raise InputError(f"the run {run_id} was recorded by a later version of rlm ({beginning.version})", "update rlm")
    return beginning
